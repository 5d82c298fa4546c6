//! Counts and sums by groups and stretches of time, as one statement.

use event_core::aggregate::Tally;
use event_core::aggregate::{GroupKey, Summary};
use event_core::filter::{Field, Scalar};
use event_core::json::Number;
use event_core::query::Measure;
use event_core::{Query, Timestamp};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::dialect::{Dialect, Numbers};
use crate::dictionary::Dictionary;
use crate::error::Error;
use crate::inner::Inner;
use crate::selection::Selection;

/// A statement that answers cells for a tally.
pub(super) struct Cells<'a> {
    query: &'a Query,
    /// Of a stretch of time that no bucket's edge cuts: its number is the time divided by this.
    granule: Option<i64>,
    /// One expression for each column that makes a group.
    groups: Vec<(Group<'a>, String)>,
    /// What is measured.
    measured: Option<Numbers>,
}

/// Something that is made of rows.
struct Aggregate {
    of_rows: String,
    /// What makes one of several.
    again: &'static str,
    /// Whether it is a decimal, not a whole number.
    is_decimal: bool,
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
            Some(pointer) => Some(dialect.numbers_at("e.data", pointer)?),
        };
        let granule = query.bucket.map(|bucket| bucket.granule(query.from, query.to));
        Some(Cells {
            query,
            granule,
            groups,
            measured,
        })
    }

    /// Whether there is a statement that takes all that is measured for numbers, and fails where something else stands.
    pub(super) fn can_be_bold(&self) -> bool {
        matches!(&self.measured, Some(Numbers { bold: Some(_), .. }))
    }

    /// Whether nothing is asked but how many events of which types there are.
    #[cfg(feature = "sqlite")]
    pub(super) fn only_counts(&self) -> bool {
        self.measured.is_none() && self.groups.iter().all(|(group, _)| matches!(group, Group::Kind))
    }

    /// The statement, and what is bound to it. It answers the columns of a group, then what is counted of it: where numbers
    /// are measured the exponent of those that it is about, if the database tells them apart, and how many events there are; then
    /// what [`Cells::aggregates`] says.
    pub(super) fn sql(&self, inner: &Inner, selection: &Selection, gate: &str, is_bold: bool) -> (String, Vec<Value>) {
        let dialect = inner.dialect;
        let (condition, values) = selection.sql();
        let kinds = selection
            .of_kinds()
            .map(|kinds| format!(" AND {kinds}"))
            .unwrap_or_default();
        let (trails, mut events) = (" LEFT JOIN {trails} t ON t.id = ", "{events} e".to_owned());
        let is_of_trails = self.groups.iter().any(|(group, _)| matches!(group, Group::Text(_)));
        // The events of a trail can be counted before anybody looks up whose it is, as they are many more.
        let is_late = is_of_trails && dialect.counts_before_it_joins();
        if is_of_trails && !is_late {
            events = format!("{events}{trails}e.trail_id");
        }
        let rows = format!("{events} WHERE 1 = 1{gate}{kinds}{condition}");
        // What rows have in common that are counted together, and what is told of it.
        let (mut keys, mut told, mut trail) = (Vec::new(), Vec::new(), None);
        let key = |keys: &mut Vec<String>, expression: &str| {
            keys.push(format!("{expression} AS k{}", keys.len()));
            format!("a.k{}", keys.len() - 1)
        };
        if let Some(granule) = self.granule {
            told.push(key(&mut keys, &dialect.divide("e.occurred_at", granule)));
        }
        for (group, expression) in &self.groups {
            told.push(match group {
                Group::Text(_) if is_late => {
                    trail.get_or_insert_with(|| key(&mut keys, "e.trail_id"));
                    expression.clone()
                }
                _ => key(&mut keys, expression),
            });
        }
        let mut from = rows;
        if let Some(numbers) = &self.measured {
            if let Some(once) = &numbers.once {
                // It is computed once a row, for all that the select around it makes of it.
                let columns = [&keys[..], &[format!("{once} AS n")]].concat();
                from = format!("(SELECT {} FROM {from}{}) r", columns.join(", "), dialect.once());
                keys = (0..keys.len()).map(|place| format!("k{place}")).collect();
            }
            if let Some(exponent) = &numbers.exponent {
                told.push(key(&mut keys, exponent));
            }
        }
        let of_keys = grouped(keys.len());
        let aggregates = self.aggregates(is_bold);
        let of_rows = aggregates
            .iter()
            .zip(0..)
            .map(|(it, place)| format!("{} AS v{place}", it.of_rows));
        keys.extend(of_rows);
        from = format!("(SELECT {} FROM {from}{of_keys}) a", keys.join(", "));
        let of_groups = match &trail {
            None => String::new(),
            Some(trail) => {
                from = format!("{from}{trails}{trail}");
                grouped(told.len())
            }
        };
        told.extend(aggregates.iter().zip(0..).map(|(it, place)| {
            let value = format!("a.v{place}");
            let value = match (&trail, it.is_decimal) {
                (None, _) => value,
                (Some(_), false) => dialect.total(&value),
                (Some(_), true) => format!("{}({value})", it.again),
            };
            if it.is_decimal {
                dialect.decimal_text(&value)
            } else {
                value
            }
        }));
        let columns: Vec<String> = told
            .iter()
            .zip(0..)
            .map(|(it, place)| format!("{it} AS c{place}"))
            .collect();
        let sql = format!("SELECT {} FROM {from}{of_groups}", columns.join(", "));
        (inner.tables.sql(&sql), values)
    }

    /// How many events there are; then, where numbers are measured, how many of these for an average, and what the measure
    /// asks for.
    fn aggregates(&self, is_bold: bool) -> Vec<Aggregate> {
        let whole = |of_rows: String| Aggregate {
            of_rows,
            again: "SUM",
            is_decimal: false,
        };
        let mut aggregates = vec![whole("COUNT(*)".to_owned())];
        if let Some(Numbers { decimal, bold, .. }) = &self.measured {
            let decimal = bold.as_ref().filter(|_| is_bold).unwrap_or(decimal);
            let again = match self.query.measure {
                Measure::Minimum(_) => "MIN",
                Measure::Maximum(_) => "MAX",
                _ => "SUM",
            };
            if self.is_average() {
                aggregates.push(whole(format!("COUNT({decimal})")));
            }
            aggregates.push(Aggregate {
                of_rows: format!("{again}({decimal})"),
                again,
                is_decimal: true,
            });
        }
        aggregates
    }

    fn is_average(&self) -> bool {
        matches!(self.query.measure, Measure::Average(_))
    }

    /// Runs the statement and adds its cells.
    pub(super) async fn add_to(
        &self,
        tally: Tally,
        inner: &Inner,
        db: &impl ConnectionTrait,
        dictionary: &Dictionary,
        selection: &Selection,
    ) -> Result<Tally, Error> {
        let (sql, values) = self.sql(inner, selection, "", false);
        let rows = db.query_all_raw(inner.dialect.statement(&sql, values)).await?;
        self.add(tally, &rows, 0, dictionary)
    }

    /// Adds the cells that rows are, beginning at a column.
    pub(super) fn add(
        &self,
        mut tally: Tally,
        rows: &[QueryResult],
        first: usize,
        dictionary: &Dictionary,
    ) -> Result<Tally, Error> {
        let groups = first + usize::from(self.granule.is_some());
        for row in rows {
            // There is none of a group that is not there.
            let Some(summary) = self.summary(row, groups + self.groups.len())? else {
                continue;
            };
            let at = match self.granule {
                None => self.query.from.unwrap_or(Timestamp::MIN),
                Some(granule) => {
                    let stretch: i64 = row.try_get_by_index(first)?;
                    Timestamp::MIN.saturating_add_micros(stretch.saturating_mul(granule))
                }
            };
            tally.add_cell(at, self.group(row, groups, dictionary)?, &summary);
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

    /// The cell itself; `None` for a row about no event.
    fn summary(&self, row: &QueryResult, first: usize) -> Result<Option<Summary>, Error> {
        let mut column = first;
        let mut next = || {
            column += 1;
            column - 1
        };
        let exponent: Option<String> = match &self.measured {
            Some(Numbers { exponent: Some(_), .. }) => row.try_get_by_index(next())?,
            _ => Some(String::new()),
        };
        let events: Option<i64> = row.try_get_by_index(next())?;
        let events = events.unwrap_or(0).unsigned_abs();
        if events == 0 {
            return Ok(None);
        }
        let mut summary = Summary::default();
        summary.add_events(events);
        let (Some(_), Some(exponent)) = (&self.measured, exponent) else {
            return Ok(Some(summary));
        };
        // How many there are is only asked for an average; otherwise it is enough that there are any.
        let numbers = if self.is_average() {
            row.try_get_by_index(next())?
        } else {
            1_i64
        };
        let Some(mut text) = row.try_get_by_index::<Option<String>>(next())? else {
            return Ok(Some(summary));
        };
        if !exponent.is_empty() {
            text = format!("{text}e{exponent}");
        }
        if let Measure::Minimum(_) | Measure::Maximum(_) = self.query.measure {
            let number = number(&text).ok_or_else(|| Error::corrupt("a number that is none"))?;
            summary.add_extremes(number, number);
        } else {
            add_decimal(&mut summary, numbers.unsigned_abs(), &text)?;
        }
        Ok(Some(summary))
    }
}

/// The number that a decimal of any length is.
fn number(text: &str) -> Option<Number> {
    if text.contains('e') {
        return Number::from_literal(text);
    }
    // Without an exponent one that is whole and beyond 64 bits would be no number of ours.
    Number::from_literal(&format!("{text}e0"))
}

/// Digits that fit into a part of a total.
const DIGITS: usize = 18;

/// Adds so many numbers, of which this is the sum: a decimal of any length as `-12.50` or `1.5e-40`.
fn add_decimal(summary: &mut Summary, numbers: u64, sum: &str) -> Result<(), Error> {
    let no_decimal = || Error::corrupt("a sum that is no decimal");
    let (sum, power) = sum.split_once('e').unwrap_or((sum, "0"));
    let power: i16 = power.parse().map_err(|_| no_decimal())?;
    let (sign, digits) = sum.strip_prefix('-').map_or((1, sum), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = [whole, places].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(no_decimal());
    }
    let places = i16::try_from(places.len()).map_err(|_| no_decimal())?;
    let mut exponent = power.checked_sub(places).ok_or_else(no_decimal)?;
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
        for none in ["", "-", "NaN", "1e", "1.2.3", "1e5.0"] {
            assert!(add_decimal(&mut Summary::default(), 1, none).is_err(), "{none}");
        }
        let mut summary = Summary::default();
        add_decimal(&mut summary, 4, "-6.00e-40").unwrap();
        assert_eq!(
            summary.value(&Measure::Sum(Default::default())),
            Some("-6e-40".parse().unwrap())
        );
    }
}
