//! What is worth knowing about an event that was taken all the same.

use std::fmt;

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One remark about a stored event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// It came without a time; the time of receipt counts.
    NoTimestamp,
    /// It came without an id; one was made, so that sending it again stores it again.
    NoId,
    /// Its envelope has fields that mean nothing here.
    IgnoredFields,
    /// Its type, or this version of its type, is not registered.
    Unplanned,
    /// It breaks its schema, and its type's policy is to store it with a warning.
    SchemaViolation,
    /// It lies in the future, and its type's policy is to store it with a warning.
    TimestampInFuture,
}

impl Flag {
    const ALL: [Flag; 6] = [
        Flag::NoTimestamp,
        Flag::NoId,
        Flag::IgnoredFields,
        Flag::Unplanned,
        Flag::SchemaViolation,
        Flag::TimestampInFuture,
    ];

    /// The `snake_case` name that goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Flag::NoTimestamp => "no_timestamp",
            Flag::NoId => "no_id",
            Flag::IgnoredFields => "ignored_fields",
            Flag::Unplanned => "unplanned",
            Flag::SchemaViolation => "schema_violation",
            Flag::TimestampInFuture => "timestamp_in_future",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of [`Flag`]s.
///
/// ```
/// use event_core::flag::{Flag, Flags};
/// let flags = Flags::NONE.with(Flag::Unplanned);
/// assert!(flags.contains(Flag::Unplanned));
/// assert_eq!(flags.to_string(), "unplanned");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);

    /// This set and one flag more.
    #[must_use]
    pub const fn with(self, flag: Flag) -> Flags {
        Flags(self.0 | flag.bit())
    }

    /// Whether the set holds the flag.
    #[must_use]
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The flags of the set.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.contains(*flag))
    }

    /// The set as a number, one bit a flag, for storage.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set for a stored number; bits of later versions are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Flags {
        Flags(bits)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, flag) in self.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(flag.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        self.iter().try_for_each(|flag| list.serialize_element(flag.as_str()))?;
        list.end()
    }
}

/// Flags that this version does not know are left out.
impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let known = Flag::ALL
            .into_iter()
            .filter(|flag| names.iter().any(|name| name == flag.as_str()));
        Ok(known.fold(Flags::NONE, Flags::with))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_they_are_read() {
        let mut all = Flags::NONE;
        for flag in Flag::ALL {
            let text = format!("[{:?}]", flag.as_str());
            let one = Flags::NONE.with(flag);
            assert_eq!(serde_json::to_string(&one).unwrap(), text);
            assert_eq!(serde_json::from_str::<Flags>(&text).unwrap(), one);
            all = all.with(flag);
        }
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Flags>(&text).unwrap(), all);
        // What nobody knows is left out.
        assert_eq!(
            serde_json::from_str::<Flags>(r#"["of tomorrow"]"#).unwrap(),
            Flags::NONE
        );
        assert_eq!(serde_json::to_string(&Flags::NONE).unwrap(), "[]");
    }

    #[test]
    fn flags_are_stored_as_bits() {
        for flag in Flag::ALL {
            let one = Flags::NONE.with(flag);
            assert!(one.contains(flag) && !one.is_empty() && one.bits().is_power_of_two());
            assert_eq!((Flags::from_bits(one.bits()), one.with(flag)), (one, one));
            assert_eq!(one.iter().collect::<Vec<_>>(), [flag]);
            assert!(
                Flag::ALL
                    .into_iter()
                    .all(|other| one.contains(other) == (other == flag))
            );
        }
        // Bits of tomorrow are kept.
        assert_eq!(Flags::from_bits(1 << 31).bits(), 1 << 31);
        assert!(Flags::from_bits(0).is_empty() && Flags::NONE.iter().next().is_none());
    }
}
