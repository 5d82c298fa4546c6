//! NDJSON, judged line by line on all cores, in bounded memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use event_core::{Code, Limits, Refusal};
use memchr::memchr;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use rayon::ThreadPool;

use crate::blocks::{Block, Buffer, Input, Reader, pieces};
use crate::book::Book;
use crate::boundary::guarded;
use crate::error;
use crate::schema::lone_surrogate;

/// Python is told how far it is when so many blocks more were judged.
const TOLD: usize = 32;
/// It is told sooner where they are slow in coming.
const PATIENCE: Duration = Duration::from_millis(100);
/// So many blocks are read for each thread: one that it judges, and others that wait for it.
const AHEAD: usize = 3;

/// What became of the lines of `Registry.validate_ndjson`.
///
/// >>> import event_py
/// >>> report = event_py.Registry().validate_ndjson(b'{"category": "order", "name": "created"}\n{"name": "x"}\n')
/// >>> report
/// Report(valid=1, invalid=1, codes={'invalid_type': 1})
/// >>> report.errors[0].line
/// 2
#[pyclass(frozen, module = "event_py")]
pub(crate) struct Report(Tally);

/// What was found in some lines that follow one another.
#[derive(Default)]
struct Tally {
    /// All lines, empty ones too.
    lines: u64,
    valid: u64,
    warned: u64,
    codes: BTreeMap<Code, u64>,
    /// The first of them, each with its line, from 1.
    errors: Vec<(u64, Refusal)>,
}

impl Tally {
    /// Judges whole lines.
    fn of(lines: &[u8], book: &Book, max_errors: usize) -> Self {
        let mut tally = Tally::default();
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        let mut rest = Some(lines);
        while let Some(text) = rest {
            let end = memchr(b'\n', text);
            let line = &text[..end.unwrap_or(text.len())];
            rest = end.map(|end| &text[end + 1..]);
            tally.lines += 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if book.surely_allows(line) {
                tally.valid += 1;
                continue;
            }
            match book.judge(line) {
                Ok(event) => {
                    tally.valid += 1;
                    tally.warned += u64::from(!event.violations().is_empty());
                }
                Err(refusal) => tally.refuse(refusal, max_errors),
            }
        }
        tally
    }

    /// Judges a block, and answers the room that it was in.
    fn of_block(block: Block<'_>, book: &Book, max_errors: usize) -> (Self, Option<Buffer>) {
        match block {
            Block::Given(lines) => (Tally::of(lines, book, max_errors), None),
            Block::Read(buffer) => (Tally::of(buffer.bytes(), book, max_errors), Some(buffer)),
            Block::TooLong(bytes) => {
                let mut tally = Tally {
                    lines: 1,
                    ..Tally::default()
                };
                tally.refuse(Refusal::too_large(bytes, Limits::DEFAULT.event_bytes), max_errors);
                (tally, None)
            }
        }
    }

    /// Counts the line that was begun last as refused.
    fn refuse(&mut self, refusal: Refusal, max_errors: usize) {
        *self.codes.entry(refusal.code).or_default() += 1;
        if self.errors.len() < max_errors {
            self.errors.push((self.lines, refusal));
        }
    }

    /// This and what was found in the lines behind.
    fn followed_by(mut self, next: Tally, max_errors: usize) -> Self {
        let room = max_errors.saturating_sub(self.errors.len());
        let errors = next.errors.into_iter().take(room);
        self.errors
            .extend(errors.map(|(line, refusal)| (self.lines + line, refusal)));
        self.lines += next.lines;
        self.valid += next.valid;
        self.warned += next.warned;
        for (code, count) in next.codes {
            *self.codes.entry(code).or_default() += count;
        }
        self
    }
}

/// What was found so far, put together in the order of the lines.
struct Found {
    tally: Tally,
    /// Blocks, and how many of them are in the tally.
    blocks: usize,
    /// What was found behind lines that are being judged.
    ahead: BTreeMap<usize, Tally>,
    /// Lines and blocks that Python was told of, and when.
    told: u64,
    told_blocks: usize,
    told_at: Instant,
}

impl Found {
    fn add(&mut self, block: usize, tally: Tally, max_errors: usize) {
        self.ahead.insert(block, tally);
        while let Some(next) = self.ahead.remove(&self.blocks) {
            self.tally = std::mem::take(&mut self.tally).followed_by(next, max_errors);
            self.blocks += 1;
        }
    }

    /// Judges blocks on the threads of a pool, all of them at once.
    fn judge_all<'a>(
        &mut self,
        book: &'a Book,
        max_errors: usize,
        progress: Option<&Py<PyAny>>,
        pool: &ThreadPool,
        mut next: impl FnMut(Buffer) -> PyResult<Option<Block<'a>>>,
    ) -> PyResult<()> {
        let (sender, judged) = mpsc::channel();
        let (mut begun, mut ended, mut spare) = (0, 0, Vec::new());
        let most = AHEAD * pool.current_num_threads();
        pool.in_place_scope(|scope| {
            loop {
                let block = next(spare.pop().unwrap_or_default())?;
                let is_over = block.is_none();
                // All are waited for where nothing comes behind them, or not so soon.
                let waits = block.as_ref().is_none_or(Block::is_short);
                if let Some(block) = block {
                    let (sender, number) = (sender.clone(), begun);
                    scope.spawn(move |_| {
                        let judged = panic::catch_unwind(AssertUnwindSafe(|| Tally::of_block(block, book, max_errors)));
                        // Nobody listens any more where Python has raised an error.
                        let _heard = sender.send((number, judged));
                    });
                    begun += 1;
                }
                while ended < begun {
                    // What was found behind a block that takes its time is kept, too.
                    let one = if !waits && begun - self.blocks < most {
                        judged.try_recv().ok()
                    } else {
                        judged.recv().ok()
                    };
                    let Some((number, judged)) = one else { break };
                    // A panic goes on where the caller catches it.
                    let (tally, room) = judged.unwrap_or_else(|panic| panic::resume_unwind(panic));
                    self.add(number, tally, max_errors);
                    spare.extend(room);
                    ended += 1;
                    self.tell_now_and_then(progress)?;
                }
                if is_over {
                    return Ok(());
                }
                if waits {
                    self.tell(progress)?;
                }
            }
        })
    }

    fn tell_now_and_then(&mut self, progress: Option<&Py<PyAny>>) -> PyResult<()> {
        if self.blocks >= self.told_blocks + TOLD || self.told_at.elapsed() > PATIENCE {
            self.tell(progress)?;
        }
        Ok(())
    }

    /// Lets Python do what it has to, and tells it how many lines were judged.
    fn tell(&mut self, progress: Option<&Py<PyAny>>) -> PyResult<()> {
        Python::attach(|py| {
            py.check_signals()?;
            if let Some(progress) = progress
                && self.tally.lines > self.told
            {
                progress.call1(py, (self.tally.lines,))?;
            }
            self.told = self.tally.lines;
            self.told_blocks = self.blocks;
            self.told_at = Instant::now();
            Ok(())
        })
    }
}

/// Judges blocks, as they are asked for, on all cores: no thread waits for another, and no more is in memory than a few blocks
/// for each. `next` is given room that is free again.
fn all<'a>(
    book: &'a Book,
    max_errors: usize,
    progress: Option<&Py<PyAny>>,
    mut next: impl FnMut(Buffer) -> PyResult<Option<Block<'a>>>,
) -> PyResult<Tally> {
    let mut found = Found {
        tally: Tally::default(),
        blocks: 0,
        ahead: BTreeMap::new(),
        told: 0,
        told_blocks: 0,
        told_at: Instant::now(),
    };
    let mut ready: Vec<Block<'a>> = Vec::new();
    ready.extend(next(Buffer::default())?);
    if ready.first().is_some_and(|first| !first.is_short()) {
        ready.extend(next(Buffer::default())?);
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    // Its own, and gone with it: threads do not survive a fork. Where the system has no more, this one does the work.
    let pool = (ready.len() > 1 && threads > 1)
        .then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok())
        .flatten();
    ready.reverse();
    let mut next = |room| match ready.pop() {
        Some(block) => Ok(Some(block)),
        None => next(room),
    };
    if let Some(pool) = pool {
        found.judge_all(book, max_errors, progress, &pool, next)?;
    } else {
        let mut room = Buffer::default();
        while let Some(block) = next(std::mem::take(&mut room))? {
            let is_short = block.is_short();
            let (tally, free) = Tally::of_block(block, book, max_errors);
            found.add(found.blocks, tally, max_errors);
            if is_short {
                found.tell(progress)?;
            } else {
                found.tell_now_and_then(progress)?;
            }
            room = free.unwrap_or_default();
        }
    }
    found.tell(progress)?;
    Ok(found.tally)
}

/// Judges a source of NDJSON: bytes or text, the path of a file, or an open file.
pub(crate) fn judge(
    book: &Book,
    source: &Bound<'_, PyAny>,
    max_errors: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Report> {
    let py = source.py();
    let progress = progress.map(|progress| progress.clone().unbind());
    let progress = progress.as_ref();
    let read = |input: Input| {
        let mut reader = Reader::new(input);
        py.detach(|| all(book, max_errors, progress, |room| reader.next(room)))
    };
    let text = source.cast::<PyString>();
    let bytes = match (source.cast::<PyBytes>(), &text) {
        (Ok(bytes), _) => Some(bytes.as_bytes()),
        (_, Ok(text)) => Some(
            text.to_str()
                .map_err(|_| error::refused(py, &lone_surrogate()))?
                .as_bytes(),
        ),
        _ => None,
    };
    if let Some(bytes) = bytes {
        let mut pieces = pieces(bytes);
        let judged = py.detach(|| all(book, max_errors, progress, |_| Ok(pieces.next().map(Block::Given))));
        return judged.map(Report);
    }
    if source.hasattr("read")? {
        return read(Input::Python(source.clone().unbind())).map(Report);
    }
    let path: PathBuf = source.extract()?;
    // Whatever else than a common file may be long in opening, and Python can be interrupted there.
    let open = || {
        let is_file = fs::metadata(&path).is_ok_and(|it| it.is_file());
        is_file.then(|| File::open(&path).ok()).flatten()
    };
    if let Some(file) = py.detach(open) {
        return read(Input::File(file)).map(Report);
    }
    let open = py.import("io")?.getattr("open")?;
    // Unbuffered: a block is a buffer already. Where there is no such file, Python says so.
    let file = open.call1((path, "rb", 0))?;
    let judged = read(Input::Python(file.clone().unbind()));
    file.call_method0("close")?;
    judged.map(Report)
}

#[pymethods]
impl Report {
    /// How many lines there were, empty ones too.
    #[getter]
    fn lines(&self) -> u64 {
        self.0.lines
    }

    /// How many events keep to all rules, or break one that is only worth a warning.
    #[getter]
    fn valid(&self) -> u64 {
        self.0.valid
    }

    /// How many of the valid events break a rule that is only worth a warning.
    #[getter]
    fn warned(&self) -> u64 {
        self.0.warned
    }

    /// How many events were refused.
    #[getter]
    fn invalid(&self) -> u64 {
        self.0.codes.values().sum()
    }

    /// How many events were refused for which reason first.
    #[getter]
    fn codes(&self) -> BTreeMap<&'static str, u64> {
        self.0
            .codes
            .iter()
            .map(|(code, count)| (code.as_str(), *count))
            .collect()
    }

    /// The first errors, in the order of their lines.
    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        guarded(|| {
            let errors = self.0.errors.iter();
            errors.map(|(line, refusal)| error::line(py, *line, refusal)).collect()
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guarded(|| {
            let codes = self.codes().into_pyobject(py)?.repr()?;
            Ok(format!(
                "Report(valid={}, invalid={}, codes={codes})",
                self.valid(),
                self.invalid()
            ))
        })
    }
}
