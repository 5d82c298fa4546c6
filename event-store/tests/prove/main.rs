//! The fault proof of the store on SQLite: whatever fails and whenever it does, the database is what its callers were told.
//!
//! Each trial runs a fixed scenario in a process whose disk or clock fails at one call (`faults.c`, `clock.c`), and one judge looks at
//! what is left (`oracle.rs`), then at what is there once the same was done again to its end. Some of the calls fail in
//! every run of the tests, every single one with `EVENT_TEST_LONG=1`, as `cargo xtask prove` has it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "../store/disk.rs"]
mod disk;
#[allow(dead_code, reason = "other tests take more of it")]
#[path = "../order/process.rs"]
mod process;
#[allow(dead_code, reason = "the tests of followers take more of it")]
#[path = "../follow/tally.rs"]
mod tally;
mod journal;
mod plan;
mod place;
mod broken;
mod scenario;
mod oracle;
mod library;
mod trial;
mod sweep;
mod canary;
mod load;

use sweep::sweep;
use trial::{Clock, Fault, Trial};

#[tokio::test(flavor = "multi_thread")]
async fn the_scenario_comes_to_its_end_twice() {
    if trial::is_child().await {
        return;
    }
    let report = sweep::all([Trial::of(Fault::None, 0)]).await;
    report.conclude("without a fault");
}

/// A test of each fault, and at how many calls it strikes in the short form.
macro_rules! faults {
    ($($test:ident $name:literal $fault:ident $clock:ident $few:literal)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            sweep($name, Fault::$fault, Clock::$clock, $few).await;
        })+
    };
}

faults! {
    kills_at_any_write "kill at a write or sync" Kill Steady 10
    errors_of_the_disk "EIO at a write or sync" Eio Steady 8
    short_writes "short write" Short Steady 3
    a_disk_that_is_full_for_a_while "disk full, and room again" Full Steady 8
    losses_of_power "power lost, unsynced writes dropped and torn" Loss Steady 14
    kills_while_the_clock_jumps "kill while the clock jumps" Kill Jumping 4
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_under_load() {
    load::kills().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_on_purpose_is_caught() {
    canary::every_one_is_caught().await;
}
