//! Paths such as `crate::json::Payload` wherever they stand: in `use` groups, in code, in macro calls.

use super::token::Token;

/// One path, a `use` group being written out as several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// The inline modules (`mod x { … }`) of the file around it, outermost first.
    pub(crate) within: Vec<String>,
    pub(crate) form: Form,
}

/// How a path stands in the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Somewhere in code.
    Inline,
    /// In a `use`, under this name.
    Use { name: String, exported: bool },
    /// In a `use`, everything below it.
    Glob { exported: bool },
}

/// Every path of two words or more, and every `use`.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut reader = Reader {
        tokens,
        at: 0,
        within: Vec::new(),
        depth: 0,
        paths: Vec::new(),
    };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.paths
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Inline modules, each with the depth of braces outside it.
    within: Vec<(String, usize)>,
    depth: usize,
    paths: Vec<Path>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let Some(token) = self.tokens.get(self.at) else { return };
        match token.text.as_str() {
            "{" => self.depth += 1,
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.within.retain(|(_, outside)| *outside < self.depth);
            }
            "mod" if self.text(2) == "{" => {
                self.within.push((self.text(1).to_owned(), self.depth));
                self.at += 1;
            }
            // `use<'a>` says which lifetimes are captured.
            "use" if self.text(1) != "<" => {
                let exported = self.at > 0 && self.tokens[self.at - 1].text == "pub";
                self.at += 1;
                self.tree(&[], exported);
                return;
            }
            _ if token.is_word() && self.text(1) == "::" => return self.inline(),
            _ => {}
        }
        self.at += 1;
    }

    /// The text of the token so many ahead, empty past the end.
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn is_word(&self) -> bool {
        self.tokens.get(self.at).is_some_and(Token::is_word)
    }

    fn line(&self) -> usize {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(0, |token| token.line)
    }

    fn push(&mut self, segments: Vec<String>, line: usize, form: Form) {
        let within = self.within.iter().map(|(name, _)| name.clone()).collect();
        self.paths.push(Path {
            segments,
            line,
            within,
            form,
        });
    }

    fn inline(&mut self) {
        let line = self.line();
        let mut segments = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" {
            self.at += 1;
            if !self.is_word() {
                break;
            }
            segments.push(self.text(0).to_owned());
            self.at += 1;
        }
        self.push(segments, line, Form::Inline);
    }

    /// One tree of a `use`: `a::b as c`, `a::*` or `a::{…}`.
    fn tree(&mut self, prefix: &[String], exported: bool) {
        let mut segments = prefix.to_vec();
        let line = self.line();
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => return self.group(&segments, exported),
                "*" => {
                    self.at += 1;
                    return self.push(segments, line, Form::Glob { exported });
                }
                "as" => {
                    let name = self.text(1).to_owned();
                    self.at += 2;
                    return self.leaf(segments, line, Some(name), exported);
                }
                _ if self.is_word() => {
                    segments.push(self.text(0).to_owned());
                    self.at += 1;
                }
                _ => return self.leaf(segments, line, None, exported),
            }
        }
    }

    fn group(&mut self, prefix: &[String], exported: bool) {
        self.at += 1;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "}" => {
                    self.at += 1;
                    return;
                }
                "," => self.at += 1,
                _ => {
                    let before = self.at;
                    self.tree(prefix, exported);
                    // Not `use` syntax after all (a macro's pattern): step over it rather than stand still.
                    self.at = self.at.max(before + 1);
                }
            }
        }
    }

    fn leaf(&mut self, mut segments: Vec<String>, line: usize, name: Option<String>, exported: bool) {
        // `a::{self}` names `a`.
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let Some(last) = segments.last() else { return };
        let name = name.unwrap_or_else(|| last.clone());
        self.push(segments, line, Form::Use { name, exported });
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::{Form, paths};

    fn found(text: &str) -> Vec<String> {
        paths(&tokens(text))
            .into_iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn groups_are_written_out() {
        let text = "use crate::{a, b::{self, C as D}, super::e::*};";
        assert_eq!(found(text), ["crate::a", "crate::b", "crate::b::C", "crate::super::e"]);
        assert_eq!(found("use {crate::a, ::std::env};"), ["crate::a", "std::env"]);
    }

    #[test]
    fn code_and_macro_calls_are_searched() {
        let text = "fn f(x: &crate::a::B) -> Vec<super::c::D> { json!({ \"k\": crate::e::f::<crate::g::H>(x) }) }";
        assert_eq!(
            found(text),
            ["crate::a::B", "super::c::D", "crate::e::f", "crate::g::H"]
        );
        assert_eq!(
            found("pub(crate) fn f<'a>() -> impl Sized + use<'a> { pub(in crate::a) }"),
            ["crate::a"]
        );
    }

    #[test]
    fn inline_modules_are_remembered_until_they_close() {
        let text = "mod a { mod b { use super::x; } use super::y; } use super::z;";
        let within: Vec<Vec<String>> = paths(&tokens(text)).into_iter().map(|path| path.within).collect();
        assert_eq!(
            within,
            [vec!["a".to_owned(), "b".to_owned()], vec!["a".to_owned()], vec![]]
        );
    }

    #[test]
    fn names_and_exports_are_told_apart() {
        let text = "pub use a::B as C; use d::E; pub(crate) use f::G; pub use h::*;";
        let forms: Vec<Form> = paths(&tokens(text)).into_iter().map(|path| path.form).collect();
        let named = |name: &str, exported| Form::Use {
            name: name.to_owned(),
            exported,
        };
        assert_eq!(
            forms,
            [
                named("C", true),
                named("E", false),
                named("G", false),
                Form::Glob { exported: true }
            ]
        );
    }
}
