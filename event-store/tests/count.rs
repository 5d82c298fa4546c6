//! What is counted of a file without a store, held against what a store says that has imported it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use event_core::minutes::Cut;
use event_core::{Code, Filter, Query, Source};
use event_store::import::{self, Column, Columns, CountOptions, Counted, Format, Header, ImportOptions, Input, Space};
use event_store::{EventStore, Origin};
use proptest::prelude::*;

fn options(columns: &str, header: Header) -> ImportOptions {
    let format = Format::Csv {
        delimiter: b',',
        header,
    };
    let mut options = ImportOptions::new(format, Origin::new(Source::new("meter").unwrap()));
    let columns = columns.split(',').map(str::parse::<Column>);
    options.columns = Columns::InOrder(columns.collect::<Result<_, _>>().unwrap());
    options.category = Some("usage".parse().unwrap());
    options.name = Some("measured".parse().unwrap());
    options.max_errors = u64::MAX;
    options
}

fn query(text: &str) -> Query {
    Query::from_json(text.as_bytes()).unwrap()
}

/// The questions: whole minutes, and a range that begins and ends inside one.
fn questions() -> [Query; 3] {
    [
        query(r#"{"by": ["subject"]}"#),
        query(
            r#"{"bucket": "hour", "from": "2021-03-01", "to": "2021-03-02", "zone": "Asia/Kolkata",
                "filter": {"all": [{"field": "subject", "equals": "c-1"}]}}"#,
        ),
        query(
            r#"{"by": ["subject"], "bucket": "day", "from": "2021-03-01T00:01:11.055Z", "to": "2021-03-01T00:30:30.5Z"}"#,
        ),
    ]
}

/// Code or rows, refused rows by reason, and the answers.
type Said = Result<(u64, BTreeMap<Code, u64>, Vec<String>), &'static str>;

fn rows(answer: &event_core::Answer) -> String {
    serde_json::to_string(&answer.rows).unwrap()
}

async fn imported(text: &[u8], options: &ImportOptions) -> Said {
    let store = EventStore::connect("sqlite::memory:").await.unwrap();
    let input = Input::stream(std::io::Cursor::new(text.to_vec()));
    let imported = store.import(input, options.clone(), |_| {}).await;
    let pass = imported.map_err(|stopped| stopped.failure.code())?.pass;
    let mut answers = Vec::new();
    for query in questions() {
        answers.push(rows(&store.answer(&query).await.unwrap()));
    }
    store.close().await.unwrap();
    Ok((pass.rows, pass.codes, answers))
}

fn counted(input: impl Fn() -> Input, options: &ImportOptions, counting: &CountOptions) -> Said {
    let mut answers = Vec::new();
    let (mut rows_read, mut codes) = (0, BTreeMap::new());
    for query in questions() {
        let mut counting = counting.clone();
        counting.cut = Cut::of(&query);
        let counted = import::count(input(), options, &counting, |_| {}).map_err(|failure| failure.code())?;
        (rows_read, codes) = (counted.rows, counted.codes.clone());
        answers.push(rows(&counted.answer(&query).unwrap()));
    }
    Ok((rows_read, codes, answers))
}

fn in_pieces(threads: usize, piece: usize) -> CountOptions {
    let mut counting = CountOptions::default();
    (counting.threads, counting.piece) = (Some(threads), piece);
    counting
}

/// A memory that nothing fits in.
fn tiny(folder: &Path) -> CountOptions {
    let mut counting = in_pieces(2, 60);
    (counting.memory, counting.spill) = (1, Some(folder.to_owned()));
    counting
}

fn agree(text: &[u8], options: &ImportOptions) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let expected = runtime.block_on(imported(text, options));
    let shown = String::from_utf8_lossy(text);
    let stream = || Input::stream(std::io::Cursor::new(text.to_vec()));
    assert_eq!(
        counted(stream, options, &CountOptions::default()),
        expected,
        "{shown:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    let mut untold = in_pieces(1, 1 << 19);
    untold.rejected = 0;
    for counting in [in_pieces(1, 1 << 19), untold, in_pieces(2, 7), tiny(folder.path())] {
        let said = counted(|| Input::file(&path), options, &counting);
        assert_eq!(said, expected, "{counting:?} {shown:?}");
    }
}

fn subject() -> impl Strategy<Value = Vec<u8>> {
    let long = |length| Just(vec![b'x'; length]);
    prop_oneof![
        12 => prop_oneof!["c-[1-3]", "\"c-[1-3]\""].prop_map(String::into_bytes),
        3 => prop_oneof![
            Just(""), Just("\"\""), Just("é"), Just(" c-1"), Just("c-1 "), Just("\tc-1"), Just("c\u{7f}"), Just("c\0"),
            Just("a\"b"), Just("\"c\"\"1\""), Just("\"c-1"), Just("\"c\"-1"), Just("\"c,1\""), Just("\"c\n1\""),
            Just("\"c\r\n1\""), Just("\\u0041"), Just("\u{85}"), Just("\u{feff}c-1"),
        ].prop_map(|text| text.as_bytes().to_vec()),
        1 => prop_oneof![long(256), long(257), Just(vec![0xff]), prop::collection::vec(any::<u8>(), 0..5)],
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => r"2021-03-0[12] 0[0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,7})?\+00",
        4 => r"2021-03-01[ Tt]00:(01:11|30:30)(\.(055|05|5|4999999))?(Z|z|\+00:00|\+0000|-01|)",
        2 => prop_oneof![
            Just(""), Just("\"\""), Just("2021-03-01"), Just("2021-02-29 00:00:00Z"), Just("2024-02-29 00:00:00Z"),
            Just("2021-03-01 24:00:00"), Just("2021-03-01 23:59:60Z"), Just("1969-12-31 23:59:59Z"),
            Just("1970-01-01 00:00:00+01"), Just("9998-01-01 00:00:00Z"), Just(" 2021-03-01 00:00:00Z"),
            Just("2021-03-01 00:00:00."), Just("\"2021-03-01 00:02:00Z\""), Just("2021-03-01 00:00:00+24"),
            Just("2021-03-28 02:30:00"), Just("2021-10-31 02:30:00"),
        ].prop_map(str::to_owned),
    ]
}

fn row() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![6 => Just("INGEST"), 1 => Just(""), 1 => Just(" A"), 1 => Just("\"A\"")];
    let more = prop_oneof![12 => Just(""), 1 => Just(",more"), 1 => Just("\u{1}"), 1 => Just("\\\"")];
    let end = prop_oneof![8 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("\r"), 1 => Just("\"\n")];
    (subject(), name, time(), more, end, 0..20).prop_map(|(subject, name, time, more, end, short)| {
        let mut row = subject;
        for text in [",", name, ",x,"] {
            row.extend(text.bytes());
        }
        if short == 0 {
            row.truncate(row.len() / 2);
        } else {
            row.extend(time.bytes());
        }
        row.extend(more.bytes());
        row.extend(end.bytes());
        row
    })
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let rows = prop::collection::vec(row(), 0..12);
    (rows, 0..8, any::<bool>()).prop_map(|(rows, first, cut)| {
        let mut file = rows.concat();
        if first == 0 {
            file.splice(0..0, *b"\xef\xbb\xbf");
        }
        if cut {
            file.pop();
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_counts_is_what_an_import_stores(file in file(), header: bool, trim: bool, kind in 0..4_usize) {
        let header = if header { Header::Present } else { Header::Absent };
        let columns = ["subject,name,data.t,timestamp", "subject?,name?,-,timestamp?", "subject,data.a,data.n:json,timestamp",
            "subject,category,data.b,occurred_at"][kind];
        let mut options = options(columns, header);
        options.space = if trim { Space::Trim } else { Space::Keep };
        if kind == 3 {
            options.origin.zone = chrono_tz::Tz::Europe__Paris;
        }
        agree(&file, &options);
    }
}

#[test]
fn rejected_rows_have_their_places_whoever_read_them() {
    let text = "c-1,a,x,2021-03-01 00:00:00Z\n\n,a,x,2021-03-01\nc-1,a\nc-2,a,x,never\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    for (threads, piece) in [(1, 5), (2, 9), (2, 1 << 19)] {
        let options = options("subject,name,data.t,timestamp", Header::Absent);
        let counted = import::count(Input::file(&path), &options, &in_pieces(threads, piece), |_| {}).unwrap();
        let places = counted
            .rejected
            .iter()
            .map(|it| (it.line, it.column, it.offset, it.code.as_str()));
        assert_eq!(
            places.collect::<Vec<_>>(),
            [
                (3, Some(1), 30, "invalid_envelope"),
                (4, None, 46, "column_count"),
                (5, Some(4), 52, "invalid_timestamp"),
            ]
        );
    }
}

fn many(rows: usize) -> Vec<u8> {
    let row = |row: usize| {
        let (subject, minute) = (row * 7 % 501, row * 11 % 1_440);
        format!(
            "customer-{subject},a,x,2021-03-01 {:02}:{:02}:07Z\n",
            minute / 60,
            minute % 60
        )
    };
    (0..rows).map(row).collect::<String>().into_bytes()
}

fn total(counted: &Counted) -> Vec<event_core::aggregate::Row> {
    let query = query(r#"{"by": ["subject"], "bucket": "hour"}"#);
    counted.answer(&query).unwrap().rows
}

#[test]
fn what_finds_no_room_in_memory_is_written_away() {
    let (text, folder) = (many(60_000), tempfile::tempdir().unwrap());
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, &text).unwrap();
    let options = options("subject,name,data.t,timestamp", Header::Absent);
    let count = |counting: &CountOptions| import::count(Input::file(&path), &options, counting, |_| {}).unwrap();
    let (all, small) = (count(&in_pieces(2, 1 << 19)), count(&tiny(folder.path())));
    assert_eq!((all.spilled, all.rows), (0, 60_000));
    assert!(small.spilled > 0);
    assert_eq!(total(&small), total(&all));
    // Nothing is left behind.
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    // Without a folder it takes the memory that it needs.
    let mut nowhere = tiny(folder.path());
    nowhere.spill = None;
    assert_eq!(total(&count(&nowhere)), total(&all));
}

#[test]
fn compressed_files_and_quoted_line_ends_are_read_in_one_go() {
    use std::io::Write as _;
    let mut text = many(20_000);
    text.extend(b"\"customer-1\",a,\"x\ny\",2021-03-01 00:00:07Z\n");
    text.extend(many(1_000));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let options = options("subject,name,data.t,timestamp", Header::Absent);
    let count = || import::count(Input::file(&path), &options, &in_pieces(2, 4_096), |_| {}).unwrap();
    std::fs::write(&path, &text).unwrap();
    let plain = count();
    assert_eq!((plain.rows, plain.refused()), (21_001, 0));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    std::fs::write(&path, gzip.finish().unwrap()).unwrap();
    assert_eq!(total(&count()), total(&plain));
}

#[test]
fn only_some_rows_are_counted_and_questions_have_to_fit() {
    let text = "c-1,a,1,2021-03-01 00:00:00Z\nc-1,b,2,2021-03-01 00:00:00Z\n";
    let options = options("subject,name,data.t,timestamp", Header::Absent);
    let count = |counting: &CountOptions| import::count(Input::stream(text.as_bytes()), &options, counting, |_| {});
    let mut counting = CountOptions::default();
    let only = r#"{"filter": {"all": [{"field": "name", "equals": "a"}, {"field": "category", "equals": "usage"}]}}"#;
    counting.only = query(only).filter;
    let counted = count(&counting).unwrap();
    assert_eq!(counted.answer(&query("{}")).unwrap().rows[0].value, Some(1.into()));
    counting.only = Filter::new();
    let counted = count(&counting).unwrap();
    assert_eq!(counted.answer(&query("{}")).unwrap().rows[0].value, Some(2.into()));
    for wrong in [
        r#"{"measure": "sum:/t"}"#,
        r#"{"by": ["name"]}"#,
        r#"{"from": "2021-03-01T00:00:01Z"}"#,
        r#"{"bucket": "day", "zone": "Africa/Monrovia"}"#,
    ] {
        let failure = counted.answer(&query(wrong)).unwrap_err();
        assert_eq!((failure.code(), failure.is_input()), ("unanswerable", true), "{wrong}");
    }
    let with_id = self::options("id,subject,data.t,timestamp", Header::Absent);
    let refused = import::count(Input::stream(text.as_bytes()), &with_id, &counting, |_| {});
    assert_eq!(refused.err().map(|failure| failure.code()), Some("invalid_columns"));
}
