//! The pairs of session and subject that events belong to, as numbers.

use std::collections::HashMap;

use event_core::{Envelope, SessionId, Subject};

use crate::dialect::{Bind, Cell, Dialect, Insert, Kind, Taken, Transaction};
use crate::error::Error;
use crate::tables::Tables;

/// So many pairs are remembered; then the memory starts anew.
const MOST: usize = 200_000;
/// Pairs in one statement.
const CHUNK: usize = 256;

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
    known: HashMap<Pair, i64>,
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

    pub(crate) fn id(&self, pair: &Pair) -> Option<i64> {
        self.known.get(pair).copied()
    }

    /// Makes sure that all of these pairs are known. A new pair's number is the position beside it:
    /// that of the first event that has it, so that numbers grow and nobody has to hand them out.
    pub(crate) async fn learn(
        &mut self,
        mut pairs: Vec<(Pair, i64)>,
        dialect: Dialect,
        db: &Transaction,
        tables: &Tables,
    ) -> Result<(), Error> {
        if self.known.len() + pairs.len() > MOST {
            self.known.clear();
        }
        pairs.retain(|(pair, _)| !self.known.contains_key(pair));
        if pairs.is_empty() {
            return Ok(());
        }
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
        for chunk in old.chunks(CHUNK) {
            let wanted = dialect.one_of_rows(&["session", "subject"], chunk.len());
            let select = tables.sql("SELECT id, session, subject FROM {trails} WHERE ");
            let values: Vec<_> = chunk.iter().flat_map(texts).map(Bind::Text).collect();
            let columns = [Kind::Int, Kind::Text, Kind::Text];
            for row in db.rows(&format!("{select}{wanted}"), &values, columns).await? {
                let [Cell::Int(id), Cell::Text(session), Cell::Text(subject)] = row else {
                    return Err(Error::corrupt("a trail whose columns are of other kinds"));
                };
                let pair = (SessionId::new(session).ok(), Subject::new(subject).ok());
                self.known.insert(pair, id);
            }
        }
        Ok(())
    }
}
