//! What is written down of every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::App;
use super::around::{Around, Inner};
use crate::meter;
use crate::reply::{self, Reason, Told};
use crate::request_id::{self, RequestId};
use crate::trace;

/// Gives each request its id, its place in the numbers, and one line in the log, but at `debug` for those that load turned
/// away. Never its parameters, which may hold personal data, nor its body.
#[derive(Clone)]
pub(super) struct Attend;

impl Around for Attend {
    fn around(app: App, request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send {
        let started = Instant::now();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let id = RequestId::of(request.headers());
        let known = route.as_ref().map(MatchedPath::as_str);
        // Of the gravest level, so that a log of errors alone has the id, too.
        let span = tracing::error_span!(target: "event_server::request", "request", id = id.as_str());
        let trace = span.in_scope(|| trace::begin(meter::known(&method), known, &id, request.headers()));
        let answer = request_id::within(id.clone(), inner.answer(request))
            .instrument(trace.clone())
            .instrument(span.clone());
        answer.map(move |mut response| {
            reply::named(&mut response, id.to_header());
            let status = response.status().as_u16();
            let route = route.as_ref().map(MatchedPath::as_str);
            app.meter.answered(&method, route, status, started.elapsed());
            let told = response.extensions().get().map(|Told(code)| *code);
            if let Some(code) = told {
                app.meter.refused(code);
            }
            trace::end(&trace, status, told);
            span.in_scope(|| {
                let (method, route, micros) = (method.as_str(), route.unwrap_or("-"), started.elapsed().as_micros());
                // Where load is shed, a line for each would be a good part of what each costs; they are counted, and the
                // log says that it happens.
                if told == Some(Reason::Overloaded.code()) {
                    tracing::debug!(target: "event_server::request", method, route, status, micros);
                } else {
                    tracing::info!(target: "event_server::request", method, route, status, micros);
                }
            });
            response
        })
    }
}
