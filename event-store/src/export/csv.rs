//! One event a row, for spreadsheets: which take some texts for formulas, unless they are told not to.

use std::borrow::Cow;

use event_core::json::{Kind, Node};
use event_core::upcaster::NotLifted;
use event_core::{Label, Pointer, SessionId, StoredEvent, Subject, Timestamp};

use super::encoded::{Encoded, Encoder, unwritten};
use super::scan::Export;
use crate::error::Error;

/// What the rows hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Places in the data, a column each, in place of the column `data` with all of it as JSON.
    pub columns: Vec<Pointer>,
    /// What becomes of texts that a spreadsheet would take for formulas.
    pub formulas: Formulas,
}

/// What becomes of texts that a spreadsheet would take for formulas: those that begin with `=`, `+`, `-`, `@`, a tab
/// or a carriage return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Formulas {
    /// A `'` is put before them. Numbers stay what they are.
    #[default]
    Escaped,
    /// They stay what they are: for programs.
    Verbatim,
}

/// The columns of the envelope.
const ENVELOPE: [&str; 13] = [
    "position",
    "id",
    "category",
    "name",
    "version",
    "source",
    "session_id",
    "subject",
    "sequence",
    "occurred_at",
    "received_at",
    "sent_at",
    "flags",
];

/// What they hold besides where events are shown as those of other versions.
const LIFT: [&str; 2] = ["stored_version", "upcast_error"];

struct Csv {
    options: CsvOptions,
    lifted: bool,
}

impl Export {
    /// The events as rows of CSV (RFC 4180), below a row with the names of the columns.
    #[must_use]
    pub fn csv(self, options: CsvOptions) -> Encoded {
        let lifted = self.is_lifted();
        Encoded::new(self, Csv { options, lifted })
    }
}

impl Encoder for Csv {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut rows = writer(out);
        let columns = self.options.columns.iter().map(|column| Cow::from(column.to_string()));
        let data = self.options.columns.is_empty().then_some(Cow::from("data"));
        let lift = LIFT.into_iter().filter(|_| self.lifted);
        let names = ENVELOPE.into_iter().chain(lift).map(Cow::from);
        let names = names.chain(columns).chain(data);
        write(&mut rows, names)?;
        rows.flush().map_err(unwritten)
    }

    fn write(&mut self, events: &[StoredEvent], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut rows = writer(out);
        for stored in events {
            let data = stored.event.payload();
            let places = self
                .options
                .columns
                .iter()
                .map(|column| self.value(data.pointer(column)));
            let whole = self.options.columns.is_empty().then(|| data.as_str().into());
            let lift = self.lift(stored).into_iter().filter(|_| self.lifted);
            let envelope = self.envelope(stored).into_iter().chain(lift);
            write(&mut rows, envelope.chain(places).chain(whole))?;
        }
        rows.flush().map_err(unwritten)
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }
}

fn writer(out: &mut Vec<u8>) -> csv::Writer<&mut Vec<u8>> {
    csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out)
}

fn write<'a>(
    rows: &mut csv::Writer<&mut Vec<u8>>,
    fields: impl IntoIterator<Item = Cow<'a, str>>,
) -> Result<(), Error> {
    rows.write_record(fields.into_iter().map(|field| field.into_owned()))
        .map_err(unwritten)
}

impl Csv {
    fn envelope<'a>(&self, stored: &'a StoredEvent) -> [Cow<'a, str>; ENVELOPE.len()] {
        let envelope = stored.event.envelope();
        let text = |text: Option<&'a str>| self.safe(Cow::from(text.unwrap_or_default()));
        let time = |time: Option<Timestamp>| Cow::from(time.map(|time| time.to_string()).unwrap_or_default());
        let flags: Vec<&str> = stored.event.flags().iter().map(|flag| flag.as_str()).collect();
        [
            stored.position.to_string().into(),
            text(Some(envelope.id.as_str())),
            text(Some(envelope.event_type.category.as_str())),
            text(Some(envelope.event_type.name.as_str())),
            text(envelope.version.as_ref().map(Label::as_str)),
            text(Some(envelope.source.as_str())),
            text(envelope.session_id.as_ref().map(SessionId::as_str)),
            text(envelope.subject.as_ref().map(Subject::as_str)),
            envelope
                .sequence
                .map(|number| number.to_string())
                .unwrap_or_default()
                .into(),
            time(Some(envelope.occurred_at)),
            time(Some(stored.received_at)),
            time(envelope.sent_at),
            flags.join(" ").into(),
        ]
    }

    /// The version that an event has, and why it is not shown as one of another.
    fn lift<'a>(&self, stored: &'a StoredEvent) -> [Cow<'a, str>; LIFT.len()] {
        let lift = stored.upcast.as_ref();
        let version = lift.and_then(|lift| lift.from.as_ref()).map(Label::as_str);
        let error = lift.and_then(|lift| lift.error.as_ref()).map(NotLifted::code);
        [version, error].map(|text| self.safe(Cow::from(text.unwrap_or_default())))
    }

    /// A string as it is, nothing for null and for what is absent, anything else as its JSON text.
    fn value<'a>(&self, found: Option<Node<'a>>) -> Cow<'a, str> {
        match found {
            None => Cow::default(),
            Some(node) => match node.kind() {
                Kind::Null => Cow::default(),
                Kind::String => self.safe(node.as_str().unwrap_or_default()),
                _ => node.text().into(),
            },
        }
    }

    fn safe<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if risky && self.options.formulas == Formulas::Escaped {
            format!("'{text}").into()
        } else {
            text
        }
    }
}
