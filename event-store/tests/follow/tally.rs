//! A projection whose rows tell of every event that was skipped, doubled or out of order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use event_core::{Source, StoredEvent, Verdict};
use event_store::project::{Failure, Parked, ParkedPage, ProjectOptions, Projection, ProjectionStatus, Rows, Stage};
use event_store::{EventStore, Offer, Origin};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;

const PRIME: i64 = 1_000_000_007;

/// What is known of a subject: how many events, and a number that depends on each of them and on their order.
pub(crate) type Fold = BTreeMap<String, (i64, i64)>;

/// Counts and chains the events of each subject. What an event's data ask for, it does: `fail`, `panic`, `sleep`,
/// `refuse`, `once`.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) name: String,
    pub(crate) version: u32,
    /// Whatever fails is applied after all.
    pub(crate) mended: Arc<AtomicBool>,
    /// How often an event was begun to be applied.
    pub(crate) tried: Arc<AtomicU64>,
    /// Each event takes so long.
    pub(crate) pace: Duration,
}

impl Tally {
    pub(crate) fn new(disk: &Disk) -> Self {
        Tally {
            name: format!("{}tally", disk.prefix()),
            version: 1,
            mended: Arc::default(),
            tried: Arc::default(),
            pace: Duration::ZERO,
        }
    }

    /// The name of the view.
    pub(crate) fn view(&self) -> String {
        format!("{}s", self.name)
    }
}

fn text(stored: &StoredEvent) -> String {
    stored.event.payload().as_str().to_owned()
}

pub(crate) fn subject(stored: &StoredEvent) -> String {
    let subject = stored.event.envelope().subject.as_ref();
    subject.map_or_else(|| "nobody".to_owned(), ToString::to_string)
}

fn chain(before: i64, stored: &StoredEvent) -> i64 {
    (before * 31 + stored.position) % PRIME
}

/// A trait's `&[&str]` of a name that is made here.
fn kept(name: String) -> &'static str {
    Box::leak(name.into_boxed_str())
}

pub(crate) struct Running(pub(crate) Tally, [&'static str; 1]);

impl From<Tally> for Running {
    fn from(tally: Tally) -> Self {
        let table = kept(tally.view());
        Running(tally, [table])
    }
}

impl Projection for Running {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn version(&self) -> u32 {
        self.0.version
    }

    fn tables(&self) -> &[&str] {
        &self.1
    }

    fn key(&self, event: &StoredEvent) -> String {
        subject(event)
    }

    async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        let table = self.1[0];
        rows.define(&format!(
            "CREATE TABLE IF NOT EXISTS {{{table}}} (subject {{text:100}} NOT NULL PRIMARY KEY, n {{int}} NOT NULL, \
             chain {{int}} NOT NULL) {{table}}"
        ))
        .await
    }

    async fn apply(&self, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
        self.0.tried.fetch_add(1, Ordering::Relaxed);
        let (table, subject) = (self.1[0], subject(stored));
        if !self.0.pace.is_zero() {
            tokio::time::sleep(self.0.pace).await;
        }
        let select = format!("SELECT n, chain FROM {{{table}}} WHERE subject = ?");
        let found = rows.query(&select, [subject.as_str().into()]).await?;
        let (n, before) = match found.first() {
            Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
            None => (0_i64, 0_i64),
        };
        let row = [
            ("subject", subject.into()),
            ("n", (n + 1).into()),
            ("chain", chain(before, stored).into()),
        ];
        rows.put(table, 1, row).await?;
        // After its rows, so that it shows whether they go.
        let data = text(stored);
        if !self.0.mended.load(Ordering::Relaxed) {
            if data.contains("fail") {
                return Err(Failure::new("it never goes well"));
            }
            if data.contains("panic") {
                panic!("on purpose");
            }
            if data.contains("sleep") {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            if data.contains("refuse") {
                // What is answered does not help.
                let _ = rows
                    .execute(
                        &format!("INSERT INTO {{{table}}} (subject, n, chain) VALUES ('x', NULL, 0)"),
                        [],
                    )
                    .await;
            }
        }
        Ok(())
    }
}

/// Options that lose no time.
pub(crate) fn quick() -> ProjectOptions {
    let ms = Duration::from_millis;
    ProjectOptions::new()
        .attempts(3)
        .pause(ms(2), ms(10))
        .timeout(ms(400))
        .lease(ms(1_500))
        .poll(ms(40))
}

pub(crate) fn offer(subject: &str, what: &str) -> Offer {
    Offer::Json(
        format!(r#"{{"category":"a","name":"b","subject":"{subject}","data":{{"what":"{what}"}}}}"#).into_bytes(),
    )
}

pub(crate) async fn ingest(store: &EventStore, offers: Vec<Offer>) -> Vec<Verdict> {
    let origin = Origin::new(Source::new("shop").unwrap());
    store.ingest(offers, &origin).await.unwrap()
}

/// So many events of ten subjects.
pub(crate) async fn fill(store: &EventStore, events: usize) {
    for start in (0..events).step_by(500) {
        let offers = (start..events.min(start + 500)).map(|number| offer(&format!("s-{}", number % 10), "nothing"));
        ingest(store, offers.collect()).await;
    }
}

/// The events of the log that are chosen, folded in memory.
pub(crate) async fn fold(store: &EventStore, chosen: impl Fn(&StoredEvent) -> bool) -> Fold {
    let (mut fold, mut after) = (Fold::new(), 0);
    loop {
        let events = store.log(after, 10_000).await.unwrap();
        let Some(last) = events.last() else { return fold };
        after = last.position;
        for stored in events.iter().filter(|stored| chosen(stored)) {
            let (n, before) = fold.entry(subject(stored)).or_default();
            (*n, *before) = (*n + 1, chain(*before, stored));
        }
    }
}

/// What readers see.
pub(crate) async fn table(disk: &Disk, tally: &Tally) -> Fold {
    let db = disk.connect().await;
    let sql = format!("SELECT subject, n, chain FROM {}", tally.view());
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    db.close().await.unwrap();
    let read = |row: &sea_orm::QueryResult| {
        let counts = (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
        (row.try_get_by_index(0).unwrap(), counts)
    };
    rows.iter().map(read).collect()
}

/// In so many seconds, by the clock of this machine: when a lease ends that somebody else has just taken.
pub(crate) fn after(seconds: u64) -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from((now + Duration::from_secs(seconds)).as_micros()).unwrap()
}

/// Waits until something holds.
pub(crate) async fn until<T>(what: &str, mut holds: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = holds().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is parked.
pub(crate) async fn parked(store: &EventStore, tally: &Tally) -> Vec<Parked> {
    let page = store.parked(&tally.name, &ParkedPage::default()).await.unwrap();
    assert!(page.next.is_none(), "{page:?}");
    page.events
}

/// The tables that readers see.
pub(crate) async fn shown(store: &EventStore, tally: &Tally) -> Option<ProjectionStatus> {
    let all = store.projections().await.unwrap();
    let mut of = all.into_iter().filter(|it| it.name == tally.name);
    of.find(|it| matches!(it.stage, Stage::Live | Stage::Closing))
}
