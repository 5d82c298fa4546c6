//! Minutes of times that are written as those before them.

use std::ops::Range;

use super::digits::{self, Month};
use crate::timestamp::Timestamp;

/// Microseconds of a minute.
pub(super) const MINUTE: i64 = 60_000_000;

/// So many bytes are read of a time, and of what stands behind it.
const BYTES: usize = 32;
/// Date, hour and minute.
const TO_MINUTE: usize = 16;
/// What is behind it.
const TAIL: usize = BYTES - TO_MINUTE;
/// To the end of the seconds.
const TO_SECOND: usize = 19;

/// How the part of a time behind the minute is written, eight bytes to a word.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// What belongs to it.
    of_it: [u64; 2],
    /// Its letters, with zeros for digits.
    zeros: [u64; 2],
    /// What a byte can be more than its zero until its highest bit is set.
    most: [u64; 2],
}

/// No time has this one.
const NONE: Tail = Tail {
    of_it: [u64::MAX; 2],
    zeros: [0; 2],
    most: [0x7f7f_7f7f_7f7f_7f7f; 2],
};

impl Tail {
    /// From what each byte is at the least, and how much more it can be.
    fn of(bytes: &[(u8, u8)]) -> Self {
        let word = |number: usize, byte: &dyn Fn(&(u8, u8)) -> u8| {
            let mut word = [0; 8];
            for (place, written) in word.iter_mut().zip(bytes.iter().skip(number * 8)) {
                *place = byte(written);
            }
            u64::from_le_bytes(word)
        };
        let words = |byte: &dyn Fn(&(u8, u8)) -> u8| [word(0, byte), word(1, byte)];
        Tail {
            of_it: words(&|_| u8::MAX),
            zeros: words(&|(zero, _)| *zero),
            most: words(&|(_, more)| 0x7f - more),
        }
    }
}

/// What was seen of times.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// By the number that their last digits are.
    months: [Month; 16],
    /// What stood behind the seconds and their fraction.
    offset: Option<Vec<u8>>,
    /// Whether that was nothing.
    bare: bool,
    /// Minutes east of UTC.
    east: i64,
    /// By how many bytes there are behind the minute.
    tails: [Tail; TAIL + 1],
}

impl Default for Clock {
    fn default() -> Self {
        Clock {
            months: [Month::default(); 16],
            offset: None,
            bare: false,
            east: 0,
            tails: [NONE; TAIL + 1],
        }
    }
}

impl Clock {
    /// The minute of the time that stands between two places of a text, if it is written as one before it; `None`
    /// says nothing.
    #[inline]
    pub(super) fn minute(&mut self, text: &[u8], time: Range<usize>, utc: bool) -> Option<i64> {
        let bytes = text.get(time.start..)?.first_chunk::<BYTES>()?;
        // What has no offset is a time of UTC, or not.
        if self.bare && !utc {
            return None;
        }
        let ([month, clock, tail @ ..], _) = bytes.as_chunks::<8>() else {
            return None;
        };
        let tail = <&[[u8; 8]; 2]>::try_from(tail).ok()?;
        let shape = self.tails.get(time.len().checked_sub(TO_MINUTE)?)?;
        let mut wrong = 0;
        for (part, word) in tail.iter().enumerate() {
            let digits = (u64::from_le_bytes(*word) ^ shape.zeros[part]) & shape.of_it[part];
            wrong |= digits.wrapping_add(shape.most[part]) | digits;
        }
        if wrong & 0x8080_8080_8080_8080 != 0 {
            return None;
        }
        let written = u64::from_le_bytes(*month);
        let known = &mut self.months[((written >> 40 & 1) * 10 + (written >> 48 & 0xf)) as usize & 0xf];
        if !known.is(*month) {
            *known = Month::read(*month)?;
        }
        let minute = known.minute(*clock)?;
        Some(minute - self.east)
    }

    /// The instant that a text names, if that can be told at a glance; times that are written as it is are then read sooner.
    #[inline(never)]
    pub(super) fn instant(&mut self, text: &[u8], utc: bool) -> Option<Timestamp> {
        // No month has the number 0.
        let at = digits::instant(text, utc, &mut self.months[0])?;
        let behind = text.get(TO_SECOND..)?;
        let fraction = match behind.split_first() {
            Some((b'.', digits)) => 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 0,
        };
        let offset = &behind[fraction..];
        if self.offset.as_deref() != Some(offset)
            && let Some(east) = digits::offset(offset, utc)
        {
            self.learn(offset, east);
        }
        Some(at)
    }

    /// Expects times with this offset, so many seconds east, and any fraction that there is room for.
    fn learn(&mut self, offset: &[u8], east: i64) {
        self.offset = Some(offset.to_vec());
        self.bare = offset.is_empty();
        self.east = east * 1_000_000 / MINUTE;
        self.tails = [NONE; TAIL + 1];
        let (letter, digit) = (|byte: &u8| (*byte, 0), (b'0', 9));
        for digits in 0..TAIL {
            let mut bytes = vec![letter(&b':'), (b'0', 5), digit];
            if digits > 0 {
                bytes.push(letter(&b'.'));
                bytes.extend(std::iter::repeat_n(digit, digits));
            }
            bytes.extend(offset.iter().map(letter));
            if let Some(tail) = self.tails.get_mut(bytes.len()) {
                *tail = Tail::of(&bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        let clock = "(1970|20[0-9]{2})-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9]";
        let rest = r"(\.[0-9]{0,9})?(Z|[+-][0-2][0-9](:?[0-6][0-9])?|x)?";
        (clock, rest).prop_map(|(clock, rest): (String, String)| clock + &rest)
    }

    fn glance(clock: &mut Clock, text: &str, utc: bool) -> Option<i64> {
        // Whatever stands behind it.
        let written = format!("{text},123456789+00:00 2021-03-01 00:00:00");
        clock.minute(written.as_bytes(), 0..text.len(), utc)
    }

    proptest! {
        #[test]
        fn a_minute_is_that_of_the_time(before in text(), texts in prop::collection::vec(text(), 1..9), tail in 10..30_usize) {
            for utc in [true, false] {
                let mut clock = Clock::default();
                let _ = clock.instant(before.as_bytes(), true);
                // Half of them are written alike.
                let alike = texts.iter().map(|text| format!("{}{}", &text[..tail.min(19)], before.get(tail.min(19)..).unwrap_or_default()));
                for text in texts.iter().cloned().chain(alike) {
                    if let Some(minute) = glance(&mut clock, &text, utc) {
                        let at = Timestamp::parse_in(&text, if utc { Tz::UTC } else { Tz::Europe__Paris });
                        prop_assert_eq!(at.map(|at| at.as_micros().div_euclid(MINUTE)).ok().or(Some(minute).filter(|it| *it < 0)), Some(minute), "{}", text);
                    }
                }
            }
        }

        #[test]
        fn times_are_read_as_those_before(micros in 0..=Timestamp::MAX.as_micros(), cut in 0..7_usize, offset in 0..4_usize) {
            let at = Timestamp::from_micros(micros).unwrap();
            let written = at.to_string();
            let fraction = if cut == 0 { 19 } else { 20 + cut };
            let offset = ["Z", "+00", "", "-00:00"][offset];
            let text = format!("{}{offset}", &written[..fraction]);
            let mut clock = Clock::default();
            let _ = clock.instant(format!("2021-03-01 00:00:00{offset}").as_bytes(), true);
            let there = written[5..10] != *"02-29" && at < "9999-01-01".parse().unwrap();
            prop_assert_eq!(glance(&mut clock, &text, true), Some(micros / MINUTE).filter(|_| there));
        }
    }
}
