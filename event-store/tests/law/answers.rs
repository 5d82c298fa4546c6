//! The answer in SQL is the answer of the fold.

use event_core::Answer;
use event_core::aggregate::Origin;
use event_store::Error;
use proptest::prelude::*;

use crate::disk::Disk;
use crate::hostile;
use crate::world::{hold, shown};

pub(crate) fn sql_answers_what_the_fold_answers(disk: fn() -> Disk) {
    let events = proptest::collection::vec(hostile::event(), 0..40);
    let drafts = proptest::collection::vec(hostile::draft(), 12);
    hold(disk, (events, drafts), |world, (events, drafts)| {
        let (store, kept) = world.filled(&events);
        for draft in drafts {
            let query = draft.of(&kept);
            let expected = event_core::answer(&query, &kept).map(|answer| answer.rows);
            let found = match world.runtime.block_on(store.answer(&query)) {
                Ok(Answer { rows, source, .. }) => {
                    prop_assert_eq!(source, Origin::Rows);
                    Ok(rows)
                }
                Err(Error::Query(error)) => Err(error),
                Err(other) => {
                    return Err(TestCaseError::fail(format!("{other:?} for {}", shown(&query, &kept))));
                }
            };
            prop_assert_eq!(found, expected, "{}", shown(&query, &kept));
        }
        Ok(())
    });
}
