//! Data of an older version → data of a newer one, by declared steps.

mod declared;
mod lifted;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::code::Code;
use crate::json::{self, JsonError, Number, Payload, Pointer};
use crate::limits::Limits;
use crate::violation::Violation;
pub use declared::{InvalidUpcast, Upcast, check_chains};
pub use lifted::{Lift, NotLifted, Target, TargetError};

/// One step. Places are inside objects; arrays are not gone into. What is not there is left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Gives a value another place, in objects that are made where they are missing.
    Move {
        /// Where it is.
        from: Pointer,
        /// Where it goes; nothing may be there.
        to: Pointer,
    },
    /// Puts a value where there is none.
    Default {
        /// The place.
        at: Pointer,
        /// The value.
        value: Value,
    },
    /// Takes a value away.
    Remove {
        /// The place.
        at: Pointer,
    },
    /// Writes a value as one of another type; `null` stays.
    Convert {
        /// The place.
        at: Pointer,
        /// The type.
        to: Conversion,
    },
}

/// What a value is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Conversion {
    /// Numbers and booleans as JSON writes them.
    String,
    /// Texts that are JSON numbers.
    Number,
    /// The same, and whole.
    Integer,
    /// `"true"`, `"false"`, 1 and 0.
    Boolean,
    /// Anything that is no array, as the only element of one.
    Array,
}

/// Why data cannot be brought to a newer version. It repeats no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpcastError {
    /// Something is where a value is to go, or on the way there.
    #[error("{0} is taken")]
    Taken(Pointer),
    /// A value cannot be written as the type that is asked for.
    #[error("the value at {0} is none of this type")]
    NotConvertible(Pointer),
    /// A step is about the whole data.
    #[error("a step is about a place inside the data")]
    Whole,
    /// The data became larger or deeper than data may be.
    #[error(transparent)]
    TooLarge(#[from] JsonError),
    /// The newer version's schema does not allow the data.
    #[error("the newer version does not allow the data")]
    NotAllowed(Vec<Violation>),
}

impl UpcastError {
    /// The place in the data, as a JSON pointer; empty where it is all of them.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            UpcastError::Taken(at) | UpcastError::NotConvertible(at) => at.to_string(),
            UpcastError::TooLarge(error) => error.pointer.clone(),
            UpcastError::Whole | UpcastError::NotAllowed(_) => String::new(),
        }
    }
}

/// Steps from one version of a type to the next, declared as data.
///
/// ```
/// use event_core::upcaster::Upcaster;
/// use event_core::{Limits, Payload};
/// let upcaster: Upcaster = serde_json::from_str(r#"[
///     {"step": "move", "from": "/total", "to": "/amount/value"},
///     {"step": "convert", "at": "/amount/value", "to": "number"},
///     {"step": "default", "at": "/amount/currency", "value": "EUR"}
/// ]"#)?;
/// let old = Payload::parse(br#"{"total": "12.50"}"#, &Limits::default())?;
/// let new = upcaster.apply(&old, &Limits::default())?;
/// assert_eq!(new.as_str(), r#"{"amount":{"currency":"EUR","value":12.5}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Upcaster {
    steps: Vec<Step>,
}

impl Upcaster {
    /// Steps, done in their order.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        Upcaster { steps }
    }

    /// These steps, and then those of the next version.
    #[must_use]
    pub fn then(mut self, next: Upcaster) -> Self {
        self.steps.extend(next.steps);
        self
    }

    /// The steps, in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The data of the newer version.
    ///
    /// # Errors
    /// The first step that cannot be done.
    pub fn apply(&self, payload: &Payload, limits: &Limits) -> Result<Payload, UpcastError> {
        let Value::Object(mut data) = payload.root().to_value() else {
            return Ok(payload.clone());
        };
        for step in &self.steps {
            step.apply(&mut data, limits)?;
        }
        let payload = Payload::from_value(&Value::Object(data), limits)?;
        if payload.as_str().len() > limits.event_bytes {
            return Err(too_large(Code::EventTooLarge, &Pointer::root()));
        }
        Ok(payload)
    }
}

impl Step {
    fn apply(&self, data: &mut Map<String, Value>, limits: &Limits) -> Result<(), UpcastError> {
        match self {
            Step::Move { from, to } => match take(data, from)? {
                Some(value) => {
                    shallow(&value, to, limits)?;
                    put(data, to, value, true)
                }
                None => Ok(()),
            },
            Step::Default { at, value } => {
                shallow(value, at, limits)?;
                put(data, at, value.clone(), false)
            }
            Step::Remove { at } => take(data, at).map(drop),
            Step::Convert { at, to } => match find(data, at)? {
                Some(value) if !value.is_null() => {
                    let converted = convert(value, *to);
                    *value = converted.ok_or_else(|| UpcastError::NotConvertible(at.clone()))?;
                    shallow(value, at, limits)
                }
                _ => Ok(()),
            },
        }
    }
}

/// That data stay as shallow as they may be, whatever the steps: a tree that only grows would at last be too deep
/// to be dropped.
fn shallow(value: &Value, at: &Pointer, limits: &Limits) -> Result<(), UpcastError> {
    let left = limits.depth.checked_sub(at.tokens().len());
    let shallow = left.is_some_and(|left| json::refuse_deep(value, left).is_ok());
    shallow.then_some(()).ok_or_else(|| too_large(Code::TooDeep, at))
}

fn too_large(code: Code, at: &Pointer) -> UpcastError {
    UpcastError::TooLarge(JsonError {
        code,
        offset: 0,
        pointer: at.to_string(),
    })
}

/// The way to a place, and its last key.
fn split(at: &Pointer) -> Result<(Vec<&str>, &str), UpcastError> {
    let mut tokens: Vec<_> = at.tokens().collect();
    let last = tokens.pop().ok_or(UpcastError::Whole)?;
    Ok((tokens, last))
}

/// The object that a place is in, if it is there.
fn parent<'a>(data: &'a mut Map<String, Value>, way: &[&str]) -> Option<&'a mut Map<String, Value>> {
    way.iter()
        .try_fold(data, |object, key| object.get_mut(*key)?.as_object_mut())
}

fn find<'a>(data: &'a mut Map<String, Value>, at: &Pointer) -> Result<Option<&'a mut Value>, UpcastError> {
    let (way, key) = split(at)?;
    Ok(parent(data, &way).and_then(|object| object.get_mut(key)))
}

fn take(data: &mut Map<String, Value>, at: &Pointer) -> Result<Option<Value>, UpcastError> {
    let (way, key) = split(at)?;
    Ok(parent(data, &way).and_then(|object| object.remove(key)))
}

/// Puts a value to a place where there is none; what is there stays, or is an error.
fn put(data: &mut Map<String, Value>, at: &Pointer, value: Value, only: bool) -> Result<(), UpcastError> {
    let (way, key) = split(at)?;
    let mut object = data;
    for key in way {
        let next = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
        object = next.as_object_mut().ok_or_else(|| UpcastError::Taken(at.clone()))?;
    }
    match object.get(key) {
        None => drop(object.insert(key.to_owned(), value)),
        Some(_) if only => return Err(UpcastError::Taken(at.clone())),
        Some(_) => {}
    }
    Ok(())
}

fn convert(value: &Value, to: Conversion) -> Option<Value> {
    let number = |value: &Value| match value {
        Value::Number(number) => Number::from_literal(&number.to_string()),
        Value::String(text) => Number::from_literal(text),
        _ => None,
    };
    match to {
        Conversion::String => match value {
            Value::String(_) => Some(value.clone()),
            Value::Bool(truth) => Some(Value::from(truth.to_string())),
            Value::Number(_) => number(value).map(|number| Value::from(number.to_string())),
            _ => None,
        },
        Conversion::Number => number(value).map(|number| match number {
            Number::Int(int) => Value::from(int),
            Number::Float(float) => Value::from(float),
        }),
        Conversion::Integer => number(value).and_then(Number::as_i64).map(Value::from),
        Conversion::Boolean => match value {
            Value::Bool(_) => Some(value.clone()),
            Value::String(text) => text.parse::<bool>().ok().map(Value::from),
            value => match number(value).and_then(Number::as_i64) {
                Some(0) => Some(Value::from(false)),
                Some(1) => Some(Value::from(true)),
                _ => None,
            },
        },
        Conversion::Array => Some(match value {
            Value::Array(_) => value.clone(),
            value => Value::from(vec![value.clone()]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use proptest::prelude::*;
    use serde_json::json;

    fn payload(value: &Value) -> Payload {
        Payload::from_value(value, &Limits::default()).unwrap()
    }

    fn apply(steps: Value, data: &Value) -> Result<Value, UpcastError> {
        let upcaster: Upcaster = serde_json::from_value(steps).unwrap();
        let new = upcaster.apply(&payload(data), &Limits::default())?;
        Ok(new.root().to_value())
    }

    #[test]
    fn what_becomes_too_large_is_refused() {
        let upcaster: Upcaster =
            serde_json::from_value(json!([{"step": "default", "at": "/note", "value": "0123456789"}])).unwrap();
        let old = payload(&json!({"a": 1}));
        let new = upcaster.apply(&old, &Limits::default()).unwrap();
        let within = |event_bytes| {
            let limits = Limits {
                event_bytes,
                ..Limits::default()
            };
            upcaster.apply(&old, &limits)
        };
        let bytes = new.as_str().len();
        assert_eq!(within(bytes), Ok(new));
        for fewer in [bytes - 1, bytes - 5] {
            assert!(matches!(within(fewer), Err(UpcastError::TooLarge(_))), "{fewer}");
        }
    }

    proptest! {
        #[test]
        fn a_chain_is_its_composition(
            one in proptest::collection::vec(arbitrary::step(), 0..4),
            two in proptest::collection::vec(arbitrary::step(), 0..4),
            data in arbitrary::small_object(),
        ) {
            let (one, two, limits) = (Upcaster::new(one), Upcaster::new(two), Limits::default());
            let chained = one.apply(&payload(&data), &limits).and_then(|data| two.apply(&data, &limits));
            prop_assert_eq!(one.then(two).apply(&payload(&data), &limits), chained);
        }

        #[test]
        fn no_steps_change_nothing(data in arbitrary::json_object()) {
            let limits = Limits::default();
            if let Ok(data) = Payload::from_value(&data, &limits) {
                prop_assert_eq!(Upcaster::default().apply(&data, &limits).unwrap(), data);
            }
        }
    }

    #[test]
    fn what_fails_says_where() {
        let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let limit = Limits::default().depth;
        let put = json!([{"step": "move", "from": "/a", "to": "/b/c"}]);
        // The root, `b`, and what lies in it.
        assert!(apply(put.clone(), &json!({"a": deep(limit - 2)})).is_ok());
        for (steps, data, at) in [
            (put.clone(), json!({"a": 1, "b": 2}), "/b/c"),
            (
                json!([{"step": "convert", "at": "/a", "to": "integer"}]),
                json!({"a": "x"}),
                "/a",
            ),
            (put, json!({"a": deep(limit - 1)}), "/b/c"),
        ] {
            let error = apply(steps, &data).unwrap_err();
            assert_eq!(error.pointer(), at, "{error:?}");
        }
        assert_eq!(UpcastError::Whole.pointer(), "");
    }

    #[test]
    fn each_step_does_one_thing() {
        let moved = json!([{"step": "move", "from": "/a", "to": "/b/c"}]);
        assert_eq!(apply(moved.clone(), &json!({"a": 1})).unwrap(), json!({"b": {"c": 1}}));
        assert_eq!(apply(moved.clone(), &json!({"b": 2})).unwrap(), json!({"b": 2}));
        for data in [json!({"a": 1, "b": 2}), json!({"a": 1, "b": {"c": 3}})] {
            let taken = Err(UpcastError::Taken("/b/c".parse().unwrap()));
            assert_eq!(apply(moved.clone(), &data), taken);
        }
        let missing = json!([{"step": "default", "at": "/a", "value": [1]}]);
        assert_eq!(apply(missing.clone(), &json!({})).unwrap(), json!({"a": [1]}));
        assert_eq!(apply(missing, &json!({"a": null})).unwrap(), json!({"a": null}));
        let gone = json!([{"step": "remove", "at": "/a/b"}]);
        assert_eq!(
            apply(gone, &json!({"a": {"b": 1, "c": 2}})).unwrap(),
            json!({"a": {"c": 2}})
        );
        assert_eq!(
            apply(json!([{"step": "remove", "at": ""}]), &json!({})),
            Err(UpcastError::Whole)
        );
        assert!(serde_json::from_value::<Upcaster>(json!([{"step": "guess", "at": "/a"}])).is_err());
    }

    #[test]
    fn values_are_converted_exactly_or_not_at_all() {
        for (from, to, into) in [
            (json!("12.50"), "number", Some(json!(12.5))),
            (json!("1e2"), "integer", Some(json!(100))),
            (json!("1.5"), "integer", None),
            (
                json!("9007199254740993"),
                "number",
                Some(json!(9_007_199_254_740_993_i64)),
            ),
            (json!("9223372036854775808"), "number", None),
            (json!(" 1"), "number", None),
            (json!(1.0), "string", Some(json!("1"))),
            (json!(false), "string", Some(json!("false"))),
            (json!(0), "boolean", Some(json!(false))),
            (json!(1), "boolean", Some(json!(true))),
            (json!(2), "boolean", None),
            (json!("true"), "boolean", Some(json!(true))),
            (json!(true), "boolean", Some(json!(true))),
            (json!("yes"), "boolean", None),
            (json!({"x": 1}), "array", Some(json!([{"x": 1}]))),
            (json!([1]), "array", Some(json!([1]))),
            (json!([1]), "string", None),
            (json!(null), "string", Some(json!(null))),
        ] {
            let found = apply(json!([{"step": "convert", "at": "/v", "to": to}]), &json!({"v": from}));
            let expected = into.map(|value| json!({"v": value}));
            assert_eq!(found.ok(), expected, "{from} {to}");
        }
    }
}
