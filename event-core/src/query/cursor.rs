//! A place in a list, as a token that only its own list takes back.

use std::fmt::Write as _;

use crate::timestamp::Timestamp;

/// A place in a list that is ordered by (occurred_at, position).
///
/// ```
/// use event_core::query::Cursor;
/// let cursor = Cursor { occurred_at: "2026-03-29T01:00:00Z".parse()?, position: 17 };
/// let text = cursor.write("the question");
/// assert_eq!(Cursor::read(&text, "the question"), Some(cursor));
/// assert_eq!(Cursor::read(&text, "another question"), None);
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The time of the last entry that was given out.
    pub occurred_at: Timestamp,
    /// The position of that entry.
    pub position: i64,
}

const PLACE: usize = 16;
const CHECK: usize = 8;

impl Cursor {
    /// The token, for a list that `question` identifies.
    #[must_use]
    pub fn write(&self, question: &str) -> String {
        let mut place = [0; PLACE];
        place[..8].copy_from_slice(&self.occurred_at.as_micros().to_be_bytes());
        place[8..].copy_from_slice(&self.position.to_be_bytes());
        let mut text = String::with_capacity(2 * (PLACE + CHECK));
        for byte in place.iter().chain(&check(&place, question)) {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Reads a token; `None` if it was altered, or given out for another question.
    #[must_use]
    pub fn read(text: &str, question: &str) -> Option<Self> {
        let bytes = from_hex(text)?;
        let (place, checked) = bytes.split_first_chunk::<PLACE>()?;
        if *checked != check(place, question) {
            return None;
        }
        let (micros, position) = place.split_first_chunk::<8>()?;
        let occurred_at = Timestamp::from_micros(i64::from_be_bytes(*micros)).ok()?;
        Some(Cursor {
            occurred_at,
            position: i64::from_be_bytes(position.try_into().ok()?),
        })
    }
}

/// Tells a token from anything else; it is no secret, since a cursor shows nothing that its list
/// does not.
fn check(place: &[u8; PLACE], question: &str) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"cursor 1").update(place).update(question.as_bytes());
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * (PLACE + CHECK) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
