//! Events of an application's own transaction: stored with its rows or not at all, and given their
//! places afterwards.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_core::event::Reception;
use event_core::flag::Flags;
use event_core::refusal::Refusal;
use event_core::{Code, Event, Limits, Source, Timestamp, ValidEvent};
use sea_orm::{ConnectionTrait, Value};

use crate::append::{self, Ids};
use crate::catalog;
use crate::error::Error;
use crate::inner::{Inner, now};
use crate::judge::{new_id, storage};
use crate::keep::{Refused, keep};
use crate::original::{Kept, Original};
use crate::position;
use crate::queue::Entry;
use crate::shadow;

/// Events in one statement.
const CHUNK: usize = 100;
/// Bytes of events in one statement, about: servers take no more than some at once.
const MOST_BYTES: usize = 4 << 20;
/// Events that get their places in one transaction.
pub(crate) const STEP: usize = 500;

/// Stores events inside a transaction of the application, without places.
pub(crate) async fn hand_in(inner: &Inner, db: &impl ConnectionTrait, events: &[ValidEvent]) -> Result<(), Error> {
    let received_at = now().as_micros();
    let insert = inner
        .tables
        .sql("INSERT INTO {pending} (source, event, flags, hash, received_at) VALUES ");
    let (mut values, mut rows, mut bytes): (Vec<Value>, usize, usize) = (Vec::new(), 0, 0);
    for (number, event) in (1..).zip(events) {
        let event = event.event();
        let json = serde_json::to_string(event).map_err(|_| Error::corrupt("no JSON"))?;
        (rows, bytes) = (rows + 1, bytes + json.len());
        values.push(event.envelope().source.as_str().into());
        values.push(json.into());
        values.push(i64::from(event.flags().bits()).into());
        values.push(event.content_hash().to_vec().into());
        values.push(received_at.into());
        if rows == CHUNK || bytes > MOST_BYTES || number == events.len() {
            let places = vec!["(?, ?, ?, ?, ?)"; rows].join(", ");
            let statement = inner
                .dialect
                .statement(&format!("{insert}{places}"), std::mem::take(&mut values));
            db.execute_raw(statement).await?;
            (rows, bytes) = (0, 0);
        }
    }
    Ok(())
}

/// So long after events were handed in their transaction is looked out for.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often, in that time; after it the writer still looks with every beat of its heart.
const LOOK: Duration = Duration::from_millis(20);

/// Looks out for the commit of events that were handed in just now.
pub(crate) fn watch(inner: &Arc<Inner>) {
    if inner.watching.fetch_add(1, Ordering::AcqRel) > 0 {
        return;
    }
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        loop {
            let since = inner.watching.load(Ordering::Acquire);
            let started = Instant::now();
            while started.elapsed() < PATIENCE && !inner.queue.is_closed() {
                look(&inner).await;
                tokio::time::sleep(LOOK).await;
            }
            // Whoever came in the meantime is looked out for as long.
            if inner
                .watching
                .compare_exchange(since, 0, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
                || inner.queue.is_closed()
            {
                return;
            }
        }
    });
}

/// Wakes the writer if committed events wait for their places.
pub(crate) async fn look(inner: &Inner) {
    if is_waiting(inner).await.unwrap_or(false) {
        inner.waiting.notify_one();
    }
}

/// Whether committed events wait for their places.
async fn is_waiting(inner: &Inner) -> Result<bool, Error> {
    let sql = inner.tables.sql("SELECT id FROM {pending} ORDER BY id LIMIT 1");
    let row = inner.reader.query_one_raw(inner.dialect.statement(&sql, [])).await?;
    Ok(row.is_some())
}

/// Gives committed events their places, those that came first first; answers how many.
pub(crate) async fn sequence(inner: &Inner, ids: &mut Ids, most: usize) -> Result<usize, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    // Whoever has the lock is the only one who looks.
    let log = position::lock(dialect, &transaction, tables).await?;
    // They were judged by what was registered then, maybe by another process: it must not know less.
    if log.changes > inner.registry_change() {
        let registry = catalog::load(dialect, &transaction, tables, &inner.options, &inner.registry()).await?;
        inner.replace_registry(log.changes, registry);
    }
    let sql = tables.sql("SELECT id, source, event, received_at, flags, hash FROM {pending} ORDER BY id LIMIT ");
    let rows = transaction
        .query_all_raw(dialect.statement(&format!("{sql}{most}"), []))
        .await?;
    let (mut numbers, mut entries) = (Vec::new(), Vec::new());
    for row in &rows {
        numbers.push(row.try_get_by_index::<i64>(0)?);
        let (source, json): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let source = Source::new(source).map_err(|_| Error::corrupt("a malformed source"))?;
        let received_at = Timestamp::from_micros(row.try_get_by_index(3)?).unwrap_or(Timestamp::MIN);
        let flags = u32::try_from(row.try_get_by_index::<i64>(4)?).unwrap_or_default();
        let hash: Vec<u8> = row.try_get_by_index(5)?;
        let hash = hash.try_into().map_err(|_| Error::corrupt("a malformed hash"))?;
        // What it is the same as does not depend on how it was written down here.
        let whole = |event: Event| {
            let (envelope, payload) = (event.envelope().clone(), event.payload().clone());
            Event::from_parts(envelope, payload, Flags::from_bits(flags), hash)
        };
        entries.push(entry(inner, source, json, received_at, whole));
    }
    if numbers.is_empty() {
        transaction.rollback().await?;
        return Ok(0);
    }
    let entries_by_ref: Vec<&Entry> = entries.iter().collect();
    let appended = match append::append(inner, ids, &transaction, &entries_by_ref).await {
        Ok(appended) => appended,
        Err(error) => {
            if matches!(error, Error::Statement(_)) {
                let _ = transaction.rollback().await;
            }
            return Err(error);
        }
    };
    let places: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let delete = format!(
        "{} ({})",
        tables.sql("DELETE FROM {pending} WHERE id IN"),
        places.join(", ")
    );
    transaction.execute_raw(dialect.statement(&delete, [])).await?;
    transaction.commit().await?;
    inner.arrived(appended.head);
    inner.counts.told(&appended.verdicts);
    Ok(numbers.len())
}

/// Keeps what cannot be placed in the quarantine, so that it holds up nobody; the first event of all.
pub(crate) async fn set_aside(inner: &Inner) -> Result<(), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let sql = tables.sql("SELECT id, source, event FROM {pending} ORDER BY id LIMIT 1");
    let Some(row) = transaction.query_one_raw(dialect.statement(&sql, [])).await? else {
        return transaction.rollback().await;
    };
    let (id, source, json): (i64, String, String) = (
        row.try_get_by_index(0)?,
        row.try_get_by_index(1)?,
        row.try_get_by_index(2)?,
    );
    let message = "the event could not be stored, though it was taken in an application's transaction";
    let refusal = Refusal::new(Code::InvalidEnvelope, "", message);
    let source = Source::new(source).or_else(|_| Source::new("unknown"));
    let source = source.map_err(|_| Error::corrupt("a malformed source"))?;
    let original = Original::written(json.into_bytes());
    let refused = Refused {
        refusal: Cow::Owned(refusal),
        source: &source,
        original: Cow::Owned(original),
        received_at: now(),
    };
    keep(inner, &transaction, &[refused]).await?;
    let delete = tables.sql("DELETE FROM {pending} WHERE id = ?");
    transaction.execute_raw(dialect.statement(&delete, [id.into()])).await?;
    transaction.commit().await
}

/// The event again; judged again, too, because its type may have changed since.
fn entry(inner: &Inner, source: Source, json: String, received_at: Timestamp, whole: impl Fn(Event) -> Event) -> Entry {
    // It was within its limits when it was handed in; here it is written out in full.
    let mut limits = Limits::default()
        .with_event_bytes(usize::MAX)
        .with_depth(100)
        .with_nodes(usize::MAX);
    limits.key_bytes = usize::MAX;
    let reception = Reception {
        received_at,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits,
        new_id: &new_id,
    };
    let registry = inner.registry();
    // Whether it was taken before is not looked at: what an application hands in is kept.
    let kept = |refusal: Refusal, source: Source| Entry::Refused {
        refusal: Box::new(refusal),
        source,
        original: Original::written(json.clone().into_bytes()),
        received_at,
        identity: None,
    };
    match Event::from_slice(json.as_bytes(), &reception) {
        Err(refusal) => kept(refusal, source.clone()),
        Ok(event) => match registry.validate(whole(event), received_at) {
            // The application's transaction is done: what came with it is never just dropped.
            Err(refused) => kept(refused.refusal, source.clone()),
            Ok(event) => Entry::Event {
                storage: storage(&registry, &event),
                opinions: shadow::opinions(&registry, &event),
                event: Box::new(event),
                kept: Kept::Made,
                received_at,
            },
        },
    }
}
