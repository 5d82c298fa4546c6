//! Metrics: what is counted while events are stored.

use axum::http::Method;

use super::route::{Route, route};
use super::shape::{
    Member, Shape, between, flag, instant, integer, label, list, may, named, need, nullable, record, text,
};
use crate::reply::{Done, Reason};

const TAG: &str = "metrics";

pub(super) fn routes() -> Vec<Route> {
    let path = "/v1/metrics/{metric}";
    let named_route = |method: &Method, name, summary| {
        route(method, path, name, summary)
            .under(TAG)
            .within("metric", label(), "The name of the metric")
    };
    vec![
        route(&Method::GET, "/v1/metrics", "listMetrics", "List the metrics")
            .under(TAG)
            .answers(named("Metrics"), "All of them"),
        named_route(&Method::GET, "getMetric", "Show a metric")
            .answers(named("Metric"), "The metric, and how far it has counted older events")
            .refuses(&[Reason::MetricNotFound]),
        named_route(
            &Method::PUT,
            "declareMetric",
            "Have events counted from now on, and older ones in the background",
        )
        .takes_json(named("MetricDefinition"))
        .answers(named("Metric"), "The same was there")
        .answers_as(Done::Created, "application/json", named("Metric"), "It is new")
        .refuses(&[
            Reason::InvalidDefinition,
            Reason::MetricTaken,
            Reason::MetricNotFound,
            Reason::CountsOnly,
        ]),
        named_route(
            &Method::DELETE,
            "dropMetric",
            "Forget what a metric has counted; the events stay",
        )
        .answers_nothing(Done::Gone, "It is gone")
        .refuses(&[Reason::MetricNotFound]),
    ]
}

/// What is counted.
fn counted() -> Vec<Member> {
    vec![
        need("category", label()),
        need("name", label()),
        may(
            "value",
            nullable(text().description(Some("The number that is added up: a JSON pointer"))),
        ),
        may(
            "scale",
            nullable(between(0, 12).description(Some("Its decimal places"))),
        ),
        may("by", list(text())),
        may("unique", nullable(text())),
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let mut definition = counted();
    definition.push(may("metric", label()));
    let mut metric = vec![need("metric", label())];
    metric.extend(counted());
    metric.extend([
        need("ready", flag()),
        need("built", integer(0)),
        need("since", integer(0)),
        need("declared_at", instant()),
    ]);
    vec![
        ("MetricDefinition", record(definition).into()),
        ("Metric", record(metric).into()),
        ("Metrics", record([need("metrics", list(named("Metric")))]).into()),
    ]
}
