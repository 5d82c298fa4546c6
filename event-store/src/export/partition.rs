//! Where an event's file lies: by the day on which it occurred, in UTC, and by its type.

use std::path::PathBuf;

use event_core::{EventType, StoredEvent, Timestamp};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// No file system takes names of more than 255 bytes, and a label may have more once it is encoded.
const MOST_BYTES: usize = 200;

/// A day and a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Partition {
    /// Days since 1970-01-01.
    day: i64,
    event_type: EventType,
}

impl Partition {
    pub(super) fn of(stored: &StoredEvent) -> Self {
        let envelope = stored.event.envelope();
        Partition {
            day: envelope.occurred_at.as_micros().div_euclid(DAY),
            event_type: envelope.event_type.clone(),
        }
    }

    /// `date=2026-03-29/category=page%20interaction/name=pageview`
    pub(super) fn folder(&self) -> PathBuf {
        let midnight = Timestamp::MIN.saturating_add_micros(self.day * DAY).to_string();
        let date = midnight.split('T').next().unwrap_or_default();
        let EventType { category, name } = &self.event_type;
        [
            format!("date={date}"),
            format!("category={}", encoded(category.as_str())),
            format!("name={}", encoded(name.as_str())),
        ]
        .iter()
        .collect()
    }
}

/// A text as part of a path, percent-encoded as readers of such folders decode it. One that is too long for a name is
/// cut, and ends with a hash of the whole behind a `~`, which stands in no other.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        if out.len() <= MOST_BYTES - 33 {
            kept = out.len();
        }
    }
    if out.len() > MOST_BYTES {
        out.truncate(kept);
        out.push('~');
        out.push_str(&blake3::hash(text.as_bytes()).to_hex()[..32]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_never_too_long() {
        for (text, expected) in [
            ("pageview", "pageview"),
            ("page interaction", "page%20interaction"),
            ("..", ".."),
            ("a/b\\c:d%~", "a%2Fb%5Cc%3Ad%25%7E"),
            ("Zoë", "Zo%C3%AB"),
        ] {
            assert_eq!(encoded(text), expected);
        }
        let long = "é".repeat(100);
        let (one, other) = (encoded(&long), encoded(&format!("{}e", &long[..198])));
        assert!(
            one.len() <= MOST_BYTES && one.contains('~') && one != other,
            "{one} {other}"
        );
        assert_eq!(encoded(&"a".repeat(100)).len(), 100);
    }

    #[test]
    fn a_day_is_one_in_utc() {
        let folder = |day| {
            let event_type = EventType::new("c", "n").unwrap();
            Partition { day, event_type }.folder()
        };
        assert_eq!(folder(0), PathBuf::from("date=1970-01-01/category=c/name=n"));
        assert_eq!(folder(20_541), PathBuf::from("date=2026-03-29/category=c/name=n"));
    }
}
