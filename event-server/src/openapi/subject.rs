//! Subjects that are erased, and what clients had to give up.

use axum::http::Method;

use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{Shape, between, id, instant, integer, label, list, may, named, need, record, short, text, word};
use crate::reply::Reason;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            &Method::DELETE,
            "/v1/subjects/{subject}",
            "eraseSubject",
            "Take away all that names a subject",
        )
        .under("subjects")
        .within("subject", short(256), "The subject")
        .with("dry_run", word(["true", "false"]), "Only tell what would go")
        .answers(named("Erasure"), "The receipt")
        .refuses(&[Reason::SubjectNotFound]),
        route(
            &Method::GET,
            "/v1/erasures",
            "listErasures",
            "List the receipts of erasures",
        )
        .under("subjects")
        .answers(named("Erasures"), "All of them"),
        route(
            &Method::POST,
            "/v1/losses",
            "reportLosses",
            "Report what a client had to give up",
        )
        .told("A report is counted once, by its source and id, however often it comes.")
        .under("losses")
        .takes_json(named("LossReport"))
        .answers(named("Reported"), "Whether it is counted now, or was before")
        .refuses(&[Reason::InvalidLossReport]),
        route(
            &Method::GET,
            "/v1/losses",
            "listLosses",
            "List what clients had to give up",
        )
        .under("losses")
        .with("from", text(), "From the hour of this instant on")
        .with("to", text(), "Only hours that start before this instant")
        .with("source", id(), "Only those of this source")
        .answers(named("Losses"), "By hour, source and reason")
        .finds(Problems::of_question),
    ]
}

fn erasure() -> Shape {
    let count = |name| need(name, integer(0));
    let touched = record([
        count("events"),
        may("first_position", integer(1)),
        may("last_position", integer(1)),
        count("trails"),
        count("quarantine"),
        count("quarantine_history"),
        count("cells_changed"),
        count("cells_removed"),
        count("groups"),
        count("sketches_changed"),
        count("sketches_kept"),
    ]);
    let erasure = record([
        need("number", integer(0)),
        need("subject_sha256", text()),
        need("started_at", instant()),
        may("finished_at", instant()),
        need("touched", touched),
    ]);
    erasure.into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    // As many as a number of JavaScript counts exactly.
    let events = || between(1, 9_007_199_254_740_992);
    let line = record([need("hour", text()), need("reason", label()), need("events", events())]);
    let report = record([
        need("id", id()),
        need("source", id()),
        need("losses", list(line).max_items(Some(1_000))),
    ]);
    let loss = record([
        need("source", id()),
        need("hour", instant()),
        need("reason", label()),
        need("events", events()),
    ]);
    vec![
        ("Erasure", erasure()),
        ("Erasures", record([need("erasures", list(named("Erasure")))]).into()),
        ("LossReport", report.into()),
        (
            "Reported",
            record([need("status", word(["stored", "duplicate"]))]).into(),
        ),
        ("Losses", record([need("losses", list(loss))]).into()),
    ]
}
