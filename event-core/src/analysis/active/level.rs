//! How many are open, from change to change.

use super::ActiveRow;
use crate::aggregate::{Group, Span};
use crate::decimal::Decimal;

/// The changes of one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    opened: Vec<i64>,
    closed: Vec<i64>,
}

impl Level {
    pub(super) fn open(&mut self, at: i64) {
        self.opened.push(at);
    }

    pub(super) fn close(&mut self, at: i64) {
        self.closed.push(at);
    }

    pub(super) fn sort(&mut self) {
        self.opened.sort_unstable();
        self.closed.sort_unstable();
    }

    pub(super) fn first(&self) -> Option<i64> {
        self.opened.first().copied()
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.opened.last().copied().max(self.closed.last().copied())
    }

    /// What a stretch of time has. Changes of one instant are one change.
    pub(super) fn row(&self, bucket: Span, group: Option<Group>) -> ActiveRow {
        let (start, end) = (bucket.start.as_micros(), bucket.end.as_micros());
        let before = |times: &[i64], at: i64| times.partition_point(|time| *time < at);
        let until = |times: &[i64], at: i64| times.partition_point(|time| *time <= at);
        // What opens or closes at the start has done so there.
        let open = (until(&self.opened, start) - until(&self.closed, start)) as u64;
        let (mut opened, mut closed) = (until(&self.opened, start), until(&self.closed, start));
        let (last_opened, last_closed) = (
            before(&self.opened, end).max(opened),
            before(&self.closed, end).max(closed),
        );
        let (mut level, mut at, mut area) = (open, start, 0_i128);
        let (mut minimum, mut maximum) = (open, open);
        while opened < last_opened || closed < last_closed {
            let next = |times: &[i64], from: usize, last: usize| times[from..last].first().copied().unwrap_or(i64::MAX);
            let now = next(&self.opened, opened, last_opened).min(next(&self.closed, closed, last_closed));
            area += i128::from(level) * i128::from(now - at);
            (opened, closed, at) = (until(&self.opened, now), until(&self.closed, now), now);
            level = (opened - closed) as u64;
            (minimum, maximum) = (minimum.min(level), maximum.max(level));
        }
        area += i128::from(level) * i128::from(end - at);
        let time = u64::try_from(end - start).unwrap_or(0);
        ActiveRow {
            bucket,
            group,
            open,
            opened: (last_opened - before(&self.opened, start)) as u64,
            closed: (last_closed - before(&self.closed, start)) as u64,
            minimum,
            maximum,
            average: Decimal::new(area, 0).div_round_half_even(time, 12),
        }
    }
}
