//! Tables of Arrow: as batches in memory, and as a stream of bytes that any language reads.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use event_core::StoredEvent;

use super::columns;
use super::encoded::{Encoded, Encoder, unwritten};
use super::scan::Export;
use crate::error::Error;

/// An export as record batches.
#[derive(Debug)]
pub struct Batches(Export);

struct Stream {
    writer: Option<StreamWriter<Vec<u8>>>,
    lifted: bool,
}

impl Export {
    /// The events as record batches of Arrow.
    #[must_use]
    pub fn batches(self) -> Batches {
        Batches(self)
    }

    /// The events as a stream of Arrow (its IPC format).
    #[must_use]
    pub fn arrow(self) -> Encoded {
        let (writer, lifted) = (None, self.is_lifted());
        Encoded::new(self, Stream { writer, lifted })
    }
}

impl Batches {
    /// What the columns are, of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        columns::schema(self.0.is_lifted())
    }

    /// The position that the batches hold when all were read, as [`Export::until`] says it.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.0.until()
    }

    /// The next batch; `None` once all were given out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let (events, lifted) = (self.0.next().await?, self.0.is_lifted());
        events.map(|events| columns::batch(&events, lifted)).transpose()
    }
}

impl Encoder for Stream {
    fn start(&mut self, _: &mut Vec<u8>) -> Result<(), Error> {
        let schema = columns::schema(self.lifted);
        self.writer = Some(StreamWriter::try_new(Vec::new(), &schema).map_err(unwritten)?);
        Ok(())
    }

    fn write(&mut self, events: &[StoredEvent], out: &mut Vec<u8>) -> Result<(), Error> {
        let batch = columns::batch(events, self.lifted)?;
        if let Some(stream) = &mut self.writer {
            stream.write(&batch).map_err(unwritten)?;
            out.append(stream.get_mut());
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(mut stream) = self.writer.take() {
            stream.finish().map_err(unwritten)?;
            out.append(stream.get_mut());
        }
        Ok(())
    }
}
