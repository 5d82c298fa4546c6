//! What a version of a type declares: from which older version its data can be made, and by which steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Step, Upcaster};
use crate::json::{Payload, Pointer};
use crate::limits::Limits;
use crate::name::Label;

/// The one upcaster that leads to a version of a type.
///
/// Since each version has one at the most, there is one way at the most from any version to another; several may
/// start at the same version.
///
/// ```
/// use event_core::upcaster::Upcast;
/// use event_core::{Label, Limits};
/// let upcast: Upcast = serde_json::from_str(r#"{"from": "1", "steps": [{"step": "remove", "at": "/tmp"}]}"#)?;
/// assert!(upcast.check(&Label::new("2")?, &Limits::default()).is_ok());
/// let error = upcast.check(&Label::new("1")?, &Limits::default()).unwrap_err();
/// assert_eq!(error.pointer, "/from");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upcast {
    /// The older version. `None`, which is `null` and is never left out, is that of events which have none: they
    /// came in before any version of their type was registered.
    #[serde(deserialize_with = "given")]
    pub from: Option<Label>,
    /// What makes its data those of the newer version.
    pub steps: Upcaster,
}

/// `null` has to be said: a version that was forgotten is a mistake.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Label>, D::Error> {
    Option::deserialize(deserializer)
}

/// Why an upcaster cannot be declared, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidUpcast {
    /// The place in the declaration, as a JSON pointer.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl InvalidUpcast {
    fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        InvalidUpcast { pointer, message }
    }
}

impl Upcast {
    /// The most steps of one version.
    pub const MAX_STEPS: usize = 100;
    /// The most bytes of its steps, as JSON.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The most versions that follow from one another.
    pub const MAX_CHAIN: usize = 100;

    /// Whether a version can declare it: it is of another version, has so many steps of such a size, and every place
    /// is one that data can have.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, version: &Label, limits: &Limits) -> Result<(), InvalidUpcast> {
        if self.from.as_ref() == Some(version) {
            let message = "this is the version itself: an upcaster leads from another one";
            return Err(InvalidUpcast::new("/from", message));
        }
        let steps = self.steps.steps();
        if steps.len() > Upcast::MAX_STEPS {
            let message = format!("these are {} steps, and {} at the most", steps.len(), Upcast::MAX_STEPS);
            return Err(InvalidUpcast::new("/steps", message));
        }
        for (number, step) in steps.iter().enumerate() {
            check(step, limits).map_err(|(member, message)| {
                let pointer = format!("/steps/{number}/{member}");
                InvalidUpcast::new(pointer, message)
            })?;
        }
        // Places and values are known to be shallow now.
        let bytes = serde_json::to_string(&self.steps).map_or(usize::MAX, |json| json.len());
        if bytes > Upcast::MAX_BYTES {
            let message = format!("the steps have more than {} bytes", Upcast::MAX_BYTES);
            return Err(InvalidUpcast::new("/steps", message));
        }
        Ok(())
    }
}

/// What is wrong with a step, by its member.
fn check(step: &Step, limits: &Limits) -> Result<(), (&'static str, String)> {
    let place = |member, at: &Pointer, value: Value| {
        let wrong = possible(at, value, limits);
        wrong.map_err(|message| (member, message))
    };
    match step {
        Step::Move { from, to } => {
            place("from", from, Value::Null)?;
            place("to", to, Value::Null)?;
            // What the value is taken out of stays where it is.
            if from.tokens().len() >= to.tokens().len() && from.tokens().zip(to.tokens()).all(|(from, to)| from == to) {
                return Err(("to", "this is where the value is already, or what it is in".to_owned()));
            }
            Ok(())
        }
        Step::Default { at, value } => {
            place("at", at, Value::Null)?;
            place("value", at, value.clone())
        }
        Step::Remove { at } | Step::Convert { at, .. } => place("at", at, Value::Null),
    }
}

/// Whether data may have such a value there.
fn possible(at: &Pointer, value: Value, limits: &Limits) -> Result<(), String> {
    let length = at.tokens().len();
    if length == 0 {
        return Err("a step is about a place inside the data".to_owned());
    }
    if length > limits.depth {
        return Err(format!("data are {} deep at the most", limits.depth));
    }
    let data = at.tokens().rev().fold(value, |value, key| {
        Value::Object(Map::from_iter([(key.to_owned(), value)]))
    });
    let read = Payload::from_value(&data, limits);
    read.map(drop)
        .map_err(|error| format!("no data can have this: {}", error.code))
}

/// Whether the upcasters of a type lead somewhere: no version is made from itself by way of others, and there are not
/// too many on the way. `older` holds what each version is made from.
///
/// # Errors
/// What is wrong at the `from` of `version`, which is to be the last that was declared.
pub fn check_chains(version: &Label, older: &BTreeMap<Label, Option<Label>>) -> Result<(), InvalidUpcast> {
    let from = |version: &Label| older.get(version).and_then(Option::as_ref);
    let mut at = version;
    for _ in 0..older.len() {
        match from(at) {
            Some(before) if before == version => {
                let message = format!("this version is itself made from {version}: upcasters cannot lead in a circle");
                return Err(InvalidUpcast::new("/from", message));
            }
            Some(before) => at = before,
            None => break,
        }
    }
    let length = |version: &Label| {
        std::iter::successors(Some(version), |version| from(version))
            .take(older.len() + 1)
            .count()
    };
    if older.keys().any(|version| length(version) > Upcast::MAX_CHAIN + 1) {
        let message = format!("more than {} versions are made from one another", Upcast::MAX_CHAIN);
        return Err(InvalidUpcast::new("/from", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn label(text: &str) -> Label {
        Label::new(text).unwrap()
    }

    fn check(upcast: Value) -> Result<(), String> {
        let upcast: Upcast = serde_json::from_value(upcast).map_err(|error| error.to_string())?;
        let checked = upcast.check(&label("2"), &Limits::default());
        checked.map_err(|error| error.pointer)
    }

    #[test]
    fn a_declaration_is_checked_to_the_last_step() {
        let deep = |depth: usize| "/a".repeat(depth);
        let step = |step: Value| json!({"from": "1", "steps": [{"step": "remove", "at": "/a"}, step]});
        let value = |value: Value| step(json!({"step": "default", "at": "/a/b", "value": value}));
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        for good in [
            json!({"from": null, "steps": []}),
            step(json!({"step": "remove", "at": deep(20)})),
            step(json!({"step": "move", "from": "/a", "to": "/a/b"})),
            step(json!({"step": "move", "from": "/a/b", "to": "/a/c"})),
            value(nested(18)),
        ] {
            assert_eq!(check(good.clone()), Ok(()), "{good}");
        }
        let many = vec![json!({"step": "remove", "at": "/a"}); 101];
        for (bad, place) in [
            (json!({"from": "2", "steps": []}), "/from"),
            (json!({"from": "1", "steps": many}), "/steps"),
            (value(json!("x".repeat(65_536))), "/steps"),
            (step(json!({"step": "remove", "at": ""})), "/steps/1/at"),
            (step(json!({"step": "remove", "at": deep(21)})), "/steps/1/at"),
            (step(json!({"step": "remove", "at": "/a//b"})), "/steps/1/at"),
            (
                step(json!({"step": "convert", "at": "/a\u{0}", "to": "string"})),
                "/steps/1/at",
            ),
            (
                step(json!({"step": "remove", "at": format!("/{}", "k".repeat(129))})),
                "/steps/1/at",
            ),
            (step(json!({"step": "move", "from": "/a", "to": ""})), "/steps/1/to"),
            (step(json!({"step": "move", "from": "/a", "to": "/a"})), "/steps/1/to"),
            (step(json!({"step": "move", "from": "/a/b", "to": "/a"})), "/steps/1/to"),
            (value(nested(19)), "/steps/1/value"),
            (value(json!(vec![0; 2_000])), "/steps/1/value"),
            (value(json!("\u{0}")), "/steps/1/value"),
        ] {
            assert_eq!(check(bad.clone()), Err(place.to_owned()), "{bad}");
        }
        for malformed in [
            json!({"steps": []}),
            json!({"from": "1"}),
            json!({"from": "", "steps": []}),
            json!({"from": "1", "steps": [], "to": "2"}),
            json!({"from": "1", "steps": [{"step": "guess", "at": "/a"}]}),
        ] {
            assert!(
                serde_json::from_value::<Upcast>(malformed.clone()).is_err(),
                "{malformed}"
            );
        }
    }

    #[test]
    fn versions_lead_in_no_circle_and_in_no_endless_line() {
        let older = |pairs: &[(&str, Option<&str>)]| {
            let pair = |(version, from): &(&str, Option<&str>)| (label(version), from.map(label));
            pairs.iter().map(pair).collect::<BTreeMap<_, _>>()
        };
        let line = older(&[("1", None), ("2", Some("1")), ("3", Some("2")), ("3b", Some("2"))]);
        assert_eq!(check_chains(&label("2"), &line), Ok(()));
        for (version, circle) in [
            ("1", older(&[("1", Some("2")), ("2", Some("1"))])),
            ("2", older(&[("1", Some("3")), ("2", Some("1")), ("3", Some("2"))])),
        ] {
            let error = check_chains(&label(version), &circle).unwrap_err();
            assert_eq!(error.pointer, "/from");
            assert!(error.message.contains("circle"), "{error}");
        }
        let line = |versions: usize| {
            let version = |number: usize| (label(&number.to_string()), Some(label(&(number - 1).to_string())));
            (1..=versions).map(version).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(check_chains(&label("50"), &line(100)), Ok(()));
        assert!(check_chains(&label("50"), &line(101)).is_err());
    }
}
