//! `GET /`: what the collector holds, for people.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event_core::filter::{Field, Filter};
use event_core::query::{Bucket, Measure, Order, Page, Unit};
use event_core::wire::Loss;
use event_core::{Answer, Query, Timestamp};
use event_store::EventStore;
use event_store::loss::LossFilter;

use super::super::{App, numbers};
use super::{address, series};
use crate::auth::Visitor;
use crate::clock::now;
use crate::page::chart::{COLOURS, Chart, Form, Series};
use crate::page::overview::{self, Count, Lost, Overview, Refused, TypeCount};
use crate::page::text;
use crate::reply::{self, Failure};
use crate::target::NoParameters;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const TYPES: usize = 20;
const SOURCES: usize = 10;
const SESSIONS: usize = 10;
const LATEST: usize = 20;
const LOSSES: usize = 6;

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let latest = Page {
        order: Order::Descending,
        limit: LATEST,
        ..Page::new(Filter::new())
    };
    let now = now();
    let overview = Overview {
        address: address(&headers),
        today: now.to_string().chars().take(10).collect(),
        since: Loss::hour_of(now.saturating_add_micros(-24 * HOUR)).to_string(),
        // Before the events: what comes in between is shown twice rather than never.
        head: app.store.head().await?,
        minutes: minutes(&app.store, now).await?,
        types: types(&app.store, now).await?,
        sources: greatest(
            &app.store,
            Field::Source,
            SOURCES,
            now.saturating_add_micros(-24 * HOUR),
        )
        .await?,
        sessions: greatest(&app.store, Field::SessionId, SESSIONS, now.saturating_add_micros(-HOUR)).await?,
        latest: app.store.page(&latest).await?.events,
        refused: refused(&app.store).await?,
        lost: lost(&app.store, now).await?,
        metrics: app.store.metrics().await?,
        projections: numbers::shown(&app.store).await.unwrap_or_default(),
        links: app
            .config
            .links
            .iter()
            .map(|link| (link.name(), link.state()))
            .collect(),
    };
    Ok(reply::page(overview::render(&overview, visitor.prefix())))
}

/// The last hour by minutes: the most frequent types, and all others as one.
async fn minutes(store: &EventStore, now: Timestamp) -> Result<Chart, Failure> {
    let minute = now.as_micros().div_euclid(MINUTE) * MINUTE;
    let first = Timestamp::MIN.saturating_add_micros(minute - 59 * MINUTE);
    let starts: Vec<Timestamp> = (0..60)
        .map(|minute| first.saturating_add_micros(minute * MINUTE))
        .collect();
    let all = Query::new(Measure::Count)
        .within(first, first.saturating_add_micros(HOUR))
        .per(Bucket::utc(Unit::Minute));
    let by_type = all.clone().by(Field::Category).by(Field::Name).top(COLOURS - 1);
    let mut drawn = series::of(&store.answer(&by_type).await?, &starts);
    let total = series::of(&store.answer(&all).await?, &starts);
    drawn.extend(total.first().and_then(|total| others(total, &drawn)));
    Ok(Chart {
        title: "Events a minute by type, in the last hour, UTC".to_owned(),
        form: Form::Columns,
        buckets: starts.iter().map(|start| text::clock(&start.to_string())).collect(),
        series: drawn,
    })
}

/// What is left of a total; `None` if nothing is.
fn others(total: &Series, drawn: &[Series]) -> Option<Series> {
    let left = |(at, value): (usize, &Option<f64>)| {
        let known: f64 = drawn
            .iter()
            .filter_map(|series| series.values.get(at).copied().flatten())
            .sum();
        value.map(|value| value - known).filter(|left| *left > 0.0)
    };
    let values: Vec<Option<f64>> = total.values.iter().enumerate().map(left).collect();
    values.iter().any(Option::is_some).then(|| Series {
        name: "others".to_owned(),
        values,
    })
}

/// What most events since some time have at a field.
async fn greatest(store: &EventStore, field: Field, count: usize, since: Timestamp) -> Result<Vec<Count>, Failure> {
    let query = Query {
        from: Some(since),
        // One more, for those that have nothing there.
        ..Query::new(Measure::Count).by(field).top(count + 1)
    };
    let answer = store.answer(&query).await?;
    let named = counts::<1>(&answer).filter(|([name], _)| !name.is_empty());
    let counts = named.map(|([name], events)| Count { name, events });
    Ok(counts.take(count).collect())
}

/// The most frequent types of the last day.
async fn types(store: &EventStore, now: Timestamp) -> Result<Vec<TypeCount>, Failure> {
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
    let hour: BTreeMap<_, _> = counts::<2>(&store.answer(&hour).await?).collect();
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
    Ok(counts::<2>(&day).map(count).collect())
}

/// The texts of every row's group, and its count.
fn counts<const N: usize>(answer: &Answer) -> impl Iterator<Item = ([String; N], String)> {
    answer.rows.iter().filter_map(|row| {
        let texts = row.group.as_ref()?.key().texts();
        let names: Vec<String> = texts
            .map(|text| serde_json::from_str(text).unwrap_or_default())
            .collect();
        Some((names.try_into().ok()?, row.value.as_ref()?.to_string()))
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
async fn lost(store: &EventStore, now: Timestamp) -> Result<Lost, Failure> {
    let from = Loss::hour_of(now.saturating_add_micros(-24 * HOUR));
    let filter = LossFilter {
        from: Some(from),
        ..LossFilter::default()
    };
    let mut losses = store.latest_losses(&filter, LOSSES + 1).await?;
    let more = losses.len() > LOSSES;
    losses.truncate(LOSSES);
    Ok(Lost { losses, more })
}
