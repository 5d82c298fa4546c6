//! A row of the events: written from a valid event, read back as a stored one.

use event_core::event::ContentHash;
use event_core::policy::Storage;
use event_core::{Envelope, Event, Payload, SessionId, StoredEvent, Subject, Timestamp, ValidEvent, flag::Flags};
use sea_orm::QueryResult;

use super::event_id::{self, Encoded};
use crate::dialect::{Bind, Insert, Kind, Row, Taken};
use crate::dictionary::Dictionary;
use crate::error::Error;

/// Stores rows; the columns are those of a [`NewEvent`].
pub(crate) const INSERT: Insert<13> = Insert {
    table: "{events}",
    columns: [
        ("position", Kind::Int),
        ("source_id", Kind::Int),
        ("event_id", Kind::Bytes),
        ("kind_id", Kind::Int),
        ("trail_id", Kind::Int),
        ("sequence", Kind::Int),
        ("occurred_at", Kind::Int),
        ("received_at", Kind::Int),
        ("sent_at", Kind::Int),
        ("flags", Kind::Int),
        ("hash", Kind::Bytes),
        ("data", Kind::Text),
        ("violations", Kind::Text),
    ],
    taken: Taken::Stays {
        key: "event_id, source_id",
    },
};

/// What a page reads of `{events} e` joined with `{trails} t`, in the order that [`stored`] expects.
pub(crate) const SELECTED: &str = "e.position, e.source_id, e.event_id, e.kind_id, t.session, t.subject, e.sequence, \
                                   e.occurred_at, e.received_at, e.sent_at, e.flags, e.hash, e.data, e.violations";

/// A new row, its references resolved.
pub(crate) struct NewEvent<'a> {
    pub(crate) position: i64,
    pub(crate) source_id: i64,
    pub(crate) event_id: Encoded,
    pub(crate) kind_id: i64,
    pub(crate) trail_id: Option<i64>,
    pub(crate) received_at: Timestamp,
    pub(crate) hash: ContentHash,
    pub(crate) violations: Option<String>,
    pub(crate) storage: Storage,
    pub(crate) event: &'a ValidEvent,
}

impl NewEvent<'_> {
    /// What it is known by: its source and its id.
    pub(crate) fn key(&self) -> (i64, &[u8]) {
        (self.source_id, &self.event_id)
    }
}

/// The values of [`INSERT`].
impl Row<13> for NewEvent<'_> {
    fn binds(&self) -> [Bind<'_>; 13] {
        let event = self.event.event();
        let envelope = event.envelope();
        let maybe = |int: Option<i64>| int.map_or(Bind::Null, Bind::Int);
        [
            Bind::Int(self.position),
            Bind::Int(self.source_id),
            Bind::Bytes(&self.event_id),
            Bind::Int(self.kind_id),
            maybe(self.trail_id),
            maybe(envelope.sequence),
            Bind::Int(envelope.occurred_at.as_micros()),
            Bind::Int(self.received_at.as_micros()),
            maybe(envelope.sent_at.map(Timestamp::as_micros)),
            Bind::Int(i64::from(event.flags().bits())),
            Bind::Bytes(&self.hash),
            Bind::Text(event.payload().as_str()),
            self.violations.as_deref().map_or(Bind::Null, Bind::Text),
        ]
    }
}

/// A time as the tables keep it.
pub(crate) fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_micros(micros).map_err(|_| Error::corrupt("a time outside the years 1970 to 9999"))
}

/// Reads a row of [`SELECTED`].
pub(crate) fn stored(row: &QueryResult, dictionary: &Dictionary) -> Result<StoredEvent, Error> {
    let unknown = |what: &str| Error::corrupt(format!("an event with an unknown {what}"));
    let kind = dictionary
        .kind(row.try_get_by_index(3)?)
        .ok_or_else(|| unknown("type"))?;
    let source = dictionary
        .source(row.try_get_by_index(1)?)
        .ok_or_else(|| unknown("source"))?;
    let id: Vec<u8> = row.try_get_by_index(2)?;
    let session: Option<String> = row.try_get_by_index(4)?;
    let subject: Option<String> = row.try_get_by_index(5)?;
    let sent_at: Option<i64> = row.try_get_by_index(9)?;
    let flags: i64 = row.try_get_by_index(10)?;
    let hash: Vec<u8> = row.try_get_by_index(11)?;
    let data: String = row.try_get_by_index(12)?;
    let violations: Option<String> = row.try_get_by_index(13)?;
    let envelope = Envelope {
        id: event_id::decode(&id).ok_or_else(|| unknown("form of id"))?,
        event_type: kind.event_type.clone(),
        version: kind.version.clone(),
        session_id: session.and_then(|session| SessionId::new(session).ok()),
        sequence: row.try_get_by_index(6)?,
        source: source.clone(),
        subject: subject.and_then(|subject| Subject::new(subject).ok()),
        occurred_at: time(row.try_get_by_index(7)?)?,
        sent_at: sent_at.map(time).transpose()?,
    };
    let payload = Payload::from_canonical(data).map_err(|error| Error::corrupt(format!("data that is {error}")))?;
    let flags = Flags::from_bits(u32::try_from(flags).unwrap_or_default());
    let hash = hash.try_into().map_err(|_| unknown("form of hash"))?;
    Ok(StoredEvent {
        position: row.try_get_by_index(0)?,
        received_at: time(row.try_get_by_index(8)?)?,
        event: Event::from_parts(envelope, payload, flags, hash),
        violations: violations
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .unwrap_or_default()
            .unwrap_or_default(),
        upcast: None,
    })
}
