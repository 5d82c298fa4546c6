//! THE ONE DOOR: whatever is offered, by whomever, enters here and leaves as a verdict.

use chrono_tz::Tz;
use event_core::event::Reception;
use event_core::mapping;
use event_core::refusal::Refusal;
use event_core::registry::{Definition, Keep, Registry};
use event_core::verdict::Status;
use event_core::{Code, Event, EventId, EventType, Label, Limits, Source, Timestamp, ValidEvent, Verdict};
use std::sync::Arc;

use crate::error::{Cause, Error};
use crate::inner::now;
use crate::queue::Entry;
use crate::store::EventStore;

/// Something that may be an event.
#[derive(Clone, Debug)]
pub enum Offer {
    /// The JSON text of one event.
    Json(Vec<u8>),
    /// A foreign document, to be lifted by the mapping of a type and version (or the active one).
    Foreign {
        /// The document.
        bytes: Vec<u8>,
        /// The type whose mapping lifts it.
        event_type: EventType,
        /// The version of the type.
        version: Option<Label>,
    },
    /// The JSON text of one CloudEvent.
    CloudEvent(Vec<u8>),
    /// An event that this program made.
    Event(Box<Event>),
}

impl From<Event> for Offer {
    fn from(event: Event) -> Self {
        Offer::Event(Box::new(event))
    }
}

/// Who offers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The source of events that name none.
    pub source: Source,
    /// The zone of times without an offset.
    pub zone: Tz,
}

impl Origin {
    /// A source whose times without offset are UTC.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Origin { source, zone: Tz::UTC }
    }
}

/// Judging so many events takes long enough to be kept off the runtime's threads.
const LONG: usize = 32;

/// An id for an event that has none: it grows with time, so that indexes stay small.
pub(crate) fn new_id() -> EventId {
    let id = uuid::Uuid::now_v7().as_hyphenated().to_string();
    // A UUID is printable ASCII without space, 36 bytes long.
    EventId::new(id).unwrap_or_else(|_| unreachable!("a UUID is an id"))
}

impl EventStore {
    /// Judges what is offered, stores what is good, keeps what is not, and answers only after the
    /// commit: one verdict an offer, in order. One bad event never sinks the others.
    ///
    /// May be cancelled at any await: then all of the offers are stored, or none.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the commit failed or did not answer in time: offer the same events
    /// again, and their ids will tell. With any other error nothing was stored.
    pub async fn ingest(&self, offers: Vec<Offer>, origin: &Origin) -> Result<Vec<Verdict>, Error> {
        if offers.is_empty() {
            return Ok(Vec::new());
        }
        let registry = self.registry();
        for offer in &offers {
            if let Offer::Foreign {
                event_type, version, ..
            } = offer
                && definition(&registry, event_type, version.as_ref()).is_none()
            {
                return Err(Error::TypeNotFound);
            }
        }
        let judge = Judge {
            registry,
            origin: origin.clone(),
            limits: self.inner().options.limits,
            received_at: now(),
        };
        let judged = if offers.len() < LONG {
            judge.all(offers)
        } else {
            let work = tokio::task::spawn_blocking(move || judge.all(offers));
            work.await.map_err(|error| Error::Corrupt {
                what: format!("judging failed: {error}"),
            })?
        };
        self.keep(judged).await
    }

    /// Stores events that [`EventStore::registry`] has found valid, in one transaction.
    ///
    /// # Errors
    /// As [`EventStore::ingest`]; [`Error::BatchTooLarge`] for more events than the queue may hold
    /// (100,000 unless [`Options::queue_events`](crate::Options::queue_events) says otherwise).
    pub async fn append(&self, events: Vec<ValidEvent>) -> Result<Vec<Verdict>, Error> {
        let received_at = now();
        let entry = |event| {
            Judged::Keep(Entry::Event {
                event: Box::new(event),
                raw: None,
                received_at,
            })
        };
        self.keep(events.into_iter().map(entry).collect()).await
    }

    async fn keep(&self, judged: Vec<Judged>) -> Result<Vec<Verdict>, Error> {
        let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(judged.len());
        let mut entries = Vec::with_capacity(judged.len());
        for one in judged {
            match one {
                Judged::Keep(entry) => {
                    entries.push(entry);
                    verdicts.push(None);
                }
                Judged::Drop(verdict) => verdicts.push(Some(verdict)),
            }
        }
        let mut kept = if entries.is_empty() {
            Vec::new()
        } else {
            self.store(entries).await?
        }
        .into_iter();
        let all = verdicts.into_iter().map(|verdict| verdict.or_else(|| kept.next()));
        all.collect::<Option<_>>()
            .ok_or_else(|| Error::corrupt("fewer verdicts than events"))
    }

    async fn store(&self, entries: Vec<Entry>) -> Result<Vec<Verdict>, Error> {
        let inner = self.inner();
        // A large batch may take longer than a small one.
        let patience = inner.options.request_timeout
            + std::time::Duration::from_micros(200) * u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let (answer, turn) = inner.queue.offer(entries)?;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(verdicts)) => verdicts,
            Ok(Err(_)) => Err(Error::Unknown(Cause::new("the writer went away"))),
            Err(_) if turn.withdraw() => Err(Error::Unavailable(Cause::new("the database was not free in time"))),
            Err(_) => Err(Error::Unknown(Cause::new("no answer in time"))),
        }
    }
}

/// What becomes of an offer before the database is asked.
enum Judged {
    Keep(Entry),
    Drop(Verdict),
}

struct Judge {
    registry: Arc<Registry>,
    origin: Origin,
    limits: Limits,
    received_at: Timestamp,
}

fn definition<'a>(registry: &'a Registry, event_type: &EventType, version: Option<&Label>) -> Option<&'a Definition> {
    registry
        .get(event_type, version)
        .map(Arc::as_ref)
        .filter(|definition| definition.mapping.is_some())
}

impl Judge {
    fn all(&self, offers: Vec<Offer>) -> Vec<Judged> {
        offers.into_iter().map(|offer| self.one(offer)).collect()
    }

    fn one(&self, offer: Offer) -> Judged {
        let reception = Reception {
            received_at: self.received_at,
            source: &self.origin.source,
            zone: self.origin.zone,
            limits: self.limits,
            new_id: &new_id,
        };
        let (read, raw) = match offer {
            Offer::Json(bytes) => (Event::from_slice(&bytes, &reception), Some(bytes)),
            Offer::CloudEvent(bytes) => (mapping::cloud_event(&bytes, &reception), Some(bytes)),
            Offer::Event(event) => (Ok(*event), None),
            Offer::Foreign {
                bytes,
                event_type,
                version,
            } => {
                let mapping =
                    definition(&self.registry, &event_type, version.as_ref()).and_then(|it| it.mapping.as_ref());
                let lifted = match mapping {
                    Some(mapping) => mapping.lift(&bytes, &event_type, version.as_ref(), &reception),
                    None => Err(Refusal::new(Code::MappingFailed, "", "the type has no mapping")),
                };
                // What is known of a document that could not be lifted is the type it was sent to.
                let lifted = lifted.map_err(|mut refusal| {
                    refusal.claims.event_type.get_or_insert(event_type);
                    refusal
                });
                (lifted, Some(bytes))
            }
        };
        let (refusal, keep, raw) = match read {
            Ok(event) => match self.registry.validate(event, self.received_at) {
                Ok(event) => {
                    return Judged::Keep(Entry::Event {
                        event: Box::new(event),
                        raw,
                        received_at: self.received_at,
                    });
                }
                Err(refused) => {
                    let raw = raw.unwrap_or_else(|| serde_json::to_vec(&refused.event).unwrap_or_default());
                    (refused.refusal, refused.keep, raw)
                }
            },
            Err(refusal) => (refusal, Keep::Quarantine, raw.unwrap_or_default()),
        };
        match keep {
            Keep::Nothing => Judged::Drop(Verdict::refused(Status::Rejected, &refusal)),
            Keep::Quarantine => {
                let source = refusal
                    .claims
                    .source
                    .clone()
                    .unwrap_or_else(|| self.origin.source.clone());
                let (refusal, raw, received_at) = (Box::new(refusal), raw, self.received_at);
                Judged::Keep(Entry::Refused {
                    refusal,
                    source,
                    raw,
                    received_at,
                })
            }
        }
    }
}
