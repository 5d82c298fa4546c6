//! `GET /`: what the collector holds, for people.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::Response;
use event_core::filter::{Field, Filter};
use event_core::query::Measure;
use event_core::query::{Order, Page};
use event_core::wire::Loss;
use event_core::{Answer, Query, Timestamp};
use event_store::EventStore;
use event_store::loss::LossFilter;

use super::App;
use crate::page::{self, Lost, Overview, Refused, TypeCount};
use crate::reply::{self, Failure};
use crate::target::NoParameters;

const HOUR: i64 = 3_600_000_000;
const TYPES: usize = 20;
const LATEST: usize = 20;
const LOSSES: usize = 20;

pub(super) async fn show(State(app): State<App>, _: NoParameters, headers: HeaderMap) -> Result<Response, Failure> {
    let latest = Page {
        order: Order::Descending,
        limit: LATEST,
        ..Page::new(Filter::new())
    };
    let overview = Overview {
        address: address(&headers),
        today: now().to_string().chars().take(10).collect(),
        types: types(&app.store).await?,
        latest: app.store.page(&latest).await?.events,
        refused: refused(&app.store).await?,
        lost: lost(&app.store).await?,
        metrics: app.store.metrics().await?,
    };
    Ok(reply::page(page::render(&overview)))
}

pub(super) async fn style_sheet(_: NoParameters) -> Response {
    reply::style_sheet(page::STYLE_SHEET)
}

/// Where the reader's browser found us, for lines to paste into a shell.
fn address(headers: &HeaderMap) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let host = if !host.is_empty() && host.bytes().all(plain) {
        host
    } else {
        "127.0.0.1:8000"
    };
    format!("http://{host}")
}

/// The most frequent types of the last day.
async fn types(store: &EventStore) -> Result<Vec<TypeCount>, Failure> {
    let now = now();
    let by_type = Query::new(Measure::Count).by(Field::Category).by(Field::Name);
    let since = |micros: i64| Some(now.saturating_add_micros(-micros));
    let day = Query {
        from: since(24 * HOUR),
        ..by_type.clone().top(TYPES)
    };
    let hour = Query {
        from: since(HOUR),
        ..by_type.top(Query::MAX_TOP)
    };
    let day = store.answer(&day).await?;
    let hour: BTreeMap<_, _> = counts(&store.answer(&hour).await?).collect();
    let count = |(name, day): ([String; 2], String)| {
        let hour = hour.get(&name).cloned().unwrap_or_else(|| "0".to_owned());
        let [category, name] = name;
        TypeCount {
            category,
            name,
            hour,
            day,
        }
    };
    Ok(counts(&day).map(count).collect())
}

/// Category and name of every row, and its count.
fn counts(answer: &Answer) -> impl Iterator<Item = ([String; 2], String)> {
    answer.rows.iter().filter_map(|row| {
        let mut names = row
            .group
            .as_ref()?
            .key()
            .texts()
            .map(|text| serde_json::from_str(text).unwrap_or_default());
        Some(([names.next()?, names.next()?], row.value.as_ref()?.to_string()))
    })
}

/// How often events were refused, by reason.
async fn refused(store: &EventStore) -> Result<Vec<Refused>, Failure> {
    let mut times = BTreeMap::new();
    for count in store.quarantine_counts().await? {
        *times.entry(count.code).or_insert(0) += count.occurrences;
    }
    let mut refused: Vec<Refused> = times.into_iter().map(|(code, times)| Refused { code, times }).collect();
    refused.sort_by_key(|refused| std::cmp::Reverse(refused.times));
    Ok(refused)
}

/// What clients reported as lost in the last day, the latest hour first.
async fn lost(store: &EventStore) -> Result<Lost, Failure> {
    let from = Loss::hour_of(now().saturating_add_micros(-24 * HOUR));
    let filter = LossFilter {
        from: Some(from),
        ..LossFilter::default()
    };
    let mut losses = store.latest_losses(&filter, LOSSES + 1).await?;
    let more = (losses.len() > LOSSES).then(|| format!("v1/losses?from={from}"));
    losses.truncate(LOSSES);
    Ok(Lost { losses, more })
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    Timestamp::MIN.saturating_add_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_address_is_safe_to_paste() {
        let mut headers = HeaderMap::new();
        assert_eq!(address(&headers), "http://127.0.0.1:8000");
        headers.insert(HOST, HeaderValue::from_static("localhost:9000"));
        assert_eq!(address(&headers), "http://localhost:9000");
        headers.insert(HOST, HeaderValue::from_static("x';rm -rf ~;'"));
        assert_eq!(address(&headers), "http://127.0.0.1:8000");
    }
}
