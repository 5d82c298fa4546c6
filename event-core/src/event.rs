//! A well-formed event: an envelope whose every field holds to its grammar, and a canonical payload.

mod builder;
mod line;
mod read;
mod write;

pub use builder::{EventBuilder, FieldValue};

use chrono_tz::Tz;

use crate::envelope::Envelope;
use crate::flag::{Flag, Flags};
use crate::json::{Document, Payload};
use crate::limits::Limits;
use crate::name::{EventId, Source};
use crate::refusal::{Claims, Refusal};
use crate::timestamp::Timestamp;

/// What the receiver adds where the sender said nothing; core itself has neither clock nor chance.
#[derive(Clone, Copy)]
pub struct Reception<'a> {
    /// When the event came in; it also stands in for a time that is absent.
    pub received_at: Timestamp,
    /// The source of events that name none.
    pub source: &'a Source,
    /// The zone of times without an offset.
    pub zone: Tz,
    /// How large an event may be.
    pub limits: Limits,
    /// Makes ids for events without one.
    pub new_id: &'a (dyn Fn() -> EventId + Sync),
}

/// An event that is well-formed but not yet judged by the schema of its type.
///
/// ```
/// use event_core::{Event, EventId, Source, Timestamp, event::Reception};
/// let source = Source::new("shop")?;
/// let reception = Reception {
///     received_at: "2021-01-01T09:15:28Z".parse()?,
///     source: &source,
///     zone: chrono_tz::Tz::UTC,
///     limits: Default::default(),
///     new_id: &|| EventId::new("made-here").unwrap(),
/// };
/// let event = Event::from_slice(
///     br#"{"category": "page interaction", "name": "pageview", "data": {"path": "/"}}"#,
///     &reception,
/// )?;
/// assert_eq!(event.envelope().event_type.name.as_str(), "pageview");
/// assert_eq!(event.payload().as_str(), r#"{"path":"/"}"#);
/// assert_eq!(event.flags().to_string(), "no_timestamp, no_id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    envelope: Envelope,
    payload: Payload,
    flags: Flags,
    content_hash: ContentHash,
}

/// The first 128 bits of a BLAKE3 hash over all that the sender said, but for `sent_at`, which a
/// retry changes.
pub type ContentHash = [u8; 16];

impl Event {
    /// Reads an event from the JSON text of one object.
    ///
    /// # Errors
    /// A [`Refusal`] that names every envelope field that is wrong, or the first thing that is
    /// wrong with the JSON.
    pub fn from_slice(bytes: &[u8], reception: &Reception<'_>) -> Result<Self, Refusal> {
        let limits = &reception.limits;
        if bytes.len() > limits.event_bytes {
            return Err(Refusal::too_large(bytes.len(), limits.event_bytes).with_claims(read::claims(bytes)));
        }
        match Document::parse(bytes, &limits.of_document()) {
            Ok(document) => read::event(document.root(), reception),
            Err(error) => Err(Refusal::from(error).with_claims(read::claims(bytes))),
        }
    }

    /// Starts an event that this program makes itself.
    #[must_use]
    pub fn builder(category: impl Into<String>, name: impl Into<String>) -> EventBuilder {
        EventBuilder::new(category.into(), name.into())
    }

    /// Puts an event together again from what a store kept of it.
    #[must_use]
    pub fn from_parts(envelope: Envelope, payload: Payload, flags: Flags, content_hash: ContentHash) -> Self {
        Event {
            envelope,
            payload,
            flags,
            content_hash,
        }
    }

    /// Everything but the data.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The data.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// What is worth knowing about it.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Tells the same event sent twice from two events under one id.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        self.content_hash
    }

    /// What it says of itself, for a refusal.
    #[must_use]
    pub fn claims(&self) -> Claims {
        let Envelope {
            id,
            event_type,
            version,
            source,
            session_id,
            subject,
            ..
        } = self.envelope.clone();
        Claims {
            id: Some(id),
            event_type: Some(event_type),
            version,
            source: Some(source),
            session_id,
            subject,
        }
    }

    /// The event by the receiver's clock, which needs not be that of the sender: it happened as long before it came
    /// in as, by the sender's clock, before it was sent. One without both times stays as it is. The content is what
    /// the sender said, so that one which is sent again is still the same event.
    ///
    /// ```
    /// # let source = event_core::Source::new("shop")?;
    /// # let reception = event_core::event::Reception {
    /// #     received_at: "2021-01-01T09:00:00Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
    /// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
    /// # };
    /// let event = event_core::Event::from_slice(
    ///     br#"{"category": "page", "name": "click", "timestamp": "1970-01-01 00:00:10", "sent_at": "1970-01-01 00:00:15"}"#,
    ///     &reception,
    /// )?;
    /// let right = event.clone().set_right("2021-01-01T09:00:00Z".parse()?);
    /// assert_eq!(right.envelope().occurred_at, "2021-01-01T08:59:55Z".parse()?);
    /// assert_eq!(right.content_hash(), event.content_hash());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn set_right(mut self, received_at: Timestamp) -> Self {
        let Envelope {
            occurred_at, sent_at, ..
        } = &mut self.envelope;
        if let Some(sent_at) = *sent_at
            && !self.flags.contains(Flag::NoTimestamp)
        {
            let late = received_at.as_micros() - sent_at.as_micros();
            *occurred_at = occurred_at.saturating_add_micros(late);
        }
        self
    }

    /// Records the version that the registry judged it by, and more flags.
    pub(crate) fn resolved(mut self, version: Option<crate::name::Label>, flags: Flags) -> Self {
        self.envelope.version = version;
        self.flags = flags;
        self
    }
}
