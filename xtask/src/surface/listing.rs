//! Everything public of a crate, line by line, from what rustdoc says of it.

use std::collections::{BTreeMap, VecDeque};

use super::signature::{Signatures, header};
use crate::json::Json;

/// The lines of a crate, sorted by path.
pub(super) fn lines(document: &Json) -> Vec<String> {
    let root = document.get("root").text();
    let mut listing = Listing {
        index: document.get("index"),
        write: Signatures {
            paths: document.get("paths"),
        },
        places: BTreeMap::new(),
        lines: Vec::new(),
    };
    let name = listing.index.get(root).get("name").text();
    listing.modules(root, name);
    let Listing { mut lines, .. } = listing;
    lines.sort();
    lines.dedup();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What rustdoc says of the fields of a variant, which are as public as the enum is.
const OF_A_VARIANT: &[&str] = &["public", "default"];

struct Listing<'a> {
    index: &'a Json,
    write: Signatures<'a>,
    /// Where an item is told of: the shortest path to it. Elsewhere only that is said.
    places: BTreeMap<String, String>,
    /// With the path that each is sorted by.
    lines: Vec<(String, String)>,
}

impl<'a> Listing<'a> {
    fn line(&mut self, path: &str, line: String) {
        self.lines.push((path.to_owned(), line));
    }

    /// The modules below one, those above first: what can be had by a short path has that one.
    fn modules(&mut self, root: &str, name: &str) {
        let mut open = VecDeque::from([(root.to_owned(), name.to_owned())]);
        while let Some((id, path)) = open.pop_front() {
            let module = self.index.get(&id).get("inner").get("module");
            for item in module.get("items").list() {
                self.member(item.text(), &path, None, &mut open);
            }
        }
    }

    /// One item of a module, perhaps by another name.
    fn member(&mut self, id: &str, within: &str, name: Option<&str>, open: &mut VecDeque<(String, String)>) {
        let item = self.index.get(id);
        let (kind, inner) = item.get("inner").choice();
        let path = format!("{within}::{}", name.unwrap_or_else(|| item.get("name").text()));
        if kind == "use" {
            let target = inner.get("id").text();
            let name = inner.get("name").text();
            if inner.get("is_glob").is_true() {
                self.line(
                    within,
                    format!("pub use {within}::* = {}::*", inner.get("source").text()),
                );
            } else if self.index.get(target).is_null() {
                self.line(
                    within,
                    format!("pub use {within}::{name} = {}", inner.get("source").text()),
                );
            } else {
                self.member(target, within, Some(name), open);
            }
            return;
        }
        // Only `#[macro_export]` brings a macro here, and only `pub` anything else.
        if item.get("visibility").text() != "public" && kind != "macro" {
            return;
        }
        if let Some(known) = self.places.get(id) {
            if *known != path {
                let line = format!("pub use {path} = {known}");
                self.line(&path, line);
            }
            return;
        }
        self.places.insert(id.to_owned(), path.clone());
        if kind == "module" {
            self.line(&path, format!("pub mod {path}"));
            open.push_back((id.to_owned(), path));
            return;
        }
        self.item(item, &path);
    }

    fn item(&mut self, item: &'a Json, path: &str) {
        let (kind, inner) = item.get("inner").choice();
        let mark = marks(item);
        let (params, predicates) = self.write.generics(inner.get("generics"));
        match kind {
            "struct" | "union" => {
                let (shape, fields) = inner.get("kind").choice();
                let fields = match shape {
                    "tuple" => fields.list(),
                    _ => fields.get("fields").list(),
                };
                let shown = self.fields(fields, path, &["public"]);
                let tuple = if shape == "tuple" {
                    format!("({})", shown.join(", "))
                } else {
                    String::new()
                };
                self.line(path, format!("{mark}pub {kind} {path}{params}{tuple}{predicates}"));
                self.impls(inner.get("impls").list(), path);
            }
            "enum" => {
                self.line(path, format!("{mark}pub enum {path}{params}{predicates}"));
                for variant in inner.get("variants").list() {
                    self.variant(variant.text(), path);
                }
                self.impls(inner.get("impls").list(), path);
            }
            "trait" => {
                let bounds = inner.get("bounds");
                let bounds = if bounds.list().is_empty() {
                    String::new()
                } else {
                    format!(": {}", self.write.bounds(bounds))
                };
                let unsafety = if inner.get("is_unsafe").is_true() {
                    "unsafe "
                } else {
                    ""
                };
                self.line(
                    path,
                    format!("{mark}pub {unsafety}trait {path}{params}{bounds}{predicates}"),
                );
                for member in inner.get("items").list() {
                    self.associated(member.text(), path, "");
                }
            }
            "function" => {
                let (start, end) = (header(inner.get("header")), self.write.call(inner.get("sig"), false));
                self.line(path, format!("{mark}pub {start}fn {path}{params}{end}{predicates}"));
            }
            "type_alias" => {
                let target = self.write.kind(inner.get("type"));
                self.line(path, format!("pub type {path}{params} = {target}{predicates}"));
            }
            "constant" => {
                let kind = self.write.kind(inner.get("type"));
                self.line(path, format!("pub const {path}: {kind}"));
            }
            "static" => {
                let kind = self.write.kind(inner.get("type"));
                self.line(path, format!("pub static {path}: {kind}"));
            }
            "macro" => self.line(path, format!("pub macro {path}!")),
            other => self.line(path, format!("pub {other} {path}")),
        }
    }

    /// Writes the fields that have a name, and answers all of them as those of a tuple.
    fn fields(&mut self, fields: &[Json], path: &str, public: &[&str]) -> Vec<String> {
        let mut shown = Vec::new();
        for field in fields {
            let field = self.index.get(field.text());
            let name = field.get("name").text();
            if !public.contains(&field.get("visibility").text()) {
                shown.push("_".to_owned());
                continue;
            }
            let kind = self.write.kind(field.get("inner").get("struct_field"));
            if name.parse::<usize>().is_err() {
                let path = format!("{path}::{name}");
                let line = format!("pub {path}: {kind}");
                self.line(&path, line);
            }
            shown.push(kind);
        }
        shown
    }

    fn variant(&mut self, id: &str, of: &str) {
        let variant = self.index.get(id);
        let path = format!("{of}::{}", variant.get("name").text());
        let (shape, fields) = variant.get("inner").get("variant").get("kind").choice();
        let tuple = match shape {
            "tuple" => format!("({})", self.fields(fields.list(), &path, OF_A_VARIANT).join(", ")),
            "struct" => {
                self.fields(fields.get("fields").list(), &path, OF_A_VARIANT);
                " { … }".to_owned()
            }
            _ => String::new(),
        };
        let line = format!("{}pub {path}{tuple}", marks(variant));
        self.line(&path, line);
    }

    /// What a type has of its own, and which traits it has. Those that everything has are left out; of those that the
    /// compiler finds, it is said where it finds them not.
    fn impls(&mut self, impls: &[Json], path: &str) {
        for id in impls {
            let block = self.index.get(id.text()).get("inner").get("impl");
            let of = block.get("trait");
            let negative = block.get("is_negative").is_true();
            let everybodys = !block.get("blanket_impl").is_null();
            if everybodys || (block.get("is_synthetic").is_true() && !negative) {
                continue;
            }
            if of.is_null() {
                // A method of `Thing<u8>` is none of every `Thing`.
                let whose = self.write.kind(block.get("for"));
                let whose = whose.find('<').map_or("", |at| &whose[at..]);
                for member in block.get("items").list() {
                    self.associated(member.text(), path, whose);
                }
                continue;
            }
            let not = if negative { "!" } else { "" };
            let name = self.write.path(of);
            let whose = self.write.kind(block.get("for"));
            let (params, predicates) = self.write.generics(block.get("generics"));
            // Freeze, UnwindSafe, StructuralPartialEq and the like are the compiler's.
            let compilers = negative && !["Send", "Sync"].iter().any(|known| name.ends_with(known));
            if compilers || name.ends_with("::StructuralPartialEq") {
                continue;
            }
            self.line(path, format!("impl{params} {not}{name} for {whose}{predicates}"));
        }
    }

    /// A function, constant or type of a type or a trait.
    fn associated(&mut self, id: &str, of: &str, whose: &str) {
        let item = self.index.get(id);
        let (kind, inner) = item.get("inner").choice();
        // Those of a trait are as public as the trait is.
        if !["public", "default"].contains(&item.get("visibility").text()) {
            return;
        }
        let name = item.get("name").text();
        let path = format!("{of}::{name}");
        let shown = format!("{of}{whose}::{name}");
        let (params, predicates) = self.write.generics(inner.get("generics"));
        let line = match kind {
            "function" => {
                let (start, end) = (header(inner.get("header")), self.write.call(inner.get("sig"), true));
                format!("{}pub {start}fn {shown}{params}{end}{predicates}", marks(item))
            }
            "assoc_const" => format!("pub const {shown}: {}", self.write.kind(inner.get("type"))),
            "assoc_type" => format!(
                "pub type {shown}{params}: {}{predicates}",
                self.write.bounds(inner.get("bounds"))
            ),
            other => format!("pub {other} {shown}"),
        };
        self.line(&path, line);
    }
}

/// What users have to know of an item beside its signature.
fn marks(item: &Json) -> String {
    let mut marks = String::new();
    let attributes = item.get("attrs").list();
    let has = |name: &str| {
        let mut names = attributes.iter().map(|it| it.choice().0);
        names.any(|text| text == name || text == format!("#[{name}]"))
    };
    if has("non_exhaustive") {
        marks += "#[non_exhaustive] ";
    }
    if !item.get("deprecation").is_null() {
        marks += "#[deprecated] ";
    }
    marks
}
