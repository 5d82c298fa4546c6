//! What two versions of a type have to do with each other.

use event_core::compatibility::Compatibility;
use event_core::{EventType, Label, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::catalog::TypeRecord;
use crate::error::Error;
use crate::register::TypeChange;
use crate::store::EventStore;
use crate::trial::off_the_runtime;

/// What a version is to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The version that it was compared with, the old one.
    pub with: Label,
    /// What was found.
    #[serde(flatten)]
    pub compatibility: Compatibility,
}

impl EventStore {
    /// Compares a version with another one, by default the active one; a version without a schema
    /// allows any data. `None` where either is not registered.
    ///
    /// # Errors
    /// If the database fails.
    ///
    /// ```
    /// use event_core::compatibility::Class;
    /// use event_core::{EventType, Label};
    /// use event_store::{EventStore, TypeChange};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let (paid, one, two) = (EventType::new("order", "paid")?, Label::new("1")?, Label::new("2")?);
    /// for (version, required) in [(&one, "total"), (&two, "currency")] {
    ///     let schema = Some(serde_json::json!({"required": [required]}));
    ///     store.register(&paid, version, TypeChange { schema, ..TypeChange::default() }).await?;
    /// }
    /// let compared = store.compare(&paid, Some(&one), &two).await?.unwrap();
    /// assert_eq!((compared.with, compared.compatibility.class), (one, Class::None));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn compare(
        &self,
        event_type: &EventType,
        old: Option<&Label>,
        new: &Label,
    ) -> Result<Option<Compared>, Error> {
        let records = self.types().await?;
        match (find(&records, event_type, old), find(&records, event_type, Some(new))) {
            (Some(old), Some(new)) => between(old, new.schema.clone()).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Compares a schema that may become one of a type with that of the version which is active now;
    /// `None` where none is.
    ///
    /// # Errors
    /// As [`EventStore::compare_change`].
    pub async fn compare_candidate(&self, event_type: &EventType, schema: &Value) -> Result<Option<Compared>, Error> {
        let records = self.types().await?;
        match find(&records, event_type, None) {
            Some(old) => between(old, Some(schema.clone())).await.map(Some),
            None => Ok(None),
        }
    }

    /// Compares what [`EventStore::register`] would make of a version with the version that is
    /// active now; `None` where none is, or nothing would change.
    ///
    /// # Errors
    /// [`Error::Schema`] for a schema that is not taken; otherwise if the database fails.
    pub async fn compare_change(
        &self,
        event_type: &EventType,
        version: &Label,
        change: &TypeChange,
    ) -> Result<Option<Compared>, Error> {
        let records = self.types().await?;
        let known = find(&records, event_type, Some(version)).and_then(|record| record.schema.clone());
        let new = change.schema.clone().or(known);
        match find(&records, event_type, None) {
            Some(old) if old.version != *version || old.schema != new => between(old, new).await.map(Some),
            _ => Ok(None),
        }
    }
}

/// A version of a type, or the active one.
fn find<'a>(records: &'a [TypeRecord], event_type: &EventType, version: Option<&Label>) -> Option<&'a TypeRecord> {
    let mut of_type = records.iter().filter(|record| record.event_type == *event_type);
    of_type.find(|record| version.map_or(record.active, |version| record.version == *version))
}

async fn between(old: &TypeRecord, new: Option<Value>) -> Result<Compared, Error> {
    let compile = |source: Option<Value>| Schema::compile(&source.unwrap_or(Value::Bool(true)));
    let (with, old, new) = (old.version.clone(), compile(old.schema.clone())?, compile(new)?);
    let compatibility = off_the_runtime(move || Compatibility::between(&old, &new)).await?;
    Ok(Compared { with, compatibility })
}
