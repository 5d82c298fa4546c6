//! The client against a real collector, over a network that fails in every way, and through deaths of
//! its own process. `EVENT_TEST_LONG=1` asks for the full numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod calls;
mod delivery;
mod directory;
mod key;
mod kill;
mod log;
mod outage;
mod proxy;
#[cfg(feature = "validation")]
mod schemas;

/// So many where time is short, or so many where it is not.
fn scale(short: u64, long: u64) -> u64 {
    if std::env::var_os("EVENT_TEST_LONG").is_some() {
        long
    } else {
        short
    }
}
