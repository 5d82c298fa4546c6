//! Log lines, to standard error.

use event_server::config::{LogFormat, LogLevel};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging, for the rest of the program's life.
pub(super) fn start(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // The database's own lines hold statements: never below a warning.
    let others = level.min(LevelFilter::WARN);
    let ours = Targets::new()
        .with_default(others)
        .with_target("event_core", level)
        .with_target("event_store", level)
        .with_target("event_server", level);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(ours);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
        _ => registry.with(lines).init(),
    }
}
