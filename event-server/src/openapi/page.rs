//! What the collector tells about itself: pages, metrics, health, and this very document.

use axum::http::Method;

use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Member, Shape, anything, flag, id, instant, integer, label, list, map, may, named, need, number, record, text, word,
};
use crate::body::Media;
use crate::reply::{Done, Reason};

const TAG: &str = "collector";
const PEOPLE: &str = "pages";

pub(super) fn routes() -> Vec<Route> {
    let page = |path, name, summary| route(&Method::GET, path, name, summary).under(TAG);
    let html = "text/html";
    let mut routes = people();
    routes.extend([
        page("/docs", "getManual", "All routes, to be read and tried")
            .without_key()
            .answers_as(Done::Ok, html, text(), "A page"),
        page("/docs/", "getManualSlash", "The same page, for who writes the slash")
            .without_key()
            .answers_nothing(Done::Elsewhere, "It is at `/docs`"),
        page("/docs/{file}", "getManualFile", "A file of that page")
            .without_key()
            .within("file", label(), "Its name")
            .answers_as(Done::Ok, "text/css", text(), "A style sheet")
            .answers_as(Done::Ok, "text/javascript", text(), "A script")
            .refuses(&[Reason::NotFound]),
        page("/openapi.json", "getDocument", "This document")
            .without_key()
            .header("If-None-Match", text(), "The `ETag` of what the reader has")
            .answers_nothing(Done::Known, "The reader has it")
            .answers(anything(), "OpenAPI 3.1"),
        page("/metrics", "getNumbers", "How the collector does, for Prometheus").answers_as(
            Done::Ok,
            "application/openmetrics-text",
            text(),
            "OpenMetrics 1.0",
        ),
        page("/health/live", "getLive", "Whether the program runs")
            .without_key()
            .answers(named("Health"), "It runs"),
        page("/health/ready", "getReady", "Whether it can store and answer")
            .told("503 where the task that writes shows no sign of life, or the database does not answer.")
            .without_key()
            .answers(named("Health"), "It can"),
    ]);
    routes
}

/// The pages for people, and what they load.
fn people() -> Vec<Route> {
    let html = "text/html";
    let page = |path, name, summary| {
        let page = route(&Method::GET, path, name, summary).under(PEOPLE).for_people();
        let page = page.answers_as(Done::Ok, html, text(), "A page");
        page.answers_nothing(
            Done::Elsewhere,
            "Who takes `text/html` and has no key is led to where he may log in",
        )
    };
    let file = |path, name, summary, content_type| {
        let file = route(&Method::GET, path, name, summary).under(PEOPLE).without_key();
        file.answers_as(Done::Ok, content_type, text(), "A file")
    };
    let change = |path, name, summary| {
        let change = route(&Method::POST, path, name, summary).under(PEOPLE).for_people();
        change.answers_nothing(Done::Elsewhere, "Where a browser goes on")
    };
    let settle = |path, name, summary| {
        let settle = change(path, name, summary).within("number", integer(1), "Its number in the quarantine");
        settle.refuses(&[Reason::EntryNotFound])
    };
    vec![
        page("/", "getPage", "What the collector holds, for people").finds(Problems::of_question),
        page("/explore", "explore", "A question by a form, and its answer")
            .told("Parameters are those of `/v1/query`; empty ones say nothing. With none, the last day is shown.")
            .with("measure", text(), "What is measured")
            .with("by", text(), "A field that events are told apart by; may be repeated")
            .with("bucket", text(), "How long a bucket of time is")
            .with("zone", text(), "By whose clock")
            .with("from", text(), "From when on")
            .with("to", text(), "Before when")
            .with("top", text(), "Only so many groups")
            .with("pointer", text(), "A place in the data")
            .with("value", text(), "What is there")
            .with_data()
            .finds(Problems::of_question),
        page("/refused", "getRefusedPage", "What was refused, for people")
            .with("code", text(), "Only those refused for this reason")
            .with(
                "state",
                text(),
                "Only those of which this has become: `open` unless given, all if empty",
            )
            .with("after", integer(0), "Only those behind this number"),
        page(
            "/refused/{number}",
            "getRefusedEntryPage",
            "One refused event, for people",
        )
        .within("number", integer(1), "Its number in the quarantine")
        .refuses(&[Reason::EntryNotFound]),
        change(
            "/refused/replay",
            "replayFromPage",
            "Judge refused events again, or try what would come of it",
        )
        .answers_as(Done::Ok, html, text(), "A page that tells what came of it")
        .takes([(
            Media::Form,
            fields([
                may("code", text()),
                may("run", word(["dry", "real"])),
                may("after", text()),
            ]),
        )])
        .finds(Problems::of_body),
        settle(
            "/refused/{number}/replay",
            "replayEntry",
            "Judge one refused event again",
        ),
        settle(
            "/refused/{number}/discard",
            "discardEntry",
            "Say that one refused event is of no use",
        )
        .takes([(Media::Form, fields([may("note", text())]))])
        .finds(Problems::of_body),
        page("/sessions/{id}", "getSessionPage", "A session, for people")
            .within("id", id(), "Its id")
            .refuses(&[Reason::SessionNotFound]),
        page("/losses", "getLossesPage", "What clients reported as lost, for people")
            .with("from", text(), "From when on; the last seven days, if nothing is given")
            .with("to", text(), "Before when")
            .with("source", text(), "Only of this application"),
        page("/types", "getTypesPage", "What is registered, for people"),
        page("/keys", "getKeysPage", "The keys there are, for people"),
        page("/login", "getLogin", "Where people show their key")
            .without_key()
            .with("again", flag(), "Whether the last key was wrong"),
        change("/login", "logIn", "Show a key, and have a cookie that stands for it")
            .told("The cookie lasts for twelve hours, and no longer than the key or this program.")
            .without_key()
            .takes([(Media::Form, fields([may("key", text())]))])
            .finds(Problems::of_body),
        change("/logout", "logOut", "Have that cookie forgotten"),
        route(
            &Method::GET,
            "/page/live",
            "getNews",
            "What is new, as the first page shows it",
        )
        .under(PEOPLE)
        .told("The answer ends as soon as there is something new, or after five seconds; browsers ask again.")
        .with("after", integer(0), "The position behind which events are new")
        .header("Last-Event-ID", text(), "The same, from a browser that asks again")
        .answers_as(Done::Ok, "text/event-stream", text(), "Rows of a table")
        .answers_nothing(
            Done::Elsewhere,
            "Who takes `text/html` and has no key is led to where he may log in",
        ),
        file("/page.css", "getStyleSheet", "The style sheet of the pages", "text/css"),
        file("/page.js", "getScript", "The script of the pages", "text/javascript"),
    ]
}

fn fields(members: impl IntoIterator<Item = Member>) -> Shape {
    record(members).into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let projected = record([
        need("name", label()),
        need("position", integer(0)),
        need("behind", integer(0)),
        need("lag_seconds", number()),
        need("parked", integer(0)),
        need("state", word(["live", "catching_up", "waiting"])),
    ]);
    let health = record([
        need("status", word(["live", "ready"])),
        may("projections", list(projected)),
        may("links", map(named("Link"))),
    ]);
    let link = record([
        need("up", flag()),
        may("since", instant()),
        may("problem", text()),
        may("place", text()),
        may("last_event_at", instant()),
        may("connections", integer(0)),
        may("stored", integer(0)),
        may("duplicates", integer(0)),
        may("refused", integer(0)),
    ]);
    let link = link.description(Some(
        "Who has shown no key that reads is told only whether it is up, and since when",
    ));
    vec![("Health", health.into()), ("Link", link.into())]
}
