//! `event-server funnel`: how many go all the way.

use std::process::ExitCode;

use event_core::analysis::{Funnel, FunnelStep};
use event_core::decimal::Decimal;
use event_server::config::{Flags, Settings};

use super::asked::Asked;
use super::shown::{Shown, Table};
use super::{Outcome, UNUSABLE_SETTINGS, fail, open};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The name of an event, or a JSON object of fields and what they equal; one for each step
    #[arg(required = true, value_name = "STEP")]
    steps: Vec<String>,
    /// Who takes the steps
    #[arg(long, default_value = "session_id", value_name = "FIELD")]
    by: String,
    /// Between the first step and the last at the most, say 30m
    #[arg(long, value_name = "TIME")]
    window: Option<String>,
    /// ordered: others may come between; strict: none may; any: in any order
    #[arg(long, default_value = "ordered")]
    order: String,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let steps = self.steps.iter().map(|step| ("step", step.as_str()));
        let window = self.window.iter().map(|window| ("window", window.as_str()));
        let own = [("by", self.by.as_str()), ("order", &self.order)];
        let funnel = match Funnel::from_pairs(self.asked.pairs(steps.chain(window).chain(own))) {
            Ok(funnel) => funnel,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        let store = open(settings).await?;
        let found = store.analyse(&funnel).await?;
        store.close().await?;
        let mut table = Table::new(["step", "median seconds", "of previous", "of first", "reached"]);
        found.answer.steps.iter().map(row).for_each(|row| table.push(row));
        self.shown.print(&found, table)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(step: &FunnelStep) -> Vec<String> {
    let or_none = |number: &Option<Decimal>| number.as_ref().map_or("-".to_owned(), ToString::to_string);
    vec![
        step.label.clone(),
        or_none(&step.median),
        or_none(&step.of_previous),
        or_none(&step.of_first),
        step.reached.to_string(),
    ]
}
