//! Texts, each under a number of its own.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

/// The number of what is not there.
pub(super) const NOTHING: u32 = 0;

/// Texts by the order of their coming, from 1 on.
#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32, RandomState>,
}

impl Dictionary {
    /// The number of a text, which is learned where it is new.
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        let number = super::number(self.texts.len());
        self.numbers.insert(text, number);
        number
    }

    /// How many numbers there are, with that of nothing.
    pub(super) fn len(&self) -> usize {
        self.texts.len() + 1
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        let known = (number as usize).checked_sub(1).and_then(|place| self.texts.get(place));
        known.map_or("null", |text| text)
    }

    /// The texts, in the order of their numbers; `null` is what stands for nothing.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once("null").chain(self.texts.iter().map(|text| &**text))
    }
}
