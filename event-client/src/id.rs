//! Ids for events that come without: UUIDv7, made once, when the event is tracked.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use event_core::{EventId, Timestamp};
use uuid::Uuid;

/// Makes ids without a lock and without a system call, so that `track` may be called anywhere.
///
/// RFC 9562: 48 bits of milliseconds, 12 bits of their fraction (its method 3, so that ids grow within
/// a millisecond too), 62 bits of chance from `SplitMix64` (Steele, Lea, Flood 2014), which is seeded by
/// the operating system, anew in every process.
#[derive(Debug)]
pub(crate) struct Ids(AtomicU64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Ids {
    pub(crate) fn new() -> Self {
        // The keys of a `RandomState` are random too; they serve where the system gives none.
        let seed = getrandom::u64().unwrap_or_else(|_| RandomState::new().build_hasher().finish());
        Ids(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self, now: Timestamp) -> EventId {
        let chance = mix(self.0.fetch_add(GOLDEN, Ordering::Relaxed));
        let micros = now.as_micros().unsigned_abs();
        let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000);
        let high = millis << 16 | 0x7000 | fraction;
        let low = 1 << 63 | chance >> 2;
        let mut text = [0; 36];
        let text = Uuid::from_u64_pair(high, low).hyphenated().encode_lower(&mut text);
        // A UUID is printable ASCII without space, 36 bytes long.
        EventId::new(text).unwrap_or_else(|_| unreachable!("a UUID is an id"))
    }
}

fn mix(mut state: u64) -> u64 {
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_uuids_that_grow_with_time() {
        let ids = Ids::new();
        let at = |micros: i64| ids.next(Timestamp::from_micros(1_600_000_000_000_000 + micros).unwrap());
        let made: Vec<EventId> = (0..5_000).map(at).collect();
        assert!(made.is_sorted());
        let id: Uuid = made[1].as_str().parse().unwrap();
        assert_eq!(id.get_version(), Some(uuid::Version::SortRand));
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_600_000_000);
    }

    #[test]
    fn no_id_is_made_twice() {
        let (ids, now) = (Ids::new(), Timestamp::MIN);
        let made: HashSet<EventId> = (0..100_000).map(|_| ids.next(now)).collect();
        assert_eq!(made.len(), 100_000);
        assert_ne!(Ids::new().next(now), Ids::new().next(now));
    }
}
