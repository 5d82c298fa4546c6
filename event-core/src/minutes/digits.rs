//! Times in the forms that logs write, read at a glance.

use crate::timestamp::Timestamp;

/// The instant that a text names, if it has one of the usual forms: a date and a time of the clock with an
/// offset, or without one in UTC. `None` says nothing: the text may well be a time.
pub(super) fn instant(text: &[u8], utc: bool) -> Option<Timestamp> {
    let (clock, rest) = text.split_at_checked(19)?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b' ' | b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
    ] = *clock
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(i1, i2)?, two(s1, s2)?);
    // The 29th and later days are looked at closely where the month may not have them.
    let known = (1970..=9998).contains(&year) && (1..=12).contains(&month) && (1..=last(month)).contains(&day);
    if !known || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, rest) = match rest.split_first() {
        Some((b'.', rest)) => fraction(rest)?,
        _ => (0, rest),
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(rest, utc)?;
    Timestamp::from_micros(seconds * 1_000_000 + micros).ok()
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// The last day that a month has in every year.
fn last(month: i64) -> i64 {
    match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whole microseconds, floored, and what stands behind the digits.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let (mut micros, mut worth, mut length) = (0, 100_000, 0);
    while let Some(digit) = text
        .get(length)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|it| *it < 10)
    {
        micros += i64::from(digit) * worth;
        worth /= 10;
        length += 1;
    }
    (length > 0).then(|| (micros, &text[length..]))
}

/// Seconds east of UTC.
fn offset(text: &[u8], utc: bool) -> Option<i64> {
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
        for text in [
            "2021-03-01 00:01:11.055+00",
            "2021-03-01T23:59:59Z",
            "2024-02-28 00:00:00.1234567+05:30",
            "1970-01-01 00:00:00",
            "9998-12-31 23:59:59-0100",
        ] {
            assert_eq!(instant(text.as_bytes(), true), text.parse().ok(), "{text}");
        }
        assert_eq!(instant(b"2021-03-01 00:00:00", false), None);
    }

    fn text() -> impl Strategy<Value = String> {
        let clock = "(19[67][0-9]|[0-9]{4})-[01][0-9]-[0-3][0-9][ Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9]";
        let rest = r"(\.[0-9]{0,9})?(Z|z|[+-][0-2][0-9](:?[0-6][0-9])?| )?";
        (clock, rest).prop_map(|(clock, rest): (String, String)| clock + &rest)
    }

    proptest! {
        #[test]
        fn a_glance_says_what_a_close_look_says(text in text()) {
            for zone in [Tz::UTC, Tz::Europe__Paris] {
                if let Some(at) = instant(text.as_bytes(), zone == Tz::UTC) {
                    prop_assert_eq!(Timestamp::parse_in(&text, zone), Ok(at), "{}", text);
                }
            }
        }

        #[test]
        fn what_is_written_is_read_at_a_glance(micros in 0..=Timestamp::MAX.as_micros()) {
            let at = Timestamp::from_micros(micros).unwrap();
            let seen = instant(at.to_string().as_bytes(), true);
            let leap_day = at.to_string()[5..10] == *"02-29";
            prop_assert_eq!(seen, Some(at).filter(|_| !leap_day && at < "9999-01-01".parse().unwrap()));
        }
    }
}
