//! Files → how often each subject has events in each minute, without a store.
//!
//! The rows that count are those that an import would store, and the rows that are refused those that it would
//! refuse: whatever is not plain is read by the import's own reader.

mod spill;
mod faults;
mod look;
mod worker;
mod pieces;
mod counted;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use event_core::minutes::Cut;
use event_core::{Filter, Limits};

pub use counted::{Counted, Rejected};

use super::bind::bind;
use super::failure::Failure;
use super::input::{self, Input, Kind};
use super::lift::{Lift, has};
use super::options::{Format, Header, ImportOptions, LastRecord};
use super::record::Records;
use super::report::Progress;
use look::Look;
use spill::Spill;
use worker::Worker;

/// So many rows are read from a stream until their memory is looked at.
const ROWS_AT_ONCE: u64 = 8_192;

/// How the rows of a file are counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CountOptions {
    /// The part of all time of which events are counted.
    pub cut: Cut,
    /// Only events that this holds for are counted; the others are judged all the same.
    pub only: Filter,
    /// How large a row may be.
    pub limits: Limits,
    /// How far ahead of the clock a row may lie.
    pub future_tolerance_seconds: u32,
    /// How many threads read a file that is not compressed: as many as there are cores, if it is left out.
    pub threads: Option<usize>,
    /// So many bytes of such a file a thread reads at once.
    pub piece: usize,
    /// About so many bytes are held at the most, besides what an answer takes, as long as there is a folder for
    /// the rest.
    pub memory: usize,
    /// Where the rest goes, in a file without a name.
    pub spill: Option<PathBuf>,
    /// Of so many refused rows place and reason are told, those that come first in the file. To tell them takes longer
    /// than to count them.
    pub rejected: usize,
}

impl Default for CountOptions {
    fn default() -> Self {
        CountOptions {
            cut: Cut::NONE,
            only: Filter::new(),
            limits: Limits::DEFAULT,
            future_tolerance_seconds: 300,
            threads: None,
            piece: 512 << 10,
            memory: 256 << 20,
            spill: None,
            rejected: Rejected::MOST,
        }
    }
}

/// Counts the rows of a file by subject and minute, to be [asked](Counted::answer) as often as one likes. Each row
/// counts that [an import](crate::EventStore::import) of the file into a store without types would store, if
/// the file was never imported before; types and names need not be declared. Of the options of an import those count
/// that say what rows are. Nothing tells equal events apart here, which is why a column cannot become the
/// `id`.
///
/// ```
/// use event_core::{Query, Source};
/// use event_store::Origin;
/// use event_store::import::{self, Columns, CountOptions, Format, Header, ImportOptions, Input};
///
/// let format = Format::Csv { delimiter: b',', header: Header::Absent };
/// let mut options = ImportOptions::new(format, Origin::new(Source::new("meter")?));
/// let columns = ["subject", "data.type", "timestamp"].map(str::parse);
/// options.columns = Columns::InOrder(columns.into_iter().collect::<Result<_, _>>()?);
/// let file = "c-1,INGEST,2021-03-01 00:01:11.055+00\n,INGEST,2021-03-01 00:02:00+00\n";
/// let counted = import::count(Input::stream(file.as_bytes()), &options, &CountOptions::default(), |_| {})?;
/// assert_eq!((counted.rows, counted.refused()), (2, 1));
/// let query = Query::from_json(br#"{"by": ["subject"], "bucket": "hour"}"#)?;
/// assert_eq!(counted.answer(&query)?.rows[0].value, Some(1.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Why the file was not read to its end: [`Failure::RecordTooLarge`], say. Nothing is answered from a part.
pub fn count(
    input: Input,
    options: &ImportOptions,
    counting: &CountOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Counted, Failure> {
    let started = Instant::now();
    let path = match &input.kind {
        Kind::File(path) => Some(path.clone()),
        Kind::Stream(_) => None,
    };
    let open = input::open(input)?;
    let options = Arc::new(with_type(options));
    let mut records = Records::new(open.bytes, options.format.shape(), open.compressed).without_hash();
    if records.is_empty()? {
        return Err(Failure::EmptyFile);
    }
    let first = records.peek()?;
    let text = first.map(|first| String::from_utf8_lossy(records.bytes(&first)).into_owned());
    let (lift, places) = bind(&options, text.as_deref().unwrap_or_default())?;
    if let Lift::Table(table) = &lift
        && has(table.columns(), "id")
    {
        let message = "rows are counted here, and not told apart by an id: declare its column as -";
        return Err(Failure::InvalidColumns(message.to_owned()));
    }
    let header = matches!(&options.format, Format::Csv { header, .. } if *header == Header::Present);
    if let (Some(first), true) = (first, header) {
        records.take(&first);
    }
    let look = Look::new(lift, places, Arc::clone(&options), counting);
    let spill = Spill::new(counting);
    if let (Some(path), Some(size), false) = (path, open.size, open.compressed) {
        let file = File::open(path).map_err(Failure::Unreadable)?;
        let place = records.place()?;
        let whole = pieces::Pieces::new(&file, place, size, &options.format, counting.piece);
        if let Some(counted) = whole.count(&look, &spill, counting, started, &mut progress)? {
            return Ok(counted);
        }
        // A record goes over a line end, or is a long one: only who reads from the start knows where records begin.
        spill.empty();
    }
    let mut worker = Worker::new(&look, &spill, spill.share(1));
    let mut told = 0;
    while let Some(record) = records.peek()? {
        if !record.ended && options.last_record == LastRecord::Leave {
            break;
        }
        worker.record(records.bytes(&record), record.line, record.offset);
        records.take(&record);
        if worker.rows() - told >= ROWS_AT_ONCE {
            told = worker.rows();
            worker.relieve()?;
            progress(Progress {
                rows: told,
                errors: worker.refused(),
                bytes: open.read.load(Ordering::Relaxed),
                size: open.size,
                resuming: false,
            });
        }
    }
    let bytes = open.read.load(Ordering::Relaxed);
    Ok(Counted::of(vec![worker], &spill, &look, bytes, started))
}

/// What is counted needs no name, so that none has to be given.
fn with_type(options: &ImportOptions) -> ImportOptions {
    let mut options = options.clone();
    if options.format != Format::Ndjson {
        let any = || "row".parse().ok();
        options.category = options.category.or_else(any);
        options.name = options.name.or_else(any);
    }
    options
}
