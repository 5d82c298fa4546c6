//! Refused events that name a subject.

use event_core::Subject;
use sea_orm::{ConnectionTrait, Value};
use serde_json::Value as Json;

use super::{Touched, list};
use crate::dialect::Transaction;
use crate::dictionary::only_number;
use crate::error::Error;
use crate::inner::Inner;

/// Entries that are read at once.
const STEP: usize = 200;

/// Entries that name a subject, and from where to look on.
pub(super) struct Found {
    pub(super) numbers: Vec<i64>,
    pub(super) next: Option<i64>,
}

/// Looks through some entries: those that claim the subject, and those that claim none, or were edited,
/// and name it somewhere.
pub(super) async fn find(
    inner: &Inner,
    db: &impl ConnectionTrait,
    subject: &Subject,
    after: i64,
) -> Result<Found, Error> {
    let sql = inner.tables.sql(
        "SELECT id, subject, raw, edited FROM {quarantine} \
         WHERE id > ? AND (subject = ? OR subject IS NULL OR edited IS NOT NULL) ORDER BY id LIMIT ",
    );
    let values: [Value; 2] = [after.into(), subject.as_str().into()];
    let statement = inner.dialect.statement(&format!("{sql}{STEP}"), values);
    let rows = db.query_all_raw(statement).await?;
    let (mut numbers, mut last) = (Vec::new(), None);
    for row in &rows {
        let (number, claimed): (i64, Option<String>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (raw, edited): (Vec<u8>, Option<Vec<u8>>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let named = |bytes: &[u8]| names(bytes, subject.as_str());
        let is_of = match claimed {
            Some(claimed) if claimed == subject.as_str() => true,
            // What came in says whose it is; what it was edited to may say otherwise.
            Some(_) => edited.as_deref().is_some_and(named),
            None => named(&raw) || edited.as_deref().is_some_and(named),
        };
        if is_of {
            numbers.push(number);
        }
        last = Some(number);
    }
    Ok(Found {
        numbers,
        next: last.filter(|_| rows.len() == STEP),
    })
}

/// How much was done to entries.
pub(super) async fn history(inner: &Inner, db: &impl ConnectionTrait, entries: &[i64]) -> Result<u64, Error> {
    if entries.is_empty() {
        return Ok(0);
    }
    let sql = inner
        .tables
        .sql("SELECT COUNT(*) FROM {quarantine_history} WHERE entry IN");
    let statement = inner.dialect.statement(&format!("{sql} ({})", list(entries)), []);
    Ok(only_number(db, statement).await?.max(0).unsigned_abs())
}

/// Takes some entries away, with all that was done to them; answers from where to go on.
pub(super) async fn step(
    inner: &Inner,
    db: &Transaction,
    subject: &Subject,
    after: i64,
    touched: &mut Touched,
) -> Result<Option<i64>, Error> {
    let found = find(inner, db, subject, after).await?;
    if !found.numbers.is_empty() {
        touched.quarantine = u64::try_from(found.numbers.len()).unwrap_or(0);
        touched.quarantine_history = history(inner, db, &found.numbers).await?;
        for table in [
            "DELETE FROM {quarantine} WHERE id IN",
            "DELETE FROM {quarantine_history} WHERE entry IN",
        ] {
            let sql = format!("{} ({})", inner.tables.sql(table), list(&found.numbers));
            db.execute_raw(inner.dialect.statement(&sql, [])).await?;
        }
    }
    Ok(found.next)
}

/// Whether a document has this string somewhere, or the bytes of what is no JSON have it in quotes.
fn names(bytes: &[u8], subject: &str) -> bool {
    if let Ok(document) = serde_json::from_slice::<Json>(bytes) {
        let mut open = vec![document];
        while let Some(value) = open.pop() {
            match value {
                Json::String(text) if text == subject => return true,
                Json::Array(elements) => open.extend(elements),
                Json::Object(members) => open.extend(members.into_iter().map(|(_, member)| member)),
                _ => {}
            }
        }
    }
    // Also in JSON: of a key that stands there twice, a tree has only the last value.
    let quoted = Json::from(subject).to_string();
    bytes.windows(quoted.len()).any(|window| window == quoted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_string_of_its_own_names_somebody() {
        for (document, expected) in [
            (r#"{"subject":"ann"}"#, true),
            (r#"{"data":[{"who":"\u0061nn"}]}"#, true),
            (r#"{"subject":"ann","subject":"bob"}"#, true),
            (r#"{"subject":"ann","#, true),
            (r#"{"subject":"anna"}"#, false),
            ("ann", false),
            ("", false),
        ] {
            assert_eq!(names(document.as_bytes(), "ann"), expected, "{document}");
        }
    }
}
