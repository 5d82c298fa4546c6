//! Pages: every event that a filter chooses, once, in order, however many fit on one.

use event_core::query::{Cursor, Order, Page};
use event_core::{Envelope, Event, Payload, StoredEvent};
use proptest::prelude::*;

use crate::disk::Disk;
use crate::hostile;
use crate::world::{hold, shown};

fn content(event: &Event) -> (Envelope, Payload) {
    (event.envelope().clone(), event.payload().clone())
}

pub(crate) fn pages_list_every_matching_event_once_in_order(disk: fn() -> Disk) {
    let events = proptest::collection::vec(hostile::event(), 0..40);
    let case = (events, hostile::draft(), 1_usize..7, any::<bool>());
    hold(disk, case, |world, (events, draft, limit, descending)| {
        let (store, kept) = world.filled(&events);
        let query = draft.of(&kept);
        let order = if descending {
            Order::Descending
        } else {
            Order::Ascending
        };
        let mut page = Page {
            from: query.from,
            to: query.to,
            order,
            limit,
            ..Page::new(query.filter.clone())
        };
        let mut found: Vec<StoredEvent> = Vec::new();
        loop {
            let answer = match world.runtime.block_on(store.page(&page)) {
                Ok(answer) => answer,
                Err(other) => {
                    return Err(TestCaseError::fail(format!("{other:?} for {}", shown(&query, &kept))));
                }
            };
            prop_assert!(answer.events.len() <= limit);
            found.extend(answer.events);
            match answer.next {
                None => break,
                Some(next) => page.cursor = Cursor::read(&next, &page.question()),
            }
            prop_assert!(page.cursor.is_some());
        }
        let mut sorted = found.clone();
        sorted.sort_by_key(|stored| (stored.event.envelope().occurred_at, stored.position));
        if descending {
            sorted.reverse();
        }
        prop_assert_eq!(&found, &sorted);
        let chosen = |event: &&Event| query.covers(event.envelope().occurred_at) && query.filter.matches(event);
        let mut expected: Vec<_> = kept.iter().filter(chosen).map(content).collect();
        let mut found: Vec<_> = found.iter().map(|stored| content(&stored.event)).collect();
        let key = |pair: &(Envelope, Payload)| (pair.0.source.clone(), pair.0.id.clone());
        expected.sort_by_key(key);
        found.sort_by_key(key);
        prop_assert_eq!(found, expected, "{}", shown(&query, &kept));
        Ok(())
    });
}
