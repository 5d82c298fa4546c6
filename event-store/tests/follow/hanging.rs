//! Events at which the code of a projection hangs.

use std::time::Duration;

use event_store::project::ProjectOptions;

use crate::disk::Disk;
use crate::tally::{Running, Tally, fill, ingest, offer, parked, quick, shown, until};

pub(crate) async fn leases_are_kept_while_events_hang(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    // More of them than there are connections for transactions of projections, each for longer than a lease lasts. On
    // SQLite all that writes takes turns, and a lease is longer than a round.
    let [timeout, lease] = match disk.name() {
        "sqlite" => [300, 6_000],
        _ => [4_000, 1_500],
    }
    .map(Duration::from_millis);
    let options = quick().shards(6).attempts(1).timeout(timeout).lease(lease);
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    until("all are held", async || {
        shown(&store, &tally).await.filter(|it| it.is_well())
    })
    .await;
    let hanging = (0..12).map(|number| offer(&format!("h-{number}"), "sleep"));
    ingest(&store, hanging.collect()).await;
    until("all are parked", async || {
        let status = shown(&store, &tally).await?;
        for shard in &status.shards {
            assert_eq!(shard.holder.as_deref(), Some(projector.holder()), "{shard:?}");
        }
        (status.parked == 12).then_some(())
    })
    .await;
    projector.stop().await;
}

pub(crate) async fn what_is_sent_is_stored_while_an_event_hangs(disk: Disk) {
    let (store, tally) = (disk.open().await, Tally::new(&disk));
    // As it comes on SQLite, where whatever is stored waits for it.
    let options = ProjectOptions::new().attempts(2);
    let options = match disk.name() {
        "sqlite" => options,
        _ => options.timeout(Duration::from_secs(1)),
    };
    let projector = store.project(Running::from(tally.clone()), options).await.unwrap();
    ingest(&store, vec![offer("s-3", "sleep")]).await;
    let mut sent = 0;
    until("it is parked", async || {
        fill(&store, 1).await;
        sent += 1;
        let all = parked(&store, &tally).await;
        all.first().cloned()
    })
    .await;
    let it = &parked(&store, &tally).await[0];
    assert_eq!(
        (it.code.as_str(), it.reason.as_str()),
        ("timed_out", "it took longer than 1s")
    );
    assert_eq!(store.head().await.unwrap(), sent + 1);
    projector.stop().await;
}
