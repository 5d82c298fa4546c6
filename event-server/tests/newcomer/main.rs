//! What a newcomer does: the lines of the README, and the first real document, line by line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/collector.rs"]
mod collector;
mod readme;
mod orders;
