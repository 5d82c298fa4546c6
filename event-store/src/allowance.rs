//! What the holders of keys have left of their rates and quotas. Knows no clock and no database.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_core::Timestamp;

use crate::api_key::Principal;
use crate::error::Error;
use crate::rights::{Bucket, Use};

const DAY: i64 = 86_400_000_000;

/// Now, twice: by a clock that never goes back, and by the calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) since_start: Duration,
    pub(crate) time: Timestamp,
}

impl Moment {
    /// The day of UTC, counted from 1970.
    pub(crate) fn day(self) -> i64 {
        self.time.as_micros().div_euclid(DAY)
    }

    fn until_midnight(self) -> Duration {
        let left = DAY - self.time.as_micros().rem_euclid(DAY);
        Duration::from_micros(left.unsigned_abs())
    }
}

/// Events of a key on a day.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// As the database said last, for all processes.
    saved: u64,
    /// What it does not know yet.
    unsaved: u64,
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<String, Bucket>,
    days: HashMap<(i64, String), Used>,
}

/// What is left, by key.
#[derive(Debug, Default)]
pub(crate) struct Allowances(Mutex<State>);

impl Allowances {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is used, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::RateLimited`], with the time until there is more.
    pub(crate) fn take(&self, sender: &Principal, used: Use, now: Moment) -> Result<(), Error> {
        let Principal { prefix, rights } = sender;
        if rights.rate.is_none() && rights.quota.is_none() {
            return Ok(());
        }
        let mut state = self.state();
        let today = || (now.day(), prefix.clone());
        if let (Use::Events(events), Some(quota)) = (used, rights.quota) {
            let Used { saved, unsaved } = state.days.get(&today()).copied().unwrap_or_default();
            let events = (events as u64).max(1);
            if saved.saturating_add(unsaved).saturating_add(events) > quota {
                let after = now.until_midnight();
                return Err(Error::QuotaExceeded { quota, after });
            }
        }
        if let Some(rate) = rights.rate {
            let events = match used {
                Use::Request => 1,
                Use::Events(events) => events,
            };
            let full = || Bucket::full(rate, now.since_start);
            let bucket = state.buckets.entry(prefix.clone()).or_insert_with(full);
            let taken = bucket.take(events, rate, now.since_start);
            taken.map_err(|after| Error::RateLimited { after })?;
        }
        if let (Use::Events(events), Some(_)) = (used, rights.quota) {
            state.days.entry(today()).or_default().unsaved += events as u64;
        }
        Ok(())
    }

    /// Gives back what was taken of the rate for events that were not stored.
    pub(crate) fn give_rate_back(&self, sender: &Principal, events: usize) {
        let Principal { prefix, rights } = sender;
        if let Some((rate, bucket)) = rights.rate.zip(self.state().buckets.get_mut(prefix)) {
            bucket.give_back(events, rate);
        }
    }

    /// Gives back what was taken of the day for events that were not stored.
    pub(crate) fn give_quota_back(&self, sender: &Principal, events: usize, now: Moment) {
        let mut state = self.state();
        // What went to the database meanwhile, or was of yesterday, is a loss that can be borne.
        if let Some(used) = state.days.get_mut(&(now.day(), sender.prefix.clone())) {
            used.unsaved = used.unsaved.saturating_sub(events as u64);
        }
    }

    /// Counts events against a quota, whatever is left of it.
    pub(crate) fn spend(&self, sender: &Principal, events: u64, now: Moment) {
        if sender.rights.quota.is_some() {
            let today = (now.day(), sender.prefix.clone());
            self.state().days.entry(today).or_default().unsaved += events;
        }
    }

    /// What the database does not know yet, by day and key: from now on it counts as known.
    pub(crate) fn unsaved(&self) -> Vec<(i64, String, u64)> {
        let mut unsaved = Vec::new();
        for ((day, prefix), used) in &mut self.state().days {
            if used.unsaved > 0 {
                unsaved.push((*day, prefix.clone(), used.unsaved));
                used.saved = used.saved.saturating_add(used.unsaved);
                used.unsaved = 0;
            }
        }
        // Everybody takes rows in one order, so that nobody waits in a circle.
        unsaved.sort_unstable();
        unsaved
    }

    /// What could not be saved is still to be.
    pub(crate) fn still_unsaved(&self, rows: Vec<(i64, String, u64)>) {
        let mut state = self.state();
        for (day, prefix, events) in rows {
            let used = state.days.entry((day, prefix)).or_default();
            used.saved = used.saved.saturating_sub(events);
            used.unsaved = used.unsaved.saturating_add(events);
        }
    }

    /// What the database says of a day; other days that have nothing to save are forgotten.
    pub(crate) fn known(&self, today: i64, rows: Vec<(String, u64)>) {
        let mut state = self.state();
        state.days.retain(|(day, _), used| *day == today || used.unsaved > 0);
        for (prefix, events) in rows {
            state.days.entry((today, prefix)).or_default().saved = events;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_key::{NewKey, Rate};
    use std::sync::Arc;

    fn sender(rate: Option<u32>, quota: Option<u64>) -> Principal {
        let mut rights = NewKey::any_source().rights;
        (rights.rate, rights.quota) = (rate.map(Rate::new), quota);
        Principal {
            prefix: "a".to_owned(),
            rights: Arc::new(rights),
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment {
            since_start: Duration::from_secs(seconds),
            time: Timestamp::from_micros(DAY - 60_000_000 + seconds.cast_signed() * 1_000_000).unwrap(),
        }
    }

    #[test]
    fn a_quota_is_of_a_day() {
        let (left, sender) = (Allowances::default(), sender(None, Some(10)));
        assert!(left.take(&sender, Use::Events(8), at(0)).is_ok());
        assert!(left.take(&sender, Use::Events(2), at(1)).is_ok());
        let over = left.take(&sender, Use::Events(0), at(10));
        let fifty = Duration::from_secs(50);
        assert!(
            matches!(over, Err(Error::QuotaExceeded { quota: 10, after }) if after == fifty),
            "{over:?}"
        );
        // Questions go on, and so does tomorrow.
        assert!(left.take(&sender, Use::Request, at(10)).is_ok());
        assert!(left.take(&sender, Use::Events(10), at(60)).is_ok());
        assert!(left.take(&sender, Use::Events(1), at(61)).is_err());
    }

    #[test]
    fn more_than_is_left_is_none_of_it() {
        let (left, sender) = (Allowances::default(), sender(Some(100), Some(10)));
        assert!(left.take(&sender, Use::Events(11), at(0)).is_err());
        assert!(left.take(&sender, Use::Events(10), at(0)).is_ok());
        left.give_rate_back(&sender, 10);
        left.give_quota_back(&sender, 10, at(0));
        assert!(left.take(&sender, Use::Events(10), at(0)).is_ok());
    }

    #[test]
    fn a_rate_counts_questions_too() {
        let (left, sender) = (Allowances::default(), sender(Some(2), None));
        assert!(left.take(&sender, Use::Request, at(0)).is_ok());
        assert!(left.take(&sender, Use::Events(1), at(0)).is_ok());
        let over = left.take(&sender, Use::Request, at(0));
        assert!(
            matches!(over, Err(Error::RateLimited { after }) if after.as_millis() == 500),
            "{over:?}"
        );
        assert!(left.take(&sender, Use::Events(0), at(0)).is_err());
        assert!(left.take(&sender, Use::Request, at(1)).is_ok());
    }

    #[test]
    fn what_others_have_used_counts() {
        let (left, sender) = (Allowances::default(), sender(None, Some(10)));
        let today = at(0).day();
        assert!(left.take(&sender, Use::Events(3), at(0)).is_ok());
        let unsaved = left.unsaved();
        assert_eq!(unsaved, [(today, "a".to_owned(), 3)]);
        assert!(left.unsaved().is_empty());
        // The database was down: it counts all the same, and is saved later.
        left.still_unsaved(unsaved);
        assert!(left.take(&sender, Use::Events(8), at(0)).is_err());
        assert_eq!(left.unsaved().len(), 1);
        left.known(today, vec![("a".to_owned(), 9)]);
        assert!(left.take(&sender, Use::Events(2), at(0)).is_err());
        assert!(left.take(&sender, Use::Events(1), at(0)).is_ok());
        left.known(today + 1, Vec::new());
        assert_eq!(left.unsaved(), [(today, "a".to_owned(), 1)]);
    }

    #[test]
    fn without_limits_nothing_is_remembered() {
        let (left, sender) = (Allowances::default(), sender(None, None));
        assert!(left.take(&sender, Use::Events(usize::MAX), at(0)).is_ok());
        left.spend(&sender, 7, at(0));
        assert!(left.unsaved().is_empty());
    }
}
