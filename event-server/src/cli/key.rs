//! `event-server key`: who may talk to the collector.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Subcommand;
use event_core::{Label, Source, Timestamp};
use event_server::config::{Flags, Settings};
use event_store::api_key::{KeyRecord, NewKey};

use super::{FAILED, Outcome, columns, fail, open};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key, and print it: the only time that it can be seen
    Create(Create),
    /// List all keys, but never what they are
    List(List),
    /// Revoke a key: running collectors refuse it within five seconds
    Revoke(Revoke),
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// The source whose events it may send, and no other's
    #[arg(long)]
    source: Source,
    /// From when on it is of no use, say 2027-01-01T00:00:00Z; never, if left out
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// What it is for, up to 100 characters
    #[arg(long, value_name = "TEXT")]
    note: Option<Label>,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct List {
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

pub(super) const AFTER_HELP: &str = "\
Once there is a key, be it revoked or expired, every request needs one, in the header Authorization: Bearer KEY; \
all but those for /health. Running collectors know of a new key, and of a revoked one, within five seconds.";

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Command::Create(create) => &create.flags,
            Command::List(list) => &list.flags,
            Command::Revoke(revoke) => &revoke.flags,
        }
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        match self {
            Command::Create(create) => create.run(settings).await,
            Command::List(_) => list(settings).await,
            Command::Revoke(revoke) => revoke.run(settings).await,
        }
    }
}

impl Create {
    async fn run(&self, settings: &Settings) -> Outcome {
        let mut new = NewKey::new(self.source.clone());
        new.expires_at = self.expires;
        new.note = self.note.clone();
        let store = open(settings).await?;
        let first = !store.has_keys();
        let key = store.create_key(new).await?;
        store.close().await?;
        writeln!(io::stdout(), "{}", key.expose())?;
        let KeyRecord { prefix, source, .. } = key.record();
        let mut err = io::stderr().lock();
        writeln!(
            err,
            "this is a key for the source {source}, and the only time that it is shown;"
        )?;
        writeln!(err, "`event-server key revoke {prefix}` ends its use")?;
        if first {
            writeln!(err, "it is the first one: from now on every request needs a key")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(settings: &Settings) -> Outcome {
    let store = open(settings).await?;
    let keys = store.keys().await?;
    store.close().await?;
    if keys.is_empty() {
        writeln!(io::stdout(), "there are no keys in {}", settings.database_url)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["prefix", "source", "created", "expires", "revoked", "note"].map(str::to_owned)];
    rows.extend(keys.iter().map(row));
    columns::print(&rows)?;
    Ok(ExitCode::SUCCESS)
}

fn row(key: &KeyRecord) -> [String; 6] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let time = |time: Option<Timestamp>| or_none(time.map(|time| time.to_string()));
    let row = [
        key.prefix.clone(),
        key.source.to_string(),
        key.created_at.to_string(),
        time(key.expires_at),
        time(key.revoked_at),
        or_none(key.note.as_ref().map(ToString::to_string)),
    ];
    row.map(|text| columns::harmless(&text))
}

impl Revoke {
    /// The prefix, also of a whole key: whoever revokes one has often found it somewhere.
    fn prefix(&self) -> &str {
        let behind = self.prefix.strip_prefix("ev_").unwrap_or(&self.prefix);
        behind.split('_').next().unwrap_or_default()
    }

    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let revoked = store.revoke_key(self.prefix()).await?;
        store.close().await?;
        let Some(key) = revoked else {
            // Not what was given: it may be a key, of another collector.
            return Ok(fail(
                &"no key has this prefix: `event-server key list` shows all",
                FAILED,
            ));
        };
        let (prefix, source) = (&key.prefix, &key.source);
        writeln!(io::stdout(), "the key {prefix} for the source {source} is revoked")?;
        Ok(ExitCode::SUCCESS)
    }
}
