//! What a `PUT` of a metric says: `{"category": …, "name": …, "value": …, "scale": …, "by": […],
//! "unique": …}`, of which the first two are needed.

use event_core::filter::Field;
use event_core::metric::{Metric, MetricError};
use event_core::{EventType, Label};
use serde_json::Value;

use super::definition::{invalid, member, members};
use crate::reply::Failure;

/// Reads a metric; its name is in the path, and may stand in the body once more.
///
/// # Errors
/// What is wrong with the JSON, or which member.
pub(super) fn read(label: Label, body: &[u8]) -> Result<Metric, Failure> {
    let (mut category, mut name, mut value, mut scale, mut by) = (None, None, None, None, Vec::new());
    let mut unique: Option<Field> = None;
    let whole = "a metric is an object with category and name, and if need be value, scale, by and unique";
    for (key, given) in members(body, whole)? {
        match key.as_str() {
            "metric" => {
                if member::<Label>(&key, given)? != label {
                    return Err(invalid(&key, "the path has another name: leave this one out"));
                }
            }
            "category" => category = Some(member(&key, given)?),
            "name" => name = Some(member(&key, given)?),
            "value" => value = member(&key, given)?,
            "scale" => scale = member(&key, given)?,
            "by" => by = fields(&key, given)?,
            "unique" => unique = member(&key, given)?,
            _ => return Err(invalid(&key, whole)),
        }
    }
    let missing = |key| invalid(key, "this says which events are counted, and cannot be left out");
    let event_type = EventType {
        category: category.ok_or_else(|| missing("category"))?,
        name: name.ok_or_else(|| missing("name"))?,
    };
    let metric = Metric::new(label, event_type, value, scale, by);
    let metric = metric.and_then(|metric| match unique {
        Some(field) => metric.with_unique(field),
        None => Ok(metric),
    });
    metric.map_err(|error| invalid(place(error), &error.to_string()))
}

fn fields(name: &str, given: Value) -> Result<Vec<Field>, Failure> {
    let Value::Array(texts) = given else {
        return Err(invalid(name, "this is a list of fields"));
    };
    let fields = texts.into_iter().enumerate().map(|(at, text)| {
        let field = member(name, text);
        field.map_err(|failure| failure.at(format!("/{name}/{at}")))
    });
    fields.collect()
}

/// The member that an error is about.
fn place(error: MetricError) -> &'static str {
    match error {
        MetricError::ScaleOfNothing | MetricError::ScaleTooGreat => "scale",
        MetricError::PinnedUnique | MetricError::UniqueOfBy => "unique",
        _ => "by",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Metric, Failure> {
        super::read(Label::new("sales").unwrap(), body.as_bytes())
    }

    #[test]
    fn the_name_is_in_the_path() {
        let least = read(r#"{"category": "order", "name": "created"}"#).unwrap();
        assert_eq!((least.label().as_str(), least.by()), ("sales", &[][..]));
        let all = r#"{"metric": "sales", "category": "order", "name": "created", "value": "/total", "scale": 2,
                      "by": ["subject", "/province"], "unique": "session_id"}"#;
        assert_eq!(read(all).unwrap(), serde_json::from_str::<Metric>(all).unwrap());
    }
}
