//! `event-server key`: who may talk to the collector, and what for.

mod shown;
mod create;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use event_core::analysis::Length;
use event_server::config::{Flags, Settings};
use event_store::api_key;

use super::{FAILED, Outcome, fail, open};
use create::Create;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key, and print it: the only time that it can be seen
    Create(Box<Create>),
    /// List all keys, but never what they are
    List(List),
    /// Make a key of the same rights in the place of another, which stays in use for a while
    Rotate(Rotate),
    /// Revoke a key: running collectors refuse it within five seconds
    Revoke(Revoke),
    /// Print a key that no collector knows yet, to be the `first_key` of one; no database is touched
    New(New),
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Rotate {
    /// What `event-server key list` shows of it
    prefix: String,
    /// How long the old key stays in use, if it does not end earlier: say 24h, 7d or 0s
    #[arg(long, value_name = "TIME", default_value = "24h")]
    grace: Length,
    /// Print all there is to know of the new one as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Revoke {
    /// What `event-server key list` shows of it
    prefix: String,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct New {
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

pub(super) const AFTER_HELP: &str = "\
Once there is a key, be it revoked or expired, every request needs one, in the header Authorization: Bearer KEY; \
all but those for /health. Running collectors know of a new key, and of a revoked one, within five seconds.";

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Command::Create(create) => &create.flags,
            Command::List(list) => &list.flags,
            Command::Rotate(rotate) => &rotate.flags,
            Command::Revoke(revoke) => &revoke.flags,
            Command::New(new) => &new.flags,
        }
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        match self {
            Command::Create(create) => create.run(settings).await,
            Command::List(list) => list.run(settings).await,
            Command::Rotate(rotate) => rotate.run(settings).await,
            Command::Revoke(revoke) => revoke.run(settings).await,
            Command::New(_) => {
                writeln!(io::stdout(), "{}", api_key::fresh()?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// The prefix, also of a whole key: whoever ends one has often found it somewhere.
fn prefix(given: &str) -> &str {
    let behind = given.strip_prefix("ev_").unwrap_or(given);
    behind.split('_').next().unwrap_or_default()
}

/// Not what was given: it may be a key, of another collector.
fn unknown() -> ExitCode {
    fail(&"no key has this prefix: `event-server key list` shows all", FAILED)
}

impl List {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let keys = store.keys().await?;
        store.close().await?;
        if self.json {
            shown::json(&keys)?;
        } else if keys.is_empty() {
            writeln!(io::stdout(), "there are no keys in {}", settings.database_url)?;
        } else {
            shown::table(&keys)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Rotate {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let grace = Duration::from_micros(self.grace.as_micros().unsigned_abs());
        let rotated = store.rotate_key(prefix(&self.prefix), grace).await;
        let keys = store.keys().await?;
        store.close().await?;
        let Some(key) = rotated? else {
            return Ok(unknown());
        };
        if self.json {
            shown::created(&key)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(io::stdout(), "{}", key.expose())?;
        let next = &key.record().prefix;
        let old = keys.iter().find(|old| old.replaced_by.as_ref() == Some(next));
        if let Some((old, end)) = old.and_then(|old| Some((&old.prefix, old.expires_at?))) {
            writeln!(
                io::stderr(),
                "this is the key in the place of {old}, which ends at {end}, and the only time that it is shown"
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let revoked = store.revoke_key(prefix(&self.prefix)).await?;
        store.close().await?;
        let Some(key) = revoked else {
            return Ok(unknown());
        };
        let (prefix, sources) = (&key.prefix, shown::sources(&key.rights));
        writeln!(io::stdout(), "the key {prefix} for {sources} is revoked")?;
        Ok(ExitCode::SUCCESS)
    }
}
