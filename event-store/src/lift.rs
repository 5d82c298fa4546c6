//! Events as those of another version of their type.

use event_core::StoredEvent;
use event_core::lift::Lifter;
use event_core::upcaster::Target;

use crate::error::Error;
use crate::inner::Inner;
use crate::store::EventStore;

impl EventStore {
    /// Shows events as those of a version of their types, by the upcasters that are declared now, see
    /// [`upcast`](crate::upcast). Nothing that is stored changes: ids, places and order stay.
    ///
    /// An event that cannot be lifted stays as it is. Of each, its member `upcast` says what it was, as what it is
    /// shown, and why if it is the same.
    ///
    /// # Errors
    /// Only if the work itself breaks down.
    pub async fn lift(&self, events: Vec<StoredEvent>, target: &Target) -> Result<Vec<StoredEvent>, Error> {
        lift(self.inner(), events, Some(target)).await
    }
}

/// The events, lifted if that is asked for. To judge a page of them takes long enough to be kept off the runtime's
/// threads.
pub(crate) async fn lift(
    inner: &Inner,
    events: Vec<StoredEvent>,
    target: Option<&Target>,
) -> Result<Vec<StoredEvent>, Error> {
    let Some(target) = target.cloned() else {
        return Ok(events);
    };
    // What is joined of its upcasters lasts for this page: the next one may see a later catalog.
    let (registry, limits) = (inner.registry(), inner.options.limits);
    let work = tokio::task::spawn_blocking(move || {
        let mut lifter = Lifter::new(&registry, &target, limits);
        events.into_iter().map(|stored| lifter.lift(stored)).collect()
    });
    work.await
        .map_err(|error| Error::corrupt(format!("lifting failed: {error}")))
}
