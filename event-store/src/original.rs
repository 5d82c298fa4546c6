//! What came in, and how it is read: once when it is judged, and again should it be replayed.

use chrono_tz::Tz;

/// A document as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    pub(crate) bytes: Vec<u8>,
    pub(crate) form: Form,
    /// The zone of its times without an offset.
    pub(crate) zone: Tz,
}

/// How a document becomes an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// It is one.
    #[default]
    Event,
    /// By the mapping of its type.
    Foreign,
    /// As a CloudEvent.
    CloudEvent,
}

impl Form {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Form::Event => "event",
            Form::Foreign => "foreign",
            Form::CloudEvent => "cloudevent",
        }
    }

    /// As it was stored; an event, where nobody said.
    pub(crate) fn of(text: &str) -> Self {
        let all = [Form::Event, Form::Foreign, Form::CloudEvent];
        all.into_iter().find(|form| form.as_str() == text).unwrap_or_default()
    }
}

impl Original {
    /// The JSON text of an event that was made or written here, where all times have offsets.
    pub(crate) fn written(bytes: Vec<u8>) -> Self {
        Original {
            bytes,
            form: Form::Event,
            zone: Tz::UTC,
        }
    }
}

/// Where the document of an event is that cannot be stored because its id is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It came in just now.
    Sent(Original),
    /// There is none: the event was made by this program.
    Made,
    /// In the quarantine already.
    InQuarantine,
}
