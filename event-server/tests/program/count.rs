//! Counts straight from files: the same as those of an import, without a database.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::collector::{Collector, Place};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/customer_events.csv");
const COLUMNS: [&str; 3] = ["--no-header", "--columns", "subject,name,data.transaction_id,timestamp"];
const QUESTION: [&str; 8] = [
    "--subject",
    "b4f9279a0196e40632e947dd1a88e857",
    "--bucket",
    "hour",
    "--from",
    "2021-03-01 00:15:00.5",
    "--to",
    "2021-03-01 04:05:00",
];

fn shown(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn count(place: &Place, arguments: &[&[&str]]) -> (i32, String, String) {
    shown(place.run(&[&["count"], &arguments.concat()[..]].concat()))
}

#[test]
fn a_file_says_what_a_store_says_that_has_imported_it() {
    let place = Place::sqlite();
    let more = ["--category", "usage", "--source", "meter"];
    let (code, _, errors) = shown(place.run(&[&["import", SAMPLE], &COLUMNS[..], &more[..]].concat()));
    assert_eq!(code, 0, "{errors}");
    let elsewhere = Place::sqlite();
    for form in [&[][..], &["--csv"], &["--plot"], &["--by", "subject"]] {
        let (code, stored, _) = count(&place, &[&QUESTION, form]);
        assert_eq!(code, 0);
        let (code, straight, errors) = count(&elsewhere, &[&["--file", SAMPLE], &COLUMNS, &QUESTION, form]);
        assert_eq!((code, straight), (0, stored), "{errors}");
        assert!(
            errors.starts_with("19 rows, 2 refused (invalid_envelope 1, invalid_timestamp 1), in "),
            "{errors}"
        );
    }
    let rows = |text: &str| serde_json::from_str::<Value>(text).unwrap()["rows"].clone();
    let stored = count(&place, &[&QUESTION, &["--json"]]).1;
    let straight = count(&elsewhere, &[&["--file", SAMPLE], &COLUMNS, &QUESTION, &["--json"]]).1;
    assert_eq!(rows(&straight), rows(&stored));
    // What all rows are is no question; what some are is.
    for only in [&["--category", "usage"][..], &["--name", "INGEST"]] {
        let stored = count(&place, &[&QUESTION, only]).1;
        let straight = count(&elsewhere, &[&["--file", SAMPLE], &COLUMNS, &QUESTION, only]).1;
        assert_eq!(straight, stored, "{only:?}");
    }
}

#[test]
fn standard_input_and_the_file_of_rejects() {
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.csv");
    let mut child = Collector::program()
        .args([
            "count",
            "--file",
            "-",
            "--map",
            "customer=subject",
            "--map",
            "at=timestamp",
        ])
        .args(["--delimiter", ";", "--by", "subject", "--csv", "--rejects"])
        .arg(&rejects)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = "customer;at\nc-1;2021-03-01\n;2021-03-01\nc-1;2021-03-02\n\"c;2\";2021-03-01\n";
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let (code, said, errors) = shown(child.wait_with_output().unwrap());
    assert_eq!((code, said.as_str()), (0, "subject,count\nc-1,2\nc;2,1\n"), "{errors}");
    let rejects = std::fs::read_to_string(rejects).unwrap();
    assert!(
        rejects.starts_with("line,column,offset,code,message\n3,1,27,invalid_envelope,\""),
        "{rejects}"
    );
}

#[test]
fn what_cannot_be_answered_ends_it_before_anything_is_read() {
    let place = Place::sqlite();
    for (arguments, code) in [
        (&["--by", "name"][..], "unanswerable"),
        (&["--columns", "id,name,-,timestamp"], "invalid_columns"),
        (&["--delimiter", ";"], "missing_column"),
    ] {
        let columns = if arguments[0] == "--columns" {
            &COLUMNS[..1]
        } else {
            &COLUMNS[..]
        };
        let (ended, said, errors) = count(&place, &[&["--file", SAMPLE], columns, arguments]);
        assert_eq!((ended, said.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(&format!(": {code}: ")), "{errors}");
    }
    let (ended, _, errors) = count(&place, &[&["--no-header"]]);
    assert_eq!(ended, 2);
    assert!(errors.contains("--file"), "{errors}");
}

/// The lines of the page on counts, as they stand.
#[test]
fn the_commands_of_the_documentation_run() {
    const PAGE: &str = include_str!("../../../docs/count.md");
    let program = Collector::program();
    let mut said = Vec::new();
    for block in PAGE.split("```sh\n").skip(1) {
        let line = block.split("```").next().unwrap().trim();
        let line = line.replace("event-server", program.get_program().to_str().unwrap());
        let output = Command::new("bash")
            .args(["-c", &line])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .output()
            .unwrap();
        let (code, out, errors) = shown(output);
        assert_eq!(code, 0, "{line}: {errors}");
        said.push(out);
    }
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|out| out.lines().count() > 1), "{said:?}");
}
