//! The same job as a Django service does it, with Celery, Redis and PostgreSQL.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use event_benches::load::{Load, Prepared};
use event_benches::python::{self, Environment, run};
use event_benches::results::Results;
use event_benches::table::Table;
use tempfile::TempDir;

use crate::contest::{self, IN_TIME, Reading};
use crate::options::Options;
use crate::server::{SCHEMA, Server};

/// Connections that send single events, and batches.
const SINGLE: usize = 64;
const BATCHES: usize = 4;
const BATCH: usize = 1_000;
/// How long a start or the last of what is queued may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A part of the service, run by an interpreter that has it.
fn command(python: &Environment, program: &str, redis: SocketAddr, postgres: &str) -> Command {
    let mut command = Command::new(python.program(program));
    command
        .current_dir(folder())
        .env("PEER_POSTGRES", postgres)
        .env("PEER_REDIS", format!("redis://{redis}/0"))
        .env("PEER_SCHEMA", SCHEMA)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Where the service is written.
fn folder() -> PathBuf {
    python::folder().join("peers/django")
}

/// A program that is ended with us, by SIGTERM, so that it ends its own workers.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// The environment variable in which `cargo xtask bench` says where Redis is.
const REDIS: &str = "EVENT_BENCH_REDIS";

/// Redis or its twin, without a disk.
fn redis() -> Option<(String, Process, SocketAddr, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let address = free();
    let given = std::env::var(REDIS).ok().filter(|program| !program.is_empty());
    given
        .into_iter()
        .chain(["redis-server", "valkey-server"].map(str::to_owned))
        .find_map(|program| {
            let version = Command::new(&program).arg("--version").output().ok()?;
            let version = String::from_utf8_lossy(&version.stdout)
                .split(" sha")
                .next()
                .unwrap_or_default()
                .to_owned();
            let child = Command::new(&program)
                .args([
                    "--port",
                    &address.port().to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--dir",
                ])
                .arg(folder.path())
                .stdout(Stdio::null())
                .spawn();
            Some((version, child.ok()?))
        })
        .map(|(version, child)| (version, Process(child), address, folder))
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The service: two workers that serve, two that store.
struct Service {
    address: SocketAddr,
    _processes: [Process; 2],
}

impl Service {
    fn start(environment: &Environment, redis: SocketAddr, postgres: &str) -> Self {
        let command = |program| command(environment, program, redis, postgres);
        run(command("python").arg("events.py"));
        let address = free();
        let serve = command("gunicorn")
            .args([
                "events:application",
                "--workers",
                "2",
                "--worker-class",
                "gthread",
                "--threads",
                "8",
            ])
            .args([
                "--keep-alive",
                "30",
                "--log-level",
                "error",
                "--bind",
                &address.to_string(),
            ])
            .spawn();
        let store = command("celery")
            .args([
                "--app",
                "events",
                "--quiet",
                "worker",
                "--concurrency",
                "2",
                "--loglevel",
                "ERROR",
            ])
            .stderr(Stdio::null())
            .spawn();
        let service = Service {
            address,
            _processes: [Process(serve.unwrap()), Process(store.unwrap())],
        };
        let started = Instant::now();
        while service.count().is_none() {
            assert!(started.elapsed() < PATIENCE, "the service does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        service
    }

    /// How many events are stored.
    fn count(&self) -> Option<u64> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream
            .write_all(b"GET /count HTTP/1.1\r\nhost: peer\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, number) = answer.split_once("\"count\": ")?;
        number.split('}').next()?.parse().ok()
    }

    /// Waits until nothing more comes; tells how many came since, and when the last was seen.
    fn settled(&self, before: u64) -> (u64, Instant) {
        let (mut count, mut last) = (before, Instant::now());
        let started = last;
        while last.elapsed() < Duration::from_secs(2) && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.count().unwrap_or(count);
            if now != count {
                (count, last) = (now, Instant::now());
            }
        }
        (count - before, last)
    }
}

/// The collector beside the service; `None` where a part of that is missing, and which.
pub(crate) fn contest(options: &Options, results: &mut Results) -> Result<Vec<Table>, &'static str> {
    let (rounds, duration) = (options.run.rounds, options.duration());
    let postgres = std::env::var("EVENT_TEST_POSTGRES").map_err(|_| "PostgreSQL (EVENT_TEST_POSTGRES)")?;
    let (version, _redis, redis, _folder) = redis().ok_or("Redis (redis-server or valkey-server)")?;
    let environment = Environment::prepare("bench-http-python", &folder().join("requirements.txt"));
    results.version(environment.versions());
    results.version(version);
    let names = ["Django, Celery, Redis, PostgreSQL", "event-server, stored durably"];
    let lines = || names.map(|name| (name.to_owned(), Vec::new())).to_vec();
    let cases = [(1, SINGLE), (BATCH, BATCHES)];
    let mut all = [lines(), lines()];
    for round in 0..=rounds {
        let (service, collector) = (
            Service::start(&environment, redis, &postgres),
            Server::collector(&options.flags),
        );
        for ((events, connections), lines) in cases.into_iter().zip(&mut all) {
            let load = |address| Load {
                address,
                connections,
                duration,
                in_time: IN_TIME,
            };
            let prepared = Prepared::new("/v1/events", events);
            let (before, started) = (service.count().unwrap_or_default(), Instant::now());
            let told = load(service.address).closed(&prepared.clone().told_by(200));
            let (stored, last) = service.settled(before);
            println!("  Django, {events} events, {connections} connections: {told}; {stored} stored");
            let mut peer = Reading::from(&told);
            // What counts is what is stored, good ones alone: until the last of them is.
            #[allow(clippy::cast_precision_loss)]
            let rate = stored as f64 / (last - started).as_secs_f64();
            assert!(stored > 0, "the service has stored nothing");
            peer.rate = rate;
            let own = load(collector.address).closed(&prepared);
            println!("  event-server, {events} events, {connections} connections: {own}");
            for ((_, readings), reading) in lines.iter_mut().zip([peer, Reading::from(&own)]) {
                if round > 0 {
                    readings.push(reading);
                }
            }
        }
    }
    let titles = cases
        .map(|(events, connections)| format!("{events} events a request, {connections} connections, {rounds} rounds"));
    Ok(titles
        .into_iter()
        .zip(&all)
        .map(|(title, lines)| contest::table(title, lines))
        .collect())
}
