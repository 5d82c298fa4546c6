//! Minutes of subjects answer as their events do.

#![allow(clippy::unwrap_used)]

use event_core::aggregate::Tally;
use event_core::filter::Field;
use event_core::minutes::{Counter, Cut, Minutes, Unanswerable};
use event_core::query::Measure;
use event_core::{Answer, Query, Subject, Timestamp, answer, arbitrary};
use proptest::prelude::*;

fn query(text: &str) -> Query {
    Query::from_json(text.as_bytes()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn written(minutes: &Minutes) -> Vec<u8> {
    let mut bytes = Vec::new();
    minutes.write_to(&mut bytes).unwrap();
    bytes
}

/// What was written away is read again.
fn read_again(minutes: &Minutes) -> Minutes {
    Minutes::read_from(&*written(minutes)).unwrap()
}

fn told(parts: &[Minutes], query: &Query, cut: &Cut) -> Answer {
    let mut tally = Tally::new(query).unwrap();
    for part in parts {
        part.add_to(&mut tally, cut).unwrap();
    }
    tally.answer().unwrap()
}

proptest! {
    #[test]
    fn minutes_answer_as_their_events_do(
        mut query in arbitrary::query(), events in arbitrary::events(30), room in 1..8_usize, part in 0..30_usize,
    ) {
        query.measure = Measure::Count;
        query.filter.all.retain(|condition| condition.field == Field::Subject);
        query.by.retain(|field| *field == Field::Subject);
        let cut = Cut::of(&query);
        let part = part.min(events.len());
        let count = |events: &[event_core::Event]| {
            let mut counter = Counter::new(room);
            for envelope in events.iter().map(|event| event.envelope()) {
                if cut.covers(envelope.occurred_at) {
                    counter.add(envelope.subject.as_ref(), envelope.occurred_at);
                }
            }
            counter.take()
        };
        let parts = [read_again(&count(&events[..part])), count(&events[part..])];
        prop_assert_eq!(told(&parts, &query, &cut), answer(&query, &events).unwrap());
    }
}

#[test]
fn a_range_is_counted_from_its_start_to_before_its_end() {
    let inside = query(r#"{"from": "2026-01-01T00:00:30Z", "to": "2026-01-01T00:02:30Z"}"#);
    let cut = Cut::of(&inside);
    assert_eq!((cut.from, cut.to), (inside.from, inside.to));
    for (time, covered) in [
        ("00:00:29.999999", false),
        ("00:00:30", true),
        ("00:02:29.999999", true),
        ("00:02:30", false),
    ] {
        assert_eq!(cut.covers(at(&format!("2026-01-01T{time}Z"))), covered, "{time}");
    }
    // Whole minutes are cut nowhere, and one end is enough for a cut.
    assert_eq!(
        Cut::of(&query(r#"{"from": "2026-01-01", "to": "2026-01-02"}"#)),
        Cut::NONE
    );
    assert_ne!(
        Cut::of(&query(r#"{"from": "2026-01-01", "to": "2026-01-01T00:00:01Z"}"#)),
        Cut::NONE
    );
    assert_ne!(Cut::of(&query(r#"{"from": "2026-01-01T00:00:01Z"}"#)), Cut::NONE);
}

#[test]
fn a_question_is_answered_from_what_was_counted_of_its_range() {
    let range = |from: Option<&str>, to: Option<&str>| (from.map(at), to.map(at));
    let (early, late) = (Some("2026-01-01T00:00:30Z"), Some("2026-01-01T00:05:30Z"));
    for ((from, to), (cut_from, cut_to), good) in [
        (range(None, None), range(None, None), true),
        (range(early, None), range(None, None), false),
        (range(None, late), range(None, None), false),
        (range(early, late), range(early, late), true),
        // More was asked for than was counted.
        (range(None, late), range(early, late), false),
        (range(early, None), range(early, late), false),
        (range(Some("2026-01-01"), late), range(early, late), false),
        (range(early, Some("2026-01-01T00:06:00Z")), range(early, late), false),
        // Less, in whole minutes and in others.
        (range(Some("2026-01-01T00:01:00Z"), late), range(early, late), true),
        (range(early, Some("2026-01-01T00:05:00Z")), range(early, late), true),
        (range(Some("2026-01-01T00:01:01Z"), late), range(early, late), false),
        (range(early, Some("2026-01-01T00:04:59Z")), range(early, late), false),
    ] {
        let (mut asked, cut) = (
            query("{}"),
            Cut {
                from: cut_from,
                to: cut_to,
            },
        );
        (asked.from, asked.to) = (from, to);
        assert_eq!(
            cut.check(&asked),
            if good { Ok(()) } else { Err(Unanswerable::Range) },
            "{asked:?} {cut:?}"
        );
    }
    for (text, why) in [
        (r#"{"measure": "sum:/value"}"#, Unanswerable::Measure),
        (r#"{"by": ["subject", "name"]}"#, Unanswerable::Field),
        (
            r#"{"filter": {"all": [{"field": "source", "equals": "shop"}]}}"#,
            Unanswerable::Field,
        ),
        // Offsets of seconds put the edges of the hours inside a minute.
        (
            r#"{"bucket": "hour", "zone": "Africa/Monrovia", "from": "1971-01-01", "to": "1971-01-02"}"#,
            Unanswerable::Range,
        ),
    ] {
        assert_eq!(Cut::NONE.check(&query(text)), Err(why), "{text}");
    }
    let by = r#"{"by": ["subject"], "filter": {"all": [{"field": "subject", "equals": "a"}]}, "bucket": "hour", "from": "2026-01-01", "to": "2026-01-02"}"#;
    assert_eq!(Cut::NONE.check(&query(by)), Ok(()));
}

#[test]
fn what_is_not_all_there_is_not_read() {
    let mut counter = Counter::new(2);
    for (subject, minute) in [("a", 0), ("b", 1), ("a", 2)] {
        let subject = Subject::new(subject).unwrap();
        counter.add(Some(&subject), Timestamp::from_micros(minute * 60_000_000).unwrap());
    }
    let minutes = counter.take();
    assert_eq!(minutes.subjects(), 2);
    let bytes = written(&minutes);
    assert_eq!(Minutes::read_from(&*bytes).unwrap().subjects(), 2);
    for end in 0..bytes.len() {
        assert!(Minutes::read_from(&bytes[..end]).is_err(), "{end} of {}", bytes.len());
    }
}

#[test]
fn a_counter_knows_about_how_much_it_holds() {
    let (room, subjects) = (1_000, 2_000);
    let mut counter = Counter::new(room);
    for number in 0..subjects {
        let subject = Subject::new(format!("customer-{number:010}")).unwrap();
        counter.add(Some(&subject), Timestamp::MIN);
    }
    // Each text with its end and two places, and eight bytes for each row that is not in order yet.
    let least = subjects * (19 + 8 + 2 * 16) + room * 8;
    assert!(
        (least..least * 2).contains(&counter.held()),
        "{} of {least}",
        counter.held()
    );
}
