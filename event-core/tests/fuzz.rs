//! The targets of `fuzz/`, over their corpus and over changes of it by chance: what `cargo xtask fuzz` searches for with a
//! toolchain that not everybody has must not be found by anybody's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(unreachable_pub, reason = "it is a crate of its own, too")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What grammars care about.
const WORDS: [&str; 24] = [
    "\"",
    "\\",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-0",
    "1e999",
    "0.1",
    "\n",
    "\r\n",
    "\u{feff}",
    "/",
    "~1",
    "&",
    "=",
    "%00",
    "2021-02-29T24:00:00Z",
    "\u{10ffff}",
];

/// A piece is put in the place of others, which may be none.
#[derive(Clone, Debug)]
struct Change {
    at: Index,
    removed: usize,
    put: Vec<u8>,
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|path| fs::read(path).unwrap()).collect()
}

fn changes(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<Change>> + use<> {
    let words = select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec());
    let pieces = (select(seeds.to_vec()), any::<Index>(), 0..20_usize).prop_map(|(seed, at, length)| {
        let start = at.index(seed.len() + 1);
        seed[start..(start + length).min(seed.len())].to_vec()
    });
    let put = prop_oneof![words, pieces, vec(any::<u8>(), 0..4)];
    let change = (any::<Index>(), 0..6_usize, put);
    vec(change.prop_map(|(at, removed, put)| Change { at, removed, put }), 1..6)
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for Change { at, removed, put } in changes {
        let start = at.index(bytes.len() + 1);
        let end = (start + removed).min(bytes.len());
        bytes.splice(start..end, put.iter().copied());
    }
    bytes
}

fn holds(target: &str, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| fuzz::run(target, bytes))).is_ok()
}

#[test]
fn every_target_holds_of_its_corpus() {
    for (target, _) in fuzz::TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 3, "{target}");
        for seed in seeds {
            assert!(holds(target, &seed), "{target}: {}", seed.escape_ascii());
        }
    }
}

#[test]
fn every_target_holds_of_changes_of_its_corpus() {
    for (target, _) in fuzz::TARGETS {
        let seeds = seeds(target);
        let cases = (select(seeds.clone()), changes(&seeds));
        proptest!(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }, |((seed, changes) in cases)| {
            let bytes = changed(seed, &changes);
            prop_assert!(holds(target, &bytes), "{target}: {}", bytes.escape_ascii());
        });
    }
}
