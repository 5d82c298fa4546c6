use std::process::Output;

use crate::collector::Collector;
use crate::lock::Lock;

fn run(flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut program = Collector::program();
    program.args(flags).envs(variables.iter().copied()).output().unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_tells_every_setting_with_its_variable_and_default() {
    for flags in [&["--help"][..], &["serve", "--help"]] {
        let output = run(flags, &[]);
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).unwrap();
        for text in [
            "--database-url <URL>",
            "DATABASE_URL",
            "sqlite://events.db?mode=rwc",
            "--listen <ADDRESS>",
            "EVENT_SERVER_LISTEN",
            "127.0.0.1:8000",
            "EVENT_SERVER_CONFIG",
        ] {
            assert!(help.contains(text), "{text}");
        }
    }
}

#[test]
fn every_command_tells_its_flags() {
    for (command, flags) in [
        ("metrics", &["--database-url", "--table-prefix"][..]),
        (
            "key",
            &["create", "list", "rotate", "revoke", "new", "Authorization: Bearer KEY"],
        ),
        (
            "count",
            &[
                "--by",
                "--bucket",
                "--subject",
                "--where",
                "--plot",
                "--csv",
                "--json",
                "--database-url",
            ],
        ),
        ("top", &["[COUNT]", "--measure"]),
        ("query", &["--measure", "--top"]),
        ("sessions", &["--limit", "--cursor"]),
        ("funnel", &["<STEP>", "--window", "--order"]),
        ("verify", &["--repair", "--database-url"]),
        (
            "prune",
            &[
                "--category",
                "--name",
                "--before",
                "--cells",
                "keep",
                "drop",
                "--database-url",
            ],
        ),
    ] {
        let output = run(&[command, "--help"], &[("DATABASE_URL", "postgres://ann:secret@db/x")]);
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).unwrap();
        for flag in flags {
            assert!(help.contains(flag), "{command} {flag}: {help}");
        }
        assert!(!help.contains("secret"));
    }
}

#[test]
fn without_keys_other_machines_are_not_served() {
    let output = run(&["--listen", "0.0.0.0:0", "--database-url", "sqlite::memory:"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = complaint(&output);
    assert!(
        told.contains("no keys exist") && told.contains("event-server key create --any-source"),
        "{told}"
    );
    let variables = [("EVENT_SERVER_LISTEN", "[::]:0"), ("DATABASE_URL", "sqlite::memory:")];
    assert_eq!(run(&[], &variables).status.code(), Some(2));
}

#[test]
fn what_cannot_be_used_is_named_and_ends_the_program() {
    for (flags, variables, told) in [
        (&["--body-limit", "much"][..], &[][..], "--body-limit"),
        (&[], &[("EVENT_SERVER_BATCH_LIMIT", "0")], "EVENT_SERVER_BATCH_LIMIT"),
        (&["--config", "/no/such/file.toml"], &[], "/no/such/file.toml"),
        (&["--connection-limit", "many"], &[], "a number from 1 on, or auto"),
        (&["--colour", "red"], &[], "--colour"),
    ] {
        let output = run(flags, variables);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(complaint(&output).contains(told), "{told}");
    }
    let output = run(
        &[
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            "postgres://user:secret@127.0.0.1:1/x",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!complaint(&output).contains("secret"));
}

#[test]
fn r11_tables_of_a_later_version_are_left_alone() {
    let mut collector = Collector::start();
    assert_eq!(collector.stop().code(), Some(0));
    let other = Lock::open(&collector.database());
    other.execute("INSERT INTO event_migrations (version) VALUES (1000)");
    // Whoever closes the file last would copy it there from the log, and that is nobody's writing.
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    drop(other);
    let before = std::fs::read(collector.database()).unwrap();
    let url = format!("sqlite://{}?mode=rwc", collector.database().display());
    for command in ["serve", "verify"] {
        let output = run(&[command, "--listen", "127.0.0.1:0", "--database-url", &url], &[]);
        assert_eq!(output.status.code(), Some(1));
        let told = complaint(&output);
        assert!(told.contains("version 1000") && told.contains("upgrade"), "{told}");
    }
    assert!(std::fs::read(collector.database()).unwrap() == before);
}

#[test]
fn a_port_in_use_is_said_so() {
    let collector = Collector::start();
    let output = run(
        &[
            "--listen",
            &collector.address().to_string(),
            "--database-url",
            "sqlite::memory:",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("cannot listen on"));
}

#[test]
fn settings_reach_the_work() {
    let collector = Collector::start_with(&[
        "--batch-limit",
        "2",
        "--event-limit",
        "200",
        "--unknown-types",
        "reject",
        "--default-source",
        "shop",
        "--log-format",
        "json",
    ]);
    assert_eq!(
        collector.post("/v1/events", "[1,2,3]").problem().as_deref(),
        Some("batch_too_large")
    );
    let event = r#"{"category": "c", "name": "n"}"#;
    let verdict = collector.post("/v1/events", event).json()["results"][0].clone();
    assert_eq!(
        (&verdict["status"], &verdict["code"]),
        (&"rejected".into(), &"unknown_type".into())
    );
    assert_eq!(collector.put("/v1/types/c/n/1", "{}").status, 201);
    collector.post("/v1/events", event);
    assert_eq!(collector.get("/v1/events").json()["events"][0]["source"], "shop");
    let large = format!(
        r#"{{"category": "c", "name": "n", "data": {{"x": "{}"}}}}"#,
        "y".repeat(200)
    );
    assert_eq!(
        collector.post("/v1/events", large).json()["results"][0]["code"],
        "event_too_large"
    );
    let log = collector.log();
    let line: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&line["route"], &line["status"]), (&"/v1/events".into(), &200.into()));
}

#[test]
#[cfg(not(feature = "otlp"))]
fn a_program_without_traces_says_so() {
    let output = run(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("--features otlp"));
}
