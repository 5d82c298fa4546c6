//! The store on SQLite, by its public doors: what goes in, what is kept, what comes out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sample;
mod once;
mod judged;
mod reading;
mod refused;
mod database;
mod sharing;
mod closing;
mod full;
