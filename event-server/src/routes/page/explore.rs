//! `GET /explore`: a question by a form, and its answer.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event_core::query::{Measure, ParameterError, Unit};
use event_core::{Answer, Query, Timestamp};
use event_store::Error;

use super::super::App;
use super::{address, series};
use crate::auth::Visitor;
use crate::clock::now;
use crate::page::chart::{COLOURS, Chart, Form};
use crate::page::explore::{self, Answered, Explored, Outcome, Row};
use crate::page::text;
use crate::reply::{self, Failure};
use crate::target::Parameters;

const DAY: i64 = 24 * 3_600_000_000;
/// So many rows stand in the table.
const ROWS: usize = 500;
/// More buckets are too narrow to be seen.
const BUCKETS: usize = 1_000;

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let asked = asked(&parameters);
    let outcome = outcome(&app, &asked, &headers).await?;
    let explored = Explored { asked, outcome };
    Ok(reply::page(explore::render(&explored, visitor.prefix())))
}

/// What a form asks: fields that are empty say nothing. Who asks nothing is shown the last day.
fn asked(parameters: &Parameters) -> Vec<(String, String)> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let said = || parameters.pairs().filter(|(_, value)| !value.is_empty());
    let mut asked: Vec<_> = said()
        .filter(|(name, _)| !["pointer", "value"].contains(name))
        .map(own)
        .collect();
    let of = |wanted: &str| said().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    if let Some(pointer) = of("pointer") {
        asked.push(own((pointer, of("value").unwrap_or_default())));
    }
    if asked.is_empty() {
        let hour = now().saturating_add_micros(-DAY).to_string();
        let from = format!("{}:00:00Z", hour.get(..13).unwrap_or_default());
        let pairs = [
            ("measure", "count"),
            ("by", "category"),
            ("by", "name"),
            ("bucket", "hour"),
        ];
        asked.extend(pairs.map(own));
        asked.push(own(("from", &from)));
    }
    asked
}

async fn outcome(app: &App, asked: &[(String, String)], headers: &HeaderMap) -> Result<Outcome, Failure> {
    let pairs = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = match Query::from_pairs(pairs) {
        Ok(query) => query,
        Err(error) => return Ok(wrong(error)),
    };
    match app.store.answer(&query).await {
        Ok(answer) => {
            let answered = Answered {
                question: query.to_pairs().unwrap_or_else(|| asked.to_vec()),
                address: address(headers),
                chart: chart(&query, &answer),
                columns: columns(&query),
                rows: rows(&query, &answer),
                count: answer.rows.len(),
                source: answer.source.as_str(),
                error: answer.standard_error.as_ref().map(ToString::to_string),
            };
            Ok(Outcome::Answered(Box::new(answered)))
        }
        Err(Error::Query(error)) => Ok(wrong(ParameterError::from(error))),
        Err(error @ Error::CountsOnly { .. }) => Ok(Outcome::Wrong {
            parameter: String::new(),
            message: error.to_string(),
        }),
        Err(error) => Err(error.into()),
    }
}

fn wrong(error: ParameterError) -> Outcome {
    Outcome::Wrong {
        parameter: error.parameter,
        message: error.message,
    }
}

fn columns(query: &Query) -> Vec<String> {
    let bucket = query.bucket.map(|_| "Bucket begins at, UTC".to_owned());
    bucket
        .into_iter()
        .chain(query.by.iter().map(ToString::to_string))
        .collect()
}

fn rows(query: &Query, answer: &Answer) -> Vec<Row> {
    let greatest = answer.rows.iter().filter_map(series::value).fold(0.0, f64::max);
    // Beside a drawing of them all, lines would say the same again.
    let lines = query.bucket.is_none() && !query.by.is_empty() && greatest > 0.0;
    let row = |row: &event_core::aggregate::Row| {
        let bucket = row.bucket.map(|bucket| text::to_the_minute(&bucket.start.to_string()));
        Row {
            columns: bucket.into_iter().chain(series::texts(row.group.as_ref())).collect(),
            share: series::value(row)
                .filter(|value| lines && *value >= 0.0)
                .map(|value| value / greatest),
            value: row.value.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string),
        }
    };
    answer.rows.iter().take(ROWS).map(row).collect()
}

fn chart(query: &Query, answer: &Answer) -> Option<Chart> {
    let bucket = query.bucket?;
    let found = answer.rows.iter().filter_map(|row| Some(row.bucket?.start));
    let (first, last) = (found.clone().min()?, found.max()?);
    // All between them: what did not happen takes its time, too.
    let spans = bucket.spans(first, last.saturating_add_micros(1)).ok()?;
    if spans.len() > BUCKETS {
        return None;
    }
    let starts: Vec<Timestamp> = spans.iter().map(|span| span.start).collect();
    let mut series = series::of(answer, &starts);
    series.retain(|series| series.values.iter().any(Option::is_some));
    let hidden = series.len().saturating_sub(COLOURS);
    series.truncate(COLOURS);
    let of = if hidden > 0 {
        format!("; {hidden} smaller groups are not drawn")
    } else {
        String::new()
    };
    let name = |start: &Timestamp| -> String {
        let text = text::to_the_minute(&start.to_string());
        match bucket.unit {
            Unit::Minute | Unit::Hour => text.chars().skip(5).collect(),
            Unit::Day | Unit::Week | Unit::Month => text.chars().take(10).collect(),
        }
    };
    Some(Chart {
        title: format!("{} by {}{of}", query.measure, bucket.unit),
        form: if query.measure == Measure::Count {
            Form::Columns
        } else {
            Form::Lines
        },
        buckets: starts.iter().map(name).collect(),
        series,
    })
}
