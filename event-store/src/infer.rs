//! A first schema for a type, from the newest of its events that are stored.

use event_core::EventType;
use event_core::infer::{Field, Inference};
use serde::Serialize;
use serde_json::Value;

use crate::backwards::Backwards;
use crate::error::Error;
use crate::inner::detached;
use crate::store::EventStore;
use crate::trial::off_the_runtime;

/// What the events of a type have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inferred {
    /// Of how many events it is.
    pub observed: u64,
    /// A schema that all of them keep to.
    pub schema: Value,
    /// What was seen at each place.
    pub fields: Vec<Field>,
}

impl EventStore {
    /// Folds the newest stored events of a type, so many at the most, into a first schema; see
    /// [`Inference`] for what it says. Nothing is registered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn infer(&self, event_type: &EventType, last: usize) -> Result<Inferred, Error> {
        let (inner, event_type) = (self.inner().clone(), event_type.clone());
        detached(async move {
            let mut inference = Inference::default();
            let mut events = Backwards::of(&inner, &event_type, last).await?;
            while let Some(page) = events.next(&inner).await? {
                inference = off_the_runtime(move || {
                    page.iter().for_each(|seen| inference.add(&seen.data));
                    inference
                })
                .await?;
            }
            Ok(Inferred {
                observed: inference.observed(),
                schema: inference.schema(),
                fields: inference.fields(),
            })
        })
        .await
    }
}
