//! One refused event, with the spots that are wrong and all that was done to it.

use event_core::json::{Document, JsonError};
use event_core::{Code, Limits, Pointer, Verdict, Violation};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::value::RawValue;

use super::again::{Seen, judge};
use super::history::{self, HistoryEntry};
use crate::entity::quarantine::{QuarantineEntry, QuarantineRow, SELECTED};
use crate::error::Error;
use crate::inner::{Inner, detached};
use crate::original::Form;
use crate::store::EventStore;

/// A refused event, as a person looks at it.
#[derive(Clone, Debug, Serialize)]
pub struct Inspected {
    /// The entry.
    #[serde(flatten)]
    pub entry: QuarantineEntry,
    /// Where each broken rule is broken, in the document as it is now.
    pub marks: Vec<Mark>,
    /// What would become of it, were it replayed now.
    pub verdict: Verdict,
    /// All that was done to it, the oldest first.
    pub history: Vec<HistoryEntry>,
}

/// A spot in a document, and what is wrong with it.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// The place in the whole document, as a JSON pointer; of what is missing, where it should be.
    pub pointer: String,
    /// The keyword of the schema, or the code of another rule.
    pub keyword: String,
    /// What the rule asks for, where that is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The rule in words.
    pub message: String,
    /// What stands there, as it was written; absent where nothing does, or where the document cannot
    /// be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    /// The byte at which a document that cannot be read goes wrong, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
}

impl EventStore {
    /// Shows one refused event; `None` if there is none of this number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn quarantined(&self, number: i64) -> Result<Option<Inspected>, Error> {
        let inner = self.inner().clone();
        detached(async move {
            let Some(row) = row(&inner, &inner.reader, number).await? else {
                return Ok(None);
            };
            let again = judge(&row, &inner.registry(), &inner);
            let mut seen = Seen::default();
            seen.look_up(&inner, &inner.reader, std::slice::from_ref(&again))
                .await?;
            Ok(Some(Inspected {
                marks: marks(&row, &inner.options.limits),
                verdict: seen.verdict(&again, &row),
                history: history::of(&inner, &inner.reader, number).await?,
                entry: row.entry,
            }))
        })
        .await
    }
}

/// One entry.
pub(super) async fn row(inner: &Inner, db: &impl ConnectionTrait, number: i64) -> Result<Option<QuarantineRow>, Error> {
    let table = inner.tables.sql("{quarantine}");
    let sql = format!("SELECT {SELECTED} FROM {table} WHERE id = ?");
    let row = db.query_one_raw(inner.dialect.statement(&sql, [number.into()])).await?;
    row.as_ref().map(QuarantineRow::read).transpose()
}

/// A mark for each broken rule.
fn marks(row: &QuarantineRow, limits: &Limits) -> Vec<Mark> {
    // What is too deep or too large to be an event can still be looked at.
    let generous = limits.with_depth(100).with_nodes(usize::MAX);
    let document = Document::parse(row.document(), &generous);
    let mark = |violation: &Violation| mark(violation, row.form, &document);
    row.entry.violations.iter().map(mark).collect()
}

fn mark(violation: &Violation, form: Form, document: &Result<Document<'_>, JsonError>) -> Mark {
    let pointer = place(violation, form);
    let (found, offset) = match document {
        Ok(document) => {
            // An event may say when it happened by either name.
            let other = if pointer == "/occurred_at" { "/timestamp" } else { "" };
            let found = [pointer.as_str(), other]
                .into_iter()
                .filter(|pointer| !pointer.is_empty())
                .find_map(|pointer| {
                    let node = document.root().pointer(&pointer.parse::<Pointer>().ok()?)?;
                    let raw = RawValue::from_string(node.text().to_owned()).ok()?;
                    Some((pointer.to_owned(), raw))
                });
            (found, None)
        }
        Err(error) => (None, Some(error.offset)),
    };
    let (pointer, value) = match found {
        Some((pointer, value)) => (pointer, Some(value)),
        None => (pointer, None),
    };
    Mark {
        pointer,
        keyword: violation.keyword.clone(),
        limit: violation.limit.clone(),
        message: violation.message.clone(),
        value,
        offset,
    }
}

/// Where in the document a rule is broken. Rules of schemas and metrics know the data only.
fn place(violation: &Violation, form: Form) -> String {
    let code = violation.keyword.parse::<Code>().ok();
    let of_data = code.is_none_or(|code| code == Code::MeasureOutOfRange);
    let mut pointer = violation.pointer.clone();
    if of_data && form == Form::Event {
        pointer.insert_str(0, "/data");
    }
    match &violation.limit {
        Some(missing) if violation.keyword == "required" => {
            pointer.push_str(&Pointer::from_tokens([missing.as_str()]).to_string());
        }
        _ => {}
    }
    pointer
}
