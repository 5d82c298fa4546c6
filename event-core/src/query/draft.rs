//! A question while its parameters come in, in any order.

use std::str::FromStr;

use chrono_tz::Tz;

use super::bucket::{Bucket, Unit};
use super::cursor::Cursor;
use super::measure::Measure;
use super::page::{Order, Page};
use super::parameter::ParameterError;
use super::{Query, QueryError};
use crate::code::Code;
use crate::filter::{Condition, Field, Filter, Scalar, Test};
use crate::json::{Document, Number};
use crate::limits::Limits;
use crate::name::{Label, SessionId, Source, Subject};
use crate::timestamp::Timestamp;
use crate::upcaster::Target;

/// What stands before a field whose text is to have another one inside.
pub(super) const INSIDE: &str = "contains.";

/// What has been said so far.
#[derive(Default)]
pub(crate) struct Draft {
    measure: Option<Measure>,
    pub(crate) by: Vec<Field>,
    pub(crate) unit: Option<Unit>,
    pub(crate) zone: Option<Tz>,
    /// Kept as text until the zone is known, in which a time without an offset is read.
    from: Option<String>,
    to: Option<String>,
    top: Option<usize>,
    pub(crate) order: Option<Order>,
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
    pub(crate) upcast: Option<Target>,
    pub(crate) filter: Filter,
}

pub(crate) fn wrong(name: &str, message: impl ToString) -> ParameterError {
    ParameterError::new(name, Code::InvalidParameter, message.to_string())
}

/// That a parameter can be said as JSON, too: no event holds U+0000, and no database takes it for text.
pub(crate) fn plain(name: &str, value: &str) -> Result<(), ParameterError> {
    if name.contains('\0') || value.contains('\0') {
        return Err(ParameterError::new(
            name,
            Code::NulCharacter,
            "this holds U+0000, which no event does",
        ));
    }
    Ok(())
}

/// Sets what may be set once.
pub(crate) fn once<T>(name: &str, slot: &mut Option<T>, value: T) -> Result<(), ParameterError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(wrong(name, "this is given twice")),
    }
}

pub(crate) fn read<T: FromStr<Err: ToString>>(name: &str, text: &str) -> Result<T, ParameterError> {
    text.parse().map_err(|error: T::Err| wrong(name, error))
}

/// A count; one too large for any machine is as wrong as one that is merely too large.
pub(crate) fn number(name: &str, text: &str, limit: usize) -> Result<usize, ParameterError> {
    let number = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    };
    number
        .filter(|number| (1..=limit).contains(number))
        .ok_or_else(|| ParameterError::new(name, Code::InvalidLimit, format!("this is a number from 1 to {limit}")))
}

impl Draft {
    pub(crate) fn measure(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.measure, read(name, text)?)
    }

    pub(crate) fn by(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        self.by.push(read(name, text)?);
        Ok(())
    }

    pub(crate) fn bucket(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.unit, read(name, text)?)
    }

    pub(crate) fn zone(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        let zone = text
            .parse()
            .map_err(|_| wrong(name, "this is the name of a time zone, say Europe/Paris"))?;
        once(name, &mut self.zone, zone)
    }

    pub(crate) fn from(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.from, text.to_owned())
    }

    pub(crate) fn to(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.to, text.to_owned())
    }

    pub(crate) fn top(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.top, number(name, text, Query::MAX_TOP)?)
    }

    pub(crate) fn limit(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.limit, number(name, text, Page::MAX_LIMIT)?)
    }

    pub(crate) fn order(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.order, read(name, text)?)
    }

    pub(crate) fn cursor(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.cursor, text.to_owned())
    }

    pub(crate) fn upcast(&mut self, name: &str, text: &str) -> Result<(), ParameterError> {
        once(name, &mut self.upcast, read(name, text)?)
    }

    /// Takes a parameter that is a filter; false for any other.
    pub(crate) fn filter(&mut self, name: &str, text: &str) -> Result<bool, ParameterError> {
        let (inside, named) = match name.strip_prefix(INSIDE) {
            Some(named) => (true, named),
            None => (false, name),
        };
        let named = if named == "session" { "session_id" } else { named };
        let Ok(field) = named.parse::<Field>() else {
            return Ok(false);
        };
        let legal = match &field {
            Field::Category | Field::Name | Field::Version => Label::new(text).err(),
            Field::Source => Source::new(text).err(),
            Field::SessionId => SessionId::new(text).err(),
            Field::Subject => Subject::new(text).err(),
            Field::Data(_) => None,
        };
        // A piece of a legal text need not be one.
        let legal = legal.filter(|_| !inside);
        if let Some(error) = legal {
            return Err(wrong(name, error));
        }
        if self.filter.all.len() >= Filter::MAX_CONDITIONS {
            return Err(QueryError::TooManyConditions.into());
        }
        let test = match field {
            _ if inside => Test::contains(text),
            Field::Data(_) => any_kind(text),
            _ => Test::equals(text),
        };
        let same = |known: &Condition| known.field == field && matches!(known.test, Test::Contains(_)) == inside;
        if self.filter.all.iter().any(same) {
            return Err(wrong(name, "this is given twice"));
        }
        self.filter.all.push(Condition { field, test });
        Ok(true)
    }

    pub(crate) fn instant(&self, name: &str, text: Option<&String>) -> Result<Option<Timestamp>, ParameterError> {
        let zone = self.zone.unwrap_or(Tz::UTC);
        let read = |text: &String| {
            Timestamp::parse_in(text, zone).map_err(|error| ParameterError::new(name, error.code(), error.to_string()))
        };
        text.map(read).transpose()
    }

    pub(crate) fn range(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), ParameterError> {
        let from = self.instant("from", self.from.as_ref())?;
        let to = self.instant("to", self.to.as_ref())?;
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(QueryError::InvalidRange.into());
        }
        Ok((from, to))
    }

    pub(crate) fn query(self) -> Result<Query, ParameterError> {
        let (from, to) = self.range()?;
        let zone = self.zone.unwrap_or(Tz::UTC);
        let query = Query {
            measure: self.measure.unwrap_or(Measure::Count),
            filter: self.filter,
            from,
            to,
            by: self.by,
            bucket: self.unit.map(|unit| Bucket { unit, zone }),
            top: self.top,
        };
        query.check()?;
        Ok(query)
    }

    pub(crate) fn page(self) -> Result<Page, ParameterError> {
        let (from, to) = self.range()?;
        let page = Page {
            filter: self.filter,
            from,
            to,
            order: self.order.unwrap_or_default(),
            limit: self.limit.unwrap_or(Page::DEFAULT_LIMIT),
            cursor: None,
            upcast: self.upcast,
        };
        page.at(None, self.cursor.as_deref())
    }
}

impl Page {
    /// The page of this list that a limit and a cursor choose, as the parameters `limit` and `cursor` of a URL give
    /// them; without them the page stays as it is.
    ///
    /// ```
    /// use event_core::query::Page;
    /// let list = Page::new(Default::default());
    /// let next = list.next("2026-03-29T01:00:00Z".parse()?, 17);
    /// let page = list.clone().at(Some("10"), Some(&next))?;
    /// assert_eq!((page.limit, page.cursor.map(|cursor| cursor.position)), (10, Some(17)));
    /// assert_eq!(list.at(Some("0"), None).unwrap_err().parameter, "limit");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Which of the two is wrong: a cursor belongs to its list.
    pub fn at(mut self, limit: Option<&str>, cursor: Option<&str>) -> Result<Self, ParameterError> {
        if let Some(text) = limit {
            self.limit = number("limit", text, Page::MAX_LIMIT)?;
        }
        if let Some(text) = cursor {
            let place = Cursor::read(text, &self.question());
            let wrong = || ParameterError::new("cursor", Code::InvalidCursor, "this is no cursor of this list");
            self.cursor = Some(place.ok_or_else(wrong)?);
        }
        Ok(self)
    }
}

/// What a text of no kind may stand for: the string, or the scalar of which it is the JSON text.
fn any_kind(text: &str) -> Test {
    let scalar = match text {
        "null" => Some(Scalar::Null),
        "true" => Some(Scalar::Bool(true)),
        "false" => Some(Scalar::Bool(false)),
        text => number_text(text)
            .filter(|number| number.to_string() == text)
            .map(Scalar::Number),
    };
    match scalar {
        Some(scalar) => Test::OneOf(vec![Scalar::from(text), scalar]),
        None => Test::equals(text),
    }
}

fn number_text(text: &str) -> Option<Number> {
    Document::parse(text.as_bytes(), &Limits::DEFAULT)
        .ok()?
        .root()
        .as_number()
}
