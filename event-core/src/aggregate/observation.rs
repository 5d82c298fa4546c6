//! What a metric sees of one event.

use super::group::GroupKey;
use super::level::Level;
use super::sketch::Sketch;
use crate::envelope::Envelope;
use crate::json::Payload;
use crate::metric::Metric;
use crate::timestamp::Timestamp;

/// All that the cells of a [`Metric`] take from one event of its type.
///
/// ```
/// use event_core::aggregate::Observation;
/// # let source = event_core::Source::new("shop")?;
/// # let reception = event_core::event::Reception {
/// #     received_at: "2026-01-01T10:20:30Z".parse()?, source: &source, zone: chrono_tz::Tz::UTC,
/// #     limits: Default::default(), new_id: &|| event_core::EventId::new("made-here").unwrap(),
/// # };
/// let sales = serde_json::from_str(
///     r#"{"metric":"sales","category":"order","name":"created","value":"/total","scale":2,"by":["/province"]}"#,
/// )?;
/// let order = event_core::Event::builder("order", "created").field("total", 9.9).build(&reception)?;
/// let seen = Observation::of(&sales, order.envelope(), order.payload());
/// assert_eq!(seen.at, "2026-01-01T10:20:00Z".parse()?);
/// assert_eq!(seen.group.texts().collect::<Vec<_>>(), ["null"]);
/// assert_eq!(seen.number, Some((990, -2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The start of its minute.
    pub at: Timestamp,
    /// What it has at the fields of the metric.
    pub group: GroupKey,
    /// The measured number, if it has one: mantissa and exponent. The exponent is that of the
    /// declared scale; without one, or for an older event that does not keep to it, that of the
    /// number's canonical text.
    pub number: Option<(i64, i16)>,
    /// What it has at the field whose different values the metric tells: empty where that is nothing, absent
    /// where the metric has no such field.
    pub unique: Option<Sketch>,
}

impl Observation {
    /// What a metric sees of an event of its type.
    #[must_use]
    pub fn of(metric: &Metric, envelope: &Envelope, payload: &Payload) -> Self {
        let mut key = String::new();
        for field in metric.by() {
            GroupKey::push_found(&mut key, field.find(envelope, payload));
        }
        Observation {
            at: Level::Minute.start(envelope.occurred_at),
            group: GroupKey::from_scratch(&key),
            number: metric.number(payload),
            unique: metric.unique().map(|field| match field.find(envelope, payload) {
                Some(found) => Sketch::of(&found.text()),
                None => Sketch::new(),
            }),
        }
    }
}
