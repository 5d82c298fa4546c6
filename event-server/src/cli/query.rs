//! `event-server query`, `count` and `top`: a question with an exact answer.

use std::process::ExitCode;

use event_core::aggregate::Sketch;
use event_core::query::ParameterError;
use event_core::{Answer, Query};
use event_server::config::{Flags, Settings};

use super::asked::Asked;
use super::file::FromFile;
use super::shown::{Shown, Table};
use super::{Outcome, UNUSABLE_SETTINGS, fail, open};

#[derive(clap::Args)]
pub(super) struct QueryArguments {
    /// count, unique:FIELD, about_unique:FIELD, sum:/POINTER, average:, minimum:, maximum:, median:, or a percentile as p95:/POINTER
    #[arg(long, default_value = "count")]
    measure: String,
    /// Only the groups with the greatest values
    #[arg(long, value_name = "COUNT")]
    top: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
pub(super) struct CountArguments {
    #[command(flatten)]
    from_file: FromFile,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
pub(super) struct TopArguments {
    /// How many
    #[arg(default_value = "10")]
    count: String,
    /// What they are ranked by, as in `query`
    #[arg(long, default_value = "count")]
    measure: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    /// A value for each value of this field: category, name, version, source, session_id, subject, or a JSON pointer
    /// into the data; may be repeated
    #[arg(long, value_name = "FIELD")]
    by: Vec<String>,
    /// A value for each minute, hour, day, week or month
    #[arg(long, value_name = "UNIT")]
    bucket: Option<String>,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

impl QueryArguments {
    pub(super) fn flags(&self) -> &Flags {
        &self.common.flags
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        self.common.answer(settings, &self.measure, self.top.as_deref()).await
    }
}

impl CountArguments {
    pub(super) fn flags(&self) -> &Flags {
        &self.common.flags
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let Some(file) = self.from_file.file() else {
            return self.common.answer(settings, "count", None).await;
        };
        let query = match self.common.query("count", None) {
            Ok(query) => query,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        match self.from_file.answer(file, query, &self.common.asked, settings) {
            Ok((query, answer)) => self.common.print(&query, &answer),
            Err(code) => Ok(code),
        }
    }
}

impl TopArguments {
    pub(super) fn flags(&self) -> &Flags {
        &self.common.flags
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        self.common.answer(settings, &self.measure, Some(&self.count)).await
    }
}

impl Common {
    fn query(&self, measure: &str, top: Option<&str>) -> Result<Query, ParameterError> {
        let by = self.by.iter().map(|field| ("by", field.as_str()));
        let bucket = self.bucket.iter().map(|unit| ("bucket", unit.as_str()));
        let top = top.into_iter().map(|count| ("top", count));
        let pairs = self
            .asked
            .pairs([("measure", measure)].into_iter().chain(by).chain(bucket).chain(top));
        Query::from_pairs(pairs)
    }

    async fn answer(&self, settings: &Settings, measure: &str, top: Option<&str>) -> Outcome {
        let query = match self.query(measure, top) {
            Ok(query) => query,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        let store = open(settings).await?;
        let answer = store.answer(&query).await?;
        store.close().await?;
        self.print(&query, &answer)
    }

    fn print(&self, query: &Query, answer: &Answer) -> Outcome {
        self.shown.print(answer, table(query, answer))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn table(query: &Query, answer: &Answer) -> Table {
    let bucket = query.bucket.map(|bucket| bucket.unit.to_string());
    // Only where the range cuts a bucket is there more to say of it than its start.
    let cut = answer
        .rows
        .iter()
        .any(|row| row.bucket.is_some_and(|span| span.partial));
    let partial = cut.then(|| "partial".to_owned());
    let by = query.by.iter().map(ToString::to_string);
    let mut table = Table::new(
        bucket
            .into_iter()
            .chain(partial)
            .chain(by)
            .chain([query.measure.to_string()]),
    );
    if let Some(error) = &answer.standard_error {
        table.note(format!(
            "estimates, of a standard error of {error}; up to {} values are exact",
            Sketch::EXACT
        ));
    }
    for row in &answer.rows {
        let start = row.bucket.map(|span| span.start.to_string());
        let partial = row
            .bucket
            .filter(|_| cut)
            .map(|span| if span.partial { "yes" } else { "no" }.to_owned());
        let values = row
            .group
            .iter()
            .flat_map(|group| group.iter().map(|(_, text)| plain(text)));
        let value = row.value.as_ref().map_or("-".to_owned(), ToString::to_string);
        table.push(start.into_iter().chain(partial).chain(values).chain([value]).collect());
    }
    table
}

/// A string without its quotes; other values as JSON writes them.
fn plain(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}
