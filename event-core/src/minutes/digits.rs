//! Times in the forms that logs write, read at a glance.

use crate::timestamp::Timestamp;

/// The month of the time that was read last: most often that of the next one, too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Month {
    /// Year and month as they are written, with both dashes.
    text: u64,
    /// The number of the day before it.
    before: i64,
    /// The last day that it has in every year.
    last: i64,
}

impl Month {
    pub(super) fn read(text: [u8; 8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-'] = text else {
            return None;
        };
        let (year, month) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?);
        if !(1970..=9998).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let last = match month {
            // The 29th is looked at closely.
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (text, before) = (u64::from_ne_bytes(text), days(year, month, 1) - 1);
        Some(Month { text, before, last })
    }

    /// Whether it is written like this.
    #[inline]
    pub(super) fn is(&self, text: [u8; 8]) -> bool {
        self.text == u64::from_ne_bytes(text)
    }

    /// The minute of its days that is written like this, as a number from 1970 on, if that is told at a glance.
    #[inline]
    pub(super) fn minute(&self, clock: [u8; 8]) -> Option<i64> {
        let [day, hour, minute] = day_and_clock(clock)?;
        let there = day >= 1 && day <= self.last && hour <= 23 && minute <= 59;
        there.then(|| ((self.before + day) * 24 + hour) * 60 + minute)
    }
}

/// The instant that a text names, if it has one of the usual forms: a date and a time of the clock with an
/// offset, or without one in UTC. `None` says nothing: the text may well be a time.
#[inline]
pub(super) fn instant(text: &[u8], utc: bool, month: &mut Month) -> Option<Timestamp> {
    let (text, rest) = text.split_first_chunk::<8>()?;
    let (clock, rest) = rest.split_first_chunk::<8>()?;
    let ([b':', s1, s2], rest) = rest.split_first_chunk::<3>()? else {
        return None;
    };
    if !month.is(*text) {
        *month = Month::read(*text)?;
    }
    let (minute, second) = (month.minute(*clock)?, two(*s1, *s2).filter(|second| *second <= 59)?);
    let (micros, rest) = match rest.split_first() {
        Some((b'.', rest)) => fraction(rest)?,
        _ => (0, rest),
    };
    let seconds = minute * 60 + second - offset(rest, utc)?;
    Timestamp::from_micros(seconds * 1_000_000 + micros).ok()
}

/// Day, hour and minute, all digits at once.
#[inline]
fn day_and_clock(text: [u8; 8]) -> Option<[i64; 3]> {
    let between = if text[2] == b'T' { b'T' } else { b' ' };
    let zeros = u64::from_le_bytes([b'0', b'0', between, b'0', b'0', b':', b'0', b'0']);
    let digits = u64::from_le_bytes(text) ^ zeros;
    // What is more than 9, or is not what stands between the digits, gets its highest bit.
    let most = u64::from_le_bytes([0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f, 0x76, 0x76]);
    if (digits.wrapping_add(most) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let numbers = (digits * 10 + (digits >> 8)).to_le_bytes();
    Some([numbers[0], numbers[3], numbers[6]].map(i64::from))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// Whole microseconds, floored, and what stands behind the digits.
#[inline]
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let (mut micros, mut worth, mut length) = (0, 100_000, 0);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        micros += i64::from(digit) * worth;
        worth /= 10;
        length += 1;
    }
    (length > 0).then(|| (micros, &text[length..]))
}

/// Seconds east of UTC.
#[inline]
pub(super) fn offset(text: &[u8], utc: bool) -> Option<i64> {
    let (sign, hours, minutes) = match *text {
        [] => return utc.then_some(0),
        [b'Z'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, i1, i2] | [sign, h1, h2, b':', i1, i2] => (sign, two(h1, h2)?, two(i1, i2)?),
        _ => return None,
    };
    let seconds = hours * 3_600 + minutes * 60;
    match sign {
        b'+' if hours < 24 && minutes < 60 => Some(seconds),
        b'-' if hours < 24 && minutes < 60 => Some(-seconds),
        _ => None,
    }
}

/// Days since 1970-01-01 (Hinnant 2013, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year) = (year / 400, year % 400);
    let day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    #[test]
    fn what_logs_write_is_read() {
        let mut month = Month::default();
        for text in [
            "2021-03-01 00:01:11.055+00",
            "2021-03-01T23:59:59Z",
            "2024-02-28 00:00:00.1234567+05:30",
            "1970-01-01 00:00:00",
            "9998-12-31 23:59:59-0100",
        ] {
            assert_eq!(instant(text.as_bytes(), true, &mut month), text.parse().ok(), "{text}");
        }
        assert_eq!(instant(b"2021-03-01 00:00:00", false, &mut month), None);
        assert_eq!(instant(&[0; 19], true, &mut Month::default()), None);
    }

    #[test]
    fn each_byte_of_day_and_clock_is_looked_at() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"01T23:59";
                text[place] = byte;
                let good = match place {
                    2 => byte == b'T' || byte == b' ',
                    5 => byte == b':',
                    _ => byte.is_ascii_digit(),
                };
                assert_eq!(day_and_clock(text).is_some(), good, "{text:?}");
            }
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let clock = "(19[67][0-9]|[0-9]{4})-[01][0-9]-[0-3][0-9][ Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9]";
        let rest = r"(\.[0-9]{0,9})?(Z|z|[+-][0-2][0-9](:?[0-6][0-9])?| )?";
        (clock, rest).prop_map(|(clock, rest): (String, String)| clock + &rest)
    }

    proptest! {
        #[test]
        fn a_glance_says_what_a_close_look_says(before in text(), text in text()) {
            for zone in [Tz::UTC, Tz::Europe__Paris] {
                let mut month = Month::default();
                let _ = instant(before.as_bytes(), true, &mut month);
                if let Some(at) = instant(text.as_bytes(), zone == Tz::UTC, &mut month) {
                    prop_assert_eq!(Timestamp::parse_in(&text, zone), Ok(at), "{}", text);
                }
            }
        }

        #[test]
        fn what_is_written_is_read_at_a_glance(micros in 0..=Timestamp::MAX.as_micros()) {
            let at = Timestamp::from_micros(micros).unwrap();
            let seen = instant(at.to_string().as_bytes(), true, &mut Month::default());
            let leap_day = at.to_string()[5..10] == *"02-29";
            prop_assert_eq!(seen, Some(at).filter(|_| !leap_day && at < "9999-01-01".parse().unwrap()));
        }
    }
}
