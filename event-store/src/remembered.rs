//! Days of cells that were read already, for as long as their revision is the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_core::aggregate::{Cell, GroupKey};
use foldhash::fast::RandomState;

use crate::rollup::Digest;

/// What a group takes beside its texts, about: its number, its digest and its key.
const GROUP: usize = 160;

/// A cell of a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayCell {
    /// The number of its group.
    pub(crate) group: u32,
    /// As it is stored.
    pub(crate) exponent: i16,
    pub(crate) cell: Cell,
}

/// All cells of a day.
pub(crate) type Day = Arc<[DayCell]>;

/// The days of all metrics that somebody has asked for.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// By the numbers of the metrics; those that were asked for last are the last.
    metrics: Mutex<Vec<(i64, Arc<OfMetric>)>>,
}

/// Those of one metric.
#[derive(Debug, Default)]
pub(crate) struct OfMetric(Mutex<Known>);

/// What is known of a metric. A group keeps its number for as long as anybody holds this.
#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<Digest, u32, RandomState>,
    groups: Arc<Vec<GroupKey>>,
    days: HashMap<i64, Dated, RandomState>,
    /// About how many bytes all that takes.
    size: usize,
    /// Questions that were asked.
    asked: u64,
    /// So many days are known not to fit.
    too_many: Option<usize>,
}

/// A day, its revision, and the last question that asked for it.
#[derive(Debug)]
struct Dated {
    revision: i64,
    asked: u64,
    day: Day,
}

impl Remembered {
    /// Those of a metric; asks for them count from here on.
    pub(crate) fn of(&self, metric: i64) -> Arc<OfMetric> {
        let mut metrics = lock(&self.metrics);
        let of_metric = match metrics.iter().position(|(id, _)| *id == metric) {
            Some(place) => metrics.remove(place).1,
            None => Arc::default(),
        };
        metrics.push((metric, Arc::clone(&of_metric)));
        of_metric
    }

    /// Lets go of what was asked for least of late, until all takes no more than so many bytes.
    pub(crate) fn shrink(&self, most: usize) {
        let mut metrics = lock(&self.metrics);
        let mut size: usize = metrics.iter().map(|(_, it)| lock(&it.0).size).sum();
        while size > most && metrics.len() > 1 {
            let (_, gone) = metrics.remove(0);
            size -= lock(&gone.0).size;
        }
        if let Some((_, last)) = metrics.last() {
            lock(&last.0).shrink(most);
        }
    }

    /// Lets go of all: what was erased is not to stay here.
    pub(crate) fn forget(&self) {
        lock(&self.metrics).clear();
    }
}

impl OfMetric {
    /// Days of such revisions, as far as they are known; nothing, if so many do not fit.
    pub(crate) fn days(&self, wanted: &[(i64, i64)]) -> Option<Vec<Option<Day>>> {
        let mut known = lock(&self.0);
        if known.too_many.is_some_and(|most| wanted.len() >= most) {
            return None;
        }
        known.asked += 1;
        let asked = known.asked;
        let mut day = |(at, revision): &(i64, i64)| {
            let dated = known.days.get_mut(at).filter(|dated| dated.revision == *revision)?;
            dated.asked = asked;
            Some(Arc::clone(&dated.day))
        };
        Some(wanted.iter().map(&mut day).collect())
    }

    /// So many days at once do not fit.
    pub(crate) fn refuse(&self, days: usize) {
        let mut known = lock(&self.0);
        known.too_many = Some(known.too_many.map_or(days, |most| most.min(days)));
    }

    /// Which of some groups have no number yet.
    pub(crate) fn unknown<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> Vec<Digest> {
        let known = lock(&self.0);
        let mut unknown: Vec<Digest> = digests
            .filter(|digest| !known.numbers.contains_key(*digest))
            .copied()
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// Gives groups their numbers.
    pub(crate) fn learn(&self, groups: Vec<(Digest, GroupKey)>) {
        let mut known = lock(&self.0);
        let Known {
            numbers,
            groups: keys,
            size,
            ..
        } = &mut *known;
        let keys = Arc::make_mut(keys);
        for (digest, group) in groups {
            if let Ok(number) = u32::try_from(keys.len())
                && !numbers.contains_key(&digest)
            {
                *size += GROUP + group.texts().map(str::len).sum::<usize>();
                numbers.insert(digest, number);
                keys.push(group);
            }
        }
    }

    /// A day of a revision that was read. Cells of groups without a number are left out, as they have no texts.
    pub(crate) fn remember(&self, at: i64, revision: i64, cells: &[(Digest, i16, Cell)]) -> Day {
        let mut known = lock(&self.0);
        let numbered = |(digest, exponent, cell): &(Digest, i16, Cell)| {
            Some(DayCell {
                group: *known.numbers.get(digest)?,
                exponent: *exponent,
                cell: *cell,
            })
        };
        let day: Day = cells.iter().filter_map(numbered).collect();
        let dated = Dated {
            revision,
            asked: known.asked,
            day: Arc::clone(&day),
        };
        known.size += size_of_val(&*day);
        if let Some(old) = known.days.insert(at, dated) {
            known.size -= size_of_val(&*old.day);
        }
        day
    }

    /// All groups that have a number, in the order of these.
    pub(crate) fn groups(&self) -> Arc<Vec<GroupKey>> {
        Arc::clone(&lock(&self.0).groups)
    }
}

impl Known {
    fn shrink(&mut self, most: usize) {
        let mut ages: Vec<(u64, i64)> = self.days.iter().map(|(at, dated)| (dated.asked, *at)).collect();
        ages.sort_unstable();
        for (_, at) in ages {
            if self.size <= most {
                break;
            }
            if let Some(gone) = self.days.remove(&at) {
                self.size -= size_of_val(&*gone.day);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
