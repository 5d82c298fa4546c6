//! Valid events → rows: which are new, which were here before, which contradict one that was.

use std::collections::HashMap;

use event_core::refusal::Refusal;
use event_core::verdict::Status;
use event_core::{Code, Envelope, ValidEvent, Verdict};
use sea_orm::{ConnectionTrait as _, Value};

use crate::dialect::Transaction;
use crate::dictionary::{Dictionary, Kind};
use crate::entity::event::{INSERT, NewEvent};
use crate::entity::event_id;
use crate::error::Error;
use crate::inner::Inner;
use crate::keep::keep;
use crate::position;
use crate::queue::Entry;
use crate::trail::{self, Trails};

/// Numbers that the writer has learned, for as long as its transactions succeed.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    dictionary: Dictionary,
    trails: Trails,
}

/// Ids that are looked up at once.
const CHUNK: usize = 256;

/// A row that was here first: its place and the hash of its content.
struct Earlier {
    position: i64,
    hash: Vec<u8>,
}

/// Stores entries inside a transaction: one verdict for each, in order.
pub(crate) async fn append(
    inner: &Inner,
    ids: &mut Ids,
    db: &Transaction,
    entries: &[&Entry],
) -> Result<Vec<Verdict>, Error> {
    let rows = rows(inner, ids, db, entries).await?;
    let new = match rows.is_empty() {
        true => Vec::new(),
        false => {
            db.insert(
                &INSERT,
                &inner.tables,
                &rows.iter().map(NewEvent::binds).collect::<Vec<_>>(),
            )
            .await?
        }
    };
    let taken: Vec<&NewEvent<'_>> = rows
        .iter()
        .zip(new)
        .filter(|(_, new)| !new)
        .map(|(row, _)| row)
        .collect();
    let mut earlier = HashMap::new();
    for chunk in taken.chunks(CHUNK) {
        find_earlier(inner, db, chunk, &mut earlier).await?;
    }
    let mut rows = rows.iter();
    let mut verdicts = Vec::with_capacity(entries.len());
    for entry in entries {
        verdicts.push(match entry {
            Entry::Refused {
                refusal,
                source,
                raw,
                received_at,
            } => {
                keep(inner, db, refusal, source, raw, *received_at).await?;
                Verdict::refused(Status::Quarantined, refusal)
            }
            Entry::Event { raw, .. } => {
                let row = rows.next().ok_or_else(|| Error::corrupt("fewer rows than events"))?;
                // Hardly ever is anything there.
                let known = if earlier.is_empty() {
                    None
                } else {
                    earlier.get(&(row.source_id, row.event_id.clone()))
                };
                verdict(inner, db, row, known, raw.as_deref()).await?
            }
        });
    }
    Ok(verdicts)
}

/// Resolves what the rows refer to, and gives each its place.
async fn rows<'a>(
    inner: &Inner,
    ids: &mut Ids,
    db: &Transaction,
    entries: &[&'a Entry],
) -> Result<Vec<NewEvent<'a>>, Error> {
    let events = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Event { event, received_at, .. } => Some((event.as_ref(), *received_at)),
            Entry::Refused { .. } => None,
        })
    };
    let count = events().count();
    if count == 0 {
        return Ok(Vec::new());
    }
    let first = position::take(count, inner.dialect, db, &inner.tables).await?;
    let placed = (first..).zip(events());
    let pairs = placed.filter_map(|(position, (event, _))| Some((trail::pair(event.event().envelope())?, position)));
    ids.trails
        .learn(pairs.collect(), inner.dialect, db, &inner.tables)
        .await?;
    let mut rows = Vec::with_capacity(count);
    // What comes together is mostly of one type and source.
    let mut last: Option<(&'a Envelope, i64, i64)> = None;
    for (position, (event, received_at)) in (first..).zip(events()) {
        let envelope = event.event().envelope();
        let (kind_id, source_id) = match last {
            Some((known, kind_id, source_id)) if alike(known, envelope) => (kind_id, source_id),
            _ => {
                let kind = Kind {
                    event_type: envelope.event_type.clone(),
                    version: envelope.version.clone(),
                };
                let kind_id = ids.dictionary.kind_id(&kind, inner.dialect, db, &inner.tables).await?;
                let source_id = ids
                    .dictionary
                    .new_source_id(&envelope.source, inner.dialect, db, &inner.tables)
                    .await?;
                (kind_id, source_id)
            }
        };
        last = Some((envelope, kind_id, source_id));
        rows.push(NewEvent {
            position,
            source_id,
            event_id: event_id::encode(&envelope.id),
            kind_id,
            trail_id: trail::pair(envelope).and_then(|pair| ids.trails.id(&pair)),
            received_at,
            hash: event.event().content_hash(),
            violations: violations(event),
            event,
        });
    }
    Ok(rows)
}

/// Whether two events are of one type, version and source.
fn alike(a: &Envelope, b: &Envelope) -> bool {
    a.event_type == b.event_type && a.version == b.version && a.source == b.source
}

/// Reads the rows that have these ids.
async fn find_earlier(
    inner: &Inner,
    db: &Transaction,
    chunk: &[&NewEvent<'_>],
    earlier: &mut HashMap<(i64, Vec<u8>), Earlier>,
) -> Result<(), Error> {
    let wanted = inner.dialect.one_of_rows(&["event_id", "source_id"], chunk.len());
    let select = "SELECT position, source_id, event_id, hash FROM {events} WHERE ";
    let sql = format!("{}{wanted}", inner.tables.sql(select));
    let values = chunk
        .iter()
        .flat_map(|row| [Value::from(row.event_id.clone()), Value::from(row.source_id)]);
    for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
        let key = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        earlier.insert(
            key,
            Earlier {
                position: row.try_get_by_index(0)?,
                hash: row.try_get_by_index(3)?,
            },
        );
    }
    Ok(())
}

/// The rules that an event breaks all the same, as JSON.
fn violations(event: &ValidEvent) -> Option<String> {
    let violations = event.violations();
    (!violations.is_empty()).then(|| serde_json::to_string(violations).unwrap_or_default())
}

async fn verdict(
    inner: &Inner,
    db: &Transaction,
    row: &NewEvent<'_>,
    earlier: Option<&Earlier>,
    raw: Option<&[u8]>,
) -> Result<Verdict, Error> {
    let event = row.event.event();
    let in_log = |status, position| Verdict {
        violations: row.event.violations().to_vec(),
        ..Verdict::in_log(status, event.envelope().id.clone(), position, event.flags())
    };
    match earlier {
        None => Ok(in_log(Status::Stored, row.position)),
        Some(earlier) if earlier.position == row.position => Ok(in_log(Status::Stored, row.position)),
        Some(earlier) if earlier.hash == event.content_hash() => Ok(in_log(Status::Duplicate, earlier.position)),
        Some(_) => {
            let message = "the id is taken by an event with other content, which stays as it is";
            let refusal = Refusal::new(Code::IdConflict, "/id", message).with_claims(event.claims());
            let rebuilt = raw.is_none().then(|| serde_json::to_vec(event).unwrap_or_default());
            let raw = raw.or(rebuilt.as_deref()).unwrap_or_default();
            keep(inner, db, &refusal, &event.envelope().source, raw, row.received_at).await?;
            Ok(Verdict::refused(Status::Conflict, &refusal))
        }
    }
}
