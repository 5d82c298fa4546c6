//! What was declared of a file, held against what its first record says.

use super::column::Column;
use super::failure::Failure;
use super::lift::{self, Constants, Lift, Table};
use super::options::{Columns, Format, Header, ImportOptions};
use super::row::Fields;
use crate::checkpoint::Places;

/// Bytes that people put between fields, to be named where another one was expected.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What a file's records become, and the columns that rules are about. `first` is the first record:
/// the header, if there is one.
pub(super) fn bind(options: &ImportOptions, first: &str) -> Result<(Lift, Places), Failure> {
    let constants = constants(options);
    let Format::Csv { delimiter, header } = options.format else {
        return lines(options, &constants);
    };
    let mut fields = Fields::default();
    let hint = hint(first, delimiter);
    if let Err(broken) = fields.read(first, delimiter)
        && header == Header::Present
    {
        return Err(Failure::InvalidColumns(format!("the header cannot be read: {broken}")));
    }
    let names: Vec<String> = match header {
        Header::Present => fields.iter().map(str::to_owned).collect(),
        Header::Absent => (1..=fields.len()).map(|number| number.to_string()).collect(),
    };
    if let Some(name) = names
        .iter()
        .enumerate()
        .find_map(|(at, name)| names[..at].contains(name).then_some(name))
    {
        let what = format!("the column {name:?}");
        return Err(Failure::DuplicateColumn { what });
    }
    let missing = |what: String| Failure::MissingColumn {
        what,
        hint: hint.clone(),
    };
    if let Some(mapping) = &options.mapping {
        for (field, given, rule) in [
            ("category", constants.category.is_some(), mapping.category.is_some()),
            ("name", constants.name.is_some(), mapping.name.is_some()),
        ] {
            if !given && !rule {
                return Err(missing(format!(
                    "{field}: neither is one given, nor does the mapping have one"
                )));
            }
        }
        for (field, rule) in rules(mapping) {
            let first = match rule {
                event_core::mapping::Rule::From(place) => place.tokens().next(),
                event_core::mapping::Rule::Const { .. } => None,
            };
            if let Some(name) = first.filter(|name| !names.iter().any(|other| other == name)) {
                return Err(missing(format!("column {name:?}, which becomes {field}")));
            }
        }
        let places = lift::places(mapping, &names);
        return Ok((Lift::Mapped(Box::new(mapping.clone()), names), places));
    }
    let columns = match &options.columns {
        Columns::InOrder(columns) => {
            let fits = match header {
                Header::Present => names.len() >= columns.len(),
                // Short rows are refused one by one, unless all of them must be.
                Header::Absent => names.len() > 1 || columns.len() < 2 || hint.is_empty(),
            };
            if !fits {
                return Err(missing(format!("column {}", names.len() + 1)));
            }
            if header == Header::Present && names.len() > columns.len() {
                let (there, declared) = (names.len(), columns.len());
                let message = format!("the header has {there} columns, and {declared} are declared");
                return Err(Failure::InvalidColumns(message));
            }
            columns.clone()
        }
        Columns::ByName(_) if header == Header::Absent => {
            let message = "without a header the columns have to be declared in their order";
            return Err(Failure::InvalidColumns(message.to_owned()));
        }
        Columns::ByName(columns) => {
            if let Some((name, _)) = columns.iter().find(|(name, _)| !names.contains(name)) {
                return Err(missing(format!("column {name:?}")));
            }
            let column = |name: &String| {
                let declared = columns.iter().find(|(other, _)| other == name);
                declared.map_or_else(
                    || Column::named(name).unwrap_or_else(|| Column::member(name)),
                    |(_, column)| column.clone(),
                )
            };
            names.iter().map(column).collect()
        }
    };
    for (field, given) in [
        ("category", constants.category.is_some()),
        ("name", constants.name.is_some()),
    ] {
        if !given && !lift::has(&columns, field) {
            return Err(missing(format!(
                "column for the {field} of the events, and none is given"
            )));
        }
    }
    let table = Table::new(columns, &constants, options.space);
    let table = table.map_err(|field| Failure::DuplicateColumn {
        what: format!("columns that become {field}"),
    })?;
    let places = table.places();
    Ok((Lift::Table(table), places))
}

pub(super) fn constants(options: &ImportOptions) -> Constants {
    Constants {
        category: options.category.clone(),
        name: options.name.clone(),
        version: options.version.clone(),
    }
}

fn lines(options: &ImportOptions, constants: &Constants) -> Result<(Lift, Places), Failure> {
    let given = constants.category.is_some() || constants.name.is_some() || constants.version.is_some();
    match &options.mapping {
        Some(mapping) => Ok((Lift::Mapped(Box::new(mapping.clone()), Vec::new()), Places::default())),
        None if given || options.columns != Columns::ByName(Vec::new()) => {
            let message = "lines of NDJSON are whole events; for other documents declare a mapping";
            Err(Failure::InvalidColumns(message.to_owned()))
        }
        None => Ok((Lift::Lines, Places::default())),
    }
}

fn rules(mapping: &event_core::Mapping) -> impl Iterator<Item = (&'static str, &event_core::mapping::Rule)> {
    let rules = [
        ("id", &mapping.id),
        ("category", &mapping.category),
        ("name", &mapping.name),
        ("version", &mapping.version),
        ("session_id", &mapping.session_id),
        ("sequence", &mapping.sequence),
        ("source", &mapping.source),
        ("subject", &mapping.subject),
        ("occurred_at", &mapping.occurred_at),
        ("sent_at", &mapping.sent_at),
    ];
    rules
        .into_iter()
        .filter_map(|(field, rule)| Some((field, rule.as_ref()?)))
}

/// Which other delimiter a first record may have.
fn hint(first: &str, delimiter: u8) -> String {
    let holds = |byte: &u8| first.as_bytes().contains(byte);
    let other = DELIMITERS.iter().find(|byte| **byte != delimiter && holds(byte));
    match other.filter(|_| !holds(&delimiter)) {
        Some(b'\t') => ": the first line holds TAB, is that the delimiter?".to_owned(),
        Some(other) => format!(
            ": the first line holds \"{}\", is that the delimiter?",
            char::from(*other)
        ),
        None => String::new(),
    }
}
