//! What ends an import: before it begins, or in the middle, where it goes on later.

use event_core::Source;
use event_store::import::{Columns, Failure, Format, Header, ImportOptions};
use event_store::{EventStore, Options, Origin};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};

use crate::disk::Disk;
use crate::paper::{Paper, count, counts, fails, import, imported, in_order, ndjson, with};

async fn store() -> EventStore {
    EventStore::connect("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn c01_an_empty_file_and_a_header_alone() {
    let store = store().await;
    let options = in_order("subject,data.n");
    for text in ["", "\u{feff}"] {
        assert_eq!(
            fails(&store, &Paper::new(text).path(), &options).await.code(),
            "empty_file"
        );
        assert_eq!(
            fails(&store, &Paper::new(text).path(), &ndjson()).await.code(),
            "empty_file"
        );
    }
    let mut options = with(Header::Present);
    options.name = Some("measured".parse().unwrap());
    assert_eq!(
        counts(&store, &Paper::new("subject\n").path(), &options).await,
        [0, 0, 0, 0]
    );
}

#[tokio::test]
async fn c02_and_c09_columns_that_are_missing_or_twice() {
    let store = store().await;
    let named = |text: &str| {
        let (name, column) = text.split_once('=').unwrap();
        (name.to_owned(), column.parse().unwrap())
    };
    for (text, map, code, said) in [
        ("a,b\n1,2\n", "c=subject", "missing_column", "column \"c\""),
        ("a,b\n1,2\n", "a=subject", "", ""),
        ("a,a\n1,2\n", "a=subject", "duplicate_column", "\"a\""),
        ("a,subject\n1,2\n", "a=subject", "duplicate_column", "subject"),
        (
            "a,timestamp,occurred_at\n1,2,3\n",
            "a=subject",
            "duplicate_column",
            "occurred_at",
        ),
        ("a;b\n1;2\n", "a=subject", "missing_column", "\";\""),
        ("a\tb\n1\t2\n", "a=subject", "missing_column", "TAB"),
        ("\"a\n1\n", "a=subject", "invalid_columns", "quote"),
    ] {
        let mut options = with(Header::Present);
        options.name = Some("measured".parse().unwrap());
        options.columns = Columns::ByName(vec![named(map)]);
        let paper = Paper::new(text);
        match import(&store, &paper.path(), &options).await {
            Ok(_) => assert_eq!(code, ""),
            Err(stopped) => {
                assert_eq!(stopped.failure.code(), code, "{text}");
                assert!(stopped.failure.to_string().contains(said), "{}", stopped.failure);
                assert!(stopped.imported.is_none() && stopped.failure.is_input());
            }
        }
    }
    // Without a header, and in order.
    for (text, header, columns, said) in [
        ("1;2;3\n", Header::Absent, "subject,data.n,name", "\";\""),
        ("a,b\n1,2\n", Header::Present, "subject,data.n,name", "column 3"),
        ("a,b\n", Header::Present, "subject,name", ""),
    ] {
        let mut options = with(header);
        options.columns = in_order(columns).columns;
        match import(&store, &Paper::new(text).path(), &options).await {
            Ok(_) => assert_eq!(said, ""),
            Err(stopped) => {
                assert_eq!(stopped.failure.code(), "missing_column", "{text}");
                assert!(stopped.failure.to_string().contains(said), "{}", stopped.failure);
            }
        }
    }
    let nameless = fails(&store, &Paper::new("subject\na\n").path(), &with(Header::Present)).await;
    assert!(matches!(nameless, Failure::MissingColumn { .. }) && nameless.to_string().contains("name"));
    let format = Format::Csv {
        delimiter: b';',
        header: Header::Present,
    };
    let right = ImportOptions::new(format, Origin::new(Source::new("meter").unwrap()));
    let paper = Paper::new("category;name;subject\na;b;c\n");
    assert_eq!(counts(&store, &paper.path(), &right).await, [1, 0, 0, 0]);
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn c06_a_quote_that_is_never_closed_ends_it_at_its_record() {
    let store = store().await;
    let good: String = (0..6_000).map(|number| format!("c-{number},x\n")).collect();
    let paper = Paper::new(good.clone() + "\"c,x\n" + &"a,b\n".repeat(400_000));
    let options = in_order("subject,data.a");
    let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
    let Failure::RecordTooLarge { line, offset, .. } = stopped.failure else {
        panic!("{stopped}")
    };
    assert_eq!((line, offset), (6_001, good.len() as u64));
    // What was read in whole batches is stored, and the rest of it comes once the file is mended.
    let stored = stopped.imported.unwrap().pass.stored;
    assert_eq!((stored, count(&store).await), (6_000, 6_000));
    paper.write(good + "c,x\n");
    let rest = imported(&store, &paper.path(), &options).await;
    assert_eq!((rest.rows, rest.pass.stored), (1, 6_001));
}

#[cfg(unix)]
#[tokio::test]
async fn c16_only_regular_files_are_opened() {
    let store = store().await;
    let options = in_order("subject,data.a");
    let paper = Paper::new("a,b\n");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, paper.beside(name)).unwrap();
    link("loop", "loop");
    link("rows.csv", "link");
    let made = std::process::Command::new("mkfifo").arg(paper.beside("pipe")).status();
    assert!(made.unwrap().success());
    let folder = paper.beside("");
    for path in [folder, "/dev/zero".into(), paper.beside("pipe"), paper.beside("loop")] {
        assert_eq!(
            fails(&store, &path, &options).await.code(),
            "not_a_regular_file",
            "{path:?}"
        );
    }
    assert_eq!(
        fails(&store, &paper.beside("none"), &options).await.code(),
        "unreadable_file"
    );
    assert_eq!(counts(&store, &paper.beside("link"), &options).await, [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_a_full_disk_ends_it_and_later_it_goes_on() {
    let disk = Disk::sqlite();
    let connect = async |pages: &'static str| {
        let mut options = ConnectOptions::new(disk.url());
        options
            .max_connections(1)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .pragma("max_page_count", pages)
            });
        Database::connect(options).await.unwrap()
    };
    let text: String = (0..20_000)
        .map(|number| format!("c-{number},text of row {number}\n"))
        .collect();
    let (paper, options) = (Paper::new(text), in_order("subject,data.a"));
    let db = connect("800").await;
    let store = EventStore::from_connection(db.clone(), Options::new()).await.unwrap();
    for _ in 0..2 {
        let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
        assert_eq!(stopped.failure.code(), "storage_full");
        let stored = stopped.imported.unwrap().pass.stored;
        assert!(stored > 4_000 && stored < 20_000, "{stored}");
        assert_eq!(count(&store).await, stored);
    }
    store.close().await.unwrap();
    db.close().await.unwrap();
    let db = connect("100000").await;
    db.execute_unprepared("SELECT 1").await.unwrap();
    let store = EventStore::from_connection(db, Options::new()).await.unwrap();
    let rest = imported(&store, &paper.path(), &options).await;
    assert!(rest.resumed_at_line.is_some());
    assert_eq!(
        (rest.pass.stored, rest.pass.duplicates, count(&store).await),
        (20_000, 0, 20_000)
    );
}

#[tokio::test]
async fn a_batch_is_no_larger_than_the_queue() {
    let disk = Disk::sqlite();
    let store = disk
        .open_with(Options::new().queue_events(100).queue_bytes(1_000))
        .await;
    let paper = Paper::new((0..1_000).map(|number| format!("c-{number},x\n")).collect::<String>());
    let options = in_order("subject,data.a");
    assert_eq!(counts(&store, &paper.path(), &options).await, [1_000, 0, 0, 0]);
}
