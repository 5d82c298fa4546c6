//! Settings: a flag, or else the environment, or else a file, or else the default. Nothing else in
//! this crate reads the environment.

mod database;
mod first_key;
mod kurrent;
mod value;
mod table;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::HeaderValue;
use chrono_tz::Tz;
use event_core::{Limits, Source};
use event_store::{EventStore, Options};

use crate::link::Link;

pub use database::DatabaseUrl;
pub use first_key::FirstKey;
pub use kurrent::KurrentUrl;
pub use table::{Flags, Settings};
pub use value::{LogFormat, LogLevel};

/// What the routes need to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The source of events that name none.
    pub source: Source,
    /// The zone of times without an offset.
    pub zone: Tz,
    /// Bytes of a request's body on the wire.
    pub body_bytes: usize,
    /// Bytes of a request's body once it is decompressed.
    pub decoded_bytes: usize,
    /// Bytes of a file that is imported, on the wire and decompressed.
    pub import_bytes: usize,
    /// Time until all of a request's body has come; of a file that is imported, until the next part of it has.
    pub body_timeout: Duration,
    /// Events of one request.
    pub batch_events: usize,
    /// How often a minute a peer may come without a good key.
    pub failures: u32,
    /// The origins whose pages may ask from inside a browser.
    pub cors_origins: Vec<HeaderValue>,
    /// Names with a dot by which requests may ask while there are no keys; addresses and `localhost` always may.
    pub hosts: Vec<String>,
    /// What feeds the log from elsewhere: health and metrics tell how that does.
    pub links: Vec<Link>,
}

/// A setting cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct ConfigError {
    /// The flag, the variable, or the key and its file.
    pub setting: String,
    /// What is wrong. Never the value, which may hold a password.
    pub message: String,
}

/// The variable that names the file with settings.
const FILE_VARIABLE: &str = "EVENT_SERVER_CONFIG";

impl ConfigError {
    fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError {
            setting: setting.into(),
            message: message.into(),
        }
    }
}

impl Settings {
    /// Puts together what the flags, the environment and the file say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn read(flags: &Flags) -> Result<Self, ConfigError> {
        Settings::from_sources(flags, &of_process)
    }

    fn from_sources(flags: &Flags, environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let named = environment(FILE_VARIABLE)?.map(PathBuf::from);
        let file = match flags.config.clone().or(named) {
            Some(path) => read_file(&path)?,
            None => File::default(),
        };
        Settings::resolve(flags, environment, &file)
    }

    /// Whether the collector may listen where it is told to: without keys whoever reaches it may
    /// write and read everything, and so only this machine may.
    ///
    /// # Errors
    /// If other machines could reach it, and the store has no keys.
    pub fn check_exposure(&self, store: &EventStore) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() || store.has_keys() {
            return Ok(());
        }
        let message = format!(
            "refusing to listen on {}: no keys exist, so whoever reaches this address could write and read all \
             events. Make one first, with `event-server key create --any-source --access write,read,admin`; or name one as \
             first_key; or listen on 127.0.0.1 or [::1]",
            self.listen
        );
        Err(ConfigError::new("listen", message))
    }

    /// What the routes need of them.
    #[must_use]
    pub fn server(&self) -> ServerConfig {
        ServerConfig {
            source: self.default_source.clone(),
            zone: self.timezone,
            body_bytes: self.body_limit,
            decoded_bytes: self.decoded_limit,
            import_bytes: self.import_limit,
            body_timeout: self.body_timeout,
            batch_events: self.batch_limit,
            failures: u32::try_from(self.failure_limit).unwrap_or(u32::MAX),
            cors_origins: self.cors_origins.clone(),
            hosts: self.hosts.clone(),
            links: Vec::new(),
        }
    }

    /// How large an event may be.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default()
            .with_event_bytes(self.event_limit)
            .with_depth(self.depth_limit)
            .with_nodes(self.node_limit);
        limits.key_bytes = self.key_limit;
        limits
    }

    /// What the store needs of them.
    #[must_use]
    pub fn store(&self) -> Options {
        Options::new()
            .prefix(&self.table_prefix)
            .durability(self.durability)
            .queue_events(self.queue_events)
            .queue_bytes(self.queue_bytes)
            .queue_time(self.queue_time)
            .remembered_bytes(self.remembered_bytes)
            .limits(self.limits())
            .unknown_types(self.unknown_types)
            .future_tolerance_seconds(self.future_tolerance)
            .request_timeout(self.database_timeout)
    }
}

/// Where the system keeps files that nobody misses.
#[must_use]
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

impl Default for ServerConfig {
    fn default() -> Self {
        Settings::default().server()
    }
}

/// Asks the environment for a variable.
type Environment<'a> = dyn Fn(&str) -> Result<Option<String>, ConfigError> + 'a;

/// A variable of this process.
fn of_process(name: &str) -> Result<Option<String>, ConfigError> {
    match std::env::var_os(name) {
        // Compose files and units set variables to nothing where they mean to leave them out.
        Some(value) if value.is_empty() => Ok(None),
        Some(value) => match value.into_string() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(ConfigError::new(name, "this is not UTF-8")),
        },
        None => Ok(None),
    }
}

/// What the environment says, and by which variable: the one of this name, or that with `_FILE` behind it, which names a file
/// that holds the value, so that secrets come into containers.
fn from_environment(variable: &str, environment: &Environment<'_>) -> Result<Option<(String, String)>, ConfigError> {
    let in_file = format!("{variable}_FILE");
    match (environment(variable)?, environment(&in_file)?) {
        // One of them was set by somebody who did not know of the other: an image, or a unit.
        (Some(_), Some(_)) => {
            let message = format!("this and {variable} are set: which of them is meant? Set one of them to nothing");
            Err(ConfigError::new(&in_file, message))
        }
        (Some(value), None) => Ok(Some((variable.to_owned(), value))),
        (None, Some(path)) => {
            let text = read_text(path.as_ref());
            let text = text.map_err(|error| ConfigError::new(&in_file, format!("{path} {error}")))?;
            Ok(Some((in_file, text.trim().to_owned())))
        }
        (None, None) => Ok(None),
    }
}

/// A file with settings: keys as the flags, with underscores.
#[derive(Debug, Default)]
struct File {
    path: PathBuf,
    table: toml::Table,
}

/// More than this no file of settings has, and no secret.
const FILE_BYTES: u64 = 1 << 20;

/// Reads a file of text, and no more of it than a file of settings can have: what is named may be a device.
fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!(
            "has more than {FILE_BYTES} bytes, so that it is no file of settings"
        ));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

fn read_file(path: &Path) -> Result<File, ConfigError> {
    let wrong = |message: String| ConfigError::new(path.display().to_string(), message);
    let text = read_text(path).map_err(wrong)?;
    // Only the message: what toml shows of the line may be a password.
    let table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        wrong(format!("line {line}: {}", error.message()))
    })?;
    let path = path.to_owned();
    Ok(File { path, table })
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::api_key::NewKey;
    use std::io::Write as _;

    fn flags(words: &[&str]) -> Flags {
        use clap::{Args as _, FromArgMatches as _};
        let words = std::iter::once("program").chain(words.iter().copied());
        let matches = Flags::augment_args(clap::Command::new("program")).get_matches_from(words);
        Flags::from_arg_matches(&matches).unwrap()
    }

    fn read(words: &[&str], variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        Settings::from_sources(&flags(words), &|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"batch_limit = 10\nbody_limit = \"1 MiB\"\nevent_limit = 4096\n")
            .unwrap();
        let path = file.path().to_str().unwrap();
        let variables = [
            ("EVENT_SERVER_CONFIG", path),
            ("EVENT_SERVER_BATCH_LIMIT", "20"),
            ("EVENT_SERVER_BODY_LIMIT", "2MiB"),
        ];
        let settings = read(&["--batch-limit", "30", "--connection-limit", "9"], &variables).unwrap();
        assert_eq!(settings.batch_limit, 30);
        assert_eq!(settings.connection_limit, Some(9));
        assert_eq!(settings.body_limit, 2 * 1024 * 1024);
        assert_eq!(settings.event_limit, 4096);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8000");
    }

    #[test]
    fn errors_name_the_setting_where_it_was_given_and_never_its_value() {
        let setting = |words: &[&str], variables: &[(&str, &str)]| {
            let error = read(words, variables).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
            error.setting
        };
        assert_eq!(setting(&["--batch-limit", "secret"], &[]), "--batch-limit");
        assert_eq!(setting(&[], &[("DATABASE_URL", "secret")]), "DATABASE_URL");
        for text in [
            "batch_limit = \"secret\"",
            "no_such_key = \"secret\"",
            "batch_limit = [1]",
            "a = = secret",
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let path = file.path().to_str().unwrap();
            assert!(setting(&["--config", path], &[]).contains(path), "{text}");
        }
        assert!(setting(&["--config", "/no/such/file"], &[]).contains("/no/such/file"));
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"postgres://ann:secret@db/events\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let mounted = [("DATABASE_URL_FILE", path.as_str())];
        let settings = read(&[], &mounted).unwrap();
        assert_eq!(settings.database_url.expose(), "postgres://ann:secret@db/events");
        let both = [("DATABASE_URL", "sqlite://a.db"), mounted[0]];
        let error = read(&[], &both).unwrap_err();
        assert_eq!(error.setting, "DATABASE_URL_FILE");
        assert!(error.message.contains("DATABASE_URL are set"), "{error}");
        let flag = ["--database-url", "sqlite://b.db"];
        assert_eq!(read(&flag, &mounted).unwrap().database_url.expose(), "sqlite://b.db");
        let missing = read(&[], &[("DATABASE_URL_FILE", "/no/such/file")]).unwrap_err();
        assert_eq!(missing.setting, "DATABASE_URL_FILE");
        assert!(missing.message.contains("/no/such/file"));
        file.as_file().set_len(0).unwrap();
        let empty = read(&[], &mounted).unwrap_err();
        assert_eq!(empty.setting, "DATABASE_URL_FILE");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_of_settings_has_an_end() {
        for variables in [
            [("DATABASE_URL_FILE", "/dev/zero")],
            [("EVENT_SERVER_FIRST_KEY_FILE", "/dev/zero")],
            [("EVENT_SERVER_CONFIG", "/dev/zero")],
        ] {
            let error = read(&[], &variables).unwrap_err().to_string();
            assert!(
                error.contains("/dev/zero") && error.contains("1048576 bytes"),
                "{error}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let error = read(&[], &[("DATABASE_URL_FILE", path)]).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }

    #[tokio::test]
    async fn without_keys_only_this_machine_is_served() {
        let store = EventStore::connect("sqlite::memory:").await.unwrap();
        let check = |address: &str| read(&["--listen", address], &[]).unwrap().check_exposure(&store);
        let (open, closed) = (
            ["127.0.0.1:0", "[::1]:8000", "127.9.9.9:1"],
            ["0.0.0.0:8000", "[::]:8000", "192.168.0.1:80"],
        );
        for address in closed {
            let error = check(address).unwrap_err();
            assert_eq!(error.setting, "listen", "{address}");
            assert!(
                error.message.contains("event-server key create --any-source"),
                "{address}"
            );
        }
        assert!(open.iter().all(|address| check(address).is_ok()));
        let key = NewKey::new(Source::new("shop").unwrap());
        store.create_key(key).await.unwrap();
        assert!(open.iter().chain(&closed).all(|address| check(address).is_ok()));
    }
}
