//! Events without rows: their ids, so that one that comes again counts once, and when they were.

use std::collections::BTreeMap;

use event_core::Timestamp;
use sea_orm::ConnectionTrait;

use crate::dialect::{Bind, Dialect, Insert, Kind, Merge, Row, Taken, Transaction};
use crate::dictionary::Dictionary;
use crate::entity::event::NewEvent;
use crate::error::Error;
use crate::inner::Inner;
use crate::position;
use crate::tables::Tables;

/// Stores ids; the columns are those of a [`Rowless`].
const KEYS: Insert<4> = Insert {
    table: "{keys}",
    columns: [
        ("position", Kind::Int),
        ("event_id", Kind::Bytes),
        ("source_id", Kind::Int),
        ("hash", Kind::Bytes),
    ],
    taken: Taken::Stays {
        key: "event_id, source_id",
    },
};

const ROWLESS: Insert<4> = Insert {
    table: "{rowless}",
    columns: [
        ("kind_id", Kind::Int),
        ("least", Kind::Int),
        ("greatest", Kind::Int),
        ("events", Kind::Int),
    ],
    taken: Taken::Merges {
        key: "kind_id",
        changes: &[
            ("least", Merge::Least),
            ("greatest", Merge::Greatest),
            ("events", Merge::Add),
        ],
    },
};

/// An event whose row is not kept.
#[derive(Clone, Debug)]
pub(crate) struct Rowless {
    pub(crate) position: i64,
    pub(crate) event_id: Vec<u8>,
    pub(crate) source_id: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) kind_id: i64,
    pub(crate) occurred_at: i64,
}

impl Rowless {
    /// What stays of an event that is not stored itself.
    pub(crate) fn of(row: &NewEvent<'_>) -> Self {
        Rowless {
            position: row.position,
            event_id: row.event_id.to_vec(),
            source_id: row.source_id,
            hash: row.hash.to_vec(),
            kind_id: row.kind_id,
            occurred_at: row.event.event().envelope().occurred_at.as_micros(),
        }
    }
}

impl Row<4> for Rowless {
    fn binds(&self) -> [Bind<'_>; 4] {
        [
            Bind::Int(self.position),
            Bind::Bytes(&self.event_id),
            Bind::Int(self.source_id),
            Bind::Bytes(&self.hash),
        ]
    }
}

/// Whether events that are counted stay visible as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Cells count them: questions that need rows of their times have no answer.
    InCells,
    /// Nothing counts them any more.
    Nowhere,
}

/// Keeps the ids, and answers which of them are new.
pub(crate) async fn keep(
    events: &[Rowless],
    counted: Counted,
    inner: &Inner,
    db: &Transaction,
) -> Result<Vec<bool>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let new = db.insert(&KEYS, &inner.tables, events).await?;
    let mut kinds: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
    for (event, _) in events.iter().zip(&new).filter(|(_, new)| **new) {
        let at = event.occurred_at;
        let (least, greatest, count) = kinds.entry(event.kind_id).or_insert((at, at, 0));
        (*least, *greatest, *count) = ((*least).min(at), (*greatest).max(at), *count + 1);
    }
    let count: i64 = kinds.values().map(|(_, _, count)| count).sum();
    if count > 0 {
        position::rowless(usize::try_from(count).unwrap_or(0), db, &inner.tables).await?;
    }
    if counted == Counted::InCells {
        let rows: Vec<_> = kinds
            .into_iter()
            .map(|(kind, (least, greatest, count))| {
                [Bind::Int(kind), Bind::Int(least), Bind::Int(greatest), Bind::Int(count)]
            })
            .collect();
        db.insert(&ROWLESS, &inner.tables, &rows).await?;
    }
    Ok(new)
}

/// Times between which events have no rows, both included, by kind.
pub(crate) type Times = BTreeMap<i64, (Timestamp, Timestamp)>;

/// The first and the last time of events without rows, of each kind that has any.
pub(crate) async fn times(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Times, Error> {
    let sql = tables.sql("SELECT kind_id, least, greatest FROM {rowless}");
    let time = |micros| Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time of no calendar"));
    let mut times = BTreeMap::new();
    for row in db.query_all_raw(dialect.statement(&sql, [])).await? {
        let range = (time(row.try_get_by_index(1)?)?, time(row.try_get_by_index(2)?)?);
        times.insert(row.try_get_by_index(0)?, range);
    }
    Ok(times)
}

/// That no row is asked for which is not kept: of these kinds and of a range of time.
pub(crate) fn refuse(
    times: &Times,
    asked: impl Fn(i64) -> bool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    dictionary: &Dictionary,
) -> Result<(), Error> {
    let lost =
        |(kind, (first, last)): &(&i64, &(Timestamp, Timestamp))| asked(**kind) && overlaps(from, to, *first, *last);
    let Some((kind, _)) = times.iter().find(lost) else {
        return Ok(());
    };
    let kind = dictionary
        .kind(*kind)
        .ok_or_else(|| Error::corrupt("an unknown kind"))?;
    Err(Error::CountsOnly {
        category: kind.event_type.category.to_string(),
        name: kind.event_type.name.to_string(),
    })
}

/// Whether a half-open range holds an instant from `first` to `last`.
pub(crate) fn overlaps(from: Option<Timestamp>, to: Option<Timestamp>, first: Timestamp, last: Timestamp) -> bool {
    from.is_none_or(|from| from <= last) && to.is_none_or(|to| first < to)
}
