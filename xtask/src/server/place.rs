//! Where one server lives: a directory, a port, a password, and who owns them.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::engine::Engine;
use super::shell::quoted;
use crate::command::{Outcome, output};

/// The user and the database that the tests find.
pub(super) const USER: &str = "event";
pub(super) const DATABASE: &str = "event_test";

/// Memory is taken for the data only where so much of it is free, in KiB.
const ENOUGH: u64 = 2 * 1024 * 1024;

/// Below the ports that systems give to outgoing connections: one of those must not take ours during a restart.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A server's surroundings.
pub(super) struct Place {
    pub(super) account: Account,
    pub(super) port: u16,
    pub(super) password: String,
    directory: PathBuf,
    control: PathBuf,
}

impl Place {
    /// Makes an empty one.
    pub(super) fn new(engine: &impl Engine) -> Outcome<Self> {
        let account = Account::choose(engine.accounts())?;
        let port = free_port()?;
        let name = format!("event-{}-{port}-{:08x}", engine.scheme(), random() >> 32);
        let directory = base().join(name);
        // Others may walk through it, so that the server reaches what is its own in there, but not look around.
        output(Command::new("mkdir").args(["-m", "711"]).arg(&directory))?;
        Ok(Self {
            account,
            port,
            // Good enough for a server that only this machine reaches, and only for some minutes.
            password: format!("{:016x}", random()),
            control: directory.join("control"),
            directory,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn control(&self) -> &Path {
        &self.control
    }

    /// The path of something inside.
    pub(super) fn inside(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }

    /// Makes a folder inside that belongs to the server's account alone.
    pub(super) fn make(&self, name: &str) -> Outcome<String> {
        let path = self.inside(name);
        output(Command::new("mkdir").args(["-m", "700", &path]))?;
        if let Some(owner) = self.account.owner() {
            output(Command::new("chown").args([&owner, &path]))?;
        }
        Ok(path)
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        let Self { port, password, .. } = self;
        format!("{scheme}://{USER}:{password}@127.0.0.1:{port}/{DATABASE}")
    }

    /// What the control script has to know about this place.
    pub(super) fn script(&self, name: &str) -> String {
        let directory = quoted(&self.directory.to_string_lossy());
        format!("#!/bin/sh\nname={name}\ndirectory={directory}\n")
    }
}

/// Memory where there is enough of it, as tests commit a lot; otherwise where temporary files belong.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    if is_memory(&mounts, "/dev/shm") {
        let free = output(Command::new("df").arg("-Pk").arg(memory)).unwrap_or_default();
        if available(&free).is_some_and(|free| free >= ENOUGH) {
            return memory.to_owned();
        }
    }
    std::env::temp_dir()
}

/// Whether a tmpfs is mounted there on which the control script can be run.
fn is_memory(mounts: &str, target: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        let here = fields.next() == Some(target) && fields.next() == Some("tmpfs");
        here && fields.next().is_some_and(|options| {
            let has = |option| options.split(',').any(|other| other == option);
            has("rw") && !has("noexec")
        })
    })
}

/// The fourth column of `df -Pk`: what is free, in KiB.
fn available(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn free_port() -> Outcome<u16> {
    let count = u64::from(PORTS.end - PORTS.start);
    for _ in 0..100 {
        let port = PORTS.start + u16::try_from(random() % count)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(format!("no port of 127.0.0.1 is free between {} and {}", PORTS.start, PORTS.end).into())
}

/// The standard library has no random numbers, but seeds its hash maps with them.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::{available, is_memory};

    #[test]
    fn what_is_free_is_read() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\ntmpfs 24684096 10 24684086 1% /dev/shm\n";
        assert_eq!(available(df), Some(24_684_086));
        assert_eq!(available(""), None);
    }

    #[test]
    fn memory_must_let_us_run_a_script() {
        assert!(is_memory("tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0", "/dev/shm"));
        assert!(!is_memory(
            "shm /dev/shm tmpfs rw,nosuid,noexec,size=65536k 0 0",
            "/dev/shm"
        ));
        assert!(!is_memory("/dev/vda /dev/shm ext4 rw 0 0", "/dev/shm"));
        assert!(!is_memory("tmpfs /run tmpfs rw 0 0", "/dev/shm"));
    }
}
