//! What is done to the database, step by step, the same in every run and safe to be done again: types and metrics, batches
//! of all kinds, refused events that are mended, a projection, checkpoints, a store that is closed and opened again.

use std::sync::Arc;
use std::time::Duration;

use event_core::{EventType, Label, Source};
use event_store::project::Projector;
use event_store::quarantine::{Selection, Work};
use event_store::{Error, EventStore, Origin, TypeChange};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::broken::{self, Broken};
use crate::journal::{Batch, Journal, Line};
use crate::place::Place;
use crate::plan;
use crate::tally::{Running, Tally, quick};

/// Batches of the fixed scenario.
pub(crate) const BATCHES: usize = 9;
/// How often something is tried that fails.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// So long the projection may take to come to the end of the log.
const PATIENCE: Duration = Duration::from_secs(30);

/// The projection of every trial.
pub(crate) fn tally() -> Tally {
    Tally {
        name: "tally".to_owned(),
        version: 1,
        mended: Arc::default(),
        tried: Arc::default(),
        pace: Duration::ZERO,
    }
}

/// Tries something again that fails, as whoever depends on it does.
async fn insist<T>(
    journal: &Journal,
    what: &str,
    mut work: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let mut failed = String::new();
    for _ in 0..ATTEMPTS {
        match work().await {
            Ok(done) => return Ok(done),
            Err(error) => failed = format!("{what}: {error}"),
        }
        journal.write(&Line::Failed(failed.clone()));
        tokio::time::sleep(PAUSE).await;
    }
    Err(failed)
}

/// An error with its causes, for whoever reads the journal.
fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What is refused at first: a total that is no number; and what is allowed once the schema is mended.
async fn order(store: &EventStore, total: &str) -> Result<(), Error> {
    let change = TypeChange {
        schema: Some(json!({"properties": {"total": {"type": total.split(' ').collect::<Vec<_>>()}}})),
        ..TypeChange::default()
    };
    let (kind, version) = (EventType::new("order", "created").unwrap(), Label::new("1").unwrap());
    store.register(&kind, &version, change).await.map(drop)
}

async fn declare(store: &EventStore, metric: Value) -> Result<(), Error> {
    store.declare(serde_json::from_value(metric).unwrap()).await.map(drop)
}

async fn prepare(store: &EventStore) -> Result<(), Error> {
    order(store, "number").await?;
    let counted = TypeChange {
        policy: Some(serde_json::from_value(json!({"storage": "counts_only"})).unwrap()),
        ..TypeChange::default()
    };
    let (tick, version) = (EventType::new("tick", "seen").unwrap(), Label::new("1").unwrap());
    store.register(&tick, &version, counted).await?;
    let sales =
        json!({"metric": "sales", "category": "order", "name": "created", "by": ["/province"], "unique": "subject"});
    declare(store, sales).await?;
    declare(
        store,
        json!({"metric": "ticks", "category": "tick", "name": "seen", "by": ["subject"]}),
    )
    .await
}

/// Allows what was refused, and stores it.
async fn mend(store: &EventStore) -> Result<(), Error> {
    order(store, "number string").await?;
    store.replay(&Work::on(Selection::default()), |_| ()).await.map(drop)
}

/// Offers a batch until there are verdicts, and writes down each time what was heard.
pub(crate) async fn offer(store: &EventStore, journal: &Journal, of: Batch, broken: Option<Broken>) {
    let origin = Origin::new(Source::new("shop").unwrap());
    for _ in 0..ATTEMPTS {
        journal.write(&Line::Offered(of));
        if broken == Some(Broken::AnswerFirst) {
            journal.write(&Line::Claimed(of));
        }
        match store.ingest(plan::offers(of), &origin).await {
            Ok(_) if broken == Some(Broken::AnswerFirst) => return,
            Ok(verdicts) => return journal.write(&Line::Answered(of, verdicts)),
            Err(error @ Error::Unknown(_)) => journal.write(&Line::Unknown(of, told(error))),
            Err(error) => journal.write(&Line::Nothing(of, told(error))),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A store that is open, and what hangs on it.
struct Open {
    store: EventStore,
    projector: Option<Projector>,
}

async fn open(place: &Place, broken: Option<Broken>) -> Result<Open, String> {
    if broken == Some(Broken::SynchronousOff) {
        let (store, _) = broken::hasty(place).await?;
        return Ok(Open { store, projector: None });
    }
    let store = place.open().await.map_err(told)?;
    let projector = store.project(Running::from(tally()), quick().lease(Duration::from_secs(1)));
    let projector = Some(projector.await.map_err(told)?);
    Ok(Open { store, projector })
}

impl Open {
    async fn close(self, journal: &Journal) {
        if let Some(projector) = self.projector {
            projector.stop().await;
        }
        if let Err(error) = self.store.close().await {
            journal.write(&Line::Failed(format!("close: {}", told(error))));
        }
    }
}

async fn checkpoint(place: &Place) -> Result<(), String> {
    let db = place.connect().await.map_err(told)?;
    db.execute_unprepared("PRAGMA wal_checkpoint(RESTART)")
        .await
        .map_err(told)?;
    db.close().await.map_err(told)
}

/// All of it. What fails is tried again; what keeps failing ends it, with the reason.
pub(crate) async fn run(place: &Place, journal: &Journal, broken: Option<Broken>) -> Result<(), String> {
    let first = insist(journal, "open", async || open(place, broken).await).await?;
    insist(journal, "prepare", async || prepare(&first.store).await.map_err(told)).await?;
    insist(journal, "break", async || {
        broken::begin(place, broken).await.map_err(told)
    })
    .await?;
    for number in 0..plan::STRICT {
        offer(&first.store, journal, (0, number), broken).await;
        if number == 1 {
            insist(journal, "checkpoint", async || checkpoint(place).await).await?;
        }
    }
    first.close(journal).await;
    let second = insist(journal, "open", async || open(place, broken).await).await?;
    insist(journal, "mend", async || mend(&second.store).await.map_err(told)).await?;
    for number in plan::STRICT..BATCHES {
        offer(&second.store, journal, (0, number), broken).await;
    }
    finish(second, journal).await?;
    insist(journal, "break", async || {
        broken::end(place, broken).await.map_err(told)
    })
    .await
}

/// Waits for the projection, and closes.
async fn finish(open: Open, journal: &Journal) -> Result<(), String> {
    if let Some(projector) = &open.projector {
        let head = insist(journal, "head", async || open.store.head().await.map_err(told)).await?;
        let reached = tokio::time::timeout(PATIENCE, projector.reach(head)).await;
        reached
            .map_err(|_| "the projection did not come to the end of the log")?
            .map_err(told)?;
    }
    open.close(journal).await;
    Ok(())
}

/// What is left of a load: everything that was ever offered is offered again, refused events are mended, and the projection
/// comes to the end.
pub(crate) async fn conclude(place: &Place, journal: &Journal, batches: &[Batch]) -> Result<(), String> {
    let open = open(place, None).await?;
    for of in batches {
        offer(&open.store, journal, *of, None).await;
    }
    mend(&open.store).await.map_err(told)?;
    finish(open, journal).await
}

/// Opens a store as [`run`] does, for callers that offer all at once.
pub(crate) async fn load(place: &Place, journal: &Journal, callers: usize, from: usize) -> Result<(), String> {
    let open = open(place, None).await?;
    prepare(&open.store).await.map_err(told)?;
    let callers = (1..=callers).map(|caller| {
        let (store, journal) = (open.store.clone(), journal.clone());
        tokio::spawn(async move {
            for number in from.. {
                offer(&store, &journal, (caller, number), None).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.map_err(told)?;
    }
    Ok(())
}
