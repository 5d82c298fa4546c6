//! Questions that have an exact answer.

use axum::http::Method;

use super::event::{chosen, limit, order, ranged};
use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Member, Shape, anything, between, either, flag, id, instant, integer, list, map, may, named, need, nullable,
    object, record, text, word,
};
use crate::reply::Reason;

const TAG: &str = "questions";

/// A question about whole stories: its path, its two names, what it asks, its schemas.
struct Story {
    path: &'static str,
    names: [&'static str; 2],
    summary: &'static str,
    asked: &'static str,
    answer: &'static str,
}

pub(super) fn routes() -> Vec<Route> {
    let mut routes = query();
    routes.extend(story(
        &Story {
            path: "/v1/sessions",
            names: ["listSessions", "listSessionsByJson"],
            summary: "List sessions with their lengths",
            asked: "SessionsQuestion",
            answer: "Sessions",
        },
        |route| {
            route
                .with("order", order(), "Of their starts; `ascending` unless given")
                .with("limit", limit(), "How many a page; 100 unless given")
                .with("cursor", text(), "The `next` of the page before")
        },
    ));
    routes.extend(story(
        &Story {
            path: "/v1/funnel",
            names: ["askFunnel", "askFunnelByJson"],
            summary: "Tell how many take each of some steps",
            asked: "FunnelQuestion",
            answer: "Funnel",
        },
        |route| {
            route
                .with(
                    "step",
                    list(text()),
                    "The name of an event, or an object of fields and what they equal; once a step",
                )
                .with("by", text(), "Whose steps: `session_id` unless given")
                .with(
                    "window",
                    text(),
                    "The longest time from the first step to the last, say 30m",
                )
                .with(
                    "order",
                    word(["ordered", "strict", "any"]),
                    "Whether other events may come between",
                )
        },
    ));
    routes.extend(story(
        &Story {
            path: "/v1/retention",
            names: ["askRetention", "askRetentionByJson"],
            summary: "Tell how many come again",
            asked: "RetentionQuestion",
            answer: "Retention",
        },
        |route| {
            route
                .with("by", text(), "Who comes again: `subject` unless given")
                .with("first", text(), "The event by which somebody is counted first")
                .with("again", text(), "The event that counts as coming again")
                .with("bucket", unit(), "How long a period is")
                .with("periods", integer(1), "How many periods are looked at")
        },
    ));
    routes.extend(story(
        &Story {
            path: "/v1/active",
            names: ["askActive", "askActiveByJson"],
            summary: "Tell how many are open at a time",
            asked: "ActiveQuestion",
            answer: "Active",
        },
        |route| {
            route
                .with("open", text(), "The event that opens")
                .with("close", text(), "The event that closes")
                .with("key", list(text()), "What is opened and closed: `subject` unless given")
                .with("by", list(text()), "A row for each value of this field")
                .with("at", text(), "At this instant, instead of a range")
                .with("bucket", unit(), "A row a period")
        },
    ));
    routes
}

fn query() -> Vec<Route> {
    let by_parameters = route(&Method::GET, "/v1/query", "ask", "Ask a question")
        .under(TAG)
        .with(
            "measure",
            text(),
            "What is measured: `count`, `sum:/total`, `p95:/seconds`, `unique:subject`, …",
        )
        .with(
            "by",
            list(text()),
            "A row for each value of this field; may be given several times",
        )
        .with("bucket", unit(), "A row for each of these periods")
        .with("top", between(1, 10_000), "Only the greatest so many rows");
    let by_parameters = ranged(chosen(by_parameters))
        .answers(named("Answer"), "The exact answer")
        .finds(Problems::of_question)
        .refuses(&[Reason::MetricNotReady]);
    let by_json = route(
        &Method::POST,
        "/v1/query",
        "askByJson",
        "Ask a question, written as JSON",
    )
    .under(TAG)
    .takes_json(named("Question"))
    .answers(named("Answer"), "The exact answer")
    .finds(Problems::of_asked_json)
    .refuses(&[Reason::MetricNotReady]);
    vec![by_parameters, by_json]
}

/// One question in both forms.
fn story(story: &Story, parameters: fn(Route) -> Route) -> [Route; 2] {
    let [by_parameters, by_json] = story.names;
    let by_parameters = route(&Method::GET, story.path, by_parameters, story.summary).under(TAG);
    let by_json = route(&Method::POST, story.path, by_json, story.summary).under(TAG);
    [
        chosen(ranged(parameters(by_parameters)))
            .answers(named(story.answer), "The exact answer")
            .finds(Problems::of_question),
        by_json
            .takes_json(named(story.asked))
            .answers(named(story.answer), "The exact answer")
            .finds(Problems::of_asked_json),
    ]
}

fn unit() -> Shape {
    word(["minute", "hour", "day", "week", "month"]).into()
}

/// What all questions have.
fn asked(own: impl IntoIterator<Item = Member>) -> Shape {
    let common = [
        may("from", text()),
        may("to", text()),
        may("zone", text()),
        may("filter", named("Filter")),
    ];
    record(own.into_iter().chain(common)).into()
}

/// What all answers about stories have.
fn analysed(own: impl IntoIterator<Item = Member>) -> Shape {
    record(
        own.into_iter()
            .chain([need("source", origin()), may("position", integer(0))]),
    )
    .into()
}

fn origin() -> Shape {
    word(["memory", "rows", "cells"]).into()
}

fn span() -> Shape {
    record([
        need("start", instant()),
        need("end", instant()),
        need("partial", flag()),
    ])
    .into()
}

fn exact() -> Shape {
    nullable(named("Decimal")).into()
}

/// Which events: their name, or fields and what they equal, or conditions.
fn which() -> Shape {
    either([text().into(), object().into()]).into()
}

fn one_or_more(shape: impl Into<Shape>) -> Shape {
    let shape = shape.into();
    either([shape.clone(), list(shape).into()]).into()
}

fn questions() -> Vec<(&'static str, Shape)> {
    let scalar = anything().description(Some("A string, number, boolean or null"));
    let condition = record([
        need(
            "field",
            text().description(Some(
                "category, name, version, source, session_id, subject or a JSON pointer",
            )),
        ),
        may("equals", scalar),
        may("in", list(anything())),
        may("contains", text()),
        may("from", anything()),
        may("to", anything()),
    ]);
    let filter = record([need("all", list(condition))]).description(Some("Conditions that all hold"));
    let question = asked([
        may("measure", text()),
        may("by", one_or_more(text())),
        may("bucket", unit()),
        may("top", between(1, 10_000)),
    ]);
    let sessions = asked([may("order", order()), may("limit", limit()), may("cursor", text())]);
    let funnel = asked([
        need("steps", list(which()).min_items(Some(1))),
        may("by", text()),
        may("window", text()),
        may("order", word(["ordered", "strict", "any"])),
    ]);
    let retention = asked([
        may("by", text()),
        may("first", which()),
        may("again", which()),
        may("bucket", unit()),
        may("periods", integer(1)),
    ]);
    let active = asked([
        need("open", which()),
        need("close", which()),
        may("key", one_or_more(text())),
        may("by", one_or_more(text())),
        may("at", text()),
        may("bucket", unit()),
    ]);
    vec![
        ("Filter", filter.into()),
        ("Question", question),
        ("SessionsQuestion", sessions),
        ("FunnelQuestion", funnel),
        ("RetentionQuestion", retention),
        ("ActiveQuestion", active),
    ]
}

fn answers() -> Vec<(&'static str, Shape)> {
    let row = record([
        may("bucket", span()),
        may("group", map(anything())),
        need("value", exact()),
    ]);
    let answer = record([
        need("rows", list(row)),
        need("source", origin()),
        may("position", integer(0)),
        may("standard_error", named("Decimal")),
    ]);
    let session = record([
        need("session_id", id()),
        need("start", instant()),
        need("end", instant()),
        need("length", named("Decimal")),
        need("events", integer(1)),
        need("missing", integer(0)),
        need("reordered", integer(0)),
    ]);
    let sessions = analysed([
        need("sessions", list(session)),
        need("total", integer(0)),
        need("events", integer(0)),
        need("length", named("Decimal")),
        may("next", text()),
    ]);
    let step = record([
        need("label", text()),
        need("reached", integer(0)),
        need("of_first", exact()),
        need("of_previous", exact()),
        need("median", exact()),
    ]);
    let cohort = record([
        need("bucket", span()),
        need("size", integer(0)),
        need("returned", list(integer(0))),
    ]);
    let open = record([
        need("bucket", span()),
        may("group", map(anything())),
        need("open", integer(0)),
        need("opened", integer(0)),
        need("closed", integer(0)),
        need("minimum", integer(0)),
        need("maximum", integer(0)),
        need("average", exact()),
    ]);
    vec![
        ("Answer", answer.into()),
        ("Sessions", sessions),
        ("Funnel", analysed([need("steps", list(step))])),
        ("Retention", analysed([need("cohorts", list(cohort))])),
        ("Active", analysed([need("rows", list(open))])),
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    [questions(), answers()].concat()
}
