//! Exports by the route and by the command: the same bytes, in bounded memory, resumable.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;

use crate::CLICKS;
use crate::collector::{Collector, Connection, Response};
use crate::lock::Lock;

/// Some megabytes: more than the system buffers for a connection.
const MANY: usize = 20_000;

fn long() -> bool {
    std::env::var_os("EVENT_TEST_LONG").is_some_and(|value| value == "1")
}

/// Sends events of some days and types.
fn fill(collector: &Collector, count: usize, pad: usize) {
    let mut connection = collector.connect();
    let batch = if pad > 1_000 { 400 } else { 1_000 };
    for first in (0..count).step_by(batch) {
        let event = |number: usize| {
            format!(
                r#"{{"id":"e-{number}","category":"order","name":"{}","session_id":"s-{}","source":"shop",
                    "occurred_at":"2026-03-{:02}T12:00:00Z","data":{{"value":{number},"pad":"{}"}}}}"#,
                ["created", "paid"][number % 2],
                number / 10,
                number * 28 / count + 1,
                "x".repeat(pad),
            )
        };
        let events: Vec<String> = (first..count.min(first + batch)).map(event).collect();
        let body = format!("[{}]", events.join(","));
        let headers = [("content-type", "application/json")];
        let response = connection.request("POST", "/v1/events", &headers, body);
        assert_eq!(response.status, 200, "{}", response.text());
    }
}

/// The command over the collector's database.
fn command(collector: &Collector, words: &[&str]) -> Command {
    let mut command = Collector::program();
    let url = format!("sqlite://{}?mode=rw", collector.database().display());
    command.arg("export").args(["--database-url", &url]).args(words);
    command.stdin(Stdio::null());
    command
}

fn exported(collector: &Collector, words: &[&str]) -> Output {
    let output = command(collector, words).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    assert!(!errors.contains('\r'), "no terminal is there: {errors}");
    output
}

fn lines(response: &Response) -> Vec<Value> {
    let lines = response.text().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_route_gives_what_a_page_gives_in_every_format() {
    let collector = Collector::start();
    let empty = collector.get("/v1/export");
    assert_eq!(
        (empty.status, empty.text(), empty.header("event-position")),
        (200, "", Some("0"))
    );
    collector.post("/v1/events", CLICKS);
    let response = collector.get("/v1/export");
    assert_eq!(response.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(response.header("event-position"), Some("3"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let page = collector.get("/v1/events").json();
    assert_eq!(&lines(&response), page["events"].as_array().unwrap());

    let rest =
        collector.get("/v1/export?format=ndjson&after=1&zone=Europe/Paris&to=2021-01-01T10:15:28&session=e2085be5");
    assert_eq!(lines(&rest), page["events"].as_array().unwrap()[1..2]);
    let csv = collector.get("/v1/export?format=csv&column=/host&column=/form&name=submit");
    assert_eq!(
        csv.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"events-3.csv\"")
    );
    let rows: Vec<&str> = csv.text().split("\r\n").collect();
    assert!(rows[0].ends_with(",flags,/host,/form") && rows.len() == 3, "{rows:?}");
    assert!(
        rows[1].ends_with(r#",no_id unplanned,www.example.com,"{""first_name"":""John""}""#),
        "{rows:?}"
    );
    let arrow = collector.get("/v1/export?format=arrow");
    assert_eq!(
        arrow.header("content-type"),
        Some("application/vnd.apache.arrow.stream")
    );
    assert!(arrow.body.starts_with(b"\xff\xff\xff\xff") && arrow.body.len() > 1_000);
    assert_eq!(
        collector
            .request("HEAD", "/v1/export", &[], "")
            .header("event-position"),
        Some("3")
    );

    // The command gives the same bytes.
    for (words, path) in [
        (&["--format", "ndjson"][..], "/v1/export"),
        (
            &["--format", "csv", "--formulas", "verbatim", "--column", "/host"],
            "/v1/export?format=csv&formulas=verbatim&column=/host",
        ),
        (
            &["--format", "arrow", "--after", "1"],
            "/v1/export?format=arrow&after=1",
        ),
        (
            &["--name", "submit", "--where", "/host=www.example.com"],
            "/v1/export?name=submit&/host=www.example.com",
        ),
    ] {
        let output = exported(&collector, words);
        assert_eq!(output.stdout, collector.get(path).body, "{words:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "all events up to position 3 are exported\n"
        );
    }
    assert_eq!(collector.request("POST", "/v1/export", &[], "").status, 405);
}

#[test]
fn what_is_wrong_with_an_export_is_named() {
    let collector = Collector::start();
    for (query, code, parameter) in [
        ("limit=10", "unknown_parameter", "limit"),
        ("colour=red", "unknown_parameter", "colour"),
        ("format=xml", "invalid_parameter", "format"),
        ("format=csv&format=csv", "invalid_parameter", "format"),
        ("after=-1", "invalid_parameter", "after"),
        ("after=%2B1", "invalid_parameter", "after"),
        ("after=99999999999999999999", "invalid_parameter", "after"),
        ("column=/a", "invalid_parameter", "column"),
        ("format=csv&column=a", "invalid_parameter", "column"),
        ("format=csv&formulas=no", "invalid_parameter", "formulas"),
        ("from=2026-01-02&to=2026-01-01", "invalid_range", "to"),
    ] {
        let response = collector.get(&format!("/v1/export?{query}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{query}"
        );
        assert_eq!(response.json()["parameter"], parameter, "{query}");
    }
    for words in [
        &["--format", "parquet"][..],
        &["--where", "country=US"],
        &["--from", "yesterday"],
        &["--after", "-1"],
        &["--format", "xml"],
    ] {
        let output = command(&collector, words).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words:?}");
    }
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.csv");
    let output = exported(&collector, &["--format", "csv", "--out", file.to_str().unwrap()]);
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read(&file).unwrap(), collector.get("/v1/export?format=csv").body);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("no/such/folder");
    let failed = command(&collector, &["--out", nowhere.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(1));
}

/// Asks for an export and reads the beginning of it.
fn begun(collector: &Collector) -> Connection {
    let mut connection = collector.connect();
    connection.send_request("GET", "/v1/export", &[], "");
    assert!(connection.some(1_000).starts_with(b"HTTP/1.1 200 OK"));
    connection
}

#[test]
fn a_reader_that_stops_holds_up_nobody() {
    let mut collector = Collector::start_with(&["--durability", "normal", "--shutdown-timeout", "1s"]);
    fill(&collector, MANY, 200);
    let slow: Vec<Connection> = (0..8).map(|_| begun(&collector)).collect();
    // More than there are connections to the database, and all of them wait; the others write and read.
    collector.post("/v1/events", CLICKS);
    assert_eq!(collector.get("/v1/export?after=20000").text().lines().count(), 3);
    let lock = Lock::hold(&collector.database());
    lock.release();
    drop(slow);
    let started = Instant::now();
    assert!(collector.stop().success());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_export_that_fails_on_the_way_is_cut() {
    let collector = Collector::start_with(&["--durability", "normal", "--log-level", "error"]);
    fill(&collector, MANY, 200);
    let mut connection = begun(&collector);
    Lock::open(&collector.database()).execute("ALTER TABLE event_events RENAME TO gone");
    // What comes is less than all, and the chunk that ends a body is missing.
    let mut rest = Vec::new();
    connection.rest(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    assert!(rest.len() < MANY * 300, "{}", rest.len());
    assert!(collector.log().contains("an export broke off"));
    let refused = collector.get("/v1/export");
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (500, Some("internal_error"))
    );
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(parts(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    found
}

fn rows(folder: &Path) -> i64 {
    let rows = |file: PathBuf| {
        let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
        reader.metadata().file_metadata().num_rows()
    };
    parts(folder).into_iter().map(rows).sum()
}

#[test]
fn a_folder_of_parquet_survives_kills() {
    let collector = Collector::start_with(&["--durability", "normal", "--log-level", "error"]);
    fill(&collector, MANY, 200);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    let words = [
        "--format",
        "parquet",
        "--checkpoint",
        "1000",
        "--out",
        path.to_str().unwrap(),
    ];
    let mut between = 0;
    for kill in 0..6 {
        let mut run = command(&collector, &words).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150 + 90 * kill));
        run.kill().unwrap();
        run.wait().unwrap();
        between += usize::from(path.exists() && (1..MANY as i64).contains(&rows(&path)));
    }
    let output = exported(&collector, &words);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("all events up to position {MANY} are exported\n")
    );
    assert_eq!(rows(&path), MANY as i64);
    let manifest: Value = serde_json::from_slice(&fs::read(path.join("_export.json")).unwrap()).unwrap();
    assert_eq!(
        (&manifest["events"], &manifest["position"]),
        (&MANY.into(), &MANY.into())
    );
    // Unless the machine is far faster or slower than any that this was written on.
    assert!(between > 0, "no run was killed on its way");
}

/// The most memory that a process has had when it ends, in MiB.
fn most_memory(mut run: Child) -> u64 {
    let status = format!("/proc/{}/status", run.id());
    let mut most = 0;
    while run.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let read = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(read.unwrap_or_default() / 1024);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(run.wait().unwrap().success());
    most
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_events() {
    let (events, pad) = if long() { (1_000_000, 200) } else { (12_000, 8_000) };
    let collector = Collector::start_with(&["--durability", "normal", "--log-level", "warn"]);
    fill(&collector, events, pad);
    let folder = tempfile::tempdir().unwrap();
    let half = (events / 2).to_string();
    let formats = if long() {
        &["ndjson", "csv", "arrow", "parquet"][..]
    } else {
        &["ndjson"]
    };
    for format in formats {
        // What the database keeps in memory is full after some tens of megabytes.
        let memory = [half.as_str(), "0"].map(|after| {
            let out = folder.path().join(format!("{format}-{after}"));
            let words = ["--format", format, "--after", after, "--out", out.to_str().unwrap()];
            let run = command(&collector, &words).stderr(Stdio::null()).spawn().unwrap();
            let started = Instant::now();
            let memory = most_memory(run);
            eprintln!(
                "{format} after {after} of {events} events: {:?}, {memory} MiB",
                started.elapsed()
            );
            memory
        });
        // Rows wait for their row group, which holds 64 MiB of them.
        let room = if *format == "parquet" { 100 } else { 40 };
        assert!(
            memory[0] > 0 && memory[1] < memory[0] + room,
            "{format}: {memory:?} MiB"
        );
    }
    if long() {
        assert_eq!(rows(&folder.path().join("parquet-0")), i64::try_from(events).unwrap());
    }
    let before = collector.most_memory().unwrap() / 1024 / 1024;
    let whole = collector.get("/v1/export");
    assert!(whole.body == fs::read(folder.path().join("ndjson-0")).unwrap());
    let after = collector.most_memory().unwrap() / 1024 / 1024;
    assert!(after < before + 80, "the route: {before} MiB, then {after} MiB");
}
