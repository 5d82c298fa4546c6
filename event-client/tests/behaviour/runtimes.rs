//! Inside of tokio, inside of something else, and inside of nothing.

use std::time::Duration;

use event_client::test;
use event_core::verdict::Status;

use crate::watch::{LONG, Watched, numbered, numbers, watched};

async fn everything(it: &Watched) {
    it.client.track(numbered(0)).unwrap();
    it.client.flush(LONG).await.unwrap();
    let verdicts = it.client.send([numbered(1), numbered(2)]).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict.status == Status::Stored));
    it.collected.go_down();
    it.client.track(numbered(3)).unwrap();
    assert_eq!(it.client.flush(Duration::from_millis(10)).await.unwrap_err().waiting, 1);
    it.collected.come_up();
    it.client.shutdown(LONG).await.unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2, 3]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_runtime_of_one_thread() {
    everything(&watched()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_of_many_threads() {
    everything(&watched()).await;
}

#[test]
fn a_runtime_that_is_not_tokio() {
    futures_executor::block_on(everything(&watched()));
}

/// It holds up the runtime, but not the client.
#[tokio::test(flavor = "current_thread")]
async fn what_blocks_may_be_called_in_a_runtime_too() {
    let it = watched();
    it.client.track(numbered(0)).unwrap();
    it.client.flush_blocking(LONG).unwrap();
    it.client.send_blocking([numbered(1)]).unwrap();
    it.client.shutdown_blocking(LONG).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
}

#[test]
fn a_runtime_that_ends_takes_nothing_with_it() {
    let it = watched();
    for number in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { it.client.track(numbered(number)).unwrap() });
        drop(runtime);
    }
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2]);
}

#[test]
fn a_send_that_nobody_waits_for_is_sent_all_the_same() {
    let it = watched();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        it.collected.go_down();
        let send = it.client.send([numbered(0)]);
        assert!(tokio::time::timeout(Duration::from_millis(5), send).await.is_err());
        it.collected.come_up();
    });
    it.client.shutdown_blocking(LONG).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0]);
}

#[test]
fn a_client_may_be_dropped_in_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (client, collected) = test::client();
    runtime.block_on(async move {
        client.track(numbered(0)).unwrap();
        drop(client);
    });
    crate::watch::until("delivered", || collected.events().len() == 1);
}
