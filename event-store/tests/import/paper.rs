//! Files to import, and what is in a store afterwards.

use std::path::{Path, PathBuf};

use event_core::filter::Filter;
use event_core::query::Page;
use event_core::{Query, Source};
use event_store::import::{Columns, Failure, Format, Header, ImportOptions, Imported, Input, Stopped};
use event_store::{EventStore, Origin, QuarantineEntry, QuarantinePage};
use tempfile::TempDir;

/// A file that a test writes.
pub(crate) struct Paper {
    folder: TempDir,
}

impl Paper {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        let paper = Paper {
            folder: tempfile::tempdir().unwrap(),
        };
        paper.write(text);
        paper
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("rows.csv")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(), text).unwrap();
    }
}

pub(crate) fn with(header: Header) -> ImportOptions {
    let format = Format::Csv {
        delimiter: b',',
        header,
    };
    let mut options = ImportOptions::new(format, Origin::new(Source::new("meter").unwrap()));
    options.category = Some("usage".parse().unwrap());
    options
}

/// Rows without header, of these columns.
pub(crate) fn in_order(columns: &str) -> ImportOptions {
    let mut options = with(Header::Absent);
    let columns: Vec<_> = columns.split(',').map(|column| column.parse().unwrap()).collect();
    if !columns.contains(&"name".parse().unwrap()) {
        options.name = Some("measured".parse().unwrap());
    }
    options.columns = Columns::InOrder(columns);
    options
}

pub(crate) fn ndjson() -> ImportOptions {
    ImportOptions::new(Format::Ndjson, Origin::new(Source::new("meter").unwrap()))
}

pub(crate) async fn import(store: &EventStore, path: &Path, options: &ImportOptions) -> Result<Imported, Stopped> {
    store.import(Input::file(path), options.clone(), |_| {}).await
}

pub(crate) async fn imported(store: &EventStore, path: &Path, options: &ImportOptions) -> Imported {
    let imported = import(store, path, options).await.unwrap();
    let total = &imported.total;
    assert_eq!(total.rows, total.stored + total.duplicates + total.errors());
    assert_eq!(total.errors(), total.codes.values().sum::<u64>());
    imported
}

/// Imports, and answers rows that were stored, duplicate, quarantined and rejected.
pub(crate) async fn counts(store: &EventStore, path: &Path, options: &ImportOptions) -> [u64; 4] {
    let pass = imported(store, path, options).await.pass;
    [pass.stored, pass.duplicates, pass.quarantined, pass.rejected]
}

/// The code that an import fails with before it begins.
pub(crate) async fn fails(store: &EventStore, path: &Path, options: &ImportOptions) -> Failure {
    let stopped = import(store, path, options).await.unwrap_err();
    assert!(stopped.imported.is_none(), "{stopped:?}");
    stopped.failure
}

/// All events: subject, name, time and data, in the order of the log.
pub(crate) async fn events(store: &EventStore) -> Vec<String> {
    let page = Page {
        limit: Page::MAX_LIMIT,
        ..Page::new(Filter::new())
    };
    let mut events = store.page(&page).await.unwrap().events;
    events.sort_by_key(|stored| stored.position);
    let shown = events.iter().map(|stored| {
        let envelope = stored.event.envelope();
        let subject = envelope.subject.as_ref().map_or("-", |subject| subject.as_str());
        let payload = stored.event.payload().as_str();
        format!(
            "{subject} {} {} {payload}",
            envelope.event_type.name, envelope.occurred_at
        )
    });
    shown.collect()
}

pub(crate) async fn count(store: &EventStore) -> u64 {
    let answer = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
    answer.rows[0].value.as_ref().unwrap().to_string().parse().unwrap()
}

pub(crate) async fn quarantine(store: &EventStore) -> Vec<QuarantineEntry> {
    let page = QuarantinePage {
        limit: 1_000,
        ..QuarantinePage::default()
    };
    store.quarantine(&page).await.unwrap().entries
}
