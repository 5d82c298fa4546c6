//! The Rust files of a crate, read once, the parts that only tests compile set aside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path as FsPath;

use super::path::{Path, paths};
use super::token::{Token, tokens};
use crate::command::Outcome;

/// One file.
pub(crate) struct Source {
    /// Below the crate's folder, with `/`: `src/json/parse.rs`.
    pub(crate) file: String,
    /// Without what only tests compile.
    pub(crate) tokens: Vec<Token>,
    pub(crate) paths: Vec<Path>,
    /// Lines, those of tests not counted.
    pub(crate) lines: usize,
    /// Whether only tests compile the file.
    pub(crate) test: bool,
}

impl Source {
    /// Where the file stands in the tree of modules: `src/a/b.rs` is `a::b`, `src/lib.rs` and `src/main.rs` the root.
    /// Nothing for files outside `src`, and for programs of their own in `src/bin`.
    pub(crate) fn module(&self) -> Option<Vec<String>> {
        let inside = self.file.strip_prefix("src/")?.strip_suffix(".rs")?;
        let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
        if module == ["lib"] || module == ["main"] || module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        (module.first().is_none_or(|first| first != "bin")).then_some(module)
    }
}

/// Reads every `.rs` file below a crate's folder, in order of path; other crates below it are left out.
pub(crate) fn read(folder: &FsPath) -> Outcome<Vec<Source>> {
    let mut files = Vec::new();
    walk(folder, "", &mut files)?;
    files.sort();
    let mut sources = Vec::new();
    let mut test_modules = BTreeSet::new();
    for file in files {
        let (source, only_tests) = parse(&file, &fs::read_to_string(folder.join(&file))?);
        if let Some(module) = source.module() {
            test_modules.extend(only_tests.into_iter().map(|name| [module.clone(), vec![name]].concat()));
        }
        sources.push(source);
    }
    for source in &mut sources {
        let module = source.module().unwrap_or_default();
        source.test |= (1..=module.len()).any(|length| test_modules.contains(&module[..length]));
    }
    Ok(sources)
}

fn walk(folder: &FsPath, below: &str, files: &mut Vec<String>) -> Outcome<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            let foreign = name == "target" || name.starts_with('.') || entry.path().join("Cargo.toml").exists();
            if !foreign {
                walk(folder, &path, files)?;
            }
        } else if FsPath::new(&name)
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The file, and the names of the modules it declares for tests only.
fn parse(file: &str, text: &str) -> (Source, Vec<String>) {
    let all = tokens(text);
    let mut kept = Vec::new();
    let mut only_tests = Vec::new();
    let mut lines = text.lines().count();
    let mut test = file.starts_with("tests/");
    let mut at = 0;
    while at < all.len() {
        let inner = all.get(at + 1).is_some_and(|token| token.text == "!");
        match test_attribute(&all[at..]) {
            Some(_) if inner => {
                test = true;
                break;
            }
            Some(attribute) => {
                let item = item(&all[at + attribute..]);
                let end = at + attribute + item;
                only_tests.extend(declared_module(&all[at + attribute..end]));
                lines -= all[end - 1].line - all[at].line + 1;
                at = end;
            }
            None => {
                kept.push(all[at].clone());
                at += 1;
            }
        }
    }
    let paths = paths(&kept);
    (
        Source {
            file: file.to_owned(),
            tokens: kept,
            paths,
            lines,
            test,
        },
        only_tests,
    )
}

/// How many tokens `#[cfg(test)]` takes, or `#![cfg(test)]` or `#[cfg(all(test, …))]`, if they begin with it.
fn test_attribute(tokens: &[Token]) -> Option<usize> {
    tokens.first().filter(|token| token.text == "#")?;
    let texts = tokens.iter().map(|token| token.text.as_str());
    let length = tokens.iter().position(|token| token.text == "]")? + 1;
    let attribute: Vec<&str> = texts.take(length).filter(|text| *text != "!").collect();
    let only_tests = match attribute[..] {
        ["#", "[", "cfg", "(", "test", ")", "]"] => true,
        ["#", "[", "cfg", "(", "all", "(", ref conditions @ .., ")", ")", "]"] => {
            conditions.contains(&"test") && !conditions.iter().any(|word| ["any", "not"].contains(word))
        }
        _ => false,
    };
    only_tests.then_some(length)
}

/// How many tokens the item after an attribute takes: up to its `;` or the end of its block.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    let mut import = false;
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "use" if depth == 0 => import = true,
            ";" if depth == 0 => return index + 1,
            "(" | "[" | "{" => depth += 1,
            // The end of what is around it: the attribute stood on a field or an argument.
            ")" | "]" | "}" if depth == 0 => return index,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 && !import {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The name in `mod name;`.
fn declared_module(item: &[Token]) -> Option<String> {
    match item {
        [.., word, name, end] if word.text == "mod" && end.text == ";" => Some(name.text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn kept(text: &str) -> String {
        let (source, _) = parse("src/a.rs", text);
        source
            .tokens
            .into_iter()
            .map(|token| token.text)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_only_tests_compile_is_set_aside() {
        assert_eq!(
            kept("fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {}"),
            "fn a ( ) { } fn c ( ) { }"
        );
        assert_eq!(kept("#[cfg(test)] use crate::{x, y}; fn c() {}"), "fn c ( ) { }");
        assert_eq!(
            kept("#[cfg(test)] #[allow(dead_code)] const X: [u8; 2] = [0; 2]; fn c() {}"),
            "fn c ( ) { }"
        );
        assert_eq!(
            kept("#[cfg(all(test, feature = \"x\"))] fn b() {} fn c() {}"),
            "fn c ( ) { }"
        );
        assert_eq!(
            kept("struct S { #[cfg(test)] seen: u8 } fn c() {}"),
            "struct S { } fn c ( ) { }"
        );
    }

    #[test]
    fn what_others_compile_too_is_kept() {
        for text in [
            "#[cfg(not(test))] fn a() {}",
            "#[cfg(any(test, feature = \"x\"))] fn a() {}",
            "#[test] fn a() {}",
        ] {
            assert!(kept(text).ends_with("fn a ( ) { }"), "{text}");
        }
    }

    #[test]
    fn lines_of_tests_are_not_counted() {
        let (source, _) = parse(
            "src/a.rs",
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n// end\n",
        );
        assert_eq!(source.lines, 3);
    }

    #[test]
    fn files_of_tests_are_known() {
        assert!(parse("src/a.rs", "#![cfg(test)]\nfn a() {}").0.test);
        assert!(parse("tests/http.rs", "fn a() {}").0.test);
        assert_eq!(parse("src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}").1, ["tests"]);
    }

    #[test]
    fn a_file_has_its_place_among_the_modules() {
        let module = |file: &str| parse(file, "").0.module().map(|module| module.join("::"));
        assert_eq!(module("src/lib.rs").as_deref(), Some(""));
        assert_eq!(module("src/json/parse.rs").as_deref(), Some("json::parse"));
        assert_eq!(module("src/bin/tool.rs"), None);
        assert_eq!(module("benches/append.rs"), None);
    }
}
