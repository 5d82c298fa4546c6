//! The groups with the greatest values.

use std::cmp::Ordering;

use super::group::GroupKey;
use crate::decimal::Decimal;

/// A group in a ranking.
#[derive(Debug)]
pub(super) struct Ranked<'a> {
    pub(super) value: Option<Decimal>,
    pub(super) key: &'a GroupKey,
    pub(super) index: u32,
}

/// The `count` groups with the greatest values, the greatest first; where values are equal the
/// group with the lesser key comes first, and a group without a value comes after all others.
pub(super) fn greatest(mut groups: Vec<Ranked<'_>>, count: usize) -> Vec<Ranked<'_>> {
    if count < groups.len() {
        groups.select_nth_unstable_by(count, order);
        groups.truncate(count);
    }
    groups.sort_unstable_by(order);
    groups
}

fn order(a: &Ranked<'_>, b: &Ranked<'_>) -> Ordering {
    b.value.cmp(&a.value).then_with(|| a.key.cmp(b.key))
}
