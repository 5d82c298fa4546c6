//! Files given to the program: what it prints, what it ends with, and that no kill does harm.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use event_core::Query;
use event_store::{EventStore, QuarantinePage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::collector::{Collector, Place};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/customer_events.csv");
const SHORT: [&str; 7] = [
    "--no-header",
    "--category",
    "usage",
    "--columns",
    "subject,name,data.transaction_id,timestamp",
    "--source",
    "meter",
];

fn import(place: &Place, file: &str, arguments: &[&str]) -> (i32, String, String) {
    shown(place.run(&[&["import", file][..], arguments].concat()))
}

fn shown(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder_with(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn the_sample_is_imported_once() {
    let place = Place::sqlite();
    let (code, said, errors) = import(&place, SAMPLE, &SHORT);
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    for (line, expected) in lines.iter().zip([
        &["rows", "this", "time", "last", "time", "all", "times"][..],
        &["read", "19", "-", "19"],
        &["stored", "17", "-", "17"],
        &["duplicate", "0", "-", "0"],
        &["quarantined", "2", "-", "2"],
        &["rejected", "0", "-", "0"],
        &["invalid_envelope", "1", "-", "1"],
        &["invalid_timestamp", "1", "-", "1"],
        &[
            "from",
            "2021-03-01T00:01:11.055000Z",
            "to",
            "2021-03-01T04:07:14.277000Z",
        ],
    ]) {
        assert_eq!(line, expected, "{said}");
    }
    let (code, said, _) = import(&place, SAMPLE, &SHORT);
    assert_eq!(
        (code, said.as_str()),
        (0, "nothing new: all 19 rows of this file were imported before\n")
    );
    let collector = Collector::start_on(&place, &[]);
    let hours = collector.get("/v1/query?measure=count&subject=b4f9279a0196e40632e947dd1a88e857&bucket=hour");
    let counts = hours.json()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["value"].clone())
        .collect::<Vec<_>>();
    assert_eq!(counts, ["3", "3", "2", "4", "3"], "{}", hours.text());
}

/// The mark of an import counts its batches.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_as_many_rows_as_are_asked_for() {
    for (arguments, batches) in [
        (&[][..], 1),
        (&["--batch", "5"], 4),
        (&["--batch", "5", "--counts-only"], 4),
    ] {
        let place = Place::sqlite();
        let (code, said, errors) = import(&place, SAMPLE, &[&SHORT[..], arguments].concat());
        assert_eq!((code, errors.as_str()), (0, ""), "{said}");
        let database = sea_orm::Database::connect(place.url()).await.unwrap();
        let select = "SELECT step FROM event_imports".to_owned();
        let select = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, select);
        let row = sea_orm::ConnectionTrait::query_one_raw(&database, select)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), batches, "{arguments:?}");
    }
    let (code, ..) = import(&Place::sqlite(), SAMPLE, &[&SHORT[..], &["--batch", "0"]].concat());
    assert_eq!(code, 2);
}

/// The lines of the page on imports, as they stand.
#[test]
fn the_commands_of_the_documentation_run() {
    const PAGE: &str = include_str!("../../../docs/import.md");
    let place = Place::sqlite();
    let blocks = PAGE
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap().trim());
    let program = Collector::program();
    let mut said = Vec::new();
    for line in blocks {
        let line = line.replace(
            "event-server import",
            &format!("{} import", program.get_program().to_str().unwrap()),
        );
        let output = Command::new("bash")
            .args(["-c", &line])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env("DATABASE_URL", place.url())
            .output()
            .unwrap();
        let (code, out, errors) = shown(output);
        assert_eq!(code, 0, "{line}: {errors}");
        said.push(out);
    }
    assert_eq!(said.len(), 5);
    for out in &said[..4] {
        assert!(
            out.lines()
                .any(|line| line.starts_with("stored ") && !line.contains(" 0 ")),
            "{out}"
        );
    }
    assert!(said[4].contains("\"outcome\":\"nothing_new\""), "{}", said[4]);
}

#[test]
fn what_it_ends_with_and_says_to_programs() {
    let place = Place::sqlite();
    let (folder, path) = folder_with("customer,n,at\nc-1,1,2026-01-01\n,2,2026-01-01\n");
    let file = path.to_str().unwrap();
    let rejects = folder.path().join("rejects.csv");
    let named = [
        "--map",
        "customer=subject",
        "--map",
        "n=data.n:number",
        "--map",
        "at=timestamp",
        "--category",
        "a",
        "--name",
        "b",
    ];
    let more = ["--json", "--progress", "json", "--rejects", rejects.to_str().unwrap()];
    let (code, said, errors) = import(&place, file, &[&named[..], &more].concat());
    assert_eq!(code, 0, "{errors}");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["outcome"], "complete");
    assert_eq!(report["pass"]["codes"], json!({"invalid_envelope": 1}));
    assert_eq!(
        (&report["pass"]["rows"], &report["pass"]["stored"]),
        (&json!(2), &json!(1))
    );
    let told: Value = serde_json::from_str(errors.lines().last().unwrap()).unwrap();
    assert_eq!((&told["rows"], &told["errors"]), (&json!(2), &json!(1)));
    assert_eq!(told["bytes"], told["size"]);
    let rejected = std::fs::read_to_string(&rejects).unwrap();
    assert!(
        rejected
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("3,1,31,invalid_envelope,\""),
        "{rejected}"
    );

    std::fs::write(&path, "customer,n,at\nc-2,1,2026-01-01\n").unwrap();
    let (code, said, errors) = import(&place, file, &named);
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(errors.contains("file_changed"), "{errors}");
    assert_eq!(
        import(&place, file, &[&named[..], &["--changed", "import"]].concat()).0,
        0
    );

    let (_other, bad) = folder_with("customer,n,at\n".to_owned() + &",1,2026-01-01\n".repeat(30));
    let (code, said, errors) = import(
        &place,
        bad.to_str().unwrap(),
        &[&named[..], &["--max-errors", "7"]].concat(),
    );
    assert_eq!(code, 3, "{errors}");
    assert!(said.contains("  invalid_envelope  7 "), "{said}");
    assert!(errors.contains("too_many_errors"), "{errors}");

    for (wrong, code, what) in [
        (&[file, "--map", "customer"][..], 2, "NAME=COLUMN"),
        (&[file, "--columns", "colour"], 2, "colour"),
        (&[file, "--delimiter", "ab"], 2, "ASCII"),
        (&[file, "--max-errors", "0"], 2, "max-errors"),
        (
            &[file, "--mapping", "/no/such/file", "--category", "a", "--name", "b"],
            2,
            "--mapping",
        ),
        (
            &[file, "--map", "none=subject", "--category", "a", "--name", "b"],
            2,
            "missing_column",
        ),
        (
            &["/dev/zero", "--category", "a", "--name", "b"],
            2,
            "not_a_regular_file",
        ),
        (
            &["/no/such/file", "--category", "a", "--name", "b"],
            2,
            "unreadable_file",
        ),
        (
            &[file, "--category", "a", "--name", "b", "--rejects", "/no/such/folder/x"],
            1,
            "unwritable_rejects",
        ),
    ] {
        let (ended, said, errors) = import(&place, wrong[0], &wrong[1..]);
        assert_eq!((ended, said.as_str()), (code, ""), "{wrong:?}: {errors}");
        assert!(errors.contains(what), "{wrong:?}: {errors}");
    }
}

#[test]
fn standard_input_is_read_too() {
    let place = Place::sqlite();
    let piped = |text: &str, arguments: &[&str]| {
        let mut program = Collector::program()
            .args(["import", "-", "--json"])
            .args(arguments)
            .args(place.flags())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        program.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let (code, said, errors) = shown(program.wait_with_output().unwrap());
        assert_eq!(code, 0, "{errors}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let line = r#"{"category": "a", "name": "b"}"#;
    let report = piped(&format!("{line}\n{line}\n"), &["--format", "ndjson"]);
    assert_eq!((&report["pass"]["stored"], &report["label"]), (&json!(2), &Value::Null));
    let report = piped(&format!("{line}\n{line}\n"), &["--format", "ndjson", "--label", "pipe"]);
    assert_eq!(report["pass"]["duplicates"], 2);
    let report = piped(&format!("{line}\n{line}\n"), &["--format", "ndjson", "--label", "pipe"]);
    assert_eq!(report["outcome"], "nothing_new");
}

/// C06, with the memory of the process: ten gigabytes behind a quote that is never closed.
#[test]
fn c06_an_open_quote_in_a_huge_file_takes_little_memory() {
    let place = Place::sqlite();
    let rows: String = (0..20_000).map(|number| format!("c-{number},x,2026-01-01\n")).collect();
    let (_folder, path) = folder_with(rows + "\"");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    let mut program = Collector::program()
        .args(["import", path.to_str().unwrap(), "--json", "--no-header"])
        .args([
            "--columns",
            "subject,data.a,timestamp",
            "--category",
            "a",
            "--name",
            "b",
        ])
        .args(place.flags())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut most, started) = (0, Instant::now());
    let status = loop {
        let told = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let peak = told
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or_default();
        most = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0_u64).max(most);
        if let Some(status) = program.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(2));
    let (_, said, errors) = shown(program.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&report["code"], &report["pass"]["stored"]),
        (&json!("record_too_large"), &json!(20_000))
    );
    assert!(errors.contains("line 20001"), "{errors}");
    assert!(
        !cfg!(target_os = "linux") || (most > 0 && most < 72 * 1024),
        "{most} kB"
    );
}

/// Rows as real ones are: some twice, some broken, in no order.
fn twenty_thousand_rows() -> String {
    let row = |number: u64| {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let (customer, minute) = (mixed % 97, mixed % 59);
        match mixed % 50 {
            0 => format!(",INGEST,{number},2021-03-01 00:{minute:02}:11.055+00\n"),
            1 => format!("c-{customer},INGEST,{number},\n"),
            2 => format!("c-{customer},INGEST,{number}\n"),
            3..10 => format!("c-{customer},INGEST,same,2021-03-01 00:00:11+00\n"),
            _ => format!("c-{customer},INGEST,{number},2021-03-01 00:{minute:02}:11.055+00\n"),
        }
    };
    (0..20_000).map(row).collect()
}

/// All that an import leaves behind, but for what the clock says.
fn left_behind(place: &Place, rejects: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut left = runtime.block_on(async {
        let store = EventStore::connect(place.url()).await.unwrap();
        let mut left = Vec::new();
        let mut after = 0;
        loop {
            let events = store.log(after, 1_000).await.unwrap();
            let Some(last) = events.last() else { break };
            after = last.position;
            for stored in events {
                let (envelope, payload) = (stored.event.envelope(), stored.event.payload().as_str());
                left.push(format!("{} {envelope:?} {payload}", stored.position));
            }
        }
        let mut page = QuarantinePage {
            limit: 1_000,
            ..QuarantinePage::default()
        };
        loop {
            let quarantined = store.quarantine(&page).await.unwrap();
            for entry in quarantined.entries {
                let mut entry = serde_json::to_value(entry).unwrap();
                entry["received_at"].take();
                entry["last_received_at"].take();
                left.push(entry.to_string());
            }
            page.after = quarantined.next;
            if page.after.is_none() {
                break;
            }
        }
        let asked = [
            ("measure", "count"),
            ("category", "usage"),
            ("name", "INGEST"),
            ("by", "subject"),
        ];
        let answer = store.answer(&Query::from_pairs(asked).unwrap()).await.unwrap();
        left.push(format!("{:?} {:?}", answer.source, answer.rows));
        store.close().await.unwrap();
        left
    });
    left.push(std::fs::read_to_string(rejects).unwrap());
    left
}

fn command(place: &Place, file: &Path, rejects: &Path) -> Command {
    let mut program = Collector::program();
    program
        .arg("import")
        .arg(file)
        .args(SHORT)
        .args(["--json", "--max-errors", "100000", "--rejects"])
        .arg(rejects)
        .args(place.flags());
    program
}

/// A store with a metric, so that there are cells, too.
fn prepared() -> (Place, TempDir) {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    let metric = r#"{"category": "usage", "name": "INGEST", "by": ["subject"]}"#;
    assert_eq!(collector.put("/v1/metrics/usage", metric).status, 201);
    (place, tempfile::tempdir().unwrap())
}

/// C13: killed at random moments and run again until it is done, it leaves what one run leaves.
#[test]
fn c13_killed_and_resumed_it_leaves_what_a_clean_run_leaves() {
    let (_folder, file) = folder_with(twenty_thousand_rows());
    let (place, folder) = prepared();
    let rejects = folder.path().join("rejects.csv");
    let started = Instant::now();
    let (code, said, errors) = shown(command(&place, &file, &rejects).output().unwrap());
    let whole = started.elapsed();
    assert_eq!(code, 0, "{errors}");
    let clean: Value = serde_json::from_str(&said).unwrap();
    let expected = left_behind(&place, &rejects);
    assert!(expected.len() > 19_000);
    let most = match std::env::var_os("EVENT_TEST_LONG") {
        Some(_) => 200,
        None => 5,
    };
    let (mut kills, mut resumed, mut random) = (0, 0, 0x2545_f491_u64);
    while kills < most {
        let (place, folder) = prepared();
        let rejects = folder.path().join("rejects.csv");
        let mut attempts = 0;
        let said = loop {
            let mut program = command(&place, &file, &rejects)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let share = f64::from(u32::try_from(random >> 33).unwrap()) / f64::from(1_u32 << 31);
            // A machine that has become slower since, by others at work, still gets to the end.
            attempts += 1;
            std::thread::sleep(whole.mul_f64(share * 0.1 * f64::from(4 + attempts)));
            let killed = program.try_wait().unwrap().is_none();
            if killed {
                program.kill().unwrap();
                kills += 1;
            }
            let output = program.wait_with_output().unwrap();
            if output.status.success() {
                break output.stdout;
            }
            // What ends by itself has done all there is to do.
            let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
            assert!(killed, "{} after {kills} kills\n{said}\n{errors}", output.status);
        };
        let mut report: Value = serde_json::from_slice(&said).unwrap();
        resumed += u32::from(!report["resumed_at_line"].is_null());
        // Whatever was interrupted how often, the rows are counted once.
        // One that was killed after its last commit is told by the next run as the last time.
        let told = if report["outcome"] == "nothing_new" {
            "previous"
        } else {
            "pass"
        };
        assert_eq!(report[told].take(), clean["pass"], "after {kills} kills");
        let found = left_behind(&place, &rejects);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "after {kills} kills");
        }
        assert_eq!(found.len(), expected.len());
    }
    // A few kills may all fall before the first commit, or behind the last one.
    assert!(
        resumed > 0 || most < 200,
        "all of {kills} kills came too early or too late"
    );
}
