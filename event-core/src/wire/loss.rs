//! What a client had to give up, and what of such a report can be counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::{EventId, Label, Source};
use crate::timestamp::Timestamp;

const HOUR: i64 = 3_600_000_000;

/// What a client had to give up: `POST /v1/losses`. The collector shows it beside the counts.
///
/// ```
/// use event_core::wire::LossReport;
/// let report: LossReport = serde_json::from_str(
///     r#"{"id": "r-1", "source": "shop-web",
///         "losses": [{"hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 37}]}"#,
/// )?;
/// assert_eq!(report.losses[0].events, 37);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossReport {
    /// Made once, so that a report that is sent again is counted once.
    pub id: EventId,
    /// The application that lost them.
    pub source: Source,
    /// By hour and reason.
    pub losses: Vec<Loss>,
}

/// So many events were offered to a client in an hour and never reached the collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The start of the hour, UTC; any other instant stands for the hour that it lies in.
    pub hour: Timestamp,
    /// Why, in the client's words: `queue_full`, `expired`, …
    pub reason: Label,
    /// How many events.
    pub events: u64,
}

/// A report that cannot be counted, and where it is wrong. The offending value is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct InvalidLossReport {
    /// The place in the report, as a JSON pointer.
    pub pointer: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Loss {
    /// The most events that are counted of an hour, a source and a reason: every number up to here
    /// is exact wherever JSON is read.
    pub const MAX_EVENTS: u64 = 1 << 53;

    /// The start of the hour that an instant lies in, UTC.
    ///
    /// ```
    /// use event_core::wire::Loss;
    /// assert_eq!(Loss::hour_of("2021-01-01T16:59:59.9+02:00".parse()?), "2021-01-01T14:00:00Z".parse()?);
    /// # Ok::<(), event_core::timestamp::TimestampError>(())
    /// ```
    #[must_use]
    pub fn hour_of(at: Timestamp) -> Timestamp {
        at.saturating_add_micros(-at.as_micros().rem_euclid(HOUR))
    }
}

impl LossReport {
    /// The most lines of a report.
    pub const MAX_LINES: usize = 1_000;

    /// What is to be counted, in the order of hour and reason: hours are cut down to their start,
    /// and lines of one hour and reason are added up to one. An hour that starts further behind `now` than the
    /// tolerance counts as the present one: one of two clocks goes wrong, and what was lost is lost all the same.
    ///
    /// # Errors
    /// The first thing that is wrong: too many lines; no events, or more than [`Loss::MAX_EVENTS`], also
    /// where lines add up.
    ///
    /// ```
    /// use event_core::wire::LossReport;
    /// let report: LossReport = serde_json::from_str(
    ///     r#"{"id": "r-1", "source": "shop-web", "losses": [
    ///         {"hour": "2021-01-01T14:20:00Z", "reason": "queue_full", "events": 30},
    ///         {"hour": "2021-01-01T14:40:00Z", "reason": "queue_full", "events": 7}]}"#,
    /// )?;
    /// let lines = report.lines("2021-01-01T15:00:00Z".parse()?, 300)?;
    /// assert_eq!((lines.len(), lines[0].events), (1, 37));
    /// assert_eq!(lines[0].hour.to_string(), "2021-01-01T14:00:00Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lines(&self, now: Timestamp, tolerance_seconds: u32) -> Result<Vec<Loss>, InvalidLossReport> {
        if self.losses.len() > Self::MAX_LINES {
            return Err(InvalidLossReport {
                pointer: "/losses".to_owned(),
                message: format!("a report has at the most {} lines", Self::MAX_LINES),
            });
        }
        let latest = now.saturating_add_micros(i64::from(tolerance_seconds) * 1_000_000);
        let mut lines: BTreeMap<(Timestamp, &Label), u64> = BTreeMap::new();
        for (at, loss) in self.losses.iter().enumerate() {
            let wrong = |member: &str, message: String| InvalidLossReport {
                pointer: format!("/losses/{at}/{member}"),
                message,
            };
            let hour = Loss::hour_of(loss.hour);
            let hour = if hour > latest { Loss::hour_of(now) } else { hour };
            if !(1..=Loss::MAX_EVENTS).contains(&loss.events) {
                return Err(wrong(
                    "events",
                    format!("this is a number from 1 to {}", Loss::MAX_EVENTS),
                ));
            }
            // Neither of the two is more than 2^53.
            let events = lines.entry((hour, &loss.reason)).or_default();
            *events += loss.events;
            if *events > Loss::MAX_EVENTS {
                let message = format!(
                    "the lines of this hour and reason add up to more than {}",
                    Loss::MAX_EVENTS
                );
                return Err(wrong("events", message));
            }
        }
        let line = |((hour, reason), events): ((Timestamp, &Label), u64)| Loss {
            hour,
            reason: reason.clone(),
            events,
        };
        Ok(lines.into_iter().map(line).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(hour: &str, reason: &str, events: u64) -> Loss {
        Loss {
            hour: hour.parse().unwrap(),
            reason: Label::new(reason).unwrap(),
            events,
        }
    }

    fn report(losses: Vec<Loss>) -> LossReport {
        LossReport {
            id: EventId::new("r-1").unwrap(),
            source: Source::new("shop-web").unwrap(),
            losses,
        }
    }

    /// At ten to two, with five minutes of tolerance.
    fn lines(losses: Vec<Loss>) -> Result<Vec<Loss>, InvalidLossReport> {
        report(losses).lines("2026-01-01T13:50:00Z".parse().unwrap(), 300)
    }

    fn pointer(losses: Vec<Loss>) -> String {
        lines(losses).unwrap_err().pointer
    }

    #[test]
    fn lines_of_one_hour_and_reason_are_one() {
        let merged = lines(vec![
            loss("2026-01-01T13:59:59.999999Z", "expired", 1),
            loss("2026-01-01T12:30:00Z", "queue_full", 2),
            loss("2026-01-01T13:00:00Z", "expired", 4),
            loss("2026-01-01T15:00:00+02:00", "Expired", 8),
        ]);
        let expected = [
            loss("2026-01-01T12:00:00Z", "queue_full", 2),
            loss("2026-01-01T13:00:00Z", "Expired", 8),
            loss("2026-01-01T13:00:00Z", "expired", 5),
        ];
        assert_eq!(merged.unwrap(), expected);
        assert_eq!(lines(Vec::new()).unwrap(), []);
    }

    #[test]
    fn hours_behind_the_tolerance_are_the_present_one() {
        let next = |now: &str| {
            let report = report(vec![
                loss("2026-01-01T14:00:00Z", "a", 1),
                loss("2026-01-01T13:00:00Z", "a", 2),
            ]);
            report.lines(now.parse().unwrap(), 300).unwrap()
        };
        let (one, other) = (
            loss("2026-01-01T13:00:00Z", "a", 2),
            loss("2026-01-01T14:00:00Z", "a", 1),
        );
        assert_eq!(next("2026-01-01T13:55:00Z"), [one, other]);
        assert_eq!(
            next("2026-01-01T13:54:59.999999Z"),
            [loss("2026-01-01T13:00:00Z", "a", 3)]
        );
        assert_eq!(next("1970-01-01T00:30:00Z"), [loss("1970-01-01T00:00:00Z", "a", 3)]);
        let end = lines(vec![loss("9999-12-31T23:59:59Z", "a", 1)]).unwrap();
        assert_eq!(end, [loss("2026-01-01T13:00:00Z", "a", 1)]);
        assert_eq!(Loss::hour_of(Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn numbers_are_those_that_json_keeps_exactly() {
        let hour = "2026-01-01T12:00:00Z";
        let most = Loss::MAX_EVENTS;
        assert_eq!(
            lines(vec![loss(hour, "a", most)]).unwrap()[0].events,
            9_007_199_254_740_992
        );
        for events in [0, most + 1, u64::MAX] {
            assert_eq!(
                pointer(vec![loss(hour, "b", 1), loss(hour, "a", events)]),
                "/losses/1/events"
            );
        }
        let together = vec![loss(hour, "a", most), loss(hour, "b", 1), loss(hour, "a", 1)];
        assert_eq!(pointer(together), "/losses/2/events");
    }

    #[test]
    fn a_report_has_a_thousand_lines() {
        let of = |count: usize| lines(vec![loss("2026-01-01T12:00:00Z", "a", Loss::MAX_EVENTS / 1_000); count]);
        assert!(of(1_000).is_ok());
        assert_eq!(of(1_001).unwrap_err().pointer, "/losses");
    }
}
