//! Whether the holder of a key has anything left of its rate and its quota.

use event_core::Verdict;

use crate::api_key::{Principal, Use};
use crate::error::Error;
use crate::store::EventStore;

impl EventStore {
    /// Takes what is used from what the holder of a key has left: of the rate in this process, of the day's
    /// quota in all of them, give or take some seconds. Asks nobody.
    ///
    /// [`EventStore::ingest`] does so by itself for an [`Origin::of`](crate::Origin::of) a sender.
    ///
    /// ```
    /// use event_store::api_key::{Access, NewKey, Rate, Use};
    /// use event_store::{Error, EventStore};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let key = store.create_key(NewKey::any_source().access([Access::Read]).rate(Rate::new(1))).await?;
    /// let sender = store.authenticate(key.expose()).ok_or("nobody's")?;
    /// assert!(store.admit(&sender, Use::Request).is_ok());
    /// assert!(matches!(store.admit(&sender, Use::Request), Err(Error::RateLimited { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::RateLimited`] and [`Error::QuotaExceeded`], with the time after which there is more.
    pub fn admit(&self, sender: &Principal, used: Use) -> Result<(), Error> {
        let inner = self.inner();
        inner.allowances.take(sender, used, inner.moment())
    }

    /// Counts events against the day's quota of a key, whatever is left of it: for what nobody could count before
    /// it came, say the rows of a file.
    pub fn spend(&self, sender: &Principal, events: u64) {
        let inner = self.inner();
        inner.allowances.spend(sender, events, inner.moment());
    }

    /// Takes events from what the holder of a key has left, until it is known that nothing of them was stored.
    ///
    /// # Errors
    /// As [`EventStore::admit`].
    pub(crate) fn take<'a>(&'a self, sender: &'a Principal, events: usize) -> Result<Spent<'a>, Error> {
        self.admit(sender, Use::Events(events))?;
        Ok(Spent {
            store: self,
            sender,
            events,
            is_kept: false,
        })
    }
}

/// What was taken for events. Dropped, what is left of the day is given back, unless something of them may be stored: whoever
/// offers them may go away at any time. The rate is not: else to hang up would be the way around it.
pub(crate) struct Spent<'a> {
    store: &'a EventStore,
    sender: &'a Principal,
    events: usize,
    is_kept: bool,
}

impl Spent<'_> {
    /// They are on their way: from now on only their outcome tells.
    pub(crate) fn may_be_stored(&mut self) {
        self.is_kept = true;
    }

    /// Gives back what was taken for events of which nothing was stored.
    pub(crate) fn settle(mut self, outcome: &Result<Vec<Verdict>, Error>) {
        self.is_kept = matches!(outcome, Ok(_) | Err(Error::Unknown(_)));
        if !self.is_kept {
            self.store.inner().allowances.give_rate_back(self.sender, self.events);
        }
    }
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let inner = self.store.inner();
            inner
                .allowances
                .give_quota_back(self.sender, self.events, inner.moment());
        }
    }
}
