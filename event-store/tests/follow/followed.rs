//! Reading the log on and on.

use std::time::{Duration, Instant};

use event_core::Filter;
use event_core::filter::{Condition, Field, Scalar, Test};
use event_core::{EventType, Query, Timestamp};
use event_store::follow::{Follow, Follower};
use event_store::{Error, PrunedCells};
use futures_util::StreamExt as _;

use crate::disk::Disk;
use crate::tally::{fill, ingest, offer};

/// The positions that come next, so many.
async fn read(follower: &mut Follower, events: usize) -> Vec<i64> {
    let mut read = Vec::new();
    while read.len() < events {
        let batch = tokio::time::timeout(Duration::from_secs(60), follower.next()).await;
        let batch = batch.expect("it never came").unwrap();
        assert!(batch.events.last().is_none_or(|last| last.position <= batch.position));
        assert!(batch.position <= batch.head);
        read.extend(batch.events.iter().map(|stored| stored.position));
    }
    read
}

fn equals(field: Field, text: &str) -> Filter {
    let mut filter = Filter::new();
    filter.all.push(Condition {
        field,
        test: Test::Equals(Scalar::String(text.into())),
    });
    filter
}

pub(crate) async fn what_is_there_and_what_comes_is_read_once_in_order(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    fill(&store, 700).await;
    let mut follower = store.follow(Follow::all().rows(100));
    assert_eq!(read(&mut follower, 700).await, (1..=700).collect::<Vec<i64>>());
    let writers: Vec<_> = [store.clone(), other, store.clone()]
        .into_iter()
        .map(|store| {
            tokio::spawn(async move {
                for _ in 0..40 {
                    ingest(
                        &store,
                        (0..5).map(|number| offer(&format!("w-{number}"), "nothing")).collect(),
                    )
                    .await;
                }
            })
        })
        .collect();
    assert_eq!(read(&mut follower, 600).await, (701..=1_300).collect::<Vec<i64>>());
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(follower.try_next().await.unwrap(), None);
    // Whoever kept the place goes on behind it.
    let stream = store.follow(Follow::after(1_290)).into_stream();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(stream.next().await.unwrap().unwrap().events.len(), 10);
}

pub(crate) async fn only_what_is_wanted_is_read_and_the_place_moves_on(disk: Disk) {
    let store = disk.open().await;
    fill(&store, 50).await;
    let mut follower = store.follow(Follow::all().filter(equals(Field::Subject, "s-3")));
    assert_eq!(read(&mut follower, 5).await, [4, 14, 24, 34, 44]);
    assert_eq!(follower.try_next().await.unwrap(), None);
    assert_eq!(follower.position(), 50);
    // Of a type that nobody has sent yet.
    let mut rare = store.follow(Follow::all().filter(equals(Field::Name, "rare")));
    assert_eq!(rare.try_next().await.unwrap(), None);
    fill(&store, 10).await;
    let text = br#"{"category":"a","name":"rare","data":{"n":1}}"#;
    ingest(&store, vec![event_store::Offer::Json(text.to_vec())]).await;
    assert_eq!(read(&mut rare, 1).await, [61]);
    // By the data, and of a source that there is not.
    let what = Field::Data("/what".parse().unwrap());
    let mut of_data = store.follow(Follow::after(20).filter(equals(what, "nothing")));
    assert_eq!(read(&mut of_data, 40).await.len(), 40);
    let mut nobody = store.follow(Follow::all().filter(equals(Field::Source, "nobody")));
    assert_eq!(nobody.try_next().await.unwrap(), None);
    // Many places without any that is wanted are told of, so that they can be saved.
    fill(&store, 12_000).await;
    let batch = rare.next().await.unwrap();
    assert_eq!((batch.events.len(), batch.position), (0, 12_061));
}

pub(crate) async fn pages_are_bounded_and_wait_to_be_asked_for(disk: Disk) {
    let store = disk.open().await;
    let large = "x".repeat(20_000);
    ingest(&store, (0..60).map(|_| offer("s", &large)).collect()).await;
    let mut follower = store.follow(Follow::all().rows(50).bytes(200_000));
    let mut sizes = Vec::new();
    while let Some(batch) = follower.try_next().await.unwrap() {
        sizes.push(batch.events.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 60);
    assert!(sizes.iter().all(|size| *size <= 13), "{sizes:?}");
    let mut follower = store.follow(Follow::all().rows(7));
    assert_eq!(follower.try_next().await.unwrap().unwrap().events.len(), 7);
}

pub(crate) async fn what_another_store_writes_is_seen_soon(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    let mut follower = store.follow(Follow::all().poll(Duration::from_millis(300)));
    assert_eq!(follower.try_next().await.unwrap(), None);
    let mut slowest = Duration::ZERO;
    for number in 0..5 {
        let waiting = tokio::spawn(async move {
            let batch = follower.next().await.unwrap();
            (batch.events.len(), Instant::now(), follower)
        });
        tokio::time::sleep(Duration::from_millis(700)).await;
        let writes = if number % 2 == 0 { &store } else { &other };
        ingest(writes, vec![offer("s", "nothing")]).await;
        let stored = Instant::now();
        let (events, seen, back) = waiting.await.unwrap();
        follower = back;
        assert_eq!(events, 1);
        slowest = slowest.max(seen.saturating_duration_since(stored));
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

pub(crate) async fn a_follower_is_told_what_was_pruned_before_it_came(disk: Disk) {
    let store = disk.open().await;
    let old = |day: u32| {
        let text = format!(
            r#"{{"category":"a","name":"b","occurred_at":"2020-01-{day:02}T00:00:00Z","data":{{"what":"old"}}}}"#
        );
        event_store::Offer::Json(text.into_bytes())
    };
    ingest(&store, (1..=20).map(old).collect()).await;
    let text = br#"{"category":"a","name":"c"}"#;
    ingest(&store, vec![event_store::Offer::Json(text.to_vec())]).await;
    let mut behind = store.follow(Follow::all().rows(5));
    let mut others = store.follow(Follow::all().rows(5).filter(equals(Field::Name, "c")));
    assert_eq!(read(&mut behind, 5).await.len(), 5);
    let before: Timestamp = "2020-01-11T00:00:00Z".parse().unwrap();
    let of_type = EventType::new("a", "b").unwrap();
    let pruned = store.prune(&of_type, before, PrunedCells::Keep, |_| {}).await.unwrap();
    assert_eq!(pruned.events, 10);
    match behind.next().await {
        Err(Error::Pruned { after: 5, to: 10 }) => {}
        other => panic!("{other:?}"),
    }
    // Whoever was past them misses nothing, nor who never wanted them, nor who begins now with what is left.
    assert_eq!(read(&mut store.follow(Follow::after(10)), 11).await.len(), 11);
    assert_eq!(read(&mut others, 1).await, [21]);
    assert_eq!(read(&mut store.follow(Follow::all().rows(3)), 11).await[0], 11);
    let count = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
    assert_eq!(count.rows[0].value.as_ref().unwrap().to_string(), "11");
}

pub(crate) async fn a_closed_store_ends_a_follower(disk: Disk) {
    let store = disk.open().await;
    let mut follower = store.follow(Follow::all());
    let waiting = tokio::spawn(async move { follower.next().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    store.close().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(ended, Err(Error::Closed)), "{ended:?}");
}
