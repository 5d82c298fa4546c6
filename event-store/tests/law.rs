//! The law: the answer in SQL is the answer of the fold in memory, on any events and any question.

#![allow(clippy::unwrap_used, missing_docs)]

use event_core::aggregate::Origin;
use event_core::query::{Order, Page};
use event_core::{Answer, Event, Registry, arbitrary};
use event_store::EventStore;
use proptest::prelude::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// A store of these events, and the events as stored: those whose id was free.
async fn filled(events: &[Event]) -> (EventStore, Vec<Event>) {
    let store = EventStore::connect("sqlite::memory:").await.unwrap();
    let mut kept: Vec<Event> = Vec::new();
    let mut valid = Vec::new();
    for event in events {
        let now = event_core::Timestamp::MAX;
        valid.push(Registry::default().validate(event.clone(), now).unwrap());
    }
    for (event, verdict) in events.iter().zip(store.append(valid).await.unwrap()) {
        if verdict.status == event_core::verdict::Status::Stored {
            kept.push(event.clone());
        }
    }
    (store, kept)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn sql_answers_what_the_fold_answers(
        events in proptest::collection::vec(arbitrary::event(), 0..40),
        queries in proptest::collection::vec(arbitrary::query(), 8),
    ) {
        runtime().block_on(async {
            let (store, kept) = filled(&events).await;
            for query in queries {
                let expected = event_core::answer(&query, &kept).map(|answer| answer.rows);
                let found = match store.answer(&query).await {
                    Ok(Answer { rows, source, .. }) => {
                        prop_assert_eq!(source, Origin::Rows);
                        Ok(rows)
                    }
                    Err(event_store::Error::Query(error)) => Err(error),
                    Err(other) => panic!("{other:?} for {query:?}"),
                };
                prop_assert_eq!(found, expected, "{:?}", serde_json::to_string(&query));
            }
            store.close().await.unwrap();
            Ok(())
        })?;
    }

    #[test]
    fn pages_list_every_matching_event_once_in_order(
        events in proptest::collection::vec(arbitrary::event(), 0..40),
        query in arbitrary::query(),
        limit in 1_usize..7,
        descending: bool,
    ) {
        runtime().block_on(async {
            let (store, kept) = filled(&events).await;
            let order = if descending { Order::Descending } else { Order::Ascending };
            let mut page = Page { from: query.from, to: query.to, order, limit, ..Page::new(query.filter.clone()) };
            let mut found = Vec::new();
            loop {
                let answer = store.page(&page).await.unwrap();
                prop_assert!(answer.events.len() <= limit);
                found.extend(answer.events);
                match answer.next {
                    None => break,
                    Some(next) => page.cursor = event_core::query::Cursor::read(&next, &page.question()),
                }
                prop_assert!(page.cursor.is_some());
            }
            let place = |stored: &event_core::StoredEvent| (stored.event.envelope().occurred_at, stored.position);
            let mut sorted = found.clone();
            sorted.sort_by_key(place);
            if descending {
                sorted.reverse();
            }
            prop_assert_eq!(&found, &sorted);
            let mut expected: Vec<_> = kept.iter().filter(|event| {
                query.covers(event.envelope().occurred_at) && query.filter.matches(event)
            }).map(|event| (event.envelope().clone(), event.payload().clone())).collect();
            let mut found: Vec<_> = found.into_iter().map(|stored| {
                (stored.event.envelope().clone(), stored.event.payload().clone())
            }).collect();
            let key = |pair: &(event_core::Envelope, event_core::Payload)| (pair.0.source.clone(), pair.0.id.clone());
            expected.sort_by_key(key);
            found.sort_by_key(key);
            prop_assert_eq!(found, expected);
            store.close().await.unwrap();
            Ok(())
        })?;
    }
}
