//! Several collectors on one server, all at the same: shared ids, shared sessions, shared refusals in
//! every order, and types that all of them register. None of them hears of the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "store/disk.rs"]
mod disk;
#[allow(dead_code, reason = "other tests take more of it")]
#[path = "order/process.rs"]
mod process;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use disk::Disk;
use event_core::aggregate::Origin;
use event_core::metric::Metric;
use event_core::verdict::Status;
use event_core::{EventType, Label, Query};
use event_store::{EventStore, Offer, QuarantinePage, Repair, TypeChange};
use process::{Dice, Task, end, is_long, origin, start};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

macro_rules! contention {
    ($($database:ident)+) => {
        $(mod $database {
            use crate::disk::Disk;

            #[tokio::test(flavor = "multi_thread")]
            async fn collectors_on_one_server_do_not_hear_of_each_other() {
                crate::collectors_on_one_server_do_not_hear_of_each_other(Disk::$database()).await;
            }
        })+
    };
}

contention!(postgres mysql);

const PROCESSES: usize = 4;
const TASKS: usize = 3;
/// Of a batch: events of its own, and events that every process offers.
const OWN: usize = 10;
const SHARED: usize = 10;
/// Different refusals, and so many of them in a batch.
const REFUSALS: u64 = 20;
const REFUSED: u64 = 6;
/// Every so many batches a type is registered.
const REGISTER: usize = 20;

fn load_time() -> Duration {
    Duration::from_secs(if is_long() { 30 } else { 5 })
}

/// What one task has done and heard.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Report {
    batches: usize,
    stored: usize,
    duplicates: usize,
    /// How often each refusal was offered.
    refused: HashMap<u64, usize>,
    errors: Vec<String>,
}

fn event(id: &str, members: &str) -> Offer {
    Offer::Json(format!(r#"{{"id":"{id}","category":"order","name":"created"{members}}}"#).into_bytes())
}

fn refusal(number: u64) -> Offer {
    Offer::Json(format!("broken {number}").into_bytes())
}

fn metric(name: &str, by: &str) -> Metric {
    serde_json::from_value(json!({"metric": name, "category": "order", "name": "created", "by": [by]})).unwrap()
}

async fn register(store: &EventStore, batch: usize) -> Result<(), event_store::Error> {
    let kind = EventType::new("order", format!("type {}", batch % 3)).unwrap();
    let version = Label::new((batch / REGISTER).to_string()).unwrap();
    let change = TypeChange {
        schema: Some(json!({"properties": {"n": {"maximum": batch}}})),
        ..TypeChange::default()
    };
    store.register(&kind, &version, change).await.map(drop)
}

/// Offers batches until the time is over.
async fn load(store: EventStore, process: usize, task: usize) -> Report {
    let mut report = Report::default();
    let mut dice = Dice::new(u64::try_from(process * TASKS + task).unwrap());
    let started = Instant::now();
    while started.elapsed() < load_time() {
        let batch = report.batches;
        report.batches += 1;
        if batch % REGISTER == 0
            && let Err(error) = register(&store, batch).await
        {
            report.errors.push(format!("register: {error:?}"));
        }
        let mut offers = Vec::new();
        // Now and then a batch holds nothing but refusals.
        if batch % 5 != 4 {
            let members = |number: usize| format!(r#","session_id":"s-{}","subject":"c-{number}""#, batch % 7);
            let own = (0..OWN).map(|number| event(&format!("own-{process}-{task}-{batch}-{number}"), &members(number)));
            let shared = (0..SHARED).map(|number| event(&format!("all-{task}-{batch}-{number}"), &members(number)));
            offers.extend(own.chain(shared));
        }
        for _ in 0..REFUSED {
            let number = dice.below(REFUSALS);
            *report.refused.entry(number).or_default() += 1;
            offers.push(refusal(number));
        }
        // Each process has an order of its own.
        for place in (1..offers.len()).rev() {
            offers.swap(place, usize::try_from(dice.below(place as u64 + 1)).unwrap());
        }
        match store.ingest(offers, &origin()).await {
            Ok(verdicts) => {
                let count = |status| verdicts.iter().filter(|verdict| verdict.status == status).count();
                report.stored += count(Status::Stored);
                report.duplicates += count(Status::Duplicate);
            }
            Err(error) => report.errors.push(format!("ingest: {error:?}")),
        }
    }
    report
}

fn report_file(folder: &Path, process: usize) -> PathBuf {
    folder.join(process.to_string())
}

async fn work(task: &Task) {
    let (store, process) = (task.open().await, task.word(0).parse().unwrap());
    let loads: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(load(store.clone(), process, task)))
        .collect();
    let mut reports = Vec::new();
    for load in loads {
        reports.push(load.await.unwrap());
    }
    store.close().await.unwrap();
    let file = report_file(Path::new(task.word(1)), process);
    std::fs::write(file, serde_json::to_vec(&reports).unwrap()).unwrap();
}

async fn collectors_on_one_server_do_not_hear_of_each_other(disk: Disk) {
    if let Some(task) = Task::here() {
        return work(&task).await;
    }
    let store = disk.open().await;
    store.declare(metric("early", "subject")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap().to_owned();
    let test = "collectors_on_one_server_do_not_hear_of_each_other";
    let started = (0..PROCESSES).map(|process| start(&disk, test, &[process.to_string(), place.clone()]));
    let started: Vec<_> = started.collect();
    // In the middle of it somebody wants to know more.
    tokio::time::sleep(load_time() / 3).await;
    store.declare(metric("late", "session_id")).await.unwrap();
    end(started).await;
    let reports: Vec<Vec<Report>> = (0..PROCESSES)
        .map(|process| serde_json::from_slice(&std::fs::read(report_file(folder.path(), process)).unwrap()).unwrap())
        .collect();
    for (process, reports) in reports.iter().enumerate() {
        let batches = reports.iter().map(|report| report.batches).sum::<usize>();
        let rate = batches as f64 / load_time().as_secs_f64();
        println!("{}: process {process}: {rate:.0} batches/s", disk.name());
    }

    let errors: Vec<&String> = reports.iter().flatten().flat_map(|report| &report.errors).collect();
    assert!(
        errors.is_empty(),
        "{} errors: {:?}",
        errors.len(),
        &errors[..errors.len().min(5)]
    );
    // Batches with events among so many.
    let with_events = |batches: usize| batches - batches / 5;
    let own: usize = reports
        .iter()
        .flatten()
        .map(|report| with_events(report.batches) * OWN)
        .sum();
    let shared: usize = (0..TASKS)
        .map(|task| {
            reports
                .iter()
                .map(|reports| with_events(reports[task].batches))
                .max()
                .unwrap()
                * SHARED
        })
        .sum();
    let offered: usize = reports
        .iter()
        .flatten()
        .map(|report| with_events(report.batches) * (OWN + SHARED))
        .sum();
    let stored: usize = reports.iter().flatten().map(|report| report.stored).sum();
    let duplicates: usize = reports.iter().flatten().map(|report| report.duplicates).sum();
    assert_eq!((stored, duplicates), (own + shared, offered - own - shared));
    assert!(duplicates > 0);
    let rows = format!(
        "SELECT COUNT(*), COUNT(DISTINCT event_id), COUNT(DISTINCT position) FROM {}events",
        disk.prefix()
    );
    let db = disk.connect().await;
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), rows))
        .await
        .unwrap()
        .unwrap();
    let stored = i64::try_from(stored).unwrap();
    for column in 0..3 {
        assert_eq!(row.try_get_by_index::<i64>(column).unwrap(), stored, "column {column}");
    }
    let count = store.answer(&Query::from_pairs([]).unwrap()).await.unwrap();
    assert_eq!(count.rows[0].value.as_ref().unwrap().to_string(), stored.to_string());

    // Cells are what a recount says, whoever counted.
    store.backfill(&Label::new("late").unwrap(), |_| {}).await.unwrap();
    for verified in store.verify(Repair::Nothing, |_| {}).await.unwrap() {
        assert_eq!(verified.differing, 0, "{:?}", verified.differences);
        assert!(verified.cells > 0);
    }
    for by in ["subject", "session_id"] {
        let query = Query::from_pairs([("category", "order"), ("name", "created"), ("by", by)]).unwrap();
        let answer = store.answer(&query).await.unwrap();
        assert_eq!(answer.source, Origin::Cells);
        let counts = answer
            .rows
            .iter()
            .map(|row| row.value.as_ref().unwrap().to_string().parse::<i64>().unwrap());
        assert_eq!(counts.sum::<i64>(), stored, "{by}");
    }

    let entries = store.quarantine(&QuarantinePage::default()).await.unwrap().entries;
    assert_eq!(entries.len(), usize::try_from(REFUSALS).unwrap());
    for number in 0..REFUSALS {
        let raw = format!("broken {number}");
        let entry = entries.iter().find(|entry| entry.raw.as_ref() == Some(&raw)).unwrap();
        let offered = |report: &Report| report.refused.get(&number).copied().unwrap_or(0);
        let offered: usize = reports.iter().flatten().map(offered).sum();
        assert_eq!(entry.occurrences, i64::try_from(offered).unwrap(), "{raw}");
    }
    // Everybody knows the same types, and none of them twice.
    let types = store.types().await.unwrap();
    let versions = |types: &[event_store::TypeRecord]| {
        let names = types
            .iter()
            .map(|record| (record.event_type.clone(), record.version.clone()));
        names.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(versions(&types), types.len());
    assert!(!types.is_empty());
}
