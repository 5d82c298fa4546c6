//! The pairs of session and subject that events belong to, as numbers.

use std::collections::HashMap;

use event_core::{Envelope, SessionId, Subject};
use foldhash::fast::RandomState;

use crate::dialect::{Bind, Cell, Insert, Kind, Taken, Transaction};
use crate::error::Error;
use crate::tables::Tables;

/// So many pairs are remembered; then the memory starts anew.
const MOST: usize = 200_000;

/// Stores new pairs.
const INSERT: Insert<3> = Insert {
    table: "{trails}",
    columns: [("id", Kind::Int), ("session", Kind::Text), ("subject", Kind::Text)],
    taken: Taken::Stays {
        key: "session, subject",
    },
};

/// A session and a subject, of which an event may have either, both or none.
pub(crate) type Pair = (Option<SessionId>, Option<Subject>);

/// The pairs that the writer met lately. A pair never changes its number, but it may go: when its
/// subject is erased, which counts as a change of what is registered.
#[derive(Debug, Default)]
pub(crate) struct Trails {
    change: Option<i64>,
    known: HashMap<Pair, i64, RandomState>,
}

/// The pair that an event belongs to, unless it has neither.
pub(crate) fn pair(envelope: &Envelope) -> Option<Pair> {
    let pair = (envelope.session_id.clone(), envelope.subject.clone());
    (pair != (None, None)).then_some(pair)
}

/// What stands for a pair in the table: `''` for none.
fn texts(pair: &Pair) -> [&str; 2] {
    let (session, subject) = pair;
    [
        session.as_ref().map_or("", SessionId::as_str),
        subject.as_ref().map_or("", Subject::as_str),
    ]
}

/// A new row: its number, session and subject.
fn binds((pair, position): &(Pair, i64)) -> [Bind<'_>; 3] {
    let [session, subject] = texts(pair);
    [Bind::Int(*position), Bind::Text(session), Bind::Text(subject)]
}

impl Trails {
    /// Sees to it that no pair is known that was gone by this change.
    pub(crate) fn refresh(&mut self, change: i64) {
        if self.change != Some(change) {
            self.known.clear();
            self.change = Some(change);
        }
    }

    /// The numbers of these pairs, in order. A new pair's number is the position beside it: that of the first event that
    /// has it, so that numbers grow and nobody has to hand them out.
    pub(crate) async fn numbers(
        &mut self,
        pairs: &[Option<(Pair, i64)>],
        db: &Transaction,
        tables: &Tables,
    ) -> Result<Vec<Option<i64>>, Error> {
        if self.known.len() + pairs.len() > MOST {
            self.known.clear();
        }
        let number = |known: &HashMap<Pair, i64, RandomState>, pair: &Option<(Pair, i64)>| {
            pair.as_ref().and_then(|(pair, _)| known.get(pair).copied())
        };
        let mut numbers: Vec<Option<i64>> = pairs.iter().map(|pair| number(&self.known, pair)).collect();
        let unknown = |(pair, number): (&Option<(Pair, i64)>, &Option<i64>)| match number {
            Some(_) => None,
            None => pair.clone(),
        };
        let new: Vec<(Pair, i64)> = pairs.iter().zip(&numbers).filter_map(unknown).collect();
        if !new.is_empty() {
            self.learn(new, db, tables).await?;
            for (pair, found) in pairs.iter().zip(&mut numbers).filter(|(_, found)| found.is_none()) {
                *found = number(&self.known, pair);
            }
        }
        Ok(numbers)
    }

    /// Stores pairs of which none is known, or reads the number that one has.
    async fn learn(&mut self, mut pairs: Vec<(Pair, i64)>, db: &Transaction, tables: &Tables) -> Result<(), Error> {
        // Sorted, so that two writers lock the same rows in the same order.
        pairs.sort_unstable();
        pairs.dedup_by(|later, first| later.0 == first.0);
        let new = db
            .insert(&INSERT, tables, &pairs.iter().map(binds).collect::<Vec<_>>())
            .await?;
        let mut old = Vec::new();
        for ((pair, position), new) in pairs.into_iter().zip(new) {
            if new {
                self.known.insert(pair, position);
            } else {
                old.push(pair);
            }
        }
        if old.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = old.iter().map(|pair| texts(pair).map(Bind::Text)).collect();
        let select = tables.sql("SELECT id, session, subject FROM {trails}");
        let columns = [Kind::Int, Kind::Text, Kind::Text];
        for row in db.rows_with(&select, ["session", "subject"], &keys, columns).await? {
            let [Cell::Int(id), Cell::Text(session), Cell::Text(subject)] = row else {
                return Err(Error::corrupt("a trail whose columns are of other kinds"));
            };
            let pair = (SessionId::new(session).ok(), Subject::new(subject).ok());
            self.known.insert(pair, id);
        }
        Ok(())
    }
}
