//! What changed between two schemas: are the events of one always events of the other?
//!
//! A direction is claimed only where it is proved, keyword by keyword. What cannot be proved counts
//! as broken, with its reason; so a schema may be told to break what it would not, but never the
//! other way about.

mod document;
mod gap;
mod kinds;
mod meet;
mod number;
mod prover;

use serde::Serialize;
use serde_json::Value;

use crate::schema::Schema;
use document::Document;
use gap::Gap;
use prover::Prover;

/// So many reasons are told for each direction.
const MAX_REASONS: usize = 50;

/// What two schemas have to do with each other, in the words of schema registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// They allow the same.
    Full,
    /// Whatever was valid under the old one is valid under the new one.
    Backward,
    /// Whatever is valid under the new one was valid under the old one.
    Forward,
    /// Neither is proved.
    None,
}

impl Class {
    /// The `snake_case` name that goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Full => "full",
            Class::Backward => "backward",
            Class::Forward => "forward",
            Class::None => "none",
        }
    }

    /// Whether whatever was valid stays valid.
    #[must_use]
    pub const fn is_backward(self) -> bool {
        matches!(self, Class::Full | Class::Backward)
    }

    /// Whether whatever is valid was valid.
    #[must_use]
    pub const fn is_forward(self) -> bool {
        matches!(self, Class::Full | Class::Forward)
    }
}

/// One of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the old schema to the new one.
    Backward,
    /// From the new schema to the old one.
    Forward,
}

/// Why a direction is not proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where the rule stands, a JSON pointer: in the new schema where `breaks` is backward, in the
    /// old one where it is forward.
    pub pointer: String,
    /// The keyword of the rule.
    pub keyword: String,
    /// Which direction it breaks, or may break.
    pub breaks: Direction,
    /// The same in words.
    pub message: String,
}

/// Whether the events of one schema are always events of another, and why not.
///
/// ```
/// use event_core::Schema;
/// use event_core::compatibility::{Class, Compatibility, Direction};
/// let old = Schema::compile(&serde_json::json!({"properties": {"path": {"type": "string"}}}))?;
/// let new = Schema::compile(&serde_json::json!({
///     "properties": {"path": {"type": "string"}}, "required": ["path"],
/// }))?;
/// let found = Compatibility::between(&old, &new);
/// assert_eq!(found.class, Class::Forward);
/// let reason = &found.reasons[0];
/// assert_eq!((reason.pointer.as_str(), reason.breaks), ("/required", Direction::Backward));
/// assert_eq!(reason.message, "the new schema asks that \"path\" is present, which the old one does not ensure");
/// # Ok::<(), event_core::schema::SchemaError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compatibility {
    /// What is proved.
    pub class: Class,
    /// What stands in the way, the reasons of backward first; fifty for each direction at the most.
    pub reasons: Vec<Change>,
}

impl Compatibility {
    /// Compares two schemas as rules for the data of events, which are objects always. Annotations
    /// such as `title` and `default` are no rules.
    #[must_use]
    pub fn between(old: &Schema, new: &Schema) -> Self {
        if old.source() == new.source() {
            return Compatibility {
                class: Class::Full,
                reasons: Vec::new(),
            };
        }
        let (old, new) = (Document::new(old.source()), Document::new(new.source()));
        let backward = gaps(&old, &new);
        let forward = gaps(&new, &old);
        let class = match (backward.is_empty(), forward.is_empty()) {
            (true, true) => Class::Full,
            (true, false) => Class::Backward,
            (false, true) => Class::Forward,
            (false, false) => Class::None,
        };
        let told = |direction, gaps: Vec<Gap>| gaps.into_iter().map(move |gap| change(direction, gap));
        let reasons = told(Direction::Backward, backward)
            .chain(told(Direction::Forward, forward))
            .collect();
        Compatibility { class, reasons }
    }
}

/// What keeps every event of `narrow` from being one of `wide`, for all that can be proved.
fn gaps(narrow: &Document<'_>, wide: &Document<'_>) -> Vec<Gap> {
    if narrow.dialect() != wide.dialect() {
        return vec![Gap::new("/$schema", "$schema", "keywords mean what another draft says")];
    }
    if !narrow.is_understood() {
        return vec![Gap::new(
            "",
            "$schema",
            "it is written in draft 4, and only compared as a whole",
        )];
    }
    let object = Value::Object([("type".to_owned(), Value::from("object"))].into_iter().collect());
    let object = Document::beside(&object, narrow);
    let mut gaps = Prover::of(narrow, wide).gaps(&object);
    let mut seen = std::collections::HashSet::new();
    gaps.retain(|gap| seen.insert(gap.clone()));
    gaps.truncate(MAX_REASONS);
    gaps
}

fn change(breaks: Direction, gap: Gap) -> Change {
    let (asks, other) = match breaks {
        Direction::Backward => ("new", "old"),
        Direction::Forward => ("old", "new"),
    };
    Change {
        message: format!(
            "the {asks} schema asks that {}, which the {other} one does not ensure",
            gap.claim
        ),
        pointer: gap.pointer,
        keyword: gap.keyword,
        breaks,
    }
}
