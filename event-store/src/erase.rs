//! A subject is erased: all that names it goes, and a receipt says what was touched.

mod rows;
mod lists;
mod sketches;
mod cells;
mod refused;
mod receipt;

use event_core::{Subject, Timestamp};
use sea_orm::{ConnectionTrait, Value};

use crate::append::Ids;
use crate::dialect::Transaction;
use crate::dictionary::only_number;
use crate::entity::event::{SELECTED, stored};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::outbox;
use crate::patience::Patience;
use crate::position;
use crate::shadow;
use crate::store::EventStore;

use receipt::Open;
pub use receipt::{Erasure, Touched};

/// Events that go in one transaction.
const STEP: usize = 100;
/// Pairs of session and subject that go in one transaction.
const TRAILS: usize = 50;

impl EventStore {
    /// Erases a subject: its events with their ids, what cells have counted of them, its pairs with
    /// sessions, the refused events that name it with all that was done to them, and the groups of cells
    /// by subject that are its own. Cells that others share are counted without it, so that
    /// [`EventStore::verify`] finds nothing. What stays is a receipt, which names the subject by a SHA-256
    /// only; `None` if nothing was known of it.
    ///
    /// It works in short transactions and can be interrupted: the next call goes on, and its receipt
    /// tells of both. No id stays: an event that its sender sends again later is a new one.
    ///
    /// ```
    /// use event_core::{Source, Subject};
    /// use event_store::{EventStore, Offer, Origin};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let event = br#"{"id": "1", "category": "order", "name": "created", "subject": "ann"}"#;
    /// store.ingest(vec![Offer::Json(event.to_vec())], &Origin::new(Source::new("shop")?)).await?;
    /// let ann = Subject::new("ann")?;
    /// let erasure = store.erase(&ann).await?.ok_or("nothing was known")?;
    /// assert_eq!(erasure.touched.events, 1);
    /// assert!(store.erase(&ann).await?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the database fails; what is gone stays gone.
    pub async fn erase(&self, subject: &Subject) -> Result<Option<Erasure>, Error> {
        let inner = self.inner().clone();
        if inner.queue.is_closed() {
            return Err(Error::Closed);
        }
        // What applications have handed in has its places first: then it is found like all else.
        let waiting = inner.clone();
        detached(async move {
            while outbox::sequence(&waiting, &mut Ids::default(), outbox::STEP).await? > 0 {}
            Ok(())
        })
        .await?;
        let (begun, of) = (inner.clone(), subject.clone());
        let known = detached(async move {
            let before = look(&begun, &of).await?;
            Open::begin(&begun, &of, before.is_some()).await
        });
        let Some(open) = known.await? else {
            return Ok(None);
        };
        for stage in [Stage::Events, Stage::Groups, Stage::Sketches, Stage::Refused] {
            let mut after = Some(0);
            while let Some(start) = after {
                let (inner, subject, open) = (inner.clone(), subject.clone(), open.clone());
                after = detached(async move {
                    let patience = Patience::with(inner.dialect);
                    loop {
                        match step(&inner, &subject, &open, stage, start).await {
                            Err(error) if patience.lasts(&error).await => {}
                            outcome => return outcome,
                        }
                    }
                })
                .await?;
            }
        }
        detached(async move { open.finish(&inner).await.map(Some) }).await
    }

    /// Tells what an erasure would touch, and touches nothing; cells and groups are not counted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn erase_dry(&self, subject: &Subject) -> Result<Option<Erasure>, Error> {
        let (inner, subject) = (self.inner().clone(), subject.clone());
        detached(async move {
            let touched = look(&inner, &subject).await?;
            Ok(touched.map(|touched| Erasure::dry(&subject, touched)))
        })
        .await
    }

    /// The receipts of all erasures, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, Error> {
        let inner = self.inner().clone();
        detached(async move { receipt::all(&inner).await }).await
    }
}

/// What is gone through, one after the other.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Events,
    Groups,
    Sketches,
    Refused,
}

/// One transaction; answers from where to go on.
async fn step(inner: &Inner, subject: &Subject, open: &Open, stage: Stage, after: i64) -> Result<Option<i64>, Error> {
    let transaction = inner.dialect.begin(&inner.writer).await?;
    position::lock(inner.dialect, &transaction, &inner.tables).await?;
    let mut touched = Touched::default();
    let next = match stage {
        Stage::Events => events(inner, &transaction, subject, &mut touched).await?,
        // Groups go under the lock in which no event of theirs is left, also of those that came in since.
        Stage::Groups => {
            let left = events(inner, &transaction, subject, &mut touched).await?;
            if left.is_none() {
                cells::groups_of(inner, &transaction, subject, &mut touched).await?;
            }
            left
        }
        // A list may give back whom no row names any more.
        Stage::Sketches => match events(inner, &transaction, subject, &mut touched).await? {
            Some(_) => Some(after),
            None => lists::step(inner, &transaction, subject, after, &mut touched).await?,
        },
        Stage::Refused => refused::step(inner, &transaction, subject, after, &mut touched).await?,
    };
    if touched.trails > 0 || touched.groups > 0 {
        // Other writers remember what there was: now they look again.
        position::change(&transaction, &inner.tables).await?;
    }
    open.add(inner, &transaction, &touched).await?;
    transaction.commit().await?;
    Ok(next)
}

/// What is known of a subject, cells and groups of rows that are there apart.
async fn look(inner: &Inner, subject: &Subject) -> Result<Option<Touched>, Error> {
    let of = |sql: &str| {
        inner
            .dialect
            .statement(&inner.tables.sql(sql), [subject.as_str().into()])
    };
    let count = |number: i64| number.max(0).unsigned_abs();
    let trails = of("SELECT COUNT(*) FROM {trails} WHERE subject = ?");
    let sql = "SELECT COUNT(*), MIN(e.position), MAX(e.position) FROM {trails} t JOIN {events} e ON e.trail_id = t.id \
               WHERE t.subject = ?";
    let row = inner.reader.query_one_raw(of(sql)).await?;
    let row = row.ok_or_else(|| Error::corrupt("no row for a count"))?;
    let mut touched = Touched {
        events: count(row.try_get_by_index(0)?),
        first_position: row.try_get_by_index(1)?,
        last_position: row.try_get_by_index(2)?,
        trails: count(only_number(&inner.reader, trails).await?),
        ..Touched::default()
    };
    let mut after = Some(0);
    while let Some(start) = after {
        let found = refused::find(inner, &inner.reader, subject, start).await?;
        touched.quarantine += u64::try_from(found.numbers.len()).unwrap_or(0);
        touched.quarantine_history += refused::history(inner, &inner.reader, &found.numbers).await?;
        after = found.next;
    }
    let mut after = Some(0);
    while let Some(start) = after {
        let found = lists::find(inner, &inner.reader, subject, start).await?;
        touched.sketches_changed += found.sure(subject);
        after = found.next;
    }
    let groups = cells::found(inner, &inner.reader, subject).await?;
    Ok((touched != Touched::default() || !groups.is_empty()).then_some(touched))
}

/// Some events of a subject, and the pairs of which none is left.
async fn events(
    inner: &Inner,
    db: &Transaction,
    subject: &Subject,
    touched: &mut Touched,
) -> Result<Option<i64>, Error> {
    let sql = inner
        .tables
        .sql("SELECT id FROM {trails} WHERE subject = ? ORDER BY id LIMIT ");
    let statement = inner
        .dialect
        .statement(&format!("{sql}{TRAILS}"), [subject.as_str().into()]);
    let rows = db.query_all_raw(statement).await?;
    let trails = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<Vec<i64>, _>>()?;
    if trails.is_empty() {
        return Ok(None);
    }
    let of_trails = list(&trails);
    let tables = inner.tables.sql("{events} e JOIN {trails} t ON t.id = e.trail_id");
    let sql =
        format!("SELECT {SELECTED} FROM {tables} WHERE e.trail_id IN ({of_trails}) ORDER BY e.position LIMIT {STEP}");
    let rows = db.query_all_raw(inner.dialect.statement(&sql, [])).await?;
    let dictionary = inner.dictionary_in(db).await?;
    let events = rows
        .iter()
        .map(|row| stored(row, &dictionary))
        .collect::<Result<Vec<_>, _>>()?;
    let places: Vec<i64> = events.iter().map(|event| event.position).collect();
    if !places.is_empty() {
        let sql = format!(
            "{} ({})",
            inner.tables.sql("DELETE FROM {events} WHERE position IN"),
            list(&places)
        );
        db.execute_raw(inner.dialect.statement(&sql, [])).await?;
        shadow::forget(&places, inner.dialect, db, &inner.tables).await?;
        // What a projection said of them may name the subject.
        let sql = inner.tables.sql("DELETE FROM {parked} WHERE position IN");
        let statement = format!("{sql} ({})", list(&places));
        db.execute_raw(inner.dialect.statement(&statement, [])).await?;
        // After the rows, so that what is counted anew is counted without them.
        cells::without(inner, db, &dictionary, &events, touched).await?;
    }
    touched.events = u64::try_from(places.len()).unwrap_or(0);
    (touched.first_position, touched.last_position) = (places.first().copied(), places.last().copied());
    if events.len() < STEP {
        let sql = format!("{} ({of_trails})", inner.tables.sql("DELETE FROM {trails} WHERE id IN"));
        db.execute_raw(inner.dialect.statement(&sql, [])).await?;
        touched.trails = u64::try_from(trails.len()).unwrap_or(0);
    }
    Ok(Some(0))
}

/// Numbers as a list of SQL.
fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// A time as it is stored.
fn micros(time: Timestamp) -> Value {
    time.as_micros().into()
}
