//! Hostile input over HTTP: every row of the table against the program, as a process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/lock.rs"]
mod lock;
#[path = "../../../fixtures/bad_input.rs"]
mod table;
mod answer;
mod peer;
mod rows;
mod keys;
mod bomb;
mod gone;
mod outage;
mod stop;

#[test]
fn every_scenario_of_this_crate_is_played() {
    let played = [
        keys::SCENARIOS.as_slice(),
        &bomb::SCENARIOS,
        &gone::SCENARIOS,
        &outage::SCENARIOS,
        &stop::SCENARIOS,
    ]
    .concat();
    table::assert_scenarios("event-server", &played);
}

#[test]
fn every_row_is_in_the_table() {
    let http = (1..=32)
        .chain(34..=57)
        .chain(65..=68)
        .chain([70, 71, 74])
        .chain(75..=79);
    let rows: Vec<String> = http
        .map(|number| format!("H{number:02}"))
        .chain((1..=9).map(|number| format!("R{number:02}")))
        .collect();
    let cases = table::cases();
    let missing: Vec<&String> = rows
        .iter()
        .filter(|row| cases.iter().all(|case| case.row != **row))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
