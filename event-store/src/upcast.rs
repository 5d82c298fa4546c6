//! What versions of a type declare of the way from older versions to them.
//!
//! ```
//! use event_core::upcaster::Target;
//! use event_core::{EventType, Label, Source};
//! use event_store::upcast::Change;
//! use event_store::{EventStore, Offer, Origin, TypeChange};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = EventStore::connect("sqlite::memory:").await?;
//! let (paid, one, two) = (EventType::new("order", "paid")?, Label::new("1")?, Label::new("2")?);
//! store.register(&paid, &one, TypeChange::default()).await?;
//! let offer = Offer::Json(br#"{"category": "order", "name": "paid", "data": {"sum": 5}}"#.to_vec());
//! store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
//!
//! let upcast = r#"{"from": "1", "steps": [{"step": "move", "from": "/sum", "to": "/total"}]}"#;
//! let upcast = Some(Change::Declared(serde_json::from_str(upcast)?));
//! store.register(&paid, &two, TypeChange { upcast, ..TypeChange::default() }).await?;
//!
//! let events = store.lift(store.log(0, 10).await?, &Target::Active).await?;
//! assert_eq!(events[0].event.payload().as_str(), r#"{"total":5}"#);
//! let lift = events[0].upcast.as_ref().ok_or("not lifted")?;
//! assert_eq!((&lift.from, &lift.to, &lift.error), (&Some(one), &Some(two), &None));
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use event_core::upcaster::{InvalidUpcast, Upcast, check_chains};
use event_core::{EventType, Label};

use crate::catalog::TypeRecord;

/// What becomes of the upcaster that leads to a version.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is this one, in place of any other.
    Declared(Upcast),
    /// There is none.
    Removed,
}

/// Whether the upcasters of a type still lead somewhere, should a version have this one.
pub(crate) fn check(
    records: &[TypeRecord],
    event_type: &EventType,
    version: &Label,
    upcast: &Upcast,
) -> Result<(), InvalidUpcast> {
    let of_type = records.iter().filter(|record| record.event_type == *event_type);
    let pair = |record: &TypeRecord| Some((record.version.clone(), record.upcast.as_ref()?.from.clone()));
    let mut older: BTreeMap<_, _> = of_type.filter_map(pair).collect();
    older.insert(version.clone(), upcast.from.clone());
    check_chains(version, &older)
}
