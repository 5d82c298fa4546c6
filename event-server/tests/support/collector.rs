//! The real program, as a process with a database of its own.
//!
//! ```ignore
//! #[path = "../support/collector.rs"]
//! mod collector;
//!
//! let collector = collector::Collector::start();
//! let response = collector.post("/v1/events", r#"{"category": "a", "name": "b"}"#);
//! assert_eq!(response.status, 200);
//! ```

#![allow(dead_code, reason = "each test takes of it what it needs")]

mod document;
mod http;
mod place;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) use http::{Connection, Response};
pub(crate) use place::Place;
use tempfile::TempDir;

/// A running collector. Dropped, it is killed, and a SQLite file of its own is deleted.
pub(crate) struct Collector {
    folder: TempDir,
    place: Option<Place>,
    flags: Vec<String>,
    environment: Vec<(String, OsString)>,
    ulimit: Option<String>,
    process: Child,
    address: SocketAddr,
}

impl Collector {
    /// Starts the program over a new SQLite file, on a free port.
    pub(crate) fn start() -> Self {
        Collector::start_with(&[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(flags: &[&str]) -> Self {
        Collector::launched(None, flags, &[], None)
    }

    /// Starts the program over a place that others may use, too.
    pub(crate) fn start_on(place: &Place, flags: &[&str]) -> Self {
        Collector::launched(Some(place.clone()), flags, &[], None)
    }

    /// The same with more variables.
    pub(crate) fn start_among(place: &Place, flags: &[&str], environment: &[(String, OsString)]) -> Self {
        Collector::launched(Some(place.clone()), flags, environment, None)
    }

    /// Starts the program over a new SQLite file, and grants it no more of what is limited, as a shell's `ulimit` is told.
    pub(crate) fn start_within(ulimit: &str, flags: &[&str]) -> Self {
        Collector::launched(None, flags, &[], Some(ulimit))
    }

    fn launched(
        place: Option<Place>,
        flags: &[&str],
        environment: &[(String, OsString)],
        ulimit: Option<&str>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let launched = launch(&folder, place.as_ref(), &flags, environment, ulimit);
        let (process, address) = launched.unwrap_or_else(|told| panic!("{told}"));
        Collector {
            folder,
            place,
            flags,
            environment: environment.to_vec(),
            ulimit: ulimit.map(str::to_owned),
            process,
            address,
        }
    }

    /// The program, with nothing of this test's own environment in its settings.
    pub(crate) fn program() -> Command {
        Collector::program_within(None)
    }

    fn program_within(ulimit: Option<&str>) -> Command {
        let program = env!("CARGO_BIN_EXE_event-server");
        let mut command = Command::new(ulimit.map_or(program, |_| "sh"));
        if let Some(ulimit) = ulimit {
            command.args(["-c", &format!("ulimit {ulimit} && exec \"$0\" \"$@\""), program]);
        }
        let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            ["DATABASE_URL", "EVENT_SERVER_", "OTEL_"]
                .iter()
                .any(|start| name.starts_with(start))
        });
        for name in settings.collect::<Vec<_>>() {
            command.env_remove(name);
        }
        command
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The SQLite file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    /// What the program has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The most memory that the process has had at a time, in bytes; `None` where the system does not tell.
    pub(crate) fn most_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// A request on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Response {
        self.connect().request(method, path, headers, body)
    }

    /// `GET`.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], "")
    }

    /// `POST` of JSON.
    pub(crate) fn post(&self, path: &str, json: impl AsRef<[u8]>) -> Response {
        self.request("POST", path, &[("content-type", "application/json")], json)
    }

    /// `PUT` of JSON.
    pub(crate) fn put(&self, path: &str, json: impl AsRef<[u8]>) -> Response {
        self.request("PUT", path, &[("content-type", "application/json")], json)
    }

    /// These very bytes on a connection of its own, and the first response to them.
    pub(crate) fn raw(&self, bytes: impl AsRef<[u8]>) -> Response {
        let mut connection = self.connect();
        connection.send(bytes);
        connection.response()
    }

    /// A connection to keep.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// Sends SIGTERM and does not wait.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "the program does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops the program with SIGTERM; its database stays.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Kills the program with SIGKILL; its database stays.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again over the same database, on a new port.
    pub(crate) fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|told| panic!("{told}"));
    }

    /// The same where its database may not answer: then it does not run, and what it has told is the error.
    pub(crate) fn try_restart(&mut self) -> Result<(), String> {
        let _ = self.process.kill();
        self.process.wait().unwrap();
        let place = self.place.as_ref();
        (self.process, self.address) = launch(
            &self.folder,
            place,
            &self.flags,
            &self.environment,
            self.ulimit.as_deref(),
        )?;
        Ok(())
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the collector\n{}---", self.log());
        }
    }
}

fn launch(
    folder: &TempDir,
    place: Option<&Place>,
    flags: &Vec<String>,
    environment: &[(String, OsString)],
    ulimit: Option<&str>,
) -> Result<(Child, SocketAddr), String> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log"))
        .unwrap();
    let own = format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display());
    let database = place.map_or(vec!["--database-url".to_owned(), own], Place::flags);
    let mut process = Collector::program_within(ulimit)
        .args(database)
        .args(["--listen", "127.0.0.1:0"])
        .args(flags)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = lines.next().and_then(Result::ok).unwrap_or_default();
    let told = line.strip_prefix("listening on http://");
    let Some((address, _)) = told.and_then(|told| told.split_once(", with the events in ")) else {
        let _ = process.kill();
        let _ = process.wait();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        return Err(format!("the program did not start: {line:?}\n{log}"));
    };
    Ok((process, address.parse().unwrap()))
}
