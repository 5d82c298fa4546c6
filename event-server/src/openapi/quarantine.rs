//! Refused events: found, mended, replayed, discarded.

use axum::http::Method;

use super::event::{lift, limit, status, verdict};
use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Member, Shape, anything, between, flag, id, instant, integer, label, list, may, named, need, nullable, object,
    record, short, text, word,
};
use crate::body::Media;
use crate::reply::Reason;

const TAG: &str = "quarantine";

pub(super) fn routes() -> Vec<Route> {
    let numbered = |method: &Method, name, summary| {
        route(method, "/v1/quarantine/{number}", name, summary)
            .under(TAG)
            .within("number", integer(1), "The number of the entry")
            .refuses(&[Reason::EntryNotFound])
    };
    vec![
        listed(),
        numbered(
            &Method::GET,
            "getRefused",
            "Show a refused event, with the spots that are wrong",
        )
        .answers(named("Inspected"), "The entry, and all that was done to it"),
        numbered(&Method::PATCH, "editRefused", "Change the document of a refused event")
            .with("dry_run", word(["true", "false"]), "Only tell what would become of it")
            .finds(Problems::of_json)
            .takes([(Media::JsonPatch, list(named("PatchOperation")).into())])
            .answers(named("Edited"), "What would become of it, if it was replayed")
            .refuses(&[Reason::InvalidPatch, Reason::EntrySettled]),
        worked(
            "/v1/quarantine/replay",
            "replayRefused",
            "Judge refused events again",
            "ReplayWork",
        )
        .answers(named("Replayed"), "What became of them")
        .refuses(&[Reason::InvalidDefinition]),
        worked(
            "/v1/quarantine/discard",
            "discardRefused",
            "Put refused events aside for good",
            "DiscardWork",
        )
        .answers(named("Discarded"), "How many were"),
    ]
}

fn listed() -> Route {
    route(
        &Method::GET,
        "/v1/quarantine",
        "listRefused",
        "List refused events, page by page",
    )
    .under(TAG)
    .with("code", named("Code"), "Only those refused for this")
    .with("source", id(), "Only those of this source")
    .with("category", label(), "Only those of this category; goes with a name")
    .with("name", label(), "Only those of this name; goes with a category")
    .with("from", text(), "Only those refused from this instant on")
    .with("to", text(), "Only those refused before this instant")
    .with(
        "state",
        word(["open", "replayed", "discarded"]),
        "Only those in this state",
    )
    .with("limit", limit(), "How many a page; 100 unless given")
    .with("cursor", text(), "The `next` of the page before")
    .answers(named("RefusedEvents"), "A page")
    .finds(Problems::of_question)
}

fn worked(path: &'static str, name: &'static str, summary: &'static str, work: &'static str) -> Route {
    let worked = route(&Method::POST, path, name, summary).under(TAG);
    worked
        .takes_json(named(work))
        .refuses(&[Reason::InvalidWork, Reason::InvalidDefinition])
}

fn entry() -> Vec<Member> {
    vec![
        need("number", integer(1)),
        need("state", word(["open", "replayed", "discarded"])),
        need("code", named("Code")),
        need("violations", list(named("Violation"))),
        need("source", id()),
        may("id", id()),
        may("category", label()),
        may("name", label()),
        may("version", label()),
        may("session_id", id()),
        may("subject", short(256)),
        may("raw", text().description(Some("What came in"))),
        may("raw_hex", text().description(Some("What came in, where it is no text"))),
        may("edited", text().description(Some("What it was changed to"))),
        need("raw_bytes", integer(0)),
        may("sha256", text()),
        need("received_at", instant()),
        need("last_received_at", instant()),
        need("occurrences", integer(1)),
    ]
}

fn inspected() -> Shape {
    let mark = record([
        need("pointer", text()),
        need("keyword", text()),
        may("limit", text()),
        need("message", text()),
        may("value", anything()),
        may("offset", integer(0)),
    ]);
    let history = record([
        need("at", instant()),
        need("action", word(["edited", "replayed", "failed_again", "discarded"])),
        may("actor", label()),
        may("detail", text()),
    ]);
    let mut inspected = entry();
    inspected.extend([
        need("marks", list(mark)),
        need("verdict", named("Verdict")),
        need("history", list(history)),
    ]);
    record(inspected).into()
}

/// On which entries something is done: one of `ids` and `filter`.
fn work(own: Member) -> Shape {
    let filter = record([
        may("code", named("Code")),
        may("source", id()),
        may("category", label()),
        may("name", label()),
        may("from", text()),
        may("to", text()),
    ]);
    let work = record([
        may("ids", list(integer(0)).min_items(Some(1)).max_items(Some(10_000))),
        may("filter", filter),
        may("dry_run", flag()),
        may("limit", between(0, 10_000)),
        may("after", nullable(integer(0))),
        own,
    ]);
    work.description(Some("Either `ids` or `filter` says which; an empty filter means all"))
        .into()
}

fn run() -> Shape {
    word(["real", "dry"]).into()
}

fn replayed() -> Shape {
    let sample = [need("number", integer(1)), may("upcast", lift())];
    let outcome = record([
        need("status", status()),
        may("code", named("Code")),
        need("entries", integer(1)),
        need("samples", list(record(verdict().into_iter().chain(sample)))),
    ]);
    let replayed = record([
        need("run", run()),
        need("entries", integer(0)),
        need("skipped", integer(0)),
        need("outcomes", list(outcome)),
        may("next", integer(0)),
    ]);
    replayed.into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let patch = object().description(Some("An operation of JSON Patch (RFC 6902)"));
    let entries = record([
        need("entries", list(named("RefusedEvent"))),
        need("next", nullable(text())),
    ]);
    let edited = record([
        need("number", integer(1)),
        need("run", run()),
        need("document", text()),
        need("verdict", named("Verdict")),
    ]);
    let discarded = record([
        need("run", run()),
        need("entries", integer(0)),
        need("skipped", integer(0)),
        may("next", integer(0)),
    ]);
    let upcast = may(
        "upcast",
        text().description(Some("As which version they are read: a version, or latest")),
    );
    vec![
        ("RefusedEvent", record(entry()).into()),
        ("RefusedEvents", entries.into()),
        ("Inspected", inspected()),
        ("PatchOperation", patch.into()),
        ("Edited", edited.into()),
        ("ReplayWork", work(upcast)),
        ("DiscardWork", work(may("note", label()))),
        ("Replayed", replayed()),
        ("Discarded", discarded.into()),
    ]
}
