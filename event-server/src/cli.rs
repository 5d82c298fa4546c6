//! The command line: one file a subcommand; parse, call, print.

mod log;
mod columns;
mod bars;
mod shown;
mod asked;
mod progress;
mod traces;
mod feeds;
mod serve;
mod metrics;
mod losses;
mod verify;
mod prune;
mod backup;
mod migrate;
mod health;
mod export;
mod quarantine;
mod projections;
mod erase;
mod key;
mod bar;
mod layout;
mod file;
mod query;
mod sessions;
mod funnel;
mod import;
mod event_type;
mod openapi;

use std::error::Error;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use event_server::config::{Flags, Settings};
use event_store::EventStore;
use traces::Traces;

/// What the program ends with, beside 0.
const FAILED: u8 = 1;
const UNUSABLE_SETTINGS: u8 = 2;

/// Collects application events over HTTP: judged by JSON Schema, stored once, answered exactly.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT: what runs without a subcommand, too
    #[command(after_help = AFTER_HELP)]
    Serve(Flags),
    /// Ask the collector that listens where the settings say whether it is ready
    Health(health::Arguments),
    /// Count events, by time and by what they have
    Count(Box<query::CountArguments>),
    /// Ask a question that has an exact answer
    Query(query::QueryArguments),
    /// Rank what events have, the greatest first
    Top(query::TopArguments),
    /// List sessions, with their lengths and what is missing of them
    Sessions(sessions::Arguments),
    /// Tell how many take each of some steps
    Funnel(funnel::Arguments),
    /// List the metrics, and which of them are ready
    Metrics(metrics::Arguments),
    /// List what clients had to give up, by their own account
    Losses(losses::Arguments),
    /// Prove that the metrics' cells are what the events say, and repair them if asked to
    Verify(verify::Arguments),
    /// Take away the events of a type from before a day; by default what is counted of them stays
    Prune(prune::Arguments),
    /// Write all that a SQLite file holds to another file, while it is in use
    Backup(backup::Arguments),
    /// Copy everything into an empty database of another kind
    Migrate(migrate::Arguments),
    /// Import a file of CSV or NDJSON, or what of it is new
    Import(Box<import::Arguments>),
    /// Write events to a file or a folder: as NDJSON, CSV, Arrow or Parquet
    Export(Box<export::Arguments>),
    /// Find, mend, replay and discard refused events
    #[command(subcommand, after_help = quarantine::AFTER_HELP)]
    Quarantine(quarantine::Command),
    /// Tell how far tables are that are made of the log; find, replay and discard what they could not take
    #[command(after_help = projections::AFTER_HELP)]
    Projections(Box<projections::Arguments>),
    /// Take away all that names a subject, and print the receipt
    Erase(erase::Arguments),
    /// Make, list, rotate and revoke the keys that requests need once there is one
    #[command(subcommand, after_help = key::AFTER_HELP)]
    Key(key::Command),
    /// List, show, try, compare and infer what events are like
    #[command(subcommand, after_help = event_type::AFTER_HELP)]
    Types(event_type::Command),
    /// Print what the routes take and answer, as an OpenAPI document
    Openapi,
}

/// What the program ends with, unless it fails.
type Outcome = Result<ExitCode, Box<dyn Error>>;

const AFTER_HELP: &str = "\
A setting is taken from its flag, or else its environment variable, or else the file, or else its default.
A variable with _FILE behind its name names a file that holds the value, as secrets are mounted: DATABASE_URL_FILE.
Sizes are written as 5MiB, 256KiB or 4096, times as 10s, 500ms or 2m.

Ends with 0 after a clean stop, 1 if it failed, 2 if a setting cannot be used.";

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => help.exit(),
        Err(error) => return misused(&error.render().to_string()),
    };
    match cli.command {
        Some(Command::Serve(flags)) => serve(&flags),
        Some(Command::Count(arguments)) => work(arguments.flags(), async |settings| arguments.run(settings).await),
        Some(Command::Query(arguments)) => work(arguments.flags(), async |settings| arguments.run(settings).await),
        Some(Command::Top(arguments)) => work(arguments.flags(), async |settings| arguments.run(settings).await),
        Some(Command::Sessions(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Funnel(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Metrics(arguments)) => work(&arguments.flags, metrics::run),
        Some(Command::Losses(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Verify(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Prune(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Health(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Backup(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Migrate(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Import(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Export(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Quarantine(command)) => work(command.flags(), async |settings| command.run(settings).await),
        Some(Command::Projections(arguments)) => {
            work(arguments.flags(), async |settings| arguments.run(settings).await)
        }
        Some(Command::Erase(arguments)) => work(&arguments.flags, async |settings| arguments.run(settings).await),
        Some(Command::Key(command)) => work(command.flags(), async |settings| command.run(settings).await),
        Some(Command::Types(command)) => work(command.flags(), async |settings| command.run(settings).await),
        Some(Command::Openapi) => openapi::run(),
        None => serve(&cli.flags),
    }
}

/// Reads the settings, and does what they are for.
fn work(flags: &Flags, job: impl AsyncFnOnce(&Settings) -> Outcome) -> ExitCode {
    let settings = match Settings::read(flags) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, UNUSABLE_SETTINGS),
    };
    log::start(settings.log_level, settings.log_format, None);
    finish(&settings, job)
}

/// Reads the settings, and serves: what happens then may be told by traces, too.
fn serve(flags: &Flags) -> ExitCode {
    let begun = Settings::read(flags).and_then(|settings| Ok((Traces::asked(&settings)?, settings)));
    let (traces, settings) = match begun {
        Ok(begun) => begun,
        Err(error) => return fail(&error, UNUSABLE_SETTINGS),
    };
    log::start(settings.log_level, settings.log_format, traces.layer());
    finish(&settings, async |settings| serve::run(settings, traces).await)
}

/// Does a job to its end.
fn finish(settings: &Settings, job: impl AsyncFnOnce(&Settings) -> Outcome) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, FAILED),
    };
    let outcome = runtime.block_on(job(settings));
    // What a driver says of a URL that it cannot read may be the URL.
    outcome.unwrap_or_else(|error| fail(&settings.database_url.hide_in(&with_causes(&*error)), FAILED))
}

/// Opens the store that the settings name.
async fn open(settings: &Settings) -> Result<EventStore, event_store::Error> {
    EventStore::connect_with(settings.database_url.expose(), settings.store()).await
}

/// Opens the store that the settings name, if it is there: a copy of nothing is mostly a slip of the pen.
async fn open_existing(settings: &Settings) -> Result<EventStore, Box<dyn Error>> {
    let url = settings.database_url.expose();
    let url = if url.starts_with("sqlite:") {
        url.replace("mode=rwc", "mode=rw")
    } else {
        url.to_owned()
    };
    let store = EventStore::connect_with(&url, settings.store()).await?;
    if store.position().await? == 0 && !store.has_keys() && store.metrics().await?.is_empty() {
        store.close().await?;
        let (database, prefix) = (&settings.database_url, &settings.table_prefix);
        return Err(format!("there are no events in {database}, in tables of the prefix {prefix}").into());
    }
    Ok(store)
}

/// An error and what it came from, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Says what is wrong with the command line, but repeats no URL that a password may stand in.
fn misused(text: &str) -> ExitCode {
    let shown = text.lines().map(|line| match (line.find("://"), line.rfind('@')) {
        (Some(start), Some(end)) if start < end => format!("{}://…{}\n", &line[..start], &line[end..]),
        _ => format!("{line}\n"),
    });
    let _ = write!(std::io::stderr(), "{}", shown.collect::<String>());
    ExitCode::from(UNUSABLE_SETTINGS)
}

/// Says on standard error why the program ends.
fn fail(error: &dyn Display, code: u8) -> ExitCode {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "event-server: {error}");
    ExitCode::from(code)
}
