//! The events of each session, numbered as they are tracked, so that the collector sees what is missing.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Sessions whose next number is remembered.
const SESSIONS: usize = 65_536;

/// The next number of each session, from 0.
///
/// Every event that is offered takes one, also one that is then dropped: the gap tells of it. The
/// sessions longest silent are forgotten when there are too many; one that then speaks again starts
/// anew from 0.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    sessions: HashMap<Box<str>, Session, RandomState>,
    /// Grows with every number.
    turn: u64,
}

#[derive(Debug)]
struct Session {
    next: u64,
    last_turn: u64,
}

impl Numbers {
    pub(crate) fn next(&mut self, session: &str) -> u64 {
        self.turn += 1;
        if let Some(known) = self.sessions.get_mut(session) {
            known.last_turn = self.turn;
            known.next += 1;
            return known.next - 1;
        }
        if self.sessions.len() >= SESSIONS {
            self.forget();
        }
        let first = Session {
            next: 1,
            last_turn: self.turn,
        };
        self.sessions.insert(session.into(), first);
        0
    }

    /// Forgets the half that has been silent the longest.
    fn forget(&mut self) {
        let mut turns: Vec<u64> = self.sessions.values().map(|session| session.last_turn).collect();
        let middle = turns.len() / 2;
        let (_, &mut median, _) = turns.select_nth_unstable(middle);
        self.sessions.retain(|_, session| session.last_turn >= median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_counts_for_itself() {
        let mut numbers = Numbers::default();
        let taken: Vec<u64> = ["a", "b", "a", "a", "b"].map(|session| numbers.next(session)).into();
        assert_eq!(taken, [0, 0, 1, 2, 1]);
    }

    #[test]
    fn the_silent_are_forgotten_and_the_busy_are_not() {
        let mut numbers = Numbers::default();
        numbers.next("silent");
        for session in 0..SESSIONS * 2 {
            numbers.next(&session.to_string());
            numbers.next("busy");
        }
        assert!(numbers.sessions.len() <= SESSIONS);
        assert_eq!(numbers.next("busy"), SESSIONS as u64 * 2);
        assert_eq!(numbers.next("silent"), 0);
    }
}
