//! `event-server types`: what events are like, and what becomes of that over time.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use event_core::compatibility::{Change, Direction};
use event_core::{EventType, Label};
use event_server::config::{Flags, Settings};
use event_store::compare::Compared;
use event_store::infer::Inferred;
use event_store::trial::{Refused, Sample, Trial};
use event_store::{EventStore, Registered, TypeChange, TypeRecord, upcast};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FAILED, Outcome, columns, fail, open};

#[derive(Subcommand)]
pub(super) enum Command {
    /// List all versions of all types
    List(List),
    /// Print one version of a type, as JSON
    Show(Show),
    /// Register a version of a type, or change it; what is left out stays as it is
    Register(Register),
    /// Try a schema on the newest events of a type, and register nothing
    Try(Try),
    /// Tell whether the events of one version are always events of another
    Compare(Compare),
    /// Print a first schema for a type, from its newest events
    Infer(Infer),
}

pub(super) const AFTER_HELP: &str = "\
compare ends with 0 if whatever was valid stays valid, and 1 if that is not proved; try ends with 0 if no event \
would fail, and 1 otherwise.";

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    event_type: Type,
    /// The version; the active one, if left out
    version: Option<Label>,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Register {
    #[command(flatten)]
    event_type: Type,
    /// The version; a new one becomes the active one
    version: Label,
    /// The file that holds the JSON Schema
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The file that says how data of an older version become those of this one: {"from": VERSION, "steps": [...]}
    #[arg(long, value_name = "FILE")]
    upcast: Option<PathBuf>,
    /// Forget how
    #[arg(long, conflicts_with = "upcast")]
    no_upcast: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct Try {
    #[command(flatten)]
    event_type: Type,
    /// The file that holds the JSON Schema
    schema: PathBuf,
    /// How many of the newest stored events are judged
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    last: usize,
    /// Judge those in the quarantine, too
    #[arg(long)]
    refused: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct Compare {
    #[command(flatten)]
    event_type: Type,
    /// The old version
    old: Label,
    /// The new version
    new: Label,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(super) struct Infer {
    #[command(flatten)]
    event_type: Type,
    /// How many of the newest stored events are looked at
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    last: usize,
    /// List what was seen at each place, and not the schema
    #[arg(long, conflicts_with = "json")]
    fields: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
struct Type {
    /// The category, say "page interaction"
    category: Label,
    /// The name, say pageview
    name: Label,
}

impl Type {
    fn get(&self) -> EventType {
        EventType {
            category: self.category.clone(),
            name: self.name.clone(),
        }
    }
}

#[derive(clap::Args)]
struct Output {
    /// Print JSON, as the collector answers it
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Command::List(list) => &list.output.flags,
            Command::Show(show) => &show.flags,
            Command::Register(register) => &register.output.flags,
            Command::Try(candidate) => &candidate.output.flags,
            Command::Compare(compare) => &compare.output.flags,
            Command::Infer(infer) => &infer.output.flags,
        }
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let outcome = match self {
            Command::List(list) => list.run(&store).await,
            Command::Show(show) => show.run(&store).await,
            Command::Register(register) => register.run(&store).await,
            Command::Try(candidate) => candidate.run(&store).await,
            Command::Compare(compare) => compare.run(&store).await,
            Command::Infer(infer) => infer.run(&store).await,
        };
        store.close().await?;
        outcome
    }
}

fn print_json(value: &impl Serialize) -> Outcome {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(ExitCode::SUCCESS)
}

fn ends(well: bool) -> ExitCode {
    ExitCode::from(if well { 0 } else { FAILED })
}

impl List {
    async fn run(&self, store: &EventStore) -> Outcome {
        let types = store.types().await?;
        if self.output.json {
            return print_json(&types);
        }
        if types.is_empty() {
            writeln!(io::stdout(), "no types are registered")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = vec![["category", "name", "version", "state", "on violation", "registered"].map(str::to_owned)];
        rows.extend(types.iter().map(row));
        columns::print(&rows)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(record: &TypeRecord) -> [String; 6] {
    let policy = record.policy.clone().unwrap_or_default();
    let action = serde_json::to_value(policy.on_violation).unwrap_or_default();
    let state = match &record.shadow {
        _ if record.active => "active".to_owned(),
        Some(shadow) => format!("shadow, {} of {} would fail", shadow.would_fail, shadow.judged),
        None => "-".to_owned(),
    };
    let row = [
        record.event_type.category.to_string(),
        record.event_type.name.to_string(),
        record.version.to_string(),
        state,
        action.as_str().unwrap_or_default().to_owned(),
        record.registered_at.to_string(),
    ];
    row.map(|text| columns::harmless(&text))
}

impl Show {
    async fn run(&self, store: &EventStore) -> Outcome {
        let (event_type, types) = (self.event_type.get(), store.types().await?);
        let wanted = |record: &&TypeRecord| match &self.version {
            Some(version) => record.version == *version,
            None => record.active,
        };
        let mut of_type = types.iter().filter(|record| record.event_type == event_type);
        match of_type.find(wanted) {
            Some(record) => print_json(record),
            None => Ok(fail(&"no such version is registered", FAILED)),
        }
    }
}

/// The JSON of a file.
fn read<T: DeserializeOwned>(file: &Path) -> Result<T, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read(file).map_err(|error| wrong(&error))?;
    serde_json::from_slice(&text).map_err(|error| wrong(&error))
}

impl Register {
    async fn run(&self, store: &EventStore) -> Outcome {
        let declared = self
            .upcast
            .as_deref()
            .map(read)
            .transpose()?
            .map(upcast::Change::Declared);
        let change = TypeChange {
            schema: self.schema.as_deref().map(read).transpose()?,
            upcast: declared.or(self.no_upcast.then_some(upcast::Change::Removed)),
            ..TypeChange::default()
        };
        let event_type = self.event_type.get();
        let registered = store.register(&event_type, &self.version, change).await?;
        if self.output.json {
            return print_json(&store.event_type(&event_type, &self.version).await?);
        }
        let done = match registered {
            Registered::Created => "is registered",
            Registered::Changed => "is changed",
            Registered::Unchanged => "is as it was",
        };
        let version = format!("{event_type} {}", self.version);
        writeln!(io::stdout(), "{} {done}", columns::harmless(&version))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Try {
    async fn run(&self, store: &EventStore) -> Outcome {
        let schema = read(&self.schema)?;
        let sample = Sample {
            last: self.last,
            refused: if self.refused { Refused::Tried } else { Refused::LeftOut },
        };
        let trial = store.trial(&self.event_type.get(), &schema, sample).await?;
        if self.output.json {
            print_json(&trial)?;
        } else {
            tell(&trial)?;
        }
        Ok(ends(trial.would_fail == 0))
    }
}

fn tell(trial: &Trial) -> io::Result<()> {
    let all = if trial.all { "all" } else { "the newest" };
    let (judged, would_fail) = (trial.judged, trial.would_fail);
    writeln!(io::stdout(), "{would_fail} of {all} {judged} stored events would fail")?;
    if let Some(refused) = trial.refused {
        let (pass, judged, unreadable) = (refused.would_pass, refused.judged, refused.unreadable);
        writeln!(
            io::stdout(),
            "{pass} of {judged} refused events would pass, {unreadable} cannot be read"
        )?;
    }
    if would_fail == 0 {
        return Ok(());
    }
    writeln!(io::stdout())?;
    let mut rows = vec![["source", "judged", "would fail"].map(str::to_owned)];
    let by_source = trial.by_source.iter();
    rows.extend(by_source.map(|of| [of.source.to_string(), of.judged.to_string(), of.would_fail.to_string()]));
    columns::print(&rows)?;
    writeln!(io::stdout())?;
    let mut rows = vec![["keyword", "at", "events"].map(str::to_owned)];
    let harmless = |text: &str| columns::harmless(text);
    let by_violation = trial.by_violation.iter();
    rows.extend(by_violation.map(|of| [harmless(&of.keyword), harmless(&of.pointer), of.events.to_string()]));
    columns::print(&rows)?;
    writeln!(io::stdout())?;
    let mut rows = vec![["position", "id", "source", "at", "what is wrong"].map(str::to_owned)];
    for sample in &trial.samples {
        for violation in &sample.violations {
            let (position, id) = (sample.position.to_string(), sample.id.to_string());
            let (at, message) = (harmless(&violation.pointer), harmless(&violation.message));
            rows.push([position, id, sample.source.to_string(), at, message]);
        }
    }
    columns::print(&rows)
}

impl Compare {
    async fn run(&self, store: &EventStore) -> Outcome {
        let compared = store
            .compare(&self.event_type.get(), Some(&self.old), &self.new)
            .await?;
        let Some(compared) = compared else {
            return Ok(fail(&"a version of the two is not registered", FAILED));
        };
        if self.output.json {
            print_json(&compared)?;
        } else {
            self.tell(&compared)?;
        }
        Ok(ends(compared.compatibility.class.is_backward()))
    }

    fn tell(&self, compared: &Compared) -> io::Result<()> {
        let class = compared.compatibility.class.as_str();
        let (old, new) = (
            columns::harmless(self.old.as_str()),
            columns::harmless(self.new.as_str()),
        );
        writeln!(io::stdout(), "{old} to {new}: {class}")?;
        let reasons = &compared.compatibility.reasons;
        if reasons.is_empty() {
            return Ok(());
        }
        writeln!(io::stdout())?;
        let mut rows = vec![["breaks", "at", "why"].map(str::to_owned)];
        let row = |Change {
                       pointer,
                       breaks,
                       message,
                       ..
                   }: &Change| {
            let breaks = match breaks {
                Direction::Backward => "backward",
                Direction::Forward => "forward",
            };
            [
                breaks.to_owned(),
                columns::harmless(pointer),
                columns::harmless(message),
            ]
        };
        rows.extend(reasons.iter().map(row));
        columns::print(&rows)
    }
}

impl Infer {
    async fn run(&self, store: &EventStore) -> Outcome {
        let inferred = store.infer(&self.event_type.get(), self.last).await?;
        if self.output.json {
            print_json(&inferred)
        } else if self.fields {
            print_fields(&inferred)
        } else {
            print_json(&inferred.schema)
        }
    }
}

fn print_fields(inferred: &Inferred) -> Outcome {
    let mut rows = vec![["field", "types", "present", "of"].map(str::to_owned)];
    rows.extend(inferred.fields.iter().map(|field| {
        let pointer = columns::harmless(&field.pointer.to_string());
        [
            pointer,
            field.types.join(" or "),
            field.present.to_string(),
            field.of.to_string(),
        ]
    }));
    columns::print(&rows)?;
    Ok(ExitCode::SUCCESS)
}
