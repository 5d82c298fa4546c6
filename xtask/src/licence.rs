//! The licences of everything we build with: each must be one that deny.toml allows.
//!
//! cargo-deny looks at more, and is not everywhere; this takes a second, and nothing but cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::command::{Outcome, cargo, output};

/// A line `name version|licence` for every crate, on any system.
const TREE: [&str; 12] = [
    "tree",
    "--workspace",
    "--all-features",
    "--target",
    "all",
    "--edges",
    "normal,build,dev",
    "--prefix",
    "none",
    "--quiet",
    "--format",
    "{p}|{l}",
];

/// Checks them, and prints which will not do.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let allowed = allowed(&fs::read_to_string(root.join("deny.toml"))?);
    if allowed.is_empty() {
        return Err("deny.toml allows no licence at all: its list was not found".into());
    }
    let tree = output(&mut cargo(root, &TREE))?;
    let crates = crates(&tree);
    let mut refused = 0;
    for (name, licence) in &crates {
        if !Reader::of(licence, &allowed).is_some_and(|mut reader| reader.holds()) {
            refused += 1;
            let licence = if licence.is_empty() { "no licence" } else { licence };
            println!("    {name}: {licence}, which deny.toml does not allow");
        }
    }
    println!(
        "    {} crates, {refused} of them with another licence than deny.toml allows",
        crates.len()
    );
    Ok(refused == 0)
}

/// The list `allow` in the table `[licenses]`.
fn allowed(deny: &str) -> BTreeSet<String> {
    let table = deny.lines().skip_while(|line| *line != "[licenses]").skip(1);
    let list = table
        .take_while(|line| !line.starts_with('['))
        .skip_while(|line| !line.starts_with("allow = ["));
    let list = list.take_while(|line| *line != "]");
    list.filter_map(|line| Some(line.split('"').nth(1)?.to_owned()))
        .collect()
}

/// Name with version, and licence, of the crates of other people: ours are followed by their folder.
fn crates(tree: &str) -> BTreeMap<&str, &str> {
    let lines = tree.lines().filter_map(|line| line.split_once('|'));
    lines
        .filter(|(name, _)| !name.contains(" (/") && !name.contains(":\\"))
        .map(|(name, licence)| (name.trim_end_matches(" (proc-macro)"), licence.trim_end_matches(" (*)")))
        .collect()
}

/// Reads an expression of SPDX: `AND` binds closer than `OR`, which old crates write as a slash.
struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// Nothing for an expression that says nothing.
    fn of(expression: &'a str, allowed: &'a BTreeSet<String>) -> Option<Self> {
        let mut words = Vec::new();
        for word in expression.split_whitespace() {
            let mut from = 0;
            for (at, found) in word.match_indices(['(', ')', '/']) {
                words.push(&word[from..at]);
                words.push(found);
                from = at + found.len();
            }
            words.push(&word[from..]);
        }
        words.retain(|word| !word.is_empty());
        (!words.is_empty()).then_some(Self { words, at: 0, allowed })
    }

    /// Whether the whole of it is allowed; what cannot be read is not.
    fn holds(&mut self) -> bool {
        let holds = self.either();
        holds && self.at == self.words.len()
    }

    fn takes(&mut self, wanted: &[&str]) -> bool {
        let takes = self.words.get(self.at).is_some_and(|word| wanted.contains(word));
        self.at += usize::from(takes);
        takes
    }

    fn either(&mut self) -> bool {
        let mut holds = self.all();
        while self.takes(&["OR", "/"]) {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.takes(&["AND"]) {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.takes(&["("]) {
            let holds = self.either();
            return self.takes(&[")"]) && holds;
        }
        let Some(&licence) = self.words.get(self.at) else {
            // Cut off: the whole is not read then, whatever else would do.
            self.at = usize::MAX;
            return false;
        };
        self.at += 1;
        if !self.takes(&["WITH"]) {
            return self.allowed.contains(licence);
        }
        let exception = self.words.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        self.allowed.contains(&format!("{licence} WITH {exception}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, allowed, crates};

    const DENY: &str = "\
[graph]
allow = [
    \"GPL-3.0\",
]
[licenses]
allow = [
    \"Apache-2.0\",
    \"Apache-2.0 WITH LLVM-exception\", # a comment
    \"MIT\",
]
confidence-threshold = 0.9
[bans]
allow = [
    \"LGPL-3.0\",
]
";

    fn holds(expression: &str) -> bool {
        let allowed = allowed(DENY);
        Reader::of(expression, &allowed).is_some_and(|mut reader| reader.holds())
    }

    #[test]
    fn the_list_is_that_of_the_licences() {
        let list: Vec<_> = allowed(DENY).into_iter().collect();
        assert_eq!(list, ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT"]);
    }

    #[test]
    fn one_of_several_will_do_and_all_of_several_must() {
        for expression in [
            "MIT",
            "MIT/GPL-3.0",
            "GPL-3.0 / MIT",
            "GPL-3.0 OR MIT",
            "(GPL-3.0 OR MIT) AND Apache-2.0",
            "GPL-3.0 OR MIT AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(holds(expression), "{expression}");
        }
        for expression in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND GPL-3.0",
            "MIT WITH LLVM-exception",
            "Apache-2.0 WITH",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "AND",
        ] {
            assert!(!holds(expression), "{expression}");
        }
    }

    #[test]
    fn our_own_crates_are_left_out_and_others_come_once() {
        let tree = "event-core v0.1.0 (/home/me/event/event-core)|MIT OR Apache-2.0\n\
                    memchr v2.8.0|Unlicense OR MIT\nserde_derive v1.0.0 (proc-macro)|MIT\nmemchr v2.8.0|Unlicense OR MIT (*)\n";
        let read: Vec<_> = crates(tree).into_iter().collect();
        assert_eq!(
            read,
            [("memchr v2.8.0", "Unlicense OR MIT"), ("serde_derive v1.0.0", "MIT")]
        );
    }
}
