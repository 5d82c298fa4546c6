//! Files that are imported again: whole, grown, changed, cut.

use event_core::Code;
use event_store::import::{Changed, Header, Input, LastRecord, Outcome, Start};

use crate::disk::Disk;
use crate::paper::{Paper, count, counts, events, import, imported, in_order, quarantine, with};

const COLUMNS: &str = "subject,data.n:integer,timestamp";

fn rows(numbers: std::ops::Range<u32>) -> String {
    numbers
        .map(|number| format!("c-{},{number},2026-01-01\n", number % 7))
        .collect()
}

pub(crate) async fn c12_an_id_is_stored_once_and_a_file_adds_nothing_twice(disk: Disk) {
    let store = disk.open().await;
    let options = in_order("id,data.n:integer,timestamp");
    let paper = Paper::new("1,1,2026-01-01\n1,1,2026-01-01\n1,1.0,2026-01-01\n2,1,2026-01-01\n1,2,2026-01-01\n");
    assert_eq!(counts(&store, &paper.path(), &options).await, [2, 2, 1, 0]);
    assert_eq!(quarantine(&store).await[0].code, Code::IdConflict);
    let mut over = options.clone();
    over.start = Start::Over;
    assert_eq!(counts(&store, &paper.path(), &over).await, [0, 4, 1, 0]);
    // A copy under another name has the same rows.
    let copy = Paper::new(std::fs::read(paper.path()).unwrap());
    assert_eq!(counts(&store, &copy.path(), &options).await, [0, 4, 1, 0]);
    assert_eq!(
        imported(&store, &copy.path(), &options).await.outcome,
        Outcome::NothingNew
    );
    assert_eq!(count(&store).await, 2);
}

pub(crate) async fn c14_a_file_that_has_changed_is_refused(disk: Disk) {
    let store = disk.open().await;
    let mut options = in_order(COLUMNS);
    let paper = Paper::new(rows(0..5_000));
    assert_eq!(counts(&store, &paper.path(), &options).await, [5_000, 0, 0, 0]);
    let changed = rows(0..5_000).replace("c-3,10,", "c-3,99,");
    for text in [
        &changed,
        &format!("{changed}c,1,2026-01-01\n"),
        &rows(0..4_999),
        &rows(1..5_001),
    ] {
        paper.write(text);
        let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
        assert_eq!(stopped.failure.code(), "file_changed");
        assert_eq!(stopped.imported.unwrap().rows, 0);
    }
    assert_eq!(count(&store).await, 5_000);
    paper.write(&changed);
    options.changed = Changed::Import;
    let again = imported(&store, &paper.path(), &options).await;
    assert_eq!((again.pass.stored, again.pass.duplicates), (1, 4_999));
    assert_eq!((again.previous.unwrap().stored, again.total.rows), (5_000, 10_000));
    assert_eq!(
        imported(&store, &paper.path(), &options).await.outcome,
        Outcome::NothingNew
    );
}

pub(crate) async fn c15_a_last_record_without_line_end(disk: Disk) {
    let store = disk.open().await;
    let options = in_order(COLUMNS);
    let paper = Paper::new("a,1,2026-01-01\nb,2,2026-01-02");
    assert_eq!(counts(&store, &paper.path(), &options).await, [2, 0, 0, 0]);
    assert_eq!(
        imported(&store, &paper.path(), &options).await.outcome,
        Outcome::NothingNew
    );
    // It was whole, and only its line end comes later: it is not offered again.
    paper.write("a,1,2026-01-01\nb,2,2026-01-02\n");
    let again = imported(&store, &paper.path(), &options).await;
    assert_eq!((again.rows, again.total.rows), (0, 2));
    paper.write("a,1,2026-01-01\nb,2,2026-01-02\nc,3");
    assert_eq!(counts(&store, &paper.path(), &options).await, [0, 0, 1, 0]);
    assert_eq!(quarantine(&store).await[0].code, Code::ColumnCount);
    // It was cut, and the rest of it comes later.
    paper.write("a,1,2026-01-01\nb,2,2026-01-02\nc,3,2026-01-03\nd,4,2026-01-04");
    assert_eq!(counts(&store, &paper.path(), &options).await, [2, 0, 0, 0]);
    assert_eq!(count(&store).await, 4);
    // Where somebody still writes, it can be left.
    let mut leaving = in_order(COLUMNS);
    leaving.last_record = LastRecord::Leave;
    leaving.label = Some("leaving".to_owned());
    let paper = Paper::new("x,1,2026-01-01\ny,2,2026-");
    assert_eq!(counts(&store, &paper.path(), &leaving).await, [1, 0, 0, 0]);
    assert_eq!(
        imported(&store, &paper.path(), &leaving).await.outcome,
        Outcome::NothingNew
    );
    paper.write("x,1,2026-01-01\ny,2,2026-01-02\nz,3,2026-01-03");
    assert_eq!(counts(&store, &paper.path(), &leaving).await, [1, 0, 0, 0]);
    leaving.last_record = LastRecord::Import;
    assert_eq!(counts(&store, &paper.path(), &leaving).await, [1, 0, 0, 0]);
    leaving.last_record = LastRecord::Leave;
    assert_eq!(
        imported(&store, &paper.path(), &leaving).await.outcome,
        Outcome::NothingNew
    );
    assert_eq!(count(&store).await, 7);
}

pub(crate) async fn a_file_that_has_grown_adds_its_tail(disk: Disk) {
    let store = disk.open().await;
    let mut options = with(Header::Present);
    options.name = Some("measured".parse().unwrap());
    let head = "subject,n,timestamp\n";
    let paper = Paper::new(head);
    // C01: a header alone is no row.
    assert_eq!(counts(&store, &paper.path(), &options).await, [0, 0, 0, 0]);
    paper.write(format!("{head}{}", rows(0..4_096)));
    assert_eq!(counts(&store, &paper.path(), &options).await, [4_096, 0, 0, 0]);
    paper.write(format!("{head}{}", rows(0..9_000)));
    let grown = imported(&store, &paper.path(), &options).await;
    assert_eq!(
        (grown.pass.stored, grown.rows, grown.total.stored),
        (4_904, 4_904, 9_000)
    );
    assert_eq!(grown.previous.unwrap().stored, 4_096);
    assert_eq!(
        imported(&store, &paper.path(), &options).await.outcome,
        Outcome::NothingNew
    );
    assert_eq!(count(&store).await, 9_000);
}

pub(crate) async fn rows_that_are_the_same_are_as_many_events(disk: Disk) {
    let store = disk.open().await;
    let options = in_order(COLUMNS);
    let paper = Paper::new("a,1,2026-01-01\n".repeat(5_000) + "b,1,2026-01-01\n");
    assert_eq!(counts(&store, &paper.path(), &options).await, [5_001, 0, 0, 0]);
    // Also those that come later are others, and have not been there.
    paper.write("a,1,2026-01-01\n".repeat(5_000) + "b,1,2026-01-01\n" + &"a,1,2026-01-01\n".repeat(3));
    assert_eq!(counts(&store, &paper.path(), &options).await, [3, 0, 0, 0]);
    let copy = Paper::new(std::fs::read(paper.path()).unwrap());
    assert_eq!(counts(&store, &copy.path(), &options).await, [0, 5_004, 0, 0]);
    // Rows of another type are others altogether.
    let mut other = in_order(COLUMNS);
    other.name = Some("estimated".parse().unwrap());
    assert_eq!(counts(&store, &copy.path(), &other).await, [5_004, 0, 0, 0]);
}

pub(crate) async fn a_run_that_comes_later_ends_the_one_before(disk: Disk) {
    let store = disk.open().await;
    let (options, paper) = (in_order(COLUMNS), Paper::new(rows(0..30_000)));
    let mut second = None;
    let first = store.import(Input::file(paper.path()), options.clone(), |progress| {
        if progress.rows > 0 && second.is_none() {
            let (store, options, path) = (store.clone(), options.clone(), paper.path());
            second = Some(tokio::spawn(async move { import(&store, &path, &options).await }));
        }
    });
    let stopped = first.await.unwrap_err();
    assert_eq!(stopped.failure.code(), "import_taken");
    let second = second.unwrap().await.unwrap().unwrap();
    assert!(second.resumed_at_line.unwrap() > 4_000);
    assert_eq!((second.pass.stored, second.pass.rows), (30_000, 30_000));
    assert_eq!(count(&store).await, 30_000);
}

pub(crate) async fn a_stream_goes_on_by_its_label(disk: Disk) {
    let store = disk.open().await;
    let mut options = in_order(COLUMNS);
    let stream = |text: String| Input::stream(std::io::Cursor::new(text));
    let text = "a,1,2026-01-01\na,1,2026-01-01\n".to_owned();
    for expected in [(2, 0), (0, 2)] {
        let imported = store
            .import(stream(text.clone()), options.clone(), |_| {})
            .await
            .unwrap();
        assert_eq!((imported.pass.stored, imported.pass.duplicates), expected);
        assert_eq!(imported.label, None);
    }
    options.label = Some("pipe".to_owned());
    let imported = store
        .import(stream(text.clone()), options.clone(), |_| {})
        .await
        .unwrap();
    assert_eq!((imported.pass.stored, imported.pass.duplicates), (0, 2));
    let more = text.clone() + "b,1,2026-01-01\n";
    let imported = store.import(stream(more), options.clone(), |_| {}).await.unwrap();
    assert_eq!((imported.pass.stored, imported.rows), (1, 1));
    let other = store.import(stream(text), options, |_| {}).await.unwrap_err();
    assert_eq!(other.failure.code(), "file_changed");
    assert_eq!(events(&store).await.len(), 3);
}
