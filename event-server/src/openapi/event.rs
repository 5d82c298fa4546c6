//! Events: on their way in, as they are stored, and what became of them.

use axum::http::Method;

use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Member, Shape, anything, decimal, either, flag, id, instant, integer, label, list, may, named, need, nullable,
    object, open, record, short, text, word,
};
use crate::body::Media;
use crate::reply::{Done, Reason};

const TAG: &str = "events";

/// The parameters by which events are chosen.
pub(super) fn chosen(route: Route) -> Route {
    route
        .with("category", label(), "Only events of this category")
        .with("name", label(), "Only events of this name")
        .with("version", label(), "Only events of this version")
        .with("source", id(), "Only events of this source")
        .with("session", id(), "Only events of this session")
        .with("subject", short(256), "Only events about this subject")
        .with_data()
}

/// The range of time, and the zone of what is written without one.
pub(super) fn ranged(route: Route) -> Route {
    route
        .with("from", text(), "Only events from this instant on")
        .with("to", text(), "Only events before this instant")
        .with(
            "zone",
            text(),
            "The IANA zone of times without an offset, and of the calendar: UTC unless given",
        )
}

pub(super) fn routes() -> Vec<Route> {
    vec![collect(), listed(), followed(), receipt(), foreign(), session()]
}

fn collect() -> Route {
    let sent = either([named("Event"), list(named("Event")).into()]);
    let cloud = named("CloudEvent");
    route(&Method::POST, "/v1/events", "collectEvents", "Send events")
        .told(
            "Each event gets a verdict of its own, in the order in which they came, after the commit. The same event \
             again, by its source and id, is a duplicate: whatever had no answer may be sent again. A body may be \
             compressed with gzip, zstd or deflate.",
        )
        .under(TAG)
        .takes_json(sent)
        .takes([
            (Media::Ndjson, text().description(Some("One event a line")).into()),
            (Media::CloudEvent, cloud.clone()),
            (Media::CloudEventBatch, list(cloud).into()),
        ])
        .answers(named("Verdicts"), "One verdict an event")
        .refuses(&[Reason::BatchTooLarge])
}

fn listed() -> Route {
    let list = route(&Method::GET, "/v1/events", "listEvents", "List events, page by page")
        .under(TAG)
        .with("order", order(), "Of time; `ascending` unless given")
        .with("limit", limit(), "How many a page; 100 unless given")
        .with("cursor", text(), "The `next` of the page before")
        .with(
            "upcast",
            label(),
            "Show the data as of this version, or of the `latest`",
        );
    ranged(chosen(list))
        .answers(named("Events"), "A page")
        .finds(Problems::of_question)
}

fn followed() -> Route {
    let follow = route(
        &Method::GET,
        "/v1/events/follow",
        "followEvents",
        "Follow the log as server-sent events",
    )
    .told(
        "First what is there, then what comes, in the order of the log and without an end. Each message is an event, and its \
         `id` the position: whoever is cut off goes on behind the last one with `after` or `Last-Event-ID`, and misses \
         nothing. A message without data says how far it has come. One of the kind `problem` says why there is no more.",
    )
    .under(TAG)
    .with(
        "after",
        text(),
        "Only events behind this position, or behind the `head` of the log; all unless given",
    )
    .with(
        "upcast",
        label(),
        "Show the data as of this version, or of the `latest`",
    )
    .header("Last-Event-ID", text(), "The `id` of the last message that was seen; goes before `after`");
    chosen(follow)
        .answers_as(Done::Ok, "text/event-stream", text(), "The messages, as they come")
        .finds(Problems::of_question)
        .refuses(&[Reason::EventsPruned])
}

fn receipt() -> Route {
    route(
        &Method::GET,
        "/v1/events/{id}",
        "getEvent",
        "Look an event up by its id",
    )
    .under(TAG)
    .within("id", id(), "The id of the event")
    .with("source", id(), "Of which source, where several use this id")
    .with(
        "upcast",
        label(),
        "Show the data as of this version, or of the `latest`",
    )
    .answers(
        either([named("StoredEvent"), named("CountedEvent")]),
        "The event as it is stored, or that it was counted and is not kept itself",
    )
    .refuses(&[Reason::EventNotFound, Reason::AmbiguousId])
}

fn foreign() -> Route {
    let path = "/v1/types/{category}/{name}/{version}/events";
    let document = anything().description(Some("Whatever the mapping of the type reads"));
    let one_version = route(&Method::POST, path, "collectForeign", "Send documents of another form")
        .told("Each document goes through the mapping that is registered with the type.")
        .under(TAG);
    version_in_path(one_version)
        .takes_json(document)
        .takes([(Media::Ndjson, text().description(Some("One document a line")).into())])
        .answers(named("Verdicts"), "One verdict a document")
        .refuses(&[Reason::TypeNotFound, Reason::BatchTooLarge])
}

fn session() -> Route {
    route(
        &Method::GET,
        "/v1/sessions/{id}",
        "getSession",
        "The events of a session in their order",
    )
    .under(TAG)
    .within("id", id(), "The id of the session")
    .with(
        "upcast",
        label(),
        "Show the data as of this version, or of the `latest`",
    )
    .answers(named("Session"), "Its events, and what is missing between them")
    .refuses(&[Reason::SessionNotFound])
}

/// Category, name and version, as they stand in the path.
pub(super) fn version_in_path(route: Route) -> Route {
    type_in_path(route).within("version", label(), "The version of the type")
}

/// Category and name, as they stand in the path.
pub(super) fn type_in_path(route: Route) -> Route {
    route
        .within("category", label(), "The category of the type")
        .within("name", label(), "The name of the type")
}

pub(super) fn order() -> Shape {
    word(["ascending", "descending", "asc", "desc"]).into()
}

pub(super) fn limit() -> Shape {
    super::shape::between(1, 1_000).into()
}

/// What an event says beside its data, as it is written.
fn envelope() -> [Member; 10] {
    [
        need("id", id()),
        need("category", label()),
        need("name", label()),
        may("version", label()),
        may("session_id", id()),
        may("sequence", integer(0)),
        need("source", id()),
        may("subject", short(256)),
        need("occurred_at", instant()),
        may("sent_at", instant()),
    ]
}

fn flags() -> Shape {
    let known = [
        "no_timestamp",
        "no_id",
        "ignored_fields",
        "unplanned",
        "schema_violation",
        "timestamp_in_future",
    ];
    list(word(known)).into()
}

fn event() -> Shape {
    let time = || text().description(Some("RFC 3339, or looser; see `zone`"));
    let optional = |shape: Shape| nullable(shape);
    let event = open([
        may("id", optional(id().into())),
        need("category", label()),
        need("name", label()),
        may("version", optional(label().into())),
        may("session_id", optional(id().into())),
        may("sequence", optional(integer(0).into())),
        may("source", optional(id().into())),
        may("subject", optional(short(256).into())),
        may("occurred_at", optional(time().into())),
        may(
            "timestamp",
            optional(text().description(Some("Another name of occurred_at")).into()),
        ),
        may("sent_at", optional(time().into())),
        may("data", object()),
    ]);
    let example = serde_json::json!({
        "id": "0190c6a5-0001", "category": "page interaction", "name": "pageview", "session_id": "e2085be5",
        "occurred_at": "2021-01-01T09:15:27.243860Z", "data": {"host": "www.example.com", "path": "/"},
    });
    event.examples([example]).into()
}

fn cloud_event() -> Shape {
    let event = open([
        need("specversion", word(["1.0"])),
        need("id", text()),
        need("source", text()),
        need("type", text()),
        may("time", text()),
        may("subject", text()),
        may("data", anything()),
    ]);
    event.description(Some("A CloudEvent in structured mode")).into()
}

/// What became of an event.
pub(super) fn verdict() -> [Member; 6] {
    [
        need("status", status()),
        may("id", id()),
        may("position", integer(1)),
        may("code", named("Code")),
        may("violations", list(named("Violation"))),
        may("flags", flags()),
    ]
}

pub(super) fn status() -> Shape {
    word(["stored", "duplicate", "conflict", "quarantined", "rejected"]).into()
}

/// How an event of another version was read.
pub(super) fn lift() -> Shape {
    let error = record([
        need("code", text()),
        need("message", text()),
        may("violations", list(named("Violation"))),
    ]);
    let version = || nullable(label());
    record([need("from", version()), need("to", version()), may("error", error)]).into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let violation = record([
        need("pointer", text()),
        need("keyword", text()),
        may("limit", text()),
        need("message", text()),
    ]);
    let mut stored = vec![need("position", integer(1))];
    stored.extend(envelope());
    stored.extend([
        need("received_at", instant()),
        may("flags", flags()),
        may("violations", list(named("Violation"))),
        may("upcast", lift()),
        need("data", object()),
    ]);
    let counted = record([need("id", id()), need("counted", flag()), need("position", integer(1))]);
    let events = record([
        need("events", list(named("StoredEvent"))),
        need("next", nullable(text())),
    ]);
    let gap = record([need("after", integer(0)), need("before", integer(0))]);
    let session = record([
        need("events", list(named("StoredEvent"))),
        need("gaps", list(gap)),
        need("reordered", integer(0)),
    ]);
    vec![
        ("Event", event()),
        ("CloudEvent", cloud_event()),
        (
            "Violation",
            violation.description(Some("A broken rule, and where")).into(),
        ),
        (
            "Verdict",
            record(verdict()).description(Some("What became of an event")).into(),
        ),
        ("Verdicts", record([need("results", list(named("Verdict")))]).into()),
        (
            "StoredEvent",
            record(stored)
                .description(Some("An event with its place in the log"))
                .into(),
        ),
        ("CountedEvent", counted.into()),
        ("Events", events.into()),
        ("Session", session.into()),
        ("Decimal", decimal().description(Some("An exact number")).into()),
    ]
}
