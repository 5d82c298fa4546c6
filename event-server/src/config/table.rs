//! The table of settings: one row makes a flag, a variable, a key of the file and a default.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use chrono_tz::Tz;
use event_core::policy::UnknownTypes;
use event_core::{Label, Source};
use event_store::Durability;

use super::database::DatabaseUrl;
use super::first_key::FirstKey;
use super::kurrent::KurrentUrl;
use super::value::{self, LogFormat, LogLevel};
use super::{ConfigError, Environment, File};

macro_rules! settings {
    ($($name:ident: $type:ty = $parse:path, $default:literal, $variable:literal, $placeholder:literal, $doc:literal;)+) => {
        /// Settings as flags give them.
        #[derive(Clone, Default, clap::Args)]
        pub struct Flags {
            #[doc = "A TOML file with settings"]
            #[arg(long, value_name = "FILE", help = concat!(
                "A TOML file with settings: the names of these flags, with underscores, as keys",
                "\n[environment: EVENT_SERVER_CONFIG]",
            ))]
            pub(super) config: Option<PathBuf>,
            $(
                #[doc = $doc]
                #[arg(long, value_name = $placeholder, help = concat!(
                    $doc, "\n[environment: ", $variable, "] [default: ", $default, "]",
                ))]
                $name: Option<String>,
            )+
        }

        impl fmt::Debug for Flags {
            /// Which are given, never their values: one of them may hold a password.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let config = self.config.as_ref().map(|_| "config");
                let given = [$(self.$name.as_ref().map(|_| stringify!($name))),+];
                f.debug_set().entries(config.into_iter().chain(given.into_iter().flatten())).finish()
            }
        }

        /// Settings, each with a value that can be used.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct Settings {
            $(#[doc = $doc] pub $name: $type,)+
        }

        impl Settings {
            pub(super) fn resolve(
                flags: &Flags,
                environment: &Environment<'_>,
                file: &File,
            ) -> Result<Self, ConfigError> {
                let known = [$(stringify!($name)),+];
                if let Some(key) = file.table.keys().find(|key| !known.contains(&key.as_str())) {
                    return Err(ConfigError::new(file.name(key), "there is no such setting"));
                }
                Ok(Settings {
                    $($name: {
                        let sources = Sources { name: stringify!($name), variable: $variable, default: $default };
                        sources.choose(flags.$name.as_deref(), environment, file, $parse)?
                    },)+
                })
            }
        }
    };
}

settings! {
    database_url: DatabaseUrl = value::database_url, "sqlite://events.db?mode=rwc", "DATABASE_URL", "URL",
        "The database that keeps the events, by a URL of sqlite:, postgres:, mysql: or mariadb:";
    table_prefix: String = value::text, "event_", "EVENT_SERVER_TABLE_PREFIX", "TEXT",
        "What the names of all tables start with";
    durability: Durability = value::durability, "full", "EVENT_SERVER_DURABILITY", "full|normal",
        "What an answered event survives: `full` a loss of power, `normal` only a kill of the process";
    database_timeout: Duration = value::time, "2s", "EVENT_SERVER_DATABASE_TIMEOUT", "TIME",
        "How long a request waits for the database";
    queue_events: usize = value::count, "100000", "EVENT_SERVER_QUEUE_EVENTS", "NUMBER",
        "How many events may wait to be stored";
    queue_bytes: usize = value::bytes, "64MiB", "EVENT_SERVER_QUEUE_BYTES", "SIZE",
        "How many bytes of events may wait to be stored";
    queue_time: Duration = value::time, "500ms", "EVENT_SERVER_QUEUE_TIME", "TIME",
        "How long what waits to be stored may be likely to take; while it is longer, more is refused before it is read";
    remembered_bytes: usize = value::bytes, "64MiB", "EVENT_SERVER_REMEMBERED_BYTES", "SIZE",
        "About how many bytes of cells that were read for questions stay in memory";
    listen: SocketAddr = value::address, "127.0.0.1:8000", "EVENT_SERVER_LISTEN", "ADDRESS",
        "Where to listen; only on this machine as long as no keys exist. Port 0 takes a free one";
    first_key: Option<FirstKey> = value::first_key, "", "EVENT_SERVER_FIRST_KEY", "KEY",
        "A whole key, as `event-server key new` prints it: made for everything, if there are no keys";
    failure_limit: usize = value::count, "20", "EVENT_SERVER_FAILURE_LIMIT", "NUMBER",
        "How often a minute an address may come without a good key, until it is told to wait";
    cors_origins: Vec<HeaderValue> = value::origins, "", "EVENT_SERVER_CORS_ORIGINS", "ORIGINS",
        "The origins whose pages may ask from inside a browser: scheme and host each, with commas between them";
    hosts: Vec<String> = value::hosts, "", "EVENT_SERVER_HOSTS", "NAMES",
        "The names by which it may be asked while no keys exist, with commas between them; addresses and localhost always may";
    connection_limit: Option<usize> = value::count_or_auto, "auto", "EVENT_SERVER_CONNECTION_LIMIT", "auto|NUMBER",
        "How many connections are served at a time, `auto` is 320 for each processor and 1,024 at the most; more are told to come again, but for questions after its health";
    header_timeout: Duration = value::time, "10s", "EVENT_SERVER_HEADER_TIMEOUT", "TIME",
        "How long a connection may take to send a request's headers, or wait for its next request";
    body_timeout: Duration = value::time, "30s", "EVENT_SERVER_BODY_TIMEOUT", "TIME",
        "How long all of a request's body may take; of a file that is imported, each next part";
    shutdown_timeout: Duration = value::time, "8s", "EVENT_SERVER_SHUTDOWN_TIMEOUT", "TIME",
        "How long running requests may take to finish after SIGTERM or SIGINT";
    body_limit: usize = value::bytes, "5MiB", "EVENT_SERVER_BODY_LIMIT", "SIZE",
        "How large a request's body may be on the wire";
    decoded_limit: usize = value::bytes, "20MiB", "EVENT_SERVER_DECODED_LIMIT", "SIZE",
        "How large a request's body may be once it is decompressed";
    import_limit: usize = value::bytes, "1GiB", "EVENT_SERVER_IMPORT_LIMIT", "SIZE",
        "How large a file may be that is imported over HTTP, as it is and decompressed";
    batch_limit: usize = value::count, "1000", "EVENT_SERVER_BATCH_LIMIT", "NUMBER",
        "How many events a request may hold";
    event_limit: usize = value::bytes, "256KiB", "EVENT_SERVER_EVENT_LIMIT", "SIZE",
        "How large one event may be";
    depth_limit: usize = value::depth, "20", "EVENT_SERVER_DEPTH_LIMIT", "NUMBER",
        "How deep an event's data may be nested; MariaDB reads no more than 32";
    node_limit: usize = value::count, "2000", "EVENT_SERVER_NODE_LIMIT", "NUMBER",
        "How many values an event's data may have";
    key_limit: usize = value::bytes, "128", "EVENT_SERVER_KEY_LIMIT", "SIZE",
        "How long a key in an event's data may be";
    unknown_types: UnknownTypes = value::unknown_types, "store", "EVENT_SERVER_UNKNOWN_TYPES", "store|quarantine|reject",
        "What becomes of events whose type or version nobody registered: `store` marks them `unplanned`";
    future_tolerance: u32 = value::seconds, "300s", "EVENT_SERVER_FUTURE_TOLERANCE", "TIME",
        "How far ahead of this clock events may lie whose type says nothing about it";
    default_source: Source = value::source, "unknown", "EVENT_SERVER_DEFAULT_SOURCE", "TEXT",
        "The source of events that name none";
    kurrent_url: Option<KurrentUrl> = value::kurrent_url, "", "EVENT_SERVER_KURRENT_URL", "URL",
        "A KurrentDB (EventStoreDB) whose events are read into the log, say kurrentdb://localhost:2113?tls=false";
    kurrent_source: Source = value::source, "kurrentdb", "EVENT_SERVER_KURRENT_SOURCE", "TEXT",
        "The source of events that come from KurrentDB";
    kurrent_category: Option<Label> = value::label, "", "EVENT_SERVER_KURRENT_CATEGORY", "TEXT",
        "The category of events that come from KurrentDB, instead of what stands before the first hyphen of their stream";
    timezone: Tz = value::zone, "UTC", "EVENT_SERVER_TIMEZONE", "ZONE",
        "The zone of times that come without an offset, say Europe/Paris";
    log_level: LogLevel = value::log_level, "info", "EVENT_SERVER_LOG_LEVEL", "off|error|warn|info|debug",
        "From which level on lines are logged, to standard error; `info` has one a request";
    log_format: LogFormat = value::log_format, "text", "EVENT_SERVER_LOG_FORMAT", "text|json",
        "How log lines are written";
    otlp_endpoint: Option<Uri> = value::endpoint, "", "OTEL_EXPORTER_OTLP_ENDPOINT", "URL",
        "Where traces are sent by OTLP over HTTP, say http://127.0.0.1:4318; `/v1/traces` is added";
    otlp_service: String = value::text, "event-server", "OTEL_SERVICE_NAME", "TEXT",
        "What traces call this collector";
}

/// The places where one setting may stand.
struct Sources {
    name: &'static str,
    variable: &'static str,
    default: &'static str,
}

impl Sources {
    fn choose<T>(
        &self,
        flag: Option<&str>,
        environment: &Environment<'_>,
        file: &File,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let (setting, text) = if let Some(flag) = flag {
            (format!("--{}", self.name.replace('_', "-")), flag.to_owned())
        } else if let Some(found) = super::from_environment(self.variable, environment)? {
            found
        } else if let Some(value) = file.table.get(self.name) {
            (
                file.name(self.name),
                scalar(value).ok_or_else(|| ConfigError::new(file.name(self.name), "this is a string or a number"))?,
            )
        } else {
            (self.name.to_owned(), self.default.to_owned())
        };
        parse(&text).map_err(|message| ConfigError::new(setting, message))
    }
}

impl File {
    /// A key, for people.
    fn name(&self, key: &str) -> String {
        format!("{key} in {}", self.path.display())
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[allow(clippy::expect_used, reason = "a test reads every default")]
impl Default for Settings {
    fn default() -> Self {
        Settings::resolve(&Flags::default(), &|_| Ok(None), &File::default()).expect("the defaults can be used")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_used() {
        let settings = Settings::default();
        assert_eq!(settings.database_url.expose(), "sqlite://events.db?mode=rwc");
        assert_eq!(settings.body_limit, 5 * 1024 * 1024);
        assert_eq!(settings.decoded_limit, 20 * 1024 * 1024);
        assert_eq!(settings.future_tolerance, 300);
        assert_eq!(settings.connection_limit, None);
    }

    #[test]
    fn nothing_that_is_shown_of_settings_holds_a_password() {
        let flags = Flags {
            database_url: Some("postgres://ann:secret@db/events".to_owned()),
            first_key: Some("ev_secret".to_owned()),
            ..Flags::default()
        };
        assert_eq!(format!("{flags:?}"), r#"{"database_url", "first_key"}"#);
        let settings = Settings::resolve(&flags, &|_| Ok(None), &File::default()).unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
