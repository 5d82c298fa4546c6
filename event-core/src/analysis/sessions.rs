//! Visits, one by one: when each began and ended, how long it was, and what is missing of it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::ask::{Ask, Said, from_json, from_pairs};
use super::order::Place;
use super::wanted::Wanted;
use super::{Analysis, Fold, said, seconds, token};
use crate::code::Code;
use crate::decimal::Decimal;
use crate::filter::{Field, Filter, Found};
use crate::name::SessionId;
use crate::query::draft::Draft;
use crate::query::{Order, Page, ParameterError, QueryError};
use crate::sequence;
use crate::timestamp::Timestamp;

/// Which visits there were: the events of a range that a filter chooses, put together by their session.
///
/// A session is what the events asked for say of it: one that began before the range begins with the first
/// event inside. Sessions are listed by their starts, ties by their ids.
///
/// ```
/// use event_core::analysis::Sessions;
/// let sessions = Sessions::from_pairs([("category", "page interaction"), ("from", "2026-01-01"), ("limit", "10")])?;
/// assert_eq!(sessions.limit, 10);
/// assert!(Sessions::from_pairs([("limit", "0")]).is_err());
/// # Ok::<(), event_core::query::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Of which events.
    pub filter: Filter,
    /// Of events from this instant on.
    pub from: Option<Timestamp>,
    /// Of events before this instant.
    pub to: Option<Timestamp>,
    /// In which order of (start, id).
    pub order: Order,
    /// How many, at the most.
    pub limit: usize,
    /// Only what comes behind the session of this start and id.
    pub after: Option<(Timestamp, SessionId)>,
}

/// Sessions, and what all of them are together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// The sessions of this page.
    pub sessions: Vec<SessionRow>,
    /// How many there are on all pages.
    pub total: u64,
    /// Events of all of them.
    pub events: u64,
    /// Their lengths together, in seconds.
    pub length: Decimal,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A session, without its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Which.
    pub session_id: SessionId,
    /// When its first event happened.
    pub start: Timestamp,
    /// When its last event happened.
    pub end: Timestamp,
    /// From the one to the other, in seconds.
    pub length: Decimal,
    /// How many events.
    pub events: u64,
    /// Numbers between the sender's least and greatest that no event has.
    pub missing: u64,
    /// Events that happened, by their times, before one with a smaller number.
    pub reordered: u64,
}

impl Sessions {
    /// The greatest limit.
    pub const MAX_LIMIT: usize = Page::MAX_LIMIT;
    /// The limit where none is given.
    pub const DEFAULT_LIMIT: usize = Page::DEFAULT_LIMIT;

    /// The first sessions of all events.
    #[must_use]
    pub const fn new() -> Self {
        Sessions {
            filter: Filter::new(),
            from: None,
            to: None,
            order: Order::Ascending,
            limit: Sessions::DEFAULT_LIMIT,
            after: None,
        }
    }

    /// Reads the parameters of a URL: `from`, `to`, `zone`, `order`, `limit`, `cursor`, and the filters of
    /// [`Query::from_pairs`](crate::Query::from_pairs).
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        sessions(from_pairs(pairs)?)
    }

    /// Reads the same from a JSON object, its filter as `filter`.
    ///
    /// # Errors
    /// The first member that is unknown or wrong, or what is wrong with the JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ParameterError> {
        sessions(from_json(bytes)?)
    }

    /// What identifies the list through all of its pages.
    fn question(&self) -> String {
        let Sessions {
            filter,
            from,
            to,
            order,
            ..
        } = self;
        serde_json::json!(["sessions", filter, from, to, order.as_str()]).to_string()
    }

    /// The cursor text for the page behind a session of this list.
    #[must_use]
    pub fn next(&self, last: &SessionRow) -> String {
        let place = [
            &last.start.as_micros().to_be_bytes(),
            last.session_id.as_str().as_bytes(),
        ]
        .concat();
        token::write(&place, &self.question())
    }

    fn read_cursor(&self, text: &str) -> Option<(Timestamp, SessionId)> {
        let place = token::read(text, &self.question())?;
        let (start, id) = place.split_first_chunk::<8>()?;
        let start = Timestamp::from_micros(i64::from_be_bytes(*start)).ok()?;
        Some((start, SessionId::new(String::from_utf8(id.to_vec()).ok()?).ok()?))
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions::new()
    }
}

/// The JSON that [`Sessions::from_json`] reads; absent parts are left out.
impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        said(&mut map, self.from, self.to, &self.filter)?;
        map.serialize_entry("order", self.order.as_str())?;
        map.serialize_entry("limit", &self.limit)?;
        if let Some((start, session_id)) = &self.after {
            let place = [&start.as_micros().to_be_bytes(), session_id.as_str().as_bytes()].concat();
            map.serialize_entry("cursor", &token::write(&place, &self.question()))?;
        }
        map.end()
    }
}

/// All that is said of sessions is what other lists have too.
#[derive(Default)]
struct Asked;

impl Ask for Asked {
    const KNOWN: &'static str = "order, limit, cursor";

    fn member(&mut self, draft: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError> {
        match name {
            "order" => draft.order(name, &said.text(name)?)?,
            "limit" => draft.limit(name, &said.text(name)?)?,
            "cursor" => draft.cursor(name, &said.text(name)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn sessions((Asked, draft): (Asked, Draft)) -> Result<Sessions, ParameterError> {
    let (from, to) = draft.range()?;
    let mut sessions = Sessions {
        filter: draft.filter,
        from,
        to,
        order: draft.order.unwrap_or_default(),
        limit: draft.limit.unwrap_or(Sessions::DEFAULT_LIMIT),
        after: None,
    };
    if let Some(text) = &draft.cursor {
        let after = sessions.read_cursor(text);
        let wrong = || ParameterError::new("cursor", Code::InvalidCursor, "this is no cursor of this list");
        sessions.after = Some(after.ok_or_else(wrong)?);
    }
    Ok(sessions)
}

/// Sessions in the making.
#[derive(Clone, Debug)]
pub struct SessionsFold {
    question: Sessions,
    wanted: Wanted,
    visits: HashMap<SessionId, Visit, RandomState>,
}

#[derive(Clone, Debug)]
struct Visit {
    start: Timestamp,
    end: Timestamp,
    events: u64,
    /// Events with a number of their sender.
    numbered: Vec<Place>,
}

impl Analysis for Sessions {
    type Answer = SessionList;
    type Fold = SessionsFold;

    fn fold(&self) -> Result<SessionsFold, QueryError> {
        if !(1..=Sessions::MAX_LIMIT).contains(&self.limit) {
            return Err(QueryError::InvalidLimit);
        }
        let mut wanted = Wanted::new(self.from, self.to, &self.filter)?;
        wanted.ask_for(&Field::SessionId);
        Ok(SessionsFold {
            question: self.clone(),
            wanted,
            visits: HashMap::default(),
        })
    }
}

impl Fold for SessionsFold {
    type Answer = SessionList;

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn add_found(&mut self, place: Place, found: &[Option<Found<'_>>]) {
        let session = self
            .wanted
            .find(&Field::SessionId, found)
            .and_then(|found| found.as_str());
        let Some(session) = session.filter(|_| self.wanted.holds(place.at(), found)) else {
            return;
        };
        if !self.visits.contains_key(&*session) {
            // Whoever found it found it in an event.
            let Ok(id) = SessionId::new(&*session) else { return };
            self.visits.insert(id, Visit::new(place.at()));
        }
        if let Some(visit) = self.visits.get_mut(&*session) {
            visit.add(place);
        }
    }

    fn answer(self) -> Result<SessionList, QueryError> {
        let Sessions {
            order, limit, after, ..
        } = &self.question;
        let mut list = SessionList {
            sessions: Vec::new(),
            total: self.visits.len() as u64,
            events: self.visits.values().map(|visit| visit.events).sum(),
            length: self.visits.values().map(Visit::length).sum(),
            next: None,
        };
        let mut visits: Vec<(SessionId, Visit)> = self.visits.into_iter().collect();
        visits.sort_unstable_by(|(a, one), (b, other)| (one.start, a).cmp(&(other.start, b)));
        if *order == Order::Descending {
            visits.reverse();
        }
        if let Some((start, id)) = after {
            let before = |visit: &Visit, known: &SessionId| match order {
                Order::Ascending => (visit.start, known) <= (*start, id),
                Order::Descending => (visit.start, known) >= (*start, id),
            };
            visits.drain(..visits.partition_point(|(known, visit)| before(visit, known)));
        }
        let more = visits.len() > *limit;
        visits.truncate(*limit);
        list.sessions = visits.into_iter().map(|(id, visit)| visit.row(id)).collect();
        if more {
            list.next = list.sessions.last().map(|last| self.question.next(last));
        }
        Ok(list)
    }
}

impl Visit {
    fn new(at: Timestamp) -> Self {
        Visit {
            start: at,
            end: at,
            events: 0,
            numbered: Vec::new(),
        }
    }

    fn add(&mut self, place: Place) {
        self.start = self.start.min(place.at());
        self.end = self.end.max(place.at());
        self.events += 1;
        if place.sequence().is_some() {
            self.numbered.push(place);
        }
    }

    fn length(&self) -> Decimal {
        seconds(self.end.as_micros() - self.start.as_micros())
    }

    fn row(mut self, session_id: SessionId) -> SessionRow {
        let length = self.length();
        self.numbered.sort_unstable();
        let numbers: Vec<i64> = self.numbered.iter().filter_map(Place::sequence).collect();
        let reordered = sequence::reordered(&numbers) as u64;
        let gaps = sequence::gaps(numbers);
        SessionRow {
            session_id,
            start: self.start,
            end: self.end,
            length,
            events: self.events,
            missing: gaps.iter().map(|gap| gap.before.abs_diff(gap.after) - 1).sum(),
            reordered,
        }
    }
}
