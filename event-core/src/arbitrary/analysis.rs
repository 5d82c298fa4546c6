//! Questions about whole stories of [`event`](super::event)s.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::event::instant;
use super::query::{field, filter, range, zone};
use crate::analysis::{Active, Funnel, FunnelOrder, Length, Retention, Sessions, Step};
use crate::filter::Field;
use crate::query::{Bucket, Order, Unit};

/// A question about sessions, its first page.
pub fn sessions() -> impl Strategy<Value = Sessions> {
    let order = select(vec![Order::Ascending, Order::Descending]);
    (filter(), range(None), order, 1..6_usize).prop_map(|(filter, (from, to), order, limit)| Sessions {
        filter,
        from,
        to,
        order,
        limit,
        after: None,
    })
}

/// A funnel of up to four steps, which events often take.
pub fn funnel() -> impl Strategy<Value = Funnel> {
    let order = select(FunnelOrder::ALL.to_vec());
    let window = proptest::option::of((0..2_000_i64).prop_map(|hours| Length::from_micros(hours * 3_600_000_000)));
    let asked = (vec(filter(), 1..5), actor(), window, order);
    (asked, filter(), range(None)).prop_map(|((steps, by, window, order), filter, (from, to))| {
        let labels = (1..).map(|step| format!("step {step}"));
        let steps = labels.zip(steps).map(|(label, filter)| Step { label, filter });
        Funnel {
            steps: steps.collect(),
            by,
            window,
            order,
            filter,
            from,
            to,
        }
    })
}

/// A retention by days, weeks or months.
pub fn retention() -> impl Strategy<Value = Retention> {
    let unit = select(vec![Unit::Day, Unit::Week, Unit::Month]);
    let bucket = (unit, zone()).prop_map(|(unit, zone)| Bucket { unit, zone });
    let asked = (actor(), filter(), filter(), bucket, 1..20_usize);
    (asked, filter(), range(Some(Unit::Day))).prop_map(|((by, first, again, bucket, periods), filter, (from, to))| {
        Retention {
            by,
            first,
            again,
            bucket,
            periods,
            filter,
            from,
            to,
        }
    })
}

/// What is active at an instant or over a range.
pub fn active() -> impl Strategy<Value = Active> {
    let unit = proptest::option::weighted(0.7, select(Unit::ALL.to_vec()));
    let time = unit.prop_flat_map(|unit| (Just(unit), range(unit), zone()));
    let at = proptest::option::weighted(0.3, instant());
    let asked = (filter(), filter(), actor(), proptest::option::of(field()));
    (asked, filter(), time, at).prop_map(|((open, close, key, by), filter, (unit, (from, to), zone), at)| {
        let bucket = unit.map(|unit| Bucket { unit, zone });
        let whole = at.is_none();
        Active {
            open,
            close,
            key: vec![key],
            by: by.into_iter().collect(),
            at,
            from: from.filter(|_| whole),
            to: to.filter(|_| whole),
            bucket: bucket.filter(|_| whole),
            filter,
        }
    })
}

/// Who acts: most often one who acts several times.
fn actor() -> impl Strategy<Value = Field> {
    prop_oneof![3 => Just(Field::SessionId), 3 => Just(Field::Subject), 2 => Just(Field::Source), 1 => field()]
}
