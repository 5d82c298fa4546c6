//! The official JSON-Schema-Test-Suite, over this crate's own tape. It is not part of this repository: `cargo xtask
//! test` fetches one pinned version of it, and `EVENT_TEST_SCHEMA_SUITE` names its folder.
//!
//! What deviates from the suite stands in [`DEVIATIONS`], with the number of its cases: neither more nor fewer may.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use event_core::json::Document;
use event_core::schema::SchemaErrorCode;
use event_core::{Code, Limits, Payload, Schema};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

const VARIABLE: &str = "EVENT_TEST_SCHEMA_SUITE";

/// The drafts by their folder, and what a schema of theirs says that it is of.
const DRAFTS: [(&str, &str); 5] = [
    ("draft4", "http://json-schema.org/draft-04/schema#"),
    ("draft6", "http://json-schema.org/draft-06/schema#"),
    ("draft7", "http://json-schema.org/draft-07/schema#"),
    ("draft2019-09", "https://json-schema.org/draft/2019-09/schema"),
    ("draft2020-12", "https://json-schema.org/draft/2020-12/schema"),
];

/// How a case comes out other than the suite says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deviation {
    /// The schema is refused.
    Schema(&'static str),
    /// The value is refused before any schema sees it.
    Data(Code),
    /// It is taken, where the suite does not.
    Taken,
    /// It is not taken, where the suite does.
    NotTaken,
}
use Deviation::{Data, NotTaken, Taken};

const REF: Deviation = Deviation::Schema("schema_ref_not_allowed");
const INVALID: Deviation = Deviation::Schema("schema_invalid");

/// File, deviation, the number of its cases in each draft, and why it is as it should be.
#[rustfmt::skip]
const DEVIATIONS: &[(&str, Deviation, [usize; 5], &str)] = &[
    ("refRemote", REF, [17, 23, 23, 31, 31], "nothing is fetched"),
    ("definitions", REF, [2, 2, 2, 0, 0], "the metaschema is another document"),
    ("defs", REF, [0, 0, 0, 2, 2], "the metaschema is another document"),
    ("optional/id", REF, [3, 3, 3, 3, 3], WITHIN),
    ("ref", REF, [10, 24, 32, 32, 30], WITHIN),
    ("anchor", REF, [0, 0, 0, 6, 6], WITHIN),
    ("dynamicRef", REF, [0, 0, 0, 0, 34], WITHIN),
    ("recursiveRef", REF, [0, 0, 0, 4, 0], WITHIN),
    ("unevaluatedItems", REF, [0, 0, 0, 2, 2], WITHIN),
    ("unevaluatedProperties", REF, [0, 0, 0, 2, 2], WITHIN),
    ("optional/dynamicRef", REF, [0, 0, 0, 0, 2], WITHIN),
    ("optional/unknownKeyword", REF, [0, 3, 3, 3, 3], WITHIN),
    ("optional/cross-draft", REF, [0, 0, 2, 3, 1], "a draft of another document"),
    ("optional/format-assertion", REF, [0, 0, 0, 0, 4], "a `$schema` of somebody's own"),
    ("vocabulary", REF, [0, 0, 0, 5, 5], "a `$schema` of somebody's own"),
    ("format", INVALID, [0, 0, 12, 12, 14], UNKNOWN),
    ("optional/format/idn-email", INVALID, [0, 0, 10, 10, 10], UNKNOWN),
    ("optional/format/idn-hostname", INVALID, [0, 0, 64, 65, 65], UNKNOWN),
    ("optional/format/unknown", INVALID, [7, 7, 7, 7, 7], UNKNOWN),
    ("format", NotTaken, [0, 0, 0, 0, 17], "formats are asserted, also where the draft leaves that open"),
    ("optional/bignum", Data(Code::NumberOutOfRange), [7, 7, 7, 7, 7], "an integer has 64 bits"),
    ("optional/zeroTerminatedFloats", Taken, [1, 0, 0, 0, 0], "1.0 is an integer in every draft"),
    ("optional/non-bmp-regex", Data(Code::InvalidKey), [1, 1, 1, 1, 1], "no key is empty"),
    ("const", Data(Code::NulCharacter), [0, 1, 1, 1, 1], "not every database can store U+0000"),
    ("enum", Data(Code::NulCharacter), [1, 1, 1, 1, 1], "not every database can store U+0000"),
];

/// Why most formats that are refused are.
const UNKNOWN: &str =
    "a format that is not known, as `idn-email` and `idn-hostname` are not, is refused: it would check nothing";
/// Why most references that are refused are.
const WITHIN: &str = "a reference is `#`, a pointer behind it, or an anchor: no URI, though it may lead back inside";

#[derive(Deserialize)]
struct Group {
    description: String,
    schema: Value,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    description: String,
    /// As it is written: what `serde_json` makes of large numbers is not what was sent.
    data: Box<RawValue>,
    valid: bool,
}

/// Every file of tests in a folder and the folders in it, by its name seen from there.
fn files(folder: &Path, within: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{within}{}", path.file_stem().unwrap().to_string_lossy());
        if path.is_dir() {
            files(&path, &format!("{name}/"), found);
        } else {
            found.push((name, path));
        }
    }
}

/// What becomes of a value; its verdict is the same on every way there is to ask for it.
fn judge(schema: &Schema, text: &str, at: &str) -> Result<bool, Code> {
    let limits = Limits::default();
    let document = Document::parse(text.as_bytes(), &limits).map_err(|error| error.code)?;
    let allowed = schema.allows(document.root());
    if let Ok(payload) = Payload::parse(text.as_bytes(), &limits) {
        assert_eq!(schema.validate(&payload).is_ok(), allowed, "{at}: its canonical form");
        let surely = schema.surely_allows(text.as_bytes(), &limits);
        assert!(allowed || !surely, "{at}: at a glance");
    }
    Ok(allowed)
}

/// How a case deviates, if it does.
fn deviation(schema: &Result<Schema, SchemaErrorCode>, case: &Case, at: &str) -> Option<Deviation> {
    let schema = match schema {
        Ok(schema) => schema,
        Err(code) => return Some(Deviation::Schema(code.as_str())),
    };
    match judge(schema, case.data.get(), at) {
        Err(code) => Some(Data(code)),
        Ok(allowed) if allowed == case.valid => None,
        Ok(true) => Some(Taken),
        Ok(false) => Some(NotTaken),
    }
}

#[test]
fn the_official_schema_suite() {
    let suite = std::env::var_os(VARIABLE)
        .unwrap_or_else(|| panic!("{VARIABLE} names no folder: run `cargo xtask test`, which fetches the suite"));
    let mut found: BTreeMap<(String, Deviation), [usize; 5]> = BTreeMap::new();
    let mut told = Vec::new();
    for (draft, (folder, name)) in DRAFTS.into_iter().enumerate() {
        let mut all = Vec::new();
        files(&Path::new(&suite).join("tests").join(folder), "", &mut all);
        let (mut cases, mut deviating) = (0, 0);
        for (file, path) in all {
            let groups: Vec<Group> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            for mut group in groups {
                // Schemas of the older drafts do not say what they are.
                if let Value::Object(schema) = &mut group.schema {
                    schema.entry("$schema").or_insert_with(|| name.into());
                }
                let schema = Schema::compile(&group.schema).map_err(|error| error.code);
                for case in &group.tests {
                    let at = format!("{folder}/{file}: {}: {}", group.description, case.description);
                    cases += 1;
                    if let Some(deviation) = deviation(&schema, case, &at) {
                        deviating += 1;
                        found.entry((file.clone(), deviation)).or_default()[draft] += 1;
                        told.push(format!("{deviation:?} {at}"));
                    }
                }
            }
        }
        println!("{folder}: {cases} cases, {deviating} of them as DEVIATIONS says");
        assert!(cases > 500, "{folder}: only {cases} cases");
    }
    let expected: BTreeMap<_, _> = DEVIATIONS
        .iter()
        .map(|(file, deviation, counts, _)| (((*file).to_owned(), *deviation), *counts))
        .collect();
    assert_eq!(expected.len(), DEVIATIONS.len(), "a row comes twice");
    let differ = |key: &(String, Deviation)| expected.get(key) != found.get(key);
    let keys = expected.keys().chain(found.keys()).filter(|key| differ(key));
    let differences: BTreeMap<_, _> = keys.map(|key| (key, (expected.get(key), found.get(key)))).collect();
    assert!(
        differences.is_empty(),
        "what deviates, as the table says and as it is: {differences:#?}\n{}",
        told.join("\n")
    );
}
