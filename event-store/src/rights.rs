//! What the holder of a key may do: what of, of which sources and types, and how much.

mod access;
mod bounds;
mod pattern;
mod rate;
mod used;

use std::collections::BTreeSet;

use event_core::{EventType, Source};
use serde::{Deserialize, Serialize};

use crate::error::Error;

pub use access::{Access, AccessError};
pub use bounds::Bounds;
pub use pattern::{PatternError, TypePattern};
pub(crate) use rate::Bucket;
pub use rate::Rate;
pub use used::Use;

/// So many sources and types a key may name; who has more needs a key for any.
const MOST_NAMES: usize = 100;
/// A greater quota is none.
const MOST_QUOTA: u64 = 1 << 53;

/// How far the bounds of a key go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// What it sends and what it reads is of its sources and types.
    #[default]
    Bound,
    /// What it sends is of its sources and types; what it reads, and the types and metrics that it declares, are
    /// of all.
    All,
}

/// What the holder of a key may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rights {
    /// Which kinds of requests.
    pub access: BTreeSet<Access>,
    /// Whose events; the first of them is the source of those that name none.
    pub sources: Bounds<Source>,
    /// Events of which types.
    pub types: Bounds<TypePattern>,
    /// Whether the bounds hold for what is read, too.
    pub reach: Reach,
    /// How many events a second, if that is limited.
    pub rate: Option<Rate>,
    /// How many events a day of UTC, if that is limited.
    pub quota: Option<u64>,
}

impl Rights {
    /// All that these kinds of requests can do.
    #[must_use]
    pub fn new(access: impl IntoIterator<Item = Access>) -> Self {
        Rights {
            access: access.into_iter().collect(),
            sources: Bounds::Any,
            types: Bounds::Any,
            reach: Reach::Bound,
            rate: None,
            quota: None,
        }
    }

    /// Whether such requests may be made.
    #[must_use]
    pub fn may(&self, access: Access) -> bool {
        self.access.contains(&access)
    }

    /// The source of events that name none; `None` where any may be named.
    #[must_use]
    pub fn own_source(&self) -> Option<&Source> {
        self.sources.named().first()
    }

    /// Whether events of this source are within the bounds.
    #[must_use]
    pub fn has_source(&self, source: &Source) -> bool {
        self.sources.allows(|own| own == source)
    }

    /// Whether events of this type are within the bounds.
    #[must_use]
    pub fn has_type(&self, event_type: &EventType) -> bool {
        self.types.allows(|pattern| pattern.matches(event_type))
    }

    /// Whether there are sources or types that are not its own.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.sources != Bounds::Any || self.types != Bounds::Any
    }

    /// The same, as far as reading goes.
    #[must_use]
    pub fn is_bound_in_reading(&self) -> bool {
        self.reach == Reach::Bound && self.is_bound()
    }

    /// Whether a key may have these.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let named = |names: Option<usize>| names.is_none_or(|names| (1..=MOST_NAMES).contains(&names));
        let wrong = if self.access.is_empty() {
            "a key is for at least one of write, read and admin"
        } else if !named(self.sources.len()) || !named(self.types.len()) {
            "a key names 1 to 100 sources, and 1 to 100 types, or is for any"
        } else if self.rate.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0) {
            "a rate, and its burst, are numbers from 1 on"
        } else if self.quota.is_some_and(|quota| !(1..=MOST_QUOTA).contains(&quota)) {
            "a quota is a number from 1 to 9007199254740992"
        } else {
            return Ok(());
        };
        Err(Error::Config(wrong.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_of_sources_and_of_types() {
        let mut rights = Rights::new([Access::Write]);
        let (shop, bank) = (Source::new("shop").unwrap(), Source::new("bank").unwrap());
        let (created, paid) = (
            EventType::new("order", "created").unwrap(),
            EventType::new("invoice", "paid").unwrap(),
        );
        assert!(rights.has_source(&bank) && rights.has_type(&paid) && !rights.is_bound());
        assert_eq!(rights.own_source(), None);
        rights.sources = Bounds::Only(vec![shop.clone()]);
        assert!(rights.has_source(&shop) && !rights.has_source(&bank) && rights.is_bound_in_reading());
        assert_eq!(rights.own_source(), Some(&shop));
        rights.types = Bounds::Only(vec!["order".parse().unwrap()]);
        assert!(rights.has_type(&created) && !rights.has_type(&paid));
        rights.reach = Reach::All;
        assert!(rights.is_bound() && !rights.is_bound_in_reading());
    }

    #[test]
    fn what_makes_no_sense_is_no_key() {
        let good = Rights::new([Access::Read]);
        assert!(good.check().is_ok());
        let wrong: [fn(&mut Rights); 6] = [
            |rights| rights.access.clear(),
            |rights| rights.sources = Bounds::Only(Vec::new()),
            |rights| rights.types = Bounds::Only(vec!["order".parse().unwrap(); 101]),
            |rights| rights.rate = Some(Rate::new(0)),
            |rights| rights.quota = Some(0),
            |rights| rights.quota = Some(u64::MAX),
        ];
        for spoil in wrong {
            let mut rights = good.clone();
            spoil(&mut rights);
            assert!(matches!(rights.check(), Err(Error::Config(_))), "{rights:?}");
        }
    }
}
