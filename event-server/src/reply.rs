//! Outcome → status and body. Nothing else names status codes.

mod answer;
mod overloaded;

use std::any::Any;
use std::error::Error as _;
use std::future::ready;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use axum::http::header::{ACCEPT_ENCODING, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use event_core::Code;
use event_core::json::JsonError;
use event_core::patch::PatchError;
use event_core::query::ParameterError;
use event_core::wire::{MalformedBatch, Problem};
use event_store::import;
use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::Value;

use crate::request_id;
use answer::body;
pub(crate) use answer::{
    Done, Export, accepted, asset, close, created, elsewhere, elsewhere_with, events, export, gone, json, kept, live,
    manual, named, numbers, page, problem_page, script, style_sheet,
};

pub(crate) use overloaded::overloaded;

/// When whoever is turned away because of too much load may come again, about.
const OVERLOADED_SECONDS: u64 = 5;

/// How long whoever is turned away because of too much load waits for being told so: one who comes back at once,
/// whatever the answer says, can then not take much of the time that the others need. As long as those who are let in wait by
/// default for theirs.
pub(crate) const RELUCTANCE: Duration = Duration::from_millis(500);

/// What the `type` of every problem starts with; the code follows.
pub(crate) const PROBLEMS: &str = "https://event-rs.github.io/problems/";

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident => $status:ident $code:literal,)+) => {
        /// Why a whole request was not done. Reasons inside an event are [`Code`]s.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            #[cfg(test)]
            pub(crate) const ALL: &[Reason] = &[$(Reason::$name,)+];

            const fn parts(self) -> (StatusCode, &'static str) {
                match self { $(Reason::$name => (StatusCode::$status, $code),)+ }
            }
        }
    };
}

reasons! {
    /// JSON of the wrong shape.
    InvalidEnvelope => BAD_REQUEST "invalid_envelope",
    /// A path that is not UTF-8, or whose names break their grammar.
    InvalidPath => BAD_REQUEST "invalid_path",
    /// Several headers that say who asks.
    AmbiguousAuth => BAD_REQUEST "ambiguous_auth",
    /// No key, or none that is of use.
    Unauthenticated => UNAUTHORIZED "unauthenticated",
    /// The sender stopped in the middle of the body.
    IncompleteBody => BAD_REQUEST "incomplete_body",
    /// A compressed body that is cut off or damaged.
    BadContentEncoding => BAD_REQUEST "bad_content_encoding",
    /// The key is not for this.
    NotPermitted => FORBIDDEN "not_permitted",
    /// A page of others has made a browser ask for a change.
    CrossSite => FORBIDDEN "cross_site",
    /// No such route.
    NotFound => NOT_FOUND "not_found",
    /// No event with this id.
    EventNotFound => NOT_FOUND "event_not_found",
    /// No event of this session.
    SessionNotFound => NOT_FOUND "session_not_found",
    /// The type is not registered, or has no mapping.
    TypeNotFound => NOT_FOUND "type_not_found",
    /// No entry of the quarantine with this number.
    EntryNotFound => NOT_FOUND "entry_not_found",
    /// Nothing names this subject.
    SubjectNotFound => NOT_FOUND "subject_not_found",
    /// No metric of this name.
    MetricNotFound => NOT_FOUND "metric_not_found",
    /// No projection of this name.
    ProjectionNotFound => NOT_FOUND "projection_not_found",
    /// No event at this place of the log that a projection has parked.
    ParkedEventNotFound => NOT_FOUND "parked_event_not_found",
    /// No key of this prefix.
    KeyNotFound => NOT_FOUND "key_not_found",
    /// The route knows other methods.
    MethodNotAllowed => METHOD_NOT_ALLOWED "method_not_allowed",
    /// The body did not come in time.
    RequestTimeout => REQUEST_TIMEOUT "request_timeout",
    /// Events of several sources have this id.
    AmbiguousId => CONFLICT "ambiguous_id",
    /// A metric of this name counts something else.
    MetricTaken => CONFLICT "metric_taken",
    /// The same import goes on elsewhere.
    ImportTaken => CONFLICT "import_taken",
    /// An entry of the quarantine was replayed or discarded.
    EntrySettled => CONFLICT "entry_settled",
    /// Events are gone that would have come next.
    EventsPruned => GONE "events_pruned",
    /// A key was revoked, has expired or was replaced.
    KeyEnded => CONFLICT "key_ended",
    /// A metric still counts older events.
    MetricNotReady => CONFLICT "metric_not_ready",
    /// More bytes than a request may have.
    BodyTooLarge => PAYLOAD_TOO_LARGE "body_too_large",
    /// More bytes than a request may have once it is decompressed.
    DecodedTooLarge => PAYLOAD_TOO_LARGE "decoded_too_large",
    /// More events than a request may have.
    BatchTooLarge => PAYLOAD_TOO_LARGE "batch_too_large",
    /// A content type that this route does not read, or none.
    UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    /// Another charset than UTF-8.
    UnsupportedCharset => UNSUPPORTED_MEDIA_TYPE "unsupported_charset",
    /// A compression that is not read.
    UnsupportedContentEncoding => UNSUPPORTED_MEDIA_TYPE "unsupported_content_encoding",
    /// More bytes of headers than a request may have.
    HeadersTooLarge => REQUEST_HEADER_FIELDS_TOO_LARGE "headers_too_large",
    /// A mapping, a policy, a metric or the object around them is wrong.
    InvalidDefinition => UNPROCESSABLE_ENTITY "invalid_definition",
    /// A schema is too large, too deep or too branching.
    SchemaTooComplex => UNPROCESSABLE_ENTITY "schema_too_complex",
    /// Work on the quarantine or on parked events that does not say on which, or says it wrongly.
    InvalidWork => UNPROCESSABLE_ENTITY "invalid_work",
    /// A JSON Patch that is none, or cannot be applied.
    InvalidPatch => UNPROCESSABLE_ENTITY "invalid_patch",
    /// A report of losses that cannot be counted.
    InvalidLossReport => UNPROCESSABLE_ENTITY "invalid_loss_report",
    /// What is asked of a new key makes no sense.
    InvalidKey => UNPROCESSABLE_ENTITY "invalid_key",
    /// Only counts are kept of what is asked for, and none of them answers.
    CountsOnly => UNPROCESSABLE_ENTITY "counts_only",
    /// More than the rate of a key allows, or too many requests without a good one.
    RateLimited => TOO_MANY_REQUESTS "rate_limited",
    /// More than is left of a key's quota for the day.
    QuotaExceeded => TOO_MANY_REQUESTS "quota_exceeded",
    /// A defect of this program.
    InternalError => INTERNAL_SERVER_ERROR "internal_error",
    /// The database does not answer, or did not say whether it committed.
    StorageUnavailable => SERVICE_UNAVAILABLE "storage_unavailable",
    /// The disk is full.
    StorageFull => SERVICE_UNAVAILABLE "storage_full",
    /// The queue is full.
    Overloaded => SERVICE_UNAVAILABLE "overloaded",
    /// The program is about to stop.
    ShuttingDown => SERVICE_UNAVAILABLE "shutting_down",
}

impl Reason {
    /// The status of a request that was not done for this reason.
    pub(crate) fn status(self) -> u16 {
        self.parts().0.as_u16()
    }

    /// Its name, for programs.
    pub(crate) const fn code(self) -> &'static str {
        self.parts().1
    }
}

/// The code of a problem, on its way out beside the response that tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told(pub(crate) &'static str);

/// A request that was not done: a problem document, and what goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    problem: Box<Problem>,
    /// What was done in spite of it.
    report: Option<Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem, and what was done in spite of it.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    /// The id of the request, by which the log knows it, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<request_id::RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: &'a Option<Value>,
}

impl Failure {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let (status, code) = reason.parts();
        let failure = Failure::of(status, code, detail);
        match reason {
            Reason::IncompleteBody | Reason::RequestTimeout => failure.closing(),
            Reason::Unauthenticated => failure.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Reason::ShuttingDown => failure.closing().retried_in(5),
            Reason::StorageUnavailable => failure.retried_in(5),
            Reason::Overloaded => failure.retried_in(OVERLOADED_SECONDS),
            Reason::StorageFull => failure.retried_in(30),
            Reason::UnsupportedContentEncoding => failure.with(
                ACCEPT_ENCODING,
                HeaderValue::from_static("gzip, zstd, deflate, identity"),
            ),
            _ => failure,
        }
    }

    fn of(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            r#type: format!("{PROBLEMS}{code}"),
            title: code.replace('_', " "),
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            offset: None,
            pointer: None,
        };
        Failure {
            status,
            code,
            problem: Box::new(problem),
            report: None,
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    fn retried_in(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, HeaderValue::from(jittered(seconds)))
    }

    /// The same failure, which is of no use to try again before a while is over.
    pub(crate) fn retried_after(self, after: Duration) -> Self {
        self.retried_in(whole_seconds(after))
    }

    /// The same failure, about a parameter.
    pub(crate) fn about(mut self, parameter: &str) -> Self {
        self.problem.parameter = Some(parameter.to_owned());
        self
    }

    fn malformed(code: Code, offset: usize) -> Self {
        let detail = match code {
            Code::InvalidUtf8 => format!("the body is not UTF-8 at byte {offset}"),
            Code::InvalidEnvelope => "the body is neither an object nor an array".to_owned(),
            _ => format!("the body is not JSON at byte {offset}"),
        };
        let mut failure = Failure::of(StatusCode::BAD_REQUEST, code.as_str(), detail);
        failure.problem.offset = Some(offset);
        failure
    }

    /// The same failure, about a place in the body.
    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.problem.pointer = Some(pointer.into());
        self
    }

    /// The same failure, after which the connection is of no use.
    pub(crate) fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    /// The same failure, and what was done in spite of it.
    pub(crate) fn reporting(mut self, report: &impl Serialize) -> Self {
        self.report = serde_json::to_value(report).ok();
        self
    }

    /// Its document.
    pub(crate) fn to_json(&self) -> String {
        let Failure { problem, report, .. } = self;
        let instance = request_id::current();
        serde_json::to_string(&Document {
            problem,
            instance,
            report,
        })
        .unwrap_or_default()
    }

    pub(crate) fn unavailable() -> Self {
        Failure::new(
            Reason::StorageUnavailable,
            "the database does not answer; nothing was stored, try again later",
        )
    }

    pub(crate) fn overloaded() -> Self {
        Failure::new(
            Reason::Overloaded,
            "too many events wait to be stored; nothing was stored, try again later",
        )
    }

    /// More connections than are served at a time.
    pub(crate) fn crowded() -> Self {
        let detail = "too many connections are open; nothing was stored, try again later";
        Failure::new(Reason::Overloaded, detail).closing()
    }

    pub(crate) fn shutting_down() -> Self {
        Failure::new(
            Reason::ShuttingDown,
            "the collector is about to stop; nothing was stored, try again",
        )
    }
}

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        let mut failure = Failure::of(StatusCode::BAD_REQUEST, error.code.as_str(), error.message);
        failure.problem.parameter = Some(error.parameter).filter(|parameter| !parameter.is_empty());
        failure
    }
}

impl From<MalformedBatch> for Failure {
    fn from(error: MalformedBatch) -> Self {
        Failure::malformed(error.code, error.offset)
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        let failure = match error.code {
            Code::TooDeep | Code::TooManyNodes => {
                let detail = "this is nested too deep or has too many values";
                Failure::new(Reason::SchemaTooComplex, detail)
            }
            code => Failure::malformed(code, error.offset),
        };
        if error.pointer.is_empty() {
            failure
        } else {
            failure.at(error.pointer)
        }
    }
}

impl From<PatchError> for Failure {
    fn from(error: PatchError) -> Self {
        let failure = Failure::new(Reason::InvalidPatch, error.to_string());
        match error.operation {
            Some(number) => failure.at(format!("/{number}")),
            None => failure,
        }
    }
}

impl From<import::Failure> for Failure {
    fn from(failure: import::Failure) -> Self {
        let detail = failure.to_string();
        match failure {
            import::Failure::Store(event_store::Error::ImportTaken) => Failure::new(Reason::ImportTaken, detail),
            import::Failure::Store(error) => {
                let mut failure = Failure::from(error);
                failure.problem.detail = format!(
                    "the import ended before its file: {detail}. What the report counts is stored; send the file again, under \
                     the same label, to go on"
                );
                failure
            }
            import::Failure::TooLarge { .. } => Failure::new(Reason::DecodedTooLarge, detail),
            import::Failure::BadContentEncoding { .. } => Failure::new(Reason::BadContentEncoding, detail),
            failure => Failure::of(StatusCode::UNPROCESSABLE_ENTITY, failure.code(), detail),
        }
    }
}

impl From<event_store::Error> for Failure {
    fn from(error: event_store::Error) -> Self {
        use event_store::Error as E;
        match error {
            E::Query(error) => ParameterError::from(error).into(),
            E::Schema(error) => {
                let failure = Failure::of(StatusCode::UNPROCESSABLE_ENTITY, error.code.as_str(), error.message);
                failure.at(format!("/schema{}", error.pointer))
            }
            E::Upcast(error) => {
                let failure = Failure::new(Reason::InvalidDefinition, error.message);
                failure.at(format!("/upcast{}", error.pointer))
            }
            E::TypeNotFound => Failure::new(Reason::TypeNotFound, "no such type, or it has no mapping"),
            E::MetricNotFound => Failure::new(Reason::MetricNotFound, "there is no metric of this name"),
            E::MetricTaken => Failure::new(Reason::MetricTaken, error.to_string()),
            E::Patch(error) => error.into(),
            E::EntrySettled => Failure::new(Reason::EntrySettled, error.to_string()),
            E::MetricNotReady => Failure::new(Reason::MetricNotReady, error.to_string()),
            E::RateLimited { after } => {
                let detail =
                    "the rate of the key is used up for now: it counts events that are sent, and other requests";
                Failure::new(Reason::RateLimited, detail).retried_after(after)
            }
            // The day ends when it ends, for everybody.
            E::QuotaExceeded { after, .. } => {
                let seconds = HeaderValue::from(whole_seconds(after));
                Failure::new(Reason::QuotaExceeded, error.to_string()).with(RETRY_AFTER, seconds)
            }
            E::KeyEnded => Failure::new(Reason::KeyEnded, error.to_string()),
            E::Pruned { .. } => Failure::new(Reason::EventsPruned, error.to_string()),
            E::LossReport(error) => Failure::new(Reason::InvalidLossReport, error.message).at(error.pointer),
            E::TooManyLosses { .. } => ParameterError::new("to", Code::RangeTooLarge, error.to_string()).into(),
            E::CountsOnly { .. } => Failure::new(Reason::CountsOnly, error.to_string()),
            E::BatchTooLarge { events, limit } => {
                let detail = format!("{events} events in one request; at the most {limit} can be stored at once");
                Failure::new(Reason::BatchTooLarge, detail)
            }
            E::Closed => Failure::shutting_down(),
            E::Overloaded => Failure::overloaded(),
            error => {
                tracing::error!(error = %error, cause = error.source().map(tracing::field::display), "the store failed");
                match error {
                    E::Unavailable(_) => Failure::unavailable(),
                    E::Contention(_) => {
                        let detail = "other writers keep the database busy; nothing was stored, try again later";
                        Failure::new(Reason::StorageUnavailable, detail)
                    }
                    E::Unknown(_) => {
                        let detail = "the database did not say whether it stored this: send the same again, events \
                                      under the same ids, and the answer will tell";
                        Failure::new(Reason::StorageUnavailable, detail)
                    }
                    E::Full(_) => Failure::new(Reason::StorageFull, "the disk is full; nothing was stored"),
                    _ => Failure::new(Reason::InternalError, "the collector's log says more"),
                }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = body(self.status, "application/problem+json", self.to_json());
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Told(self.code));
        response
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Seconds, give or take 30 %, so that those who were turned away do not all come back at once.
fn jittered(seconds: u64) -> u64 {
    // The keys of a new `RandomState` are as random as this needs to be.
    let random = RandomState::new().build_hasher().finish() % 61;
    (seconds * (70 + random) + 50) / 100
}

/// The answer to a request, also if its handler panics, or what comes before it.
pub(crate) fn caught<F>(answer: impl FnOnce() -> F) -> impl Future<Output = Response>
where
    F: Future<Output = Response>,
{
    // What handlers share is behind locks whose poison is looked at.
    match catch_unwind(AssertUnwindSafe(answer)) {
        Ok(answer) => AssertUnwindSafe(answer)
            .catch_unwind()
            .map(|answered| answered.unwrap_or_else(panicked))
            .left_future(),
        Err(panic) => ready(panicked(panic)).right_future(),
    }
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    // Not the text of the panic: it may quote an event.
    tracing::error!("a handler panicked");
    Failure::new(
        Reason::InternalError,
        "a defect of the collector; nothing is known about the outcome",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::CONTENT_TYPE;

    #[test]
    fn a_failure_is_a_problem_document() {
        let error = ParameterError::new("limit", Code::InvalidLimit, "a number from 1 to 1000");
        let response = Failure::from(error).into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert!(!response.headers().contains_key(RETRY_AFTER));
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_too() {
        async fn broken() -> Response {
            panic!("with what an event holds")
        }
        let response = caught(broken).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.r#type, "https://event-rs.github.io/problems/internal_error");
        assert!(!problem.detail.contains("event holds"));
    }

    #[test]
    fn what_a_metric_cannot_do_has_a_code() {
        use event_store::Error as E;
        let counts_only = E::CountsOnly {
            category: "order".to_owned(),
            name: "created".to_owned(),
        };
        for (error, status, code) in [
            (E::MetricNotFound, 404, "metric_not_found"),
            (E::MetricTaken, 409, "metric_taken"),
            (E::MetricNotReady, 409, "metric_not_ready"),
            (counts_only, 422, "counts_only"),
        ] {
            let failure = Failure::from(error);
            assert_eq!(failure.problem.r#type, format!("{PROBLEMS}{code}"));
            assert!(!failure.problem.detail.is_empty());
            assert_eq!(failure.into_response().status(), status);
        }
    }

    #[test]
    fn who_is_turned_away_hears_when_to_come_back() {
        for _ in 0..100 {
            let response = Failure::from(event_store::Error::Overloaded).into_response();
            assert_eq!(response.status(), 503);
            let seconds: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((4..=7).contains(&seconds), "{seconds}");
        }
        let after = Duration::from_millis(9_500);
        let response = Failure::from(event_store::Error::RateLimited { after }).into_response();
        let seconds: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!(response.status() == 429 && (7..=13).contains(&seconds), "{seconds}");
        let response = Failure::from(event_store::Error::QuotaExceeded { quota: 7, after }).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
            (429, &HeaderValue::from(10))
        );
        let response = Failure::from(event_store::Error::Closed).into_response();
        assert_eq!(response.headers()[CONNECTION], "close");
    }
}
