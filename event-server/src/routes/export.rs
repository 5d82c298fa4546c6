//! `GET /v1/export`: events in the order of the log, as one answer that is written while it is read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use event_core::query::{Page, ParameterError};
use event_core::{Code, Pointer};
use event_store::export::{CsvOptions, Encoded, ExportOptions, Formulas};
use futures_util::stream;

use super::App;
use crate::auth::Reader;
use crate::reply::{self, Failure};
use crate::target::{self, Parameters, wrong};

pub(super) async fn stream(
    State(app): State<App>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let question = Question::read(&parameters)?;
    reader.check(&question.options.filter)?;
    let export = app.store.export(&question.options).await?;
    let (mut bytes, media) = match question.format {
        Format::Ndjson => (export.ndjson(), reply::Export::Ndjson),
        Format::Csv(options) => (export.csv(options), reply::Export::Csv),
        Format::Arrow => (export.arrow(), reply::Export::Arrow),
    };
    // What fails at once is still answered as a problem.
    let first = bytes.next().await?;
    let until = bytes.until();
    Ok(reply::export(media, until, body(first, bytes)))
}

/// Chunks as they are asked for. A client that goes away asks for none, and so ends the work; what fails on the way
/// cuts the line, so that nobody takes the part for the whole.
fn body(first: Option<Vec<u8>>, bytes: Encoded) -> Body {
    Body::from_stream(stream::try_unfold((first, bytes), |(first, mut bytes)| async move {
        let chunk = match first {
            Some(chunk) => Some(chunk),
            None => bytes.next().await.map_err(|error| {
                let error = Arc::new(error);
                tracing::error!(%error, "an export broke off");
                error
            })?,
        };
        Ok::<_, Arc<event_store::Error>>(chunk.map(|chunk| (chunk, (None, bytes))))
    }))
}

enum Format {
    Ndjson,
    Csv(CsvOptions),
    Arrow,
}

struct Question {
    format: Format,
    options: ExportOptions,
}

/// What a list of events knows besides, and an export has no use for.
const OF_LISTS: [&str; 3] = ["order", "limit", "cursor"];

impl Question {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (mut format, mut after, mut formulas) = (None, None, None);
        let (mut columns, mut rest) = (Vec::new(), Vec::new());
        for (name, value) in parameters.pairs() {
            let slot = match name {
                "format" => &mut format,
                "after" => &mut after,
                "formulas" => &mut formulas,
                "column" => {
                    let column = value
                        .parse::<Pointer>()
                        .map_err(|error| wrong(name, error.to_string()))?;
                    columns.push(column);
                    continue;
                }
                name if OF_LISTS.contains(&name) => return Err(unknown(name)),
                _ => {
                    rest.push((name, value));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return Err(wrong(name, "this is given twice"));
            }
        }
        let page = Page::from_pairs(rest).map_err(|error| match error.code {
            Code::UnknownParameter => unknown(&error.parameter),
            _ => error,
        })?;
        let csv = format == Some("csv");
        for (name, given) in [("column", !columns.is_empty()), ("formulas", formulas.is_some())] {
            if given && !csv {
                return Err(wrong(name, "this is for format=csv"));
            }
        }
        let options = ExportOptions {
            after: target::position("after", after)?.unwrap_or_default(),
            from: page.from,
            to: page.to,
            filter: page.filter,
            upcast: page.upcast,
        };
        let format = match format {
            None | Some("ndjson") => Format::Ndjson,
            Some("csv") => Format::Csv(CsvOptions {
                columns,
                formulas: match formulas {
                    None | Some("escaped") => Formulas::Escaped,
                    Some("verbatim") => Formulas::Verbatim,
                    Some(_) => return Err(wrong("formulas", "this is escaped or verbatim")),
                },
            }),
            Some("arrow") => Format::Arrow,
            Some(_) => return Err(wrong("format", "this is ndjson, csv or arrow")),
        };
        Ok(Question { format, options })
    }
}

fn unknown(name: &str) -> ParameterError {
    let known = "format, after, from, to, zone, upcast, column, formulas and the filters";
    let message = format!("unknown parameter; there are {known}");
    ParameterError::new(name, Code::UnknownParameter, message)
}
