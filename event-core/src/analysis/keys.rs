//! Numbers for keys, so that a story costs its events and not its name at each of them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::aggregate::GroupKey;
use crate::filter::Found;

/// Keys by the order of their coming.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    numbers: HashMap<GroupKey, u32, RandomState>,
    keys: Vec<GroupKey>,
    /// A key in the making, kept for its room.
    scratch: String,
}

impl Keys {
    /// The number of the key that is made of what is found at these places.
    pub(super) fn number(&mut self, places: &[usize], found: &[Option<Found<'_>>]) -> usize {
        self.scratch.clear();
        for place in places {
            GroupKey::push_found(&mut self.scratch, found.get(*place).copied().flatten());
        }
        if let Some(number) = self.numbers.get(self.scratch.as_str()) {
            return *number as usize;
        }
        let key = GroupKey::from_scratch(&self.scratch);
        let number = self.keys.len();
        // Four billion keys fit into no memory.
        self.numbers
            .insert(key.clone(), u32::try_from(number).unwrap_or(u32::MAX));
        self.keys.push(key);
        number
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key(&self, number: usize) -> &GroupKey {
        &self.keys[number]
    }
}
