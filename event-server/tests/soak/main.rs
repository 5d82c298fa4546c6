//! Everything at once: two collectors on one database, eight clients, and all that fails while they send. And answers
//! that never arrive, one after the other.
//!
//! A program of its own: while it runs, no other test uses the servers. `EVENT_TEST_LONG=1` asks for the full numbers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../support/collector.rs"]
mod collector;
#[path = "../../../event-store/tests/store/cut.rs"]
mod cut;
#[path = "../../../event-client/tests/network/proxy.rs"]
mod proxy;
#[cfg(target_os = "linux")]
#[path = "../../../event-store/tests/prove/library.rs"]
mod library;
mod clock;
mod plan;
mod journal;
mod client;
mod world;
mod judge;
mod tamper;
mod fault;
mod soak;
mod swallowed;

use std::sync::{Mutex, MutexGuard, PoisonError};

macro_rules! on_each_database {
    ($($database:ident $control:literal)+) => {
        $(mod $database {
            use crate::collector::Place;

            #[test]
            fn all_faults_at_once_lose_and_double_nothing() {
                let name = concat!(stringify!($database), "::all_faults_at_once_lose_and_double_nothing");
                if crate::client::is_one() {
                    return;
                }
                let _turn = crate::turn();
                crate::soak::run(stringify!($database), name, &Place::$database(), $control);
            }

            #[test]
            fn answers_that_are_swallowed_double_nothing() {
                let _turn = crate::turn();
                crate::swallowed::run(stringify!($database), &Place::$database());
            }
        })+
    };
}

on_each_database! {
    sqlite ""
    postgres "EVENT_TEST_POSTGRES_CONTROL"
    mysql "EVENT_TEST_MYSQL_CONTROL"
}

#[test]
fn a_store_that_takes_an_event_twice_is_noticed() {
    let _turn = turn();
    swallowed::is_noticed();
}

/// One at a time: what is done to a server is done to all who use it.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many where time is short, or so many where it is not; or what this variable says.
fn scale(variable: &str, short: u64, long: u64) -> u64 {
    if let Ok(told) = std::env::var(variable) {
        return told.parse().unwrap();
    }
    if std::env::var("EVENT_TEST_LONG").is_ok_and(|value| value == "1") {
        long
    } else {
        short
    }
}
