//! The pairs of session and subject that events belong to, as numbers.

use std::collections::HashMap;

use event_core::{Envelope, SessionId, Subject};
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// So many pairs are remembered; then the memory starts anew.
const MOST: usize = 200_000;
/// Pairs in one statement.
const CHUNK: usize = 256;

/// A session and a subject, of which an event may have either, both or none.
pub(crate) type Pair = (Option<SessionId>, Option<Subject>);

/// The pairs that the writer met lately. A pair never changes its number.
#[derive(Debug, Default)]
pub(crate) struct Trails {
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

impl Trails {
    pub(crate) fn id(&self, pair: &Pair) -> Option<i64> {
        self.known.get(pair).copied()
    }

    /// Makes sure that all of these pairs are known.
    pub(crate) async fn learn(
        &mut self,
        mut pairs: Vec<Pair>,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        if self.known.len() + pairs.len() > MOST {
            self.known.clear();
        }
        pairs.retain(|pair| !self.known.contains_key(pair));
        // Sorted, so that two writers lock the same rows in the same order.
        pairs.sort_unstable();
        pairs.dedup();
        for chunk in pairs.chunks(CHUNK) {
            let rows = vec!["(?, ?)"; chunk.len()].join(", ");
            let values = || chunk.iter().flat_map(texts).map(Value::from);
            let insert = tables.sql("INSERT INTO {trails} (session, subject) VALUES ");
            let insert = format!("{insert}{rows} {}", dialect.keep_existing("session, subject"));
            db.execute_raw(dialect.statement(&insert, values())).await?;
            let select = tables.sql("SELECT id, session, subject FROM {trails} WHERE (session, subject) IN (VALUES ");
            let values: Vec<Value> = values().collect();
            for row in db
                .query_all_raw(dialect.statement(&format!("{select}{rows})"), values))
                .await?
            {
                let (session, subject): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                let pair = (SessionId::new(session).ok(), Subject::new(subject).ok());
                self.known.insert(pair, row.try_get_by_index(0)?);
            }
        }
        Ok(())
    }
}
