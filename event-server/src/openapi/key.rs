//! Keys: who may talk to the collector, and what for.

use axum::http::Method;

use super::route::{Route, route};
use super::shape::{
    Member, Shape, between, either, id, instant, integer, label, list, may, named, need, nullable, record, short, text,
    word,
};
use crate::reply::{Done, Reason};

const TAG: &str = "keys";

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            &Method::GET,
            "/v1/keys",
            "listKeys",
            "List the keys, but never what they are",
        )
        .under(TAG)
        .answers(named("Keys"), "All there ever were"),
        route(&Method::POST, "/v1/keys", "createKey", "Make a key")
            .told("The answer is the only time that the whole of it is shown.")
            .under(TAG)
            .takes_json(named("NewKey"))
            .answers_as(Done::Created, "application/json", named("CreatedKey"), "The key")
            .refuses(&[Reason::InvalidKey, Reason::InvalidDefinition]),
        route(
            &Method::POST,
            "/v1/keys/{prefix}/rotate",
            "rotateKey",
            "Make another key in the place of one",
        )
        .told("The new one may do what the old one may, which stays in use for a time of grace.")
        .under(TAG)
        .within("prefix", prefix(), "What the key is known by")
        .with(
            "grace",
            text(),
            "How long the old one stays in use, as `24h`: a day unless given",
        )
        .answers_as(Done::Created, "application/json", named("CreatedKey"), "The new key")
        .refuses(&[Reason::KeyNotFound, Reason::KeyEnded]),
        route(&Method::DELETE, "/v1/keys/{prefix}", "revokeKey", "Revoke a key")
            .told("Every collector of the database refuses it within five seconds.")
            .under(TAG)
            .within("prefix", prefix(), "What the key is known by")
            .answers(named("Key"), "What it was")
            .refuses(&[Reason::KeyNotFound]),
    ]
}

fn prefix() -> Shape {
    short(100).examples(["0123456789ab"]).into()
}

/// Some by name, or any.
fn bounds(names: impl Into<Shape>) -> Shape {
    either([word(["any"]).into(), list(names).max_items(Some(100)).into()]).into()
}

fn access() -> Shape {
    list(word(["write", "read", "admin"])).into()
}

fn quota() -> Shape {
    nullable(between(1, 1 << 53)).into()
}

fn shown() -> Vec<Member> {
    vec![
        need("prefix", text()),
        need("access", access()),
        need("sources", bounds(id())),
        need("types", bounds(text())),
        need("reach", word(["bound", "all"])),
        need("rate", nullable(named("Rate"))),
        need("quota", quota()),
        need("note", nullable(label())),
        need("created_at", instant()),
        need("expires_at", nullable(instant())),
        need("revoked_at", nullable(instant())),
        need("replaced_by", nullable(text())),
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let most = i64::from(u32::MAX);
    let rate = record([need("per_second", between(1, most)), need("burst", between(1, most))]);
    let rate = rate.description(Some("Events a second in the long run, and how many at once"));
    let new = record([
        need("sources", bounds(id())),
        may("access", access()),
        may("types", bounds(text())),
        may("reach", word(["bound", "all"])),
        may("rate", either([integer(1).into(), nullable(named("Rate")).into()])),
        may("quota", quota()),
        may("expires_at", nullable(instant())),
        may("note", nullable(label())),
    ]);
    let whole = need("key", text().description(Some("All of it: show it to nobody else")));
    vec![
        ("Rate", rate.into()),
        ("NewKey", new.into()),
        ("Key", record(shown()).into()),
        ("CreatedKey", record(std::iter::once(whole).chain(shown())).into()),
        ("Keys", record([need("keys", list(named("Key")))]).into()),
    ]
}
