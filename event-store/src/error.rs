//! One error with few meanings: what a caller can do about it, not which driver said what.

use std::sync::Arc;
use std::time::Duration;

use event_core::patch::PatchError;
use event_core::query::QueryError;
use event_core::schema::SchemaError;
use event_core::upcaster::InvalidUpcast;
use event_core::wire::InvalidLossReport;
use sea_orm::DbErr;

/// Why the store could not do what it was asked. A refused event is no error but a verdict.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database does not answer, is locked by another process, or refused to work. Nothing was stored.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
    /// Other writers held a lock for too long, or were chosen before this one, also after some
    /// tries. Nothing was stored.
    #[error("the database was busy with other writers")]
    Contention(#[source] Cause),
    /// The commit failed or did not answer in time: the events may be stored or not. Offer them
    /// again under the same ids, and the verdicts will tell.
    #[error("the outcome of the commit is unknown: offer the same events again")]
    Unknown(#[source] Cause),
    /// More is waiting to be stored than the queue may hold. Nothing was stored.
    #[error("the queue is full: offer the events again later")]
    Overloaded,
    /// More events in one call than the queue could ever hold.
    #[error("{events} events in one call; the queue holds {limit}")]
    BatchTooLarge {
        /// How many were offered.
        events: usize,
        /// How many the queue holds.
        limit: usize,
    },
    /// The disk that holds the database is full. Nothing was stored.
    #[error("the disk is full")]
    Full(#[source] Cause),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Another run of the same import has begun since. Nothing was stored.
    #[error("another run of this import has begun, and this one ends here")]
    ImportTaken,
    /// The question has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A schema is not taken.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// An upcaster is not taken.
    #[error(transparent)]
    Upcast(#[from] InvalidUpcast),
    /// The type is not registered, or has no mapping for foreign documents.
    #[error("no such type, or no mapping for it")]
    TypeNotFound,
    /// There is no metric of this name.
    #[error("no such metric")]
    MetricNotFound,
    /// A metric still counts older events.
    #[error("a metric of the type still counts older events: wait until it is ready")]
    MetricNotReady,
    /// A metric of this name counts something else.
    #[error("a metric of this name counts something else: choose another name, or drop it first")]
    MetricTaken,
    /// A document cannot be changed so.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// An entry of the quarantine was replayed or discarded, and is not edited any more.
    #[error("the entry was replayed or discarded: it is not edited any more")]
    EntrySettled,
    /// A report of losses cannot be counted.
    #[error(transparent)]
    LossReport(#[from] InvalidLossReport),
    /// The key has sent and asked as much as its rate allows for now. Nothing was stored.
    #[error("the rate of the key is used up for now")]
    RateLimited {
        /// How long until there is room.
        after: Duration,
    },
    /// The key has not so many events left of its quota of this day. Nothing was stored.
    #[error("the key has a quota of {quota} events a day of UTC, and not so many are left of it")]
    QuotaExceeded {
        /// The events of a day.
        quota: u64,
        /// How long until the next day.
        after: Duration,
    },
    /// A key that was revoked, has expired or was replaced is not replaced.
    #[error("the key was revoked, has expired or was replaced")]
    KeyEnded,
    /// A name or a place that is empty or too long to be a bookmark.
    #[error("a bookmark has a name and a place of 1 to {limit} characters")]
    Bookmark {
        /// How many characters each may have.
        limit: usize,
    },
    /// More losses than are listed at once.
    #[error("these are more than {limit} rows: ask for a shorter range, or for one source")]
    TooManyLosses {
        /// How many rows are listed.
        limit: usize,
    },
    /// Of the type's events only counts are kept, for all or some of the time asked for, and no
    /// metric counts what is asked.
    #[error(
        "of {category}/{name} only counts are kept for some of that time, and no metric answers this: \
         ask by the fields of a metric, and from minute to minute"
    )]
    CountsOnly {
        /// The category of the type.
        category: String,
        /// Its name.
        name: String,
    },
    /// What is exported cannot be written.
    #[error("the export cannot be written")]
    Export(#[source] Cause),
    /// The tables were made by a later version of this program; nothing was written.
    #[error("the tables are of version {found}, this program knows {known}: upgrade it")]
    SchemaTooNew {
        /// The newest migration that the database has.
        found: i64,
        /// The newest migration that this program has.
        known: i64,
    },
    /// A store was to be copied here, and not all of it came.
    #[error("a copy of another store into this database was never finished: copy it again")]
    Unfinished,
    /// Events that a follower has not seen are pruned: whatever is made from them would lack something. Begin anew, or
    /// go on behind them.
    #[error("events up to place {to} of the log are pruned, and the follower has come to {after}")]
    Pruned {
        /// How far it has come.
        after: i64,
        /// Where the last of them was.
        to: i64,
    },
    /// A projection cannot be set up.
    #[error("the projection {name} cannot be set up: {reason}")]
    Projection {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// A projection of a later version has taken the place of this one.
    #[error("the projection {name} is of version {found} by now, and this program has {known}")]
    Superseded {
        /// Which.
        name: String,
        /// The version that is shown to readers.
        found: i64,
        /// That of this program.
        known: i64,
    },
    /// There is something in the database that a store was to be copied to.
    #[error("a store is copied into an empty one only, and this one holds something")]
    NotEmpty,
    /// Another copy is being made there.
    #[error(
        "another store is being copied into this database, or was until {seconds} s ago: let it finish; if it was cut off, \
         try again in a minute"
    )]
    BeingFilled {
        /// How long ago it wrote last.
        seconds: u64,
    },
    /// The store that was copied changed meanwhile.
    #[error("something was stored while the store was copied: stop what uses it, and copy it again")]
    Changed,
    /// An option or the database's own settings cannot be used.
    #[error("{0}")]
    Config(String),
    /// The database holds or says something that this program cannot read.
    #[error("the database answered something unexpected: {what}")]
    Corrupt {
        /// What was unexpected.
        what: String,
    },
    /// The database refused a statement: a defect of this program.
    #[error("the database refused a statement")]
    Statement(#[source] Cause),
}

/// What the driver said.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(Arc<str>);

impl Cause {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Cause(text.into())
    }
}

impl From<&DbErr> for Cause {
    fn from(error: &DbErr) -> Self {
        Cause(error.to_string().into())
    }
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Error::Corrupt { what: what.into() }
    }
}
