//! A collector in this very process, behind the client's own idea of a network.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_core::event::{ContentHash, Reception};
use event_core::flag::Flags;
use event_core::verdict::Status;
use event_core::wire::{BatchReply, LossReport, split_ndjson};
use event_core::{Code, Event, EventId, Limits, Refusal, Source, Verdict};

use super::script::{Mishap, Script};
use crate::fork;
use crate::shared::now;
use crate::transport::{Exchange, Method, Opening, Request, Response, Stream, Transport, TransportError};

/// What was sent so far, and what is to go wrong.
#[derive(Default)]
pub(super) struct Ledger {
    /// Stored, in the order of their arrival.
    pub(super) events: Vec<Event>,
    known: HashMap<(Source, EventId), ContentHash>,
    /// How many events came in each request, whatever was answered.
    pub(super) requests: Vec<usize>,
    /// Each once.
    pub(super) losses: Vec<LossReport>,
    /// How many reports came, also again.
    pub(super) reports: usize,
    pub(super) script: Script,
}

/// Answers requests at once.
pub(super) struct Collector {
    generation: u32,
    ledger: Mutex<Ledger>,
}

impl Default for Collector {
    fn default() -> Self {
        Collector {
            generation: fork::generation(),
            ledger: Mutex::default(),
        }
    }
}

impl Collector {
    /// This one, or in a child made by `fork` an empty one, as this one may be locked for ever there.
    pub(super) fn of_this_process(self: &Arc<Self>) -> Arc<Self> {
        if self.generation == fork::generation() {
            Arc::clone(self)
        } else {
            Arc::default()
        }
    }

    /// A test's own closures run under this lock: if one panics, that is the end of that test only.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Collector {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(ready(self.ledger().answer(&request)))
    }

    /// It has nothing to tell at length.
    fn open(&self, request: Request) -> Opening<'_> {
        let answer = self.ledger().answer(&request);
        Box::pin(ready(answer.map(|response| Stream {
            response,
            position: None,
            chunks: None,
        })))
    }
}

impl Ledger {
    fn answer(&mut self, request: &Request) -> Result<Response, TransportError> {
        if self.script.down {
            return Err(TransportError::new("the collector is down, as the test wants it"));
        }
        if self.script.key.is_some() && self.script.key != request.key {
            return Ok(status(401));
        }
        match (request.method, &*request.path) {
            (Method::Post, "/v1/events") => self.take(&request.body),
            (Method::Post, "/v1/losses") => self.note(&request.body),
            _ => Ok(status(404)),
        }
    }

    fn take(&mut self, body: &[u8]) -> Result<Response, TransportError> {
        let read: Result<Vec<Event>, Refusal> = split_ndjson(body).map(event).collect();
        let Ok(events) = read else { return Ok(status(400)) };
        self.requests.push(events.len());
        let mishap = self.script.mishaps.pop_front();
        if let Some(Mishap::Status(code)) = mishap {
            return Ok(status(code));
        }
        if let Some(code) = self.script.status(&events) {
            return Ok(status(code));
        }
        let mut results: Vec<Verdict> = events.into_iter().map(|event| self.judge(event)).collect();
        match mishap {
            Some(Mishap::AnswerLost) => {
                return Err(TransportError::on_its_way("the answer is lost, as the test wants it"));
            }
            Some(Mishap::VerdictMissing) => drop(results.pop()),
            _ => {}
        }
        Ok(reply(&BatchReply { results }))
    }

    fn judge(&mut self, event: Event) -> Verdict {
        let refused = |status, code| {
            let refusal = Refusal::new(code, "", "refused, as the test wants it").with_claims(event.claims());
            Verdict::refused(status, &refusal)
        };
        if let Some((status, code)) = self.script.refusal(&event) {
            return refused(status, code);
        }
        let envelope = event.envelope();
        let (id, hash) = (envelope.id.clone(), event.content_hash());
        let key = (envelope.source.clone(), id.clone());
        let position = i64::try_from(self.events.len() + 1).unwrap_or(i64::MAX);
        match self.known.get(&key) {
            Some(known) if *known == hash => Verdict::in_log(Status::Duplicate, id, position, Flags::NONE),
            Some(_) => refused(Status::Conflict, Code::IdConflict),
            None => {
                self.known.insert(key, hash);
                self.events.push(event);
                Verdict::in_log(Status::Stored, id, position, Flags::NONE)
            }
        }
    }

    fn note(&mut self, body: &[u8]) -> Result<Response, TransportError> {
        let Ok(report) = serde_json::from_slice::<LossReport>(body) else {
            return Ok(status(400));
        };
        self.reports += 1;
        if self.losses.iter().all(|known| known.id != report.id) {
            self.losses.push(report);
        }
        if self.script.lost_reports > 0 {
            self.script.lost_reports -= 1;
            return Err(TransportError::on_its_way("the answer is lost, as the test wants it"));
        }
        Ok(status(204))
    }
}

/// The client writes out all that it knows: nothing is added here.
fn event(line: &[u8]) -> Result<Event, Refusal> {
    let failed = |error: event_core::name::NameError| Refusal::new(Code::InvalidEnvelope, "", error.to_string());
    let source = Source::new("unnamed").map_err(failed)?;
    let id = EventId::new("unnamed").map_err(failed)?;
    // The client has held the event to its own.
    let mut limits = Limits::default();
    limits.event_bytes = usize::MAX / 4;
    limits.depth = usize::MAX / 4;
    limits.nodes = usize::MAX / 4;
    limits.key_bytes = usize::MAX / 4;
    let reception = Reception {
        received_at: now(),
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits,
        new_id: &|| id.clone(),
    };
    Event::from_slice(line, &reception)
}

fn status(status: u16) -> Response {
    Response {
        status,
        ..Response::default()
    }
}

fn reply(body: &BatchReply) -> Response {
    Response {
        body: serde_json::to_vec(body).unwrap_or_default().into(),
        ..status(200)
    }
}
