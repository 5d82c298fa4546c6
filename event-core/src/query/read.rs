//! A question as the parameters of a URL, or as the members of a JSON object.

use std::borrow::Cow;

use super::Query;
use super::draft::{Draft, plain};
use super::page::Page;
use super::parameter::ParameterError;
use crate::code::Code;
use crate::json::{Document, Kind, Node};
use crate::limits::Limits;

/// Members of a question in JSON: a set of a thousand values is no mistake.
pub(crate) const JSON_LIMITS: Limits = Limits::DEFAULT.with_nodes(20_000);

impl Query {
    /// Reads the decoded parameters of a URL: `measure` (a count, if absent), `by` (as often as
    /// there are fields), `bucket`, `zone`, `from`, `to`, `top`, and as filters `category`, `name`,
    /// `version`, `source`, `subject`, `session_id` or `session`, and any place in the data as
    /// `data./pointer` or `/pointer`; with `contains.` before it, a text that is inside of what is there.
    ///
    /// Text of a URL has no kind: `/price=5` chooses the string `"5"` and the number 5.
    ///
    /// ```
    /// use event_core::{Code, Query};
    /// let query = Query::from_pairs([("measure", "sum:/value"), ("by", "name"), ("data./country", "US")])?;
    /// assert_eq!(query.filter.all.len(), 1);
    /// let query = Query::from_pairs([("contains./message", "fail")])?;
    /// assert_eq!(query.filter.all[0].test, event_core::filter::Test::contains("fail"));
    /// let error = Query::from_pairs([("colour", "red")]).unwrap_err();
    /// assert_eq!((error.parameter.as_str(), error.code), ("colour", Code::UnknownParameter));
    /// # Ok::<(), event_core::query::ParameterError>(())
    /// ```
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        let mut draft = Draft::default();
        for (name, value) in pairs {
            plain(name, value)?;
            match name {
                "measure" => draft.measure(name, value)?,
                "by" => draft.by(name, value)?,
                "bucket" => draft.bucket(name, value)?,
                "zone" => draft.zone(name, value)?,
                "from" => draft.from(name, value)?,
                "to" => draft.to(name, value)?,
                "top" => draft.top(name, value)?,
                name => draft.filter(name, value)?.then_some(()).ok_or_else(|| {
                    ParameterError::unknown(name, "measure, by, bucket, zone, from, to, top and the filters")
                })?,
            }
        }
        draft.query()
    }

    /// Reads the JSON form, see [`Query`]. `measure` may be absent for a count.
    ///
    /// # Errors
    /// The first member that is unknown or wrong, or what is wrong with the JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ParameterError> {
        let document = question(bytes)?;
        let mut draft = Draft::default();
        for (name, node) in document.root().members() {
            let name = &*name;
            match name {
                "measure" => draft.measure(name, &text(name, node)?)?,
                "by" => fields(&mut draft, name, node)?,
                "bucket" => draft.bucket(name, &text(name, node)?)?,
                "zone" => draft.zone(name, &text(name, node)?)?,
                "from" => draft.from(name, &text(name, node)?)?,
                "to" => draft.to(name, &text(name, node)?)?,
                "top" => {
                    let number = node.as_number().ok_or_else(|| wrong(name, "this is a number"))?;
                    draft.top(name, &number.to_string())?;
                }
                "filter" => {
                    draft.filter = serde_json::from_str(node.text()).map_err(|error| wrong(name, error.to_string()))?;
                }
                name => {
                    let known = "measure, by, bucket, zone, from, to, top and filter";
                    return Err(ParameterError::unknown(name, known));
                }
            }
        }
        draft.query()
    }
}

/// The JSON object that a question is.
pub(crate) fn question(bytes: &[u8]) -> Result<Document<'_>, ParameterError> {
    let document = Document::parse(bytes, &JSON_LIMITS).map_err(|error| {
        let message = format!("the question is not JSON as it is read here (byte {})", error.offset);
        ParameterError::new(error.pointer, error.code, message)
    })?;
    if document.root().kind() == Kind::Object {
        Ok(document)
    } else {
        Err(wrong("", "the question is not a JSON object"))
    }
}

impl Page {
    /// Reads the decoded parameters of a URL: `from`, `to`, `zone` (of times without an offset),
    /// `order` (`ascending` or `descending`), `limit`, `cursor`, `upcast` (`latest`, or a version), and the filters of
    /// [`Query::from_pairs`].
    ///
    /// # Errors
    /// The first parameter that is unknown, given twice or wrong.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        let mut draft = Draft::default();
        for (name, value) in pairs {
            plain(name, value)?;
            match name {
                "zone" => draft.zone(name, value)?,
                "from" => draft.from(name, value)?,
                "to" => draft.to(name, value)?,
                "order" => draft.order(name, value)?,
                "limit" => draft.limit(name, value)?,
                "cursor" => draft.cursor(name, value)?,
                "upcast" => draft.upcast(name, value)?,
                name => draft.filter(name, value)?.then_some(()).ok_or_else(|| {
                    ParameterError::unknown(name, "from, to, zone, order, limit, cursor, upcast and the filters")
                })?,
            }
        }
        draft.page()
    }
}

fn wrong(name: &str, message: impl Into<String>) -> ParameterError {
    ParameterError::new(name, Code::InvalidParameter, message)
}

fn text<'a>(name: &str, node: Node<'a>) -> Result<Cow<'a, str>, ParameterError> {
    node.as_str().ok_or_else(|| wrong(name, "this is a string"))
}

/// `by` is a list, or one field.
fn fields(draft: &mut Draft, name: &str, node: Node<'_>) -> Result<(), ParameterError> {
    match node.kind() {
        Kind::Array => node
            .elements()
            .try_for_each(|element| draft.by(name, &text(name, element)?)),
        Kind::String => draft.by(name, &text(name, node)?),
        _ => Err(wrong(name, "this is a list of fields")),
    }
}
