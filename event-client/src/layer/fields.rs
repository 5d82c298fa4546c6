//! The fields of a span or an event, as they are recorded.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use event_core::event::EventBuilder;
use serde_json::{Map, Number, Value};
use tracing::field::{Field, Visit};

/// What a field can say of the application event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reserved {
    Category,
    Name,
    Version,
    Subject,
    SessionId,
    Id,
}

impl Reserved {
    fn of(field: &str) -> Option<Self> {
        // Few fields begin like this, and this is asked about every field.
        match field.strip_prefix("event.")? {
            "category" => Some(Reserved::Category),
            "name" => Some(Reserved::Name),
            "version" => Some(Reserved::Version),
            "subject" => Some(Reserved::Subject),
            "session_id" => Some(Reserved::SessionId),
            "id" => Some(Reserved::Id),
            _ => None,
        }
    }
}

/// Whether a field of this name has a span or an event become an application event.
pub(super) fn asks(field: &str) -> bool {
    matches!(Reserved::of(field), Some(Reserved::Category | Reserved::Name))
}

/// Whether a field of this name says something about the application events inside of a span.
pub(super) fn bequeaths(field: &str) -> bool {
    matches!(Reserved::of(field), Some(Reserved::Subject | Reserved::SessionId))
}

/// What was recorded so far; of a field that is recorded again, the last value.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) category: Option<String>,
    pub(super) name: Option<String>,
    version: Option<String>,
    id: Option<String>,
    pub(super) origin: Origin,
    data: Map<String, Value>,
}

/// What the application events inside of a span have from it, where they do not say it themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    pub(super) subject: Option<String>,
    pub(super) session_id: Option<String>,
}

impl Origin {
    /// Takes what is not known yet; answers whether all of it is known now.
    pub(super) fn inherit(&mut self, from: &Origin) -> bool {
        if self.subject.is_none() {
            self.subject.clone_from(&from.subject);
        }
        if self.session_id.is_none() {
            self.session_id.clone_from(&from.session_id);
        }
        self.subject.is_some() && self.session_id.is_some()
    }
}

/// Whether the text of an event is data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    LeftOut,
    Kept,
}

impl Fields {
    /// Adds what was recorded later, in place of what was there.
    pub(super) fn merge(&mut self, later: Fields) {
        let Fields {
            category,
            name,
            version,
            id,
            origin,
            data,
        } = later;
        let texts = [
            (&mut self.category, category),
            (&mut self.name, name),
            (&mut self.version, version),
            (&mut self.id, id),
            (&mut self.origin.subject, origin.subject),
            (&mut self.origin.session_id, origin.session_id),
        ];
        for (known, later) in texts {
            if later.is_some() {
                *known = later;
            }
        }
        self.data.extend(data);
    }

    /// Whether it asks to become an application event.
    pub(super) fn ask(&self) -> bool {
        self.category.is_some() || self.name.is_some()
    }

    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.data.insert(key.to_owned(), value);
    }

    /// The application event of this type, with all that was recorded.
    pub(super) fn event(mut self, category: &str, name: &str, message: Message) -> EventBuilder {
        if message == Message::LeftOut {
            self.data.remove("message");
        }
        let mut event = event_core::Event::builder(category, name).data(Value::Object(self.data));
        if let Some(version) = self.version {
            event = event.version(version);
        }
        if let Some(id) = self.id {
            event = event.id(id);
        }
        if let Some(subject) = self.origin.subject {
            event = event.subject(subject);
        }
        if let Some(session_id) = self.origin.session_id {
            event = event.session_id(session_id);
        }
        event
    }

    /// Notes a value, as data or as what it says of the event.
    fn note(&mut self, field: &Field, value: Value) {
        let Some(reserved) = Reserved::of(field.name()) else {
            return self.set(field.name().strip_prefix("r#").unwrap_or(field.name()), value);
        };
        let place = match reserved {
            Reserved::Category => &mut self.category,
            Reserved::Name => &mut self.name,
            Reserved::Version => &mut self.version,
            Reserved::Subject => &mut self.origin.subject,
            Reserved::SessionId => &mut self.origin.session_id,
            Reserved::Id => &mut self.id,
        };
        *place = Some(match value {
            Value::String(text) => text,
            // A number of a customer is a name of his.
            other => other.to_string(),
        });
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has neither NaN nor infinity: there is no such value.
        if let Some(number) = Number::from_f64(value) {
            self.note(field, Value::Number(number));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        // Integers that no `i64` holds are text, as those of 128 bits are: events have no larger ones.
        let number = i64::try_from(value).map(Value::from);
        self.note(field, number.unwrap_or_else(|_| value.to_string().into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // How a value is written is the application's own code; what it cannot write is left out.
        let written = catch_unwind(AssertUnwindSafe(|| write!(text, "{value:?}")));
        if matches!(written, Ok(Ok(()))) {
            self.note(field, text.into());
        }
    }
}
