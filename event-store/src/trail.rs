//! The pairs of session and subject that events belong to, as numbers.

use std::collections::HashMap;

use event_core::{Envelope, SessionId, Subject};
use foldhash::fast::RandomState;

use crate::dialect::{Bind, Cell, Insert, Kind, Row, Taken, Transaction};
use crate::error::Error;
use crate::tables::Tables;

/// So much is remembered of what a writer has met; then the memory starts anew.
const MOST: usize = 200_000;

/// Whether the memory of a writer starts anew.
pub(crate) fn is_too_much(remembered: usize) -> bool {
    remembered > MOST
}

/// Stores new pairs.
const INSERT: Insert<3> = Insert {
    table: "{trails}",
    columns: [("id", Kind::Int), ("session", Kind::Text), ("subject", Kind::Text)],
    taken: Taken::Stays {
        key: "session, subject",
    },
};

/// The pairs that the writer met lately. A pair never changes its number, but it may go: when its
/// subject is erased, which counts as a change of what is registered.
#[derive(Debug, Default)]
pub(crate) struct Trails {
    change: Option<i64>,
    /// By session and subject in one text, which no line break is in.
    known: HashMap<String, i64, RandomState>,
}

/// A pair that was not known, and the number that it gets unless it is in the table.
type New<'a> = ([&'a str; 2], i64);

/// Session and subject of an event as they stand in the table, `''` for none; nothing if it has neither.
fn texts(envelope: &Envelope) -> Option<[&str; 2]> {
    let session = envelope.session_id.as_ref().map_or("", SessionId::as_str);
    let subject = envelope.subject.as_ref().map_or("", Subject::as_str);
    (!session.is_empty() || !subject.is_empty()).then_some([session, subject])
}

/// What a pair is known by.
fn join([session, subject]: [&str; 2], key: &mut String) {
    key.clear();
    key.push_str(session);
    key.push('\n');
    key.push_str(subject);
}

/// A new row: its number, session and subject.
impl Row<3> for New<'_> {
    fn binds(&self) -> [Bind<'_>; 3] {
        let ([session, subject], position) = self;
        [Bind::Int(*position), Bind::Text(session), Bind::Text(subject)]
    }
}

impl Trails {
    /// Sees to it that no pair is known that was gone by this change.
    pub(crate) fn refresh(&mut self, change: i64) {
        if self.change != Some(change) {
            self.known.clear();
            self.change = Some(change);
        }
    }

    /// The number of the pair that each of some events belongs to, which come with their positions; none for those that
    /// have neither, and those that come without an envelope. A new pair's number is the position of the first event that
    /// has it, so that numbers grow and nobody has to hand them out.
    ///
    /// Whatever fails, what is known here is not to be used any more.
    pub(crate) async fn numbers<'a>(
        &mut self,
        events: impl ExactSizeIterator<Item = (i64, Option<&'a Envelope>)>,
        db: &Transaction,
        tables: &Tables,
    ) -> Result<Vec<Option<i64>>, Error> {
        if is_too_much(self.known.len()) {
            self.known.clear();
        }
        let mut new: Vec<New<'a>> = Vec::new();
        let mut numbers = Vec::with_capacity(events.len());
        let mut key = String::new();
        for (position, envelope) in events {
            let pair = envelope.and_then(texts);
            numbers.push(pair.map(|pair| {
                join(pair, &mut key);
                let known = self.known.get(&key).copied();
                known.unwrap_or_else(|| {
                    // It has this one unless the table knows better.
                    self.known.insert(key.clone(), position);
                    new.push((pair, position));
                    position
                })
            }));
        }
        let others = self.store(new, db, tables).await?;
        if !others.is_empty() {
            for number in numbers.iter_mut().flatten() {
                *number = *others.get(number).unwrap_or(number);
            }
        }
        Ok(numbers)
    }

    /// Stores new pairs; for those that were there already, which number they have in place of the one that they were given.
    async fn store(
        &mut self,
        mut new: Vec<New<'_>>,
        db: &Transaction,
        tables: &Tables,
    ) -> Result<HashMap<i64, i64>, Error> {
        let mut others = HashMap::new();
        if new.is_empty() {
            return Ok(others);
        }
        // Sorted, so that two writers lock the same rows in the same order.
        new.sort_unstable();
        let stored = db.insert(&INSERT, tables, &new).await?;
        let old: Vec<_> = new.iter().zip(stored).filter(|(_, stored)| !stored).collect();
        let select = tables.sql("SELECT id, session, subject FROM {trails}");
        let key = [("session", Kind::Text), ("subject", Kind::Text)];
        let wanted: Vec<_> = old.iter().map(|((pair, _), _)| pair.map(Bind::Text)).collect();
        let mut text = String::new();
        for row in db
            .rows_with(&select, key, &wanted, [Kind::Int, Kind::Text, Kind::Text])
            .await?
        {
            let [Cell::Int(id), Cell::Text(session), Cell::Text(subject)] = row else {
                return Err(Error::corrupt("a trail whose columns are of other kinds"));
            };
            join([&session, &subject], &mut text);
            if let Some(given) = self.known.insert(text.clone(), id) {
                others.insert(given, id);
            }
        }
        if others.len() < old.len() {
            return Err(Error::corrupt(
                "a pair of session and subject is there, but cannot be read",
            ));
        }
        Ok(others)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, is_too_much};

    #[test]
    fn so_much_is_remembered() {
        assert!(!is_too_much(0) && !is_too_much(MOST) && is_too_much(MOST + 1) && is_too_much(MOST + 2));
    }
}
