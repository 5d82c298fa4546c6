//! PostgreSQL.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::engine::Engine;
use super::place::{DATABASE, Place, USER};
use super::shell::{line, quoted};
use crate::command::{Outcome, output};
use crate::install::{Packages, install};
use crate::program::{find, search_path, together, versions};

const PACKAGES: Packages = Packages {
    apt: &[&["postgresql"]],
    dnf: &[&["postgresql-server"]],
    apk: &[&["postgresql"]],
};

/// The programs of one version, and a client to ask whether it answers, if there is one.
pub(super) struct Postgres {
    programs: PathBuf,
    client: Option<PathBuf>,
}

impl Postgres {
    /// Finds the programs, after installing them if need be.
    pub(super) fn find() -> Outcome<Self> {
        if let Some(found) = Self::among(&places()) {
            return Ok(found);
        }
        install(&PACKAGES).map_err(|error| format!("`initdb` and `postgres` were not found, and {error}"))?;
        Self::among(&places()).ok_or_else(|| "`initdb` and `postgres` were installed, and still not found".into())
    }

    fn among(directories: &[PathBuf]) -> Option<Self> {
        Some(Self {
            programs: together(directories, &["initdb", "postgres"])?.to_owned(),
            client: find(directories, &["psql"]),
        })
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).to_string_lossy().into_owned()
    }
}

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn scheme(&self) -> &'static str {
        "postgres"
    }

    fn accounts(&self) -> &'static [&'static str] {
        &["postgres", "nobody"]
    }

    fn prepare(&self, place: &Place) -> Outcome<()> {
        let data = place.make("data")?;
        let run = place.make("run")?;
        let password = format!("{run}/password");
        fs::write(&password, &place.password)?;
        let initdb = [
            &self.program("initdb"),
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
            "--username",
            USER,
            // In the clear, between processes of one machine: SCRAM costs an unoptimised test's client
            // thousands of hashes for each connection.
            "--auth=password",
            "--pwfile",
            &password,
            "--pgdata",
            &data,
        ];
        output(place.account.command(&initdb.map(str::to_owned)).env("TMPDIR", &run))?;
        fs::remove_file(&password)?;

        // Without a server and without a client, which not every package brings along.
        let statements = format!("{run}/create.sql");
        fs::write(&statements, format!("CREATE DATABASE {DATABASE};\n"))?;
        let single = [&self.program("postgres"), "--single", "-D", &data, "postgres"].map(str::to_owned);
        output(place.account.command(&single).stdin(File::open(&statements)?)).map(drop)
    }

    fn script(&self, place: &Place) -> String {
        let data = place.inside("data");
        let settings = [
            format!("port={}", place.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", place.inside("run")),
            "max_connections=200".to_owned(),
        ];
        let mut words = vec![self.program("postgres"), "-D".to_owned(), data.clone()];
        words.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        let launch = line(&place.account.words(&words));
        let pidfile = quoted(&format!("{data}/postmaster.pid"));
        // QUIT is its immediate shutdown: a crash, as far as the data can tell, that leaves no process behind.
        format!(
            "signal=QUIT\npidfile={pidfile}\n\
             launch() {{ exec $detach {launch}; }}\n\
             ready() {{ running \"$(sed -n 1p \"$pidfile\")\" && [ \"$(sed -n '8s/ *$//p' \"$pidfile\")\" = ready ] && {}; }}\n",
            self.probe(place)
        )
    }
}

impl Postgres {
    fn probe(&self, place: &Place) -> String {
        let Some(client) = &self.client else {
            return "true".to_owned();
        };
        let client = quoted(&client.to_string_lossy());
        let Place { port, password, .. } = place;
        format!(
            "PGPASSWORD={password} PGCONNECT_TIMEOUT=5 {client} -X -q -h 127.0.0.1 -p {port} -U {USER} -d {DATABASE} -c 'SELECT 1' >/dev/null"
        )
    }
}

/// `PATH`, then where packages put what they keep out of it.
fn places() -> Vec<PathBuf> {
    let mut places = search_path();
    places.extend(versions("/usr/lib/postgresql", "", "bin"));
    places.extend(versions("/usr", "pgsql-", "bin"));
    places.extend(versions("/usr/libexec", "postgresql", ""));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt"] {
        places.extend(versions(homebrew, "postgresql", "bin"));
    }
    places.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    let told = output(Command::new("pg_config").arg("--bindir"));
    places.extend(told.ok().map(|directory| Path::new(directory.trim()).to_owned()));
    places
}

#[cfg(test)]
mod tests {
    use super::Postgres;
    use std::path::PathBuf;

    #[test]
    fn without_its_programs_there_is_none() {
        assert!(Postgres::among(&[PathBuf::from("/nonexistent")]).is_none());
        assert!(Postgres::among(&[]).is_none());
    }
}
