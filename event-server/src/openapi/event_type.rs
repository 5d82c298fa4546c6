//! Types of events: what they are like, and what becomes of their versions.

use axum::http::Method;

use super::event::{type_in_path, version_in_path};
use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Member, Shape, anything, between, either, flag, id, instant, integer, label, list, map, may, named, need, nullable,
    object, record, text, word,
};
use crate::reply::{Done, Reason};

const TAG: &str = "types";

pub(super) fn routes() -> Vec<Route> {
    let listed = route(&Method::GET, "/v1/types", "listTypes", "List all versions of all types");
    let path = "/v1/types/{category}/{name}/{version}";
    let show = route(&Method::GET, path, "getType", "Show a version of a type");
    vec![
        kept(listed).answers(named("Types"), "All of them"),
        version_in_path(kept(show))
            .answers(named("Type"), "The version")
            .refuses(&[Reason::TypeNotFound]),
        register(path),
        compatibility(),
        trial(),
        inferred(),
    ]
}

/// What its reader may keep for as long as it is told that it is the same.
fn kept(route: Route) -> Route {
    route
        .under(TAG)
        .header("If-None-Match", text(), "The `ETag` of what the reader has")
        .answers_nothing(Done::Known, "The reader has it")
}

fn register(path: &'static str) -> Route {
    let registration = route(
        &Method::PUT,
        path,
        "registerType",
        "Register a version of a type, or change it",
    )
    .told("Parts that are left out stay as they are.")
    .under(TAG);
    version_in_path(registration)
        .takes_json(named("Definition"))
        .answers(named("Registration"), "It was there, and is now like this")
        .answers_as(Done::Created, "application/json", named("Registration"), "It is new")
        .refuses(&[Reason::InvalidDefinition, Reason::MetricNotReady, Reason::TypeNotFound])
        .finds(Problems::of_schema)
}

fn compatibility() -> Route {
    let path = "/v1/types/{category}/{name}/{version}/compatibility";
    version_in_path(route(
        &Method::GET,
        path,
        "compareVersions",
        "Compare two versions of a type",
    ))
    .under(TAG)
    .with("with", label(), "The other version: the active one unless given")
    .answers(named("Compatibility"), "What the one is to the other, proved")
    .refuses(&[Reason::TypeNotFound])
    .finds(Problems::of_schema)
}

fn trial() -> Route {
    let path = "/v1/types/{category}/{name}/schema/trial";
    type_in_path(route(
        &Method::POST,
        path,
        "trySchema",
        "Try a schema on the newest events",
    ))
    .told("Nothing is changed by it.")
    .under(TAG)
    .with("last", between(1, 1_000_000), "How many events: 10,000 unless given")
    .with(
        "refused",
        word(["left_out", "tried"]),
        "Whether refused events are tried, too",
    )
    .takes_json(named("Definition"))
    .answers(named("Trial"), "How many would pass, and why others would not")
    .refuses(&[Reason::InvalidDefinition, Reason::TypeNotFound])
    .finds(Problems::of_schema)
}

fn inferred() -> Route {
    let path = "/v1/types/{category}/{name}/schema/inferred";
    type_in_path(route(
        &Method::GET,
        path,
        "inferSchema",
        "A first schema from the newest events",
    ))
    .under(TAG)
    .with("last", between(1, 1_000_000), "How many events: 10,000 unless given")
    .answers(named("Inferred"), "What they have in common")
    .refuses(&[Reason::TypeNotFound])
}

fn policy() -> Shape {
    let policy = record([
        may("on_violation", word(["quarantine", "reject", "warn"])),
        may("future_tolerance_seconds", nullable(between(0, 4_294_967_295))),
        may("storage", word(["events", "counts_only"])),
    ]);
    policy
        .description(Some("What becomes of what breaks a rule, and of what is kept"))
        .into()
}

fn mapping() -> Shape {
    let rule = || either([text().into(), record([need("const", text())]).into()]);
    let fields = [
        "id",
        "category",
        "name",
        "version",
        "session_id",
        "sequence",
        "source",
        "subject",
        "occurred_at",
        "sent_at",
    ];
    let pointers = || list(text());
    let data = either([text().into(), map(rule()).into()]);
    let members = fields.map(|field| may(field, nullable(rule())));
    let rest = [
        may("decode", pointers()),
        may("numbers", pointers()),
        may("data", nullable(data)),
    ];
    let mapping = record(members.into_iter().chain(rest));
    mapping
        .description(Some(
            "From where in a document each field comes: a JSON pointer, or a constant",
        ))
        .into()
}

fn upcast() -> Shape {
    let step = object().description(Some("move, default, remove or convert, and where"));
    record([need("from", nullable(label())), need("steps", list(step))]).into()
}

/// A version, as it is registered.
fn version() -> Vec<Member> {
    let sample = record([need("position", integer(1)), need("id", id()), need("source", id())]);
    let shadow = record([
        need("judged", integer(0)),
        need("would_fail", integer(0)),
        need("by_keyword", map(integer(0))),
        need("samples", list(sample)),
    ]);
    vec![
        need("category", label()),
        need("name", label()),
        need("version", label()),
        need("active", flag()),
        may("shadow", shadow),
        may("schema", anything()),
        may("mapping", named("Mapping")),
        may("policy", named("Policy")),
        may("upcast", named("Upcast")),
        need("registered_at", instant()),
    ]
}

fn compared() -> Shape {
    let change = record([
        need("pointer", text()),
        need("keyword", text()),
        need("breaks", word(["backward", "forward"])),
        need("message", text()),
    ]);
    let compared = record([
        need("with", label()),
        need("class", word(["full", "backward", "forward", "none"])),
        need("reasons", list(change)),
    ]);
    compared.into()
}

fn tried() -> Shape {
    let of_source = record([
        need("source", id()),
        need("judged", integer(0)),
        need("would_fail", integer(0)),
    ]);
    let of_violation = record([
        need("keyword", text()),
        need("pointer", text()),
        need("events", integer(1)),
    ]);
    let failing = record([
        need("position", integer(1)),
        need("id", id()),
        need("source", id()),
        may("version", label()),
        need("violations", list(named("Violation"))),
    ]);
    let refused = record([
        need("judged", integer(0)),
        need("would_pass", integer(0)),
        need("unreadable", integer(0)),
    ]);
    let trial = record([
        need("judged", integer(0)),
        need("all", flag()),
        need("would_fail", integer(0)),
        need("by_source", list(of_source)),
        need("by_violation", list(of_violation)),
        need("samples", list(failing)),
        may("refused", refused),
        may("compatibility", named("Compatibility")),
    ]);
    trial.into()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let definition = record([
        may("schema", anything().description(Some("A JSON Schema"))),
        may("mapping", named("Mapping")),
        may("policy", named("Policy")),
        may("upcast", nullable(named("Upcast"))),
        may("state", word(["active", "shadow"])),
    ]);
    let mut registration = version();
    registration.push(may("compatibility", named("Compatibility")));
    let field = record([
        need("pointer", text()),
        need("types", list(text())),
        need("present", integer(0)),
        need("of", integer(0)),
    ]);
    let inferred = record([
        need("observed", integer(0)),
        need("schema", anything()),
        need("fields", list(field)),
    ]);
    vec![
        ("Policy", policy()),
        ("Mapping", mapping()),
        ("Upcast", upcast()),
        ("Definition", definition.into()),
        ("Type", record(version()).into()),
        ("Types", record([need("types", list(named("Type")))]).into()),
        ("Registration", record(registration).into()),
        ("Compatibility", compared()),
        ("Trial", tried()),
        ("Inferred", inferred.into()),
    ]
}
