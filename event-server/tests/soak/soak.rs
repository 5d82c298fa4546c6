//! The soak: all faults at once for a while, then all of it heals, every client sends what it has left, and the judge looks.

use std::io::Write as _;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::collector::{Collector, Place};
use crate::fault::{self, Faults};
use crate::judge::judge;
use crate::plan::{self, CLIENTS};
use crate::proxy::Proxy;
use crate::world::World;
use crate::{client, scale, tamper};

/// One in so many pieces of data does not arrive as it was sent.
const ONE_IN: u64 = 10;
/// Longer than a client waits for its answer.
const STALL: Duration = Duration::from_millis(2_500);

/// Clients that are killed with this, whatever becomes of the test.
struct Clients(Vec<Child>);

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
    let flags = ["--log-level=error"];
    let mut collectors = [Collector::start_on(place, &flags), Collector::start_on(place, &flags)];
    let proxy = Proxy::before(collectors[0].address(), ONE_IN, STALL);
    proxy.lead(collectors.iter().map(Collector::address).collect());
    let start = |number| client::start(test, number, &proxy.url, folder.path());
    let mut clients = Clients((0..CLIENTS).map(start).collect());

    let (faults, is_over) = (Faults::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| fault::collectors(&mut collectors, &proxy, &faults, &is_over));
        scope.spawn(|| fault::database(place, control, &faults, &is_over));
        scope.spawn(|| fault::clients(&mut clients.0, test, &proxy.url, folder.path(), &faults, &is_over));
        thread::sleep(Duration::from_secs(seconds));
        is_over.store(true, Ordering::Release);
    });
    proxy.heal();
    let mut told = finish(&mut clients);
    for collector in &mut collectors {
        let ended = collector.stop();
        if ended.code() != Some(0) {
            told.push(format!("a collector ended with {ended}: {}", collector.log()));
        }
    }
    let world = runtime.block_on(World::read(place, folder.path()));
    told.extend(judge(&world).iter().map(ToString::to_string));
    conclude(database, &world, &proxy, &faults, &told);
    if database == "sqlite" {
        runtime.block_on(tamper::is_noticed(place, folder.path()));
    }
}

/// Has the clients come to their end.
fn finish(clients: &mut Clients) -> Vec<String> {
    for client in &mut clients.0 {
        // One that has ended is found below.
        let _ = client.stdin.take().unwrap().write_all(b"end\n");
    }
    let ends = clients.0.iter_mut().map(|client| client.wait().unwrap());
    let ends = ends.enumerate().filter(|(_, end)| !end.success());
    ends.map(|(client, end)| format!("client {client} ended with {end}"))
        .collect()
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
    let of_database = [&faults.connections_cut, &faults.server_restarts, &faults.locks_held];
    assert!(of_database.into_iter().any(is_tried), "{faults:?}");
    assert!(proxy.deeds.total() > 4, "{:?}", proxy.deeds);
    assert!(world.rows.len() > 200 && world.refused.len() > 20 && world.cells > 0);
}
