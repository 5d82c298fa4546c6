//! The pairs of session and subject that events belong to, as numbers.

use std::collections::HashMap;

use event_core::Envelope;
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// So many pairs are remembered; then the memory starts anew.
const MOST: usize = 200_000;
/// Pairs in one statement.
const CHUNK: usize = 256;

/// A session and a subject, `""` for none.
pub(crate) type Pair = (String, String);

/// The pairs that the writer met lately. A pair never changes its number.
#[derive(Debug, Default)]
pub(crate) struct Trails {
    known: HashMap<Pair, i64>,
}

/// The pair that an event belongs to, unless it has neither.
pub(crate) fn pair(envelope: &Envelope) -> Option<Pair> {
    let session = envelope.session_id.as_ref().map_or("", |session| session.as_str());
    let subject = envelope.subject.as_ref().map_or("", |subject| subject.as_str());
    (!session.is_empty() || !subject.is_empty()).then(|| (session.to_owned(), subject.to_owned()))
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
        pairs.retain(|pair| !self.known.contains_key(pair));
        // Sorted, so that two writers lock the same rows in the same order.
        pairs.sort_unstable();
        pairs.dedup();
        if self.known.len() + pairs.len() > MOST {
            self.known.clear();
        }
        for chunk in pairs.chunks(CHUNK) {
            let rows = vec!["(?, ?)"; chunk.len()].join(", ");
            let values = || {
                chunk
                    .iter()
                    .flat_map(|(session, subject)| [session.as_str().into(), subject.as_str().into()])
            };
            let insert = tables.sql("INSERT INTO {trails} (session, subject) VALUES ");
            let insert = format!("{insert}{rows} {}", dialect.keep_existing("session, subject"));
            db.execute_raw(dialect.statement(&insert, values())).await?;
            let select = tables.sql("SELECT id, session, subject FROM {trails} WHERE (session, subject) IN (VALUES ");
            let values: Vec<Value> = values().collect();
            for row in db
                .query_all_raw(dialect.statement(&format!("{select}{rows})"), values))
                .await?
            {
                let pair = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                self.known.insert(pair, row.try_get_by_index(0)?);
            }
        }
        Ok(())
    }
}
