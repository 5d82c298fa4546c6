//! The half of an import that reads and judges, on a thread of its own, while the other half stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_core::EventId;
use event_core::policy::Storage;

use super::bind::bind;
use super::failure::Failure;
use super::input::{self, Input};
use super::lift::Lift;
use super::lifter::Lifter;
use super::occurrence::Occurrences;
use super::options::{Format, Header, ImportOptions, Keep, LastRecord};
use super::record::{Record, Records};
use crate::checkpoint::{Checkpoint, Places, Row};
use crate::inner::now;
use crate::judge::{Judge, Judged};
use crate::original::Form;
use crate::queue::Entry;
use crate::store::EventStore;

/// So many bytes of rows are stored at once, or as many as a batch of rows has that are rather long.
const MOST_BYTES: usize = 2 << 20;
const LONG: usize = 512;
/// So many rows that were imported before are passed over until somebody hears of it.
const PASSED: u64 = 20_000;

/// What the reading half tells the other.
pub(super) enum Step {
    /// Rows that were imported before were passed over.
    Passed,
    Batch(Batch),
}

/// Rows to store, and where the file stands behind them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) rows: Vec<Row>,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) checked: u64,
    pub(super) hash: String,
    pub(super) tail: Option<String>,
    /// Whether the file was read to its end.
    pub(super) finished: bool,
    bytes: usize,
}

/// A file whose first record makes sense.
pub(super) struct Reader {
    records: Records,
    rows: Rows,
    pub(super) places: Arc<Places>,
    pub(super) read: Arc<AtomicU64>,
    pub(super) size: Option<u64>,
    compressed: bool,
}

impl Reader {
    /// Opens a file and looks at its first record; nothing is written anywhere.
    pub(super) fn open(store: EventStore, input: Input, options: Arc<ImportOptions>) -> Result<Self, Failure> {
        let open = input::open(input)?;
        let mut records = Records::new(open.bytes, options.format.shape(), open.compressed);
        if records.is_empty()? {
            return Err(Failure::EmptyFile);
        }
        let first = records.peek()?;
        let text = first.map(|first| String::from_utf8_lossy(records.bytes(&first)).into_owned());
        let (lift, places) = bind(&options, text.as_deref().unwrap_or_default())?;
        if let (
            Some(first),
            Format::Csv {
                header: Header::Present,
                ..
            },
        ) = (first, &options.format)
        {
            records.take(&first);
        }
        Ok(Reader {
            records,
            rows: Rows::new(store, lift, options),
            places: Arc::new(places),
            read: open.read,
            size: open.size,
            compressed: open.compressed,
        })
    }

    /// How many bytes of the file were read, as it is.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Reads from a checkpoint to the end, or until nobody listens.
    pub(super) fn run(mut self, from: &Checkpoint, mut send: impl FnMut(Step) -> bool) -> Result<(), Failure> {
        if from.checked > 0 {
            self.records.expect(from.checked, from.hash.clone());
        }
        if from.finished && !self.compressed && self.size == Some(from.checked) {
            // As long as it was: most likely it is the same, which its hash will tell.
            self.records.skim(|_| send(Step::Passed))?;
            let batch = Batch {
                finished: true,
                ..Batch::default()
            };
            send(Step::Batch(batch));
            return Ok(());
        }
        let mut batch = Batch::default();
        let ended = self.read(from, &mut batch, &mut send);
        match ended {
            // What was read before a place that cannot be read is stored.
            Err(ref failure) if !batch.rows.is_empty() && !matches!(failure, Failure::FileChanged(_)) => {
                batch.stands_at(&mut self.records)?;
                send(Step::Batch(batch));
            }
            _ => {}
        }
        ended
    }

    fn read(
        &mut self,
        from: &Checkpoint,
        batch: &mut Batch,
        send: &mut impl FnMut(Step) -> bool,
    ) -> Result<(), Failure> {
        let mut judge = self.rows.judge();
        // No more than the queue takes at once.
        let queue = self.rows.store.inner().options.queue_events;
        let most_rows = self.rows.options.batch.clamp(1, queue.max(1));
        let (mut errors, mut passed) = (0, 0_u64);
        let mut known_tail = from.tail.as_deref();
        let mut tail = None;
        while let Some(record) = self.records.peek()? {
            if record.offset < from.offset {
                self.rows.pass(self.records.bytes(&record));
                self.records.take(&record);
                passed += 1;
                if passed.is_multiple_of(PASSED) && !send(Step::Passed) {
                    return Ok(());
                }
                continue;
            }
            let known = known_tail.take();
            // What was imported is not left out again.
            if !record.ended && self.rows.options.last_record == LastRecord::Leave && known.is_none() {
                break;
            }
            let bytes = self.records.bytes(&record);
            let hash = (known.is_some() || !record.ended).then(|| blake3::hash(bytes).to_hex().to_string());
            if known.is_some() && known == hash.as_deref() {
                self.rows.pass(bytes);
            } else {
                batch.bytes += bytes.len();
                let judged = self.rows.judge_one(&judge, bytes);
                errors += u64::from(batch.add(&record, judged));
            }
            if !record.ended {
                let before = self.records.place()?;
                tail = hash.map(|hash| (before, hash));
            }
            self.records.take(&record);
            let too_many = errors >= self.rows.options.max_errors;
            if (too_many || batch.is_full(most_rows)) && record.ended {
                batch.stands_at(&mut self.records)?;
                if !send(Step::Batch(std::mem::take(batch))) {
                    return Ok(());
                }
                if too_many {
                    return Err(Failure::TooManyErrors { errors });
                }
                judge = self.rows.judge();
            }
        }
        batch.stands_at(&mut self.records)?;
        batch.finished = true;
        if let Some((before, hash)) = tail {
            (batch.offset, batch.line) = (before.offset, before.line);
            batch.tail = Some(hash);
        }
        send(Step::Batch(std::mem::take(batch)));
        Ok(())
    }
}

impl Batch {
    fn is_full(&self, most_rows: usize) -> bool {
        self.rows.len() >= most_rows || self.bytes >= MOST_BYTES.max(most_rows * LONG)
    }

    /// Adds a row; true if it was refused.
    fn add(&mut self, record: &Record, judged: Judged) -> bool {
        let mut row = Row {
            line: record.line,
            offset: record.offset,
            occurred_at: None,
            dropped: None,
        };
        let refused = match judged {
            Judged::Drop(verdict) => {
                row.dropped = Some(verdict);
                true
            }
            Judged::Keep(entry) => {
                if let Entry::Event { event, .. } = &entry {
                    row.occurred_at = Some(event.event().envelope().occurred_at);
                }
                let refused = matches!(entry, Entry::Refused { .. });
                self.entries.push(entry);
                refused
            }
        };
        self.rows.push(row);
        refused
    }

    fn stands_at(&mut self, records: &mut Records) -> Result<(), Failure> {
        let place = records.place()?;
        (self.offset, self.line) = (place.offset, place.line);
        (self.checked, self.hash) = (place.offset, place.hash);
        Ok(())
    }
}

/// Records → what is to be kept of them.
struct Rows {
    store: EventStore,
    lifter: Lifter,
    options: Arc<ImportOptions>,
    /// `None` where every row brings an id of its own.
    seen: Option<Occurrences>,
    scratch: Vec<u8>,
}

impl Rows {
    fn new(store: EventStore, lift: Lift, options: Arc<ImportOptions>) -> Self {
        let own_ids = matches!(&lift, Lift::Table(table) if table.always("id"));
        Rows {
            store,
            lifter: Lifter::new(Arc::new(lift), Arc::clone(&options)),
            options,
            seen: (!own_ids).then(Occurrences::new),
            scratch: Vec::new(),
        }
    }

    /// A judge by what is registered now.
    fn judge(&self) -> Judge {
        Judge {
            registry: self.store.registry(),
            origin: self.options.origin.clone(),
            limits: self.store.inner().options.limits,
            received_at: now(),
            id: None,
        }
    }

    /// Counts a row that was imported before.
    fn pass(&mut self, record: &[u8]) {
        if self.seen.is_some() && self.lifter.split(record).is_ok() {
            self.id(record);
        }
    }

    fn judge_one(&mut self, judge: &Judge, record: &[u8]) -> Judged {
        let mut judged = match self.lifter.split(record) {
            Ok(()) => self.read(judge, record),
            Err(refusal) => judge.read(Err(*refusal), Some(judge.original(record.to_vec(), Form::Event))),
        };
        if self.options.keep == Keep::CountsOnly
            && let Judged::Keep(Entry::Event { storage, .. }) = &mut judged
        {
            *storage = Storage::CountsOnly;
        }
        judged
    }

    /// The id of a row that brings none: it is the same whenever the file is read, and each of several
    /// rows that are the same has one of its own.
    fn id(&mut self, record: &[u8]) -> Option<EventId> {
        let seen = self.seen.as_mut()?;
        let content = &mut self.scratch;
        content.clear();
        let mut part = |part: &[u8]| {
            content.extend((part.len() as u64).to_le_bytes());
            content.extend(part);
        };
        // What one file is imported as twice, by two types, is two events.
        for constant in [&self.options.category, &self.options.name] {
            part(constant.as_ref().map_or(&[], |it| it.as_str().as_bytes()));
        }
        match self.options.format {
            Format::Csv { .. } => self.lifter.fields().iter().for_each(|field| part(field.as_bytes())),
            Format::Ndjson => part(record.trim_ascii()),
        }
        let hash = *blake3::hash(content).as_bytes();
        let times = seen.count(&hash);
        let hash = match times {
            1 => hash,
            _ => {
                content.extend(times.to_le_bytes());
                *blake3::hash(content).as_bytes()
            }
        };
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        // A UUID of version 8, which is whatever its maker says: ids of this form are kept in 17 bytes.
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        EventId::new(uuid::Uuid::from_bytes(bytes).as_hyphenated().to_string()).ok()
    }

    fn read(&mut self, judge: &Judge, record: &[u8]) -> Judged {
        let id = self.id(record);
        let new_id = move || id.clone().unwrap_or_else(crate::judge::new_id);
        let reception = judge.reception(&new_id);
        let (read, raw) = self.lifter.lift(record, &reception);
        // An event is kept as it was made, with its id; a record that became none as what it is.
        let raw = raw.filter(|_| read.is_err());
        let form = self.lifter.form();
        judge.read(read, raw.map(|bytes| judge.original(bytes, form)))
    }
}

/// How much was read, whoever reads.
pub(super) fn bytes(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
