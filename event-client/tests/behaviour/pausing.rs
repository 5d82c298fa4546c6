//! A key that is not taken: nothing is lost, somebody is told, and a better key is used at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_client::{Pause, Unconfirmed, test};

use crate::watch::{LONG, numbered, numbers, until, watch};

#[test]
fn a_refused_key_pauses_and_another_one_resumes_at_once() {
    let told: Arc<Mutex<Vec<Pause>>> = Arc::default();
    let theirs = Arc::clone(&told);
    let quick = test::builder().key("old").pause(Duration::from_millis(2));
    let it = watch(quick.on_pause(move |pause| theirs.lock().unwrap().push(pause)));
    it.collected.require_key("new");
    it.client.track(numbered(0)).unwrap();
    until("paused", || it.client.stats().paused == Some(Pause::Unauthenticated));
    // It tries again now and then, and says nothing of it.
    std::thread::sleep(Duration::from_millis(30));
    it.client.track(numbered(1)).unwrap();
    assert!(it.client.flush_blocking(Duration::from_millis(20)).is_err());
    assert_eq!(*told.lock().unwrap(), [Pause::Unauthenticated]);
    it.client.set_key("new").unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
    assert_eq!(it.client.stats().paused, None);
}

#[test]
fn another_key_does_not_wait_for_the_pause_to_end() {
    let it = watch(test::builder().key("old").pause(Duration::from_secs(3600)));
    it.collected.require_key("new");
    it.client.track(numbered(0)).unwrap();
    until("paused", || it.client.stats().paused.is_some());
    assert!(it.client.set_key("no\nkey").is_err());
    it.client.set_key("new").unwrap();
    until("delivered", || it.client.stats().stored == 1);
}

#[test]
fn a_callback_about_a_pause_may_panic() {
    let it = watch(test::builder().on_pause(|_| panic!("the application's own")));
    it.collected.answer_next(403);
    it.collected.answer_next(404);
    it.client.track(numbered(0)).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0]);
}

#[test]
fn a_send_does_not_wait_for_a_key() {
    let it = watch(test::builder().key("old"));
    it.collected.require_key("new");
    let error = it.client.send_blocking([numbered(0)]).unwrap_err();
    assert_eq!(error.reason, Unconfirmed::Paused(Pause::Unauthenticated));
    it.collected.behave();
    it.client.send_blocking([numbered(1)]).unwrap();
    it.client.shutdown_blocking(LONG).unwrap();
}
