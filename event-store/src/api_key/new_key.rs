//! What is asked of a new key.

use event_core::{Label, Source, Timestamp};

use crate::rights::{Access, Bounds, Rate, Reach, Rights, TypePattern};

/// What is asked of a new key.
///
/// ```
/// use event_core::Source;
/// use event_store::api_key::{Access, NewKey, Rate};
/// let shop = NewKey::new(Source::new("shop")?).source(Source::new("till")?).types(["order".parse()?]);
/// let shop = shop.rate(Rate::new(100)).quota(1_000_000);
/// assert!(shop.rights.may(Access::Write) && !shop.rights.may(Access::Read));
/// let everything = NewKey::any_source().access(Access::ALL);
/// assert!(!everything.rights.is_bound());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewKey {
    /// What its holder may do.
    pub rights: Rights,
    /// From when on it is of no use; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// What it is for, for people.
    pub note: Option<Label>,
}

impl NewKey {
    /// A key that sends events of a source, of any type, and does not expire.
    #[must_use]
    pub fn new(source: Source) -> Self {
        NewKey::any_source().source(source)
    }

    /// A key that sends events of any source and type, and does not expire.
    #[must_use]
    pub fn any_source() -> Self {
        NewKey {
            rights: Rights::new([Access::Write]),
            expires_at: None,
            note: None,
        }
    }

    /// The same, for these kinds of requests.
    #[must_use]
    pub fn access(mut self, access: impl IntoIterator<Item = Access>) -> Self {
        self.rights.access = access.into_iter().collect();
        self
    }

    /// The same, also for this source; the first one is that of events that name none.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        match &mut self.rights.sources {
            Bounds::Only(sources) if sources.contains(&source) => {}
            Bounds::Only(sources) => sources.push(source),
            sources @ Bounds::Any => *sources = Bounds::Only(vec![source]),
        }
        self
    }

    /// The same, for these types alone.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = TypePattern>) -> Self {
        self.rights.types = Bounds::Only(types.into_iter().collect());
        self
    }

    /// The same, with bounds for what is sent alone: what is read may be of all sources and types.
    #[must_use]
    pub fn reading_all(mut self) -> Self {
        self.rights.reach = Reach::All;
        self
    }

    /// The same, with so many events a second.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rights.rate = Some(rate);
        self
    }

    /// The same, with so many events a day of UTC.
    #[must_use]
    pub fn quota(mut self, events: u64) -> Self {
        self.rights.quota = Some(events);
        self
    }
}
