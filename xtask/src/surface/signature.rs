//! Types, generics and bounds, from rustdoc's JSON back to how people write them.

use crate::json::Json;

/// Writes what one crate says of itself.
pub(super) struct Signatures<'a> {
    /// The path of everything that is mentioned, by its id.
    pub(super) paths: &'a Json,
}

impl Signatures<'_> {
    /// A path with its arguments. What is of this crate is known by its last name: where it lies is told once.
    pub(super) fn path(&self, path: &Json) -> String {
        let known = self.paths.get(path.get("id").text());
        let names: Vec<_> = known.get("path").list().iter().map(Json::text).collect();
        let name = match (names.as_slice(), known.get("crate_id").text()) {
            ([], _) => path.get("path").text().to_owned(),
            ([.., last], "0") => (*last).to_owned(),
            // Where the standard library, or another crate of ours, keeps what it shows elsewhere is nobody's business.
            (["std" | "core" | "alloc", module, .., last], _) => format!("std::{module}::{last}"),
            ([own, .., last], _) if own.starts_with("event_") => format!("{own}::{last}"),
            (names, _) => names.join("::"),
        };
        name + &self.arguments(path.get("args"))
    }

    fn arguments(&self, arguments: &Json) -> String {
        match arguments.choice() {
            ("angle_bracketed", it) => {
                let values = it.get("args").list().iter().map(|argument| match argument.choice() {
                    ("lifetime", name) => name.text().to_owned(),
                    ("type", kind) => self.kind(kind),
                    ("const", value) => value.get("expr").text().to_owned(),
                    (other, _) => other.to_owned(),
                });
                let constraints = it.get("constraints").list().iter().map(|constraint| {
                    let name = constraint.get("name").text().to_owned() + &self.arguments(constraint.get("args"));
                    match constraint.get("binding").choice() {
                        ("equality", term) => format!("{name} = {}", self.term(term)),
                        (_, bounds) => format!("{name}: {}", self.bounds(bounds)),
                    }
                });
                let all: Vec<_> = values.chain(constraints).collect();
                if all.is_empty() {
                    String::new()
                } else {
                    format!("<{}>", all.join(", "))
                }
            }
            ("parenthesized", it) => {
                let inputs = self.kinds(it.get("inputs").list());
                format!("({inputs}){}", self.output(it.get("output")))
            }
            _ => String::new(),
        }
    }

    fn term(&self, term: &Json) -> String {
        match term.choice() {
            ("type", kind) => self.kind(kind),
            (_, constant) => constant.get("expr").text().to_owned(),
        }
    }

    fn kinds(&self, kinds: &[Json]) -> String {
        let kinds: Vec<_> = kinds.iter().map(|kind| self.kind(kind)).collect();
        kinds.join(", ")
    }

    /// ` -> T`, or nothing.
    fn output(&self, kind: &Json) -> String {
        if kind.is_null() {
            String::new()
        } else {
            format!(" -> {}", self.kind(kind))
        }
    }

    /// A type.
    pub(super) fn kind(&self, kind: &Json) -> String {
        let (name, it) = kind.choice();
        match name {
            "resolved_path" => self.path(it),
            "generic" | "primitive" => it.text().to_owned(),
            "tuple" => match it.list() {
                [one] => format!("({},)", self.kind(one)),
                kinds => format!("({})", self.kinds(kinds)),
            },
            "slice" => format!("[{}]", self.kind(it)),
            "array" => format!("[{}; {}]", self.kind(it.get("type")), it.get("len").text()),
            "impl_trait" => format!("impl {}", self.bounds(it)),
            "dyn_trait" => {
                let traits = it.get("traits").list().iter().map(|it| {
                    let forall = forall(it.get("generic_params"));
                    forall + &self.path(it.get("trait"))
                });
                let lifetime = it.get("lifetime");
                let all: Vec<_> = traits
                    .chain((!lifetime.is_null()).then(|| lifetime.text().to_owned()))
                    .collect();
                format!("dyn {}", all.join(" + "))
            }
            "borrowed_ref" => {
                let lifetime = match it.get("lifetime").text() {
                    "" => String::new(),
                    name => format!("{name} "),
                };
                let mutable = if it.get("is_mutable").is_true() { "mut " } else { "" };
                format!("&{lifetime}{mutable}{}", self.kind(it.get("type")))
            }
            "raw_pointer" => {
                let mutable = if it.get("is_mutable").is_true() { "mut" } else { "const" };
                format!("*{mutable} {}", self.kind(it.get("type")))
            }
            "qualified_path" => {
                let own = self.kind(it.get("self_type"));
                let rest = it.get("name").text().to_owned() + &self.arguments(it.get("args"));
                let of = it.get("trait");
                if of.is_null() || of.get("path").text().is_empty() {
                    return format!("{own}::{rest}");
                }
                format!("<{own} as {}>::{rest}", self.path(of))
            }
            "function_pointer" => {
                let forall = forall(it.get("generic_params"));
                format!(
                    "{forall}{}fn{}",
                    header(it.get("header")),
                    self.call(it.get("sig"), false)
                )
            }
            // Shown as it is, so that it is seen, and can be given a form.
            other => format!("?{other}?"),
        }
    }

    /// `(a: A) -> B`; the names of arguments are left out, as callers do not write them.
    pub(super) fn call(&self, signature: &Json, method: bool) -> String {
        let inputs = signature.get("inputs").list().iter().map(|input| {
            let [name, kind] = input.list() else {
                return String::new();
            };
            let kind = self.kind(kind);
            match (method && name.text() == "self", kind.as_str()) {
                (true, "Self") => "self".to_owned(),
                (true, "&Self") => "&self".to_owned(),
                (true, "&mut Self") => "&mut self".to_owned(),
                (true, other) => format!("self: {other}"),
                (false, other) => other.to_owned(),
            }
        });
        let inputs: Vec<_> = inputs.collect();
        format!("({}){}", inputs.join(", "), self.output(signature.get("output")))
    }

    /// `A + ?B + 'c`.
    pub(super) fn bounds(&self, bounds: &Json) -> String {
        let each = bounds.list().iter().map(|bound| match bound.choice() {
            ("trait_bound", it) => {
                let modifier = match it.get("modifier").text() {
                    "maybe" => "?",
                    _ => "",
                };
                format!(
                    "{modifier}{}{}",
                    forall(it.get("generic_params")),
                    self.path(it.get("trait"))
                )
            }
            ("outlives", lifetime) => lifetime.text().to_owned(),
            ("use", names) => {
                let names: Vec<_> = names.list().iter().map(|name| name.choice().1.text()).collect();
                format!("use<{}>", names.join(", "))
            }
            (other, _) => format!("?{other}?"),
        });
        each.collect::<Vec<_>>().join(" + ")
    }

    /// `<'a, T: A>`, and ` where …`; what `impl Trait` stands for is in the arguments already.
    pub(super) fn generics(&self, generics: &Json) -> (String, String) {
        let params = generics.get("params").list().iter().filter_map(|param| {
            let name = param.get("name").text();
            match param.get("kind").choice() {
                ("lifetime", it) => {
                    let outlives: Vec<_> = it.get("outlives").list().iter().map(Json::text).collect();
                    Some(joined(name, &outlives.join(" + ")))
                }
                ("type", it) if it.get("is_synthetic").is_true() => None,
                ("type", it) => {
                    let default = it.get("default");
                    let default = if default.is_null() {
                        String::new()
                    } else {
                        format!(" = {}", self.kind(default))
                    };
                    Some(joined(name, &self.bounds(it.get("bounds"))) + &default)
                }
                (_, it) => Some(format!("const {name}: {}", self.kind(it.get("type")))),
            }
        });
        let params: Vec<_> = params.collect();
        let predicates = generics
            .get("where_predicates")
            .list()
            .iter()
            .map(|predicate| match predicate.choice() {
                ("bound_predicate", it) => {
                    let forall = forall(it.get("generic_params"));
                    format!(
                        "{forall}{}: {}",
                        self.kind(it.get("type")),
                        self.bounds(it.get("bounds"))
                    )
                }
                ("lifetime_predicate", it) => {
                    let outlives: Vec<_> = it.get("outlives").list().iter().map(Json::text).collect();
                    format!("{}: {}", it.get("lifetime").text(), outlives.join(" + "))
                }
                (_, it) => format!("{} == {}", self.kind(it.get("lhs")), self.term(it.get("rhs"))),
            });
        let predicates: Vec<_> = predicates.collect();
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("<{}>", params.join(", "))
        };
        let predicates = match predicates.is_empty() {
            true => String::new(),
            false => format!(" where {}", predicates.join(", ")),
        };
        (params, predicates)
    }
}

fn joined(name: &str, bounds: &str) -> String {
    match bounds {
        "" => name.to_owned(),
        bounds => format!("{name}: {bounds}"),
    }
}

/// `for<'a> `, where there is something to say.
fn forall(params: &Json) -> String {
    let names: Vec<_> = params.list().iter().map(|param| param.get("name").text()).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("for<{}> ", names.join(", "))
    }
}

/// `const unsafe async `.
pub(super) fn header(header: &Json) -> String {
    let words = [("is_const", "const "), ("is_unsafe", "unsafe "), ("is_async", "async ")];
    let words = words.into_iter().filter(|(flag, _)| header.get(flag).is_true());
    let mut text: String = words.map(|(_, word)| word).collect();
    match header.get("abi").choice().0 {
        "" | "Rust" => {}
        abi => text += &format!("extern \"{abi}\" "),
    }
    text
}
