//! Something for each event type, found by the texts of its category and name.

use std::collections::HashMap;

use crate::event_type::EventType;
use crate::name::Label;

/// Category → name → what is kept for them: found without a copy of either.
#[derive(Clone, Debug)]
pub(super) struct ByType<T>(HashMap<Label, HashMap<Label, T>>);

impl<T> Default for ByType<T> {
    fn default() -> Self {
        ByType(HashMap::new())
    }
}

impl<T> ByType<T> {
    pub(super) fn get(&self, event_type: &EventType) -> Option<&T> {
        self.named(event_type.category.as_str(), event_type.name.as_str())
    }

    pub(super) fn named(&self, category: &str, name: &str) -> Option<&T> {
        self.0.get(category)?.get(name)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: Default> ByType<T> {
    /// What is kept for a type, from now on where there is nothing.
    pub(super) fn of(&mut self, event_type: EventType) -> &mut T {
        let names = self.0.entry(event_type.category).or_default();
        names.entry(event_type.name).or_default()
    }
}
