//! What the collector tells about itself: pages, metrics, health, and this very document.

use axum::http::Method;

use super::route::{Route, route};
use super::shape::{Shape, anything, integer, label, list, may, named, need, number, record, text, word};
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
    ]);
    vec![("Health", health.into())]
}
