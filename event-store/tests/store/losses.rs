//! What clients report as lost: counted once, added up, listed in order.

use std::sync::Arc;

use event_core::wire::{Loss, LossReport};
use event_core::{EventId, Source, Timestamp};
use event_store::loss::{LossFilter, Reported, ReportedLoss};
use event_store::{Error, EventStore};
use tokio::sync::Barrier;

use crate::disk::Disk;
use crate::sample::label;

/// Lines of hour, reason and events.
fn report(id: &str, source: &str, lines: &[(&str, &str, u64)]) -> LossReport {
    let loss = |(hour, reason, events): &(&str, &str, u64)| Loss {
        hour: hour.parse().unwrap(),
        reason: label(reason),
        events: *events,
    };
    LossReport {
        id: EventId::new(id).unwrap(),
        source: Source::new(source).unwrap(),
        losses: lines.iter().map(loss).collect(),
    }
}

fn shown(losses: &[ReportedLoss]) -> Vec<String> {
    let line = |loss: &ReportedLoss| format!("{} {} {} {}", loss.hour, loss.source, loss.reason, loss.events);
    losses.iter().map(line).collect()
}

async fn all(store: &EventStore) -> Vec<String> {
    shown(&store.losses(&LossFilter::default()).await.unwrap())
}

/// Where a report is wrong.
async fn pointer(store: &EventStore, report: LossReport) -> String {
    match store.report_losses(report).await {
        Err(Error::LossReport(error)) => error.pointer,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_report_is_counted_once_and_outlives_the_process(disk: Disk) {
    let store = disk.open().await;
    let lines = [
        ("2021-01-01T14:20:00Z", "queue_full", 30),
        ("2021-01-01T14:40:00Z", "queue_full", 7),
        ("2021-01-01T14:00:00Z", "expired", 1),
    ];
    let first = report("r-1", "shop-web", &lines);
    assert_eq!(store.report_losses(first.clone()).await.unwrap(), Reported::Stored);
    assert_eq!(store.report_losses(first.clone()).await.unwrap(), Reported::Duplicate);
    // Its id is what makes it the same; another case is another id, and another source another report.
    let other = report("r-1", "shop-web", &[("2021-01-01T14:00:00Z", "expired", 500)]);
    assert_eq!(store.report_losses(other).await.unwrap(), Reported::Duplicate);
    for (id, source) in [("R-1", "shop-web"), ("r-1", "Shop-web")] {
        let another = report(id, source, &[("2021-01-01T14:00:00Z", "expired", 2)]);
        assert_eq!(store.report_losses(another).await.unwrap(), Reported::Stored);
    }
    let nothing = report("r-2", "shop-web", &[]);
    assert_eq!(store.report_losses(nothing.clone()).await.unwrap(), Reported::Stored);
    assert_eq!(store.report_losses(nothing).await.unwrap(), Reported::Duplicate);
    store.close().await.unwrap();
    assert!(matches!(store.report_losses(first.clone()).await, Err(Error::Closed)));

    let store = disk.open().await;
    assert_eq!(store.report_losses(first).await.unwrap(), Reported::Duplicate);
    let expected = [
        "2021-01-01T14:00:00Z Shop-web expired 2",
        "2021-01-01T14:00:00Z shop-web expired 3",
        "2021-01-01T14:00:00Z shop-web queue_full 37",
    ];
    assert_eq!(all(&store).await, expected);
}

pub(crate) async fn a_report_that_two_stores_take_at_once_is_counted_once(disk: Disk) {
    const ROUNDS: usize = 10;
    let stores = [disk.open().await, disk.open().await];
    for round in 0..ROUNDS {
        let lines = [
            ("2021-01-01T14:00:00Z", "queue_full", 3),
            ("2021-01-01T15:00:00Z", "é", 1),
        ];
        let report = report(&format!("r-{round}"), "shop-web", &lines);
        let start = Arc::new(Barrier::new(4));
        let take = |taker: usize| {
            let (store, start, report) = (stores[taker % 2].clone(), Arc::clone(&start), report.clone());
            tokio::spawn(async move {
                start.wait().await;
                // Whoever has to give way comes again, as a client does.
                loop {
                    match store.report_losses(report.clone()).await {
                        Err(Error::Contention(_) | Error::Unknown(_) | Error::Unavailable(_)) => {}
                        other => break other.unwrap(),
                    }
                }
            })
        };
        let mut stored = 0;
        for taken in (0..4).map(take).collect::<Vec<_>>() {
            stored += usize::from(taken.await.unwrap() == Reported::Stored);
        }
        // Where its outcome stayed unknown, whoever stored it was told of a duplicate.
        assert!(stored <= 1, "{stored}");
    }
    let expected = [
        "2021-01-01T14:00:00Z shop-web queue_full 30",
        "2021-01-01T15:00:00Z shop-web é 10",
    ];
    assert_eq!(all(&stores[0]).await, expected);
}

pub(crate) async fn a_caller_that_goes_away_does_no_harm(disk: Disk) {
    let store = disk.open().await;
    for number in 0..20_u32 {
        let report = report(&format!("r-{number}"), "shop-web", &[("2021-01-01T14:00:00Z", "a", 1)]);
        let left = tokio::time::timeout(
            std::time::Duration::from_micros(u64::from(number) * 150),
            store.report_losses(report.clone()),
        );
        let _ = left.await;
    }
    // Offered again, each is counted once, whether or not it had been.
    for number in 0..20 {
        let report = report(&format!("r-{number}"), "shop-web", &[("2021-01-01T14:00:00Z", "a", 1)]);
        store.report_losses(report).await.unwrap();
    }
    assert_eq!(all(&store).await, ["2021-01-01T14:00:00Z shop-web a 20"]);
}

pub(crate) async fn what_cannot_be_counted_is_refused_with_its_place(disk: Disk) {
    let store = disk.open().await;
    let hour = "2021-01-01T14:00:00Z";
    for (lines, place) in [
        (&[(hour, "a", 1), (hour, "b", 0)][..], "/losses/1/events"),
        (&[(hour, "a", Loss::MAX_EVENTS + 1)], "/losses/0/events"),
        (&[(hour, "a", u64::MAX)], "/losses/0/events"),
        (&[(hour, "a", 1), ("9999-12-31T23:59:59Z", "a", 0)], "/losses/1/events"),
        (&vec![(hour, "a", 1); 1_001], "/losses"),
    ] {
        assert_eq!(pointer(&store, report("r-1", "shop-web", lines)).await, place);
    }
    assert_eq!(all(&store).await, [""; 0]);

    // What is refused was not taken: its id is free. A thousand lines are taken, the greatest number is.
    let thousand: Vec<String> = (0..999).map(|number| format!("reason {number}")).collect();
    let mut lines: Vec<(&str, &str, u64)> = thousand.iter().map(|reason| (hour, reason.as_str(), 1)).collect();
    lines.push((hour, "most", Loss::MAX_EVENTS));
    let most = report("r-1", "shop-web", &lines);
    assert_eq!(store.report_losses(most).await.unwrap(), Reported::Stored);
    assert_eq!(all(&store).await.len(), 1_000);

    // One more, and the sum would be inexact where it is read: none of its lines are counted.
    let later = "2021-01-01T15:00:00Z";
    let beyond = [(later, "most", 1), (hour, "new", 1), (hour, "most", 1)];
    assert_eq!(
        pointer(&store, report("r-2", "shop-web", &beyond)).await,
        "/losses/2/events"
    );
    let losses = store.losses(&LossFilter::default()).await.unwrap();
    assert_eq!(losses.len(), 1_000);
    let greatest = losses.iter().map(|loss| loss.events).max();
    assert_eq!(greatest, Some(Loss::MAX_EVENTS));
    // Nor where it is of the present hour only because its own has not come.
    let ahead = "9999-12-31T23:59:59Z";
    let most = report("r-4", "shop-web", &[(ahead, "now", Loss::MAX_EVENTS)]);
    assert_eq!(store.report_losses(most).await.unwrap(), Reported::Stored);
    let more = report("r-5", "shop-web", &[(ahead, "now", 1)]);
    assert_eq!(pointer(&store, more).await, "/losses");
    for (id, source, line) in [
        ("r-2", "shop-web", (later, "most", 1)),
        ("r-3", "shop-app", (hour, "most", 1)),
    ] {
        let fits = report(id, source, &[line]);
        assert_eq!(store.report_losses(fits).await.unwrap(), Reported::Stored);
    }
}

pub(crate) async fn losses_are_listed_by_hour_source_and_reason(disk: Disk) {
    let store = disk.open().await;
    for (id, source, lines) in [
        (
            "1",
            "shop-web",
            &[("2021-01-01T15:00:00Z", "b", 1), ("2021-01-01T15:00:00Z", "B", 2)][..],
        ),
        ("2", "shop-app", &[("2021-01-01T15:00:00Z", "é", 4)]),
        ("3", "shop-web", &[("2021-01-01T13:00:00Z", "b ~ <i>", 8)]),
        (
            "4",
            "shop-web",
            &[("2021-01-01T15:00:00Z", "b", 16), ("2021-01-01T16:00:00Z", "b", 32)],
        ),
    ] {
        store.report_losses(report(id, source, lines)).await.unwrap();
    }
    let expected = [
        "2021-01-01T13:00:00Z shop-web b ~ <i> 8",
        "2021-01-01T15:00:00Z shop-app é 4",
        "2021-01-01T15:00:00Z shop-web B 2",
        "2021-01-01T15:00:00Z shop-web b 17",
        "2021-01-01T16:00:00Z shop-web b 32",
    ];
    assert_eq!(all(&store).await, expected);
    let time = |text: &str| -> Option<Timestamp> { Some(text.parse().unwrap()) };
    let filter = |from, to, source: Option<&str>| LossFilter {
        from,
        to,
        source: source.map(|source| Source::new(source).unwrap()),
    };
    // An hour of which some minutes are asked for is listed.
    for (filter, rows) in [
        (filter(time("2021-01-01T15:59:00Z"), None, None), &expected[1..]),
        (filter(None, time("2021-01-01T15:00:00Z"), None), &expected[..1]),
        (
            filter(time("2021-01-01T15:30:00Z"), time("2021-01-01T15:45:00Z"), None),
            &expected[1..4],
        ),
        (filter(None, None, Some("shop-app")), &expected[1..2]),
        (filter(None, None, Some("Shop-app")), &[]),
        (
            filter(time("2021-01-01T16:00:00Z"), time("2021-01-01T16:00:00Z"), None),
            &[],
        ),
    ] {
        assert_eq!(shown(&store.losses(&filter).await.unwrap()), rows, "{filter:?}");
        let mut latest = shown(&store.latest_losses(&filter, 100).await.unwrap());
        latest.reverse();
        assert_eq!(latest, rows, "{filter:?}");
    }
    let latest = store.latest_losses(&LossFilter::default(), 2).await.unwrap();
    assert_eq!(shown(&latest), [expected[4], expected[3]]);
}

pub(crate) async fn more_than_a_list_holds_is_said_so(disk: Disk) {
    let store = disk.open().await;
    let reasons: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    for number in 0..10 {
        let hour = format!("2021-01-01T{number:02}:00:00Z");
        let lines: Vec<_> = reasons
            .iter()
            .map(|reason| (hour.as_str(), reason.as_str(), 1))
            .collect();
        let report = report(&number.to_string(), "shop-web", &lines);
        assert_eq!(store.report_losses(report).await.unwrap(), Reported::Stored);
    }
    assert_eq!(store.losses(&LossFilter::default()).await.unwrap().len(), 10_000);
    let last = report("last", "shop-web", &[("2021-01-02", "one more", 1)]);
    assert_eq!(store.report_losses(last).await.unwrap(), Reported::Stored);
    let refused = store.losses(&LossFilter::default()).await;
    assert!(
        matches!(refused, Err(Error::TooManyLosses { limit: 10_000 })),
        "{refused:?}"
    );
    let day = LossFilter {
        from: Some("2021-01-02".parse().unwrap()),
        ..LossFilter::default()
    };
    assert_eq!(shown(&store.losses(&day).await.unwrap()).len(), 1);
    let latest = store.latest_losses(&LossFilter::default(), usize::MAX).await.unwrap();
    assert_eq!(latest.len(), 10_000);
}
