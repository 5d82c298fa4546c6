//! Records → events, or why they are none: by what was declared of the file, before any type is asked.

use std::sync::Arc;

use event_core::event::Reception;
use event_core::refusal::Claims;
use event_core::{Code, Event, EventType, Refusal};

use super::bind::constants;
use super::lift::{Constants, Lift, lift_row};
use super::options::{Format, ImportOptions};
use super::row::Fields;
use crate::original::Form;

/// Lifts records, one after the other.
pub(super) struct Lifter {
    lift: Arc<Lift>,
    options: Arc<ImportOptions>,
    constants: Constants,
    fields: Fields,
}

impl Lifter {
    pub(super) fn new(lift: Arc<Lift>, options: Arc<ImportOptions>) -> Self {
        Lifter {
            lift,
            constants: constants(&options),
            options,
            fields: Fields::default(),
        }
    }

    /// The fields of the record that was split.
    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Splits a record of a table into its fields.
    pub(super) fn split(&mut self, record: &[u8]) -> Result<(), Box<Refusal>> {
        self.split_fields(record).map_err(|(code, message)| {
            let event_type = self.constants.category.clone().zip(self.constants.name.clone());
            let claims = Claims {
                event_type: event_type.map(|(category, name)| EventType { category, name }),
                version: self.constants.version.clone(),
                ..Claims::default()
            };
            Box::new(Refusal::new(code, "", message).with_claims(claims))
        })
    }

    /// The same; what is wrong without what is known of the record.
    pub(super) fn split_fields(&mut self, record: &[u8]) -> Result<(), (Code, String)> {
        let Format::Csv { delimiter, .. } = self.options.format else {
            return Ok(());
        };
        let text = std::str::from_utf8(record).map_err(|error| {
            let at = error.valid_up_to();
            (
                Code::InvalidUtf8,
                format!("the bytes are not UTF-8 (byte {at} of the row)"),
            )
        })?;
        let read = self.fields.read(text, delimiter);
        let columns = match &*self.lift {
            Lift::Table(table) => table.columns().len(),
            Lift::Mapped(_, names) => names.len(),
            Lift::Lines => 0,
        };
        let fields = self.fields.len();
        if fields != columns {
            let message = format!("the row has {fields} fields, and there are {columns} columns");
            return Err((Code::ColumnCount, message));
        }
        read.map_err(|broken| (Code::MalformedRow, broken.to_string()))
    }

    /// Lifts a record that was split; beside what became of it what could not be lifted.
    pub(super) fn lift(&self, record: &[u8], reception: &Reception<'_>) -> (Result<Event, Refusal>, Option<Vec<u8>>) {
        match &*self.lift {
            Lift::Table(table) => table.lift(&self.fields, reception),
            Lift::Mapped(mapping, names) if self.options.format != Format::Ndjson => {
                let space = self.options.space;
                lift_row(mapping, names, &self.fields, space, &self.constants, reception)
            }
            Lift::Mapped(mapping, _) => {
                let lifted = mapping.lift_with(record, &self.constants.defaults(), reception);
                (lifted, Some(record.to_vec()))
            }
            Lift::Lines => (Event::from_slice(record, reception), Some(record.to_vec())),
        }
    }

    /// What a record is that could not be lifted.
    pub(super) fn form(&self) -> Form {
        match &*self.lift {
            Lift::Mapped(..) => Form::Foreign,
            Lift::Table(_) | Lift::Lines => Form::Event,
        }
    }
}
