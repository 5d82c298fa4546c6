//! How far an actor came.

use super::FunnelOrder;
use crate::analysis::order::Place;

/// The attempt of an actor that came farthest; of several the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt {
    /// How many steps it took.
    pub(super) steps: usize,
    /// When it took each, in microseconds; empty where the steps have no order.
    times: Vec<i64>,
}

impl Attempt {
    /// Of the events of one actor, in order, each with a bit for every step it takes.
    pub(super) fn best(events: &[(Place, u32)], steps: usize, window: i64, order: FunnelOrder) -> Attempt {
        match order {
            FunnelOrder::Ordered | FunnelOrder::Strict => in_order(events, steps, window, order),
            FunnelOrder::Any => in_any_order(events, steps, window),
        }
    }

    /// Microseconds between a step and the one before.
    pub(super) fn since_previous(&self, step: usize) -> Option<i64> {
        let times = self.times.get(step.checked_sub(1)?..=step)?;
        Some(times[1] - times[0])
    }
}

fn in_order(events: &[(Place, u32)], steps: usize, window: i64, order: FunnelOrder) -> Attempt {
    let mut best = Attempt::default();
    // For each number of steps the attempt that took so many and began last: it has the most time left.
    let mut open: Vec<Option<Vec<i64>>> = vec![None; steps];
    for (place, taken) in events {
        let now = place.micros();
        let takes = |step: usize| taken >> step & 1 == 1;
        // Farthest first, so that an event takes one step of an attempt only.
        for step in (0..steps).rev() {
            let longer = match step.checked_sub(1) {
                _ if !takes(step) => None,
                None => Some(vec![now]),
                Some(before) => open[before]
                    .as_ref()
                    .filter(|times| now - times[0] <= window)
                    .map(|times| [times.as_slice(), &[now]].concat()),
            };
            let Some(times) = longer else {
                if order == FunnelOrder::Strict {
                    open[step] = None;
                }
                continue;
            };
            if step + 1 > best.steps {
                best = Attempt {
                    steps: step + 1,
                    times: times.clone(),
                };
            }
            // Of those that began together the first to come so far stays.
            let earlier = |known: &Vec<i64>| order == FunnelOrder::Ordered && known[0] >= times[0];
            if !open[step].as_ref().is_some_and(earlier) {
                open[step] = Some(times);
            }
        }
        if best.steps == steps {
            break;
        }
    }
    best
}

fn in_any_order(events: &[(Place, u32)], steps: usize, window: i64) -> Attempt {
    let mut last: Vec<Option<i64>> = vec![None; steps];
    let mut most = 0;
    for (place, taken) in events {
        let now = place.micros();
        for (step, last) in last.iter_mut().enumerate() {
            if taken >> step & 1 == 1 {
                *last = Some(now);
            }
        }
        most = most.max(last.iter().flatten().filter(|last| now - **last <= window).count());
    }
    Attempt {
        steps: most,
        times: Vec::new(),
    }
}
