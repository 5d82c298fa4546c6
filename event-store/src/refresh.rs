//! Learns which keys other processes have made or revoked, and how many events came in by those with a quota.
//!
//! In a task of its own: what the writer waits for must not keep a revoked key in use, and no
//! request ever waits for this.

use std::sync::{Arc, Weak};

use tokio::time::{Duration, MissedTickBehavior, interval, timeout};

use crate::api_key::KeyRing;
use crate::error::{Cause, Error};
use crate::inner::{Inner, detached};
use crate::position;
use crate::usage;

/// How often to look; a key that was revoked elsewhere is of no use any more after five seconds at
/// the most.
const PERIOD: Duration = Duration::from_secs(1);
/// So many looks go by from one time that quotas are settled to the next.
const LOOKS: u32 = 3;
/// How long to wait for a look before the next one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks until the store is closed, or gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut well, mut looks) = (true, 0);
    loop {
        period.tick().await;
        let Some(inner) = inner.upgrade().filter(|inner| !inner.queue.is_closed()) else {
            return;
        };
        looks = (looks + 1) % LOOKS;
        let looked = timeout(PATIENCE, detached(look(Arc::clone(&inner), looks == 0))).await;
        let looked = looked.unwrap_or_else(|_| Err(Error::Unavailable(Cause::new("no answer in time"))));
        if let Err(error) = &looked
            && well
            && !inner.queue.is_closed()
        {
            // Once, and not every second.
            tracing::warn!(%error, "the keys cannot be read anew: those known are used on");
        }
        well = looked.is_ok();
    }
}

/// Reads the keys anew if anything has changed, and settles quotas if it is time.
async fn look(inner: Arc<Inner>, settle: bool) -> Result<(), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let log = position::log(dialect, &inner.reader, tables).await?;
    if log.changes > inner.keys().change() {
        inner.replace_keys(KeyRing::current(dialect, &inner.reader, tables).await?);
    }
    if settle && inner.keys().has_quotas() {
        usage::settle(inner).await?;
    }
    Ok(())
}
