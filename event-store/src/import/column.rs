//! What a column of a table becomes: a field of the envelope, or a place in the data, declared in a few letters.

use std::fmt;
use std::str::FromStr;

/// What the texts of a column become.
///
/// Written as `FIELD`, `FIELD:KIND`, either with `?` behind it, or `-` for a column that is left out.
/// A field is one of the envelope (`subject`, `timestamp`, …), `data.a.b` for a place in the data, or
/// `data` itself, which is JSON. Kinds are `string` (as it is unless said otherwise), `number`,
/// `integer`, `boolean` and `json`. With `?` an empty text means that the field is absent.
///
/// ```
/// use event_store::import::Column;
/// let column: Column = "data.value:number?".parse()?;
/// assert_eq!(column.to_string(), "data.value:number?");
/// assert!("colour".parse::<Column>().is_err());
/// # Ok::<(), event_store::import::InvalidColumn>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `None` for a column that is left out.
    pub(super) target: Option<Target>,
    pub(super) kind: Kind,
    pub(super) optional: bool,
}

/// Where the texts of a column go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A field of the envelope, by its place in [`FIELDS`].
    Field(usize),
    /// A place in the data, or all of it.
    Data(Vec<String>),
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Number,
    Integer,
    Boolean,
    Json,
}

/// The fields of the envelope, and what else they may be called.
pub(super) const FIELDS: [(&str, &str); 10] = [
    ("id", "id"),
    ("category", "category"),
    ("name", "name"),
    ("version", "version"),
    ("session_id", "session"),
    ("sequence", "sequence"),
    ("source", "source"),
    ("subject", "subject"),
    ("occurred_at", "timestamp"),
    ("sent_at", "sent_at"),
];

/// The text declares no column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no field: write id, category, name, version, session_id, sequence, source, subject, timestamp, \
     sent_at, data.NAME or -, and :number, :integer, :boolean or :json behind it where the text is one"
)]
pub struct InvalidColumn(String);

impl Column {
    /// A column whose texts become a member of the data as they are.
    pub(super) fn member(name: &str) -> Self {
        Column {
            target: Some(Target::Data(vec![name.to_owned()])),
            kind: Kind::String,
            optional: false,
        }
    }

    /// The column that its name in the header says it is, if it is the name of a field.
    pub(super) fn named(name: &str) -> Option<Self> {
        let fits = name.starts_with("data.") || FIELDS.iter().any(|(field, other)| [*field, *other].contains(&name));
        let column: Option<Column> = name.parse().ok();
        column.filter(|_| fits)
    }
}

impl FromStr for Column {
    type Err = InvalidColumn;

    fn from_str(text: &str) -> Result<Self, InvalidColumn> {
        let invalid = || InvalidColumn(text.to_owned());
        if text == "-" {
            let (target, kind, optional) = (None, Kind::String, true);
            return Ok(Column { target, kind, optional });
        }
        let (rest, optional) = match text.strip_suffix('?') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (field, kind) = match rest.rsplit_once(':') {
            Some((field, kind)) => (field, Some(kind)),
            None => (rest, None),
        };
        let kind = match kind {
            None => None,
            Some("string") => Some(Kind::String),
            Some("number") => Some(Kind::Number),
            Some("integer") => Some(Kind::Integer),
            Some("boolean") => Some(Kind::Boolean),
            Some("json") => Some(Kind::Json),
            Some(_) => return Err(invalid()),
        };
        let (target, kind) = if let Some(path) = field.strip_prefix("data.") {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.iter().any(String::is_empty) {
                return Err(invalid());
            }
            (Target::Data(path), kind.unwrap_or(Kind::String))
        } else if field == "data" {
            match kind {
                None | Some(Kind::Json) => (Target::Data(Vec::new()), Kind::Json),
                Some(_) => return Err(invalid()),
            }
        } else {
            let names = |(name, other): &(&str, &str)| [*name, *other].contains(&field);
            let number = FIELDS.iter().position(names).ok_or_else(invalid)?;
            let own = if FIELDS[number].0 == "sequence" {
                Kind::Integer
            } else {
                Kind::String
            };
            if kind.is_some_and(|kind| kind != own) {
                return Err(invalid());
            }
            (Target::Field(number), own)
        };
        let target = Some(target);
        Ok(Column { target, kind, optional })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Field(number) => f.write_str(FIELDS[*number].0),
            Target::Data(path) if path.is_empty() => f.write_str("data"),
            Target::Data(path) => write!(f, "data.{}", path.join(".")),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(target) = &self.target else {
            return f.write_str("-");
        };
        let kind = match self.kind {
            Kind::String => "",
            Kind::Number => ":number",
            Kind::Integer if matches!(target, Target::Field(_)) => "",
            Kind::Integer => ":integer",
            Kind::Boolean => ":boolean",
            Kind::Json => ":json",
        };
        write!(f, "{target}{kind}{}", if self.optional { "?" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_read_back_as_they_are_written() {
        for text in [
            "-",
            "id",
            "subject?",
            "sequence",
            "data:json",
            "data.a",
            "data.a.b:number?",
            "data.a:json",
            "occurred_at",
        ] {
            assert_eq!(text.parse::<Column>().unwrap().to_string(), text);
        }
        assert_eq!("timestamp".parse::<Column>(), "occurred_at".parse());
        assert_eq!("data".parse::<Column>(), "data:json".parse());
        for text in [
            "",
            "colour",
            "data.",
            "data.a..b",
            "data:string",
            "subject:number",
            "data.a:decimal",
            "id:",
            "-?",
        ] {
            assert!(text.parse::<Column>().is_err(), "{text}");
        }
    }
}
