//! The program from the outside: started as a process, asked over HTTP, stopped by signals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::time::{Duration, Instant};

/// A test of each function for each database: `databases::sqlite::…` and so on.
macro_rules! on_each_database {
    ($($name:ident,)+) => {
        on_each_database!(sqlite { $($name,)+ });
        on_each_database!(postgres { $($name,)+ });
        on_each_database!(mysql { $($name,)+ });
    };
    ($database:ident { $($name:ident,)+ }) => {
        mod $database {
            $(#[test]
            fn $name() {
                super::$name(&crate::collector::Place::$database());
            })+
        }
    };
}

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/lock.rs"]
mod lock;
mod collect;
mod foreign;
mod clients;
mod events;
mod follow;
mod export;
mod sessions;
mod query;
mod stories;
mod upload;
mod catalog;
mod versions;
mod upcasts;
mod metrics;
mod losses;
mod databases;
mod quarantine;
mod projections;
mod refused;
mod health;
mod home;
mod pages;
mod login;
mod document;
mod numbers;
mod requests;
mod bodies;
mod keys;
mod permits;
mod import;
mod count;
mod settings;
mod stop;
mod load;
mod shed;
#[cfg(feature = "otlp")]
mod traces;

/// Waits for what a running program hears of in the end.
fn soon(what: &str, longest: Duration, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < longest, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The events of the three clicks that the README sends.
const CLICKS: &str = r#"[
  {"session_id": "e2085be5", "category": "page interaction", "name": "pageview",
   "data": {"host": "www.example.com", "path": "/"}, "timestamp": "2021-01-01 09:15:27.243860"},
  {"session_id": "e2085be5", "category": "page interaction", "name": "cta click",
   "data": {"host": "www.example.com", "path": "/", "element": "chat bubble"}, "timestamp": "2021-01-01 09:15:27.243860"},
  {"session_id": "e2085be5", "category": "form interaction", "name": "submit",
   "data": {"host": "www.example.com", "path": "/", "form": {"first_name": "John"}}, "timestamp": "2021-01-01 10:15:27"}
]"#;
