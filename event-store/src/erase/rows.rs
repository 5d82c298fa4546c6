//! What is left of some time, by its rows.

use event_core::Timestamp;
use event_core::aggregate::Cells;
use sea_orm::{ConnectionTrait as _, Value};

use crate::dialect::Transaction;
use crate::dictionary::Dictionary;
use crate::entity::event::{SELECTED, stored};
use crate::entity::metric::MetricRow;
use crate::error::Error;
use crate::inner::Inner;
use crate::rollup::{Gathered, Rollup};
use crate::rowless;

/// Rows that are read at once.
const STEP: usize = 500;

/// What the rows of some time say; `None` where some of its events have none.
pub(super) async fn counted(
    inner: &Inner,
    db: &Transaction,
    dictionary: &Dictionary,
    metric: &MetricRow,
    start: i64,
    end: i64,
) -> Result<Option<Cells>, Error> {
    let kinds = dictionary.of_type(metric.metric.event_type());
    let rowless = rowless::times(inner.dialect, db, &inner.tables).await?;
    let at = |micros: i64| Timestamp::MIN.saturating_add_micros(micros);
    let mut blind = kinds.iter().filter_map(|kind| rowless.get(kind));
    if blind.any(|(least, greatest)| *least < at(end) && at(start) <= *greatest) {
        return Ok(None);
    }
    let (rollup, mut gathered) = (Rollup::of(metric.clone()), Gathered::default());
    let tables = inner.tables.sql("{events} e LEFT JOIN {trails} t ON t.id = e.trail_id");
    let sql = format!(
        "SELECT {SELECTED} FROM {tables} WHERE e.kind_id = ? AND e.occurred_at >= ? AND e.occurred_at < ? \
         AND e.position > ? ORDER BY e.position LIMIT {STEP}"
    );
    for kind in kinds {
        let mut last = Some(0);
        while let Some(after) = last.take() {
            let values: [Value; 4] = [kind.into(), start.into(), end.into(), Value::from(after)];
            let rows = db.query_all_raw(inner.dialect.statement(&sql, values)).await?;
            for row in &rows {
                let event = stored(row, dictionary)?;
                if event.position <= metric.built || event.position > metric.since {
                    rollup.count(&event.event, &mut gathered);
                }
                last = Some(event.position).filter(|_| rows.len() == STEP);
            }
        }
    }
    Ok(Some(gathered.cells().remove(&metric.id).unwrap_or_default()))
}
