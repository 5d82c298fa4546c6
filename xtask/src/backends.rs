//! The database servers of one run: started here, given from outside, or absent for a reason.

use std::ffi::OsString;

use crate::command::Outcome;
use crate::database::Database;
use crate::requirement;
use crate::server::Server;

/// What the tests of each server database can count on.
pub(crate) struct Backends {
    states: Vec<(Database, State)>,
    required: Vec<Database>,
}

enum State {
    /// Its URL was in the environment.
    Given,
    Started(Server),
    Absent(String),
}

impl Backends {
    /// Starts what is not given, and learns from the environment what must not be absent.
    ///
    /// # Errors
    ///
    /// When `REQUIRE_BACKENDS` cannot be read. A server that does not start is absent, and no error yet.
    pub(crate) fn start() -> Outcome<Self> {
        let required = requirement::read()?.databases;
        let states = Database::SERVERS.map(|database| (database, state(database)));
        Ok(Self {
            states: states.into(),
            required,
        })
    }

    /// What the tests find in their environment.
    pub(crate) fn environment(&self) -> Vec<(String, OsString)> {
        let started = self.states.iter().filter_map(|(database, state)| match state {
            State::Started(server) => Some((database, server)),
            State::Given | State::Absent(_) => None,
        });
        started
            .flat_map(|(database, server)| {
                [
                    (database.url_variable(), server.url().into()),
                    (database.control_variable(), server.control().into()),
                ]
            })
            .collect()
    }

    /// The databases without a server.
    pub(crate) fn absent(&self) -> Vec<Database> {
        let absent = self
            .states
            .iter()
            .filter(|(_, state)| matches!(state, State::Absent(_)));
        absent.map(|(database, _)| *database).collect()
    }

    /// How many of the absent ones must not be.
    pub(crate) fn missing(&self) -> usize {
        let absent = self.absent();
        absent
            .iter()
            .filter(|database| self.required.contains(database))
            .count()
    }

    /// A line for each that is there: who serves it.
    pub(crate) fn present_lines(&self) -> Vec<String> {
        let line = |(database, state): &(Database, State)| match state {
            State::Given => Some(format!("{}: as {} says", database.name(), database.url_variable())),
            State::Started(server) => {
                let place = server.url().rsplit('@').next().unwrap_or_default();
                Some(format!("{}: started on {place}", database.name()))
            }
            State::Absent(_) => None,
        };
        self.states.iter().filter_map(line).collect()
    }

    /// Loud lines for each that is absent: why, what that leaves out, and how to mend it.
    pub(crate) fn absent_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (database, state) in &self.states {
            let State::Absent(reason) = state else { continue };
            let [name, module, variable] = [database.name(), database.module(), &database.url_variable()];
            let left_out = format!("No test with `{module}::` in its name runs.");
            let required = self.required.contains(database);
            lines.extend(requirement::absent_lines(name, reason, &left_out, required));
            lines.push(format!("!! Install {name}, or set {variable} to the URL of a server."));
        }
        lines
    }
}

fn state(database: Database) -> State {
    // What is set to nothing is not set.
    if std::env::var_os(database.url_variable()).is_some_and(|url| !url.is_empty()) {
        return State::Given;
    }
    match Server::start(database) {
        Ok(server) => State::Started(server),
        Err(error) => State::Absent(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Backends, State};
    use crate::database::Database;

    fn without_postgres(required: Vec<Database>) -> Backends {
        let absent = State::Absent("nobody home\nits log".to_owned());
        Backends {
            states: vec![(Database::Postgres, absent), (Database::Mysql, State::Given)],
            required,
        }
    }

    #[test]
    fn what_is_absent_is_said_loudly() {
        let backends = without_postgres(Vec::new());
        assert_eq!(backends.absent(), [Database::Postgres]);
        assert_eq!(backends.missing(), 0);
        let lines = backends.absent_lines().join("\n");
        assert!(lines.contains("NOT RUN: PostgreSQL (nobody home)"), "{lines}");
        assert!(
            lines.contains("EVENT_TEST_POSTGRES") && !lines.contains("FAILURE"),
            "{lines}"
        );
    }

    #[test]
    fn what_is_required_and_absent_is_a_failure() {
        let backends = without_postgres(Database::ALL.to_vec());
        assert_eq!(backends.missing(), 1);
        assert!(backends.absent_lines().join("\n").contains("FAILURE"));
        assert_eq!(without_postgres(vec![Database::Mysql]).missing(), 0);
    }

    #[test]
    fn a_given_server_is_left_as_the_environment_has_it() {
        assert!(without_postgres(Vec::new()).environment().is_empty());
    }
}
