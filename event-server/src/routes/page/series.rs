//! Answers as they are drawn: a series a group, a value a bucket.

use std::collections::BTreeMap;

use event_core::aggregate::{Group, Row};
use event_core::{Answer, Timestamp};

use crate::page::chart::Series;

/// The groups of an answer over these buckets, the greatest first.
pub(super) fn of(answer: &Answer, starts: &[Timestamp]) -> Vec<Series> {
    let places: BTreeMap<Timestamp, usize> = starts.iter().enumerate().map(|(at, start)| (*start, at)).collect();
    let mut groups: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for row in &answer.rows {
        let values = groups
            .entry(name(row.group.as_ref()))
            .or_insert_with(|| vec![None; starts.len()]);
        let place = row.bucket.and_then(|bucket| places.get(&bucket.start).copied());
        if let Some(slot) = place.and_then(|at| values.get_mut(at)) {
            *slot = value(row);
        }
    }
    let mut series: Vec<Series> = groups
        .into_iter()
        .map(|(name, values)| Series { name, values })
        .collect();
    series.sort_by(|one, other| total(other).total_cmp(&total(one)));
    series
}

fn total(series: &Series) -> f64 {
    series.values.iter().flatten().sum()
}

/// About how much a value is: nobody sees the rest of it.
pub(super) fn value(row: &Row) -> Option<f64> {
    let value = row.value.as_ref()?.to_string().parse().ok();
    value.filter(|value: &f64| value.is_finite())
}

/// The texts that a group has at the fields of a question.
pub(super) fn texts(group: Option<&Group>) -> Vec<String> {
    let shown = |text: &str| match serde_json::from_str(text) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) => "–".to_owned(),
        _ => text.to_owned(),
    };
    group.map_or_else(Vec::new, |group| group.key().texts().map(shown).collect())
}

/// What a group is called in a drawing.
fn name(group: Option<&Group>) -> String {
    match group {
        Some(_) => texts(group).join(" / "),
        None => "all".to_owned(),
    }
}
