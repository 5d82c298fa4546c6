//! Pages, sessions and receipts of what is stored.

use event_core::filter::{Field, Filter, Scalar, Test};
use event_core::query::{Cursor, Order, Page};
use event_core::sequence::Gap;
use event_core::{SessionId, StoredEvent, Timestamp};
use event_store::{EventStore, Offer, Receipt};

use crate::disk::Disk;
use crate::sample::{id, ingest, json};

/// Sixty events that differ in everything.
fn offers() -> Vec<Offer> {
    let offer = |number: usize| {
        let pick = |texts: &[&'static str]| texts[number % texts.len()];
        let members = [
            format!(r#""category":"{}""#, pick(&["order", "Order", "order item"])),
            format!(r#""name":"{}""#, pick(&["created", "paid", "é", "<b>"])),
            format!(r#""source":"{}""#, pick(&["shop", "till"])),
            format!(r#""occurred_at":"2026-01-01T{:02}:00:00Z""#, number * 7 % 24),
            pick(&[r#""version":"1""#, r#""version":"2""#, r#""sent_at":"2026-01-01""#]).to_owned(),
            pick(&[r#""session_id":"s-1""#, r#""session_id":"S-1""#, r#""session_id":null"#]).to_owned(),
            pick(&[
                r#""subject":"Zoë""#,
                r#""subject":"zoë""#,
                r#""subject":null"#,
                r#""subject":"x y""#,
            ])
            .to_owned(),
            pick(&[
                r#""data":{"a":1,"b":{"c":"one"}}"#,
                r#""data":{"a":"1","b":{"c":"One two"}}"#,
                r#""data":{"a":1.5,"b":{"c":null}}"#,
                r#""data":{"a":[1],"b":{"c":true}}"#,
                r#""data":{"a":null,"b/~ \"x":{"0":-7}}"#,
                r#""data":{}"#,
                r#""data":{"a":9007199254740993,"b":{"c":"%_'\\"}}"#,
            ])
            .to_owned(),
        ];
        json(&format!("e-{number}"), &format!(",{}", members.join(",")))
    };
    (0..60).map(offer).collect()
}

/// Every page of a list, one behind the other.
async fn all(store: &EventStore, page: &Page) -> Vec<StoredEvent> {
    let mut page = page.clone();
    let mut found = Vec::new();
    loop {
        let answer = store.page(&page).await.unwrap();
        assert!(answer.events.len() <= page.limit);
        found.extend(answer.events);
        let Some(next) = answer.next else { return found };
        page.cursor = Some(Cursor::read(&next, &page.question()).unwrap());
    }
}

fn filters() -> Vec<Filter> {
    let place = |pointer: &str| Field::Data(pointer.parse().unwrap());
    let conditions = [
        (Field::Category, Test::equals("order")),
        (Field::Category, Test::one_of(["Order", "order item", "nothing"])),
        (Field::Category, Test::contains("rder")),
        (Field::Name, Test::equals("é")),
        (Field::Name, Test::range(Some("a"), Some("d"))),
        (Field::Version, Test::equals("1")),
        (Field::Version, Test::Equals(Scalar::Null)),
        (Field::Source, Test::equals("till")),
        (Field::Source, Test::equals("Till")),
        (Field::SessionId, Test::equals("s-1")),
        (Field::SessionId, Test::Equals(Scalar::Null)),
        (Field::SessionId, Test::one_of(["S-1", "s-1"])),
        (Field::Subject, Test::equals("Zoë")),
        (Field::Subject, Test::contains(" ")),
        (Field::Subject, Test::Equals(Scalar::Null)),
        (place("/a"), Test::equals(1)),
        (place("/a"), Test::equals("1")),
        (place("/a"), Test::equals(9_007_199_254_740_993_i64)),
        (place("/a"), Test::equals(9_007_199_254_740_992_i64)),
        (place("/a"), Test::range(Some(1), Some(2))),
        (place("/a"), Test::range(Some("1"), None)),
        (place("/a"), Test::Equals(Scalar::Null)),
        (place("/a/0"), Test::equals(1)),
        (place("/b/c"), Test::contains("One")),
        (place("/b/c"), Test::contains("%")),
        (place("/b/c"), Test::equals("%_'\\")),
        (place("/b/c"), Test::Equals(Scalar::Bool(true))),
        (place("/b~1~0 \"x/0"), Test::equals(-7)),
        (place("/nowhere"), Test::equals("x")),
        (place("/nowhere"), Test::OneOf(Vec::new())),
    ];
    let single = conditions
        .iter()
        .map(|(field, test)| Filter::new().and(field.clone(), test.clone()));
    let pairs = conditions.windows(2).map(|pair| {
        Filter::new()
            .and(pair[0].0.clone(), pair[0].1.clone())
            .and(pair[1].0.clone(), pair[1].1.clone())
    });
    single.chain(pairs).chain([Filter::new()]).collect()
}

pub(crate) async fn a_page_by_every_filter_is_what_the_filter_chooses(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, offers()).await;
    let everything = all(&store, &Page::new(Filter::new())).await;
    assert_eq!(everything.len(), 60);
    let at = |hour: u8| Some(format!("2026-01-01T{hour:02}:00:00Z").parse::<Timestamp>().unwrap());
    let mut chosen = 0;
    for filter in filters() {
        for (from, to) in [(None, None), (at(5), at(17)), (at(5), at(5))] {
            let in_range = |stored: &&StoredEvent| {
                let time = stored.event.envelope().occurred_at;
                filter.matches(&stored.event) && from.is_none_or(|from| from <= time) && to.is_none_or(|to| time < to)
            };
            let mut expected: Vec<StoredEvent> = everything.iter().filter(in_range).cloned().collect();
            for (order, limit) in [(Order::Ascending, 7), (Order::Descending, 1_000)] {
                let page = Page {
                    from,
                    to,
                    order,
                    limit,
                    ..Page::new(filter.clone())
                };
                assert_eq!(all(&store, &page).await, expected, "{}", page.question());
                expected.reverse();
            }
            chosen += expected.len();
        }
    }
    assert!(chosen > 300, "the filters choose next to nothing: {chosen}");
}

pub(crate) async fn events_of_one_instant_are_paged_by_position(disk: Disk) {
    let store = disk.open().await;
    let same_time = (0..25).map(|number| json(&format!("e-{number}"), r#","occurred_at":"2026-01-01T00:00:00Z""#));
    ingest(&store, same_time.collect()).await;
    for order in [Order::Ascending, Order::Descending] {
        let page = Page {
            limit: 4,
            order,
            ..Page::new(Filter::new())
        };
        let mut places: Vec<i64> = all(&store, &page).await.iter().map(|stored| stored.position).collect();
        if order == Order::Descending {
            places.reverse();
        }
        assert_eq!(places.len(), 25);
        assert!(places.is_sorted());
    }
    // An event that comes in between does not move the pages that are still to come.
    let page = Page {
        limit: 10,
        ..Page::new(Filter::new())
    };
    let first = store.page(&page).await.unwrap();
    ingest(&store, vec![json("early", r#","occurred_at":"2025-01-01T00:00:00Z""#)]).await;
    let cursor = Cursor::read(&first.next.unwrap(), &page.question());
    let second = store.page(&Page { cursor, ..page }).await.unwrap();
    assert_eq!(second.events[0].position, first.events[9].position + 1);
}

pub(crate) async fn a_session_is_in_order_and_shows_its_gaps(disk: Disk) {
    let store = disk.open().await;
    let click = |name: &str, second: u8, sequence: &str| {
        let time = format!("2026-01-01T00:00:{second:02}Z");
        json(name, &format!(r#","session_id":"s","occurred_at":"{time}"{sequence}"#))
    };
    let batch = vec![
        click("d", 40, r#","sequence":8"#),
        click("a", 10, r#","sequence":1"#),
        click("tie-2", 20, r#","sequence":3"#),
        click("tie-1", 20, r#","sequence":2"#),
        click("late", 30, r#","sequence":0"#),
        click("none", 35, ""),
        json("other", r#","session_id":"t""#),
        json("alone", ""),
    ];
    ingest(&store, batch).await;
    let session = store.session(&SessionId::new("s").unwrap()).await.unwrap().unwrap();
    let order: Vec<&str> = session
        .events
        .iter()
        .map(|stored| stored.event.envelope().id.as_str())
        .collect();
    assert_eq!(order, ["a", "tie-1", "tie-2", "late", "none", "d"]);
    assert_eq!(session.gaps, [Gap { after: 3, before: 8 }]);
    assert_eq!(session.reordered, 1);
    assert_eq!(store.session(&SessionId::new("nobody").unwrap()).await.unwrap(), None);
    // Two applications in one session, and a subject beside it.
    ingest(
        &store,
        vec![json("a", r#","session_id":"s","source":"till","subject":"c""#)],
    )
    .await;
    let session = store.session(&SessionId::new("s").unwrap()).await.unwrap().unwrap();
    assert_eq!(session.events.len(), 7);
}

pub(crate) async fn a_session_is_paged_in_its_own_order(disk: Disk) {
    let store = disk.open().await;
    let click = |id: &str, second: u8, sequence: u8| {
        let members =
            format!(r#","session_id":"s","occurred_at":"2026-01-01T00:00:{second:02}Z","sequence":{sequence}"#);
        json(id, &members)
    };
    let batch = vec![click("c", 1, 3), click("d", 2, 9), click("a", 1, 1), click("b", 1, 2)];
    ingest(&store, batch).await;
    let session = SessionId::new("s").unwrap();
    for (order, expected) in [(Order::Ascending, "abcd"), (Order::Descending, "dcba")] {
        let mut page = Page {
            order,
            limit: 1,
            ..Page::new(Filter::new())
        };
        let mut seen = String::new();
        loop {
            let found = store.session_page(&session, &page).await.unwrap();
            assert_eq!(found.gaps, [Gap { after: 3, before: 9 }]);
            found
                .events
                .iter()
                .for_each(|stored| seen.push_str(stored.event.envelope().id.as_str()));
            let Some(next) = found.next else { break };
            page = page.at(None, Some(&next)).unwrap();
        }
        assert_eq!(seen, expected);
    }
    let page = Page {
        from: Some("2026-01-01T00:00:01Z".parse().unwrap()),
        to: Some("2026-01-01T00:00:02Z".parse().unwrap()),
        ..Page::new(Filter::new().and(Field::Source, Test::equals("shop")))
    };
    assert_eq!(store.session_page(&session, &page).await.unwrap().events.len(), 3);
    // An event that is gone is no reason to begin anew.
    let gone = page.next("2026-01-01T00:00:01Z".parse().unwrap(), 1_000);
    let rest = store
        .session_page(&session, &page.at(None, Some(&gone)).unwrap())
        .await
        .unwrap();
    assert_eq!((rest.events.len(), rest.next), (0, None));
    let nobody = SessionId::new("nobody").unwrap();
    assert!(
        store
            .session_page(&nobody, &Page::new(Filter::new()))
            .await
            .unwrap()
            .events
            .is_empty()
    );
}

pub(crate) async fn all_events_of_a_list_are_handed_over(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, offers()).await;
    for filter in filters().into_iter().take(12) {
        let page = Page {
            order: Order::Descending,
            limit: 7,
            ..Page::new(filter)
        };
        let mut handed = Vec::new();
        store.each(&page, |stored| handed.push(stored.clone())).await.unwrap();
        assert_eq!(handed, all(&store, &page).await);
    }
}

pub(crate) async fn positions_follow_the_log_and_never_repeat(disk: Disk) {
    let store = disk.open().await;
    let mut last = 0;
    for round in 0..5 {
        let name = |number: usize| format!("e-{}", round * 3 + number);
        // Some of each batch were here before.
        let batch = (0..5).map(|number| json(&name(number), "")).collect();
        for verdict in ingest(&store, batch).await {
            if verdict.status == event_core::verdict::Status::Stored {
                assert!(verdict.position > Some(last));
                last = verdict.position.unwrap();
            }
        }
    }
    let Receipt::Found(newest) = store.receipt(&id("e-16"), None).await.unwrap() else {
        panic!()
    };
    assert_eq!(newest.position, last);
}

pub(crate) async fn a_filter_of_many_values_over_many_types_is_answered(disk: Disk) {
    let store = disk.open().await;
    let typed = (0..150).map(|number| {
        json(
            &format!("e-{number}"),
            &format!(r#","category":"c","name":"n{number}","data":{{"a":{number}}}"#),
        )
    });
    ingest(&store, typed.collect()).await;
    let place = Field::Data("/a".parse().unwrap());
    for values in [1, 10, 200, 9_000] {
        let one_of = Test::one_of((0..values).map(|value| value * 2));
        let page = Page {
            limit: 7,
            ..Page::new(Filter::new().and(place.clone(), one_of))
        };
        let expected = usize::try_from(values).unwrap().min(75);
        assert_eq!(all(&store, &page).await.len(), expected, "{values}");
    }
    let unbounded = Filter::new().and(place.clone(), Test::one_of(0..10_001));
    let refused = store.page(&Page::new(unbounded.clone())).await;
    assert!(matches!(refused, Err(event_store::Error::Query(_))), "{refused:?}");
    let query = event_core::Query::from_pairs([]).unwrap().with_filter(unbounded);
    assert!(matches!(store.answer(&query).await, Err(event_store::Error::Query(_))));
}
