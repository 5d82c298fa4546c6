//! Which spans and events become application events without asking for it themselves.

use std::fmt;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;

type Choice = dyn Fn(&Metadata<'_>) -> bool + Send + Sync;
type Naming = dyn Fn(&Metadata<'_>) -> String + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Spans,
    Events,
}

/// Chooses spans or events by what is known of them before they happen; all that is said must hold.
///
/// ```
/// use event_client::layer::Rule;
/// use tracing::level_filters::LevelFilter;
///
/// // Every warning and error of the application, under its target.
/// let rule = Rule::events("log").levels(LevelFilter::WARN).targets(["shop"]).with_message();
/// // How long each span of this module took.
/// let rule = Rule::spans("timing").targets(["shop::db"]);
/// ```
#[must_use]
pub struct Rule {
    kind: Kind,
    category: String,
    level: LevelFilter,
    /// Any, if there are none.
    targets: Vec<String>,
    filter: Option<Box<Choice>>,
    naming: Option<Box<Naming>>,
    pub(super) message: bool,
}

impl Rule {
    fn new(kind: Kind, category: String) -> Self {
        Rule {
            kind,
            category,
            level: LevelFilter::TRACE,
            targets: Vec::new(),
            filter: None,
            naming: None,
            message: false,
        }
    }

    /// Events, as application events of this category.
    pub fn events(category: impl Into<String>) -> Self {
        Rule::new(Kind::Events, category.into())
    }

    /// Spans when they close, as application events of this category.
    pub fn spans(category: impl Into<String>) -> Self {
        Rule::new(Kind::Spans, category.into())
    }

    /// Those of this level, and the more severe ones.
    pub fn levels(mut self, up_to: LevelFilter) -> Self {
        self.level = up_to;
        self
    }

    /// Those of one of these targets, or of a module inside of one.
    pub fn targets<T: Into<String>>(mut self, targets: impl IntoIterator<Item = T>) -> Self {
        self.targets.extend(targets.into_iter().map(Into::into));
        self
    }

    /// Those that this chooses. It is asked about a place in the code, not each time that it is passed,
    /// and its answer must not change.
    pub fn filter(mut self, filter: impl Fn(&Metadata<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Box::new(filter));
        self
    }

    /// Names the application events; without it a span's name is taken, an event's `name:`, or else its
    /// target. There should be few of them.
    pub fn named(mut self, naming: impl Fn(&Metadata<'_>) -> String + Send + Sync + 'static) -> Self {
        self.naming = Some(Box::new(naming));
        self
    }

    /// Keeps the message, as the field `message`.
    pub fn with_message(mut self) -> Self {
        self.message = true;
        self
    }

    pub(super) fn chooses(&self, metadata: &Metadata<'_>) -> bool {
        let kind = if metadata.is_span() { Kind::Spans } else { Kind::Events };
        self.kind == kind
            && *metadata.level() <= self.level
            && (self.targets.is_empty() || self.targets.iter().any(|target| within(target, metadata.target())))
            && self.filter.as_ref().is_none_or(|filter| filter(metadata))
    }

    pub(super) fn category(&self) -> &str {
        &self.category
    }

    pub(super) fn name(&self, metadata: &Metadata<'_>) -> Option<String> {
        self.naming.as_ref().map(|naming| naming(metadata))
    }
}

/// Whether a target is this module, or one inside of it.
pub(super) fn within(module: &str, target: &str) -> bool {
    let inside = target.strip_prefix(module);
    inside.is_some_and(|inside| inside.is_empty() || inside.starts_with("::"))
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rule = f.debug_struct("Rule");
        rule.field("kind", &self.kind).field("category", &self.category);
        rule.field("level", &self.level).field("targets", &self.targets);
        rule.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_holds_its_modules_and_no_namesakes() {
        assert!(within("shop", "shop") && within("shop", "shop::cart") && within("shop::cart", "shop::cart"));
        assert!(!within("shop", "shopping") && !within("shop::cart", "shop") && !within("shop", "a::shop"));
    }
}
