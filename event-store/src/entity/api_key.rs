//! A row of the keys: all of a key but its secret, of which there is only a digest.

use event_core::{Label, Source, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::Serialize;

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyRecord {
    /// What it is known by: the part that is no secret.
    pub prefix: String,
    /// The source whose events it may send.
    pub source: Source,
    /// What it is for, for people.
    pub note: Option<Label>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is of no use.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key, with the digest of its secret.
#[derive(Clone)]
pub(crate) struct KeyRow {
    pub(crate) record: KeyRecord,
    pub(crate) hash: Vec<u8>,
}

impl KeyRow {
    fn read(row: &QueryResult) -> Result<Self, Error> {
        let (source, note): (String, Option<String>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let malformed = |_| Error::corrupt("a malformed key");
        let time = |micros| Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time of no calendar"));
        let (expires_at, revoked_at): (Option<i64>, Option<i64>) = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
        Ok(KeyRow {
            record: KeyRecord {
                prefix: row.try_get_by_index(0)?,
                source: Source::new(source).map_err(malformed)?,
                note: note.map(Label::new).transpose().map_err(malformed)?,
                created_at: time(row.try_get_by_index(4)?)?,
                expires_at: expires_at.map(time).transpose()?,
                revoked_at: revoked_at.map(time).transpose()?,
            },
            hash: row.try_get_by_index(1)?,
        })
    }

    /// Every key, in the order in which they were made.
    pub(crate) async fn all(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Vec<Self>, Error> {
        let sql = "SELECT prefix, hash, source, note, created_at, expires_at, revoked_at FROM {api_keys} ORDER BY id";
        let rows = db.query_all_raw(dialect.statement(&tables.sql(sql), [])).await?;
        rows.iter().map(KeyRow::read).collect()
    }
}
