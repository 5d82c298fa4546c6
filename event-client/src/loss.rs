//! Why an event was given up, and what has to be told to the collector about it.

use std::collections::BTreeMap;
use std::fmt;

use event_core::wire;
use event_core::{Label, Timestamp};

macro_rules! losses {
    ($($(#[doc = $doc:literal])+ $name:ident => $text:literal,)+) => {
        /// Why an event that was offered never reaches the collector. Each is counted, by its reason.
        ///
        /// ```
        /// use event_client::Loss;
        /// assert_eq!(Loss::QueueFull.as_str(), "queue_full");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Loss {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Loss {
            /// Every reason, in the order of this list.
            pub const ALL: &'static [Loss] = &[$(Loss::$name,)+];

            /// The `snake_case` name that is reported.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Loss::$name => $text,)+ }
            }
        }
    };
}

losses! {
    /// The queue in memory held as much as it may: events come faster than they leave.
    QueueFull => "queue_full",
    /// The spool held as many bytes as it may.
    SpoolFull => "spool_full",
    /// The event breaks the rules for events; `track` has said how.
    Invalid => "invalid",
    /// The client was shut down before the event was offered.
    Closed => "closed",
    /// It waited in memory when the time to shut down was over, or was on its way: then it may have arrived.
    Shutdown => "shutdown",
    /// The event alone is more than the collector takes in a request.
    TooLarge => "too_large",
    /// The collector answered that the request is wrong, with this event alone in it.
    Refused => "refused",
    /// The collector failed again and again, with this event alone in the request.
    ServerError => "server_error",
    /// A `send` ended without a verdict; its caller was told.
    Unconfirmed => "unconfirmed",
    /// It lay in the spool longer than it may.
    Expired => "expired",
    /// Its record in the spool was damaged.
    Damaged => "damaged",
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many events were given up, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses([u64; Loss::ALL.len()]);

impl Losses {
    /// For one reason.
    #[must_use]
    pub fn of(&self, loss: Loss) -> u64 {
        self.0[loss as usize]
    }

    /// For all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons for which events were given up, and how many.
    pub fn iter(&self) -> impl Iterator<Item = (Loss, u64)> + '_ {
        let all = Loss::ALL.iter().map(|loss| (*loss, self.of(*loss)));
        all.filter(|(_, events)| *events > 0)
    }

    pub(crate) fn add(&mut self, loss: Loss, events: u64) {
        self.0[loss as usize] += events;
    }
}

/// Hours and reasons that wait to be reported; more of them than this is no news any more.
const LINES: usize = 500;

/// Losses that the collector has not been told yet.
#[derive(Debug, Default)]
pub(crate) struct Unreported(BTreeMap<(Timestamp, Loss), u64>);

impl Unreported {
    pub(crate) fn add(&mut self, now: Timestamp, loss: Loss, events: u64) {
        const HOUR: i64 = 3_600_000_000;
        let hour = Timestamp::from_micros(now.as_micros() / HOUR * HOUR).unwrap_or(now);
        let known = self.0.contains_key(&(hour, loss));
        let line = match self.0.last_key_value() {
            // Never more lines: it is the count that must stay right.
            Some((last, _)) if !known && self.0.len() >= LINES => *last,
            _ => (hour, loss),
        };
        *self.0.entry(line).or_default() += events;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes everything, for one report.
    pub(crate) fn take(&mut self) -> Vec<wire::Loss> {
        let lines = std::mem::take(&mut self.0).into_iter();
        let line = |((hour, loss), events): ((Timestamp, Loss), u64)| {
            Label::new(loss.as_str())
                .ok()
                .map(|reason| wire::Loss { hour, reason, events })
        };
        lines.filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_by_hour_and_reason() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut unreported = Unreported::default();
        unreported.add(at("2021-01-01T14:59:59Z"), Loss::QueueFull, 30);
        unreported.add(at("2021-01-01T14:00:00Z"), Loss::QueueFull, 7);
        unreported.add(at("2021-01-01T15:00:00Z"), Loss::Expired, 1);
        let lines = unreported.take();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].hour, lines[0].events), (at("2021-01-01T14:00:00Z"), 37));
        assert_eq!(lines[1].reason.as_str(), "expired");
        assert!(unreported.is_empty());
    }

    #[test]
    fn there_is_no_end_of_hours_but_of_lines() {
        let mut unreported = Unreported::default();
        for hour in 0..2_000 {
            unreported.add(Timestamp::from_micros(hour * 3_600_000_000).unwrap(), Loss::Closed, 1);
        }
        let lines = unreported.take();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.iter().map(|line| line.events).sum::<u64>(), 2_000);
    }

    #[test]
    fn every_reason_has_its_place() {
        let mut losses = Losses::default();
        for (at, loss) in Loss::ALL.iter().enumerate() {
            losses.add(*loss, at as u64 + 1);
        }
        assert_eq!(losses.iter().count(), Loss::ALL.len());
        assert_eq!(losses.of(Loss::SpoolFull), 2);
        assert_eq!(losses.total(), (1..=Loss::ALL.len() as u64).sum::<u64>());
    }
}
