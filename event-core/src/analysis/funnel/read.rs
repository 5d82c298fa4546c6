//! A funnel as it is written.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Funnel, FunnelOrder, Step};
use crate::analysis::ask::{Ask, Said, from_json, from_pairs};
use crate::analysis::length::Length;
use crate::analysis::said;
use crate::filter::{Field, Filter, Scalar, Test};
use crate::query::draft::{Draft, once, read};
use crate::query::{ParameterError, QueryError};

impl Funnel {
    /// Reads the parameters of a URL: `step`, as often as there are steps, `by` (`session_id`, if absent),
    /// `window`, `order`, `from`, `to`, `zone`, and the filters of
    /// [`Query::from_pairs`](crate::Query::from_pairs). A step is the name of an event, or a JSON object.
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        funnel(from_pairs(pairs)?)
    }

    /// Reads the same from a JSON object, its `steps` as a list. A step is the name of an event, an object of
    /// fields and what they equal, or `{"all": […]}` as in any filter; its `label` says what it is called.
    ///
    /// # Errors
    /// The first member that is unknown or wrong, or what is wrong with the JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ParameterError> {
        funnel(from_json(bytes)?)
    }
}

#[derive(Default)]
struct Asked {
    steps: Vec<Step>,
    by: Option<Field>,
    window: Option<Length>,
    order: Option<FunnelOrder>,
}

impl Ask for Asked {
    const KNOWN: &'static str = "steps (as a parameter: step), by, window, order";

    fn member(&mut self, _: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError> {
        match name {
            "step" | "steps" => said.each(|said| {
                let (label, filter) = said.labelled(name)?;
                let label = label.unwrap_or_else(|| label_of(&filter, self.steps.len()));
                self.steps.push(Step { label, filter });
                Ok(())
            })?,
            "by" => once(name, &mut self.by, read(name, &said.text(name)?)?)?,
            "window" => once(name, &mut self.window, read(name, &said.text(name)?)?)?,
            "order" => once(name, &mut self.order, read(name, &said.text(name)?)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The name of the event, if the step has one; else its number.
fn label_of(filter: &Filter, before: usize) -> String {
    let named = filter
        .all
        .iter()
        .find_map(|condition| match (&condition.field, &condition.test) {
            (Field::Name, Test::Equals(Scalar::String(name))) => Some(name.clone()),
            _ => None,
        });
    named.unwrap_or_else(|| format!("step {}", before + 1))
}

fn funnel((asked, draft): (Asked, Draft)) -> Result<Funnel, ParameterError> {
    let (from, to) = draft.range()?;
    if !(1..=Funnel::MAX_STEPS).contains(&asked.steps.len()) {
        return Err(QueryError::InvalidSteps.into());
    }
    Ok(Funnel {
        steps: asked.steps,
        by: asked.by.unwrap_or(Field::SessionId),
        window: asked.window,
        order: asked.order.unwrap_or_default(),
        filter: draft.filter,
        from,
        to,
    })
}

/// The JSON that [`Funnel::from_json`] reads; absent parts are left out.
impl Serialize for Funnel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("steps", &self.steps)?;
        map.serialize_entry("by", &self.by)?;
        if let Some(window) = &self.window {
            map.serialize_entry("window", window)?;
        }
        map.serialize_entry("order", &self.order)?;
        said(&mut map, self.from, self.to, &self.filter)?;
        map.end()
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("label", &self.label)?;
        map.serialize_entry("all", &self.filter.all)?;
        map.end()
    }
}

/// The text is no [`FunnelOrder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the order of steps is ordered, strict or any")]
pub struct FunnelOrderError;

impl FunnelOrder {
    /// Every order.
    pub const ALL: [FunnelOrder; 3] = [FunnelOrder::Ordered, FunnelOrder::Strict, FunnelOrder::Any];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FunnelOrder::Ordered => "ordered",
            FunnelOrder::Strict => "strict",
            FunnelOrder::Any => "any",
        }
    }
}

impl FromStr for FunnelOrder {
    type Err = FunnelOrderError;

    fn from_str(text: &str) -> Result<Self, FunnelOrderError> {
        let known = FunnelOrder::ALL.into_iter().find(|order| order.as_str() == text);
        known.ok_or(FunnelOrderError)
    }
}

impl fmt::Display for FunnelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FunnelOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FunnelOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
