//! A record → an event: what was declared of the columns, bound to those that are there.

use std::collections::BTreeMap;

use event_core::event::Reception;
use event_core::json::{Document, Number};
use event_core::mapping::{DataRule, Defaults, Rule};
use event_core::{Code, Event, Label, Mapping, Pointer, Refusal, Violation};

use super::column::{Column, FIELDS, Kind, Target};
use super::options::Space;
use super::row::Fields;
use crate::checkpoint::Places;

/// How records become events.
pub(super) enum Lift {
    /// The columns of a table, one by one.
    Table(Table),
    /// A mapping over rows as flat documents, under these names, or over documents.
    Mapped(Box<Mapping>, Vec<String>),
    /// They are events.
    Lines,
}

/// The type of events that do not say it.
#[derive(Clone, Debug, Default)]
pub(super) struct Constants {
    pub(super) category: Option<Label>,
    pub(super) name: Option<Label>,
    pub(super) version: Option<Label>,
}

impl Constants {
    pub(super) fn defaults(&self) -> Defaults<'_> {
        Defaults {
            category: self.category.as_ref(),
            name: self.name.as_ref(),
            version: self.version.as_ref(),
        }
    }
}

/// The columns of a table.
pub(super) struct Table {
    columns: Vec<Column>,
    /// The members of the envelope that are the same for all, as JSON.
    constants: String,
    data: Tree,
    space: Space,
}

/// The shape of the data.
enum Tree {
    Members(BTreeMap<String, Tree>),
    /// A column, by its number from 0.
    Column(usize),
}

/// What a column was declared to hold, and does not.
struct Fault {
    code: Code,
    pointer: String,
    kind: &'static str,
    message: String,
}

impl Table {
    /// Binds columns; `Err` says what two of them both become.
    pub(super) fn new(columns: Vec<Column>, constants: &Constants, space: Space) -> Result<Self, String> {
        let mut data = Tree::Members(BTreeMap::new());
        for (number, column) in columns.iter().enumerate() {
            match &column.target {
                Some(target @ Target::Data(path)) => data.insert(path, number).ok_or_else(|| target.to_string())?,
                Some(target)
                    if columns[..number]
                        .iter()
                        .any(|other| other.target.as_ref() == Some(target)) =>
                {
                    return Err(target.to_string());
                }
                _ => {}
            }
        }
        let mut text = String::new();
        let given = [
            ("category", &constants.category),
            ("name", &constants.name),
            ("version", &constants.version),
        ];
        for (field, value) in given {
            if let Some(value) = value.as_ref().filter(|_| !has(&columns, field)) {
                text.push_str(&format!(",\"{field}\":"));
                quote(value.as_str(), &mut text);
            }
        }
        Ok(Table {
            columns,
            constants: text,
            data,
            space,
        })
    }

    /// Whether a column becomes this field in every row.
    pub(super) fn always(&self, field: &str) -> bool {
        self.columns.iter().any(|column| !column.optional && column.is(field))
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Lifts a row; beside what became of it the JSON of what could not be lifted.
    pub(super) fn lift(&self, fields: &Fields, reception: &Reception<'_>) -> (Result<Event, Refusal>, Option<Vec<u8>>) {
        let mut out = String::with_capacity(256);
        let mut fault = None;
        out.push_str("{\"data\":");
        let start = out.len();
        if !self.data.write(self, fields, reception, &mut out, &mut fault) {
            out.truncate(start);
            out.push_str("{}");
        }
        out.push_str(&self.constants);
        for (number, column) in self.columns.iter().enumerate() {
            let (Some(Target::Field(field)), Some(text)) = (&column.target, self.text(fields, number)) else {
                continue;
            };
            out.push_str(",\"");
            out.push_str(FIELDS[*field].0);
            out.push_str("\":");
            // What is no number is refused as it would be anywhere else.
            if column.kind == Kind::Integer && is_number(text) {
                out.push_str(text);
            } else {
                quote(text, &mut out);
            }
        }
        out.push('}');
        match (Event::from_slice(out.as_bytes(), reception), fault) {
            (Ok(event), None) => (Ok(event), None),
            (Ok(event), Some(fault)) => {
                let refusal = fault.refusal().with_claims(event.claims());
                (Err(refusal), Some(out.into_bytes()))
            }
            // The text in place of what it should be may be wrong in more ways than one.
            (Err(other), Some(fault)) => {
                let refusal = fault.refusal().with_claims(*other.claims);
                (Err(refusal), Some(out.into_bytes()))
            }
            (Err(refusal), None) => (Err(refusal), Some(out.into_bytes())),
        }
    }

    /// The text of a column; `None` if it is absent.
    fn text<'a>(&self, fields: &'a Fields, number: usize) -> Option<&'a str> {
        let text = fields.get(number);
        let text = match self.space {
            Space::Keep => text,
            Space::Trim => text.trim_matches([' ', '\t']),
        };
        (!text.is_empty() || !self.columns[number].optional).then_some(text)
    }

    pub(super) fn places(&self) -> Places {
        let place = |(number, column): (usize, &Column)| {
            let pointer = match column.target.as_ref()? {
                Target::Field(field) => format!("/{}", FIELDS[*field].0),
                Target::Data(path) => format!("/data{}", Pointer::from_tokens(path.iter().cloned())),
            };
            Some((pointer, number + 1))
        };
        Places {
            columns: self.columns.iter().enumerate().filter_map(place).collect(),
        }
    }
}

/// Whether one of the columns becomes this field.
pub(super) fn has(columns: &[Column], field: &str) -> bool {
    columns.iter().any(|column| column.is(field))
}

impl Column {
    pub(super) fn is(&self, field: &str) -> bool {
        matches!(&self.target, Some(Target::Field(number)) if FIELDS[*number].0 == field)
    }
}

impl Tree {
    /// Puts a column at its place; `None` if something is there.
    fn insert(&mut self, path: &[String], number: usize) -> Option<()> {
        let Tree::Members(members) = self else { return None };
        let Some((first, rest)) = path.split_first() else {
            if !members.is_empty() {
                return None;
            }
            *self = Tree::Column(number);
            return Some(());
        };
        if rest.is_empty() {
            let taken = members.insert(first.clone(), Tree::Column(number));
            return taken.is_none().then_some(());
        }
        let inner = members
            .entry(first.clone())
            .or_insert_with(|| Tree::Members(BTreeMap::new()));
        inner.insert(rest, number)
    }

    /// Writes what there is of the data; false if that is nothing.
    fn write(
        &self,
        table: &Table,
        fields: &Fields,
        reception: &Reception<'_>,
        out: &mut String,
        fault: &mut Option<Fault>,
    ) -> bool {
        match self {
            Tree::Column(number) => {
                let Some(text) = table.text(fields, *number) else {
                    return false;
                };
                let wrong = value(table.columns[*number].kind, text, reception, out);
                if let (Some((code, kind, message)), None) = (wrong, &fault) {
                    let pointer = match &table.columns[*number].target {
                        Some(Target::Data(path)) => Pointer::from_tokens(path.iter().cloned()).to_string(),
                        _ => String::new(),
                    };
                    // Rules of schemas are told from the data, all others from the event.
                    let pointer = match code {
                        Code::SchemaViolation => pointer,
                        _ => format!("/data{pointer}"),
                    };
                    *fault = Some(Fault {
                        code,
                        pointer,
                        kind,
                        message,
                    });
                }
                true
            }
            Tree::Members(members) => {
                out.push('{');
                let mut any = false;
                for (name, member) in members {
                    let before = out.len();
                    if any {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    if member.write(table, fields, reception, out, fault) {
                        any = true;
                    } else {
                        out.truncate(before);
                    }
                }
                out.push('}');
                any
            }
        }
    }
}

impl Fault {
    fn refusal(self) -> Refusal {
        let mut refusal = Refusal::new(self.code, self.pointer.clone(), self.message.clone());
        if self.code == Code::SchemaViolation {
            let mut violation = Violation::new(self.pointer, "type", self.message);
            violation.limit = Some(self.kind.to_owned());
            refusal.violations = vec![violation];
        }
        refusal
    }
}

/// Writes a text as what it was declared to be, or else as a text, and says what is wrong.
fn value(kind: Kind, text: &str, reception: &Reception<'_>, out: &mut String) -> Option<(Code, &'static str, String)> {
    let no = |kind: &'static str| {
        let message = format!("this text was declared to be of type {kind:?}, and is not");
        Some((Code::SchemaViolation, kind, message))
    };
    let wrong = match kind {
        Kind::String => {
            quote(text, out);
            return None;
        }
        Kind::Number | Kind::Integer => {
            let name = if kind == Kind::Number { "number" } else { "integer" };
            match Number::from_literal(text).filter(|_| is_number(text)) {
                Some(Number::Float(_)) if kind == Kind::Integer => no(name),
                Some(_) => None,
                None if is_number(text) => {
                    let message = "a number is beyond 64-bit integers and finite floats";
                    Some((Code::NumberOutOfRange, name, message.to_owned()))
                }
                None => no(name),
            }
        }
        Kind::Boolean if matches!(text, "true" | "false") => None,
        Kind::Boolean => no("boolean"),
        Kind::Json => match Document::parse(text.as_bytes(), &reception.limits.of_document()) {
            Ok(_) => None,
            Err(error) => {
                let violation = Refusal::from(error.clone()).violations.into_iter().next();
                Some((error.code, "json", violation.map(|it| it.message).unwrap_or_default()))
            }
        },
    };
    if wrong.is_some() {
        quote(text, out);
    } else {
        out.push_str(text);
    }
    wrong
}

/// Whether a text is a number as JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// Appends a text as a string of JSON.
fn quote(text: &str, out: &mut String) {
    // Writing a text to a text does not fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Lifts a row by a mapping. Numbers that it declares are numbers, or the row is refused: the texts of
/// a table are never both.
pub(super) fn lift_row(
    mapping: &Mapping,
    names: &[String],
    fields: &Fields,
    space: Space,
    constants: &Constants,
    reception: &Reception<'_>,
) -> (Result<Event, Refusal>, Option<Vec<u8>>) {
    let trimmed = |text: &'_ str| match space {
        Space::Keep => text.to_owned(),
        Space::Trim => text.trim_matches([' ', '\t']).to_owned(),
    };
    let texts: Vec<String> = fields.iter().map(trimmed).collect();
    let cells = || names.iter().map(String::as_str).zip(texts.iter().map(String::as_str));
    let wrong = mapping.numbers.iter().find(|place| {
        let mut tokens = place.tokens();
        let name = tokens.next().filter(|_| tokens.next().is_none());
        cells().any(|(column, text)| Some(column) == name && !is_number(text))
    });
    let lifted = mapping.lift_row(cells(), &constants.defaults(), reception);
    let read = match (lifted, wrong) {
        (Ok(event), Some(place)) => {
            let message = "this text was declared to be of type \"number\", and is not".to_owned();
            let fault = Fault {
                code: Code::SchemaViolation,
                pointer: place.to_string(),
                kind: "number",
                message,
            };
            Err(fault.refusal().with_claims(event.claims()))
        }
        (read, _) => read,
    };
    let raw = read.is_err().then(|| {
        let cells = cells().map(|(name, text)| (name.to_owned(), text.into()));
        serde_json::Value::Object(cells.collect()).to_string().into_bytes()
    });
    (read, raw)
}

/// The columns that a mapping takes things from.
pub(super) fn places(mapping: &Mapping, names: &[String]) -> Places {
    let number = |name: &str| names.iter().position(|other| other == name).map(|at| at + 1);
    let mut places = Places::default();
    for name in names {
        let pointer = Pointer::from_tokens([name.as_str()]).to_string();
        if let Some(number) = number(name) {
            if mapping.data.is_none() {
                places.columns.insert(format!("/data{pointer}"), number);
            }
            places.columns.insert(pointer, number);
        }
    }
    if let Some(DataRule::Members(members)) = &mapping.data {
        for (member, rule) in members {
            let Rule::From(place) = rule else { continue };
            if let Some(number) = place.tokens().next().and_then(number) {
                let pointer = Pointer::from_tokens([member.as_str()]);
                places.columns.insert(format!("/data{pointer}"), number);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_json_writes() {
        for text in ["0", "-0", "12", "1.50", "-1e3", "1.5E-07", "9223372036854775808"] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "-", "01", "1.", ".5", "+1", "1,234.5", "1.234,5", "0x10", " 5 ", "5 ", "1e", "1e+", "NaN", "１", "1_0",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn two_columns_never_become_one_thing() {
        let table = |columns: &[&str]| {
            let columns = columns.iter().map(|column| column.parse().unwrap()).collect();
            Table::new(columns, &Constants::default(), Space::Keep).map(drop)
        };
        assert_eq!(table(&["id", "data.a", "data.b.c", "data.b.d", "-", "-"]), Ok(()));
        assert_eq!(table(&["timestamp", "occurred_at"]), Err("occurred_at".to_owned()));
        for (columns, twice) in [
            (["data.a", "data.a"], "data.a"),
            (["data.a", "data.a.b"], "data.a.b"),
            (["data.a.b", "data.a"], "data.a"),
            (["data", "data.a"], "data.a"),
            (["data.a", "data"], "data"),
        ] {
            assert_eq!(table(&columns), Err(twice.to_owned()));
        }
    }
}
