//! The URL of the database: it may hold a password, and so is never shown whole.

use std::fmt;
use std::str::FromStr;

use super::{ConfigError, Environment};

/// The variable that names the database to copy everything to.
const MIGRATE_TO: &str = "EVENT_SERVER_MIGRATE_TO";

/// The URL of a database. Shown, it is without user, password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let message = "this is a URL, say sqlite://events.db?mode=rwc";
        DatabaseUrl::new(text).ok_or_else(|| ConfigError::new("database URL", message))
    }
}

impl DatabaseUrl {
    pub(super) fn new(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        (!scheme.is_empty() && !rest.is_empty()).then(|| DatabaseUrl(text.to_owned()))
    }

    /// The database that everything is copied to: as a flag says, or else `EVENT_SERVER_MIGRATE_TO`, or else the file that
    /// `EVENT_SERVER_MIGRATE_TO_FILE` names. Of a flag every process of the machine may know.
    ///
    /// # Errors
    /// If none of them says so, or what it says is no URL.
    ///
    /// ```
    /// use event_server::config::DatabaseUrl;
    ///
    /// let url = DatabaseUrl::to_migrate_to(Some("postgres://ann:secret@db/events"))?;
    /// assert_eq!(url.to_string(), "postgres://db/events");
    /// # Ok::<(), event_server::config::ConfigError>(())
    /// ```
    pub fn to_migrate_to(flag: Option<&str>) -> Result<Self, ConfigError> {
        DatabaseUrl::chosen(flag, &super::of_process)
    }

    fn chosen(flag: Option<&str>, environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let (setting, text) = if let Some(flag) = flag {
            ("--to".to_owned(), flag.to_owned())
        } else if let Some(found) = super::from_environment(MIGRATE_TO, environment)? {
            found
        } else {
            let message = format!("say where to, by this flag or by the variable {MIGRATE_TO}");
            return Err(ConfigError::new("--to", message));
        };
        text.parse()
            .map_err(|error: ConfigError| ConfigError::new(setting, error.message))
    }

    /// The whole of it, to connect by.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text in which what is said of this URL is only what may be shown.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let (_, rest) = self.parts();
        if rest.contains("//") {
            let (_, shown) = self.shown();
            text.replace(rest, &shown)
        } else {
            text.to_owned()
        }
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or_default()
    }

    fn shown(&self) -> (&str, String) {
        let (scheme, rest) = self.parts();
        let (place, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let shown = if scheme == "sqlite" {
            place.to_owned()
        } else if parameters.contains('@') {
            // A password that holds a question mark, or a parameter that holds an at sign: who knows.
            "//…".to_owned()
        } else {
            let host = place.rsplit('@').next().unwrap_or_default();
            format!("//{}", host.trim_start_matches('/'))
        };
        (scheme, shown)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, shown) = self.shown();
        write!(f, "{scheme}:{shown}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_migrate_need_not_stand_in_the_list_of_processes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "postgres://ann:secret@file/events\n").unwrap();
        let path = file.path().to_str().unwrap();
        let chosen = |flag, variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            let chosen = DatabaseUrl::chosen(flag, &|name| Ok(found(name).map(|(_, value)| (*value).to_owned())));
            chosen.map(|url| url.to_string())
        };
        let (variable, mounted) = (
            ("EVENT_SERVER_MIGRATE_TO", "postgres://ann:secret@variable/events"),
            ("EVENT_SERVER_MIGRATE_TO_FILE", path),
        );
        assert_eq!(
            chosen(Some("sqlite://a.db"), &[variable]),
            Ok("sqlite://a.db".to_owned())
        );
        assert_eq!(chosen(None, &[variable]), Ok("postgres://variable/events".to_owned()));
        let both = chosen(None, &[variable, mounted]).unwrap_err();
        assert_eq!(both.setting, "EVENT_SERVER_MIGRATE_TO_FILE");
        assert_eq!(chosen(None, &[mounted]), Ok("postgres://file/events".to_owned()));
        assert_eq!(chosen(None, &[]).unwrap_err().setting, "--to");
        let wrong = chosen(None, &[("EVENT_SERVER_MIGRATE_TO", "secret")]).unwrap_err();
        assert_eq!(wrong.setting, "EVENT_SERVER_MIGRATE_TO");
        assert!(!wrong.to_string().contains("secret"));
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        for (url, shown) in [
            ("sqlite://events.db?mode=rwc", "sqlite://events.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("sqlite:///data/a@b.db", "sqlite:///data/a@b.db"),
            ("postgres://ann:secret@db:5432/events", "postgres://db:5432/events"),
            ("mysql://ann:secret@db/events?ssl-mode=required", "mysql://db/events"),
            ("mariadb://db/events?password=secret", "mariadb://db/events"),
            ("postgres://ann:se@cret@db/events", "postgres://db/events"),
            ("postgres://ann:12/secret@db/events", "postgres://db/events"),
            ("postgres://ann:se?secret@db/events", "postgres://…"),
            ("postgres://ann:se#secret@db/events", "postgres://…"),
        ] {
            let url = DatabaseUrl::new(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("{shown:?}"));
            let said = url.hide_in(&format!("no such host: {}", url.expose()));
            assert_eq!(said, format!("no such host: {shown}"));
        }
        // The store may know it by another scheme.
        let url = DatabaseUrl::new("mariadb://ann:secret@db/events").unwrap();
        assert_eq!(url.hide_in("mysql://ann:secret@db/events?"), "mysql://db/events?");
    }
}
