//! Event types as rows: what the registry is made from, and survives in.

use std::collections::HashSet;

use event_core::policy::Policy;
use event_core::registry::{Definition, Registry};
use event_core::upcaster::Upcast;
use event_core::{EventType, Label, Mapping, Schema, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult};
use serde::Serialize;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::options::Options;
use crate::position;
use crate::shadow::{self, Shadow};
use crate::tables::Tables;

/// One version of an event type, as registered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeRecord {
    /// Category and name.
    #[serde(flatten)]
    pub event_type: EventType,
    /// The version.
    pub version: Label,
    /// Whether it judges events that name no version: of those that are no shadows, the version
    /// registered last does.
    pub active: bool,
    /// What it says beside the active version, if it is a shadow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// The JSON Schema of its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How foreign documents become its events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
    /// What happens to events that break the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// How data of an older version become those of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upcast: Option<Upcast>,
    /// When the version was registered first.
    pub registered_at: Timestamp,
}

const SELECTED: &str = "category, name, version, schema_json, mapping_json, policy_json, registered_at, \
                        upcast_json";

fn read(row: &QueryResult) -> Result<TypeRecord, Error> {
    fn json<T: serde::de::DeserializeOwned>(row: &QueryResult, column: usize) -> Result<Option<T>, Error> {
        let text: Option<String> = row.try_get_by_index(column)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| Error::corrupt("a type that is not JSON"))
    }
    let (category, name): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let version: String = row.try_get_by_index(2)?;
    let malformed = |_| Error::corrupt("a malformed event type");
    Ok(TypeRecord {
        event_type: EventType::new(category, name).map_err(malformed)?,
        version: Label::new(version).map_err(malformed)?,
        active: false,
        shadow: None,
        schema: json(row, 3)?,
        mapping: json(row, 4)?,
        policy: json(row, 5)?,
        upcast: json(row, 7)?,
        registered_at: Timestamp::from_micros(row.try_get_by_index(6)?).unwrap_or(Timestamp::MIN),
    })
}

/// Every version of every type, in the order of registration.
pub(crate) async fn records(
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<Vec<TypeRecord>, Error> {
    let sql = format!("SELECT {SELECTED} FROM {} ORDER BY id", tables.sql("{catalog}"));
    let rows = db.query_all_raw(dialect.statement(&sql, [])).await?;
    let mut records = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut shadows = shadow::all(dialect, db, tables).await?;
    let mut seen = HashSet::new();
    for record in records.iter_mut().rev() {
        record.shadow = shadows.remove(&(record.event_type.clone(), record.version.clone()));
        record.active = record.shadow.is_none() && seen.insert(record.event_type.clone());
    }
    Ok(records)
}

/// The registry as it is now, and the change that it is of.
pub(crate) async fn current(
    dialect: Dialect,
    db: &DatabaseConnection,
    tables: &Tables,
    options: &Options,
    known: &Registry,
) -> Result<(i64, Registry), Error> {
    let snapshot = dialect.snapshot(db).await?;
    let changes = position::log(dialect, &snapshot, tables).await?.changes;
    let registry = load(dialect, &snapshot, tables, options, known).await?;
    snapshot.rollback().await?;
    Ok((changes, registry))
}

/// The registry that the rows stand for. Schemas that are compiled in `known` already are taken
/// from there: to compile takes much longer than to compare.
pub(crate) async fn load(
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
    options: &Options,
    known: &Registry,
) -> Result<Registry, Error> {
    let mut registry = Registry::default();
    registry.unknown_types = options.unknown_types;
    registry.future_tolerance_seconds = options.future_tolerance_seconds;
    for record in records(dialect, db, tables).await? {
        let schema = match record.schema {
            None => None,
            Some(source) => {
                let compiled = known.get(&record.event_type, Some(&record.version));
                let compiled = compiled.and_then(|definition| definition.schema.as_ref());
                match compiled.filter(|schema| *schema.source() == source) {
                    Some(schema) => Some(schema.clone()),
                    None => Some(Schema::compile(&source)?),
                }
            }
        };
        let definition = Definition {
            schema,
            mapping: record.mapping,
            policy: record.policy.unwrap_or_default(),
            upcast: record.upcast,
        };
        match record.shadow {
            None => registry.insert(record.event_type, record.version, definition),
            Some(_) => registry.insert_shadow(record.event_type, record.version, definition),
        }
    }
    let metrics = MetricRow::all(dialect, db, tables).await?;
    registry.set_metrics(metrics.into_iter().map(|row| row.metric));
    Ok(registry)
}
