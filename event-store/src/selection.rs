//! Filter → SQL: which rows a question is about.
//!
//! Conditions on types and sources are decided here, on the few there are, by the very code that
//! decides them in memory. Of the rest, what this database cannot say exactly is left to that code
//! too: the statement then finds at least the rows that count, and each is looked at again.

use std::collections::BTreeSet;

use event_core::filter::{Condition, Field, Found, Scalar, Test};
use event_core::json::Number;
use event_core::{Filter, Timestamp};
use sea_orm::Value;

use crate::dialect::{Dialect, is_number};
use crate::dictionary::{Dictionary, Kind};
use crate::tables::Tables;

/// Conditions of a statement over `{events} e`.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The kinds that count.
    pub(crate) kinds: Vec<i64>,
    /// Whether these are all there are.
    pub(crate) all_kinds: bool,
    /// Whether a session or subject is given, which leads to few rows at once.
    pub(crate) by_trail: bool,
    /// Whether each row found has to be looked at again.
    pub(crate) inexact: bool,
    conditions: Vec<(String, Vec<Value>)>,
}

impl Selection {
    pub(crate) fn new(
        filter: &Filter,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        dictionary: &Dictionary,
        dialect: Dialect,
        tables: &Tables,
    ) -> Self {
        let known = dictionary.kinds();
        let kinds: Vec<i64> = known
            .iter()
            .filter(|(_, kind)| is_kind(filter, kind))
            .map(|(id, _)| *id)
            .collect();
        let all_kinds = kinds.len() == known.len();
        let mut selection = Selection {
            kinds,
            all_kinds,
            by_trail: false,
            inexact: false,
            conditions: Vec::new(),
        };
        let known = dictionary.sources();
        let of_source = |source: &str| holds(filter, &Field::Source, source);
        let sources: Vec<i64> = known
            .iter()
            .filter(|(_, source)| of_source(source.as_str()))
            .map(|(id, _)| *id)
            .collect();
        if sources.len() < known.len() {
            selection.push(one_of_numbers("e.source_id", &sources), []);
        }
        for (bound, at) in [(">=", from), ("<", to)] {
            if let Some(at) = at {
                selection.push(format!("e.occurred_at {bound} ?"), [at.as_micros().into()]);
            }
        }
        for condition in &filter.all {
            selection.condition(condition, dialect, tables);
        }
        selection
    }

    /// Leaves out all kinds but these.
    pub(crate) fn keep_kinds(&mut self, kinds: &BTreeSet<i64>) {
        let before = self.kinds.len();
        self.kinds.retain(|kind| kinds.contains(kind));
        self.all_kinds &= self.kinds.len() == before;
    }

    /// Leaves out all kinds of which no event meets any of these filters.
    pub(crate) fn keep_any(&mut self, filters: &[Filter], dictionary: &Dictionary) {
        let known = dictionary.kinds();
        let met = |kind: &Kind| filters.iter().any(|filter| is_kind(filter, kind));
        self.keep_kinds(&known.iter().filter(|(_, kind)| met(kind)).map(|(id, _)| *id).collect());
    }

    pub(crate) fn push(&mut self, condition: String, values: impl IntoIterator<Item = Value>) {
        self.conditions.push((condition, values.into_iter().collect()));
    }

    /// The condition on kinds, if one is needed.
    pub(crate) fn of_kinds(&self) -> Option<String> {
        (!self.all_kinds).then(|| one_of_numbers("e.kind_id", &self.kinds))
    }

    /// The same in words that no index on kinds serves: for rows that are read in the order of the log.
    pub(crate) fn of_kinds_in_the_log(&self) -> Option<String> {
        (!self.all_kinds).then(|| one_of_numbers("(e.kind_id + 0)", &self.kinds))
    }

    /// ` AND …` for every condition but that on kinds, and its values.
    pub(crate) fn sql(&self) -> (String, Vec<Value>) {
        let text = self
            .conditions
            .iter()
            .map(|(condition, _)| format!(" AND {condition}"))
            .collect();
        (
            text,
            self.conditions.iter().flat_map(|(_, values)| values.clone()).collect(),
        )
    }

    fn condition(&mut self, condition: &Condition, dialect: Dialect, tables: &Tables) {
        match &condition.field {
            Field::Category | Field::Name | Field::Version | Field::Source => {}
            Field::SessionId => self.of_trail("session", &condition.test, dialect, tables),
            Field::Subject => self.of_trail("subject", &condition.test, dialect, tables),
            Field::Data(pointer) => match dialect.json_at("e.data", pointer) {
                Some(json) => self.of_data(&json, &condition.test, dialect),
                None => self.inexact = true,
            },
        }
    }

    fn of_trail(&mut self, column: &str, test: &Test, dialect: Dialect, tables: &Tables) {
        let (mut wanted, mut absent) = (Vec::new(), false);
        let (text, values): (String, Vec<Value>) = match test {
            Test::Equals(scalar) => one_of(std::slice::from_ref(scalar), column, &mut wanted, &mut absent),
            Test::OneOf(scalars) => one_of(scalars, column, &mut wanted, &mut absent),
            Test::Contains(text) if text.contains('\0') => return self.push("1 = 0".to_owned(), []),
            Test::Contains(text) => (dialect.contains(column), vec![text.as_str().into()]),
            Test::Range { from, to } => match string_range(column, from.as_ref(), to.as_ref()) {
                Some(range) => range,
                None => return self.push("1 = 0".to_owned(), []),
            },
        };
        self.by_trail |= !absent && matches!(test, Test::Equals(_) | Test::OneOf(_));
        let found = tables.sql(&format!(
            "e.trail_id IN (SELECT id FROM {{trails}} WHERE {column} <> '' AND {text})"
        ));
        if absent {
            let none = tables.sql(&format!(
                "e.trail_id IN (SELECT id FROM {{trails}} WHERE {column} = '')"
            ));
            self.push(format!("({found} OR e.trail_id IS NULL OR {none})"), values);
        } else {
            self.push(found, values);
        }
    }

    fn of_data(&mut self, json: &str, test: &Test, dialect: Dialect) {
        let is_string = format!("substr({json}, 1, 1) = '\"'");
        match test {
            Test::Equals(scalar) => self.of_scalars(json, std::slice::from_ref(scalar)),
            Test::OneOf(scalars) => self.of_scalars(json, scalars),
            Test::Contains(text) if text.contains('\0') => self.push("1 = 0".to_owned(), []),
            Test::Contains(text) => {
                // Only strings are unescaped: the database would refuse to unescape other values.
                let string = dialect.contains(&dialect.json_string(json));
                self.push(
                    format!("(CASE WHEN {is_string} THEN {string} ELSE 1 = 0 END)"),
                    [text.as_str().into()],
                );
            }
            Test::Range { from, to } => {
                let of_numbers = matches!(from.as_ref().or(to.as_ref()), Some(Scalar::Number(_)));
                if of_numbers {
                    return self.of_number_range(json, from.as_ref(), to.as_ref(), dialect);
                }
                match string_range(&dialect.json_string(json), from.as_ref(), to.as_ref()) {
                    Some((range, values)) => {
                        self.push(format!("(CASE WHEN {is_string} THEN {range} ELSE 1 = 0 END)"), values);
                    }
                    None => self.push("1 = 0".to_owned(), []),
                }
            }
        }
    }

    fn of_scalars(&mut self, json: &str, scalars: &[Scalar]) {
        // Canonical text is equal where values are.
        let texts: Vec<Value> = scalars
            .iter()
            .filter(|it| **it != Scalar::Null)
            .map(|it| it.text().into())
            .collect();
        let places = vec!["?"; texts.len()].join(", ");
        let equal = if texts.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("{json} IN ({places})")
        };
        let absent = if scalars.contains(&Scalar::Null) {
            format!(" OR {json} IS NULL")
        } else {
            String::new()
        };
        self.push(format!("({equal}{absent})"), texts);
    }

    /// A range a little wider than asked: a database reads decimals as floats by rules of its own,
    /// and may be off by the last bit.
    fn of_number_range(&mut self, json: &str, from: Option<&Scalar>, to: Option<&Scalar>, dialect: Dialect) {
        self.inexact = true;
        let number = dialect.json_number(json);
        let mut bounds = vec!["1 = 1".to_owned()];
        let mut values = Vec::new();
        for (sign, bound, outwards) in [(">=", from, -1.0), ("<=", to, 1.0)] {
            match bound {
                None => {}
                Some(Scalar::Number(bound)) => {
                    let wide = Number::as_f64(*bound);
                    bounds.push(format!("{number} {sign} ?"));
                    values.push((wide + outwards * (wide.abs() * 1e-9 + f64::MIN_POSITIVE)).into());
                }
                Some(_) => return self.push("1 = 0".to_owned(), []),
            }
        }
        let range = bounds.join(" AND ");
        self.push(
            format!("(CASE WHEN {} THEN {range} ELSE 1 = 0 END)", is_number(json)),
            values,
        );
    }
}

/// A condition: the column has one of these numbers.
fn one_of_numbers(column: &str, ids: &[i64]) -> String {
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("{column} IN ({})", ids.join(", "))
}

fn one_of(scalars: &[Scalar], column: &str, wanted: &mut Vec<Value>, absent: &mut bool) -> (String, Vec<Value>) {
    for scalar in scalars {
        match scalar {
            Scalar::String(text) if text.contains('\0') => {}
            Scalar::String(text) => wanted.push(text.as_str().into()),
            Scalar::Null => *absent = true,
            Scalar::Bool(_) | Scalar::Number(_) => {}
        }
    }
    let values = std::mem::take(wanted);
    let places = vec!["?"; values.len()].join(", ");
    (
        if values.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("{column} IN ({places})")
        },
        values,
    )
}

/// A range of strings; `None` where a bound is of another kind, which nothing lies in.
fn string_range(column: &str, from: Option<&Scalar>, to: Option<&Scalar>) -> Option<(String, Vec<Value>)> {
    let mut bounds = Vec::new();
    let mut values = Vec::new();
    for (sign, bound) in [(">=", from), ("<", to)] {
        match bound {
            None => {}
            Some(Scalar::String(text)) => {
                // No stored text has a NUL, and not every database takes one: whatever is less than a
                // text with one is at the most what stands before it.
                let (text, sign) = match (text.split_once('\0'), sign) {
                    (None, sign) => (text.as_str(), sign),
                    (Some((before, _)), "<") => (before, "<="),
                    (Some((before, _)), _) => (before, ">"),
                };
                bounds.push(format!("{column} {sign} ?"));
                values.push(text.into());
            }
            Some(_) => return None,
        }
    }
    // Without any bound there is no kind of value to be in the range.
    if bounds.is_empty() {
        None
    } else {
        Some((bounds.join(" AND "), values))
    }
}

/// Whether a filter's conditions on one field hold for a text.
fn holds(filter: &Filter, field: &Field, text: &str) -> bool {
    filter
        .all
        .iter()
        .filter(|condition| condition.field == *field)
        .all(|it| it.test.holds(Some(&Found::Text(text))))
}

fn is_kind(filter: &Filter, kind: &Kind) -> bool {
    let of_version = filter.all.iter().filter(|condition| condition.field == Field::Version);
    holds(filter, &Field::Category, kind.event_type.category.as_str())
        && holds(filter, &Field::Name, kind.event_type.name.as_str())
        && of_version.fold(true, |all, condition| {
            let found = kind.version.as_ref().map(|version| Found::Text(version.as_str()));
            all && condition.test.holds(found.as_ref())
        })
}
