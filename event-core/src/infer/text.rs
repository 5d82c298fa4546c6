//! What texts at one place have in common: a format, or that they are few.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::json::SerdeJson;
use serde_json::{Value, json};

use crate::schema::Schema;

/// A list has so many values at the most, of so many bytes each.
const MOST_VALUES: usize = 10;
const MOST_BYTES: usize = 64;
/// So often a list's values were seen, each and together.
const TIMES_EACH: u64 = 10;
const TIMES: u64 = 100;

/// Formats in the order in which one is chosen, asserted by the engine that judges events.
static FORMATS: LazyLock<Vec<(&str, Validator<SerdeJson>)>> = LazyLock::new(|| {
    let compiled = |format| {
        let schema = Schema::compile(&json!({"format": format})).ok()?;
        Some((format, schema.validator().ok()?))
    };
    let formats = ["uuid", "date-time", "date", "email"];
    formats.into_iter().filter_map(compiled).collect()
});

/// The texts of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    seen: u64,
    /// Formats that a text was not of, by their place in the list.
    excluded: u8,
    /// Different ones; none any more, once there were too many.
    values: Option<BTreeSet<String>>,
}

impl Texts {
    pub(super) fn add(&mut self, text: &str) {
        let first = self.seen == 0;
        self.seen += 1;
        for (at, (format, validator)) in FORMATS.iter().enumerate() {
            let bit = 1 << at;
            if self.excluded & bit == 0 && !(could_be(format, text) && validator.is_valid(&Value::from(text))) {
                self.excluded |= bit;
            }
        }
        if first {
            self.values = Some(BTreeSet::new());
        }
        if let Some(values) = &mut self.values
            && !values.contains(text)
        {
            if values.len() == MOST_VALUES || text.len() > MOST_BYTES {
                self.values = None;
            } else {
                values.insert(text.to_owned());
            }
        }
    }

    pub(super) fn merge(&mut self, other: Texts) {
        if other.seen == 0 {
            return;
        }
        if self.seen == 0 {
            *self = other;
            return;
        }
        self.seen += other.seen;
        self.excluded |= other.excluded;
        self.values = self.values.take().zip(other.values).and_then(|(mut values, others)| {
            values.extend(others);
            (values.len() <= MOST_VALUES).then_some(values)
        });
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The format that all of them are of.
    pub(super) fn format(&self) -> Option<&'static str> {
        let mut formats = FORMATS.iter().enumerate();
        let found = formats.find(|(at, _)| self.seen > 0 && self.excluded & (1 << at) == 0);
        found.map(|(_, (format, _))| *format)
    }

    /// All of them, where they are few and were seen often.
    pub(super) fn values(&self) -> Option<&BTreeSet<String>> {
        let values = self.values.as_ref()?;
        let often = self.seen >= TIMES && self.seen >= TIMES_EACH * values.len() as u64;
        often.then_some(values)
    }
}

/// Whether it is worth asking, and no accident: `a@b` is an address to a program, and hardly to people.
fn could_be(format: &str, text: &str) -> bool {
    match format {
        "uuid" => text.len() == 36,
        "email" => text.rsplit_once('@').is_some_and(|(_, host)| host.contains('.')),
        _ => text.len() >= 10 && text.as_bytes()[0].is_ascii_digit(),
    }
}
