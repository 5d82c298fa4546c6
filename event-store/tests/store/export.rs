//! Exports: the same events in every form, each once, whatever happens on the way.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use event_core::filter::{Field, Test};
use event_core::{Filter, StoredEvent, Timestamp};
use event_store::export::{CsvOptions, Encoded, ExportOptions, Formulas, ParquetOptions};
use event_store::{Error, EventStore, Offer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::disk::Disk;
use crate::sample::{ingest, json};

/// Events of some days and types, with what is hard to write.
fn offers(count: usize) -> Vec<Offer> {
    let offer = |number: usize| {
        let pick = |texts: &[&'static str]| texts[number % texts.len()];
        let members = [
            format!(r#""category":"{}""#, pick(&["order", "page interaction", "a/b", ".."])),
            format!(r#""name":"{}""#, pick(&["created", "Zoë", "x=y"])),
            format!(r#""source":"{}""#, pick(&["shop", "till"])),
            format!(r#""occurred_at":"2026-03-{:02}T23:59:59.999999Z""#, 28 + number % 3),
            pick(&[
                r#""version":"1""#,
                r#""version":"2""#,
                r#""version":"1","sent_at":"2026-01-01""#,
            ])
            .to_owned(),
            pick(&[r#""session_id":"s-1""#, r#""session_id":null"#]).to_owned(),
            pick(&[
                r#""subject":"=1+1","sequence":7"#,
                r#""subject":"a,\"b\"; c""#,
                r#""subject":null"#,
            ])
            .to_owned(),
            format!(
                r#""data":{{"value":{number}.25,"text":"{}","pad":"{}"}}"#,
                pick(&["plain", "\\u2028<\\\"", "-1", "é\\n"]),
                "x".repeat(number % 200),
            ),
        ];
        json(&format!("e-{number}"), &format!(",{}", members.join(",")))
    };
    (0..count).map(offer).collect()
}

async fn filled(disk: &Disk, count: usize) -> EventStore {
    let store = disk.open().await;
    let mut offers = offers(count);
    while !offers.is_empty() {
        let rest = offers.split_off(offers.len().min(500));
        // Some come twice, and leave gaps in the log.
        offers.extend(offers.first().cloned());
        ingest(&store, offers).await;
        offers = rest;
    }
    store
}

async fn log(store: &EventStore) -> Vec<StoredEvent> {
    store.log(0, 10_000).await.unwrap()
}

async fn bytes(mut encoded: Encoded) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = encoded.next().await.unwrap() {
        assert!(!chunk.is_empty());
        all.extend(chunk);
    }
    assert_eq!(encoded.next().await.unwrap(), None);
    all
}

async fn exported(store: &EventStore, options: &ExportOptions) -> Vec<StoredEvent> {
    let mut export = store.export(options).await.unwrap();
    let mut events = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        assert!(export.reached() >= page.last().unwrap().position);
        events.extend(page);
    }
    assert_eq!(export.reached(), export.until());
    events
}

pub(crate) async fn lines_offered_to_another_store_are_the_same_events(disk: Disk) {
    let store = filled(&disk, 700).await;
    let lines = bytes(store.export(&ExportOptions::default()).await.unwrap().ndjson()).await;
    let lines: Vec<&[u8]> = lines
        .strip_suffix(b"\n")
        .unwrap()
        .split(|byte| *byte == b'\n')
        .collect();
    let events = log(&store).await;
    let expected: Vec<Vec<u8>> = events.iter().map(|event| serde_json::to_vec(event).unwrap()).collect();
    assert_eq!(lines, expected);
    assert_eq!(lines.len(), 700);

    let other = disk.another();
    let other = other.open().await;
    ingest(&other, lines.iter().map(|line| Offer::Json(line.to_vec())).collect()).await;
    let again = log(&other).await;
    assert_eq!(again.len(), events.len());
    for (one, other) in events.iter().zip(&again) {
        assert_eq!(one.event.envelope(), other.event.envelope());
        assert_eq!(one.event.payload(), other.event.payload());
        assert_eq!(one.event.content_hash(), other.event.content_hash());
    }
}

pub(crate) async fn an_export_is_fixed_when_it_starts_and_the_next_goes_on(disk: Disk) {
    let store = filled(&disk, 600).await;
    let mut export = store.export(&ExportOptions::default()).await.unwrap();
    let until = export.until();
    assert_eq!(until, store.head().await.unwrap());
    let mut before = export.next().await.unwrap().unwrap();
    ingest(&store, vec![json("late", ""), json("later", "")]).await;
    while let Some(page) = export.next().await.unwrap() {
        before.extend(page);
    }
    assert_eq!(before, log(&store).await[..600]);
    let rest = ExportOptions {
        after: until,
        ..ExportOptions::default()
    };
    let rest = exported(&store, &rest).await;
    assert_eq!(rest, log(&store).await[600..]);
    assert_eq!(rest.len(), 2);
    let beyond = ExportOptions {
        after: until + 1_000,
        ..ExportOptions::default()
    };
    let mut beyond = store.export(&beyond).await.unwrap();
    assert_eq!((beyond.until(), beyond.next().await.unwrap()), (until + 1_000, None));
}

pub(crate) async fn an_export_by_every_filter_is_what_the_filter_chooses(disk: Disk) {
    let store = filled(&disk, 400).await;
    let all = log(&store).await;
    let place = |pointer: &str| Field::Data(pointer.parse().unwrap());
    let filters = [
        Filter::new(),
        Filter::new().and(Field::Category, Test::equals("a/b")),
        Filter::new().and(Field::Category, Test::equals("nothing")),
        Filter::new()
            .and(Field::Name, Test::equals("Zoë"))
            .and(Field::Source, Test::equals("till")),
        Filter::new().and(Field::Subject, Test::equals("=1+1")),
        Filter::new().and(Field::SessionId, Test::equals("s-1")),
        Filter::new().and(place("/value"), Test::range(Some(10), Some(200))),
        Filter::new().and(place("/text"), Test::contains("\u{2028}")),
    ];
    let times: Vec<Option<Timestamp>> = vec![
        None,
        Some("2026-03-29".parse().unwrap()),
        Some("2026-03-30".parse().unwrap()),
        Some("2030-01-01".parse().unwrap()),
    ];
    for filter in filters {
        for (from, to) in times.iter().flat_map(|from| times.iter().map(move |to| (*from, *to))) {
            let options = ExportOptions {
                after: 50,
                from,
                to,
                filter: filter.clone(),
                upcast: None,
            };
            if from.zip(to).is_some_and(|(from, to)| to < from) {
                assert!(matches!(store.export(&options).await, Err(Error::Query(_))));
                continue;
            }
            let chosen = all.iter().filter(|stored| {
                let at = stored.event.envelope().occurred_at;
                let within = from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to);
                stored.position > 50 && within && filter.matches(&stored.event)
            });
            let chosen: Vec<StoredEvent> = chosen.cloned().collect();
            assert_eq!(exported(&store, &options).await, chosen, "{options:?}");
        }
    }
}

/// Texts, and what stands for them in a cell.
const CELLS: [(&str, &str); 14] = [
    (r#""=HYPERLINK(\"http://x\",\"y\")""#, "'=HYPERLINK(\"http://x\",\"y\")"),
    (r#""+1""#, "'+1"),
    (r#""-1""#, "'-1"),
    (r#""@SUM(A1)""#, "'@SUM(A1)"),
    (r#""\tx""#, "'\tx"),
    (r#""\rx""#, "'\rx"),
    (r#""x=1""#, "x=1"),
    (r#""a,b\r\nc""#, "a,b\r\nc"),
    (r#""""#, ""),
    ("-1", "-1"),
    ("-0.5", "-0.5"),
    ("true", "true"),
    ("null", ""),
    (r#"["=1"]"#, r#"["=1"]"#),
];

pub(crate) async fn no_cell_is_a_formula_unless_asked(disk: Disk) {
    let store = disk.open().await;
    for (number, (value, _)) in CELLS.iter().enumerate() {
        let members = format!(r#","subject":"=cmd()","source":"@s","occurred_at":"2026-01-01","data":{{"x":{value}}}"#);
        ingest(&store, vec![json(&format!("-{number}"), &members)]).await;
    }
    for formulas in [Formulas::Escaped, Formulas::Verbatim] {
        let options = CsvOptions {
            columns: vec!["/x".parse().unwrap(), "/none".parse().unwrap()],
            formulas,
        };
        let text = bytes(store.export(&ExportOptions::default()).await.unwrap().csv(options)).await;
        assert!(text.ends_with(b"\r\n"));
        let mut rows = csv::Reader::from_reader(&text[..]);
        let names: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(
            (names[0].as_str(), names[13].as_str(), names.len()),
            ("position", "/x", 15)
        );
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), CELLS.len());
        let quote = if formulas == Formulas::Escaped { "'" } else { "" };
        for (number, (row, (value, escaped))) in rows.iter().zip(CELLS).enumerate() {
            let verbatim = serde_json::from_str(value).unwrap_or_else(|_| escaped.to_owned());
            let cell = if formulas == Formulas::Escaped {
                escaped
            } else {
                verbatim.as_str()
            };
            assert_eq!((&row[13], &row[14]), (cell, ""), "{value}");
            assert_eq!(row[1], format!("{quote}-{number}"));
            assert_eq!((&row[5], &row[7]), (&*format!("{quote}@s"), &*format!("{quote}=cmd()")));
            assert_eq!((&row[9], &row[12]), ("2026-01-01T00:00:00Z", "unplanned"));
        }
    }
    let whole = bytes(
        store
            .export(&ExportOptions::default())
            .await
            .unwrap()
            .csv(CsvOptions::default()),
    )
    .await;
    let mut rows = csv::Reader::from_reader(&whole[..]);
    assert_eq!(&rows.headers().unwrap()[13], "data");
    assert_eq!(
        &rows.records().next().unwrap().unwrap()[13],
        r#"{"x":"=HYPERLINK(\"http://x\",\"y\")"}"#
    );
}

/// What a row of a table says: enough to tell it from all others.
type Row = (
    i64,
    String,
    String,
    String,
    Option<String>,
    Option<i64>,
    i64,
    Option<i64>,
    String,
);

fn expected(stored: &StoredEvent) -> Row {
    let envelope = stored.event.envelope();
    (
        stored.position,
        envelope.id.to_string(),
        envelope.event_type.category.to_string(),
        envelope.event_type.name.to_string(),
        envelope.subject.as_ref().map(ToString::to_string),
        envelope.sequence,
        envelope.occurred_at.as_micros(),
        envelope.sent_at.map(Timestamp::as_micros),
        stored.event.payload().as_str().to_owned(),
    )
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let word = |name: &str, row: usize| match column(name).as_dictionary_opt::<Int32Type>() {
        Some(words) => words
            .downcast_dict::<arrow_array::StringArray>()
            .unwrap()
            .into_iter()
            .nth(row)
            .unwrap(),
        None => Some(column(name).as_string::<i32>().value(row)),
    };
    let text = |name: &str, row: usize| {
        let texts = column(name).as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let number = |name: &str, row: usize| {
        let numbers = column(name).as_primitive::<Int64Type>();
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    let time = |name: &str, row: usize| {
        let times = column(name).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.timezone(), Some("UTC"));
        times.is_valid(row).then(|| times.value(row))
    };
    let row = |row: usize| {
        (
            number("position", row).unwrap(),
            text("id", row).unwrap(),
            word("category", row).unwrap().to_owned(),
            word("name", row).unwrap().to_owned(),
            text("subject", row),
            number("sequence", row),
            time("occurred_at", row).unwrap(),
            time("sent_at", row),
            text("data", row).unwrap(),
        )
    };
    (0..batch.num_rows()).map(row).collect()
}

pub(crate) async fn tables_of_arrow_read_back(disk: Disk) {
    let store = filled(&disk, 500).await;
    let events: Vec<Row> = log(&store).await.iter().map(expected).collect();
    let mut batches = store.export(&ExportOptions::default()).await.unwrap().batches();
    let mut found = Vec::new();
    while let Some(batch) = batches.next().await.unwrap() {
        assert_eq!(batch.schema(), batches.schema());
        found.extend(rows(&batch));
    }
    assert_eq!(found, events);
    let stream = bytes(store.export(&ExportOptions::default()).await.unwrap().arrow()).await;
    let stream = arrow_ipc::reader::StreamReader::try_new(&stream[..], None).unwrap();
    let found: Vec<Row> = stream.flat_map(|batch| rows(&batch.unwrap())).collect();
    assert_eq!(found, events);
    // Without events it is a table all the same.
    let none = ExportOptions {
        after: i64::MAX - 1,
        ..ExportOptions::default()
    };
    let stream = bytes(store.export(&none).await.unwrap().arrow()).await;
    let stream = arrow_ipc::reader::StreamReader::try_new(&stream[..], None).unwrap();
    assert_eq!((stream.schema().fields().len(), stream.count()), (14, 0));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|ending| ending != "json" && ending != "lock")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The rows of all files, in the order of the log; each lies where its day and type say.
fn read(folder: &Path) -> Vec<Row> {
    let mut found = Vec::new();
    for file in files(folder) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap();
        for batch in reader.build().unwrap() {
            let rows = rows(&batch.unwrap());
            let below = file.strip_prefix(folder).unwrap().display().to_string();
            for (_, _, category, _, _, _, at, ..) in &rows {
                let date = &Timestamp::from_micros(*at).unwrap().to_string()[..10];
                let category = category.replace('/', "%2F").replace(' ', "%20");
                assert!(
                    below.starts_with(&format!("date={date}/category={category}/name=")),
                    "{below}"
                );
            }
            found.extend(rows);
        }
    }
    found.sort();
    found
}

pub(crate) async fn a_folder_of_parquet_reads_back_and_grows(disk: Disk) {
    let store = filled(&disk, 900).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("events");
    let options = ExportOptions::default();
    for parquet in [
        ParquetOptions::default(),
        // Hardly anything fits: files are begun and ended all the time.
        ParquetOptions {
            memory: 20_000,
            open_files: 2,
            checkpoint: 250,
        },
    ] {
        let _ = fs::remove_dir_all(&folder);
        let manifest = store.export_parquet(&folder, &options, &parquet, |_| {}).await.unwrap();
        let events: Vec<Row> = log(&store).await.iter().map(expected).collect();
        assert_eq!(read(&folder), events);
        assert_eq!(
            (manifest.position, manifest.events),
            (store.head().await.unwrap(), events.len() as u64)
        );
        assert_eq!(manifest.files, files(&folder).len() as u64);
        // Nothing new, and then one event more.
        assert_eq!(
            store.export_parquet(&folder, &options, &parquet, |_| {}).await.unwrap(),
            manifest
        );
        ingest(
            &store,
            vec![json(
                &format!("late-{}", parquet.open_files),
                r#","occurred_at":"2026-03-28""#,
            )],
        )
        .await;
        let grown = store.export_parquet(&folder, &options, &parquet, |_| {}).await.unwrap();
        assert_eq!((grown.events, grown.files), (manifest.events + 1, manifest.files + 1));
        assert_eq!(read(&folder).len() as u64, grown.events);
    }
}

/// A kill leaves what was written behind the last checkpoint: that is put back from a run that came to its end.
pub(crate) async fn an_export_that_was_killed_goes_on_from_every_checkpoint(disk: Disk) {
    let store = filled(&disk, 900).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let manifest = folder.join("_export.json");
    let parquet = ParquetOptions {
        memory: 30_000,
        open_files: 3,
        checkpoint: 100,
    };
    let options = ExportOptions {
        filter: Filter::new().and(Field::Source, Test::equals("shop")),
        ..ExportOptions::default()
    };
    let mut states = BTreeSet::new();
    let watch = |_| {
        states.insert(fs::read_to_string(&manifest).unwrap());
    };
    let whole = store.export_parquet(folder, &options, &parquet, watch).await.unwrap();
    let events: Vec<Row> = log(&store)
        .await
        .iter()
        .filter(|stored| options.filter.matches(&stored.event))
        .map(expected)
        .collect();
    assert_eq!(read(folder), events);
    assert!(states.len() > 3, "{}", states.len());
    for state in states {
        let killed = tempfile::tempdir().unwrap();
        let killed = killed.path();
        let mut half = PathBuf::new();
        for file in files(folder) {
            let there = killed.join(file.strip_prefix(folder).unwrap());
            fs::create_dir_all(there.parent().unwrap()).unwrap();
            fs::copy(file, &there).unwrap();
            half = there.with_file_name("_part-00000000000000000007.tmp");
        }
        fs::write(&half, b"PAR1 and no more").unwrap();
        fs::write(killed.join("_export.json.tmp"), b"{").unwrap();
        fs::write(killed.join("_export.json"), state).unwrap();
        let again = store.export_parquet(killed, &options, &parquet, |_| {}).await.unwrap();
        assert_eq!((again.position, again.events), (whole.position, whole.events));
        assert!(!half.exists());
        assert_eq!(again.files, files(killed).len() as u64);
        assert_eq!(read(killed), events);
    }
}

pub(crate) async fn a_folder_of_something_else_is_left_alone(disk: Disk) {
    let store = filled(&disk, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let parquet = ParquetOptions::default();
    let all = ExportOptions::default();
    let refused = async |options: &ExportOptions| {
        let refused = store.export_parquet(folder, options, &parquet, |_| {}).await;
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    };
    fs::write(folder.join("letters.txt"), b"mine").unwrap();
    refused(&all).await;
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    fs::remove_file(folder.join("letters.txt")).unwrap();
    store.export_parquet(folder, &all, &parquet, |_| {}).await.unwrap();
    let before = read(folder);
    let others = ExportOptions {
        filter: Filter::new().and(Field::Source, Test::equals("shop")),
        ..all.clone()
    };
    refused(&others).await;
    refused(&ExportOptions {
        after: 3,
        ..all.clone()
    })
    .await;
    let lock = File::open(folder.join("_export.lock")).unwrap();
    lock.lock().unwrap();
    refused(&all).await;
    drop(lock);
    fs::write(folder.join("_export.json"), b"{}").unwrap();
    refused(&all).await;
    assert_eq!(read(folder), before);
}
