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

/// The days of all metrics that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<OfMetrics>);

#[derive(Debug, Default)]
struct OfMetrics {
    /// The change of the catalog that all this is of: an erasure is one, and what was erased is not to stay here.
    change: i64,
    /// By the numbers of the metrics; the one that was asked for last is the last.
    known: Vec<(i64, Arc<OfMetric>)>,
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
    /// The first and the last of some days that are known to be too many.
    too_many: Option<(i64, i64)>,
}

/// A day, its revision, and the last question that asked for it.
#[derive(Debug)]
struct Dated {
    revision: i64,
    asked: u64,
    day: Day,
}

impl Remembered {
    /// Those of a metric, for a question that finds such a change of the catalog; nothing, if there was a later one.
    pub(crate) fn of(&self, metric: i64, change: i64) -> Option<Arc<OfMetric>> {
        let mut all = lock(&self.0);
        if change < all.change {
            return None;
        }
        if change > all.change {
            all.known.clear();
            all.change = change;
        }
        let of_metric = match all.known.iter().position(|(id, _)| *id == metric) {
            Some(place) => all.known.remove(place).1,
            None => Arc::default(),
        };
        all.known.push((metric, Arc::clone(&of_metric)));
        Some(of_metric)
    }

    /// Lets go of what was not asked for the longest, until all takes no more than so many bytes.
    pub(crate) fn shrink(&self, most: usize) {
        let mut all = lock(&self.0);
        let mut size: usize = all.known.iter().map(|(_, it)| lock(&it.0).size).sum();
        while size > most && all.known.len() > 1 {
            let (_, gone) = all.known.remove(0);
            size -= lock(&gone.0).size;
        }
        if let Some((_, last)) = all.known.last()
            && lock(&last.0).shrink(most) > most
        {
            // Its groups alone are too many. Who holds it keeps their numbers.
            all.known.clear();
        }
    }
}

impl OfMetric {
    /// Days of such revisions, as far as they are known; nothing, if they are known not to fit.
    pub(crate) fn days(&self, wanted: &[(i64, i64)]) -> Option<Vec<Option<Day>>> {
        let mut known = lock(&self.0);
        if let (Some((from, to)), Some((first, _)), Some((last, _))) = (known.too_many, wanted.first(), wanted.last())
            && *first <= from
            && *last >= to
        {
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

    /// The days from one to another do not fit.
    pub(crate) fn refuse(&self, first: i64, last: i64) {
        lock(&self.0).too_many = Some((first, last));
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
    /// Answers how large it still is.
    fn shrink(&mut self, most: usize) -> usize {
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
        self.size
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        [number; 16]
    }

    fn group(number: u8) -> GroupKey {
        GroupKey::new([Some(number.to_string().as_str())])
    }

    /// Reads a day of one cell for each of some groups.
    fn read(known: &OfMetric, at: i64, revision: i64, groups: &[u8]) {
        let cells: Vec<_> = groups
            .iter()
            .map(|number| (digest(*number), 0, Cell::of(None)))
            .collect();
        let unknown = known.unknown(cells.iter().map(|(digest, ..)| digest));
        known.learn(unknown.iter().map(|digest| (*digest, group(digest[0]))).collect());
        assert_eq!(known.remember(at, revision, &cells).len(), groups.len());
    }

    fn known(of: &OfMetric, wanted: &[(i64, i64)]) -> Vec<bool> {
        let days = of.days(wanted).unwrap();
        days.iter().map(Option::is_some).collect()
    }

    #[test]
    fn a_day_is_known_while_its_revision_is_the_same() {
        let remembered = Remembered::default();
        let of = remembered.of(1, 7).unwrap();
        read(&of, 10, 5, &[1, 2]);
        read(&of, 20, 6, &[2, 3]);
        assert_eq!(known(&of, &[(10, 5), (20, 5), (30, 5)]), [true, false, false]);
        assert_eq!(*of.groups(), [group(1), group(2), group(3)]);
        let day = of.days(&[(20, 6)]).unwrap().remove(0).unwrap();
        assert_eq!(day.iter().map(|cell| cell.group).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(known(&remembered.of(1, 7).unwrap(), &[(10, 5)]), [true]);
        assert_eq!(known(&remembered.of(2, 7).unwrap(), &[(10, 5)]), [false]);
    }

    #[test]
    fn an_erasure_leaves_nothing_and_older_questions_bring_nothing_back() {
        let remembered = Remembered::default();
        read(&remembered.of(1, 7).unwrap(), 10, 5, &[1]);
        assert_eq!(known(&remembered.of(1, 8).unwrap(), &[(10, 5)]), [false]);
        assert!(remembered.of(1, 8).unwrap().groups().is_empty());
        assert!(remembered.of(1, 7).is_none());
    }

    #[test]
    fn what_was_not_asked_for_the_longest_goes_first() {
        let remembered = Remembered::default();
        let cell = size_of::<DayCell>();
        for metric in [1, 2] {
            let of = remembered.of(metric, 0).unwrap();
            for at in [10, 20, 30] {
                read(&of, at, 5, &[1, 2]);
            }
        }
        let size = lock(&remembered.of(1, 0).unwrap().0).size;
        remembered.shrink(2 * size);
        assert_eq!(known(&remembered.of(2, 0).unwrap(), &[(10, 5)]), [true]);
        remembered.shrink(2 * size - 1);
        let of = remembered.of(1, 0).unwrap();
        assert_eq!(known(&of, &[(10, 5)]), [false]);
        // Of one metric its days: of the oldest question the first.
        let of = remembered.of(2, 0).unwrap();
        assert_eq!(known(&of, &[(20, 5)]), [true]);
        remembered.shrink(size - 1);
        assert_eq!(known(&of, &[(10, 5), (20, 5), (30, 5)]), [true, true, false]);
        remembered.shrink(size - 2 * cell - 1);
        assert_eq!(known(&of, &[(10, 5), (20, 5)]), [false, true]);
        // And all, where groups alone take more.
        remembered.shrink(2 * GROUP - 1);
        assert!(remembered.of(2, 0).unwrap().groups().is_empty());
        assert_eq!(
            *of.groups(),
            [group(1), group(2)],
            "who asks goes on with what there was"
        );
    }

    #[test]
    fn days_that_are_too_many_are_not_tried_again_and_fewer_are() {
        let of = OfMetric::default();
        of.refuse(20, 40);
        let days = |from: i64, to: i64| -> Vec<_> { (from..=to).step_by(10).map(|at| (at, 1)).collect() };
        assert!(of.days(&days(20, 40)).is_none() && of.days(&days(10, 50)).is_none());
        assert!(of.days(&days(30, 50)).is_some() && of.days(&days(20, 30)).is_some() && of.days(&[]).is_some());
    }
}
