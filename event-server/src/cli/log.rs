//! Log lines, to standard error.

use event_server::config::{LogFormat, LogLevel};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

/// What makes traces of spans.
pub(super) type Traced = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging, and traces if there are to be some, for the rest of the program's life.
pub(super) fn start(level: LogLevel, format: LogFormat, traced: Option<Traced>) {
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
        .with_target("event_server", level)
        // For traces alone.
        .with_target("event_store::trace", LevelFilter::OFF)
        .with_target("event_server::trace", LevelFilter::OFF);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(traced);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_filter(ours)).init(),
        _ => registry.with(lines.with_filter(ours)).init(),
    }
}
