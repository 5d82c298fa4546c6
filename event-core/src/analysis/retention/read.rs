//! A retention as it is written.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Retention;
use crate::analysis::ask::{Ask, Said, from_json, from_pairs};
use crate::analysis::said;
use crate::filter::{Field, Filter};
use crate::query::draft::{Draft, number, once, read};
use crate::query::{Bucket, ParameterError, Unit};

impl Retention {
    /// Reads the parameters of a URL: `by` (`subject`, if absent), `first` and `again` (the name of an event, or
    /// a JSON object), `bucket` (`day`), `zone`, `periods` (14), `from`, `to`, and the filters of
    /// [`Query::from_pairs`](crate::Query::from_pairs).
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        retention(from_pairs(pairs)?)
    }

    /// Reads the same from a JSON object, its filter as `filter`.
    ///
    /// # Errors
    /// The first member that is unknown or wrong, or what is wrong with the JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ParameterError> {
        retention(from_json(bytes)?)
    }
}

#[derive(Default)]
struct Asked {
    by: Option<Field>,
    first: Option<Filter>,
    again: Option<Filter>,
    periods: Option<usize>,
}

impl Ask for Asked {
    const KNOWN: &'static str = "by, first, again, bucket, periods";

    fn member(&mut self, draft: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError> {
        match name {
            "by" => once(name, &mut self.by, read(name, &said.text(name)?)?)?,
            "first" => once(name, &mut self.first, said.filter(name)?)?,
            "again" => once(name, &mut self.again, said.filter(name)?)?,
            "bucket" => draft.bucket(name, &said.text(name)?)?,
            "periods" => {
                let periods = number(name, &said.text(name)?, Retention::MAX_PERIODS)?;
                once(name, &mut self.periods, periods)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn retention((asked, draft): (Asked, Draft)) -> Result<Retention, ParameterError> {
    let (from, to) = draft.range()?;
    let usual = Retention::new();
    Ok(Retention {
        by: asked.by.unwrap_or(usual.by),
        first: asked.first.unwrap_or(usual.first),
        again: asked.again.unwrap_or(usual.again),
        bucket: Bucket {
            unit: draft.unit.unwrap_or(Unit::Day),
            zone: draft.zone.unwrap_or(usual.bucket.zone),
        },
        periods: asked.periods.unwrap_or(usual.periods),
        filter: draft.filter,
        from,
        to,
    })
}

/// The JSON that [`Retention::from_json`] reads; absent parts are left out.
impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("by", &self.by)?;
        map.serialize_entry("first", &self.first)?;
        map.serialize_entry("again", &self.again)?;
        map.serialize_entry("bucket", &self.bucket.unit)?;
        map.serialize_entry("zone", self.bucket.zone.name())?;
        map.serialize_entry("periods", &self.periods)?;
        said(&mut map, self.from, self.to, &self.filter)?;
        map.end()
    }
}
