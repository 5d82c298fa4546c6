//! A place of a test's own to keep events in, on each of the databases.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::Collector;

/// A SQLite file, or tables of their own on a server. Clones are the same place.
#[derive(Clone)]
pub(crate) struct Place {
    url: String,
    prefix: String,
    _folder: Option<Arc<TempDir>>,
}

fn server(variable: &str) -> Place {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run `cargo xtask test`, which starts one"));
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    Place {
        url,
        prefix: format!("s{}_{number}_", std::process::id()),
        _folder: None,
    }
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Place {
            url: format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display()),
            prefix: "event_".to_owned(),
            _folder: Some(Arc::new(folder)),
        }
    }

    /// A SQLite file that is there.
    pub(crate) fn file(path: &str) -> Self {
        Place {
            url: format!("sqlite://{path}"),
            prefix: "event_".to_owned(),
            _folder: None,
        }
    }

    pub(crate) fn postgres() -> Self {
        server("EVENT_TEST_POSTGRES")
    }

    pub(crate) fn mysql() -> Self {
        server("EVENT_TEST_MYSQL")
    }

    /// A copy of a SQLite file that nobody has open.
    pub(crate) fn copied(&self, path: &std::path::Path) -> Self {
        let file = self.url.strip_prefix("sqlite://").unwrap();
        std::fs::copy(file.split('?').next().unwrap(), path).unwrap();
        Place::file(&path.display().to_string())
    }

    /// The same file or server, where all tables have names that begin like this.
    pub(crate) fn with_prefix(&self, prefix: &str) -> Self {
        Place {
            prefix: prefix.to_owned(),
            ..self.clone()
        }
    }

    /// A SQLite file whose tables have the names that they have here.
    pub(crate) fn beside(&self) -> Self {
        Place {
            prefix: self.prefix.clone(),
            ..Place::sqlite()
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The flags that lead the program here.
    pub(crate) fn flags(&self) -> Vec<String> {
        ["--database-url", &self.url, "--table-prefix", &self.prefix]
            .map(str::to_owned)
            .into()
    }

    /// Runs a command of the program here, to its end.
    pub(crate) fn run(&self, command: &[&str]) -> Output {
        let mut program = Collector::program();
        program.args(command).args(self.flags()).output().unwrap()
    }
}
