//! Files sent to the route that imports them: as the program does, while they come.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::collector::{Collector, Place, Response};

const SAMPLE: &[u8] = include_bytes!("../../../fixtures/customer_events.csv");
const SHORT: &str =
    "/v1/import?header=absent&category=usage&columns=subject,name,data.transaction_id,timestamp&source=meter";
const CSV: [(&str, &str); 1] = [("content-type", "text/csv")];

fn upload(collector: &Collector, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
    collector.request("POST", path, headers, body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn rows(count: usize) -> String {
    (0..count)
        .map(|row| format!("c-{},INGEST,t-{row},2021-03-01 00:{:02}:00+00\n", row % 100, row % 60))
        .collect()
}

#[test]
fn a_file_is_imported_once_by_its_label() {
    let collector = Collector::start();
    let labelled = format!("{SHORT}&label=march");
    let first = upload(&collector, &labelled, &CSV, SAMPLE);
    assert_eq!(first.status, 200, "{}", first.text());
    let report = first.json();
    assert_eq!(report["outcome"], "complete");
    let counts = |report: &Value, part: &str| {
        ["rows", "stored", "duplicates", "quarantined"].map(|count| report[part][count].as_u64().unwrap())
    };
    assert_eq!(counts(&report, "pass"), [19, 17, 0, 2]);
    assert_eq!(
        report["pass"]["codes"],
        json!({"invalid_envelope": 1, "invalid_timestamp": 1})
    );
    // The same file, compressed, under the same label.
    let again = upload(&collector, &labelled, &CSV, gzip(SAMPLE)).json();
    assert_eq!(again["outcome"], "nothing_new", "{again}");
    // One that has grown.
    let grown = [SAMPLE, rows(10).as_bytes()].concat();
    let grown = upload(&collector, &labelled, &CSV, grown).json();
    assert_eq!(
        (&grown["outcome"], counts(&grown, "pass")),
        (&json!("complete"), [10, 10, 0, 0])
    );
    // Without a label every row is looked at again, and known.
    let unlabelled = upload(&collector, SHORT, &CSV, SAMPLE).json();
    assert_eq!(counts(&unlabelled, "pass"), [19, 0, 17, 2]);
    // Another file under the label.
    let other = upload(&collector, &labelled, &CSV, rows(40));
    assert_eq!((other.status, other.problem().as_deref()), (422, Some("file_changed")));
    let count = collector.get("/v1/query?measure=count&category=usage").json();
    assert_eq!(count["rows"][0]["value"], "27");
}

#[test]
fn lines_and_tables_with_a_header() {
    let collector = Collector::start();
    let lines = "{\"id\": \"n-1\", \"category\": \"usage\", \"name\": \"measured\"}\n{\"id\": \"n-2\"}\n";
    let ndjson = [("content-type", "application/x-ndjson")];
    let report = upload(&collector, "/v1/import", &ndjson, lines).json();
    assert_eq!(
        (&report["pass"]["stored"], &report["pass"]["rows"]),
        (&json!(1), &json!(2))
    );
    let table = "customer;at;value\nc-1;2021-03-01 10:00:00;7.5\n";
    let path = "/v1/import?format=csv&delimiter=%3B&category=usage&name=measured&zone=Europe/Paris&map=customer=subject&map=at=timestamp&map=value=data.value:number";
    let bytes = [("content-type", "application/octet-stream")];
    let report = upload(&collector, path, &bytes, table).json();
    assert_eq!(report["pass"]["stored"], 1, "{report}");
    let stored = collector.get("/v1/events?subject=c-1").json();
    assert_eq!(stored["events"][0]["data"], json!({"value": 7.5}));
    assert_eq!(stored["events"][0]["occurred_at"], "2021-03-01T09:00:00Z");
}

#[test]
fn what_cannot_be_used_is_said_before_or_with_what_was_done() {
    let collector = Collector::start();
    let csv = |path: &str| upload(&collector, path, &CSV, SAMPLE);
    for (path, parameter) in [
        ("/v1/import?colour=red", "colour"),
        ("/v1/import?header=perhaps", "header"),
        ("/v1/import?columns=subject,colour", "columns"),
        ("/v1/import?map=subject", "map"),
        ("/v1/import?columns=subject&map=a=subject", "map"),
        ("/v1/import?delimiter=%22", "delimiter"),
        ("/v1/import?max_errors=0", "max_errors"),
        ("/v1/import?zone=Mars", "zone"),
        ("/v1/import?label=a&label=b", "label"),
        ("/v1/import?format=ndjson", "format"),
    ] {
        let response = csv(path);
        assert_eq!(
            (response.status, &response.json()["parameter"]),
            (400, &json!(parameter)),
            "{path}"
        );
    }
    let unnamed = upload(
        &collector,
        SHORT,
        &[("content-type", "application/x-www-form-urlencoded")],
        SAMPLE,
    );
    assert_eq!(
        (unnamed.status, unnamed.problem().as_deref()),
        (415, Some("unsupported_media_type"))
    );
    let encoded = [CSV[0], ("content-encoding", "br")];
    assert_eq!(upload(&collector, SHORT, &encoded, SAMPLE).status, 415);
    assert_eq!(
        upload(&collector, SHORT, &CSV, "").problem().as_deref(),
        Some("empty_file")
    );
    let missing = upload(&collector, "/v1/import?category=usage", &CSV, "a,b\n1,2\n");
    assert_eq!(
        (missing.status, missing.problem().as_deref()),
        (422, Some("missing_column"))
    );
    // Too many bad rows end it; what was good is stored, and the answer says so.
    let bad = format!("{}{}", rows(3), ",INGEST,t,2021-03-01\n".repeat(5));
    let response = upload(&collector, &format!("{SHORT}&max_errors=2"), &CSV, bad);
    assert_eq!(
        (response.status, response.problem().as_deref()),
        (422, Some("too_many_errors"))
    );
    let report = &response.json()["report"];
    assert_eq!(
        (&report["outcome"], &report["pass"]["stored"]),
        (&json!("stopped"), &json!(3)),
        "{report}"
    );
    let stored = collector.get("/v1/query?measure=count").json();
    assert_eq!(stored["rows"][0]["value"], "3");
}

#[test]
fn a_line_that_is_cut_is_gone_on_with() {
    let collector = Collector::start();
    let file = rows(30_000);
    let labelled = format!("{SHORT}&label=cut");
    let mut connection = collector.connect();
    let announced = file.len().to_string();
    let sent = &file.as_bytes()[..file.len() * 2 / 3];
    let head =
        format!("POST {labelled} HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: {announced}\r\n\r\n");
    assert!(connection.send(head) && connection.send(sent));
    drop(connection);
    // The collector may come to the cut request after this one: the import is then that one's, until it ends.
    let mut response = upload(&collector, &labelled, &CSV, &file);
    for _ in 0..20 {
        if response.problem().as_deref() != Some("import_taken") {
            break;
        }
        response = upload(&collector, &labelled, &CSV, &file);
    }
    let report = response.json();
    assert_eq!(report["outcome"], "complete", "{report}");
    assert_eq!(
        (&report["total"]["stored"], &report["total"]["duplicates"]),
        (&json!(30_000), &json!(0))
    );
    let stored = collector.get("/v1/query?measure=count").json();
    assert_eq!(stored["rows"][0]["value"], "30000");
}

#[test]
fn a_file_may_be_larger_than_a_body_and_not_than_its_own_limit() {
    let flags = ["--body-limit", "64KiB", "--import-limit", "1MiB"];
    let collector = Collector::start_with(&flags);
    let file = rows(10_000);
    assert!((1 << 18..1 << 20).contains(&file.len()));
    let report = upload(&collector, SHORT, &CSV, &file).json();
    assert_eq!(report["pass"]["stored"], 10_000);
    let large = file.repeat(4);
    let refused = upload(&collector, SHORT, &CSV, &large);
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (413, Some("body_too_large"))
    );
    // Little to send, and much in it.
    let refused = upload(&collector, SHORT, &CSV, gzip(large.as_bytes()));
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (413, Some("decoded_too_large"))
    );
    assert_eq!(collector.get("/health/ready").status, 200);
}

#[test]
fn a_key_imports_for_its_own_source() {
    let place = Place::sqlite();
    let output = place.run(&["key", "create", "--source", "shop"]);
    let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let collector = Collector::start_on(&place, &[]);
    let authorization = format!("Bearer {key}");
    let headers = [CSV[0], ("authorization", authorization.as_str())];
    assert_eq!(upload(&collector, SHORT, &CSV, SAMPLE).status, 401);
    let foreign = upload(&collector, SHORT, &headers, SAMPLE);
    assert_eq!(
        (foreign.status, foreign.problem().as_deref()),
        (403, Some("not_permitted"))
    );
    let own = SHORT.replace("source=meter", "source=shop");
    assert_eq!(upload(&collector, &own, &headers, SAMPLE).json()["pass"]["stored"], 17);
}
