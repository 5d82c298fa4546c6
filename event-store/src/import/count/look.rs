//! How a row is looked at: at a glance, or closely.

use std::sync::Arc;

use event_core::event::Reception;
use event_core::filter::Field;
use event_core::minutes::{Cut, PlainColumn, PlainRows};
use event_core::{Code, EventId, Filter, Limits, Refusal, Registry, Subject, Timestamp};

use super::super::column::{Column, FIELDS, Kind, Target};
use super::super::lift::{Lift, has};
use super::super::lifter::Lifter;
use super::super::options::{Format, ImportOptions};
use super::CountOptions;
use super::faults::{Faults, example};
use crate::checkpoint::Places;
use crate::inner::now;
use crate::judge::new_id;

/// What all threads know of the rows.
pub(super) struct Look {
    pub(super) options: Arc<ImportOptions>,
    pub(super) places: Places,
    pub(super) plain: Option<PlainRows>,
    /// Why rows are refused that are plain but for one field.
    faults: Option<Faults>,
    pub(super) cut: Cut,
    /// Of so many refused rows it is told which they are.
    pub(super) rejected: usize,
    lift: Arc<Lift>,
    only: Filter,
    limits: Limits,
    received_at: Timestamp,
    registry: Registry,
    id: EventId,
}

impl Look {
    pub(super) fn new(lift: Lift, places: Places, options: Arc<ImportOptions>, counting: &CountOptions) -> Self {
        let mut registry = Registry::default();
        registry.future_tolerance_seconds = counting.future_tolerance_seconds;
        let mut look = Look {
            only: conditions(&lift, &options, &counting.only),
            lift: Arc::new(lift),
            options,
            places,
            plain: None,
            faults: None,
            cut: counting.cut,
            rejected: counting.rejected,
            limits: counting.limits,
            received_at: now(),
            registry,
            // No event is kept: all may have one id.
            id: new_id(),
        };
        if let Some(columns) = look.columns() {
            look.plain = look.plain(&columns);
            look.faults = look.plain.is_some().then(|| look.faults(&columns));
        }
        look
    }

    pub(super) fn lifter(&self) -> Lifter {
        Lifter::new(Arc::clone(&self.lift), Arc::clone(&self.options))
    }

    /// Whom a record is about and when it happened, if it is an event that counts; as an import reads it, and a
    /// registry without types judges it.
    pub(super) fn closely(
        &self,
        lifter: &mut Lifter,
        record: &[u8],
    ) -> Result<Option<(Option<Subject>, Timestamp)>, Refusal> {
        lifter.split(record).map_err(|refusal| *refusal)?;
        let new_id = || self.id.clone();
        let reception = Reception {
            received_at: self.received_at,
            source: &self.options.origin.source,
            zone: self.options.origin.zone,
            limits: self.limits,
            new_id: &new_id,
        };
        let event = lifter.lift(record, &reception).0?;
        let event = self.registry.validate(event, self.received_at);
        let event = event.map_err(|refused| refused.refusal)?;
        let event = event.event();
        let at = event.envelope().occurred_at;
        let counts = self.cut.covers(at) && self.only.matches(event);
        Ok(counts.then(|| (event.envelope().subject.clone(), at)))
    }

    /// Why a record is refused, if that can be told without making an event of it.
    pub(super) fn fault(&self, lifter: &mut Lifter, record: &[u8]) -> Option<Code> {
        if let Err((code, _)) = lifter.split_fields(record) {
            return Some(code);
        }
        self.faults.as_ref()?.of_fields(lifter.fields())
    }

    /// What the columns of a table are, if plain rows have such.
    fn columns(&self) -> Option<Vec<PlainColumn>> {
        let Lift::Table(table) = &*self.lift else { return None };
        let columns = table.columns().iter().map(plain).collect::<Option<_>>()?;
        self.only.is_empty().then_some(columns)
    }

    /// How plain rows are read, if the columns allow to.
    fn plain(&self, columns: &[PlainColumn]) -> Option<PlainRows> {
        let Format::Csv { delimiter, .. } = self.options.format else {
            return None;
        };
        let plain = PlainRows::new(delimiter, columns, self.options.origin.zone, self.latest())?;
        // What does not depend on the row, the names of the data's members, say, is told by one that is plain.
        let row = self.row(columns, example);
        let event = self.closely(&mut self.lifter(), row.as_bytes());
        (plain.read(row.as_bytes()).is_some() && event.is_ok()).then_some(plain)
    }

    fn faults(&self, columns: &[PlainColumn]) -> Faults {
        let refused = |text: &dyn Fn(PlainColumn) -> &'static str| {
            let row = self.row(columns, text);
            let read = self.closely(&mut self.lifter(), row.as_bytes());
            read.err().map(|refusal| refusal.code)
        };
        Faults::new(columns.to_vec(), self.options.origin.zone, self.latest(), refused)
    }

    /// The latest time that is not in the future.
    fn latest(&self) -> Timestamp {
        let tolerance = i64::from(self.registry.future_tolerance_seconds) * 1_000_000;
        self.received_at.saturating_add_micros(tolerance)
    }

    /// A row with these texts.
    fn row(&self, columns: &[PlainColumn], text: impl Fn(PlainColumn) -> &'static str) -> String {
        let delimiter = match self.options.format {
            Format::Csv { delimiter, .. } => char::from(delimiter).to_string(),
            Format::Ndjson => String::new(),
        };
        columns
            .iter()
            .map(|column| text(*column))
            .collect::<Vec<_>>()
            .join(&delimiter)
    }
}

fn plain(column: &Column) -> Option<PlainColumn> {
    match (&column.target, column.kind) {
        (None, _) => Some(PlainColumn::Text),
        (Some(Target::Data(_)), Kind::String) => Some(PlainColumn::Text),
        (Some(Target::Field(field)), _) => match FIELDS[*field].0 {
            "category" | "name" | "version" => Some(PlainColumn::Label),
            "subject" => Some(PlainColumn::Subject),
            "occurred_at" => Some(PlainColumn::Time),
            _ => None,
        },
        _ => None,
    }
}

/// The conditions that do not hold for all rows of a table.
fn conditions(lift: &Lift, options: &ImportOptions, only: &Filter) -> Filter {
    let mut only = only.clone();
    if let Lift::Table(table) = lift {
        only.all.retain(|condition| {
            let (field, constant) = match &condition.field {
                Field::Category => ("category", &options.category),
                Field::Name => ("name", &options.name),
                _ => return true,
            };
            let constant = constant.as_ref().filter(|_| !has(table.columns(), field));
            let found = constant.map(|text| event_core::filter::Found::Text(text.as_str()));
            found.is_none() || !condition.test.holds(found.as_ref())
        });
    }
    only
}
