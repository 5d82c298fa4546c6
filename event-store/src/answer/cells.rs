//! Counts and sums by groups and stretches of time, as one statement.

use event_core::aggregate::Tally;
use event_core::aggregate::{GroupKey, Summary};
use event_core::filter::{Field, Scalar};
use event_core::json::Number;
use event_core::query::Measure;
use event_core::{Query, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult};

use crate::dialect::Dialect;
use crate::dictionary::Dictionary;
use crate::error::Error;
use crate::inner::Inner;
use crate::selection::{Selection, is_number};

/// Mantissas are summed in two halves, so that no total overflows 64 bits.
const HALF: i64 = 1_000_000_000;

/// A statement that answers cells for a tally.
pub(super) struct Cells<'a> {
    query: &'a Query,
    /// Of a stretch of time that no bucket's edge cuts: its number is the time divided by this.
    granule: Option<i64>,
    /// One expression for each column that makes a group.
    groups: Vec<(Group<'a>, String)>,
    /// What is measured, as JSON text.
    measured: Option<String>,
}

/// What a column of a group holds.
enum Group<'a> {
    /// The number of a kind.
    Kind,
    /// The number of a source.
    Source,
    /// A session or subject, `''` for none.
    Text(&'a Field),
    /// Canonical JSON text, NULL for none.
    Json(&'a Field),
}

impl<'a> Cells<'a> {
    /// The statement for a question; `None` where this database cannot answer it exactly.
    pub(super) fn of(query: &'a Query, selection: &Selection, dialect: Dialect) -> Option<Self> {
        if selection.inexact {
            return None;
        }
        let mut groups: Vec<(Group<'a>, String)> = Vec::new();
        for field in &query.by {
            let group = match field {
                Field::Category | Field::Name | Field::Version => (Group::Kind, "e.kind_id".to_owned()),
                Field::Source => (Group::Source, "e.source_id".to_owned()),
                Field::SessionId => (Group::Text(field), "COALESCE(t.session, '')".to_owned()),
                Field::Subject => (Group::Text(field), "COALESCE(t.subject, '')".to_owned()),
                Field::Data(pointer) => (Group::Json(field), dialect.json_at("e.data", pointer)?),
            };
            if !groups.iter().any(|(_, known)| *known == group.1) {
                groups.push(group);
            }
        }
        let measured = match query.measure.pointer() {
            None => None,
            Some(pointer) => Some(dialect.json_at("e.data", pointer)?),
        };
        let granule = query.bucket.map(|bucket| bucket.granule(query.from, query.to));
        Some(Cells {
            query,
            granule,
            groups,
            measured,
        })
    }

    fn sql(&self, inner: &Inner, selection: &Selection, condition: &str) -> String {
        let dialect = inner.dialect;
        let mut columns: Vec<String> = self
            .granule
            .iter()
            .map(|granule| dialect.divide("e.occurred_at", *granule))
            .collect();
        columns.extend(self.groups.iter().map(|(_, expression)| expression.clone()));
        let with_trails = self.groups.iter().any(|(group, _)| matches!(group, Group::Text(_)));
        let tables = if with_trails {
            "{events} e LEFT JOIN {trails} t ON t.id = e.trail_id"
        } else {
            "{events} e"
        };
        let tables = inner.tables.sql(tables);
        let kinds = selection
            .of_kinds()
            .map(|kinds| format!(" AND {kinds}"))
            .unwrap_or_default();
        let from = format!("{tables} WHERE 1 = 1{kinds}{condition}");
        let Some(json) = &self.measured else {
            let grouped = grouped(columns.len());
            columns.push("COUNT(*)".to_owned());
            return format!("SELECT {} FROM {from}{grouped}", columns.join(", "));
        };
        // The number is looked for once a row, and taken apart outside.
        let named = columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("{column} AS c{place}"));
        let number = format!("{} AS n", dialect.number_text(json));
        let inside: Vec<String> = named.chain([number]).collect();
        let part = |expression: String| format!("CASE WHEN {} THEN {expression} END", is_number("n"));
        let (exponent, mantissa) = (part(dialect.exponent("n")), part(dialect.mantissa("n")));
        let mut outside: Vec<String> = (0..columns.len()).map(|place| format!("c{place}")).collect();
        outside.push(exponent);
        let grouped = grouped(outside.len());
        outside.push("COUNT(*)".to_owned());
        outside.extend(match self.query.measure {
            Measure::Minimum(_) | Measure::Maximum(_) => [format!("MIN({mantissa})"), format!("MAX({mantissa})")],
            _ => [
                dialect.total(&dialect.divide(&format!("({mantissa})"), HALF)),
                dialect.total(&format!("({mantissa}) % {HALF}")),
            ],
        });
        format!(
            "SELECT {} FROM (SELECT {} FROM {from}{}) x{grouped}",
            outside.join(", "),
            inside.join(", "),
            dialect.once()
        )
    }

    /// Runs the statement and adds its cells.
    pub(super) async fn add_to(
        &self,
        mut tally: Tally,
        inner: &Inner,
        db: &impl ConnectionTrait,
        dictionary: &Dictionary,
        selection: &Selection,
    ) -> Result<Tally, Error> {
        let (condition, values) = selection.sql();
        let sql = self.sql(inner, selection, &condition);
        for row in db.query_all_raw(inner.dialect.statement(&sql, values)).await? {
            let mut column = 0;
            let at = match self.granule {
                None => self.query.from.unwrap_or(Timestamp::MIN),
                Some(granule) => {
                    column += 1;
                    let stretch: i64 = row.try_get_by_index(0)?;
                    Timestamp::MIN.saturating_add_micros(stretch.saturating_mul(granule))
                }
            };
            let group = self.group(&row, column, dictionary)?;
            column += self.groups.len();
            if let Some(summary) = self.summary(&row, column)? {
                tally.add_cell(at, group, &summary);
            }
        }
        Ok(tally)
    }

    /// The values of `by`, as canonical JSON texts.
    fn group(&self, row: &QueryResult, first: usize, dictionary: &Dictionary) -> Result<GroupKey, Error> {
        let unknown = || Error::corrupt("an event of an unknown type or source");
        let quoted = |text: &str| Scalar::from(text).text();
        let mut texts: Vec<Option<String>> = Vec::with_capacity(self.query.by.len());
        for field in &self.query.by {
            let place = self.groups.iter().position(|(group, _)| match (group, field) {
                (Group::Kind, Field::Category | Field::Name | Field::Version) | (Group::Source, Field::Source) => true,
                (Group::Text(known) | Group::Json(known), field) => *known == field,
                _ => false,
            });
            let column = first + place.ok_or_else(|| Error::corrupt("a group without its column"))?;
            texts.push(match field {
                Field::Category | Field::Name | Field::Version => {
                    let kind = dictionary.kind(row.try_get_by_index(column)?).ok_or_else(unknown)?;
                    match field {
                        Field::Category => Some(quoted(kind.event_type.category.as_str())),
                        Field::Name => Some(quoted(kind.event_type.name.as_str())),
                        _ => kind.version.as_ref().map(|version| quoted(version.as_str())),
                    }
                }
                Field::Source => {
                    let source = dictionary.source(row.try_get_by_index(column)?).ok_or_else(unknown)?;
                    Some(quoted(source.as_str()))
                }
                Field::SessionId | Field::Subject => {
                    let text: String = row.try_get_by_index(column)?;
                    (!text.is_empty()).then(|| quoted(&text))
                }
                Field::Data(_) => row.try_get_by_index(column)?,
            });
        }
        Ok(GroupKey::new(texts.iter().map(Option::as_deref)))
    }

    /// The cell itself; `None` for the empty row of a question without groups.
    fn summary(&self, row: &QueryResult, first: usize) -> Result<Option<Summary>, Error> {
        let mut summary = Summary::default();
        if self.measured.is_none() {
            let events: i64 = row.try_get_by_index(first)?;
            summary.add_events(events.unsigned_abs());
            return Ok((events > 0).then_some(summary));
        }
        let exponent: Option<i64> = row.try_get_by_index(first)?;
        let events: i64 = row.try_get_by_index(first + 1)?;
        summary.add_events(events.unsigned_abs());
        let Some(exponent) = exponent else {
            return Ok((events > 0).then_some(summary));
        };
        let pair: (Option<i64>, Option<i64>) = (row.try_get_by_index(first + 2)?, row.try_get_by_index(first + 3)?);
        let (Some(one), Some(other)) = pair else {
            return Err(Error::corrupt("an exponent without a mantissa"));
        };
        if let Measure::Minimum(_) | Measure::Maximum(_) = self.query.measure {
            let number = |mantissa: i64| Number::from_literal(&format!("{mantissa}e{exponent}"));
            let extremes = number(one).zip(number(other));
            let (least, greatest) = extremes.ok_or_else(|| Error::corrupt("a number that is none"))?;
            summary.add_extremes(least, greatest);
        } else {
            let total = i128::from(one) * i128::from(HALF) + i128::from(other);
            let exponent = i16::try_from(exponent).map_err(|_| Error::corrupt("an exponent beyond any float"))?;
            summary.add_sum(events.unsigned_abs(), total, exponent);
        }
        Ok(Some(summary))
    }
}

/// ` GROUP BY` the first columns, of which there may be none.
fn grouped(columns: usize) -> String {
    let places: Vec<String> = (1..=columns).map(|place| place.to_string()).collect();
    if places.is_empty() {
        String::new()
    } else {
        format!(" GROUP BY {}", places.join(", "))
    }
}
