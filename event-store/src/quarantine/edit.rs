//! The document of a refused event, mended by hand and judged at once.

use event_core::patch::{Patch, PatchError};
use event_core::refusal::Claims;
use event_core::verdict::Status;
use event_core::{Label, Verdict, Violation};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::again::{Again, Seen, judge};
use super::history::{Action, Done, record};
use super::inspect::row;
use super::{Run, State};
use crate::entity::quarantine::QuarantineRow;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::original::Form;
use crate::patience::Patience;
use crate::position;
use crate::queue::Entry;
use crate::store::EventStore;

/// An edit, and what a replay would say of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edited {
    /// The number of the entry.
    pub number: i64,
    /// Whether it was done.
    pub run: Run,
    /// The document as it is now, or would be.
    pub document: String,
    /// What would become of it, were it replayed now.
    pub verdict: Verdict,
}

impl EventStore {
    /// Changes the document of an open entry by a JSON Patch, and tells what would become of it; `None`
    /// if there is no such entry. What came in stays beside it, and nothing is replayed.
    ///
    /// # Errors
    /// [`Error::Patch`] for a patch that cannot be applied, [`Error::EntrySettled`] where the entry was
    /// replayed or discarded; otherwise if the database fails.
    pub async fn edit_quarantined(
        &self,
        number: i64,
        patch: &Patch,
        run: Run,
        actor: Option<&Label>,
    ) -> Result<Option<Edited>, Error> {
        let (inner, patch, actor) = (self.inner().clone(), patch.clone(), actor.cloned());
        detached(async move {
            match run {
                Run::Dry => {
                    let Some(row) = row(&inner, &inner.reader, number).await? else {
                        return Ok(None);
                    };
                    let (row, again) = mended(&inner, row, &patch)?;
                    told(&inner, &inner.reader, &row, &again, run).await.map(Some)
                }
                Run::Real => {
                    let patience = Patience::with(inner.dialect);
                    loop {
                        match write(&inner, number, &patch, actor.as_ref()).await {
                            Err(error) if patience.lasts(&error).await => {}
                            outcome => return outcome,
                        }
                    }
                }
            }
        })
        .await
    }
}

/// The entry with its document changed, and judged.
fn mended(inner: &Inner, mut row: QuarantineRow, patch: &Patch) -> Result<(QuarantineRow, Again), Error> {
    let refused = |message: String| {
        Error::Patch(PatchError {
            operation: None,
            message,
        })
    };
    if row.entry.state != State::Open {
        return Err(Error::EntrySettled);
    }
    if !row.is_whole() {
        return Err(refused("only the start of the document is kept".to_owned()));
    }
    let document = patch.apply(row.document())?;
    let limit = inner.options.limits.event_bytes;
    if document.len() > limit {
        return Err(refused(format!("the document would have more than {limit} bytes")));
    }
    row.entry.edited = Some(document);
    let again = judge(&row, &inner.registry(), inner);
    Ok((row, again))
}

async fn told(
    inner: &Inner,
    db: &impl ConnectionTrait,
    row: &QuarantineRow,
    again: &Again,
    run: Run,
) -> Result<Edited, Error> {
    let mut seen = Seen::default();
    seen.look_up(inner, db, std::slice::from_ref(again)).await?;
    Ok(Edited {
        number: row.entry.number,
        run,
        document: String::from_utf8_lossy(row.document()).into_owned(),
        verdict: seen.verdict(again, row),
    })
}

async fn write(inner: &Inner, number: i64, patch: &Patch, actor: Option<&Label>) -> Result<Option<Edited>, Error> {
    let transaction = inner.dialect.begin(&inner.writer).await?;
    position::lock(inner.dialect, &transaction, &inner.tables).await?;
    let Some(row) = row(inner, &transaction, number).await? else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let (row, again) = match mended(inner, row, patch) {
        Ok(mended) => mended,
        Err(error) => {
            transaction.rollback().await?;
            return Err(error);
        }
    };
    let edited = told(inner, &transaction, &row, &again, Run::Real).await?;
    change(inner, &transaction, &row, &again, &edited.verdict).await?;
    let outcome = match edited.verdict.code {
        Some(code) => code.as_str(),
        None => edited.verdict.status.as_str(),
    };
    let done = Done {
        entry: number,
        action: Action::Edited,
        detail: Some(format!("{patch}; a replay would say {outcome}")),
    };
    record(inner, &transaction, now(), actor, &[done]).await?;
    transaction.commit().await?;
    Ok(Some(edited))
}

/// Writes what an edit makes of an entry: the reason of its refusal is that of the document as it is
/// now, where there still is one.
async fn change(
    inner: &Inner,
    db: &impl ConnectionTrait,
    row: &QuarantineRow,
    again: &Again,
    verdict: &Verdict,
) -> Result<(), Error> {
    let entry = &row.entry;
    let (claims, violations): (Box<Claims>, &[Violation]) = match again {
        Again::Event(Entry::Event { event, .. }) => (Box::new(event.event().claims()), &[]),
        Again::Event(Entry::Refused { refusal, .. }) => (refusal.claims.clone(), &refusal.violations),
        Again::Refused(still) => (still.claims.clone(), &still.violations),
    };
    let code = if verdict.status == Status::Quarantined {
        verdict.code.unwrap_or(entry.code)
    } else {
        entry.code
    };
    // A foreign document is read by the mapping of the type that it was sent to, whatever it says.
    let event_type = match row.form {
        Form::Foreign => None,
        Form::Event | Form::CloudEvent => claims.event_type.as_ref(),
    };
    let event_type = event_type.or(entry.event_type.as_ref());
    let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
    // Those of an id, a session and a subject stay: by them it is found, and erased.
    let id = entry.id.as_ref().or(claims.id.as_ref());
    let session = entry.session_id.as_ref().or(claims.session_id.as_ref());
    let subject = entry.subject.as_ref().or(claims.subject.as_ref());
    let values: [Value; 9] = [
        row.document().to_vec().into(),
        code.as_str().into(),
        serde_json::to_string(violations).unwrap_or_default().into(),
        text(id.map(|id| id.as_str())),
        text(event_type.map(|kind| kind.category.as_str())),
        text(event_type.map(|kind| kind.name.as_str())),
        text(session.map(|session| session.as_str())),
        text(subject.map(|subject| subject.as_str())),
        entry.number.into(),
    ];
    let sql = inner.tables.sql(
        "UPDATE {quarantine} SET revision = revision + 1, edited = ?, code = ?, violations = ?, event_id = ?, \
         category = ?, name = ?, session_id = ?, subject = ? WHERE id = ?",
    );
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}
