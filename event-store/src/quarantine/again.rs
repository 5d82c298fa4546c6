//! A refused event, judged once more by what is registered now.

use std::collections::HashMap;
use std::sync::Arc;

use event_core::event::ContentHash;
use event_core::lift::Lifter;
use event_core::refusal::Claims;
use event_core::upcaster::{Lift, NotLifted};
use event_core::verdict::Status;
use event_core::{Code, Event, EventId, Refusal, Registry, Source, Verdict, Violation};
use sea_orm::{ConnectionTrait, Value};

use crate::entity::event_id;
use crate::entity::quarantine::QuarantineRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::judge::{Judge, Judged, Offer, Origin, new_id};
use crate::original::{Form, Kept};
use crate::queue::Entry;

/// What was found.
pub(super) enum Again {
    /// It may be stored.
    Event(Entry),
    /// It is refused again.
    Refused(Still),
}

/// Why it is refused again, and what it says of itself.
pub(super) struct Still {
    pub(super) code: Code,
    pub(super) violations: Vec<Violation>,
    pub(super) claims: Box<Claims>,
}

impl Still {
    fn new(code: Code, pointer: &str, message: &str) -> Self {
        Still {
            code,
            violations: vec![Violation::new(pointer, code.as_str(), message)],
            claims: Box::default(),
        }
    }

    pub(super) fn verdict(&self, id: Option<&EventId>) -> Verdict {
        Verdict {
            status: Status::Quarantined,
            id: id.or(self.claims.id.as_ref()).cloned(),
            position: None,
            code: Some(self.code),
            violations: self.violations.clone(),
            flags: event_core::flag::Flags::NONE,
        }
    }
}

/// Judges the document of an entry as it is now, as if it came in when it did, from where it did.
pub(super) fn judge(row: &QuarantineRow, registry: &Arc<Registry>, inner: &Inner) -> Again {
    judge_lifted(row, registry, inner, None).0
}

/// The same, as an event of another version if that is asked for, and what became of that.
pub(super) fn judge_lifted(
    row: &QuarantineRow,
    registry: &Arc<Registry>,
    inner: &Inner,
    lifter: Option<&mut Lifter<'_>>,
) -> (Again, Option<Lift>) {
    let entry = &row.entry;
    if !row.is_whole() {
        let still = Still {
            code: entry.code,
            violations: entry.violations.clone(),
            claims: Box::default(),
        };
        return (Again::Refused(still), None);
    }
    let bytes = row.document().to_vec();
    let offer = match (row.form, &entry.event_type) {
        (Form::Event, _) => Offer::Json(bytes),
        (Form::CloudEvent, _) => Offer::CloudEvent(bytes),
        (Form::Foreign, Some(event_type)) => Offer::Foreign {
            bytes,
            event_type: event_type.clone(),
            version: entry.version.clone(),
        },
        (Form::Foreign, None) => {
            let still = Still::new(Code::MappingFailed, "", "the type of the document is not known");
            return (Again::Refused(still), None);
        }
    };
    // Nobody's event becomes another source's by being replayed.
    let mut origin = Origin::only(entry.source.clone());
    origin.zone = row.zone;
    let judge = Judge {
        registry: Arc::clone(registry),
        origin,
        limits: inner.options.limits,
        received_at: entry.received_at,
        id: Some(entry.id.clone().unwrap_or_else(|| own_id(row))),
    };
    let (read, original) = judge.event(offer);
    let (read, lift) = match (read, lifter) {
        (Ok(event), Some(lifter)) => lifted(event, lifter),
        (read, _) => (read, None),
    };
    (verdict_of(judge.read(read, original), row), lift)
}

/// An event as one of another version. One that names none is judged by the active one, as ever; one that no
/// upcaster knows, by its own.
fn lifted(event: Event, lifter: &mut Lifter<'_>) -> (Result<Event, Refusal>, Option<Lift>) {
    if event.envelope().version.is_none() {
        return (Ok(event), None);
    }
    let (event, lift) = lifter.rewrite(event);
    let read = match &lift.error {
        Some(NotLifted::Failed(error)) => {
            let pointer = format!("/data{}", error.pointer());
            Err(Refusal::new(Code::UpcastFailed, pointer, error.to_string()).with_claims(event.claims()))
        }
        _ => Ok(event),
    };
    (read, Some(lift))
}

fn verdict_of(judged: Judged, row: &QuarantineRow) -> Again {
    let entry = &row.entry;
    match judged {
        Judged::Keep(Entry::Event {
            event,
            received_at,
            storage,
            opinions,
            ..
        }) => {
            let id = &event.event().envelope().id;
            if entry.id.as_ref().is_some_and(|original| original != id) {
                let message = "the event came in under another id, and keeps it";
                return Again::Refused(Still::new(Code::InvalidId, "/id", message));
            }
            Again::Event(Entry::Event {
                event,
                received_at,
                storage,
                kept: Kept::InQuarantine,
                opinions,
            })
        }
        Judged::Keep(Entry::Refused { refusal, .. }) => Again::Refused(Still {
            code: refusal.code,
            violations: refusal.violations,
            claims: refusal.claims,
        }),
        // Of a type whose events are rejected now; this one is kept all the same.
        Judged::Drop(verdict) => Again::Refused(Still {
            code: verdict.code.unwrap_or(entry.code),
            violations: verdict.violations,
            claims: Box::default(),
        }),
    }
}

/// The id of an event that came without one, or whose id was none: the same however often it is judged.
fn own_id(row: &QuarantineRow) -> EventId {
    let mut hash = blake3::Hasher::new();
    hash.update(row.entry.source.as_str().as_bytes())
        .update(&row.entry.number.to_le_bytes())
        .update(&row.entry.received_at.as_micros().to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    let id = uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .as_hyphenated()
        .to_string();
    EventId::new(id).unwrap_or_else(|_| new_id())
}

/// Events that are stored, or would be: their places and the hashes of their content, by source and id.
#[derive(Default)]
pub(super) struct Seen(HashMap<(Source, EventId), (Option<i64>, Vec<u8>)>);

impl Seen {
    /// Reads which of these events the store has.
    pub(super) async fn look_up(
        &mut self,
        inner: &Inner,
        db: &impl ConnectionTrait,
        judged: &[Again],
    ) -> Result<(), Error> {
        let dictionary = inner.dictionary_in(db).await?;
        let mut wanted: Vec<Value> = Vec::new();
        for again in judged {
            let Again::Event(Entry::Event { event, .. }) = again else {
                continue;
            };
            let envelope = event.event().envelope();
            // A source that is not known has no events.
            if let Some(source) = dictionary.source_id(&envelope.source) {
                wanted.extend([event_id::encode(&envelope.id).into_vec().into(), source.into()]);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let condition = inner.dialect.one_of_rows(&["event_id", "source_id"], wanted.len() / 2);
        for table in ["{events}", "{keys}"] {
            let select = format!("SELECT source_id, event_id, position, hash FROM {table} WHERE ");
            let sql = format!("{}{condition}", inner.tables.sql(&select));
            let statement = inner.dialect.statement(&sql, wanted.clone());
            for row in db.query_all_raw(statement).await? {
                let id: Vec<u8> = row.try_get_by_index(1)?;
                let source = dictionary.source(row.try_get_by_index(0)?).cloned();
                if let Some(key) = source.zip(event_id::decode(&id)) {
                    let place = (Some(row.try_get_by_index(2)?), row.try_get_by_index(3)?);
                    self.0.entry(key).or_insert(place);
                }
            }
        }
        Ok(())
    }

    /// What would become of an event after all before it.
    pub(super) fn verdict(&mut self, again: &Again, row: &QuarantineRow) -> Verdict {
        let event = match again {
            Again::Refused(still) => return still.verdict(row.entry.id.as_ref()),
            Again::Event(Entry::Refused { refusal, .. }) => return Verdict::refused(Status::Quarantined, refusal),
            Again::Event(Entry::Event { event, .. }) => event,
        };
        let (envelope, hash): (_, ContentHash) = (event.event().envelope(), event.event().content_hash());
        let mut verdict = Verdict {
            status: Status::Stored,
            id: Some(envelope.id.clone()),
            position: None,
            code: None,
            violations: event.violations().to_vec(),
            flags: event.event().flags(),
        };
        match self.0.get(&(envelope.source.clone(), envelope.id.clone())) {
            None => {
                let key = (envelope.source.clone(), envelope.id.clone());
                self.0.insert(key, (None, hash.to_vec()));
            }
            Some((position, known)) if *known == hash => {
                (verdict.status, verdict.position) = (Status::Duplicate, *position);
            }
            Some(_) => {
                (verdict.status, verdict.code) = (Status::Conflict, Some(Code::IdConflict));
            }
        }
        verdict
    }
}
