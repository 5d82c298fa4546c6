//! What the collector tells about itself: pages, metrics, health, and this very document.

use axum::http::Method;

use super::route::{Route, route};
use super::shape::{Shape, anything, flag, instant, integer, label, map, may, named, need, record, text, word};
use crate::reply::{Done, Reason};

const TAG: &str = "collector";

pub(super) fn routes() -> Vec<Route> {
    let page = |path, name, summary| route(&Method::GET, path, name, summary).under(TAG);
    let html = "text/html";
    vec![
        page("/", "getPage", "What the collector holds, for people").answers_as(Done::Ok, html, text(), "A page"),
        page("/page.css", "getStyleSheet", "The style sheet of that page").answers_as(
            Done::Ok,
            "text/css",
            text(),
            "A style sheet",
        ),
        page("/docs", "getManual", "All routes, to be read and tried")
            .without_key()
            .answers_as(Done::Ok, html, text(), "A page"),
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
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let health = record([
        need("status", word(["live", "ready"])),
        may("links", map(named("Link"))),
    ]);
    let link = record([
        need("up", flag()),
        may("problem", text()),
        may("place", text()),
        may("last_event_at", instant()),
        need("connections", integer(0)),
        need("stored", integer(0)),
        need("duplicates", integer(0)),
        need("refused", integer(0)),
    ]);
    vec![("Health", health.into()), ("Link", link.into())]
}
