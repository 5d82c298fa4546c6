//! The directory of a spool: who may have it, and when.

use std::time::Duration;

use event_client::{BuildError, Client, SpoolError, SpoolOptions};
use event_core::Event;

fn build(options: SpoolOptions) -> Result<Client, BuildError> {
    let client = Client::builder("http://127.0.0.1:9").source("shop");
    client.spool(options).build()
}

#[test]
fn after_shutdown_another_client_can_have_it_at_once() {
    let home = tempfile::tempdir().unwrap();
    let mut handles = Vec::new();
    for events in 0..4 {
        let client = build(SpoolOptions::new(home.path())).unwrap();
        assert_eq!(client.stats().spooled, events);
        assert!(matches!(
            build(SpoolOptions::new(home.path())),
            Err(BuildError::Spool(SpoolError::Locked { .. }))
        ));
        client.track(Event::builder("order", "created")).unwrap();
        client.shutdown_blocking(Duration::from_millis(10)).unwrap_err();
        handles.push(client);
    }
    // Also one that was never used.
    let home = tempfile::tempdir().unwrap();
    let unused = build(SpoolOptions::new(home.path())).unwrap();
    unused.shutdown_blocking(Duration::from_millis(10)).unwrap();
    build(SpoolOptions::new(home.path())).unwrap();
}

#[test]
fn it_has_room_for_any_event() {
    let home = tempfile::tempdir().unwrap();
    for bytes in [0, 1 << 20] {
        let refused = build(SpoolOptions::new(home.path().join("new")).bytes(bytes));
        let Err(BuildError::Spool(SpoolError::TooSmall { bytes: said, least })) = refused else {
            panic!("{bytes} bytes are taken for enough: {refused:?}");
        };
        assert!(said == bytes && (1 << 20..1 << 21).contains(&least));
    }
    assert!(!home.path().join("new").exists());
    let client = build(SpoolOptions::new(home.path()).bytes(2 << 20).segment_bytes(1000)).unwrap();
    let large = Event::builder("order", "created").field("text", "x".repeat(250 * 1024));
    client.track(large).unwrap();
    client.shutdown_blocking(Duration::ZERO).unwrap_err();
    assert_eq!(client.stats().spooled, 1);
}
