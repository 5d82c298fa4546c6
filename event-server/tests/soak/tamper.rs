//! Who judges the judge? Whoever spoils the file behind the collectors' back: all of it has to be noticed, each by the check
//! that is there for it.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, Database};

use crate::collector::Place;
use crate::judge::{Check, judge};
use crate::plan::IN_MEMORY;
use crate::world::World;

const DEEDS: [(&str, Check); 9] = [
    (
        "DELETE FROM event_events WHERE position IN (SELECT position FROM event_events LIMIT 20)",
        Check::Kept,
    ),
    (
        "DROP INDEX event_events_id; CREATE TEMP TABLE again AS SELECT * FROM event_events LIMIT 1; \
         UPDATE again SET position = (SELECT max(position) FROM event_events) + 1; \
         INSERT INTO event_events SELECT * FROM again",
        Check::Once,
    ),
    (
        "UPDATE event_events SET position = position + 1000000000 WHERE position % 2 = 0",
        Check::Place,
    ),
    ("UPDATE event_events SET position = 1000000000 - position", Check::Order),
    (
        "UPDATE event_events SET data = replace(data, 'p-0', 'p-7')",
        Check::Offered,
    ),
    ("DELETE FROM event_quarantine", Check::Refused),
    (
        "UPDATE event_quarantine SET event_id = '7-0' WHERE source = 'shop-3' AND code = 'schema_violation'",
        Check::Disjoint,
    ),
    ("UPDATE event_cells SET events = events + 1", Check::Cells),
    ("UPDATE event_losses SET events = events + 1", Check::Losses),
];

/// Spoils copies of a file that is sound.
pub(crate) async fn is_noticed(place: &Place, folder: &Path) {
    for (deed, check) in DEEDS {
        let copy = place.copied(&folder.join("copy.db"));
        let db = Database::connect(copy.url()).await.unwrap();
        db.execute_unprepared(deed).await.unwrap();
        db.close().await.unwrap();
        assert_noticed(&World::read(&copy, folder).await, deed, check);
    }
    let mut world = World::read(place, folder).await;
    world.told[IN_MEMORY].ended.as_mut().unwrap().waiting += 1;
    assert_noticed(&world, "an event that waits", Check::Counts);
}

fn assert_noticed(world: &World, deed: &str, check: Check) {
    let violations = judge(world);
    let is_noticed = violations.iter().any(|violation| violation.0 == check);
    assert!(is_noticed, "{deed}: not noticed by {check:?}, but as {violations:?}");
}
