//! The example as a process: imported twice, grown, killed, counted, asked over HTTP.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const CUSTOMER: &str = "b4f9279a0196e40632e947dd1a88e857";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn program(&self) -> Command {
        // Beside the tests' own folder, `deps`.
        let tests = std::env::current_exe().unwrap();
        let built = tests.parent().unwrap().parent().unwrap();
        let mut program = Command::new(built.join("examples").join("customer_counts"));
        let database = self.0.path().join("counts.db");
        program
            .arg("--database")
            .arg(format!("sqlite://{}?mode=rwc", database.display()));
        program
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/customer_events.csv")
}

/// Started, until it is dropped.
struct Served(Child, String);

impl Served {
    fn start(place: &Place) -> Self {
        let mut child = place
            .program()
            .args(["serve", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Served(child, address)
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_sample_is_counted_once() {
    for mode in [&[][..], &["--counts-only"]] {
        let place = Place::new();
        let rejects = place.0.path().join("rejects.csv");
        let rejects = ["--rejects", rejects.to_str().unwrap()];
        let file = sample().display().to_string();
        let import = [&["import", file.as_str()], &rejects[..], mode].concat();
        let first = place.says(&import);
        assert!(first.starts_with("complete: "), "{first}");
        let again = place.says(
            &import[..2]
                .iter()
                .copied()
                .chain(mode.iter().copied())
                .collect::<Vec<_>>(),
        );
        assert!(again.starts_with("nothing_new: "), "{again}");
        let said = std::fs::read_to_string(rejects[1]).unwrap();
        assert!(
            said.lines().count() >= 3,
            "an empty customer and an empty time are broken rows: {said}"
        );

        let range = ["--start", "2021-03-01 00:15:00+00", "--end", "2021-03-01 04:30:00+00"];
        let counts = place.says(&[&["count", "--customer", CUSTOMER], &range[..]].concat());
        let lines: Vec<&str> = counts.lines().collect();
        assert_eq!(lines.len(), 5, "{counts}");
        assert!(
            lines[0].starts_with("2021-03-01T00:15:00Z") && lines[0].ends_with("partial"),
            "{counts}"
        );
        assert!(
            lines[4].starts_with("2021-03-01T04:00:00Z") && lines[4].ends_with("partial"),
            "{counts}"
        );
        assert!(!lines[1].ends_with("partial"), "{counts}");
        let straight = [&["count", "--file", file.as_str(), "--customer", CUSTOMER], &range[..]].concat();
        assert_eq!(place.says(&straight), counts);
        // By hand, from the file.
        let text = std::fs::read_to_string(sample()).unwrap();
        for line in lines {
            let hour = &line[..13].replace('T', " ");
            let of_hour = |row: &&str| row.starts_with(CUSTOMER) && row.contains(hour.as_str());
            let late = |row: &&str| row.rsplit(',').next().unwrap().trim_matches('"') >= "2021-03-01 00:15";
            let expected = text.lines().filter(of_hour).filter(late).count();
            let counted: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert_eq!(counted, expected, "{line}");
        }
    }
}

#[test]
fn a_file_that_has_grown_adds_its_tail() {
    let place = Place::new();
    let rows = "c,A,1,2021-03-01 00:01:00+00\nc,A,1,2021-03-01 00:01:00+00\nd,A,1,2021-03-01 00:01:00+00\n";
    let file = place.file("f.csv", rows);
    place.says(&["import", &file]);
    place.file("f.csv", &format!("{rows}c,A,2,2021-03-01 00:02:00+00\n"));
    let grown = place.says(&["import", &file]);
    assert!(grown.starts_with("complete: 1 stored"), "{grown}");
    // The same row twice is two events; transaction ids repeat across customers.
    let counts = place.says(&[
        "count",
        "--customer",
        "c",
        "--start",
        "2021-03-01",
        "--end",
        "2021-03-01T01:00:00Z",
    ]);
    assert_eq!(counts.split_whitespace().nth(1), Some("3"), "{counts}");
}

#[test]
fn the_hours_are_served() {
    let place = Place::new();
    place.says(&["import", sample().to_str().unwrap(), "--counts-only"]);
    let served = Served::start(&place);
    let range = "start=2021-03-01%2000:15:00%2B00&end=2021-03-01T04:30:00Z";
    let (status, hours) = served.get(&format!("/hourly?customer_id={CUSTOMER}&{range}"));
    assert_eq!((status, hours.as_array().unwrap().len()), (200, 5), "{hours}");
    assert_eq!(
        (&hours[0]["bucket"]["partial"], &hours[1]["bucket"]["partial"]),
        (&true.into(), &false.into())
    );
    let (_, nobody) = served.get(&format!("/hourly?customer_id=nobody&{range}"));
    assert!(
        nobody.as_array().unwrap().iter().all(|row| row["value"] == "0"),
        "{nobody}"
    );
    for (query, parameter) in [
        ("start=2021-03-01&end=2021-03-02", "customer_id"),
        ("customer_id=c&start=x&end=2021-03-02", "start"),
        ("customer_id=c&start=2021-03-02&end=2021-03-01", "end"),
        ("customer_id=c&start=2021-03-01&end=2021-03-02&colour=red", "colour"),
        (
            "customer_id=c&customer_id=d&start=2021-03-01&end=2021-03-02",
            "customer_id",
        ),
    ] {
        let (status, problem) = served.get(&format!("/hourly?{query}"));
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &parameter.into()),
            "{query}: {problem}"
        );
    }
}
