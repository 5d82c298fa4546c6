//! Buckets on the days when clocks and calendars do odd things, each checked against the history
//! of its zone.

#![allow(clippy::unwrap_used)]

use chrono_tz::Tz;
use event_core::Timestamp;
use event_core::query::{Bucket, QueryError, Unit};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn local(text: &str, zone: Tz) -> Timestamp {
    Timestamp::parse_in(text, zone).unwrap()
}

/// Lengths of the buckets of a range, in minutes.
fn lengths(unit: Unit, zone: Tz, from: &str, to: &str) -> Vec<i64> {
    let spans = Bucket::new(unit, zone)
        .spans(local(from, zone), local(to, zone))
        .unwrap();
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!(spans.iter().all(|span| !span.partial), "{spans:?}");
    spans
        .iter()
        .map(|span| (span.end.as_micros() - span.start.as_micros()) / 60_000_000)
        .collect()
}

#[test]
fn days_have_23_24_or_25_hours() {
    let days = |zone, from, to| lengths(Unit::Day, zone, from, to);
    assert_eq!(
        days(Tz::America__New_York, "2026-03-07", "2026-03-10"),
        [1440, 1380, 1440]
    );
    assert_eq!(
        days(Tz::America__New_York, "2026-10-31", "2026-11-03"),
        [1440, 1500, 1440]
    );
    assert_eq!(days(Tz::Europe__London, "2026-03-28", "2026-03-31"), [1440, 1380, 1440]);
    assert_eq!(days(Tz::Europe__London, "2026-10-24", "2026-10-27"), [1440, 1500, 1440]);
    assert_eq!(
        days(Tz::Australia__Lord_Howe, "2026-04-04", "2026-04-07"),
        [1440, 1470, 1440]
    );
    assert_eq!(
        days(Tz::Australia__Lord_Howe, "2026-10-03", "2026-10-06"),
        [1440, 1410, 1440]
    );
    // Midnight is skipped, and comes twice.
    assert_eq!(
        days(Tz::America__Sao_Paulo, "2018-11-03", "2018-11-06"),
        [1440, 1380, 1440]
    );
    assert_eq!(
        days(Tz::America__Sao_Paulo, "2019-02-15", "2019-02-18"),
        [1440, 1500, 1440]
    );
    assert_eq!(
        days(Tz::America__Havana, "2026-10-31", "2026-11-03"),
        [1440, 1500, 1440]
    );
    // A minute of Sunday, then an hour of Saturday again: the bucket of Sunday began at once.
    assert_eq!(
        days(Tz::America__St_Johns, "2009-10-31", "2009-11-03"),
        [1440, 1500, 1440]
    );
    // 2011-12-30 never was: from Thursday to Saturday over one edge.
    assert_eq!(days(Tz::Pacific__Apia, "2011-12-28", "2012-01-01"), [1440, 1440, 1440]);
    // The offset of -00:44:30 ended on 1972-01-07.
    assert_eq!(
        days(Tz::Africa__Monrovia, "1972-01-06", "1972-01-09"),
        [1440, 1395, 1440]
    );
    assert_eq!(days(Tz::Asia__Kolkata, "2026-03-28", "2026-03-31"), [1440, 1440, 1440]);
}

#[test]
fn hours_are_those_of_the_clock() {
    let hours = |zone, from, to| lengths(Unit::Hour, zone, from, to);
    assert_eq!(hours(Tz::America__New_York, "2026-11-01", "2026-11-02"), [60; 25]);
    assert_eq!(hours(Tz::America__New_York, "2026-03-08", "2026-03-09"), [60; 23]);
    assert_eq!(hours(Tz::Asia__Kolkata, "2026-03-28", "2026-03-29"), [60; 24]);
    // Half an hour is skipped: 02:00 to 02:30 never was. Half an hour comes twice: 01:30 to 02:00.
    let mut skipped = [60; 24];
    skipped[2] = 30;
    assert_eq!(hours(Tz::Australia__Lord_Howe, "2026-10-04", "2026-10-05"), skipped);
    let mut twice = [60; 25];
    twice[2] = 30;
    assert_eq!(hours(Tz::Australia__Lord_Howe, "2026-04-05", "2026-04-06"), twice);
    // At 00:01 on Sunday it was 23:01 on Saturday again: a minute, 59 minutes, and the hour anew.
    let mut again = [60; 26];
    (again[0], again[1]) = (1, 59);
    assert_eq!(hours(Tz::America__St_Johns, "2009-11-01", "2009-11-02"), again);
}

#[test]
fn an_old_date_that_comes_again_is_part_of_the_new_one() {
    let days = Bucket::new(Unit::Day, Tz::America__St_Johns);
    let sunday = days.containing(at("2009-11-01T02:30:30Z"));
    assert_eq!(
        (sunday.start, sunday.end),
        (at("2009-11-01T02:30:00Z"), at("2009-11-02T03:30:00Z"))
    );
    // By the clock, half past eleven on Saturday, for the second time.
    assert_eq!(days.containing(at("2009-11-01T03:00:00Z")), sunday);
}

#[test]
fn an_offset_of_seconds_is_kept_to_the_second() {
    let monrovia = Bucket::new(Unit::Hour, Tz::Africa__Monrovia);
    let span = monrovia.containing(at("1971-06-01T12:00:00Z"));
    assert_eq!(
        (span.start, span.end),
        (at("1971-06-01T11:44:30Z"), at("1971-06-01T12:44:30Z"))
    );
    // At 00:44:30 UTC, local midnight, the clock was put to 00:44:30: that hour has 15.5 minutes.
    let spans = monrovia
        .spans(at("1972-01-06T23:44:30Z"), at("1972-01-07T02:00:00Z"))
        .unwrap();
    let starts: Vec<String> = spans.iter().map(|span| span.start.to_string()).collect();
    assert_eq!(
        starts,
        ["1972-01-06T23:44:30Z", "1972-01-07T00:44:30Z", "1972-01-07T01:00:00Z"]
    );
    assert_eq!(monrovia.granule(None, Some(at("1971-01-01"))), 30_000_000);
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first() {
    let zone = Tz::Europe__Paris;
    let span = Bucket::new(Unit::Week, zone).containing(at("2026-03-29T22:30:00Z"));
    assert_eq!(
        (span.start, span.end),
        (at("2026-03-29T22:00:00Z"), at("2026-04-05T22:00:00Z"))
    );
    let span = Bucket::new(Unit::Week, zone).containing(at("2026-03-29T21:30:00Z"));
    assert_eq!(
        (span.start, span.end),
        (at("2026-03-22T23:00:00Z"), at("2026-03-29T22:00:00Z"))
    );
    let span = Bucket::new(Unit::Month, zone).containing(at("2026-03-29T21:30:00Z"));
    assert_eq!(
        (span.start, span.end),
        (at("2026-02-28T23:00:00Z"), at("2026-03-31T22:00:00Z"))
    );
    let span = Bucket::utc(Unit::Month).containing(at("2024-02-29T12:00:00Z"));
    assert_eq!((span.start, span.end), (at("2024-02-01"), at("2024-03-01")));
    let span = Bucket::utc(Unit::Week).containing(at("1970-01-05T00:00:00Z"));
    assert_eq!((span.start, span.end), (at("1970-01-05"), at("1970-01-12")));
}

#[test]
fn the_range_cuts() {
    let days = Bucket::utc(Unit::Day);
    let spans = days
        .spans(at("2026-01-01T06:00:00Z"), at("2026-01-02T00:00:00.000001Z"))
        .unwrap();
    let cut: Vec<_> = spans.iter().map(|span| (span.start, span.end, span.partial)).collect();
    let expected = [
        (at("2026-01-01T06:00:00Z"), at("2026-01-02"), true),
        (at("2026-01-02"), at("2026-01-02T00:00:00.000001Z"), true),
    ];
    assert_eq!(cut, expected);
    assert_eq!(days.spans(at("2026-01-01"), at("2026-01-01")), Ok(Vec::new()));
    assert_eq!(
        days.spans(at("2026-01-02"), at("2026-01-01")),
        Err(QueryError::InvalidRange)
    );
    assert_eq!(
        Bucket::utc(Unit::Minute).spans(Timestamp::MIN, Timestamp::MAX),
        Err(QueryError::RangeTooLarge)
    );
}

#[test]
fn granules_are_as_long_as_the_edges_allow() {
    const MINUTE: i64 = 60_000_000;
    let (from, to) = (Some(at("2026-01-01")), Some(at("2027-01-01")));
    for (zone, unit, minutes) in [
        (Tz::UTC, Unit::Minute, 1),
        (Tz::UTC, Unit::Hour, 60),
        (Tz::UTC, Unit::Month, 1440),
        (Tz::America__New_York, Unit::Minute, 1),
        (Tz::America__New_York, Unit::Hour, 60),
        (Tz::America__New_York, Unit::Day, 60),
        (Tz::Asia__Kolkata, Unit::Hour, 30),
        (Tz::Asia__Kathmandu, Unit::Week, 15),
        (Tz::Asia__Tokyo, Unit::Day, 180),
        (Tz::Australia__Lord_Howe, Unit::Hour, 30),
    ] {
        assert_eq!(
            Bucket::new(unit, zone).granule(from, to),
            minutes * MINUTE,
            "{zone} {unit}"
        );
    }
    // Sunday's clock was moved in the first minute of an hour, which is no edge of a day.
    let (from, to) = (Some(at("2009-11-01")), Some(at("2009-11-02")));
    for (unit, minutes) in [(Unit::Hour, 1), (Unit::Day, 30)] {
        let bucket = Bucket::new(unit, Tz::America__St_Johns);
        assert_eq!(bucket.granule(from, to), minutes * MINUTE, "{unit}");
    }
}

/// Zones whose clocks were moved often, oddly, or not at all.
fn zone() -> impl Strategy<Value = Tz> {
    proptest::sample::select(vec![
        Tz::UTC,
        Tz::America__New_York,
        Tz::America__Sao_Paulo,
        Tz::America__St_Johns,
        Tz::America__Havana,
        Tz::Africa__Monrovia,
        Tz::Africa__Casablanca,
        Tz::Africa__Cairo,
        Tz::Antarctica__Troll,
        Tz::Asia__Kolkata,
        Tz::Asia__Gaza,
        Tz::Australia__Lord_Howe,
        Tz::Europe__London,
        Tz::Europe__Dublin,
        Tz::Pacific__Apia,
        Tz::Pacific__Kwajalein,
        Tz::Pacific__Kiritimati,
    ])
}

fn unit() -> impl Strategy<Value = Unit> {
    proptest::sample::select(Unit::ALL.to_vec())
}

/// Up to 2060, when all of these zones follow rules.
const LATEST: i64 = 2_840_140_800_000_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn buckets_adjoin(zone in zone(), unit in unit(), micros in 86_400_000_000..LATEST) {
        let bucket = Bucket::new(unit, zone);
        let instant = Timestamp::from_micros(micros).unwrap();
        let span = bucket.containing(instant);
        prop_assert!(span.start <= instant && instant < span.end);
        let before = |at: Timestamp| at.saturating_add_micros(-1);
        prop_assert_eq!(bucket.containing(span.start), span);
        prop_assert_eq!(bucket.containing(before(span.end)), span);
        prop_assert_eq!(bucket.containing(span.end).start, span.end);
        prop_assert!(span.start == Timestamp::MIN || bucket.containing(before(span.start)).end == span.start);
    }

    #[test]
    fn no_granule_lies_on_an_edge(zone in zone(), unit in unit(), micros in 0..LATEST, days in 0..400_i64) {
        let bucket = Bucket::new(unit, zone);
        let from = Timestamp::from_micros(micros).unwrap();
        let to = from.saturating_add_micros(days * 86_400_000_000);
        let granule = bucket.granule(Some(from), Some(to));
        let open = bucket.granule(None, None);
        prop_assert_eq!(granule % open, 0);
        let last = bucket.containing(to);
        for edge in [bucket.containing(from).end, last.start] {
            if from < edge && edge < to {
                prop_assert_eq!(edge.as_micros() % granule, 0, "{}", edge);
            }
        }
    }
}
