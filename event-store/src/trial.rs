//! What would a schema say to the events that are here already? Tried before it is registered.

use std::collections::{BTreeMap, HashMap};

use event_core::event::Reception;
use event_core::{Code, Event, EventId, EventType, Label, Schema, Source, Violation};
use serde::Serialize;
use serde_json::Value;

use crate::backwards::{Backwards, Seen};
use crate::entity::quarantine::QuarantineEntry;
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::judge::new_id;
use crate::quarantine::{self, QuarantineFilter, QuarantinePage, State};
use crate::store::EventStore;

/// Which events a schema is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// So many of the newest stored events of the type.
    pub last: usize,
    /// Whether refused events of the type are tried, too.
    pub refused: Refused,
}

impl Default for Sample {
    fn default() -> Self {
        Sample {
            last: 10_000,
            refused: Refused::LeftOut,
        }
    }
}

/// Whether refused events are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// They are not looked at.
    #[default]
    LeftOut,
    /// Those that were refused for their data, or because nobody had registered their type or
    /// version, are tried.
    Tried,
}

/// What a schema says to events that are here. It repeats none of their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// How many stored events were judged.
    pub judged: u64,
    /// Whether these are all of the type's events that are stored.
    pub all: bool,
    /// How many of them break the schema.
    pub would_fail: u64,
    /// The same by the application that they came from, most failures first.
    pub by_source: Vec<OfSource>,
    /// The same by the rule that they break, most failures first; the hundred most frequent.
    pub by_violation: Vec<OfViolation>,
    /// The newest of them that break it, five at the most.
    pub samples: Vec<Failing>,
    /// What it says to those that were refused, where they were tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<OfRefused>,
}

/// What a schema says to the events of one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfSource {
    /// The application.
    pub source: Source,
    /// How many events of it were judged.
    pub judged: u64,
    /// How many of them break the schema.
    pub would_fail: u64,
}

/// How many events break a rule at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfViolation {
    /// The keyword of the rule.
    pub keyword: String,
    /// The place in the data, a JSON pointer; `*` stands for every index of an array.
    pub pointer: String,
    /// How many events.
    pub events: u64,
}

/// An event that breaks the schema, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub id: EventId,
    /// The application that it came from.
    pub source: Source,
    /// The version that judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
    /// The rules that it breaks.
    pub violations: Vec<Violation>,
}

/// What a schema says to events that were refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OfRefused {
    /// How many were judged.
    pub judged: u64,
    /// How many of them the schema allows.
    pub would_pass: u64,
    /// How many could not be read as events: they are malformed, or only their start was kept.
    pub unreadable: u64,
}

/// So many different rules and places are counted; beyond, events count as failing only.
const MOST_COUNTED: usize = 10_000;
/// So many of them are told.
const MOST_TOLD: usize = 100;
const SAMPLES: usize = 5;
/// Refused events that are read at once.
const PAGE: usize = 500;

impl EventStore {
    /// Judges the newest stored events of a type by a schema, and refused ones where that is asked
    /// for; changes nothing. Events of which only counts are kept cannot be judged.
    ///
    /// It reads page by page: events that come or go meanwhile may be judged or not.
    ///
    /// # Errors
    /// [`Error::Schema`] for a schema that is not taken; otherwise if the database fails.
    ///
    /// ```
    /// use event_core::{EventType, Source};
    /// use event_store::trial::Sample;
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let offer = Offer::Json(br#"{"category": "order", "name": "paid", "data": {"total": "12"}}"#.to_vec());
    /// store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
    ///
    /// let schema = serde_json::json!({"properties": {"total": {"type": "number"}}});
    /// let trial = store.trial(&EventType::new("order", "paid")?, &schema, Sample::default()).await?;
    /// assert_eq!((trial.judged, trial.would_fail), (1, 1));
    /// assert_eq!(trial.by_violation[0].pointer, "/total");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn trial(&self, event_type: &EventType, schema: &Value, sample: Sample) -> Result<Trial, Error> {
        let schema = Schema::compile(schema)?;
        let (inner, event_type) = (self.inner().clone(), event_type.clone());
        detached(async move {
            let mut tally = Tally::default();
            let mut events = Backwards::of(&inner, &event_type, sample.last).await?;
            while let Some(page) = events.next(&inner).await? {
                let schema = schema.clone();
                tally = off_the_runtime(move || {
                    page.iter().for_each(|seen| tally.judge(&schema, seen));
                    tally
                })
                .await?;
            }
            let refused = match sample.refused {
                Refused::LeftOut => None,
                Refused::Tried => Some(refused(&inner, &event_type, &schema).await?),
            };
            Ok(tally.told(events.is_at_start(), refused))
        })
        .await
    }
}

/// Judging a page takes long enough to be kept off the runtime's threads.
pub(crate) async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::corrupt(format!("judging failed: {error}")))
}

#[derive(Default)]
struct Tally {
    judged: u64,
    would_fail: u64,
    by_source: BTreeMap<Source, (u64, u64)>,
    by_violation: HashMap<(String, String), u64>,
    samples: Vec<Failing>,
}

impl Tally {
    fn judge(&mut self, schema: &Schema, seen: &Seen) {
        self.judged += 1;
        let of_source = self.by_source.entry(seen.source.clone()).or_default();
        of_source.0 += 1;
        let Err(violations) = schema.validate(&seen.data) else {
            return;
        };
        of_source.1 += 1;
        self.would_fail += 1;
        for key in rules(&violations) {
            if self.by_violation.len() < MOST_COUNTED || self.by_violation.contains_key(&key) {
                *self.by_violation.entry(key).or_default() += 1;
            }
        }
        if self.samples.len() < SAMPLES {
            self.samples.push(Failing {
                position: seen.position,
                id: seen.id.clone(),
                source: seen.source.clone(),
                version: seen.version.clone(),
                violations,
            });
        }
    }

    fn told(self, all: bool, refused: Option<OfRefused>) -> Trial {
        let mut by_source: Vec<_> = self
            .by_source
            .into_iter()
            .map(|(source, (judged, would_fail))| OfSource {
                source,
                judged,
                would_fail,
            })
            .collect();
        by_source.sort_by_key(|of| std::cmp::Reverse(of.would_fail));
        let mut by_violation: Vec<_> = self.by_violation.into_iter().collect();
        by_violation.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
        by_violation.truncate(MOST_TOLD);
        Trial {
            judged: self.judged,
            all,
            would_fail: self.would_fail,
            by_source,
            by_violation: by_violation
                .into_iter()
                .map(|((keyword, pointer), events)| OfViolation {
                    keyword,
                    pointer,
                    events,
                })
                .collect(),
            samples: self.samples,
            refused,
        }
    }
}

/// The rules that an event breaks, each once: keyword and place, `*` for an index.
pub(crate) fn rules(violations: &[Violation]) -> impl Iterator<Item = (String, String)> {
    let general = |token: &str| {
        let index = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        if index { "*".to_owned() } else { token.to_owned() }
    };
    let rule = |violation: &Violation| {
        let tokens: Vec<_> = violation.pointer.split('/').map(general).collect();
        (violation.keyword.clone(), tokens.join("/"))
    };
    let rules: std::collections::BTreeSet<_> = violations.iter().map(rule).collect();
    rules.into_iter()
}

async fn refused(inner: &Inner, event_type: &EventType, schema: &Schema) -> Result<OfRefused, Error> {
    let mut found = OfRefused::default();
    for code in [Code::SchemaViolation, Code::UnknownType, Code::UnknownVersion] {
        let mut page = QuarantinePage {
            filter: QuarantineFilter {
                code: Some(code),
                event_type: Some(event_type.clone()),
                state: Some(State::Open),
                ..QuarantineFilter::default()
            },
            limit: PAGE,
            ..QuarantinePage::default()
        };
        loop {
            let listed = quarantine::list(inner, &page).await?;
            for entry in &listed.entries {
                found.judged += 1;
                match offered(entry, inner) {
                    Some(event) if schema.allows(event.payload().root()) => found.would_pass += 1,
                    Some(_) => {}
                    None => found.unreadable += 1,
                }
            }
            page.after = listed.next;
            if page.after.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// The event that a refused one was offered as, if all of it is there.
fn offered(entry: &QuarantineEntry, inner: &Inner) -> Option<Event> {
    let raw = entry.raw.as_ref().filter(|_| entry.sha256.is_none())?;
    let reception = Reception {
        received_at: entry.received_at,
        source: &entry.source,
        zone: chrono_tz::Tz::UTC,
        limits: inner.options.limits,
        new_id: &new_id,
    };
    let event = Event::from_slice(raw.as_bytes(), &reception).ok();
    // A foreign document says by its mapping what its data are.
    event.or_else(|| {
        let (event_type, version) = (entry.event_type.as_ref()?, entry.version.as_ref());
        let registry = inner.registry();
        let mapping = registry.get(event_type, version)?.mapping.as_ref()?;
        mapping.lift(raw.as_bytes(), event_type, version, &reception).ok()
    })
}
