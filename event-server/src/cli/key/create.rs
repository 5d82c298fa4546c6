//! `event-server key create`: a key, and all that is asked of it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_core::{Label, Source, Timestamp};
use event_server::config::{Flags, Settings};
use event_store::api_key::{Access, NewKey, Rate, TypePattern};

use super::shown::{self, names};
use crate::cli::{Outcome, open};

#[derive(clap::Args)]
pub(in crate::cli) struct Create {
    /// What it is for: write, read and admin, with commas between them
    #[arg(long, value_name = "ACCESS", value_delimiter = ',', default_value = "write")]
    access: Vec<Access>,
    /// A source whose events it may send, and read; may be repeated. The first is that of events that name none
    #[arg(
        long = "source",
        value_name = "SOURCE",
        required_unless_present = "any_source",
        conflicts_with = "any_source"
    )]
    sources: Vec<Source>,
    /// It is for events of any source
    #[arg(long)]
    any_source: bool,
    /// Types that it is for, and no others, say order, or order/created; may be repeated
    #[arg(long = "type", value_name = "CATEGORY[/NAME]")]
    types: Vec<TypePattern>,
    /// Its sources and types bind only what it sends: it reads what is of all of them
    #[arg(long)]
    read_all: bool,
    /// So many events a second, and as many questions
    #[arg(long, value_name = "EVENTS")]
    rate: Option<u32>,
    /// So many events at once; as many as in a second, if left out
    #[arg(long, value_name = "EVENTS", requires = "rate")]
    burst: Option<u32>,
    /// So many events a day of UTC
    #[arg(long, value_name = "EVENTS")]
    quota: Option<u64>,
    /// From when on it is of no use, say 2027-01-01T00:00:00Z; never, if left out
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// What it is for, up to 100 characters
    #[arg(long, value_name = "TEXT")]
    note: Option<Label>,
    /// Print all there is to know of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

impl Create {
    fn asked(&self) -> NewKey {
        let mut new = NewKey::any_source().access(self.access.iter().copied());
        new = self.sources.iter().cloned().fold(new, NewKey::source);
        if !self.types.is_empty() {
            new = new.types(self.types.iter().cloned());
        }
        if self.read_all {
            new = new.reading_all();
        }
        new.rights.rate = self.rate.map(|per_second| Rate {
            per_second,
            burst: self.burst.unwrap_or(per_second),
        });
        new.rights.quota = self.quota;
        (new.expires_at, new.note) = (self.expires, self.note.clone());
        new
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let first = !store.has_keys();
        let key = store.create_key(self.asked()).await?;
        store.close().await?;
        if self.json {
            shown::created(&key)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(io::stdout(), "{}", key.expose())?;
        let record = key.record();
        let (prefix, access) = (&record.prefix, names(&record.rights.access));
        let source = shown::sources(&record.rights);
        let mut err = io::stderr().lock();
        writeln!(
            err,
            "this is a key for {source}, to {access}, and the only time that it is shown;"
        )?;
        writeln!(err, "`event-server key revoke {prefix}` ends its use")?;
        if first {
            writeln!(err, "it is the first one: from now on every request needs a key")?;
            if record.rights.is_bound() || record.rights.access.len() < Access::ALL.len() {
                writeln!(
                    err,
                    "make another one for what it is not for: --any-source --access write,read,admin is for everything"
                )?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
