//! Event types and sources as small numbers: a row is shorter, and a filter on them is answered
//! here, by the very code that answers it in memory.

use std::collections::{BTreeSet, HashMap};

use event_core::{EventType, Label, Source};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::tables::Tables;

/// An event type with the version that judged its events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) event_type: EventType,
    pub(crate) version: Option<Label>,
}

/// All kinds and sources that occur. It only ever grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    kinds: HashMap<i64, Kind>,
    sources: HashMap<i64, Source>,
    kind_ids: HashMap<Kind, i64>,
    source_ids: HashMap<Source, i64>,
}

/// The numbers that were given last: by them it is told whether anything was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    kind: i64,
    source: i64,
}

impl Newest {
    /// What a select has to answer for [`Newest::of`].
    pub(crate) const SELECTED: [&'static str; 2] = [
        "COALESCE((SELECT MAX(id) FROM {kinds}), 0)",
        "COALESCE((SELECT MAX(id) FROM {sources}), 0)",
    ];

    /// The values of these.
    pub(crate) fn values(self) -> [i64; 2] {
        [self.kind, self.source]
    }

    /// What a row says, beginning at a column.
    pub(crate) fn of(row: &QueryResult, column: usize) -> Result<Self, Error> {
        Ok(Newest {
            kind: row.try_get_by_index(column)?,
            source: row.try_get_by_index(column + 1)?,
        })
    }

    pub(crate) async fn read(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables) -> Result<Self, Error> {
        let sql = tables.sql(&format!("SELECT {}", Newest::SELECTED.join(", ")));
        let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
        Newest::of(&row.ok_or_else(|| Error::corrupt("no row for a maximum"))?, 0)
    }
}

impl Dictionary {
    pub(crate) fn kind(&self, id: i64) -> Option<&Kind> {
        self.kinds.get(&id)
    }

    pub(crate) fn source(&self, id: i64) -> Option<&Source> {
        self.sources.get(&id)
    }

    pub(crate) fn source_id(&self, source: &Source) -> Option<i64> {
        self.source_ids.get(source).copied()
    }

    /// Every kind, smallest number first.
    pub(crate) fn kinds(&self) -> Vec<(i64, &Kind)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(id, kind)| (*id, kind)).collect();
        kinds.sort_unstable_by_key(|(id, _)| *id);
        kinds
    }

    /// The kinds of a type: one for each version.
    pub(crate) fn of_type(&self, event_type: &EventType) -> BTreeSet<i64> {
        let of_type = self.kinds.iter().filter(|(_, kind)| kind.event_type == *event_type);
        of_type.map(|(id, _)| *id).collect()
    }

    /// Every source, smallest number first.
    pub(crate) fn sources(&self) -> Vec<(i64, &Source)> {
        let mut sources: Vec<_> = self.sources.iter().map(|(id, source)| (*id, source)).collect();
        sources.sort_unstable_by_key(|(id, _)| *id);
        sources
    }

    fn add_kind(&mut self, id: i64, kind: Kind) {
        self.kind_ids.insert(kind.clone(), id);
        self.kinds.insert(id, kind);
    }

    fn add_source(&mut self, id: i64, source: Source) {
        self.source_ids.insert(source.clone(), id);
        self.sources.insert(id, source);
    }

    /// The numbers that it has learned last.
    pub(crate) fn newest(&self) -> Newest {
        let last = |ids: Option<&i64>| ids.copied().unwrap_or(0);
        Newest {
            kind: last(self.kinds.keys().max()),
            source: last(self.sources.keys().max()),
        }
    }

    /// Reads what writers have added.
    pub(crate) async fn refresh(
        &mut self,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<(), Error> {
        let newest = self.kinds.keys().max().copied().unwrap_or(0);
        let sql = tables.sql("SELECT id, category, name, version FROM {kinds} WHERE id > ?");
        for row in db.query_all_raw(dialect.statement(&sql, [newest.into()])).await? {
            let (category, name, version): (String, String, String) = (
                row.try_get_by_index(1)?,
                row.try_get_by_index(2)?,
                row.try_get_by_index(3)?,
            );
            let event_type = EventType::new(category, name).map_err(|_| Error::corrupt("a malformed event type"))?;
            self.add_kind(
                row.try_get_by_index(0)?,
                Kind {
                    event_type,
                    version: Label::new(version).ok(),
                },
            );
        }
        let newest = self.sources.keys().max().copied().unwrap_or(0);
        let sql = tables.sql("SELECT id, name FROM {sources} WHERE id > ?");
        for row in db.query_all_raw(dialect.statement(&sql, [newest.into()])).await? {
            let name: String = row.try_get_by_index(1)?;
            let source = Source::new(name).map_err(|_| Error::corrupt("a malformed source"))?;
            self.add_source(row.try_get_by_index(0)?, source);
        }
        Ok(())
    }

    /// The number of a kind, made if it is new.
    pub(crate) async fn kind_id(
        &mut self,
        kind: &Kind,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<i64, Error> {
        if let Some(id) = self.kind_ids.get(kind) {
            return Ok(*id);
        }
        let version = kind.version.as_ref().map_or("", Label::as_str);
        let key = [
            kind.event_type.category.as_str(),
            kind.event_type.name.as_str(),
            version,
        ];
        let insert = "INSERT INTO {kinds} (category, name, version) VALUES (?, ?, ?)";
        let insert = format!(
            "{} {}",
            tables.sql(insert),
            dialect.keep_existing("category, name, version")
        );
        db.execute_raw(dialect.statement(&insert, key.map(Into::into))).await?;
        let select = tables.sql("SELECT id FROM {kinds} WHERE category = ? AND name = ? AND version = ?");
        let id = only_number(db, dialect.statement(&select, key.map(Into::into))).await?;
        self.add_kind(id, kind.clone());
        Ok(id)
    }

    /// The number of a source, if it has one.
    pub(crate) async fn known_source_id(
        &mut self,
        source: &Source,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<Option<i64>, Error> {
        if let Some(id) = self.source_id(source) {
            return Ok(Some(id));
        }
        let select = tables.sql("SELECT id FROM {sources} WHERE name = ?");
        let select = dialect.statement(&select, [source.as_str().into()]);
        let Some(row) = db.query_one_raw(select).await? else {
            return Ok(None);
        };
        let id = row.try_get_by_index(0)?;
        self.add_source(id, source.clone());
        Ok(Some(id))
    }

    /// The number of a source, made if it is new.
    pub(crate) async fn new_source_id(
        &mut self,
        source: &Source,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<i64, Error> {
        if let Some(id) = self.source_id(source) {
            return Ok(id);
        }
        let insert = format!(
            "{} {}",
            tables.sql("INSERT INTO {sources} (name) VALUES (?)"),
            dialect.keep_existing("name")
        );
        db.execute_raw(dialect.statement(&insert, [source.as_str().into()]))
            .await?;
        let id = self.known_source_id(source, dialect, db, tables).await?;
        id.ok_or_else(|| Error::corrupt("no row where one must be"))
    }
}

/// The one number that a statement answers.
pub(crate) async fn only_number(db: &impl ConnectionTrait, statement: sea_orm::Statement) -> Result<i64, Error> {
    let row = db
        .query_one_raw(statement)
        .await?
        .ok_or_else(|| Error::corrupt("no row where one must be"))?;
    Ok(row.try_get_by_index(0)?)
}
