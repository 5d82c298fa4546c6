//! Problems: what a request is told that was not done, and of which routes which codes are heard.

use std::collections::BTreeMap;

use event_core::Code;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::AllOfBuilder;

use super::shape::{Shape, anything, between, id, integer, may, named, need, open, record, text, word};
use crate::reply::{self, Reason};

/// Problems that any request may be told.
const ANY: [Reason; 14] = [
    Reason::InvalidPath,
    Reason::AmbiguousAuth,
    Reason::Unauthenticated,
    Reason::NotPermitted,
    // Of whoever has logged in with a browser.
    Reason::CrossSite,
    Reason::RateLimited,
    Reason::QuotaExceeded,
    Reason::BodyTooLarge,
    Reason::HeadersTooLarge,
    Reason::InternalError,
    Reason::StorageUnavailable,
    Reason::StorageFull,
    Reason::Overloaded,
    Reason::ShuttingDown,
];

/// Those of whoever sends a body.
const BODY: [Reason; 8] = [
    Reason::RequestTimeout,
    Reason::IncompleteBody,
    Reason::BadContentEncoding,
    Reason::DecodedTooLarge,
    Reason::UnsupportedMediaType,
    Reason::UnsupportedCharset,
    Reason::UnsupportedContentEncoding,
    Reason::InvalidEnvelope,
];

/// What JSON can be wrong in, before anybody looks what it says.
const JSON: [Code; 8] = [
    Code::MalformedJson,
    Code::InvalidUtf8,
    Code::InvalidEnvelope,
    Code::DuplicateKey,
    Code::NulCharacter,
    Code::InvalidUnicode,
    Code::InvalidKey,
    Code::NumberOutOfRange,
];

/// What a question can be wrong in, beside its JSON.
const QUESTION: [Code; 10] = [
    Code::InvalidParameter,
    Code::InvalidRange,
    Code::RangeTooLarge,
    Code::InvalidLimit,
    Code::InvalidCursor,
    Code::InvalidTimestamp,
    Code::AmbiguousTimestamp,
    Code::TimestampOutOfRange,
    Code::NonFiniteNumber,
    Code::NulCharacter,
];

/// What a file can be wrong in.
const FILE: [&str; 12] = [
    "empty_file",
    "missing_column",
    "duplicate_column",
    "invalid_label",
    "invalid_columns",
    "record_too_large",
    "file_changed",
    "too_many_errors",
    "not_a_regular_file",
    "unreadable_file",
    "unwritable_rejects",
    "unwritable_spill",
];

/// What a schema can be wrong in.
const SCHEMA: [&str; 4] = [
    "schema_invalid",
    "schema_too_complex",
    "schema_ref_not_allowed",
    "schema_pattern_unsupported",
];

/// The codes that a route answers, by status.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<u16, Vec<&'static str>>);

impl Problems {
    /// What every route may answer.
    pub(super) fn of_any() -> Self {
        let mut problems = Problems::default();
        problems.reasons(&ANY);
        // Every route reads its parameters, if only to find that there are none.
        problems.codes(
            Reason::InvalidPath,
            [Code::UnknownParameter.as_str(), Code::InvalidParameter.as_str()],
        );
        problems
    }

    pub(super) fn reasons(&mut self, reasons: &[Reason]) {
        for reason in reasons {
            self.codes(*reason, [reason.code()]);
        }
    }

    pub(super) fn of_body(&mut self) {
        self.reasons(&BODY);
    }

    pub(super) fn of_json(&mut self) {
        self.of_body();
        self.codes(Reason::InvalidPath, JSON.map(Code::as_str));
        self.codes(Reason::SchemaTooComplex, [Reason::SchemaTooComplex.code()]);
    }

    pub(super) fn of_question(&mut self) {
        self.codes(Reason::InvalidPath, QUESTION.map(Code::as_str));
        self.reasons(&[Reason::CountsOnly]);
    }

    /// A question as JSON says with 400 also that it is nested too deep.
    pub(super) fn of_asked_json(&mut self) {
        self.of_json();
        self.of_question();
        self.codes(
            Reason::InvalidPath,
            [Code::TooDeep.as_str(), Code::TooManyNodes.as_str()],
        );
    }

    pub(super) fn of_file(&mut self) {
        self.of_body();
        self.codes(Reason::InvalidPath, QUESTION.map(Code::as_str));
        self.codes(Reason::InvalidDefinition, FILE);
    }

    pub(super) fn of_schema(&mut self) {
        self.codes(Reason::InvalidDefinition, SCHEMA);
    }

    /// Codes that have the status of a reason.
    fn codes(&mut self, like: Reason, codes: impl IntoIterator<Item = &'static str>) {
        let known = self.0.entry(like.status()).or_default();
        known.extend(codes);
        known.sort_unstable();
        known.dedup();
    }

    /// One response a status.
    pub(super) fn responses(self) -> impl Iterator<Item = (String, Response)> {
        self.0
            .into_iter()
            .map(|(status, codes)| (status.to_string(), response(status, &codes)))
    }
}

fn response(status: u16, codes: &[&'static str]) -> Response {
    let types = codes.iter().map(|code| format!("{}{code}", reply::PROBLEMS));
    let of_these = open([need("type", text().enum_values(Some(types)))]);
    let schema = AllOfBuilder::new().item(named("Problem")).item(of_these);
    let response = ResponseBuilder::new()
        .description(codes.join(", "))
        .content("application/problem+json", Content::new(Some(schema)));
    let response = match status {
        401 => response.header("WWW-Authenticate", HeaderBuilder::new().schema(Some(text())).build()),
        405 => response.header("Allow", HeaderBuilder::new().schema(Some(text())).build()),
        429 | 503 => {
            let seconds = HeaderBuilder::new()
                .schema(Some(text()))
                .description(Some("When to try again, in seconds"));
            response.header("Retry-After", seconds.build())
        }
        _ => response,
    };
    response.build()
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let problem = record([
        need(
            "type",
            text().description(Some("An address whose last part is the code: what programs go by")),
        ),
        need("title", text()),
        need("status", between(400, 599)),
        may("detail", text().description(Some("What is wrong, for people"))),
        may(
            "instance",
            id().description(Some("The id of the request, as it stands in the collector's log")),
        ),
        may("parameter", text().description(Some("Which parameter is wrong"))),
        may("offset", integer(0).description(Some("At which byte of the body"))),
        may("pointer", text().description(Some("Where in the body: a JSON pointer"))),
        may("report", anything().description(Some("What was done in spite of it"))),
    ]);
    let code = word(Code::ALL.iter().map(|code| code.as_str()));
    vec![
        (
            "Problem",
            problem
                .description(Some("Why a request was not done (RFC 9457)"))
                .into(),
        ),
        ("Code", code.description(Some("What is wrong with an event")).into()),
    ]
}
