//! What is offered → what becomes of it, before the database is asked.

use std::sync::Arc;

use chrono_tz::Tz;
use event_core::event::Reception;
use event_core::mapping;
use event_core::policy::Storage;
use event_core::refusal::Refusal;
use event_core::registry::{Definition, Keep, Registry};
use event_core::verdict::Status;
use event_core::{Code, Event, EventId, EventType, Label, Limits, Source, Timestamp, ValidEvent, Verdict};

use crate::api_key::Principal;
use crate::original::{Form, Kept, Original};
use crate::queue::{Entry, Identity};
use crate::shadow;

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
    /// The JSON text of one event whose times are by the clock of its sender: it is
    /// [set right](Event::set_right) by ours.
    ByClockOfSender(Vec<u8>),
    /// An event that this program made.
    Event(Box<Event>),
}

impl Offer {
    /// About what it will hold in memory, once it is judged.
    pub(crate) fn bytes(&self) -> usize {
        let sent = match self {
            Offer::Json(bytes)
            | Offer::Foreign { bytes, .. }
            | Offer::CloudEvent(bytes)
            | Offer::ByClockOfSender(bytes) => bytes.len(),
            Offer::Event(event) => event.payload().as_str().len(),
        };
        512 + 3 * sent
    }
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
    others: Others,
}

/// What becomes of events of another source, or of some types.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Others {
    Taken,
    Refused,
    /// As the key of a sender says.
    OfSender(Principal),
}

impl Origin {
    /// A source whose times without offset are UTC.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Origin {
            source,
            zone: Tz::UTC,
            others: Others::Taken,
        }
    }

    /// A sender who may speak for one source only: events that name another are refused as
    /// [`Code::NotPermitted`], and whatever is refused is kept under this one.
    ///
    /// ```
    /// use event_core::{Code, Source};
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let origin = Origin::only(Source::new("shop")?);
    /// let offer = Offer::Json(br#"{"category": "order", "name": "created", "source": "bank"}"#.to_vec());
    /// let verdicts = store.ingest(vec![offer], &origin).await?;
    /// assert_eq!(verdicts[0].code, Some(Code::NotPermitted));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only(source: Source) -> Self {
        Origin {
            others: Others::Refused,
            ..Origin::new(source)
        }
    }

    /// Whoever has a key: events of other sources and types than the key is for are refused as
    /// [`Code::NotPermitted`], and as many are taken as its rate and its quota allow. Those that name no source are of
    /// the first one that the key names, or of this one.
    ///
    /// ```
    /// use event_core::{Code, Source};
    /// use event_store::api_key::NewKey;
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let new = NewKey::new(Source::new("shop")?).types(["order".parse()?]);
    /// let key = store.create_key(new).await?;
    /// let sender = store.authenticate(key.expose()).ok_or("nobody's")?;
    /// let offer = |category: &str| Offer::Json(format!(r#"{{"category": "{category}", "name": "paid"}}"#).into_bytes());
    /// let origin = Origin::of(&sender, Source::new("unknown")?);
    /// let verdicts = store.ingest(vec![offer("order"), offer("invoice")], &origin).await?;
    /// assert_eq!((verdicts[0].code, verdicts[1].code), (None, Some(Code::NotPermitted)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(sender: &Principal, source: Source) -> Self {
        Origin {
            others: Others::OfSender(sender.clone()),
            ..Origin::new(sender.rights.own_source().cloned().unwrap_or(source))
        }
    }

    /// Whose key it is, if that is known.
    pub(crate) fn sender(&self) -> Option<&Principal> {
        match &self.others {
            Others::OfSender(sender) => Some(sender),
            Others::Taken | Others::Refused => None,
        }
    }

    fn permits(&self, source: &Source) -> bool {
        match &self.others {
            Others::Taken => true,
            Others::Refused => *source == self.source,
            Others::OfSender(sender) => sender.rights.has_source(source),
        }
    }

    /// Where an event says what this sender may not send, and why not.
    fn beyond(&self, event: &Event) -> Option<(&'static str, &'static str)> {
        let envelope = event.envelope();
        if !self.permits(&envelope.source) {
            return Some((
                "/source",
                "this sender may not send events of another source than its own",
            ));
        }
        let sender = self.sender()?;
        let beyond = !sender.rights.has_type(&envelope.event_type);
        beyond.then_some(("/category", "this sender may not send events of this type"))
    }

    /// Where a refused event is kept that claims to be of this source.
    fn kept_under(&self, claimed: Option<&Source>) -> Source {
        let claimed = claimed.filter(|source| self.permits(source));
        claimed.unwrap_or(&self.source).clone()
    }
}

/// An id for an event that has none: it grows with time, so that indexes stay small, and its other 74 bits are all by
/// chance, where a counter would let whoever has one id guess the next.
pub(crate) fn new_id() -> EventId {
    let now = uuid::Timestamp::now(uuid::NoContext);
    let id = uuid::Uuid::new_v7(now).as_hyphenated().to_string();
    // A UUID is printable ASCII without space, 36 bytes long.
    EventId::new(id).unwrap_or_else(|_| unreachable!("a UUID is an id"))
}

/// What becomes of an offer before the database is asked.
pub(crate) enum Judged {
    Keep(Entry),
    Drop(Verdict),
}

pub(crate) struct Judge {
    pub(crate) registry: Arc<Registry>,
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
    pub(crate) received_at: Timestamp,
    /// The id of an event that has none; a new one, unless it has been here before.
    pub(crate) id: Option<EventId>,
}

pub(crate) fn definition<'a>(
    registry: &'a Registry,
    event_type: &EventType,
    version: Option<&Label>,
) -> Option<&'a Definition> {
    registry
        .get(event_type, version)
        .map(Arc::as_ref)
        .filter(|definition| definition.mapping.is_some())
}

/// What is kept of a valid event.
pub(crate) fn storage(registry: &Registry, event: &ValidEvent) -> Storage {
    let envelope = event.event().envelope();
    registry.storage(&envelope.event_type, envelope.version.as_ref())
}

impl Judge {
    pub(crate) fn all(&self, offers: Vec<Offer>) -> Vec<Judged> {
        offers.into_iter().map(|offer| self.one(offer)).collect()
    }

    /// What this receiver adds to an event.
    pub(crate) fn reception<'a>(&'a self, new_id: &'a (dyn Fn() -> EventId + Sync)) -> Reception<'a> {
        Reception {
            received_at: self.received_at,
            source: &self.origin.source,
            zone: self.origin.zone,
            limits: self.limits,
            new_id,
        }
    }

    /// A document of this sender.
    pub(crate) fn original(&self, bytes: Vec<u8>, form: Form) -> Original {
        let zone = self.origin.zone;
        Original { bytes, form, zone }
    }

    pub(crate) fn one(&self, offer: Offer) -> Judged {
        let (read, original) = self.event(offer);
        self.read(read, original)
    }

    /// The event that an offer is, not judged yet, and what came in.
    pub(crate) fn event(&self, offer: Offer) -> (Result<Event, Refusal>, Option<Original>) {
        let id = || self.id.clone().unwrap_or_else(new_id);
        let reception = self.reception(&id);
        let original = |bytes, form| Some(self.original(bytes, form));
        match offer {
            Offer::Json(bytes) => (Event::from_slice(&bytes, &reception), original(bytes, Form::Event)),
            Offer::CloudEvent(bytes) => (
                mapping::cloud_event(&bytes, &reception),
                original(bytes, Form::CloudEvent),
            ),
            Offer::ByClockOfSender(bytes) => match Event::from_slice(&bytes, &reception) {
                // Kept as it is set right: whoever reads it again does so by a later clock.
                Ok(event) => (Ok(event.set_right(self.received_at)), None),
                Err(refusal) => (Err(refusal), original(bytes, Form::Event)),
            },
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
                    if refusal.claims.event_type.is_none() {
                        refusal.claims.event_type = Some(event_type);
                        refusal.claims.version = version;
                    }
                    refusal
                });
                (lifted, original(bytes, Form::Foreign))
            }
        }
    }

    /// Judges an event as it was read, or keeps what could not be read as one.
    pub(crate) fn read(&self, read: Result<Event, Refusal>, original: Option<Original>) -> Judged {
        let written = |event: &Event| Original::written(serde_json::to_vec(event).unwrap_or_default());
        let (refusal, keep, original, identity) = match read {
            // Before its type's policy is looked at, which is that of events that may be sent.
            Ok(event) => match self.origin.beyond(&event) {
                Some((place, message)) => {
                    let refusal = Refusal::new(Code::NotPermitted, place, message).with_claims(event.claims());
                    (
                        refusal,
                        Keep::Quarantine,
                        original.unwrap_or_else(|| written(&event)),
                        None,
                    )
                }
                None => match self.registry.validate(event, self.received_at) {
                    Ok(event) => {
                        return Judged::Keep(Entry::Event {
                            storage: storage(&self.registry, &event),
                            opinions: shadow::opinions(&self.registry, &event),
                            event: Box::new(event),
                            kept: original.map_or(Kept::Made, Kept::Sent),
                            received_at: self.received_at,
                        });
                    }
                    Err(refused) => {
                        let original = original.unwrap_or_else(|| written(&refused.event));
                        let identity = Box::new(Identity::of(&refused.event));
                        (refused.refusal, refused.keep, original, Some(identity))
                    }
                },
            },
            Err(refusal) => {
                let original = original.unwrap_or_else(|| Original::written(Vec::new()));
                (refusal, Keep::Quarantine, original, None)
            }
        };
        match keep {
            Keep::Nothing => Judged::Drop(Verdict::refused(Status::Rejected, &refusal)),
            Keep::Quarantine => {
                let source = self.origin.kept_under(refusal.claims.source.as_ref());
                let (refusal, received_at) = (Box::new(refusal), self.received_at);
                Judged::Keep(Entry::Refused {
                    refusal,
                    source,
                    original,
                    received_at,
                    identity,
                })
            }
        }
    }
}
