//! The one judge of all trials: is the database what its callers were told?

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use event_core::verdict::Status;
use event_core::{Code, Event, Query, StoredEvent, Verdict};
use event_store::quarantine::State;
use event_store::{EventStore, QuarantineEntry, QuarantinePage, Repair};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use serde_json::Value;

use crate::journal::{self, Batch, Heard};
use crate::place::Place;
use crate::plan::{self, Fate, Planned};
use crate::scenario;
use crate::tally::{Fold, fold};

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// What was answered as stored is there, where it was said to be, as it was offered.
    Kept,
    /// No event is there twice.
    Once,
    /// Cells are what a recount says.
    Cells,
    /// No refused event that waits is a stored one.
    Disjoint,
    /// What was offered is stored or kept, and nothing else is; a batch is there whole or not at all, and not at all where
    /// it was said so.
    Accounted,
    /// The tables of a projection are the fold over the log, up to where they say that they are.
    Projection,
    /// The database finds no fault with its own file.
    Integrity,
}

/// Something that does not hold.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) Check, String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}

/// What may be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was cut off somewhere.
    Cut,
    /// These batches were offered until they were answered, what was refused was mended, and the projection is at the end.
    Whole,
}

type Failure = Box<dyn Error + Send + Sync>;

/// All that does not hold. A database that cannot be read is no sound one.
pub(crate) async fn judge(place: &Place, stage: Stage) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Err(error) = look(place, stage, &mut violations).await {
        violations.push(Violation(Check::Integrity, format!("it cannot be read: {error}")));
    }
    violations
}

async fn look(place: &Place, stage: Stage, violations: &mut Vec<Violation>) -> Result<(), Failure> {
    let db = place.connect().await?;
    integrity(&db, violations).await?;
    let store = place.open().await?;
    let world = World::read(place, &db, &store).await?;
    world.once(violations);
    world.kept(violations);
    world.accounted(violations);
    world.batches(violations);
    world.disjoint(violations);
    if stage == Stage::Whole {
        world.whole(violations);
    }
    cells(&store, &world, stage, violations).await?;
    projection(&db, &store, &world, stage, violations).await?;
    store.close().await?;
    db.close().await?;
    Ok(())
}

async fn select(db: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, Failure> {
    Ok(db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?)
}

async fn integrity(db: &DatabaseConnection, violations: &mut Vec<Violation>) -> Result<(), Failure> {
    let mut told = Vec::new();
    for row in select(db, "PRAGMA integrity_check").await? {
        told.push(row.try_get_by_index::<String>(0)?);
    }
    if told != ["ok"] {
        violations.push(Violation(Check::Integrity, told.join(", ")));
    }
    let broken = select(db, "PRAGMA foreign_key_check").await?.len();
    if broken > 0 {
        violations.push(Violation(Check::Integrity, format!("{broken} foreign keys")));
    }
    Ok(())
}

/// All that is there, and all that is known of it.
struct World {
    heard: BTreeMap<Batch, Heard>,
    /// What was offered, and under which id it may be found.
    planned: BTreeMap<String, Planned>,
    log: Vec<StoredEvent>,
    /// Positions by id: of rows, and of events that are only counted.
    rows: BTreeMap<String, Vec<i64>>,
    keys: BTreeMap<String, Vec<i64>>,
    /// By what came in.
    entries: BTreeMap<String, Vec<QuarantineEntry>>,
    head: i64,
}

impl World {
    async fn read(place: &Place, db: &DatabaseConnection, store: &EventStore) -> Result<Self, Failure> {
        let heard = journal::read(&place.journal());
        let mut world = World {
            planned: plan::by_id(heard.keys()),
            heard,
            log: Vec::new(),
            rows: BTreeMap::new(),
            keys: BTreeMap::new(),
            entries: BTreeMap::new(),
            head: store.head().await?,
        };
        loop {
            let after = world.log.last().map_or(0, |last| last.position);
            let events = store.log(after, 10_000).await?;
            if events.is_empty() {
                break;
            }
            world.log.extend(events);
        }
        for stored in &world.log {
            let id = stored.event.envelope().id.to_string();
            world.rows.entry(id).or_default().push(stored.position);
        }
        // As the store writes an id that is no UUID: a byte 1, and its text.
        for row in select(db, "SELECT substr(event_id, 2), position FROM event_keys").await? {
            let id = String::from_utf8(row.try_get_by_index(0)?)?;
            world.keys.entry(id).or_default().push(row.try_get_by_index(1)?);
        }
        let mut page = QuarantinePage {
            limit: 1_000,
            ..QuarantinePage::default()
        };
        loop {
            let found = store.quarantine(&page).await?;
            for entry in found.entries {
                let raw = entry.raw.clone().unwrap_or_default();
                world.entries.entry(raw).or_default().push(entry);
            }
            page.after = found.next;
            if page.after.is_none() {
                return Ok(world);
            }
        }
    }

    fn positions(&self, id: &str) -> Vec<i64> {
        let both = [self.rows.get(id), self.keys.get(id)];
        both.into_iter().flatten().flatten().copied().collect()
    }

    fn once(&self, violations: &mut Vec<Violation>) {
        let mut fault = |what: String| violations.push(Violation(Check::Once, what));
        for id in self.rows.keys().chain(self.keys.keys()) {
            let positions = self.positions(id);
            if positions.len() > 1 {
                fault(format!("{id} is at {positions:?}"));
            }
        }
        let mut places: Vec<i64> = self
            .rows
            .values()
            .chain(self.keys.values())
            .flatten()
            .copied()
            .collect();
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        if places.len() < all || places.last().is_some_and(|last| *last > self.head) {
            fault(format!("{all} events have {} places up to {}", places.len(), self.head));
        }
    }

    fn kept(&self, violations: &mut Vec<Violation>) {
        for (of, heard) in &self.heard {
            let planned = plan::batch(*of);
            for verdicts in &heard.answers {
                if verdicts.len() != planned.len() {
                    let what = format!("{of:?} has {} verdicts", verdicts.len());
                    violations.push(Violation(Check::Accounted, what));
                }
                for (event, verdict) in planned.iter().zip(verdicts) {
                    violations.extend(self.of_verdict(event, verdict));
                }
            }
            if heard.claimed {
                let gone = planned.iter().filter(|event| !self.is_there(event));
                violations.extend(gone.map(|event| Violation(Check::Kept, format!("{} is gone", event.json))));
            }
        }
    }

    /// What is wrong with a verdict, if anything.
    fn of_verdict(&self, event: &Planned, verdict: &Verdict) -> Option<Violation> {
        let expected = match event.fate {
            Fate::Row | Fate::Counted => [Status::Stored, Status::Duplicate].as_slice(),
            // Once it was replayed, it is an event that was here before: where that is, is looked at below.
            Fate::Replayed => &[Status::Quarantined, Status::Duplicate],
            Fate::Refused => &[Status::Quarantined],
            Fate::Conflict => &[Status::Conflict],
        };
        if !expected.contains(&verdict.status) {
            let what = format!("{} was answered with {verdict:?}", event.json);
            return Some(Violation(Check::Accounted, what));
        }
        if !self.is_there(event) {
            let check = match event.fate {
                Fate::Row | Fate::Counted => Check::Kept,
                _ => Check::Accounted,
            };
            return Some(Violation(check, format!("{} was answered and is gone", event.json)));
        }
        let elsewhere = verdict
            .position
            .filter(|position| !self.positions(&event.id).contains(position));
        elsewhere.map(|position| Violation(Check::Kept, format!("{} is not at {position}", event.id)))
    }

    /// Whether an event is where it belongs, whatever has become of it since.
    fn is_there(&self, event: &Planned) -> bool {
        match event.fate {
            Fate::Row => self.rows.contains_key(&event.id),
            Fate::Counted => self.keys.contains_key(&event.id),
            Fate::Replayed | Fate::Refused | Fate::Conflict => self.entries.contains_key(&event.json),
        }
    }

    /// Nothing is there that nobody has offered, or that is not what was offered.
    fn accounted(&self, violations: &mut Vec<Violation>) {
        let mut fault = |what: String| violations.push(Violation(Check::Accounted, what));
        for stored in &self.log {
            let id = stored.event.envelope().id.as_str();
            let Some(planned) = self.planned.get(id) else {
                fault(format!("nobody has offered the row {id}"));
                continue;
            };
            let offered: Value = serde_json::from_str(&planned.json).unwrap_or_default();
            let data: Value = serde_json::from_str(stored.event.payload().as_str()).unwrap_or_default();
            if planned.fate == Fate::Counted || data != offered["data"] {
                fault(format!("{id} is not what was offered: {data}"));
            }
            let replayed = |entry: &QuarantineEntry| entry.state == State::Replayed;
            let of_it = self.entries.get(&planned.json);
            if planned.fate == Fate::Replayed && !of_it.is_some_and(|entries| entries.iter().any(replayed)) {
                fault(format!("{id} was refused, and is a row without having been replayed"));
            }
        }
        for id in self.keys.keys() {
            if self.planned.get(id).is_none_or(|planned| planned.fate != Fate::Counted) {
                fault(format!("nobody has offered the key {id}"));
            }
        }
        let mut offered: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (of, heard) in &self.heard {
            for (place, event) in plan::batch(*of).into_iter().enumerate() {
                if matches!(event.fate, Fate::Replayed | Fate::Refused | Fate::Conflict) {
                    let is_duplicate = |verdict: &&Verdict| verdict.status == Status::Duplicate;
                    let answers = heard.answers.iter().filter_map(|verdicts| verdicts.get(place));
                    let duplicates = answers.filter(is_duplicate).count();
                    let times = offered.entry(event.json).or_default();
                    times.0 += heard.answers.len() - duplicates;
                    times.1 += heard.offered - heard.nothing - duplicates;
                }
            }
        }
        for (raw, entries) in &self.entries {
            let times = entries.iter().map(|entry| entry.occurrences).sum::<i64>();
            let (least, most) = offered.get(raw).copied().unwrap_or_default();
            if entries.len() > 1 || usize::try_from(times).is_ok_and(|times| times < least || times > most) {
                let found = entries.len();
                fault(format!(
                    "{raw} is in {found} entries, {times} times; it came {least} to {most} times"
                ));
            }
        }
    }

    /// What is not answered is there whole, or not at all.
    fn batches(&self, violations: &mut Vec<Violation>) {
        for (of, heard) in self.heard.iter().filter(|(_, heard)| !heard.is_answered()) {
            // What others offer, too, and the next batch again, may be there for their sake.
            let next = self.heard.contains_key(&(of.0, of.1 + 1));
            let again = format!("o-{}-{}-1", of.0, of.1);
            let own = |event: &Planned| match event.fate {
                Fate::Row => event.id.starts_with(&format!("o-{}-{}-", of.0, of.1)) && !(next && event.id == again),
                Fate::Counted => event.id == format!("t-{}-{}", of.0, of.1) && !next,
                Fate::Replayed | Fate::Refused | Fate::Conflict => true,
            };
            let planned = plan::batch(*of).into_iter().filter(own);
            let there: Vec<bool> = planned.map(|event| self.is_there(&event)).collect();
            let some = there.contains(&true);
            if some && heard.unknown() == 0 {
                let what = format!("nothing of {of:?} was stored, as was said, and some of it is there");
                violations.push(Violation(Check::Accounted, what));
            }
            if some && there.contains(&false) {
                violations.push(Violation(Check::Accounted, format!("{of:?} is there by halves")));
            }
        }
    }

    /// No open entry is a row.
    fn disjoint(&self, violations: &mut Vec<Violation>) {
        for entry in self.entries.values().flatten() {
            let is_open = entry.state == State::Open && entry.code != Code::IdConflict;
            let id = entry.id.as_ref().map(ToString::to_string).unwrap_or_default();
            if is_open && !self.positions(&id).is_empty() {
                let what = format!("{id} is stored, and waits in the quarantine");
                violations.push(Violation(Check::Disjoint, what));
            }
        }
    }

    /// Everything that was offered has come to its end.
    fn whole(&self, violations: &mut Vec<Violation>) {
        let mut fault = |what: String| violations.push(Violation(Check::Accounted, what));
        for (of, heard) in &self.heard {
            if !heard.is_answered() {
                fault(format!("{of:?} was never answered"));
            }
            let missing = plan::batch(*of).into_iter().filter(|event| !self.is_there(event));
            missing.for_each(|event| fault(format!("{} is nowhere", event.json)));
        }
        for (id, planned) in &self.planned {
            if planned.fate == Fate::Replayed && !self.rows.contains_key(id) {
                fault(format!("{id} was mended, and is no row"));
            }
        }
    }
}

/// What is counted is what is there: by the store's own comparison, and by the fold over the log.
async fn cells(
    store: &EventStore,
    world: &World,
    stage: Stage,
    violations: &mut Vec<Violation>,
) -> Result<(), Failure> {
    let mut fault = |what: String| violations.push(Violation(Check::Cells, what));
    let mut compared = 0;
    for verified in store.verify(Repair::Nothing, |_| {}).await? {
        compared += verified.cells;
        if verified.differing > 0 {
            fault(format!("{}: {:?}", verified.metric, verified.differences));
        }
    }
    let orders = [("category", "order"), ("name", "created"), ("by", "/province")];
    let query = Query::from_pairs(orders)?;
    let events = world.log.iter().map(|stored| &stored.event).collect::<Vec<&Event>>();
    let (found, expected) = (store.answer(&query).await?, event_core::answer(&query, events)?);
    if found.rows != expected.rows {
        fault(format!(
            "{:?} are counted, and {:?} are there",
            found.rows, expected.rows
        ));
    }
    let mut ticks = 0;
    if !world.keys.is_empty() {
        let query = Query::from_pairs([("category", "tick"), ("name", "seen"), ("by", "subject")])?;
        for row in store.answer(&query).await?.rows {
            ticks += row.value.map_or(0, |value| value.to_string().parse().unwrap_or(0));
        }
    }
    if ticks != world.keys.len() {
        fault(format!("{ticks} ticks are counted of {}", world.keys.len()));
    }
    let is_proof = compared > 0 && ticks > 0 && found.source == event_core::aggregate::Origin::Cells;
    if stage == Stage::Whole && !is_proof {
        fault("nothing was compared".to_owned());
    }
    Ok(())
}

async fn projection(
    db: &DatabaseConnection,
    store: &EventStore,
    world: &World,
    stage: Stage,
    violations: &mut Vec<Violation>,
) -> Result<(), Failure> {
    let mut fault = |what: String| violations.push(Violation(Check::Projection, what));
    let all = store.projections().await?;
    let Some(status) = all.iter().find(|status| status.is_shown()) else {
        if stage == Stage::Whole {
            fault("there is none".to_owned());
        }
        return Ok(());
    };
    let mut found = Fold::new();
    let sql = format!("SELECT subject, n, chain FROM {}", scenario::tally().view());
    for row in select(db, &sql).await? {
        found.insert(
            row.try_get_by_index(0)?,
            (row.try_get_by_index(1)?, row.try_get_by_index(2)?),
        );
    }
    let expected = fold(store, |stored| stored.position <= status.position).await;
    if found != expected || status.parked > 0 {
        fault(format!(
            "up to {} there is {found:?} instead of {expected:?}: {status:?}",
            status.position
        ));
    }
    if stage == Stage::Whole && status.position < world.head {
        fault(format!("it is at {} of {}", status.position, world.head));
    }
    Ok(())
}
