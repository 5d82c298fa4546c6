//! What a client was asked to be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_core::{Limits, Source, Verdict};

use crate::compression::Compression;
use crate::queue::Bounds;
use crate::retry::Backoff;
use crate::stats::Pause;
use crate::transport::{Transport, TransportError};

/// An event that the collector has judged, and neither stored nor had before.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unstored<'a> {
    /// The event, as JSON.
    pub event: &'a str,
    /// Why.
    pub verdict: &'a Verdict,
}

type OnVerdict = dyn Fn(&Unstored<'_>) + Send + Sync;
type OnPause = dyn Fn(Pause) + Send + Sync;
/// Makes a way to the collector; a child of this process makes one of its own.
pub(crate) type Connect = dyn Fn() -> Result<Arc<dyn Transport>, TransportError> + Send + Sync;

/// How much, how often, how long.
#[derive(Clone, Debug)]
pub(crate) struct Tuning {
    pub(crate) limits: Limits,
    pub(crate) bounds: Bounds,
    /// How long a batch may take to fill.
    pub(crate) linger: Duration,
    pub(crate) backoff: Backoff,
    /// The longest rest while the collector does not take our key.
    pub(crate) pause: Duration,
    pub(crate) report_every: Duration,
    /// How long a `send` may take.
    pub(crate) patience: Duration,
    /// How long a client that was dropped may go on.
    pub(crate) grace: Duration,
    pub(crate) compression: Compression,
}

impl Default for Tuning {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Tuning {
            limits: Limits::default(),
            bounds: Bounds {
                queue_events: 100_000,
                queue_bytes: 64 * MIB,
                batch_events: 1_000,
                batch_bytes: MIB,
            },
            linger: Duration::from_millis(500),
            backoff: Backoff {
                first: Duration::from_millis(500),
                longest: Duration::from_secs(30),
            },
            pause: Duration::from_secs(60),
            report_every: Duration::from_secs(60),
            patience: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            compression: Compression::default(),
        }
    }
}

/// What the application wants to be told.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) on_unstored: Option<Box<OnVerdict>>,
    pub(crate) on_pause: Option<Box<OnPause>>,
}

/// Everything that does not change while a client lives.
pub(crate) struct Settings {
    pub(crate) source: Source,
    pub(crate) tuning: Tuning,
    pub(crate) callbacks: Callbacks,
    pub(crate) connect: Box<Connect>,
    #[cfg(feature = "spool")]
    pub(crate) spool: Option<crate::spool::SpoolOptions>,
    #[cfg(feature = "validation")]
    pub(crate) schemas: Option<crate::schemas::Schemas>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = f.debug_struct("Settings");
        settings.field("source", &self.source).field("tuning", &self.tuning);
        settings.finish_non_exhaustive()
    }
}
