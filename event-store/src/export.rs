//! Events out of the store, in the order of the log: as lines, as tables, as files.
//!
//! An export is fixed when it starts: it holds the events behind one position and up to another, and is the same
//! whenever it is read. So whoever keeps the position that it [reaches](Export::until) can go on from there, and has
//! every event once. It is read in pages, with no transaction open between them: a slow reader holds up nobody.
//!
//! ```
//! use event_core::Source;
//! use event_store::export::ExportOptions;
//! use event_store::{EventStore, Offer, Origin};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = EventStore::connect("sqlite::memory:").await?;
//! let offer = Offer::Json(br#"{"id": "o-1", "category": "order", "name": "created", "data": {"total": -1}}"#.to_vec());
//! store.ingest(vec![offer], &Origin::new(Source::new("shop")?)).await?;
//!
//! let export = store.export(&ExportOptions::default()).await?;
//! assert_eq!(export.until(), 1);
//! let mut lines = export.ndjson();
//! let chunk = lines.next().await?.unwrap_or_default();
//! assert!(chunk.starts_with(br#"{"position":1,"id":"o-1","category":"order","name":"created""#));
//! assert_eq!(lines.next().await?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Bottom first, as in lib.rs.
mod scan;
mod encoded;
mod ndjson;
mod csv;
#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod arrow;
#[cfg(feature = "parquet")]
mod limits;
#[cfg(feature = "parquet")]
mod partition;
#[cfg(feature = "parquet")]
mod part;
#[cfg(feature = "parquet")]
mod manifest;
#[cfg(feature = "parquet")]
mod rows;
#[cfg(feature = "parquet")]
mod folder;

#[cfg(feature = "parquet")]
pub use arrow::Batches;
pub use csv::{CsvOptions, Formulas};
pub use encoded::Encoded;
#[cfg(feature = "parquet")]
pub use limits::ParquetOptions;
#[cfg(feature = "parquet")]
pub use manifest::Manifest;
pub use scan::{Export, ExportOptions};
