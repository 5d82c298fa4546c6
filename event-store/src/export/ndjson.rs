//! One event a line, as JSON.

use event_core::StoredEvent;

use super::encoded::{Encoded, Encoder, unwritten};
use super::scan::Export;
use crate::error::Error;

struct Ndjson;

impl Export {
    /// The events as lines of JSON: each as a page of events has it, with its position, and as it could be offered
    /// again.
    #[must_use]
    pub fn ndjson(self) -> Encoded {
        Encoded::new(self, Ndjson)
    }
}

impl Encoder for Ndjson {
    fn start(&mut self, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    fn write(&mut self, events: &[StoredEvent], out: &mut Vec<u8>) -> Result<(), Error> {
        for event in events {
            serde_json::to_writer(&mut *out, event).map_err(unwritten)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }
}
