//! Which refused events: by reason, source, type, time and state.

use event_core::{Code, EventType, Source, Timestamp};
use sea_orm::Value;

use super::State;

/// Which refused events; all of them, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// Only those refused for this reason.
    pub code: Option<Code>,
    /// Only those from this application.
    pub source: Option<Source>,
    /// Only those that claim this type.
    pub event_type: Option<EventType>,
    /// Only those that came in first at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those that came in first before this instant.
    pub to: Option<Timestamp>,
    /// Only those of which this has become.
    pub state: Option<State>,
}

impl QuarantineFilter {
    /// The conditions, each behind `AND`, and their values.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let kind = self.event_type.as_ref();
        let texts = [
            ("code = ?", self.code.map(Code::as_str)),
            ("source = ?", self.source.as_ref().map(Source::as_str)),
            ("category = ?", kind.map(|kind| kind.category.as_str())),
            ("name = ?", kind.map(|kind| kind.name.as_str())),
            ("state = ?", self.state.map(State::as_str)),
        ];
        let times = [("received_at >= ?", self.from), ("received_at < ?", self.to)];
        let texts = texts
            .into_iter()
            .filter_map(|(sql, text)| Some((sql, Value::from(text?))));
        let times = times
            .into_iter()
            .filter_map(|(sql, time)| Some((sql, Value::from(time?.as_micros()))));
        let (mut condition, mut values) = (String::new(), Vec::new());
        for (sql, value) in texts.chain(times) {
            condition.push_str(" AND ");
            condition.push_str(sql);
            values.push(value);
        }
        (condition, values)
    }
}
