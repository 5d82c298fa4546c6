//! Whole stories against models of their meaning that are as plain as can be.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use event_core::analysis::{
    Active, ActiveRow, Analysis as _, Cohort, Fold as _, Funnel, FunnelOrder, Retention, SessionList, SessionRow,
    Sessions, Wanted, analyse,
};
use event_core::decimal::Decimal;
use event_core::filter::{Field, Found};
use event_core::query::QueryError;
use event_core::{Event, Filter, Timestamp, arbitrary};
use proptest::prelude::*;

/// An event with its place in the order of stories.
type Placed<'a> = ((Timestamp, i64, usize), &'a Event);

/// The events that a filter and a range choose, in order.
fn chosen<'a>(events: &'a [Event], filter: &Filter, from: Option<Timestamp>, to: Option<Timestamp>) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'a>> = events
        .iter()
        .enumerate()
        .map(|(position, event)| {
            let envelope = event.envelope();
            (
                (envelope.occurred_at, envelope.sequence.unwrap_or(i64::MAX), position),
                event,
            )
        })
        .filter(|((at, ..), event)| {
            from.is_none_or(|from| from <= *at) && to.is_none_or(|to| *at < to) && filter.matches(event)
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed
}

fn text(event: &Event, field: &Field) -> String {
    let found = field.find(event.envelope(), event.payload());
    found.map_or("null".to_owned(), |found: Found<'_>| found.text())
}

/// The stories, each in order.
fn stories<'a>(events: Vec<Placed<'a>>, by: &Field) -> BTreeMap<String, Vec<Placed<'a>>> {
    let mut stories: BTreeMap<String, Vec<Placed<'a>>> = BTreeMap::new();
    for placed in events {
        stories.entry(text(placed.1, by)).or_default().push(placed);
    }
    stories
}

fn seconds(micros: i64) -> Decimal {
    Decimal::new(micros.into(), -6)
}

fn micros((place, _): &Placed<'_>) -> i64 {
    place.0.as_micros()
}

fn sessions(question: &Sessions, events: &[Event]) -> Vec<SessionRow> {
    let mut stories = stories(
        chosen(events, &question.filter, question.from, question.to),
        &Field::SessionId,
    );
    stories.remove("null");
    let row = |story: Vec<Placed<'_>>| {
        let (first, last) = (story.first().unwrap(), story.last().unwrap());
        let numbers: Vec<i64> = story
            .iter()
            .filter_map(|(_, event)| event.envelope().sequence)
            .collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        SessionRow {
            session_id: first.1.envelope().session_id.clone().unwrap(),
            start: first.0.0,
            end: last.0.0,
            length: seconds(micros(last) - micros(first)),
            events: story.len() as u64,
            missing: sorted.windows(2).map(|pair| pair[1].abs_diff(pair[0]) - 1).sum(),
            reordered: numbers.windows(2).filter(|pair| pair[1] < pair[0]).count() as u64,
        }
    };
    let mut rows: Vec<SessionRow> = stories.into_values().map(row).collect();
    rows.sort_by(|a, b| (a.start, a.session_id.as_str()).cmp(&(b.start, b.session_id.as_str())));
    rows
}

/// Every way to take the first `steps` steps, tried one by one.
fn takes(funnel: &Funnel, story: &[Placed<'_>], steps: usize) -> bool {
    let window = funnel.window.map_or(i64::MAX, |window| window.as_micros());
    let matches = |step: usize, at: usize| funnel.steps[step].filter.matches(story[at].1);
    match funnel.order {
        FunnelOrder::Any => (0..story.len()).any(|last| {
            let near = |at: &usize| micros(&story[last]) - micros(&story[*at]) <= window;
            let taken = |step: &usize| (0..=last).filter(near).any(|at| matches(*step, at));
            (0..funnel.steps.len()).filter(taken).count() >= steps
        }),
        FunnelOrder::Strict => (0..story.len()).any(|first| {
            first + steps <= story.len()
                && (0..steps).all(|step| matches(step, first + step))
                && micros(&story[first + steps - 1]) - micros(&story[first]) <= window
        }),
        FunnelOrder::Ordered => (0..story.len()).any(|first| {
            let mut at = first;
            matches(0, first)
                && (1..steps).all(|step| {
                    let next = (at + 1..story.len()).find(|at| matches(step, *at));
                    at = next.unwrap_or(at);
                    next.is_some_and(|next| micros(&story[next]) - micros(&story[first]) <= window)
                })
        }),
    }
}

fn retention(question: &Retention, events: &[Event]) -> Vec<Cohort> {
    let chosen = chosen(events, &question.filter, question.from, question.to);
    let relevant = |event: &Event| question.first.matches(event) || question.again.matches(event);
    let chosen: Vec<Placed<'_>> = chosen.into_iter().filter(|(_, event)| relevant(event)).collect();
    let named = |placed: &Placed<'_>| text(placed.1, &question.by) != "null";
    let chosen: Vec<Placed<'_>> = chosen.into_iter().filter(named).collect();
    let Some(last) = chosen.iter().map(|(place, _)| place.0).max() else {
        return Vec::new();
    };
    let end = question.to.unwrap_or_else(|| last.saturating_add_micros(1));
    let stories = stories(chosen, &question.by);
    let firsts: Vec<(Placed<'_>, &Vec<Placed<'_>>)> = stories
        .values()
        .filter_map(|story| Some((*story.iter().find(|(_, event)| question.first.matches(event))?, story)))
        .collect();
    let (Some(from), Some(to)) = (
        firsts.iter().map(|(first, _)| first.0.0).min(),
        firsts.iter().map(|(first, _)| first.0.0).max(),
    ) else {
        return Vec::new();
    };
    let start = question.bucket.containing(from).start;
    let spans = question.bucket.spans(start, to.saturating_add_micros(1)).unwrap();
    let cut = |span: event_core::aggregate::Span| {
        let whole = question.bucket.containing(span.start);
        let from = question.from.map_or(whole.start, |from| from.max(whole.start));
        let to = question.to.map_or(whole.end, |to| to.min(whole.end));
        event_core::aggregate::Span {
            start: from,
            end: to,
            partial: from != whole.start || to != whole.end,
        }
    };
    let cohort = |span: event_core::aggregate::Span| {
        let whole = question.bucket.containing(span.start);
        let members: Vec<_> = firsts
            .iter()
            .filter(|(first, _)| (whole.start..whole.end).contains(&first.0.0))
            .collect();
        let mut returned = Vec::new();
        let mut period = whole;
        while returned.len() < question.periods && period.start < end.max(to.saturating_add_micros(1)) {
            let came = |story: &&&(Placed<'_>, &Vec<Placed<'_>>)| {
                story.1.iter().any(|placed| {
                    question.again.matches(placed.1)
                        && placed.0 > story.0.0
                        && (period.start..period.end).contains(&placed.0.0)
                })
            };
            returned.push(members.iter().filter(came).count() as u64);
            period = question.bucket.containing(period.end);
        }
        Cohort {
            bucket: cut(span),
            size: members.len() as u64,
            returned,
        }
    };
    spans.into_iter().map(cohort).collect()
}

/// Whether the interval of a key is open at an instant, for a group.
fn is_open(question: &Active, story: &[Placed<'_>], at: Timestamp) -> Option<String> {
    let mut open = None;
    for (place, event) in story {
        if place.0 > at {
            break;
        }
        if question.close.matches(event) {
            open = None;
        }
        if question.open.matches(event) && open.is_none() {
            let group: Vec<String> = question.by.iter().map(|field| text(event, field)).collect();
            open = Some(group.join("\n"));
        }
    }
    open
}

fn open_at(question: &Active, events: &[Event], group: Option<&str>, at: Timestamp) -> u64 {
    let stories = stories(chosen(events, &question.filter, None, None), &question.key[0]);
    let open = stories.values().filter_map(|story| is_open(question, story, at));
    open.filter(|known| group.is_none_or(|group| known == group)).count() as u64
}

fn group(row: &ActiveRow) -> Option<String> {
    row.group.as_ref().map(|group| {
        group
            .iter()
            .map(|(_, text)| text.to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Events of one session by their names, a minute apart.
fn story(names: &str) -> Vec<Event> {
    story_of("s", names)
}

fn story_of(session: &str, names: &str) -> Vec<Event> {
    let source = event_core::Source::new("test").unwrap();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let event = |(minute, name): (i64, char)| {
        let at = start.saturating_add_micros(minute * 60_000_000);
        let reception = event_core::event::Reception {
            received_at: at,
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: event_core::Limits::DEFAULT,
            new_id: &|| event_core::EventId::new("made-here").unwrap(),
        };
        let event = Event::builder("test", name.to_string())
            .session_id(session)
            .occurred_at(at);
        event.build(&reception).unwrap()
    };
    (0..).zip(names.chars()).map(event).collect()
}

#[test]
fn how_far_a_story_goes() {
    for (names, order, window, steps, medians) in [
        ("abc", "ordered", "2m", 3, "60 60"),
        // The window holds its end.
        ("abc", "ordered", "119s", 2, "60"),
        ("axbxc", "ordered", "1h", 3, "120 120"),
        // A later start has more time left, and the first way through is told.
        ("aabxbc", "ordered", "4m", 3, "60 180"),
        ("ba", "ordered", "1h", 1, ""),
        ("abc", "strict", "1h", 3, "60 60"),
        ("abxc", "strict", "1h", 2, "60"),
        ("axb", "strict", "1h", 1, ""),
        ("abac", "strict", "1h", 2, "60"),
        ("aabc", "strict", "1h", 3, "60 60"),
        ("cxa", "any", "2m", 2, ""),
        ("cxa", "any", "1m", 1, ""),
        ("xyz", "ordered", "1h", 0, ""),
    ] {
        let said = format!(r#"{{"steps": ["a", "b", "c"], "order": "{order}", "window": "{window}"}}"#);
        let funnel = Funnel::from_json(said.as_bytes()).unwrap();
        let found = analyse(&funnel, &story(names)).unwrap().answer.steps;
        assert_eq!(
            found.iter().map(|step| step.reached).sum::<u64>(),
            steps,
            "{names} {said}"
        );
        let told: Vec<String> = found
            .iter()
            .filter_map(|step| Some(step.median.as_ref()?.to_string()))
            .collect();
        assert_eq!(told.join(" "), medians, "{names} {said}");
    }
}

#[test]
fn what_was_open_on_average() {
    let said =
        r#"{"open": "a", "close": "b", "key": ["session_id"], "from": "2026-01-01", "to": "2026-01-01T00:08:00Z"}"#;
    let active = Active::from_json(said.as_bytes()).unwrap();
    // Open from 0 to 2, and from 6 on.
    let row = analyse(&active, &story("axbxxxa")).unwrap().answer.rows.remove(0);
    assert_eq!(
        (row.open, row.opened, row.closed, row.minimum, row.maximum),
        (1, 2, 1, 0, 1)
    );
    assert_eq!(row.average, Some("0.5".parse().unwrap()));
}

#[test]
fn what_every_question_is_asked_with_is_asked_of_these_too() {
    let pairs = [
        ("from", "2026-01-01"),
        ("to", "2026-01-02"),
        ("limit", "2"),
        ("subject", "u"),
    ];
    let sessions = Sessions::from_pairs(pairs).unwrap();
    assert_eq!(sessions.from, Some("2026-01-01".parse().unwrap()));
    assert_eq!((sessions.limit, sessions.filter.all.len()), (2, 1));
    assert!(!sessions.filter.is_empty() && Sessions::default().filter.is_empty());
    // An instant has no range and no buckets.
    let at = |rest: &str| {
        let said = format!(r#"{{"open": "a", "close": "b", "key": ["session_id"], "at": "2026-01-01"{rest}}}"#);
        Active::from_json(said.as_bytes())
    };
    assert!(at("").is_ok());
    for rest in [
        r#", "from": "2026-01-01""#,
        r#", "to": "2026-01-01""#,
        r#", "bucket": "hour""#,
    ] {
        assert!(at(rest).is_err(), "{rest}");
    }
}

#[test]
fn a_cursor_is_of_one_list() {
    let list = |rest: &str| Sessions::from_json(format!(r#"{{"limit": 1{rest}}}"#).as_bytes());
    let events = [story("a"), story_of("t", "b")].concat();
    let next = analyse(&list("").unwrap(), &events).unwrap().answer.next.unwrap();
    assert!(list(&format!(r#", "cursor": "{next}""#)).is_ok());
    assert!(list(&format!(r#", "order": "desc", "cursor": "{next}""#)).is_err());
    assert!(list(&format!(r#", "from": "2026-01-01", "cursor": "{next}""#)).is_err());
}

#[test]
fn what_a_fold_asks_for_is_what_its_question_says() {
    let (from, to) = ("2026-01-01".parse().unwrap(), "2026-02-01".parse().unwrap());
    let range = r#""from": "2026-01-01", "to": "2026-02-01", "filter": {"subject": "u"}"#;
    let told = |wanted: &Wanted| {
        assert_eq!((wanted.from(), wanted.to()), (Some(from), Some(to)));
        assert_eq!(wanted.filter().all.len(), 1, "{wanted:?}");
        assert!(wanted.fields().contains(&Field::Subject), "{wanted:?}");
        wanted.any().len()
    };
    let sessions = Sessions::from_pairs([("from", "2026-01-01"), ("to", "2026-02-01"), ("subject", "u")]);
    assert_eq!(told(sessions.unwrap().fold().unwrap().wanted()), 0);
    // Between two steps in strict order there is no other event, whichever it is.
    for (order, any) in [("ordered", 2), ("any", 2), ("strict", 0)] {
        let said = format!(r#"{{"steps": ["a", "b"], "order": "{order}", {range}}}"#);
        let funnel = Funnel::from_json(said.as_bytes()).unwrap();
        assert_eq!(told(funnel.fold().unwrap().wanted()), any, "{order}");
    }
    let said = format!(r#"{{"by": "name", "bucket": "day", {range}}}"#);
    told(Retention::from_json(said.as_bytes()).unwrap().fold().unwrap().wanted());
    let nothing = Sessions::default().fold().unwrap();
    let wanted = nothing.wanted();
    assert_eq!((wanted.from(), wanted.to(), wanted.filter().all.len()), (None, None, 0));
}

#[test]
fn ranges_hold_their_start_and_not_their_end() {
    // A minute that ends where the range does has none behind it.
    for (to, minutes) in [("00:03:00", 3), ("00:02:59.999999", 3), ("00:03:00.000001", 4)] {
        let said = format!(r#"{{"by": "session_id", "bucket": "minute", "periods": 9, "to": "2026-01-01T{to}Z"}}"#);
        let retention = Retention::from_json(said.as_bytes()).unwrap();
        let cohorts = analyse(&retention, &story("aa")).unwrap().answer.cohorts;
        assert_eq!(cohorts[0].returned.len(), minutes, "{to}");
        assert_eq!((cohorts[0].size, &cohorts[0].returned[..2]), (1, &[0, 1][..]), "{to}");
    }
    for (to, rows) in [
        ("00:00:00", 0),
        ("00:00:00.000001", 1),
        ("00:01:00", 1),
        ("00:01:00.000001", 2),
    ] {
        let said = format!(
            r#"{{"open": "a", "close": "b", "key": ["session_id"], "bucket": "minute",
                "from": "2026-01-01", "to": "2026-01-01T{to}Z"}}"#
        );
        let active = Active::from_json(said.as_bytes()).unwrap();
        assert_eq!(analyse(&active, &story("ab")).unwrap().answer.rows.len(), rows, "{to}");
    }
}

#[test]
fn keys_and_groups_are_few_and_different() {
    let fields = |count: usize| -> Vec<Field> { (0..count).map(|at| format!("/f{at}").parse().unwrap()).collect() };
    let most = event_core::Query::MAX_FIELDS;
    let asked = |key: Vec<Field>, by: Vec<Field>| {
        let said = br#"{"open": "a", "close": "b", "key": ["session_id"]}"#;
        let active = Active {
            key,
            by,
            ..Active::from_json(said).unwrap()
        };
        active.fold().map(|_| ())
    };
    assert_eq!(asked(fields(most), fields(most)), Ok(()));
    for count in [most + 1, most + 2] {
        assert_eq!(asked(fields(count), fields(1)), Err(QueryError::TooManyFields));
        assert_eq!(asked(fields(1), fields(count)), Err(QueryError::TooManyFields));
    }
    let twice = [fields(1), fields(2)].concat();
    assert_eq!(asked(twice.clone(), fields(1)), Err(QueryError::RepeatedField));
    assert_eq!(asked(fields(1), twice), Err(QueryError::RepeatedField));
}

#[test]
fn what_is_told_of_stories_has_a_size() {
    // Cohorts times periods.
    let said = r#"{"by": "name", "bucket": "minute", "periods": 1000}"#;
    let retention = Retention::from_json(said.as_bytes()).unwrap();
    let cohorts = |minutes: usize| analyse(&retention, &story(&("a".repeat(minutes - 1) + "b")));
    assert_eq!(cohorts(1_000).unwrap().answer.cohorts.len(), 1_000);
    assert_eq!(cohorts(1_001).unwrap_err(), QueryError::RangeTooLarge);
    // In whatever order they come.
    let mut last_first = story(&("a".repeat(1_000) + "b"));
    last_first.reverse();
    assert_eq!(analyse(&retention, &last_first).unwrap_err(), QueryError::RangeTooLarge);
    // Groups times buckets.
    let open = |to: &str| {
        let said = format!(
            r#"{{"open": {{"category": "test"}}, "close": "z", "key": ["name"], "by": ["name"], "bucket": "minute", "from": "2026-01-01", "to": "{to}"}}"#
        );
        analyse(&Active::from_json(said.as_bytes()).unwrap(), &story("abcdefghijk"))
    };
    assert_eq!(open("2026-01-01T01:00:00Z").unwrap().answer.rows.len(), 11 * 60);
    assert_eq!(open("2026-03-11").unwrap_err(), QueryError::RangeTooLarge);
    // Without an end, the last change is in the last bucket.
    let said = r#"{"open": "a", "close": "b", "key": ["session_id"], "bucket": "minute"}"#;
    let found = analyse(&Active::from_json(said.as_bytes()).unwrap(), &story("xaxxb")).unwrap();
    assert_eq!(found.answer.rows.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn sessions_are_what_their_events_say(
        events in proptest::collection::vec(arbitrary::event(), 0..40), question in arbitrary::sessions(),
    ) {
        let expected = sessions(&question, &events);
        let mut page = question.clone();
        let mut found: Vec<SessionRow> = Vec::new();
        loop {
            let SessionList { sessions, total, events, length, next } = analyse(&page, &events).unwrap().answer;
            prop_assert_eq!(total, expected.len() as u64);
            prop_assert_eq!(events, expected.iter().map(|row| row.events).sum::<u64>());
            prop_assert_eq!(&length, &expected.iter().map(|row| row.length.clone()).sum::<Decimal>());
            prop_assert!(sessions.len() <= question.limit);
            found.extend(sessions);
            let Some(next) = next else { break };
            let mut said = serde_json::to_value(&question).unwrap();
            said["cursor"] = next.into();
            page = Sessions::from_json(said.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&Sessions::from_json(serde_json::to_string(&page).unwrap().as_bytes()).unwrap(), &page);
        }
        if question.order == event_core::query::Order::Descending {
            found.reverse();
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_funnel_finds_every_way_through(
        events in proptest::collection::vec(arbitrary::event(), 0..30), funnel in arbitrary::funnel(),
    ) {
        let mut stories = stories(chosen(&events, &funnel.filter, funnel.from, funnel.to), &funnel.by);
        stories.remove("null");
        let reached: Vec<u64> = (1..=funnel.steps.len())
            .map(|steps| stories.values().filter(|story| takes(&funnel, story, steps)).count() as u64)
            .collect();
        let found = analyse(&funnel, &events).unwrap().answer.steps;
        prop_assert_eq!(found.iter().map(|step| step.reached).collect::<Vec<_>>(), reached.clone());
        for (step, row) in found.iter().enumerate() {
            let share = |of: u64| Decimal::from(reached[step]).div_round_half_even(of, 12);
            prop_assert_eq!(&row.of_first, &share(reached[0]));
            let timed = step > 0 && reached[step] > 0 && funnel.order != FunnelOrder::Any;
            prop_assert_eq!(row.median.is_some(), timed);
        }
        let read = Funnel::from_json(serde_json::to_string(&funnel).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(read, funnel);
    }

    #[test]
    fn cohorts_are_those_who_came_first_and_again(
        events in proptest::collection::vec(arbitrary::event(), 0..30), question in arbitrary::retention(),
    ) {
        prop_assert_eq!(analyse(&question, &events).unwrap().answer.cohorts, retention(&question, &events));
        let read = Retention::from_json(serde_json::to_string(&question).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(read, question);
    }

    #[test]
    fn what_is_active_is_what_was_opened_and_not_closed(
        events in proptest::collection::vec(arbitrary::event(), 0..25), question in arbitrary::active(),
    ) {
        let rows = analyse(&question, &events).unwrap().answer.rows;
        for row in rows.iter().take(60) {
            let group = group(row);
            let at = |at| open_at(&question, &events, group.as_deref(), at);
            prop_assert_eq!(row.open, at(row.bucket.start));
            // Between two changes nothing changes, and there are no changes but at events.
            let inside = |time: &Timestamp| row.bucket.start < *time && *time < row.bucket.end;
            let times: Vec<Timestamp> = events.iter().map(|event| event.envelope().occurred_at).filter(inside).collect();
            let levels: Vec<u64> = times.iter().map(|time| at(*time)).chain([row.open]).collect();
            prop_assert_eq!(Some(&row.maximum), levels.iter().max());
            prop_assert_eq!(Some(&row.minimum), levels.iter().min());
            prop_assert!(row.opened + at(row.bucket.start.saturating_add_micros(-1)) >= row.open);
        }
        let read = Active::from_json(serde_json::to_string(&question).unwrap().as_bytes()).unwrap();
        prop_assert_eq!(read, question);
    }
}
