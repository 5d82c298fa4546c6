//! How a row is looked at: at a glance, or closely.

use std::sync::Arc;

use event_core::event::Reception;
use event_core::filter::Field;
use event_core::minutes::{Cut, PlainColumn, PlainRows};
use event_core::{EventId, Filter, Limits, Refusal, Registry, Subject, Timestamp};

use super::super::column::{Column, FIELDS, Kind, Target};
use super::super::lift::{Lift, has};
use super::super::lifter::Lifter;
use super::super::options::{Format, ImportOptions};
use super::CountOptions;
use crate::checkpoint::Places;
use crate::inner::now;
use crate::judge::new_id;

/// What all threads know of the rows.
pub(super) struct Look {
    pub(super) options: Arc<ImportOptions>,
    pub(super) places: Places,
    pub(super) plain: Option<PlainRows>,
    pub(super) cut: Cut,
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
            cut: counting.cut,
            limits: counting.limits,
            received_at: now(),
            registry,
            // No event is kept: all may have one id.
            id: new_id(),
        };
        look.plain = look.plain();
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

    /// How plain rows are read, if the columns allow to.
    fn plain(&self) -> Option<PlainRows> {
        let (Lift::Table(table), Format::Csv { delimiter, .. }) = (&*self.lift, &self.options.format) else {
            return None;
        };
        if !self.only.is_empty() {
            return None;
        }
        let columns: Vec<PlainColumn> = table.columns().iter().map(plain).collect::<Option<_>>()?;
        let tolerance = i64::from(self.registry.future_tolerance_seconds) * 1_000_000;
        let latest = self.received_at.saturating_add_micros(tolerance);
        let plain = PlainRows::new(*delimiter, &columns, self.options.origin.zone, latest)?;
        // What does not depend on the row, the names of the data's members, say, is told by one that is plain.
        let texts = columns.iter().map(|column| match column {
            PlainColumn::Time => "2021-03-01 00:00:00Z",
            _ => "x",
        });
        let row = texts.collect::<Vec<_>>().join(&char::from(*delimiter).to_string());
        let event = self.closely(&mut self.lifter(), row.as_bytes());
        (plain.read(row.as_bytes()).is_some() && event.is_ok()).then_some(plain)
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
