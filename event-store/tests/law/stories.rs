//! The stories that a database tells are those of the fold.

use event_core::analysis::{Analysed, Analysis, analyse};
use event_core::{Event, arbitrary};
use event_store::{Error, EventStore};
use proptest::prelude::*;

use crate::disk::Disk;
use crate::hostile;
use crate::world::{World, hold};

pub(crate) fn stories_are_those_of_the_fold(disk: fn() -> Disk) {
    let events = proptest::collection::vec(hostile::event(), 0..40);
    let sessions = proptest::collection::vec(arbitrary::sessions(), 3);
    let funnels = proptest::collection::vec(arbitrary::funnel(), 3);
    let retentions = proptest::collection::vec(arbitrary::retention(), 3);
    let actives = proptest::collection::vec(arbitrary::active(), 3);
    let questions = (sessions, funnels, retentions, actives);
    hold(
        disk,
        (events, questions),
        |world, (events, (sessions, funnels, retentions, actives))| {
            let (store, kept) = world.filled(&events);
            sessions
                .iter()
                .try_for_each(|question| same(world, &store, question, &kept))?;
            funnels
                .iter()
                .try_for_each(|question| same(world, &store, question, &kept))?;
            retentions
                .iter()
                .try_for_each(|question| same(world, &store, question, &kept))?;
            actives
                .iter()
                .try_for_each(|question| same(world, &store, question, &kept))
        },
    );
}

fn same<A>(world: &World, store: &EventStore, question: &A, kept: &[Event]) -> Result<(), TestCaseError>
where
    A: Analysis + serde::Serialize,
    A::Fold: Send + 'static,
    A::Answer: PartialEq + std::fmt::Debug + Send + 'static,
{
    let expected = analyse(question, kept).map(|found| found.answer);
    let found = match world.runtime.block_on(store.analyse(question)) {
        Ok(Analysed { answer, .. }) => Ok(answer),
        Err(Error::Query(error)) => Err(error),
        Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert_eq!(found, expected, "{}", serde_json::to_string(question).unwrap());
    Ok(())
}
