//! MariaDB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::engine::Engine;
use super::place::{DATABASE, Place, USER};
use super::shell::{line, quoted};
use crate::command::{Outcome, output};
use crate::install::{Packages, install};
use crate::program::{find, search_path};

const PACKAGES: Packages = Packages {
    // The core alone brings no service that starts by itself; older systems name it after its version.
    apt: &[&["mariadb-server-core", "mariadb-client-core"], &["mariadb-server"]],
    dnf: &[&["mariadb-server"]],
    apk: &[&["mariadb", "mariadb-client"]],
};

/// Its programs, and a client to ask whether it answers, if there is one.
pub(super) struct Mariadb {
    install: PathBuf,
    server: PathBuf,
    client: Option<PathBuf>,
}

impl Mariadb {
    /// Finds the programs, after installing them if need be.
    pub(super) fn find() -> Outcome<Self> {
        if let Some(found) = Self::among(&places()) {
            return Ok(found);
        }
        install(&PACKAGES)
            .map_err(|error| format!("`mariadbd` and `mariadb-install-db` were not found, and {error}"))?;
        Self::among(&places())
            .ok_or_else(|| "`mariadbd` and `mariadb-install-db` were installed, and still not found".into())
    }

    fn among(directories: &[PathBuf]) -> Option<Self> {
        let old = || find(directories, &["mysqld"]).filter(|program| is_mariadb(program));
        Some(Self {
            server: find(directories, &["mariadbd"]).or_else(old)?,
            install: find(directories, &["mariadb-install-db", "mysql_install_db"])?,
            client: find(directories, &["mariadb", "mysql"]),
        })
    }

    fn probe(&self, place: &Place) -> String {
        let Some(client) = &self.client else {
            return "true".to_owned();
        };
        let client = quoted(&client.to_string_lossy());
        let Place { port, password, .. } = place;
        format!(
            "MYSQL_PWD={password} {client} --no-defaults --connect-timeout=5 -h 127.0.0.1 -P {port} -u {USER} -e 'SELECT 1' {DATABASE} >/dev/null"
        )
    }
}

impl Engine for Mariadb {
    fn name(&self) -> &'static str {
        "MariaDB"
    }

    fn scheme(&self) -> &'static str {
        "mysql"
    }

    fn accounts(&self) -> &'static [&'static str] {
        &["mysql", "nobody"]
    }

    fn prepare(&self, place: &Place) -> Outcome<()> {
        let data = place.make("data")?;
        let run = place.make("run")?;
        let words = [
            &*self.install.to_string_lossy(),
            "--no-defaults",
            "--skip-test-db",
            &format!("--datadir={data}"),
            &format!("--tmpdir={run}"),
        ]
        .map(str::to_owned);
        output(place.account.command(&words).env("TMPDIR", &run))?;

        // The server runs this before it accepts anybody: no client is needed, and no unguarded moment.
        let password = &place.password;
        let mut statements = format!("CREATE DATABASE IF NOT EXISTS {DATABASE};\n");
        for host in ["127.0.0.1", "localhost"] {
            statements += &format!("CREATE USER IF NOT EXISTS '{USER}'@'{host}' IDENTIFIED BY '{password}';\n");
            statements += &format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'{host}' WITH GRANT OPTION;\n");
        }
        Ok(fs::write(format!("{run}/init.sql"), statements)?)
    }

    fn script(&self, place: &Place) -> String {
        let (data, run) = (place.inside("data"), place.inside("run"));
        let words = [
            &*self.server.to_string_lossy(),
            "--no-defaults",
            &format!("--datadir={data}"),
            &format!("--tmpdir={run}"),
            &format!("--socket={run}/socket"),
            &format!("--pid-file={run}/pid"),
            &format!("--init-file={run}/init.sql"),
            &format!("--port={}", place.port),
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=1",
            "--max-connections=200",
        ]
        .map(str::to_owned);
        let launch = line(&place.account.words(&words));
        let pidfile = quoted(&format!("{run}/pid"));
        format!(
            "signal=KILL\npidfile={pidfile}\n\
             launch() {{ exec $detach {launch}; }}\n\
             ready() {{ grep -q 'ready for connections' \"$log\" && {}; }}\n",
            self.probe(place)
        )
    }
}

/// Oracle's server bears the same name, and other options.
fn is_mariadb(program: &Path) -> bool {
    output(Command::new(program).args(["--no-defaults", "--version"])).is_ok_and(|version| version.contains("MariaDB"))
}

/// `PATH`, then where servers lie that users are not meant to start.
fn places() -> Vec<PathBuf> {
    let mut places = search_path();
    let usual = [
        "/usr/sbin",
        "/usr/bin",
        "/usr/libexec",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/local/mysql/bin",
        "/opt/homebrew/opt/mariadb/bin",
        "/usr/local/opt/mariadb/bin",
    ];
    places.extend(usual.map(PathBuf::from));
    places
}

#[cfg(test)]
mod tests {
    use super::Mariadb;
    use std::path::PathBuf;

    #[test]
    fn without_its_programs_there_is_none() {
        assert!(Mariadb::among(&[PathBuf::from("/nonexistent")]).is_none());
        assert!(Mariadb::among(&[]).is_none());
    }
}
