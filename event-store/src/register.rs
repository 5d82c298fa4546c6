//! Registers event types, and lists them.

use event_core::policy::Policy;
use event_core::registry::Definition;
use event_core::{EventType, Label, Mapping, Registry, Schema};
use sea_orm::ConnectionTrait;
use serde_json::Value;

use crate::catalog::{self, TypeRecord};
use crate::error::{Cause, Error};
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::shadow::{self, Shadow};
use crate::store::EventStore;
use crate::upcast::{self, Change};

/// What to change of a version of an event type; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeChange {
    /// The JSON Schema of its data.
    pub schema: Option<Value>,
    /// How foreign documents become its events.
    pub mapping: Option<Mapping>,
    /// What happens to events that break the rules.
    pub policy: Option<Policy>,
    /// How data of an older version become those of this one.
    pub upcast: Option<Change>,
}

/// What a registration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The version is new, and active now.
    Created,
    /// The version was there and is changed.
    Changed,
    /// Everything was there already.
    Unchanged,
}

impl EventStore {
    /// Registers a version of an event type, or changes it. A new version becomes the active one; one
    /// that is a shadow stays one.
    /// Events that are stored already are not judged again.
    ///
    /// # Errors
    /// [`Error::Schema`] for a schema, [`Error::Upcast`] for an upcaster that is not taken; nothing is changed then.
    pub async fn register(
        &self,
        event_type: &EventType,
        version: &Label,
        change: TypeChange,
    ) -> Result<Registered, Error> {
        self.register_as(Role::Known, event_type, version, change).await
    }

    /// Registers a version that judges beside the active one: it changes what is stored of no event,
    /// and what it would have refused is counted, see [`TypeRecord::shadow`]. A version that is there
    /// becomes a shadow, and another one active.
    ///
    /// Only events that name no version, or another one, are judged by it beside others; it alone
    /// judges those that name it.
    ///
    /// # Errors
    /// As [`EventStore::register`].
    ///
    /// ```
    /// use event_core::{EventType, Label, Source};
    /// use event_store::{EventStore, Offer, Origin, TypeChange};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// let (paid, one, two) = (EventType::new("order", "paid")?, Label::new("1")?, Label::new("2")?);
    /// store.register(&paid, &one, TypeChange::default()).await?;
    /// let schema = Some(serde_json::json!({"required": ["total"]}));
    /// store.register_shadow(&paid, &two, TypeChange { schema, ..TypeChange::default() }).await?;
    ///
    /// let offer = Offer::Json(br#"{"category": "order", "name": "paid"}"#.to_vec());
    /// store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
    /// let shadow = store.event_type(&paid, &two).await?.unwrap().shadow.unwrap();
    /// assert_eq!((shadow.judged, shadow.would_fail, shadow.by_keyword["required"]), (1, 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn register_shadow(
        &self,
        event_type: &EventType,
        version: &Label,
        change: TypeChange,
    ) -> Result<Registered, Error> {
        self.register_as(Role::Shadow, event_type, version, change).await
    }

    /// Registers a version as [`EventStore::register`] does; one that was a shadow is none any more,
    /// and becomes the active one. What was counted of it is forgotten.
    ///
    /// # Errors
    /// As [`EventStore::register`].
    pub async fn activate(
        &self,
        event_type: &EventType,
        version: &Label,
        change: TypeChange,
    ) -> Result<Registered, Error> {
        self.register_as(Role::Active, event_type, version, change).await
    }

    async fn register_as(
        &self,
        role: Role,
        event_type: &EventType,
        version: &Label,
        change: TypeChange,
    ) -> Result<Registered, Error> {
        let schema = change.schema.as_ref().map(Schema::compile).transpose()?;
        if let Some(Change::Declared(upcast)) = &change.upcast {
            upcast.check(version, &self.inner().options.limits)?;
        }
        let (inner, event_type, version) = (self.inner().clone(), event_type.clone(), version.clone());
        // Compiled before the transaction, which keeps everybody from writing.
        let mut compiled = Registry::clone(&inner.registry());
        if schema.is_some() {
            let definition = Definition {
                schema,
                ..Definition::default()
            };
            compiled.insert(event_type.clone(), version.clone(), definition);
        }
        let patience = inner.options.request_timeout;
        let work = detached(Box::pin(async move {
            register(&inner, role, &event_type, &version, change, &compiled).await
        }));
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or_else(|_| Err(Error::Unknown(Cause::new("no answer in time"))))
    }

    /// All versions of all event types, in the order of their registration.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn types(&self) -> Result<Vec<TypeRecord>, Error> {
        let inner = self.inner().clone();
        detached(async move { catalog::records(inner.dialect, &inner.reader, &inner.tables).await }).await
    }

    /// One version of an event type.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn event_type(&self, event_type: &EventType, version: &Label) -> Result<Option<TypeRecord>, Error> {
        let records = self.types().await?;
        Ok(records
            .into_iter()
            .find(|record| record.event_type == *event_type && record.version == *version))
    }
}

/// What a version is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// What it is; if it is new, the active one.
    Known,
    Active,
    Shadow,
}

async fn register(
    inner: &Inner,
    role: Role,
    event_type: &EventType,
    version: &Label,
    change: TypeChange,
    compiled: &Registry,
) -> Result<Registered, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let records = catalog::records(dialect, &transaction, tables).await?;
    if let Some(Change::Declared(upcast)) = &change.upcast
        && let Err(error) = upcast::check(&records, event_type, version, upcast)
    {
        transaction.rollback().await?;
        return Err(error.into());
    }
    let known = records
        .into_iter()
        .find(|record| record.event_type == *event_type && record.version == *version);
    let json = |value: Option<serde_json::Result<String>>| value.transpose().map_err(|_| Error::corrupt("no JSON"));
    let merged = TypeChange {
        schema: change.schema.or_else(|| known.as_ref()?.schema.clone()),
        mapping: change.mapping.or_else(|| known.as_ref()?.mapping.clone()),
        policy: change.policy.or_else(|| known.as_ref()?.policy.clone()),
        upcast: None,
    };
    let upcast = match change.upcast {
        None => known.as_ref().and_then(|known| known.upcast.clone()),
        Some(Change::Declared(upcast)) => Some(upcast),
        Some(Change::Removed) => None,
    };
    let was_shadow = known.as_ref().is_some_and(|known| known.shadow.is_some());
    let shadow = role == Role::Shadow || role == Role::Known && was_shadow;
    let unchanged = known.as_ref().is_some_and(|known| {
        shadow == was_shadow
            && known.schema == merged.schema
            && known.mapping == merged.mapping
            && known.policy == merged.policy
            && known.upcast == upcast
    });
    if unchanged {
        transaction.rollback().await?;
        return Ok(Registered::Unchanged);
    }
    let mut values = vec![
        json(merged.schema.as_ref().map(serde_json::to_string))?.into(),
        json(merged.mapping.as_ref().map(serde_json::to_string))?.into(),
        json(merged.policy.as_ref().map(serde_json::to_string))?.into(),
        json(upcast.as_ref().map(serde_json::to_string))?.into(),
        event_type.category.as_str().into(),
        event_type.name.as_str().into(),
        version.as_str().into(),
    ];
    if was_shadow && !shadow {
        // Registered anew, so that it is the last one.
        let delete = tables.sql("DELETE FROM {catalog} WHERE category = ? AND name = ? AND version = ?");
        let key = shadow::key(event_type, version);
        transaction.execute_raw(dialect.statement(&delete, key)).await?;
    }
    let sql = if known.is_some() && (shadow || !was_shadow) {
        "UPDATE {catalog} SET schema_json = ?, mapping_json = ?, policy_json = ?, upcast_json = ? \
         WHERE category = ? AND name = ? AND version = ?"
    } else {
        let first = known.as_ref().map_or_else(now, |known| known.registered_at);
        values.push(first.as_micros().into());
        "INSERT INTO {catalog} \
         (schema_json, mapping_json, policy_json, upcast_json, category, name, version, registered_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    };
    transaction
        .execute_raw(dialect.statement(&tables.sql(sql), values))
        .await?;
    // A shadow of other rules starts anew.
    let same = known.as_ref().is_some_and(|known| known.schema == merged.schema);
    if was_shadow && !(shadow && same) {
        let delete = tables.sql("DELETE FROM {shadows} WHERE category = ? AND name = ? AND version = ?");
        let key = shadow::key(event_type, version);
        transaction.execute_raw(dialect.statement(&delete, key)).await?;
    }
    if shadow && !(was_shadow && same) {
        let insert = tables.sql("INSERT INTO {shadows} (category, name, version, report) VALUES (?, ?, ?, ?)");
        let report = serde_json::to_string(&Shadow::default()).map_err(|_| Error::corrupt("no JSON"))?;
        let values = shadow::key(event_type, version).into_iter().chain([report.into()]);
        transaction.execute_raw(dialect.statement(&insert, values)).await?;
    }
    let registry = catalog::load(dialect, &transaction, tables, &inner.options, compiled).await?;
    let change = position::change(&transaction, tables).await?;
    transaction.commit().await?;
    inner.replace_registry(change, registry);
    Ok(if known.is_some() {
        Registered::Changed
    } else {
        Registered::Created
    })
}
