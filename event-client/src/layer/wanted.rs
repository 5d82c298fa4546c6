//! Which places in the code matter to the layer: asked once about each of them.

use std::sync::Arc;

use tracing::Metadata;
use tracing::subscriber::Interest;
use tracing_subscriber::layer::{Context, Filter};

use super::fields::{asks, bequeaths};
use super::rule::{Rule, within};

/// The filter of an [`EventLayer`](super::EventLayer) made by [`EventLayer::filtered`](super::EventLayer::filtered):
/// spans and events that mean nothing to it do not reach it, and where no other layer wants them, they cost next
/// to nothing.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub(super) rules: Vec<Arc<Rule>>,
}

/// Why a span or an event becomes an application event.
#[derive(Clone, Copy)]
pub(super) enum Choice<'a> {
    /// It has the fields for it.
    Asks,
    /// Nobody asked it.
    By(&'a Rule),
}

impl Wanted {
    /// Why what happens at this place becomes an application event, if it does.
    pub(super) fn choice(&self, metadata: &Metadata<'_>) -> Option<Choice<'_>> {
        // What the client says of itself would make it say more.
        if within("event_client", metadata.target()) {
            return None;
        }
        if metadata.fields().iter().any(|field| asks(field.name())) {
            return Some(Choice::Asks);
        }
        let mut rules = self.rules.iter();
        rules.find(|rule| rule.chooses(metadata)).map(|rule| Choice::By(rule))
    }

    /// Whether this is to be known of: it becomes an application event, or says something about those inside.
    pub(super) fn knows(&self, metadata: &Metadata<'_>) -> bool {
        let origin = || metadata.is_span() && metadata.fields().iter().any(|field| bequeaths(field.name()));
        self.choice(metadata).is_some() || origin()
    }
}

impl<S> Filter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.knows(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.knows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }
}
