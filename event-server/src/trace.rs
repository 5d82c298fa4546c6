//! The span of a request, for whoever collects traces. The log has a span of its own, and this one is not in it.
//!
//! What stands in it is bounded and says nothing about people: neither paths nor parameters, neither bodies nor keys.

use axum::http::HeaderMap;
use tracing::Span;
use tracing::field::Empty;

use crate::request_id::RequestId;

/// Begins the span of a request, below that of its caller if `traceparent` names one.
pub(crate) fn begin(method: &'static str, route: Option<&str>, id: &RequestId, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: "event_server::trace",
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        error.r#type = Empty,
        event.request_id = id.as_str(),
    );
    if !span.is_disabled() {
        match route {
            Some(route) => span.record("otel.name", format!("{method} {route}")),
            None => span.record("otel.name", method),
        };
        below_caller(&span, headers);
    }
    span
}

/// Writes down how a request ended: its status, and the code of the problem that it was told.
pub(crate) fn end(span: &Span, status: u16, problem: Option<&'static str>) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status);
    if let Some(code) = problem {
        span.record("error.type", code);
    }
    // What is the caller's fault is no error of ours.
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

#[cfg(feature = "otlp")]
fn below_caller(span: &Span, headers: &HeaderMap) {
    use opentelemetry::propagation::TextMapPropagator as _;
    use opentelemetry_http::HeaderExtractor;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Fails only where another layer than ours has begun the span already.
    let _ = span.set_parent(caller);
}

#[cfg(not(feature = "otlp"))]
fn below_caller(_: &Span, _: &HeaderMap) {}
