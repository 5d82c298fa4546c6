//! A range of time in stretches, each to be answered from the longest cells that fit.

use super::level::Level;
use crate::timestamp::Timestamp;

/// A part of a range of time, and what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// The first instant; absent, there is none.
    pub from: Option<Timestamp>,
    /// The first instant beyond; absent, there is none.
    pub to: Option<Timestamp>,
    /// What answers it.
    pub part: Part,
}

/// What a [`Stretch`] is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The events themselves.
    Rows,
    /// Cells of this level, whole ones only.
    Cells(Level),
}

/// The instant after [`Timestamp::MAX`], the first of a day.
const END: i64 = Timestamp::MAX.as_micros() + 1;

/// Splits a range into stretches without gaps: days in its middle, around them hours, around those
/// minutes, and at the ends events. A level is used only where no bucket cuts its cells, that is
/// where it goes into the granule of the buckets, see [`Bucket::granule`](crate::query::Bucket::granule).
/// An open end belongs to the longest level there is; a range that ends where it starts, or
/// before, has no stretch.
///
/// ```
/// use event_core::aggregate::{Level, Part, stretches};
/// let (from, to) = ("2026-01-01T22:58:30Z".parse()?, "2026-01-03T01:00:00Z".parse()?);
/// let parts = |granule| stretches(Some(from), Some(to), granule).iter().map(|s| s.part).collect::<Vec<_>>();
/// let (minutes, hours) = (Part::Cells(Level::Minute), Part::Cells(Level::Hour));
/// assert_eq!(parts(None), [Part::Rows, minutes, hours, Part::Cells(Level::Day), hours]);
/// let half_hour = 30 * 60_000_000;
/// assert_eq!(parts(Some(half_hour)), [Part::Rows, minutes]);
/// assert_eq!(parts(Some(1_000_000)), [Part::Rows]);
/// # Ok::<(), event_core::timestamp::TimestampError>(())
/// ```
#[must_use]
pub fn stretches(from: Option<Timestamp>, to: Option<Timestamp>, granule: Option<i64>) -> Vec<Stretch> {
    let usable = |level: &Level| granule.is_none_or(|granule| granule % level.micros() == 0);
    let (mut start, mut end) = (
        from.map_or(0, Timestamp::as_micros),
        to.map_or(END, Timestamp::as_micros),
    );
    let (mut before, mut after, mut part) = (Vec::new(), Vec::new(), Part::Rows);
    for level in Level::ALL.into_iter().filter(usable) {
        // No instant lies before 1970, nor beyond `END`: both are edges of every level.
        let length = level.micros();
        let (first, last) = ((start + length - 1) / length * length, end / length * length);
        if first >= last {
            break;
        }
        before.push((start, first, part));
        after.push((last, end, part));
        (start, end, part) = (first, last, Part::Cells(level));
    }
    let ordered = before
        .into_iter()
        .chain([(start, end, part)])
        .chain(after.into_iter().rev());
    let instant = |micros| Timestamp::MIN.saturating_add_micros(micros);
    let mut stretches: Vec<Stretch> = ordered
        .filter(|(start, end, _)| start < end)
        .map(|(start, end, part)| Stretch {
            from: Some(instant(start)),
            to: Some(instant(end)),
            part,
        })
        .collect();
    if let Some(first) = stretches.first_mut() {
        first.from = from;
    }
    if let Some(last) = stretches.last_mut() {
        last.to = to;
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000_000;

    fn end() -> impl Strategy<Value = Option<Timestamp>> {
        let instants = prop_oneof![
            3 => crate::arbitrary::instant(),
            2 => (0..4 * 1440_i64, prop_oneof![Just(0), Just(1), Just(-1), -MINUTE..MINUTE])
                .prop_map(|(minute, beside)| Timestamp::MIN.saturating_add_micros(minute * MINUTE + beside)),
            1 => (0..4 * 1440_i64, 0..MINUTE)
                .prop_map(|(minute, beside)| Timestamp::MAX.saturating_add_micros(-minute * MINUTE - beside)),
        ];
        proptest::option::weighted(0.85, instants)
    }

    fn granule() -> impl Strategy<Value = Option<i64>> {
        let granules = [1, 60, 120, 600, 900, 1800, 3600, 7200, 86400, 7 * 86400, 90];
        proptest::option::of(proptest::sample::select(
            granules.map(|seconds| seconds * 1_000_000).to_vec(),
        ))
    }

    /// The best part for the minute, hour and day of an instant, told one level at a time.
    fn best(at: i64, start: i64, end: i64, granule: Option<i64>) -> Part {
        let fits = |level: &Level| {
            let first = at / level.micros() * level.micros();
            start <= first
                && first + level.micros() <= end
                && granule.is_none_or(|granule| granule % level.micros() == 0)
        };
        Level::ALL.into_iter().rev().find(fits).map_or(Part::Rows, Part::Cells)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn stretches_tile_the_range_as_well_as_can_be(from in end(), to in end(), granule in granule(), inside in 0.0..1.0) {
            let stretches = stretches(from, to, granule);
            let (start, end) = (from.map_or(0, Timestamp::as_micros), to.map_or(END, Timestamp::as_micros));
            prop_assert_eq!(stretches.is_empty(), end <= start);
            prop_assert!(stretches.len() <= 7);
            if let (Some(first), Some(last)) = (stretches.first(), stretches.last()) {
                prop_assert_eq!((first.from, last.to), (from, to));
            }
            for pair in stretches.windows(2) {
                prop_assert!(pair[0].to.is_some() && pair[0].to == pair[1].from && pair[0].part != pair[1].part);
            }
            for stretch in &stretches {
                let (first, last) = (
                    stretch.from.map_or(0, Timestamp::as_micros),
                    stretch.to.map_or(END, Timestamp::as_micros),
                );
                prop_assert!(first < last);
                if let Part::Cells(level) = stretch.part {
                    prop_assert!(first % level.micros() == 0 && last % level.micros() == 0);
                }
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
                let somewhere = first + ((last - first) as f64 * inside) as i64;
                for at in [first, somewhere.min(last - 1), last - 1] {
                    prop_assert_eq!(stretch.part, best(at, start, end, granule));
                }
            }
        }
    }
}
