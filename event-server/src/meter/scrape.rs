//! What the store says of itself in the moment in which it is asked.

use std::fmt;

use event_store::Health;
use event_store::project::ProjectionStatus;
use event_store::stats::{Distribution, Stats};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::connections::Connections;
use crate::spans::Spans;

/// One look at the store.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) stats: Stats,
    pub(crate) health: Health,
    /// What the database answers; nothing if it does not.
    pub(crate) database: Option<Kept>,
    /// Open connections of the listener that serves us, if it is one of ours.
    pub(crate) connections: Option<Connections>,
    /// Spans of traces, if some are sent.
    pub(crate) spans: Option<Spans>,
}

/// What the database holds.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) position: i64,
    /// Refused events that nobody has dealt with.
    pub(crate) refused: i64,
    /// Of projections, those whose tables readers see.
    pub(crate) projections: Vec<ProjectionStatus>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.verdicts(encoder)?;
        self.writer(encoder)?;
        gauge(
            encoder,
            "database_up",
            "Whether the database answers",
            &i64::from(self.database.is_some()),
        )?;
        if let Some(kept) = &self.database {
            gauge(encoder, "log_position", "The newest place in the log", &kept.position)?;
            gauge(
                encoder,
                "quarantine_entries",
                "Refused events that nobody has dealt with",
                &kept.refused,
            )?;
            projections(encoder, &kept.projections)?;
        }
        if let Some(connections) = &self.connections {
            let open = i64::try_from(connections.count()).unwrap_or(i64::MAX);
            gauge(encoder, "http_connections", "Open connections", &open)?;
            let help = "Connections that were told to come again, because too many were open";
            let mut turned_away =
                encoder.encode_descriptor("http_connections_shed", help, None, MetricType::Counter)?;
            turned_away.encode_counter::<NoLabelSet, _, u64>(&connections.turned_away(), None)?;
        }
        if let Some(spans) = &self.spans {
            let help = "Spans for traces: sent, dropped because too many waited, or not taken";
            let mut counts = encoder.encode_descriptor("trace_spans", help, None, MetricType::Counter)?;
            for (outcome, count) in spans.outcomes() {
                counts
                    .encode_family(&[("outcome", outcome)])?
                    .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }
}

impl Scrape {
    fn verdicts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "What became of events that were offered";
        let mut verdicts = encoder.encode_descriptor("verdicts", help, None, MetricType::Counter)?;
        for told in &self.stats.verdicts {
            let code = told.code.map_or("", |code| code.as_str());
            let labels = [("status", told.status.as_str()), ("code", code)];
            verdicts
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(&told.count, None)?;
        }
        let help = "Events that clients reported as lost";
        let mut lost = encoder.encode_descriptor("lost_events", help, None, MetricType::Counter)?;
        lost.encode_counter::<NoLabelSet, _, u64>(&self.stats.lost_events, None)
    }

    fn writer(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Health {
            writer_alive,
            last_heartbeat_age,
            queued_events,
            queued_bytes,
            ..
        } = self.health;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        gauge(
            encoder,
            "queue_events",
            "Events that wait to be stored",
            &count(queued_events),
        )?;
        gauge_in(
            encoder,
            "queue",
            "What waits to be stored, about",
            &Unit::Bytes,
            &count(queued_bytes),
        )?;
        gauge(
            encoder,
            "writer_up",
            "Whether the task that writes is there",
            &i64::from(writer_alive),
        )?;
        let (age, help) = (
            last_heartbeat_age.as_secs_f64(),
            "How long ago the writer showed a sign of life",
        );
        gauge_in(encoder, "writer_heartbeat_age", help, &Unit::Seconds, &age)?;
        let help = "How long commits took, with all that was tried again";
        histogram(
            encoder,
            "commit_duration",
            help,
            Some(&Unit::Seconds),
            &self.stats.commit_seconds,
        )?;
        histogram(
            encoder,
            "commit_events",
            "How many events shared a commit",
            None,
            &self.stats.commit_events,
        )?;
        let help = "Transactions of the writer that failed, also those that were tried again";
        let mut failures = encoder.encode_descriptor("commit_failures", help, None, MetricType::Counter)?;
        for (kind, count) in &self.stats.failures {
            let labels = [("kind", *kind)];
            failures
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(count, None)?;
        }
        Ok(())
    }
}

fn projections(encoder: &mut DescriptorEncoder<'_>, all: &[ProjectionStatus]) -> fmt::Result {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    family(
        encoder,
        "projection_position",
        "Up to where its events are applied",
        all,
        |it| it.position,
    )?;
    let help = "Places of the log that are not applied yet";
    family(encoder, "projection_behind", help, all, |it| it.head - it.position)?;
    let help = "The age of the oldest event that is not applied yet";
    let mut lags = encoder.encode_descriptor("projection_lag", help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for it in all {
        let labels = [("projection", it.name.as_str())];
        lags.encode_family(&labels)?.encode_gauge(&it.lag.as_secs_f64())?;
    }
    let help = "Events that could not be applied";
    family(encoder, "projection_parked", help, all, |it| count(it.parked))?;
    let help = "Whether somebody works on all of it, and nothing is stuck";
    family(encoder, "projection_up", help, all, |it| i64::from(it.is_well()))
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: &[ProjectionStatus],
    value: impl Fn(&ProjectionStatus) -> i64,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for it in all {
        let labels = [("projection", it.name.as_str())];
        family.encode_family(&labels)?.encode_gauge(&value(it))?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: &impl EncodeGaugeValue) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, None, MetricType::Gauge)?
        .encode_gauge(value)
}

fn gauge_in(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: &Unit,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, Some(unit), MetricType::Gauge)?
        .encode_gauge(value)
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: &Distribution,
) -> fmt::Result {
    let mut histogram = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    histogram.encode_histogram::<NoLabelSet>(values.sum, values.count(), &values.buckets, None)
}
