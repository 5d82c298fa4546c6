//! Order inside a session: the sender's numbers tell what is missing and what came late.

use serde::{Deserialize, Serialize};

use crate::stored_event::StoredEvent;

/// Numbers that are missing between two events of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last number before the gap.
    pub after: i64,
    /// The first number behind it.
    pub before: i64,
}

/// A session: its events in the order in which they happened, and what their numbers tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// By time, ties by the sender's number, then by position.
    pub events: Vec<StoredEvent>,
    /// Runs of numbers that no event has.
    pub gaps: Vec<Gap>,
    /// Events that happened, by their times, before one with a smaller number.
    pub reordered: usize,
}

impl Session {
    /// Orders the events of one session and looks for gaps.
    ///
    /// ```
    /// let session = event_core::sequence::Session::of(Vec::new());
    /// assert!(session.gaps.is_empty());
    /// ```
    #[must_use]
    pub fn of(mut events: Vec<StoredEvent>) -> Session {
        events.sort_by_key(|stored| {
            let envelope = stored.event.envelope();
            (
                envelope.occurred_at,
                envelope.sequence.unwrap_or(i64::MAX),
                stored.position,
            )
        });
        let in_time: Vec<i64> = events
            .iter()
            .filter_map(|stored| stored.event.envelope().sequence)
            .collect();
        let (gaps, reordered) = (gaps(in_time.clone()), reordered(&in_time));
        Session {
            events,
            gaps,
            reordered,
        }
    }
}

/// The runs of numbers missing between the smallest and the greatest; senders of several sources
/// may use a number twice.
#[must_use]
pub fn gaps(mut numbers: Vec<i64>) -> Vec<Gap> {
    numbers.sort_unstable();
    let pairs = numbers.windows(2).filter(|pair| pair[1].abs_diff(pair[0]) > 1);
    pairs
        .map(|pair| Gap {
            after: pair[0],
            before: pair[1],
        })
        .collect()
}

/// How many numbers are followed by a smaller one.
#[must_use]
pub fn reordered(numbers: &[i64]) -> usize {
    numbers.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_reordering() {
        assert_eq!(
            gaps(vec![5, 1, 2, 9, 2]),
            [Gap { after: 2, before: 5 }, Gap { after: 5, before: 9 }]
        );
        assert_eq!(gaps(vec![]), []);
        assert_eq!(reordered(&[1, 2, 2, 3]), 0);
        assert_eq!(reordered(&[2, 1, 3, 0]), 2);
    }
}
