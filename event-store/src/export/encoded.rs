//! An export as bytes.

use event_core::StoredEvent;

use super::scan::Export;
use crate::backfill::Progress;
use crate::error::{Cause, Error};

/// How events are written.
pub(super) trait Encoder: Send {
    /// What stands before the first event.
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Some events.
    fn write(&mut self, events: &[StoredEvent], out: &mut Vec<u8>) -> Result<(), Error>;

    /// What stands behind the last event.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// The bytes of an export, in chunks that fit in memory.
pub struct Encoded {
    export: Export,
    encoder: Box<dyn Encoder>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Written,
    Ended,
}

impl Encoded {
    pub(super) fn new(export: Export, encoder: impl Encoder + 'static) -> Self {
        Encoded {
            export,
            encoder: Box::new(encoder),
            stage: Stage::New,
        }
    }

    /// The position that these bytes hold when all were read, as [`Export::until`] says it.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.export.until()
    }

    /// How much of the log is done.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.export.progress()
    }

    /// The next chunk; `None` once all were given out. Chunks end where events end.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.stage == Stage::Ended {
            return Ok(None);
        }
        let events = self.export.next().await?;
        let mut out = Vec::new();
        if self.stage == Stage::New {
            self.encoder.start(&mut out)?;
            self.stage = Stage::Written;
        }
        match events {
            Some(events) => self.encoder.write(&events, &mut out)?,
            None => {
                self.encoder.end(&mut out)?;
                self.stage = Stage::Ended;
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    }
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Encoded").field(&self.export).finish()
    }
}

/// What a writer said.
pub(super) fn unwritten(error: impl std::error::Error) -> Error {
    Error::Export(Cause::new(error.to_string()))
}
