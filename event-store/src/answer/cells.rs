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

    /// Whether nothing is asked but how many events of which types there are.
    #[cfg(feature = "sqlite")]
    pub(super) fn only_counts(&self) -> bool {
        self.measured.is_none() && self.groups.iter().all(|(group, _)| matches!(group, Group::Kind))
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
        // Each select in FROM is computed once a row, for all that the one around it makes of it.
        let names: Vec<String> = (0..columns.len()).map(|place| format!("c{place}")).collect();
        let once = |own: &str, select: &[String], from: &str| {
            format!(
                "(SELECT {} FROM {from}{}) r",
                [select, &[own.to_owned()]].concat().join(", "),
                dialect.once()
            )
        };
        let named: Vec<String> = columns
            .iter()
            .zip(&names)
            .map(|(column, name)| format!("{column} AS {name}"))
            .collect();
        let texts = once(&format!("{} AS n", dialect.number_text(json)), &named, &from);
        let part = |expression: &str| format!("CASE WHEN {} THEN {expression} END", is_number("n"));
        if let Some(decimal) = self.decimal(dialect) {
            let decimals = once(&format!("{} AS m", part(decimal)), &names, &texts);
            let values = ["COUNT(*)", "COUNT(m)", "CAST(SUM(m) AS TEXT)"].map(str::to_owned);
            let (grouped, selected) = (grouped(names.len()), [&names[..], &values].concat());
            return format!("SELECT {} FROM {decimals}{grouped}", selected.join(", "));
        }
        let numbers = dialect.number("n");
        let noted = match numbers.note {
            Some(note) => once(&format!("n, {note}"), &names, &texts),
            None => texts,
        };
        let parts = format!("{} AS x, {} AS m", part(&numbers.exponent), part(&numbers.mantissa));
        let parts = once(&parts, &names, &noted);
        let values = match self.query.measure {
            Measure::Minimum(_) | Measure::Maximum(_) => ["MIN(m)".to_owned(), "MAX(m)".to_owned()],
            _ => [
                dialect.total(&dialect.divide("m", HALF)),
                dialect.total(&format!("m % {HALF}")),
            ],
        };
        let grouped = grouped(names.len() + 1);
        let counted = ["x".to_owned(), "COUNT(*)".to_owned()];
        let selected = [&names[..], &counted, &values].concat();
        format!("SELECT {} FROM {parts}{grouped}", selected.join(", "))
    }

    /// What makes a decimal of `n`, where the database adds up decimals of any size and a sum is asked for.
    fn decimal(&self, dialect: Dialect) -> Option<&'static str> {
        let sum = matches!(self.query.measure, Measure::Sum(_) | Measure::Average(_));
        dialect.decimal().filter(|_| sum)
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
            if let Some(summary) = self.summary(&row, column, inner.dialect)? {
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
    fn summary(&self, row: &QueryResult, first: usize, dialect: Dialect) -> Result<Option<Summary>, Error> {
        let mut summary = Summary::default();
        if self.measured.is_none() {
            let events: i64 = row.try_get_by_index(first)?;
            summary.add_events(events.unsigned_abs());
            return Ok((events > 0).then_some(summary));
        }
        if self.decimal(dialect).is_some() {
            let (events, numbers): (i64, i64) = (row.try_get_by_index(first)?, row.try_get_by_index(first + 1)?);
            summary.add_events(events.unsigned_abs());
            if let Some(sum) = row.try_get_by_index::<Option<String>>(first + 2)? {
                add_decimal(&mut summary, numbers.unsigned_abs(), &sum)?;
            }
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

/// Digits that fit into a part of a total.
const DIGITS: usize = 18;

/// Adds the sum of so many numbers, a decimal of any length as `-12.50`, part by part.
fn add_decimal(summary: &mut Summary, numbers: u64, sum: &str) -> Result<(), Error> {
    let no_decimal = || Error::corrupt("a sum that is no decimal");
    let (sign, digits) = sum.strip_prefix('-').map_or((1, sum), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = [whole, places].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(no_decimal());
    }
    let mut exponent = -i16::try_from(places.len()).map_err(|_| no_decimal())?;
    let mut numbers = numbers;
    for part in digits.as_bytes().rchunks(DIGITS) {
        let total = part
            .iter()
            .fold(0, |total, digit| total * 10 + i128::from(digit - b'0'));
        summary.add_sum(numbers, sign * total, exponent);
        numbers = 0;
        exponent = exponent.checked_add(DIGITS as i16).ok_or_else(no_decimal)?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::add_decimal;
    use event_core::aggregate::Summary;
    use event_core::query::Measure;

    #[test]
    fn a_sum_of_any_length_is_added_as_it_is_written() {
        let long = format!("-{}.{}", "98765".repeat(70), "4321".repeat(90));
        for sum in [
            "0",
            "12",
            "-12.5",
            "-0.000001",
            "123456789012345678901234567890.12",
            &long,
        ] {
            let mut summary = Summary::default();
            add_decimal(&mut summary, 3, sum).unwrap();
            assert_eq!(
                summary.value(&Measure::Sum(Default::default())),
                Some(sum.parse().unwrap()),
                "{sum}"
            );
            let third = summary.value(&Measure::Average(Default::default()));
            assert_eq!(sum == "12", third == Some(4.into()), "{sum}");
        }
        for none in ["", "-", "NaN", "1e5", "1.2.3"] {
            assert!(add_decimal(&mut Summary::default(), 1, none).is_err(), "{none}");
        }
    }
}
