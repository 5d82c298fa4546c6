//! Versions that judge beside the active one: what they would have refused is counted, and changes nothing.

use std::collections::BTreeMap;

use event_core::{EventId, EventType, Label, Registry, Source, ValidEvent};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// What a shadow says to the events that are stored since it was registered, or its schema changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// How many events it judged.
    pub judged: u64,
    /// How many of them it would have refused.
    pub would_fail: u64,
    /// The same by the keywords that they break; an event may break several.
    pub by_keyword: BTreeMap<String, u64>,
    /// The last of them, newest last, ten at the most.
    pub samples: Vec<Shaded>,
}

/// An event that a shadow would have refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shaded {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub id: EventId,
    /// The application that it came from.
    pub source: Source,
}

/// What a shadow says to one event: the keywords that it breaks.
#[derive(Clone, Debug)]
pub(crate) struct Opinion {
    version: Label,
    broken: Vec<String>,
}

const SAMPLES: usize = 10;

/// The key of a shadow's row.
pub(crate) fn key(event_type: &EventType, version: &Label) -> [Value; 3] {
    [
        event_type.category.as_str().into(),
        event_type.name.as_str().into(),
        version.as_str().into(),
    ]
}

/// What the shadows of its type say to an event, unless one of them has judged it.
pub(crate) fn opinions(registry: &Registry, event: &ValidEvent) -> Vec<Opinion> {
    let (envelope, payload) = (event.event().envelope(), event.event().payload());
    let opinion = |(version, schema): (&Label, Option<&event_core::Schema>)| {
        let violations = schema
            .and_then(|schema| schema.validate(payload).err())
            .unwrap_or_default();
        let mut broken: Vec<String> = violations.into_iter().map(|violation| violation.keyword).collect();
        broken.sort_unstable();
        broken.dedup();
        Opinion {
            version: version.clone(),
            broken,
        }
    };
    let shadows = registry.shadows(&envelope.event_type);
    shadows
        .filter(|(version, _)| Some(*version) != envelope.version.as_ref())
        .map(|(version, definition)| opinion((version, definition.schema.as_ref())))
        .collect()
}

/// What the shadows say to the events of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Gathered(BTreeMap<(EventType, Label), Shadow>);

impl Gathered {
    /// Counts an event that is stored at a place.
    pub(crate) fn count(&mut self, event: &ValidEvent, position: i64, opinions: &[Opinion]) {
        for Opinion { version, broken } in opinions {
            let envelope = event.event().envelope();
            let key = (envelope.event_type.clone(), version.clone());
            let shadow = self.0.entry(key).or_default();
            shadow.judged += 1;
            if broken.is_empty() {
                continue;
            }
            shadow.would_fail += 1;
            for keyword in broken {
                *shadow.by_keyword.entry(keyword.clone()).or_default() += 1;
            }
            shadow.sampled(Shaded {
                position,
                id: envelope.id.clone(),
                source: envelope.source.clone(),
            });
        }
    }

    /// Adds it up in the transaction, which has the lock of the log. What is no shadow any more is
    /// not counted.
    pub(crate) async fn add(self, dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<(), Error> {
        for ((event_type, version), more) in self.0 {
            let key = key(&event_type, &version);
            let select = tables.sql("SELECT report FROM {shadows} WHERE category = ? AND name = ? AND version = ?");
            let Some(row) = db.query_one_raw(dialect.statement(&select, key.clone())).await? else {
                continue;
            };
            let report: String = row.try_get_by_index(0)?;
            let mut shadow: Shadow = serde_json::from_str(&report).unwrap_or_default();
            shadow.judged += more.judged;
            shadow.would_fail += more.would_fail;
            for (keyword, events) in more.by_keyword {
                *shadow.by_keyword.entry(keyword).or_default() += events;
            }
            more.samples.into_iter().for_each(|sample| shadow.sampled(sample));
            let report = serde_json::to_string(&shadow).map_err(|_| Error::corrupt("no JSON"))?;
            let update = "UPDATE {shadows} SET report = ? WHERE category = ? AND name = ? AND version = ?";
            let values = std::iter::once(Value::from(report)).chain(key);
            db.execute_raw(dialect.statement(&tables.sql(update), values)).await?;
        }
        Ok(())
    }
}

/// Forgets samples of events that are erased, in the transaction that erases them.
pub(crate) async fn forget(
    positions: &[i64],
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<(), Error> {
    let select = tables.sql("SELECT category, name, version, report FROM {shadows}");
    for row in db.query_all_raw(dialect.statement(&select, [])).await? {
        let mut key: Vec<Value> = Vec::with_capacity(3);
        for column in 0..3 {
            let text: String = row.try_get_by_index(column)?;
            key.push(text.into());
        }
        let report: String = row.try_get_by_index(3)?;
        let mut shadow: Shadow = serde_json::from_str(&report).unwrap_or_default();
        let samples = shadow.samples.len();
        shadow.samples.retain(|sample| !positions.contains(&sample.position));
        if shadow.samples.len() == samples {
            continue;
        }
        let report = serde_json::to_string(&shadow).map_err(|_| Error::corrupt("no JSON"))?;
        let update = tables.sql("UPDATE {shadows} SET report = ? WHERE category = ? AND name = ? AND version = ?");
        let values = std::iter::once(Value::from(report)).chain(key);
        db.execute_raw(dialect.statement(&update, values)).await?;
    }
    Ok(())
}

impl Shadow {
    fn sampled(&mut self, sample: Shaded) {
        if self.samples.len() == SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(sample);
    }
}

/// All shadows.
pub(crate) async fn all(
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<BTreeMap<(EventType, Label), Shadow>, Error> {
    let sql = tables.sql("SELECT category, name, version, report FROM {shadows}");
    let rows = db.query_all_raw(dialect.statement(&sql, [])).await?;
    let read = |row: &sea_orm::QueryResult| {
        let (category, name): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (version, report): (String, String) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let malformed = |_| Error::corrupt("a malformed event type");
        let event_type = EventType::new(category, name).map_err(malformed)?;
        let version = Label::new(version).map_err(malformed)?;
        Ok(((event_type, version), serde_json::from_str(&report).unwrap_or_default()))
    };
    rows.iter().map(read).collect()
}
