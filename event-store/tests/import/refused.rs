//! Rows that are refused: each by itself, with its place, and counted once.

use chrono_tz::Tz;
use event_core::policy::{Action, Policy};
use event_core::{Code, EventType};
use event_store::TypeChange;

use crate::disk::Disk;
use crate::paper::{Paper, count, import, imported, in_order, quarantine};

/// The row of the table of bad input, columns, a bad row between two good ones, its code, and its column.
const BAD: &[(&str, &str, &[u8], Code, &str)] = &[
    ("C04", "subject,data.a", b"a,\xe9t\xe9", Code::InvalidUtf8, ""),
    ("C05", "subject,data.a", b"a", Code::ColumnCount, ""),
    ("C05", "subject,data.a", b"a,b,c", Code::ColumnCount, ""),
    ("C07", "subject,data.a", b"a,\"b\"c", Code::MalformedRow, ""),
    ("C08", "subject,data.a", b"a,b\0c", Code::NulCharacter, "2"),
    (
        "C10",
        "subject,data.n:number",
        b"a,\"1,234.5\"",
        Code::SchemaViolation,
        "2",
    ),
    (
        "C10",
        "subject,data.n:number",
        b"a,\"1.234,5\"",
        Code::SchemaViolation,
        "2",
    ),
    ("C10", "subject,data.n:number", b"a,0x10", Code::SchemaViolation, "2"),
    ("C10", "subject,data.n:number", b"a, 5 ", Code::SchemaViolation, "2"),
    ("C10", "subject,data.n:number", b"a,", Code::SchemaViolation, "2"),
    ("C10", "subject,data.n:integer", b"a,1.5", Code::SchemaViolation, "2"),
    (
        "C10",
        "subject,data.n:integer",
        b"a,9223372036854775808",
        Code::NumberOutOfRange,
        "2",
    ),
    ("C10", "subject,data.n:boolean", b"a,TRUE", Code::SchemaViolation, "2"),
    (
        "C11",
        "subject,timestamp",
        b"a,2026-10-25 02:30:00",
        Code::AmbiguousTimestamp,
        "2",
    ),
    (
        "C11",
        "subject,timestamp",
        b"a,2026-03-29 02:30:00",
        Code::InvalidTimestamp,
        "2",
    ),
    (
        "C17",
        "subject,data.p:json",
        b"a,\"{\"\"x\"\":\"",
        Code::MalformedJson,
        "2",
    ),
    ("C17", "subject,data", b"a,{x}", Code::MalformedJson, "2"),
    ("C17", "subject,data", b"a,[1]", Code::PayloadNotObject, "2"),
    ("", "subject,data.a", b",b", Code::InvalidEnvelope, "1"),
    ("", "id,data.a", b"a b,b", Code::InvalidId, "1"),
    ("", "subject,sequence", b"a,x", Code::InvalidEnvelope, "2"),
    ("", "name,data.a", b" x,b", Code::InvalidType, "1"),
];

/// A good row of the same columns.
fn good(columns: &str) -> &'static [u8] {
    match columns.rsplit(',').next().unwrap() {
        "data.n:boolean" => b"g,true\n",
        "timestamp" => b"g,2026-10-25 03:30:00\n",
        "data.p:json" | "data" => b"g,{}\n",
        _ => b"g,7\n",
    }
}

pub(crate) async fn c04_to_c11_and_c17_a_row_is_refused_where_it_is_wrong(disk: Disk) {
    let store = disk.open().await;
    for (case, (row, columns, bad, code, column)) in BAD.iter().enumerate() {
        let what = format!("{row} {columns} {}", String::from_utf8_lossy(bad));
        let mut options = in_order(columns);
        options.origin.zone = Tz::Europe__Berlin;
        // Of one source, the same row read in two ways would be one id with two contents.
        options.origin.source = format!("meter-{case}").parse().unwrap();
        let good = good(columns);
        let paper = Paper::new([good, bad, b"\n", good].concat());
        options.rejects = Some(paper.beside("rejects.csv"));
        let before = quarantine(&store).await.len();
        let pass = imported(&store, &paper.path(), &options).await.pass;
        assert_eq!((pass.rows, pass.quarantined), (3, 1), "{what} {case}: {:?}", pass.codes);
        assert_eq!(pass.codes.keys().next(), Some(code), "{what}");
        let kept = quarantine(&store).await;
        assert_eq!((kept.len(), kept[before].code), (before + 1, *code), "{what}");
        assert!(kept[before].raw.is_some() || kept[before].raw_hex.is_some(), "{what}");
        let rejects = std::fs::read_to_string(paper.beside("rejects.csv")).unwrap();
        let lines: Vec<&str> = rejects.lines().collect();
        assert_eq!(lines[0], "line,column,offset,code,message");
        let start = format!("2,{column},{},{code},\"", good.len());
        assert!(lines.len() == 2 && lines[1].starts_with(&start), "{what}: {rejects}");
    }
    // A local time without a zone of its own is UTC.
    let paper = Paper::new("a,2026-10-25 02:30:00\n");
    let pass = imported(&store, &paper.path(), &in_order("subject,timestamp"))
        .await
        .pass;
    assert_eq!(pass.first.unwrap().to_string(), "2026-10-25T02:30:00Z");
}

pub(crate) async fn c20_too_many_refused_rows_end_it(disk: Disk) {
    let store = disk.open().await;
    let paper = Paper::new(",1\n".repeat(2_500));
    let options = in_order("subject,data.n");
    for run in 1..=2_u64 {
        let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
        assert_eq!(stopped.failure.code(), "too_many_errors");
        let imported = stopped.imported.unwrap();
        assert_eq!((imported.rows, imported.pass.rows), (1_000, run * 1_000));
        assert_eq!(imported.pass.codes[&Code::InvalidEnvelope], run * 1_000);
    }
    // The rest is fewer than that.
    let rest = imported(&store, &paper.path(), &options).await;
    assert_eq!((rest.rows, rest.pass.quarantined), (500, 2_500));
    let kept = quarantine(&store).await;
    assert_eq!((kept.len(), kept[0].occurrences), (1, 2_500));
    // Conflicts are known only once they are offered, and count as well.
    let text: String = (0..40).map(|number| format!("same,{number}\n")).collect();
    let paper = Paper::new(text + &"other,1\n".repeat(10_000));
    let mut options = in_order("id,data.n");
    options.max_errors = 39;
    let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
    assert_eq!(stopped.failure.code(), "too_many_errors");
    assert_eq!(stopped.imported.unwrap().pass.codes[&Code::IdConflict], 39);
}

pub(crate) async fn the_file_of_rejects_has_a_line_for_each(disk: Disk) {
    let store = disk.open().await;
    let mut options = in_order("id,data.secret:number");
    let paper = Paper::new("1,1\n1,2\n2,s3cr3t\n\"3\n\",4\n4,5\n");
    options.rejects = Some(paper.beside("rejects.csv"));
    imported(&store, &paper.path(), &options).await;
    let rejects = || std::fs::read_to_string(paper.beside("rejects.csv")).unwrap();
    let places = |text: &str| -> Vec<String> {
        let place = |line: &str| line.splitn(5, ',').take(4).collect::<Vec<_>>().join(",");
        text.lines().map(place).collect()
    };
    let head = "line,column,offset,code";
    let expected = ["2,1,4,id_conflict", "3,2,8,schema_violation", "4,1,17,invalid_id"];
    assert_eq!(places(&rejects()), [&[head][..], &expected].concat());
    assert!(!rejects().contains("s3cr3t"));
    // Nothing new leaves it as it is; a new pass begins it anew.
    imported(&store, &paper.path(), &options).await;
    assert_eq!(places(&rejects()).len(), 4);
    // Whoever is killed between the last commit and the last line writes it the next time.
    let whole = rejects();
    for length in ["line,column,offset,code,message\n".len(), whole.len() - 1, whole.len()] {
        std::fs::write(paper.beside("rejects.csv"), &whole[..length]).unwrap();
        imported(&store, &paper.path(), &options).await;
        assert_eq!(rejects(), whole, "{length}");
    }
    for other in [
        "",
        "of somebody else, and longer than what was written here\n"
            .repeat(20)
            .as_str(),
    ] {
        std::fs::write(paper.beside("rejects.csv"), other).unwrap();
        imported(&store, &paper.path(), &options).await;
        assert_eq!(rejects(), other);
    }
    paper.write("1,1\n1,2\n2,s3cr3t\n\"3\n\",4\n4,5\n5,x\n");
    imported(&store, &paper.path(), &options).await;
    assert_eq!(places(&rejects()), [head, "7,2,28,schema_violation"]);
}

pub(crate) async fn a_policy_that_keeps_nothing_is_counted_too(disk: Disk) {
    let store = disk.open().await;
    let change = TypeChange {
        schema: Some(serde_json::json!({"properties": {"n": {"maximum": 5}}})),
        policy: Some(Policy {
            on_violation: Action::Reject,
            ..Policy::default()
        }),
        ..TypeChange::default()
    };
    let kind = EventType::new("usage", "measured").unwrap();
    store.register(&kind, &"1".parse().unwrap(), change).await.unwrap();
    let paper = Paper::new("a,7\nb,3\nc,9\n");
    let mut options = in_order("subject,data.n:integer");
    options.rejects = Some(paper.beside("rejects.csv"));
    let pass = imported(&store, &paper.path(), &options).await.pass;
    assert_eq!((pass.stored, pass.rejected), (1, 2));
    let rejects = std::fs::read_to_string(paper.beside("rejects.csv")).unwrap();
    let places: Vec<_> = rejects
        .lines()
        .skip(1)
        .map(|line| line.rsplitn(2, ",\"").last().unwrap())
        .collect();
    assert_eq!(places, ["1,2,0,schema_violation", "3,2,8,schema_violation"]);
    assert_eq!((count(&store).await, quarantine(&store).await.len()), (1, 0));
}
