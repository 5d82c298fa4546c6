//! The question as it is written.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Active;
use crate::analysis::ask::{Ask, Said, from_json, from_pairs};
use crate::analysis::said;
use crate::code::Code;
use crate::filter::{Field, Filter};
use crate::query::draft::{Draft, once, read};
use crate::query::{Bucket, ParameterError};

impl Active {
    /// Reads the parameters of a URL: `open` and `close` (the name of an event, or a JSON object), `key` and `by`
    /// (as often as there are fields; `key` is `subject`, if absent), `at`, or `from`, `to` and `bucket`, `zone`,
    /// and the filters of [`Query::from_pairs`](crate::Query::from_pairs).
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice, missing or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        active(from_pairs(pairs)?)
    }

    /// Reads the same from a JSON object, its filter as `filter`.
    ///
    /// # Errors
    /// The first member that is unknown, missing or wrong, or what is wrong with the JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ParameterError> {
        active(from_json(bytes)?)
    }
}

#[derive(Default)]
struct Asked {
    open: Option<Filter>,
    close: Option<Filter>,
    key: Vec<Field>,
    at: Option<String>,
}

impl Ask for Asked {
    const KNOWN: &'static str = "open, close, key, by, at, bucket";

    fn member(&mut self, draft: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError> {
        match name {
            "open" => once(name, &mut self.open, said.filter(name)?)?,
            "close" => once(name, &mut self.close, said.filter(name)?)?,
            "key" => said.each(|said| {
                self.key.push(read(name, &said.text(name)?)?);
                Ok(())
            })?,
            "by" => said.each(|said| draft.by(name, &said.text(name)?))?,
            "at" => once(name, &mut self.at, said.text(name)?.into_owned())?,
            "bucket" => draft.bucket(name, &said.text(name)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn active((asked, draft): (Asked, Draft)) -> Result<Active, ParameterError> {
    let (from, to) = draft.range()?;
    let needed = |name: &str, filter: Option<Filter>| {
        let wrong = || ParameterError::new(name, Code::InvalidParameter, "this says which events, and is missing");
        filter.ok_or_else(wrong)
    };
    let at = draft.instant("at", asked.at.as_ref())?;
    if at.is_some() && (from.is_some() || to.is_some() || draft.unit.is_some()) {
        let message = "an instant has no range and no buckets: give either at, or from, to and bucket";
        return Err(ParameterError::new("at", Code::InvalidParameter, message));
    }
    let zone = draft.zone.unwrap_or(chrono_tz::Tz::UTC);
    let active = Active {
        open: needed("open", asked.open)?,
        close: needed("close", asked.close)?,
        key: if asked.key.is_empty() {
            vec![Field::Subject]
        } else {
            asked.key
        },
        by: draft.by,
        at,
        from,
        to,
        bucket: draft.unit.map(|unit| Bucket { unit, zone }),
        filter: draft.filter,
    };
    super::check(&active)?;
    Ok(active)
}

/// The JSON that [`Active::from_json`] reads; absent parts are left out.
impl Serialize for Active {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("open", &self.open)?;
        map.serialize_entry("close", &self.close)?;
        map.serialize_entry("key", &self.key)?;
        if !self.by.is_empty() {
            map.serialize_entry("by", &self.by)?;
        }
        if let Some(at) = &self.at {
            map.serialize_entry("at", at)?;
        }
        if let Some(Bucket { unit, zone }) = &self.bucket {
            map.serialize_entry("bucket", unit)?;
            map.serialize_entry("zone", zone.name())?;
        }
        said(&mut map, self.from, self.to, &self.filter)?;
        map.end()
    }
}
