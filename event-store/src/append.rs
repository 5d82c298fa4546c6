//! Valid events → rows: which are new, which were here before, which contradict one that was.

use std::borrow::Cow;
use std::collections::HashMap;

use event_core::policy::Storage;
use event_core::refusal::Refusal;
use event_core::verdict::Status;
use event_core::{Code, Envelope, Source, ValidEvent, Verdict};
use foldhash::fast::RandomState;

use crate::dialect::{Bind, Cell, Kind as Column, Transaction};
use crate::dictionary::{Dictionary, Kind};
use crate::entity::event::{INSERT, NewEvent};
use crate::entity::event_id::{self, Encoded};
use crate::error::Error;
use crate::inner::Inner;
use crate::keep::{Refused, keep};
use crate::original::{Kept, Original};
use crate::position;
use crate::queue::Entry;
use crate::rollup::{Gathered, Rollup};
use crate::rowless::{self, Counted, Rowless};
use crate::shadow;
use crate::trail::Trails;

/// What the writer has learned, for as long as its transactions succeed.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    dictionary: Dictionary,
    trails: Trails,
    rollup: Rollup,
}

/// What became of entries.
#[derive(Debug)]
pub(crate) struct Appended {
    /// One for each, in order.
    pub(crate) verdicts: Vec<Verdict>,
    /// The change of the catalog that the transaction has seen.
    pub(crate) changes: i64,
    /// The newest place, once it is committed.
    pub(crate) head: i64,
}

/// More ids than these are looked up and stored in their order: ids that are near each other are on one page.
const FEW: usize = 4_096;

/// An event that was here first: its place and the hash of its content.
struct Earlier {
    position: i64,
    hash: Vec<u8>,
}

/// The source and the id of an event.
type Key<'a> = (i64, &'a [u8]);

/// Those that were here first: of each id the sources that it is of.
#[derive(Default)]
struct Known(HashMap<Vec<u8>, Vec<(i64, Earlier)>, RandomState>);

impl Known {
    fn get(&self, (source_id, event_id): Key<'_>) -> Option<&Earlier> {
        // Hardly ever is anything there.
        if self.0.is_empty() {
            return None;
        }
        let sources = self.0.get(event_id)?;
        let of_source = sources.iter().find(|(id, _)| *id == source_id);
        of_source.map(|(_, earlier)| earlier)
    }

    fn has(&self, row: &NewEvent<'_>) -> bool {
        self.get(row.key()).is_some()
    }

    fn insert(&mut self, source_id: i64, event_id: Vec<u8>, earlier: Earlier) {
        self.0.entry(event_id).or_default().push((source_id, earlier));
    }
}

/// Stores entries inside a transaction, and counts those that are new.
pub(crate) async fn append(
    inner: &Inner,
    ids: &mut Ids,
    db: &Transaction,
    entries: &[&Entry],
) -> Result<Appended, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let events = entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Event { .. }))
        .count();
    let log = match events {
        0 => position::lock(dialect, db, tables).await?,
        _ => position::take(events, db, tables).await?,
    };
    ids.rollup.refresh(log.changes, dialect, db, tables).await?;
    ids.trails.refresh(log.changes);
    let first = log.head - i64::try_from(events).unwrap_or(0) + 1;
    let rows = rows(inner, ids, db, entries, first).await?;
    let mut known = Known::default();
    if log.rowless > 0 {
        let mut wanted: Vec<_> = rows.iter().collect();
        by_id(&mut wanted, |row| row.key());
        find("{keys}", inner, db, wanted.iter().map(|row| row.key()), &mut known).await?;
    }
    let (whole, counted): (Vec<&NewEvent<'_>>, Vec<_>) = rows
        .iter()
        .filter(|row| !known.has(row))
        .partition(|row| row.storage != Storage::CountsOnly);
    store_rows(inner, db, &whole, &mut known).await?;
    store_keys(inner, db, counted, &mut known).await?;
    let mut before = taken_before(inner, ids, db, entries, log.rowless > 0)
        .await?
        .into_iter();
    let mut gathered = Gathered::default();
    let mut shaded = shadow::Gathered::default();
    let mut rows = rows.iter();
    let mut verdicts = Vec::with_capacity(entries.len());
    let mut refused = Vec::new();
    for entry in entries {
        verdicts.push(match entry {
            Entry::Refused {
                refusal,
                source,
                original,
                received_at,
                ..
            } => {
                // It was taken when its type took it: whoever sends it again is told so.
                if let Some(verdict) = before.next().flatten() {
                    verdicts.push(verdict);
                    continue;
                }
                refused.push(Refused {
                    refusal: Cow::Borrowed(refusal.as_ref()),
                    source,
                    original: Cow::Borrowed(original),
                    received_at: *received_at,
                });
                Verdict::refused(Status::Quarantined, refusal)
            }
            Entry::Event { kept, opinions, .. } => {
                let row = rows.next().ok_or_else(|| Error::corrupt("fewer rows than events"))?;
                let earlier = known.get(row.key());
                let verdict = verdict(row, earlier, kept, &mut refused);
                if verdict.status == Status::Stored {
                    ids.rollup.count(row.event.event(), &mut gathered);
                    shaded.count(row.event, row.position, opinions);
                }
                verdict
            }
        });
    }
    keep(inner, db, &refused).await?;
    ids.rollup.add(&gathered, db, tables).await?;
    shaded.add(dialect, db, tables).await?;
    Ok(Appended {
        verdicts,
        changes: log.changes,
        head: log.head,
    })
}

/// Stores events; those whose ids are taken become known.
async fn store_rows(inner: &Inner, db: &Transaction, rows: &[&NewEvent<'_>], known: &mut Known) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    if db.copies(rows.len()).await {
        return copy_rows(inner, db, rows, known).await;
    }
    let new = db.insert(&INSERT, &inner.tables, rows).await?;
    let taken: Vec<_> = rows
        .iter()
        .zip(new)
        .filter(|(_, new)| !new)
        .map(|(row, _)| *row)
        .collect();
    find("{events}", inner, db, taken.iter().map(|row| row.key()), known).await?;
    all_known(&taken, known)
}

/// The same where rows go in faster if it is known before which ids are taken. Nobody takes one meanwhile: whoever stores
/// events has locked the log.
async fn copy_rows(inner: &Inner, db: &Transaction, rows: &[&NewEvent<'_>], known: &mut Known) -> Result<(), Error> {
    find("{events}", inner, db, rows.iter().map(|row| row.key()), known).await?;
    let mut firsts = HashMap::with_capacity(rows.len());
    let (mut new, mut again) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows.iter().filter(|row| !known.has(row)) {
        let first = *firsts.entry(row.key()).or_insert(row);
        if first.position == row.position {
            new.push(*row);
        } else {
            again.push(first);
        }
    }
    db.copy(&INSERT, &inner.tables, &new).await?;
    for first in again {
        let (position, hash) = (first.position, first.hash.to_vec());
        known.insert(first.source_id, first.event_id.to_vec(), Earlier { position, hash });
    }
    Ok(())
}

/// That of each event whose id is taken it is known who has it: its verdict would be that it is stored.
fn all_known(taken: &[&NewEvent<'_>], known: &Known) -> Result<(), Error> {
    if taken.iter().all(|row| known.has(row)) {
        return Ok(());
    }
    Err(Error::corrupt("an id is taken, but by no event that can be read"))
}

/// Puts many events in the order of their ids; of those that have one and the same the first stays first.
fn by_id<'a, T: Copy>(events: &mut [T], key: impl Fn(T) -> Key<'a>) {
    if events.len() >= FEW {
        events.sort_by(|one, other| {
            let ((source_id, event_id), (other_source, other_id)) = (key(*one), key(*other));
            (event_id, source_id).cmp(&(other_id, other_source))
        });
    }
}

/// Stores the ids of events whose rows are not kept; those that are taken become known.
async fn store_keys(
    inner: &Inner,
    db: &Transaction,
    mut events: Vec<&NewEvent<'_>>,
    known: &mut Known,
) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    by_id(&mut events, |row| row.key());
    // They may have been stored whole, before their type was only counted.
    find("{events}", inner, db, events.iter().map(|row| row.key()), known).await?;
    events.retain(|row| !known.has(row));
    let keys: Vec<Rowless> = events.iter().map(|row| Rowless::of(row)).collect();
    let new = rowless::keep(&keys, Counted::InCells, inner, db).await?;
    let taken: Vec<_> = events
        .into_iter()
        .zip(new)
        .filter(|(_, new)| !new)
        .map(|(row, _)| row)
        .collect();
    find("{keys}", inner, db, taken.iter().map(|row| row.key()), known).await?;
    all_known(&taken, known)
}

/// Resolves what the rows refer to, and gives each its place.
async fn rows<'a>(
    inner: &Inner,
    ids: &mut Ids,
    db: &Transaction,
    entries: &[&'a Entry],
    first: i64,
) -> Result<Vec<NewEvent<'a>>, Error> {
    let events = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Event {
                event,
                received_at,
                storage,
                ..
            } => Some((event.as_ref(), *received_at, *storage)),
            Entry::Refused { .. } => None,
        })
    };
    // Of whom an event is that is only counted is kept nowhere but in cells that ask for it.
    let placed: Vec<_> = (first..)
        .zip(events())
        .map(|(position, (event, _, storage))| {
            let whole = storage != Storage::CountsOnly;
            (position, whole.then(|| event.event().envelope()))
        })
        .collect();
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let trails = ids.trails.numbers(placed.into_iter(), db, tables).await?;
    let mut rows = Vec::with_capacity(trails.len());
    // What comes together is mostly of one type and source.
    let mut last: Option<(&'a Envelope, i64, i64)> = None;
    for ((position, trail_id), (event, received_at, storage)) in (first..).zip(trails).zip(events()) {
        let envelope = event.event().envelope();
        let (kind_id, source_id) = match last {
            Some((known, kind_id, source_id)) if alike(known, envelope) => (kind_id, source_id),
            _ => {
                let kind = Kind {
                    event_type: envelope.event_type.clone(),
                    version: envelope.version.clone(),
                };
                let kind_id = ids.dictionary.kind_id(&kind, dialect, db, tables).await?;
                let source_id = ids
                    .dictionary
                    .new_source_id(&envelope.source, dialect, db, tables)
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
            trail_id,
            received_at,
            storage,
            hash: event.event().content_hash(),
            violations: violations(event),
            event,
        });
    }
    Ok(rows)
}

/// For each refused entry, in order, what is told of it if the same event was taken before, when its type took it.
async fn taken_before(
    inner: &Inner,
    ids: &mut Ids,
    db: &Transaction,
    entries: &[&Entry],
    rowless: bool,
) -> Result<Vec<Option<Verdict>>, Error> {
    let refused: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Refused { identity, .. } => Some(identity.as_deref()),
            Entry::Event { .. } => None,
        })
        .collect();
    let mut keys = Vec::with_capacity(refused.len());
    // What comes together is mostly of one source.
    let mut last: Option<(&Source, Option<i64>)> = None;
    for identity in &refused {
        let Some(identity) = identity else {
            keys.push(None);
            continue;
        };
        let source = &identity.source;
        let source_id = match last {
            Some((known, source_id)) if known == source => source_id,
            _ => {
                ids.dictionary
                    .known_source_id(source, inner.dialect, db, &inner.tables)
                    .await?
            }
        };
        last = Some((source, source_id));
        keys.push(source_id.map(|source_id| (source_id, event_id::encode(&identity.id))));
    }
    let wanted: Vec<Key<'_>> = keys.iter().flatten().map(as_key).collect();
    let mut known = Known::default();
    find("{events}", inner, db, wanted.iter().copied(), &mut known).await?;
    if rowless {
        find("{keys}", inner, db, wanted.iter().copied(), &mut known).await?;
    }
    let told = refused.into_iter().zip(&keys).map(|(identity, key)| {
        let (identity, earlier) = (identity?, known.get(as_key(key.as_ref()?))?);
        let duplicate = || Verdict::in_log(Status::Duplicate, identity.id.clone(), earlier.position, identity.flags);
        (earlier.hash == identity.content).then(duplicate)
    });
    Ok(told.collect())
}

fn as_key((source_id, event_id): &(i64, Encoded)) -> Key<'_> {
    (*source_id, event_id)
}

/// Whether two events are of one type, version and source.
fn alike(a: &Envelope, b: &Envelope) -> bool {
    a.event_type == b.event_type && a.version == b.version && a.source == b.source
}

/// Reads which of these ids a table has, `{events}` or `{keys}`.
async fn find(
    table: &str,
    inner: &Inner,
    db: &Transaction,
    ids: impl ExactSizeIterator<Item = Key<'_>>,
    known: &mut Known,
) -> Result<(), Error> {
    if ids.len() == 0 {
        return Ok(());
    }
    let select = format!("SELECT position, source_id, event_id, hash FROM {table}");
    let key = [("event_id", Column::Bytes), ("source_id", Column::Int)];
    let ids: Vec<_> = ids
        .map(|(source_id, event_id)| [Bind::Bytes(event_id), Bind::Int(source_id)])
        .collect();
    let columns = [Column::Int, Column::Int, Column::Bytes, Column::Bytes];
    for row in db.rows_with(&inner.tables.sql(&select), key, &ids, columns).await? {
        let [
            Cell::Int(position),
            Cell::Int(source_id),
            Cell::Bytes(event_id),
            Cell::Bytes(hash),
        ] = row
        else {
            return Err(Error::corrupt("an event whose columns are of other kinds"));
        };
        known.insert(source_id, event_id, Earlier { position, hash });
    }
    Ok(())
}

/// The rules that an event breaks all the same, as JSON.
fn violations(event: &ValidEvent) -> Option<String> {
    let violations = event.violations();
    (!violations.is_empty()).then(|| serde_json::to_string(violations).unwrap_or_default())
}

/// What is told of an event; one whose id is taken is refused, and kept where it is not yet.
fn verdict<'a>(
    row: &NewEvent<'a>,
    earlier: Option<&Earlier>,
    kept: &'a Kept,
    refused: &mut Vec<Refused<'a>>,
) -> Verdict {
    let event = row.event.event();
    let in_log = |status, position| Verdict {
        violations: row.event.violations().to_vec(),
        ..Verdict::in_log(status, event.envelope().id.clone(), position, event.flags())
    };
    match earlier {
        None => in_log(Status::Stored, row.position),
        Some(earlier) if earlier.position == row.position => in_log(Status::Stored, row.position),
        Some(earlier) if earlier.hash == event.content_hash() => in_log(Status::Duplicate, earlier.position),
        Some(_) => {
            let message = "the id is taken by an event with other content, which stays as it is";
            let refusal = Refusal::new(Code::IdConflict, "/id", message).with_claims(event.claims());
            let verdict = Verdict::refused(Status::Conflict, &refusal);
            let original = match kept {
                Kept::Sent(original) => Some(Cow::Borrowed(original)),
                Kept::Made => Some(Cow::Owned(Original::written(
                    serde_json::to_vec(event).unwrap_or_default(),
                ))),
                Kept::InQuarantine => None,
            };
            refused.extend(original.map(|original| Refused {
                refusal: Cow::Owned(refusal),
                source: &event.envelope().source,
                original,
                received_at: row.received_at,
            }));
            verdict
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_in_the_order_of_their_ids_and_few_as_they_came() {
        let ids: Vec<[u8; 1]> = (0..=255).map(|id| [id]).collect();
        let all: Vec<(i64, &[u8], usize)> = (0..FEW)
            .map(|number| {
                let source = i64::try_from(number % 3).unwrap();
                (source, ids[number * 7 % 256].as_slice(), number)
            })
            .collect();
        let mut many = all.clone();
        by_id(&mut many, |(source, id, _)| (source, id));
        let mut expected = all.clone();
        expected.sort_by_key(|(source, id, number)| (*id, *source, *number));
        assert_eq!(
            many, expected,
            "of those that are one and the same the first stays first"
        );
        let mut few = all[1..].to_vec();
        by_id(&mut few, |(source, id, _)| (source, id));
        assert_eq!(few, all[1..]);
    }
}
