//! What is done to collectors, clients and the database, each by a thread of its own, until it is over.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr};

use crate::client;
use crate::clock::Clock;
use crate::collector::{Collector, Place};
use crate::cut;
use crate::plan::SPOOLED;
use crate::proxy::Proxy;

/// So often a collector may fail to start over a database that is away for a while.
const ATTEMPTS: u32 = 200;

/// How often it was done.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) collectors_killed: AtomicU64,
    pub(crate) clients_killed: AtomicU64,
    pub(crate) connections_cut: AtomicU64,
    pub(crate) server_restarts: AtomicU64,
    pub(crate) locks_held: AtomicU64,
    pub(crate) clock_jumps: AtomicU64,
}

impl Faults {
    pub(crate) fn total(&self) -> u64 {
        let all = [
            &self.collectors_killed,
            &self.clients_killed,
            &self.connections_cut,
            &self.server_restarts,
            &self.locks_held,
            &self.clock_jumps,
        ];
        all.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn count(deed: &AtomicU64) {
    deed.fetch_add(1, Ordering::Relaxed);
}

/// Some milliseconds, or until it is over.
fn rest(is_over: &AtomicBool, least: u64, most: u64) {
    let until = Instant::now() + Duration::from_millis(fastrand::u64(least..most));
    while Instant::now() < until && !is_over.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Kills one collector, or both, and starts them again somewhere else.
pub(crate) fn collectors(collectors: &mut [Collector; 2], proxy: &Proxy, faults: &Faults, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        rest(is_over, 400, 2_600);
        let those = [0..1, 1..2, 0..2][fastrand::usize(..3)].clone();
        let those = &mut collectors[those];
        for one in those.iter_mut() {
            let ended = one.ended();
            assert!(
                ended.is_none(),
                "a collector has ended by itself, with {ended:?}:\n{}",
                one.log()
            );
            one.kill();
            count(&faults.collectors_killed);
        }
        rest(is_over, 0, 500);
        for one in those {
            start(one);
        }
        proxy.lead(collectors.iter().map(Collector::address).collect());
    }
}

/// As whoever looks after it does: again and again, until it runs.
fn start(collector: &mut Collector) {
    for attempt in 0.. {
        let Err(told) = collector.try_restart() else { return };
        // Attempts, not time: the machine may be at something else.
        assert!(attempt < ATTEMPTS, "{told}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Kills clients that have a spool, and starts others on it.
pub(crate) fn clients(
    clients: &mut [Child],
    test: &str,
    url: &str,
    folder: &Path,
    faults: &Faults,
    is_over: &AtomicBool,
) {
    while !is_over.load(Ordering::Acquire) {
        rest(is_over, 100, 1_000);
        let number = fastrand::usize(..SPOOLED);
        let client = &mut clients[number];
        let ended = client.try_wait().unwrap();
        assert!(ended.is_none(), "client {number} has ended by itself, with {ended:?}");
        client.kill().unwrap();
        client.wait().unwrap();
        count(&faults.clients_killed);
        rest(is_over, 0, 300);
        *client = client::start(test, number, url, folder);
    }
}

/// Has the clock of one of the collectors jump, so that they do not agree either.
pub(crate) fn clocks(clocks: &[Clock; 2], faults: &Faults, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        rest(is_over, 100, 800);
        clocks[fastrand::usize(..2)].jump();
        count(&faults.clock_jumps);
    }
}

/// Ends the connections of a server, and restarts it by the script that a variable names; keeps others from writing to a
/// file.
pub(crate) fn database(place: &Place, control: &str, faults: &Faults, is_over: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script = (!control.is_empty()).then(|| {
        std::env::var(control).unwrap_or_else(|_| {
            panic!("{control} names no script that restarts the server: run `cargo xtask test`, which makes one")
        })
    });
    for round in 1_u64.. {
        rest(is_over, 400, 2_600);
        if is_over.load(Ordering::Acquire) {
            return;
        }
        match &script {
            None => count_if(runtime.block_on(lock(place)), &faults.locks_held),
            Some(script) if round % 3 == 0 => {
                let restarted = Command::new(script).arg("restart").status().unwrap();
                assert!(restarted.success(), "the control script failed");
                count(&faults.server_restarts);
            }
            Some(_) => count_if(runtime.block_on(cut_all(place)), &faults.connections_cut),
        }
    }
}

/// One that cannot be done just now is none: a server that is busy, or a file that somebody else has locked for long.
fn count_if(done: Result<(), DbErr>, deed: &AtomicU64) {
    if done.is_ok() {
        count(deed);
    }
}

async fn connect(place: &Place) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(place.url());
    // One connection, so that the statements of a transaction meet on it.
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

async fn cut_all(place: &Place) -> Result<(), DbErr> {
    let db = connect(place).await?;
    cut::all(&db).await?;
    db.close().await
}

/// For a while nobody else writes to the file.
async fn lock(place: &Place) -> Result<(), DbErr> {
    let db = connect(place).await?;
    db.execute_unprepared("BEGIN IMMEDIATE").await?;
    tokio::time::sleep(Duration::from_millis(fastrand::u64(100..2_000))).await;
    db.execute_unprepared("ROLLBACK").await?;
    db.close().await
}
