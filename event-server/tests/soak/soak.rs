//! The soak: all faults at once for a while, then all of it heals, every client sends what it has left, and the judge looks.

use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::collector::{Collector, Place};
use crate::fault::{self, Faults};
use crate::journal::Told;
use crate::judge::judge;
use crate::plan::{self, CLIENTS, SPOOLED};
use crate::proxy::Proxy;
use crate::world::{self, World};
use crate::{client, scale, tamper};

/// One in so many pieces of data does not arrive as it was sent.
const ONE_IN: u64 = 6;
/// Longer than a client waits for its answer.
const STALL: Duration = Duration::from_millis(2_500);

/// So long everything may take to arrive, once nothing fails.
const PATIENCE: Duration = Duration::from_secs(900);
/// So long a client may take to report its last losses, which it does twice a second.
const LAST_REPORT: Duration = Duration::from_secs(60);

/// So many rows are read ten times in a moment.
const FEW_ROWS: usize = 20_000;

/// Clients that are killed with this, whatever becomes of the test.
struct Clients(Vec<Child>);

impl Clients {
    fn order(&mut self, order: &str) {
        for client in &mut self.0 {
            // One that has ended is found when it is waited for.
            let _ = writeln!(client.stdin.as_mut().unwrap(), "{order}");
        }
    }

    fn are_running(&mut self) -> bool {
        let mut clients = self.0.iter_mut();
        clients.all(|client| client.try_wait().unwrap().is_none())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for client in &mut self.0 {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}

pub(crate) fn run(database: &str, test: &str, place: &Place, control: &str) {
    let seconds = scale("EVENT_TEST_SOAK_SECONDS", 6, 1_200);
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(plan::prepare(place));
    let clocks = ["clock-0", "clock-1"].map(|name| Clock::new(folder.path(), name));
    let start = |clock: &Clock| Collector::start_among(place, &["--log-level=error"], clock.environment());
    let mut collectors = clocks.each_ref().map(start);
    let proxy = Proxy::before(collectors[0].address(), ONE_IN, STALL);
    proxy.lead(collectors.iter().map(Collector::address).collect());
    let start = |number| client::start(test, number, &proxy.url, folder.path());
    let mut clients = Clients((0..CLIENTS).map(start).collect());

    let (faults, is_over) = (Faults::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| fault::collectors(&mut collectors, &proxy, &faults, &is_over));
        scope.spawn(|| fault::clocks(&clocks, &faults, &is_over));
        scope.spawn(|| fault::database(place, control, &faults, &is_over));
        scope.spawn(|| fault::clients(&mut clients.0, test, &proxy.url, folder.path(), &faults, &is_over));
        thread::sleep(Duration::from_secs(seconds));
        is_over.store(true, Ordering::Release);
    });
    proxy.heal();
    let mut told = runtime.block_on(finish(&mut clients, place, folder.path()));
    for collector in &mut collectors {
        let ended = collector.stop();
        if ended.code() != Some(0) {
            told.push(format!("a collector ended with {ended}: {}", collector.log()));
        }
    }
    let world = runtime.block_on(World::read(place, folder.path()));
    told.extend(judge(&world).iter().map(ToString::to_string));
    conclude(database, &world, &proxy, &faults, &told);
    // Each of its spoiled copies is read as a whole, and more rows say nothing new about the judge.
    if database != "sqlite" {
        return;
    }
    let rows = world.rows.len();
    if rows < FEW_ROWS {
        runtime.block_on(tamper::is_noticed(place, folder.path()));
    } else {
        println!("!! NOT RUN: whether the judge notices what is spoilt ({rows} rows; at the most {FEW_ROWS})");
    }
}

/// Has the clients offer no more and send what they have left, and then come to their end.
async fn finish(clients: &mut Clients, place: &Place, folder: &Path) -> Vec<String> {
    clients.order("stop");
    let store = world::open(place).await;
    // What is not so in the end is for the judge to find.
    for (what, patience) in [
        (is_flushed as fn(&[Told], u64) -> bool, PATIENCE),
        (is_told, LAST_REPORT),
    ] {
        let started = Instant::now();
        while started.elapsed() < patience && clients.are_running() {
            let told: Vec<Told> = (0..CLIENTS).map(|client| Told::read(folder, client)).collect();
            let reported = world::losses(&store).await.get(&plan::source(SPOOLED)).copied();
            if what(&told, reported.unwrap_or_default()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    store.close().await.unwrap();
    clients.order("end");
    let ends = clients.0.iter_mut().map(|client| client.wait().unwrap());
    let ends = ends.enumerate().filter(|(_, end)| !end.success());
    ends.map(|(client, end)| format!("client {client} ended with {end}"))
        .collect()
}

fn is_flushed(told: &[Told], _: u64) -> bool {
    told.iter().all(|told| told.is_flushed)
}

/// Whether those that were not killed have told all their losses.
fn is_told(told: &[Told], reported: u64) -> bool {
    reported == told[SPOOLED..].iter().map(|told| told.losses).sum::<u64>()
}

fn conclude(database: &str, world: &World, proxy: &Proxy, faults: &Faults, violations: &[String]) {
    let offered: usize = world.told.iter().map(|told| told.offered.len()).sum();
    let counts = |of: fn(&crate::journal::Counts) -> u64| -> u64 {
        world.told.iter().filter_map(|told| told.ended.as_ref()).map(of).sum()
    };
    println!(
        "{database}: {} rows, {} refused, {} cells, {:?}; {faults:?}, {:?}; in their last lives the clients counted {} duplicates and {} retries",
        world.rows.len(),
        world.refused.len(),
        world.cells,
        world.losses,
        proxy.deeds,
        counts(|counts| counts.duplicate),
        counts(|counts| counts.retries),
    );
    for violation in violations.iter().take(20) {
        println!("violation: {violation}");
    }
    println!(
        "proof: soak on {database}, events under {} faults: {offered} trials, {} violations",
        faults.total() + proxy.deeds.total(),
        violations.len()
    );
    assert!(violations.is_empty(), "{} violations", violations.len());
    // Nothing that was not tried is proved.
    let is_tried = |what: &std::sync::atomic::AtomicU64| what.load(Ordering::Relaxed) > 0;
    assert!(
        is_tried(&faults.collectors_killed) && is_tried(&faults.clients_killed),
        "{faults:?}"
    );
    // Where clocks jump, collectors that agree within an hour did not look at them.
    if cfg!(target_os = "linux") && is_tried(&faults.clock_jumps) {
        let times = || world.rows.iter().map(|row| row.received_at);
        let span = times().max().zip(times().min()).map(|(last, first)| {
            let [first, last] = [first, last].map(|time| time.as_micros());
            Duration::from_micros(last.abs_diff(first))
        });
        assert!(span > Some(Duration::from_secs(3_600)), "received within {span:?}");
    }
    let of_database = [&faults.connections_cut, &faults.server_restarts, &faults.locks_held];
    assert!(of_database.into_iter().any(is_tried), "{faults:?}");
    assert!(proxy.deeds.total() > 4, "{:?}", proxy.deeds);
    assert!(world.rows.len() > 200 && world.refused.len() > 20 && world.cells > 0);
}
