//! A row of the keys: all of a key but its secret, of which there is only a digest.

use std::fmt::Display;
use std::str::FromStr;

use event_core::{Label, Source, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, TryGetable, Value};
use serde::Serialize;

use crate::dialect::Dialect;
use crate::error::Error;
use crate::rights::{Bounds, Rate, Reach, Rights};
use crate::tables::Tables;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyRecord {
    /// What it is known by: the part that is no secret.
    pub prefix: String,
    /// What its holder may do.
    #[serde(flatten)]
    pub rights: Rights,
    /// What it is for, for people.
    pub note: Option<Label>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is of no use.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that was made in its place, and goes on when it ends.
    pub replaced_by: Option<String>,
}

impl KeyRecord {
    /// Whether it is of use at a time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A key, with the digest of its secret.
#[derive(Clone)]
pub(crate) struct KeyRow {
    pub(crate) record: KeyRecord,
    pub(crate) hash: Vec<u8>,
}

/// The columns, in the order in which they are read and written.
const COLUMNS: [&str; 15] = [
    "prefix",
    "hash",
    "source",
    "sources",
    "types",
    "access",
    "reach",
    "rate",
    "burst",
    "quota",
    "note",
    "created_at",
    "expires_at",
    "revoked_at",
    "replaced_by",
];

/// What stands in `source` of a key for any. Programs that know no other column take it for a name that nobody has.
const ANY: &str = "*";

impl KeyRow {
    fn read(row: &QueryResult) -> Result<Self, Error> {
        let (source, sources): (String, Option<String>) = (at(row, "source")?, at(row, "sources")?);
        let sources = match sources.as_deref() {
            None => Bounds::Only(vec![text(&source)?]),
            Some("") => Bounds::Any,
            Some(names) => Bounds::Only(lines(names)?),
        };
        let types: Option<String> = at(row, "types")?;
        let access: String = at(row, "access")?;
        let (reach, note): (String, Option<String>) = (at(row, "reach")?, at(row, "note")?);
        let (rate, burst): (Option<i64>, Option<i64>) = (at(row, "rate")?, at(row, "burst")?);
        let number = |number: i64| u32::try_from(number).map_err(|_| malformed());
        let rate = match (rate, burst) {
            (Some(rate), burst) => Some(Rate {
                per_second: number(rate)?,
                burst: number(burst.unwrap_or(rate))?,
            }),
            (None, _) => None,
        };
        let quota: Option<i64> = at(row, "quota")?;
        let time = |micros| Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time of no calendar"));
        let (expires_at, revoked_at): (Option<i64>, Option<i64>) = (at(row, "expires_at")?, at(row, "revoked_at")?);
        Ok(KeyRow {
            record: KeyRecord {
                prefix: at(row, "prefix")?,
                rights: Rights {
                    access: access.split(',').map(text).collect::<Result<_, _>>()?,
                    sources,
                    types: types.map_or(Ok(Bounds::Any), |names| lines(&names).map(Bounds::Only))?,
                    reach: match reach.as_str() {
                        "bound" => Reach::Bound,
                        "all" => Reach::All,
                        _ => return Err(malformed()),
                    },
                    rate,
                    quota: quota.map(u64::try_from).transpose().map_err(|_| malformed())?,
                },
                note: note.map(|note| text(&note)).transpose()?,
                created_at: time(at(row, "created_at")?)?,
                expires_at: expires_at.map(time).transpose()?,
                revoked_at: revoked_at.map(time).transpose()?,
                replaced_by: at(row, "replaced_by")?,
            },
            hash: at(row, "hash")?,
        })
    }

    /// Every key, in the order in which they were made.
    pub(crate) async fn all(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Vec<Self>, Error> {
        let sql = format!("SELECT {} FROM {{api_keys}} ORDER BY id", COLUMNS.join(", "));
        let rows = db.query_all_raw(dialect.statement(&tables.sql(&sql), [])).await?;
        rows.iter().map(KeyRow::read).collect()
    }

    /// Writes a new one.
    pub(crate) async fn insert(
        &self,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        let KeyRecord {
            prefix,
            rights,
            note,
            created_at,
            expires_at,
            revoked_at,
            replaced_by,
        } = &self.record;
        let time = |time: &Option<Timestamp>| time.map(Timestamp::as_micros);
        let number = |number: Option<u32>| number.map(i64::from);
        let reach = match rights.reach {
            Reach::Bound => "bound",
            Reach::All => "all",
        };
        let types = match &rights.types {
            Bounds::Any => None,
            Bounds::Only(types) => Some(joined(types, "\n")),
        };
        let values: [Value; COLUMNS.len()] = [
            prefix.as_str().into(),
            self.hash.clone().into(),
            rights.own_source().map_or(ANY, Source::as_str).into(),
            joined(rights.sources.named(), "\n").into(),
            types.into(),
            joined(&rights.access, ",").into(),
            reach.into(),
            number(rights.rate.map(|rate| rate.per_second)).into(),
            number(rights.rate.map(|rate| rate.burst)).into(),
            rights.quota.map(u64::cast_signed).into(),
            note.as_ref().map(|note| note.as_str().to_owned()).into(),
            created_at.as_micros().into(),
            time(expires_at).into(),
            time(revoked_at).into(),
            replaced_by.clone().into(),
        ];
        let places = vec!["?"; COLUMNS.len()].join(", ");
        let sql = format!("INSERT INTO {{api_keys}} ({}) VALUES ({places})", COLUMNS.join(", "));
        db.execute_raw(dialect.statement(&tables.sql(&sql), values)).await?;
        Ok(())
    }
}

fn malformed() -> Error {
    Error::corrupt("a malformed key")
}

fn at<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, Error> {
    Ok(row.try_get("", column)?)
}

fn text<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| malformed())
}

/// No name holds a line end.
fn lines<T: FromStr>(names: &str) -> Result<Vec<T>, Error> {
    names.lines().map(text).collect()
}

fn joined<'a, T: Display + 'a>(names: impl IntoIterator<Item = &'a T>, between: &str) -> String {
    names
        .into_iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(between)
}
