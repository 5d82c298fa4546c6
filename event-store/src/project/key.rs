//! Which events have to be applied one after the other, and by whom.

use event_core::StoredEvent;

/// A key, as it is kept: it cannot be read back.
pub(super) type Digest = [u8; 16];

/// An event of a shard, and its key.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) stored: StoredEvent,
    pub(super) digest: Digest,
}

/// The key of an event unless a projection says otherwise: its subject, else its session, else its own source and id.
#[must_use]
pub fn of_event(event: &StoredEvent) -> String {
    let envelope = event.event.envelope();
    match (&envelope.subject, &envelope.session_id) {
        (Some(subject), _) => format!("subject {subject}"),
        (None, Some(session)) => format!("session {session}"),
        (None, None) => format!("event {} {}", envelope.source, envelope.id),
    }
}

pub(super) fn digest(key: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
    digest
}

/// The shard of a key, the same in every process and for ever.
pub(super) fn shard(digest: &Digest, shards: i64) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let number = u64::from_be_bytes(first) % shards.max(1).unsigned_abs();
    i64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_spread_over_shards_and_stay_there() {
        let mut counts = [0_u32; 8];
        for number in 0..8_000 {
            counts[usize::try_from(shard(&digest(&format!("subject {number}")), 8)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
        // What is stored depends on it: it must never change.
        assert_eq!(shard(&digest("subject a"), 1 << 20), 109_111);
    }
}
