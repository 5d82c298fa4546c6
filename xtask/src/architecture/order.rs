//! Inside a crate: a file uses only modules that its root declares before its own.

use std::collections::BTreeMap;

use super::offence::Offence;
use super::path::{Form, Path};
use super::source::Source;
use super::token::Token;

/// Every use of a module by one below it, and every file that stands in no module.
pub(crate) fn offences(place: &str, files: &[Source]) -> Vec<Offence> {
    let roots: Vec<Root<'_>> = files
        .iter()
        .filter(|file| file.module().is_some_and(|module| module.is_empty()))
        .map(Root::of)
        .collect();
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| !file.test) {
        let Some(module) = file.module() else { continue };
        let label = format!("{place}/{}", file.file);
        // A root may use everything; an inline module in it is a module like the others.
        let root = match module.first() {
            None => roots.iter().find(|root| root.file == file.file),
            Some(first) => roots.iter().find(|root| root.rank(first).is_some()),
        };
        match root {
            Some(root) => offences.extend(root.check(&label, &module, &file.paths)),
            None => offences.push(Offence::about(
                &label,
                "no `mod` line of the crate's root leads here".to_owned(),
            )),
        }
    }
    offences
}

/// What `lib.rs` or `main.rs` declares.
struct Root<'a> {
    file: &'a str,
    /// Bottom first.
    modules: Vec<&'a str>,
    /// Names that can be had as `crate::Name`, with the module they come from.
    names: BTreeMap<&'a str, &'a str>,
}

impl<'a> Root<'a> {
    fn of(file: &'a Source) -> Self {
        let modules = modules(&file.tokens);
        let mut names = BTreeMap::new();
        for path in file.paths.iter().filter(|path| path.within.is_empty()) {
            let Form::Use { name, .. } = &path.form else { continue };
            let first = path
                .segments
                .iter()
                .map(|segment| bare(segment))
                .find(|segment| !["crate", "self"].contains(segment));
            if let Some(owner) = first.filter(|first| modules.contains(first)) {
                names.insert(bare(name), owner);
            }
        }
        Self {
            file: &file.file,
            modules,
            names,
        }
    }

    fn rank(&self, module: &str) -> Option<usize> {
        self.modules.iter().position(|name| *name == bare(module))
    }

    fn check(&self, label: &str, module: &[String], paths: &[Path]) -> Vec<Offence> {
        paths
            .iter()
            .filter_map(|path| self.offence(label, module, path))
            .collect()
    }

    fn offence(&self, label: &str, module: &[String], path: &Path) -> Option<Offence> {
        let here: Vec<&str> = module.iter().chain(&path.within).map(|segment| bare(segment)).collect();
        let own = *here.first()?;
        let target = absolute(&here, &path.segments)?;
        let written = path.segments.join("::");
        let Some(first) = target.first() else {
            let glob = matches!(path.form, Form::Glob { .. });
            let text = format!("`{written}::*` takes in the whole crate: name what `{own}` uses");
            return glob.then(|| Offence::at(label, path.line, text));
        };
        let owner = self
            .modules
            .iter()
            .find(|name| *name == first)
            .or_else(|| self.names.get(first))?;
        (self.rank(owner) > self.rank(own)).then(|| {
            let text = format!(
                "`{own}` uses `{owner}` (`{written}`), which {} declares after it",
                self.file
            );
            Offence::at(label, path.line, text)
        })
    }
}

/// The path from the crate's root that a path written `here` means, if it is one of this crate.
fn absolute<'a>(here: &[&'a str], segments: &'a [String]) -> Option<Vec<&'a str>> {
    let mut segments = segments.iter().map(|segment| bare(segment)).peekable();
    let mut target = match *segments.peek()? {
        "crate" => Vec::new(),
        "self" | "super" => here.to_vec(),
        _ => return None,
    };
    for segment in segments {
        match segment {
            "crate" | "self" => {}
            "super" => {
                target.pop()?;
            }
            name => target.push(name),
        }
    }
    Some(target)
}

/// The names in the `mod` lines of a root, in their order.
fn modules(tokens: &[Token]) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut modules = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "mod" if depth == 0 => modules.extend(tokens.get(index + 1).map(|name| bare(&name.text))),
            _ => {}
        }
    }
    modules
}

/// `r#type` is the module `type`.
fn bare(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}
