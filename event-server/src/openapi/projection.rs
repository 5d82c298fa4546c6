//! Tables that are made of the log, and events that they could not take.

use axum::http::Method;

use super::event::limit;
use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Shape, flag, instant, integer, label, list, may, named, need, nullable, number, record, short, text, word,
};
use crate::reply::{Done, Reason};

const TAG: &str = "projections";
const ONE: &str = "/v1/projections/{name}/parked/{position}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            &Method::GET,
            "/v1/projections",
            "listProjections",
            "Tell how far tables are that are made of the log",
        )
        .under(TAG)
        .answers(named("Projections"), "Those that readers see, that are built, and that were replaced"),
        of_one(&Method::GET, "/v1/projections/{name}", "getProjection", "Tell how far one projection is")
            .answers(named("Generations"), "Its tables, the oldest first"),
        of_one(
            &Method::POST,
            "/v1/projections/{name}/rebuild",
            "rebuildProjection",
            "Ask for a projection to be built anew from the start of the log",
        )
        .told("Beside the tables that readers see, which it replaces once it has come as far. Whoever runs it begins within seconds.")
        .answers_as(
            Done::Accepted,
            "application/json",
            record([need("asked", flag().description(Some("False if it is being built already")))]),
            "It is asked for",
        ),
        of_one(
            &Method::POST,
            "/v1/projections/{name}/abandon",
            "abandonProjection",
            "Give up what is built beside the tables that readers see",
        )
        .answers(record([need("generations", integer(0))]), "How many generations went"),
        listed(),
        parked(&Method::GET, ONE, "getParked", "Show a parked event, with its reason and all that was done to it")
            .answers(named("InspectedParked"), "It, also once it was replayed or discarded"),
        asked(parked(
            &Method::POST,
            "/v1/projections/{name}/parked/{position}/replay",
            "replayParked",
            "Ask for a parked event to be tried again",
        )),
        asked(parked(
            &Method::POST,
            "/v1/projections/{name}/parked/{position}/discard",
            "discardParked",
            "Ask for a parked event to be given up",
        )),
        many(
            "/v1/projections/{name}/parked/replay",
            "replayManyParked",
            "Ask for parked events to be tried again",
        ),
        many(
            "/v1/projections/{name}/parked/discard",
            "discardManyParked",
            "Ask for parked events to be given up",
        ),
    ]
}

fn of_one(method: &Method, path: &'static str, name: &'static str, summary: &'static str) -> Route {
    route(method, path, name, summary)
        .under(TAG)
        .within("name", text(), "The name of the projection")
        .refuses(&[Reason::ProjectionNotFound])
}

fn parked(method: &Method, path: &'static str, name: &'static str, summary: &'static str) -> Route {
    of_one(method, path, name, summary)
        .within("position", integer(0), "The place of the event in the log")
        .refuses(&[Reason::ParkedEventNotFound])
}

fn many(path: &'static str, name: &'static str, summary: &'static str) -> Route {
    asked(of_one(&Method::POST, path, name, summary))
        .takes_json(named("ParkedWork"))
        .refuses(&[Reason::InvalidWork, Reason::InvalidDefinition])
}

fn asked(route: Route) -> Route {
    route.answers_as(
        Done::Accepted,
        "application/json",
        record([need("asked", integer(0))]),
        "Of how many it is asked; whoever runs the projection does it",
    )
}

fn listed() -> Route {
    of_one(
        &Method::GET,
        "/v1/projections/{name}/parked",
        "listParked",
        "List events that a projection could not take, page by page",
    )
    .with("state", state(), "Only those in this state")
    .with("limit", limit(), "How many a page; 100 unless given")
    .with("cursor", text(), "The `next` of the page before")
    .answers(named("ParkedEvents"), "A page, by their places in the log")
    .finds(Problems::of_question)
}

fn state() -> utoipa::openapi::schema::ObjectBuilder {
    word(["parked", "waiting", "replay", "discard"])
}

fn status() -> Shape {
    let shard = record([
        need("shard", integer(0)),
        need("position", integer(0)),
        need(
            "holder",
            nullable(text().description(Some("Who works on it, while the lease lasts"))),
        ),
        need(
            "error",
            nullable(text().description(Some("Why it does not come any further"))),
        ),
        need("updated_at", instant()),
    ]);
    let status = record([
        need("name", short(40)),
        need("generation", integer(1)),
        need("version", integer(0)),
        need("stage", word(["live", "closing", "building", "asked", "old"])),
        need("position", integer(0)),
        need("head", integer(0)),
        need("lag_seconds", number()),
        need("applied", integer(0)),
        need("parked", integer(0)),
        need("waiting", integer(0)),
        need("created_at", instant()),
        need("switched_at", nullable(instant())),
        need("shards", list(shard)),
    ]);
    status.into()
}

fn inspected() -> Shape {
    let done = record([
        need("generation", integer(1)),
        need("at", instant()),
        need(
            "action",
            word([
                "replay_asked",
                "discard_asked",
                "replayed",
                "failed_again",
                "discarded",
                "gone",
            ]),
        ),
        may("actor", label()),
    ]);
    let inspected = record([
        need("position", integer(0)),
        need("parked", list(named("ParkedEvent"))),
        may("event", named("StoredEvent")),
        need("history", list(done)),
    ]);
    inspected.into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let parked = record([
        need("generation", integer(1)),
        need("position", integer(0)),
        need("event_id", text()),
        need("state", state()),
        need("code", word(["failed", "refused", "panicked", "timed_out", "behind"])),
        need("reason", text()),
        need("attempts", integer(0)),
        need("parked_at", instant()),
        may("asked_at", instant()),
        may("asked_by", label()),
    ]);
    let page = record([
        need("parked", list(named("ParkedEvent"))),
        need("next", nullable(text())),
    ]);
    let work = record([
        may("positions", list(integer(0)).min_items(Some(1)).max_items(Some(10_000))),
        may("all", flag()),
    ]);
    let work = work.description(Some("Either `positions`, or `all`, which is true"));
    vec![
        ("Projection", status()),
        (
            "Projections",
            record([need("projections", list(named("Projection")))]).into(),
        ),
        (
            "Generations",
            record([need("generations", list(named("Projection")))]).into(),
        ),
        ("ParkedEvent", parked.into()),
        ("ParkedEvents", page.into()),
        ("InspectedParked", inspected()),
        ("ParkedWork", work.into()),
    ]
}
