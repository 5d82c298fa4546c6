//! To which version events are to be lifted, and what became of one.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::UpcastError;
use crate::name::{Label, NameError};

/// The version of their type as which events are read.
///
/// As text it is `latest`, or the version; a version of that very name is only meant where it is the active one.
///
/// ```
/// use event_core::upcaster::Target;
/// assert_eq!("latest".parse(), Ok(Target::Active));
/// assert_eq!("2".parse::<Target>()?.to_string(), "2");
/// # Ok::<(), event_core::upcaster::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The one that is active, of whatever type.
    Active,
    /// This one.
    Version(Label),
}

/// The text names no [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is latest, or a version: {0}")]
pub struct TargetError(NameError);

const LATEST: &str = "latest";

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text == LATEST {
            return Ok(Target::Active);
        }
        Label::new(text).map(Target::Version).map_err(TargetError)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Active => f.write_str(LATEST),
            Target::Version(version) => version.fmt(f),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What an event was, and as what it is shown. Where both are the same, nothing was to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lift {
    /// The version that it has; `None` if no version of its type was registered when it came in.
    pub from: Option<Label>,
    /// The version that was asked for; `None` if no version of its type is active.
    pub to: Option<Label>,
    /// Why the event is still as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<NotLifted>,
}

/// Why an event is still of the version that it was of. It repeats no value.
///
/// As JSON it is an object with `code`, `message`, and the `violations` of a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotLifted {
    /// The type has no such version, or none that is active.
    #[error("no such version of the type is registered")]
    UnknownVersion,
    /// Nobody has declared how.
    #[error("no upcasters lead from the one version to the other")]
    NoUpcaster,
    /// The upcasters cannot be applied to this event.
    #[error(transparent)]
    Failed(#[from] UpcastError),
}

impl NotLifted {
    /// The name that goes over the wire.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            NotLifted::UnknownVersion => "unknown_version",
            NotLifted::NoUpcaster => "no_upcaster",
            NotLifted::Failed(error) => match error {
                UpcastError::Taken(_) => "place_taken",
                UpcastError::NotConvertible(_) => "not_convertible",
                UpcastError::Whole => "invalid_step",
                UpcastError::TooLarge(_) => "too_large",
                UpcastError::NotAllowed(_) => "schema_violation",
            },
        }
    }
}

impl Serialize for NotLifted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("message", &self.to_string())?;
        if let NotLifted::Failed(UpcastError::NotAllowed(violations)) = self {
            map.serialize_entry("violations", violations)?;
        }
        map.end()
    }
}
