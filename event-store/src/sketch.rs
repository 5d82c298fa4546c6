//! Sketches as rows: the different values of a field, beside the cells.

use std::collections::{BTreeMap, HashMap};

use event_core::aggregate::Sketch;
use sea_orm::{ConnectionTrait as _, QueryResult, Value};

use crate::dialect::{Bind, Insert, Kind, Merge, Taken, Transaction};
use crate::error::Error;
use crate::tables::Tables;

/// Metric, level in minutes, start, and the digest of the group.
pub(crate) type Place = (i64, i64, i64, [u8; 16]);

/// Sketches that are looked up at once.
const CHUNK: usize = 200;

const SKETCHES: Insert<5> = Insert {
    table: "{sketches}",
    columns: [
        ("metric_id", Kind::Int),
        ("level", Kind::Int),
        ("at", Kind::Int),
        ("digest", Kind::Bytes),
        ("sketch", Kind::Bytes),
    ],
    taken: Taken::Merges {
        key: "metric_id, level, at, digest",
        changes: &[("sketch", Merge::Replace)],
    },
};

/// Adds sketches to those that are stored. A database cannot merge them: they are read, merged and written
/// back, so that whoever adds has the lock of the log, and nobody else adds in the meantime.
pub(crate) async fn add(sketches: &BTreeMap<Place, &Sketch>, db: &Transaction, tables: &Tables) -> Result<(), Error> {
    let places: Vec<&Place> = sketches.keys().collect();
    let mut changed: Vec<(&Place, Vec<u8>)> = Vec::new();
    for chunk in places.chunks(CHUNK) {
        let known = stored(chunk, db, tables).await?;
        for place in chunk {
            let Some(more) = sketches.get(*place) else { continue };
            let bytes = match known.get(*place) {
                None => more.to_bytes(),
                // Left as it is for `verify` to find: events are stored all the same.
                Some(None) => continue,
                Some(Some(known)) => {
                    let mut sketch = known.clone();
                    sketch.merge(more);
                    // Who comes again changes nothing.
                    if sketch == *known {
                        continue;
                    }
                    sketch.to_bytes()
                }
            };
            changed.push((*place, bytes));
        }
    }
    let rows: Vec<_> = changed
        .iter()
        .map(|((metric, level, at, digest), bytes)| {
            [
                Bind::Int(*metric),
                Bind::Int(*level),
                Bind::Int(*at),
                Bind::Bytes(digest),
                Bind::Bytes(bytes),
            ]
        })
        .collect();
    if !rows.is_empty() {
        db.insert(&SKETCHES, tables, &rows).await?;
    }
    Ok(())
}

/// Those of some places that are there; `None` for what is no sketch.
async fn stored(places: &[&Place], db: &Transaction, tables: &Tables) -> Result<HashMap<Place, Option<Sketch>>, Error> {
    let dialect = db.dialect();
    let wanted = dialect.one_of_rows(&["metric_id", "level", "at", "digest"], places.len());
    let select = tables.sql("SELECT metric_id, level, at, digest, sketch FROM {sketches} WHERE ");
    let values = places.iter().flat_map(|(metric, level, at, digest)| -> [Value; 4] {
        [(*metric).into(), (*level).into(), (*at).into(), digest.to_vec().into()]
    });
    let statement = dialect.statement(&format!("{select}{wanted}"), values);
    let mut known = HashMap::new();
    for row in db.query_all_raw(statement).await? {
        let digest: Vec<u8> = row.try_get_by_index(3)?;
        let digest = digest
            .try_into()
            .map_err(|_| Error::corrupt("a digest of another length"))?;
        let place = (
            row.try_get_by_index(0)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
            digest,
        );
        let bytes: Vec<u8> = row.try_get_by_index(4)?;
        known.insert(place, Sketch::from_bytes(&bytes));
    }
    Ok(known)
}

/// A column of a row as a sketch; `None` for what is none, which is for `verify` to find.
pub(crate) fn look(row: &QueryResult, index: usize) -> Result<Option<Sketch>, Error> {
    let bytes: Vec<u8> = row.try_get_by_index(index)?;
    Ok(Sketch::from_bytes(&bytes))
}

/// A column of a row as a sketch.
pub(crate) fn read(row: &QueryResult, index: usize) -> Result<Sketch, Error> {
    look(row, index)?.ok_or_else(|| Error::corrupt("a sketch that is none"))
}
