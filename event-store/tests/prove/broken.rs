//! Builds that are broken on purpose: the proof is worth something only if it catches each of them.

use event_store::{EventStore, Options};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr};

use crate::oracle::Check;
use crate::place::Place;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Callers are answered before the commit.
    AnswerFirst,
    /// The database does not wait for the disk.
    SynchronousOff,
    /// Nobody looks whether an event was there before.
    NoDedupe,
    /// Cells that are there are not added to.
    UncountedCells,
    /// What was replayed stays in the quarantine.
    KeptOpen,
    /// What was refused is answered as kept, and is not.
    Forgotten,
    /// A projection applies an event twice.
    AppliedTwice,
    /// A page of an index is not what was written.
    Garbage,
}

impl Broken {
    pub(crate) const ALL: [Broken; 8] = [
        Broken::AnswerFirst,
        Broken::SynchronousOff,
        Broken::NoDedupe,
        Broken::UncountedCells,
        Broken::KeptOpen,
        Broken::Forgotten,
        Broken::AppliedTwice,
        Broken::Garbage,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Broken::ALL.into_iter().find(|broken| format!("{broken:?}") == name)
    }

    /// What has to notice it.
    pub(crate) fn noticed_by(self) -> Check {
        match self {
            Broken::AnswerFirst | Broken::SynchronousOff => Check::Kept,
            Broken::NoDedupe => Check::Once,
            Broken::UncountedCells => Check::Cells,
            Broken::KeptOpen => Check::Disjoint,
            Broken::Forgotten => Check::Accounted,
            Broken::AppliedTwice => Check::Projection,
            Broken::Garbage => Check::Integrity,
        }
    }

    /// What is done to the tables once they are there, and once the scenario has come to its end.
    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Broken::AnswerFirst | Broken::SynchronousOff => ("", ""),
            Broken::NoDedupe => ("DROP INDEX event_events_id", ""),
            Broken::UncountedCells => (
                "CREATE TRIGGER broken BEFORE UPDATE ON event_cells BEGIN SELECT RAISE(IGNORE); END",
                "",
            ),
            Broken::KeptOpen => ("", "UPDATE event_quarantine SET state = 'open'"),
            Broken::Forgotten => (
                "CREATE TRIGGER broken BEFORE INSERT ON event_quarantine BEGIN SELECT RAISE(IGNORE); END",
                "",
            ),
            Broken::AppliedTwice => ("", "UPDATE tallys_g1 SET n = n + 1 WHERE subject = 's-1'"),
            // What is kept of the definition of an index is not what the index is made of.
            Broken::Garbage => (
                "",
                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'occurred_at', 'received_at') \
                 WHERE name = 'event_events_kind'",
            ),
        }
    }
}

async fn run(place: &Place, sql: &str) -> Result<(), DbErr> {
    if sql.is_empty() {
        return Ok(());
    }
    let db = place.connect().await?;
    db.execute_unprepared(sql).await?;
    db.close().await
}

/// Breaks the tables, as soon as they are there.
pub(crate) async fn begin(place: &Place, broken: Option<Broken>) -> Result<(), DbErr> {
    run(place, broken.map_or("", |broken| broken.statements().0)).await
}

/// Breaks what the scenario has left.
pub(crate) async fn end(place: &Place, broken: Option<Broken>) -> Result<(), DbErr> {
    run(place, broken.map_or("", |broken| broken.statements().1)).await
}

/// A store on one connection, which waits for no disk from here on.
pub(crate) async fn hasty(place: &Place) -> Result<(EventStore, DatabaseConnection), String> {
    let db = place.connect().await.map_err(|error| error.to_string())?;
    let store = EventStore::from_connection(db.clone(), Options::new()).await;
    let store = store.map_err(|error| error.to_string())?;
    let off = db.execute_unprepared("PRAGMA synchronous = OFF").await;
    off.map_err(|error| error.to_string())?;
    Ok((store, db))
}
