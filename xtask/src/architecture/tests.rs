//! Each rule is seen to fail on a workspace that breaks it, and the real one is seen to break none.

use super::fixture::Fixture;
use super::rules::{LAYERS, Layer, MOST_LINES, MOST_NAMES};
use super::{offences, tree};

/// What the whole check says about a workspace of these files.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let fixture = Fixture::new(files);
    let offences = offences(fixture.root()).expect("the fixture can be read");
    offences.iter().map(ToString::to_string).collect()
}

fn layer(name: &str) -> &'static Layer {
    LAYERS
        .iter()
        .find(|layer| layer.name == name)
        .expect("a layer of the table")
}

#[test]
fn this_workspace_keeps_its_own_rules() {
    let offences = offences(crate::root()).expect("the workspace can be read");
    let list: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{}\n", list.join("\n"));
}

#[test]
fn a_lower_file_that_uses_an_upper_one_is_found() {
    let root = "mod lower;\nmod upper;\npub use upper::Upper;\n";
    let upper = "pub struct Upper;\npub(crate) fn go() {}\nuse crate::lower::fine;\n";
    let found = |lower: &str| {
        said(&[
            ("a/src/lib.rs", root),
            ("a/src/upper.rs", upper),
            ("a/src/lower.rs", lower),
        ])
        .join("; ")
    };
    let expect = |lower: &str, line: usize, written: &str| {
        let expected =
            format!("a/src/lower.rs:{line}: `lower` uses `upper` (`{written}`), which src/lib.rs declares after it");
        assert_eq!(found(lower), expected, "{lower}");
    };
    expect("\nuse crate::upper::go;", 2, "crate::upper::go");
    expect("use crate::{\n    upper,\n};", 2, "crate::upper");
    expect("use super::upper::go;", 1, "super::upper::go");
    expect("fn f() { crate::upper::go() }", 1, "crate::upper::go");
    expect("fn f() -> Vec<super::Upper> { vec![] }", 1, "super::Upper");
    expect("fn f() { assert!(crate::Upper == 1) }", 1, "crate::Upper");
    expect(
        "mod inner { use super::super::upper::go; }",
        1,
        "super::super::upper::go",
    );
    expect(
        "macro_rules! m { () => { $crate::upper::go() } }",
        1,
        "crate::upper::go",
    );
    expect("#[cfg(not(test))] use crate::upper::go;", 1, "crate::upper::go");
    assert!(found("use crate::*;").contains("takes in the whole crate"));
    assert!(found("use super::*;").contains("takes in the whole crate"));

    for fine in [
        "use crate::lower::own;",
        "use std::upper::go;",
        "// crate::upper\nfn f() -> &'static str { \"crate::upper\" }",
        "#[cfg(test)]\nmod tests { use crate::upper::go; }",
        "mod inner { use super::*; }",
        "fn f() { let upper = 1; upper; self::upper() }",
    ] {
        assert_eq!(found(fine), "", "{fine}");
    }
}

#[test]
fn a_file_below_a_folder_stands_where_its_folder_stands() {
    let files = [
        ("a/src/lib.rs", "mod lower;\nmod upper;\n"),
        ("a/src/upper.rs", ""),
        ("a/src/lower.rs", "mod deep;\n#[cfg(test)]\nmod tests;\n"),
        ("a/src/lower/deep.rs", "use super::super::upper;\nuse super::other;\n"),
        ("a/src/lower/tests.rs", "use crate::upper;\n"),
    ];
    let expected =
        "a/src/lower/deep.rs:1: `lower` uses `upper` (`super::super::upper`), which src/lib.rs declares after it";
    assert_eq!(said(&files), [expected]);
}

#[test]
fn a_program_has_its_own_order() {
    let files = [
        ("a/src/lib.rs", "pub mod routes;\n"),
        ("a/src/routes.rs", ""),
        ("a/src/main.rs", "mod parse;\nmod serve;\nfn main() { serve::run() }\n"),
        ("a/src/parse.rs", "use crate::serve::run;\n"),
        ("a/src/serve.rs", "use crate::parse;\n"),
        ("a/src/stray.rs", ""),
    ];
    assert_eq!(
        said(&files),
        [
            "a/src/parse.rs:1: `parse` uses `serve` (`crate::serve::run`), which src/main.rs declares after it",
            "a/src/stray.rs: no `mod` line of the crate's root leads here",
        ]
    );
}

#[test]
fn a_tree_with_a_runtime_is_refused() {
    let tree = "event-core v0.1.0 (/home/me/event/event-core)\nserde v1.0.229\njsonschema v0.60.2\n\
                tokio v1.54.1\nbytes v1.12.1\nserde v1.0.229 (*)\ntokio v1.54.1 (*)\n";
    let said: Vec<String> = tree::forbidden(layer("event-core"), tree)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        said,
        ["event-core: pulls in tokio v1.54.1: `cargo tree -p event-core -e normal -i tokio` shows how"]
    );
    assert!(tree::forbidden(layer("event-core"), "event-core v0.1.0 (/x)\nserde v1.0.229\n").is_empty());
}

#[test]
fn every_arrow_of_the_table_is_kept() {
    for (name, pulled) in [
        ("event-core", "async-trait"),
        ("event-core", "futures-core"),
        ("event-core", "rustls-webpki"),
        ("event-core", "event-store"),
        ("event-store", "axum-core"),
        ("event-store", "event-server"),
        ("event-client", "sqlx-core"),
        ("event-client", "event-store"),
        ("event-server", "pyo3-ffi"),
    ] {
        let tree = format!("{name} v0.1.0 (/x)\n{pulled} v9.9.9\n");
        assert_eq!(tree::forbidden(layer(name), &tree).len(), 1, "{name} {pulled}");
    }
}

#[test]
fn cargo_itself_is_asked_what_a_crate_pulls_in() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}\n");
    let optional =
        "[features]\nfast = [\"dep:between\"]\n[dependencies]\nbetween = { path = \"../between\", optional = true }";
    let features = "[features]\nresolve-http = []\nall = [\"arbitrary_precision\"]\narbitrary_precision = []";
    let for_tests = "[dev-dependencies]\n\
                     jsonschema = { path = \"../jsonschema\", features = [\"resolve-http\"] }\n\
                     serde_json = { path = \"../serde_json\", features = [\"all\"] }";
    let said = said(&[
        ("event-core/Cargo.toml", &manifest("event-core", optional)),
        ("event-core/src/lib.rs", ""),
        (
            "between/Cargo.toml",
            &manifest("between", "[dependencies]\ntokio.path = \"../tokio\""),
        ),
        ("between/src/lib.rs", ""),
        ("tokio/src/lib.rs", ""),
        ("peer/Cargo.toml", &manifest("peer", for_tests)),
        ("peer/src/lib.rs", ""),
        ("jsonschema/Cargo.toml", &manifest("jsonschema", features)),
        ("jsonschema/src/lib.rs", ""),
        ("serde_json/Cargo.toml", &manifest("serde_json", features)),
        ("serde_json/src/lib.rs", ""),
    ]);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("event-core: pulls in tokio v0.0.0"), "{said:?}");
    assert!(
        said[1].starts_with("jsonschema: the feature `resolve-http` is on"),
        "{said:?}"
    );
    assert!(
        said[2].starts_with("serde_json: the feature `arbitrary_precision` is on"),
        "{said:?}"
    );
}

#[test]
fn a_tree_over_its_limit_is_refused() {
    let tree = |count: usize| {
        (0..count)
            .map(|n| format!("c{n} v1.0.0\nc{n} v1.0.0 (*)\n"))
            .collect::<String>()
    };
    let core = layer("event-core");
    let most = core.most_crates.expect("a limit");
    assert!(tree::too_many(core, &tree(most)).is_none());
    let said = tree::too_many(core, &tree(most + 1)).expect("an offence").to_string();
    assert_eq!(said, "event-core: its users must build 90 crates, more than 89");
}

#[test]
fn forbidden_features_are_found_in_any_crate() {
    let tree = "serde_json feature \"raw_value\"\nserde_json feature \"arbitrary_precision\" (*)\n\
                jsonschema feature \"resolve-file\" (command-line)\nsqlx feature \"sqlite-unbundled\"\nsqlx v0.9.0\n";
    let said: Vec<String> = tree::features(tree).iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said[0].starts_with("jsonschema: the feature `resolve-file` is on"),
        "{said:?}"
    );
}

#[test]
fn names_that_say_nothing_are_refused() {
    let files = [
        (
            "a/src/lib.rs",
            "mod sql_utils;\nmod types;\nmod event_type;\nmod room;\n",
        ),
        ("a/src/sql_utils.rs", ""),
        ("a/src/types.rs", ""),
        ("a/src/event_type.rs", ""),
        ("a/src/room/mod.rs", ""),
        ("a/tests/common/ports.rs", ""),
    ];
    let said = said(&files);
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(
        said[0].starts_with("a/src/room/mod.rs: a `mod.rs` hides its name"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("a/src/sql_utils.rs: the name `sql_utils` says nothing"),
        "{said:?}"
    );
    assert!(said[2].starts_with("a/src/types.rs"), "{said:?}");
    assert!(
        said[3].starts_with("a/tests/common/ports.rs: the name `common`"),
        "{said:?}"
    );
}

#[test]
fn long_files_are_refused_but_their_tests_do_not_count() {
    let code = "// line\n".repeat(MOST_LINES);
    let with_tests = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
    let too_long = format!("{code}// one more\n");
    let files = [
        ("a/src/lib.rs", "mod fine;\nmod long;\n"),
        ("a/src/fine.rs", &with_tests),
        ("a/src/long.rs", &too_long),
        ("a/tests/long.rs", &too_long),
    ];
    assert_eq!(
        said(&files),
        ["a/src/long.rs: 501 lines without its tests, more than 500"]
    );
}

#[test]
fn a_crate_offers_few_names_and_names_them() {
    let uses: String = (0..MOST_NAMES).map(|n| format!("pub use a::N{n};\n")).collect();
    let full = format!("mod a;\n{uses}pub(crate) use a::Inner;\nuse a::Own;\n");
    assert_eq!(said(&[("a/src/lib.rs", &full), ("a/src/a.rs", "")]), [""; 0]);
    let over = format!("pub mod b;\n{full}pub use b::More;\n");
    let files = [
        ("a/src/lib.rs", over.as_str()),
        ("a/src/a.rs", ""),
        ("a/src/b.rs", "\npub use std::fmt::*;\n"),
    ];
    assert_eq!(
        said(&files),
        [
            "a/src/b.rs:2: `pub use std::fmt::*` exports what nobody named",
            "a/src/lib.rs: 26 names at the crate's root, more than 25",
        ]
    );
}

#[test]
fn reserved_words_stay_in_their_room() {
    let backend = "use sea_orm::{DbBackend, Statement};\n#[cfg(test)]\nmod tests { use sea_orm::DatabaseBackend; }\n";
    let files = [
        ("event-store/src/lib.rs", "mod dialect;\nmod append;\n"),
        ("event-store/src/dialect.rs", backend),
        ("event-store/src/dialect/sqlite.rs", backend),
        ("event-store/src/append.rs", backend),
        ("event-server/src/lib.rs", "mod config;\nmod reply;\nmod routes;\n"),
        ("event-server/src/config.rs", "fn f() { std::env::var(\"X\"); }\n"),
        (
            "event-server/src/reply.rs",
            "use axum::http::StatusCode;\nuse std::{env, fs};\n",
        ),
        (
            "event-server/src/routes.rs",
            "fn f(env: &str) -> StatusCode { env!(\"X\") }\n",
        ),
        (
            "event-server/tests/http.rs",
            "use axum::http::StatusCode;\nuse std::env;\n",
        ),
        ("event-core/src/lib.rs", "fn f() { std::env::var(\"X\"); }\n"),
    ];
    assert_eq!(
        said(&files),
        [
            "event-core/src/lib.rs:1: `std::env` is not for this file: a library never reads the environment",
            "event-server/src/reply.rs:2: `std::env` is not for this file: one file reads the environment",
            "event-server/src/routes.rs:1: `StatusCode` is not for this file: one room decides which status an outcome has",
            "event-store/src/append.rs:1: `DbBackend` is not for this file: everything that differs by database is in dialect",
        ]
    );
}
