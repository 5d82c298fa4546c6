//! A real database server for one run of the tests: its own directory, its own port, gone afterwards.

mod shell;
mod account;
mod place;
mod engine;
mod postgres;
mod mariadb;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::command::{Outcome, output};
use crate::database::Database;
use engine::Engine;
use mariadb::Mariadb;
use place::Place;
use postgres::Postgres;

pub(crate) use shell::quoted;

/// What every control script does, whichever server it controls.
const CONTROL: &str = include_str!("server/control.sh");

/// A server that accepts connections until this is dropped.
pub(crate) struct Server {
    url: String,
    place: Place,
    guard: Child,
}

impl Server {
    /// Finds the programs, or installs them where that is possible, and starts a server with an empty database.
    ///
    /// # Errors
    ///
    /// With the reason, and with the end of the server's log where there is one.
    pub(crate) fn start(database: Database) -> Outcome<Self> {
        match database {
            Database::Sqlite => Err("SQLite is built into the tests and needs no server".into()),
            Database::Postgres => Self::with(&Postgres::find()?),
            Database::Mysql => Self::with(&Mariadb::find()?),
        }
    }

    fn with(engine: &impl Engine) -> Outcome<Self> {
        let place = Place::new(engine)?;
        let guard = match guard(&place, engine) {
            Ok(guard) => guard,
            Err(error) => {
                let _ = fs::remove_dir_all(place.directory());
                return Err(error);
            }
        };
        let url = place.url(engine.scheme());
        let server = Self { url, place, guard };
        engine.prepare(&server.place)?;
        output(Command::new("sh").arg(server.control()).arg("start"))?;
        Ok(server)
    }

    /// Where the tests find it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The script that takes `stop`, `start` and `restart`.
    pub(crate) fn control(&self) -> &Path {
        self.place.control()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The guard waits for the end of its input; waiting for it means that nothing is left when we end.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Writes the control script and leaves it to watch over us: when our end of the pipe closes, however we end,
/// it stops the server and removes the directory.
fn guard(place: &Place, engine: &impl Engine) -> Outcome<Child> {
    let control = place.control();
    let script = format!("{}{}\n{CONTROL}", place.script(engine.name()), engine.script(place));
    // It holds a password: closed to others before it has anything to read.
    fs::write(control, "")?;
    output(Command::new("chmod").arg("700").arg(control))?;
    fs::write(control, script)?;
    let mut guard = Command::new("sh");
    guard.arg(control).arg("guard").current_dir("/");
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Whoever ends our whole group, as a terminal does and many a CI, must not end the guard with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut guard, 0);
    Ok(guard.spawn()?)
}
