//! What the client does with events, whatever the collector does: by its public doors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod watch;
mod log;
mod verdicts;
mod failures;
mod pausing;
mod room;
mod ending;
mod losses;
mod numbers;
mod threads;
mod runtimes;
