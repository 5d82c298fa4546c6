//! NDJSON, judged line by line on all cores, in bounded memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::PathBuf;
use std::thread;

use event_core::{Code, Limits, Refusal};
use memchr::{memchr, memrchr};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::book::Book;
use crate::boundary::guarded;
use crate::error;
use crate::schema::lone_surrogate;

/// So much is read, and judged, at once.
const CHUNK_BYTES: usize = 4 << 20;
/// So much of a file is read before the first is judged.
const FIRST_BYTES: usize = 256 << 10;
/// What the processor moves at once.
const CACHE_LINE: usize = 64;
/// What one thread judges at once.
const PIECE_BYTES: usize = 64 << 10;

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

/// One reading of NDJSON.
struct Reading<'a, 'py> {
    py: Python<'py>,
    book: &'a Book,
    /// Its own, and gone with it: threads do not survive a fork.
    pool: Option<ThreadPool>,
    max_errors: usize,
    progress: Option<&'a Bound<'py, PyAny>>,
    tally: Tally,
    /// How much of a line that is too long to be kept has been seen.
    skipped: usize,
}

impl Reading<'_, '_> {
    /// Judges whole lines, all of them in memory, and does something else meanwhile.
    fn lines<T: Send>(&mut self, lines: &[u8], beside: impl FnOnce() -> T + Send) -> PyResult<T> {
        if lines.is_empty() {
            let done = self.py.detach(beside);
            self.py.check_signals()?;
            return Ok(done);
        }
        let (book, max_errors) = (self.book, self.max_errors);
        let pieces: Vec<&[u8]> = pieces(lines, PIECE_BYTES).collect();
        if self.pool.is_none() && pieces.len() > 1 {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            self.pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
        }
        let pool = self.pool.as_ref();
        let (done, judged): (T, Vec<Tally>) = self.py.detach(|| match pool {
            Some(pool) => pool.install(|| {
                // Piece by piece: a thread that has taken several at once would be waited for by the others.
                let pieces = pieces.par_iter().with_max_len(1);
                let judged = pieces.map(|piece| Tally::of(piece, book, max_errors));
                rayon::join(beside, || judged.collect())
            }),
            None => {
                let judged = pieces.iter().map(|piece| Tally::of(piece, book, max_errors));
                (beside(), judged.collect())
            }
        });
        for next in judged {
            self.tally = std::mem::take(&mut self.tally).followed_by(next, max_errors);
        }
        self.py.check_signals()?;
        if let Some(progress) = self.progress {
            progress.call1((self.tally.lines,))?;
        }
        Ok(done)
    }

    /// The line that was too long is over.
    fn skip(&mut self) {
        self.tally.lines += 1;
        let refusal = Refusal::too_large(self.skipped, Limits::DEFAULT.event_bytes);
        self.tally.refuse(refusal, self.max_errors);
        self.skipped = 0;
    }

    /// Which part of what was read, and was not judged yet, is whole lines; what lies before it is of a line that is too
    /// long, and what lies behind it is to be kept.
    fn whole(&mut self, read: &[u8]) -> Range<usize> {
        let mut start = 0;
        if self.skipped > 0 {
            let end = memchr(b'\n', read);
            self.skipped += end.unwrap_or(read.len());
            let Some(end) = end else { return read.len()..read.len() };
            self.skip();
            start = end + 1;
        }
        match memrchr(b'\n', &read[start..]) {
            Some(last) => start..start + last + 1,
            None if read.len() - start > CHUNK_BYTES => {
                self.skipped = read.len() - start;
                read.len()..read.len()
            }
            None => start..start,
        }
    }

    /// Judges a file of Python's, of which never more than a chunk and a line is in memory.
    fn file(&mut self, file: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let chunk = file.call_method1("read", (CHUNK_BYTES,))?;
            let Ok(chunk) = chunk.cast::<PyBytes>() else {
                return Err(PyTypeError::new_err("the file is to be opened in binary mode"));
            };
            if chunk.as_bytes().is_empty() {
                return self.finish(&buffer);
            }
            buffer.extend_from_slice(chunk.as_bytes());
            let whole = self.whole(&buffer);
            self.lines(&buffer[whole.clone()], || ())?;
            buffer.drain(..whole.end);
        }
    }

    /// The same without Python: the next chunk is read while one is judged.
    fn ahead(&mut self, file: File) -> PyResult<()> {
        let (mut buffer, mut next) = (Buffer::default(), Buffer::default());
        let mut source = Source { file, at: 0 };
        let mut read = self.py.detach(|| source.fill(&mut buffer, &[], FIRST_BYTES))?;
        while read > 0 {
            let whole = self.whole(buffer.bytes());
            let (lines, kept) = (&buffer.bytes()[whole.clone()], &buffer.bytes()[whole.end..]);
            read = self.lines(lines, || source.fill(&mut next, kept, CHUNK_BYTES))??;
            std::mem::swap(&mut buffer, &mut next);
        }
        self.finish(buffer.bytes())
    }

    /// Judges the last line, which need not end.
    fn finish(&mut self, line: &[u8]) -> PyResult<()> {
        if self.skipped > 0 {
            self.skip();
        }
        self.lines(line, || ())
    }
}

/// A part of a file, in room that is used again.
#[derive(Default)]
struct Buffer {
    room: Vec<u8>,
    filled: Range<usize>,
}

impl Buffer {
    fn bytes(&self) -> &[u8] {
        &self.room[self.filled.clone()]
    }
}

/// A file, and how much of it was read.
struct Source {
    file: File,
    at: usize,
}

impl Source {
    /// Fills a buffer with what is kept and the next so many bytes; answers how many there were.
    ///
    /// They lie in memory as they lie in the cache lines of the file: the system's copy takes three times as long on
    /// some processors where they are a few bytes out of step.
    fn fill(&mut self, buffer: &mut Buffer, kept: &[u8], bytes: usize) -> io::Result<usize> {
        let most = CACHE_LINE + kept.len() + bytes;
        if buffer.room.len() < most {
            buffer.room = vec![0; most];
        }
        let here = (buffer.room.as_ptr().addr() + kept.len()) % CACHE_LINE;
        let start = (CACHE_LINE + self.at % CACHE_LINE - here) % CACHE_LINE;
        let begin = start + kept.len();
        buffer.room[start..begin].copy_from_slice(kept);
        let (mut end, mut room) = (begin, &mut buffer.room[begin..begin + bytes]);
        while !room.is_empty() {
            match self.file.read(room) {
                Ok(0) => break,
                Ok(read) => {
                    end += read;
                    room = &mut room[read..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.filled = start..end;
        self.at += end - begin;
        Ok(end - begin)
    }
}

/// Whole lines, about so many bytes at a time.
fn pieces(lines: &[u8], bytes: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let behind = rest.get(bytes..).unwrap_or_default();
        let end = memchr(b'\n', behind);
        let (piece, left) = rest.split_at(end.map_or(rest.len(), |end| bytes + end + 1));
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Judges a source of NDJSON: bytes or text, the path of a file, or an open file.
pub(crate) fn judge(
    book: &Book,
    source: &Bound<'_, PyAny>,
    max_errors: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Report> {
    let mut reading = Reading {
        py: source.py(),
        book,
        pool: None,
        max_errors,
        progress,
        tally: Tally::default(),
        skipped: 0,
    };
    let text = source.cast::<PyString>();
    let bytes = match (source.cast::<PyBytes>(), &text) {
        (Ok(bytes), _) => Some(bytes.as_bytes()),
        (_, Ok(text)) => Some(
            text.to_str()
                .map_err(|_| error::refused(source.py(), &lone_surrogate()))?
                .as_bytes(),
        ),
        _ => None,
    };
    if let Some(bytes) = bytes {
        for chunk in pieces(bytes, CHUNK_BYTES) {
            reading.lines(chunk, || ())?;
        }
    } else if source.hasattr("read")? {
        reading.file(source)?;
    } else {
        let path: PathBuf = source.extract()?;
        // Whatever else than a common file may be long in opening, and Python can be interrupted there.
        let open = || {
            let is_file = fs::metadata(&path).is_ok_and(|it| it.is_file());
            is_file.then(|| File::open(&path).ok()).flatten()
        };
        if let Some(file) = source.py().detach(open) {
            reading.ahead(file)?;
        } else {
            let open = source.py().import("io")?.getattr("open")?;
            // Unbuffered: a chunk is a buffer already. Where there is no such file, Python says so.
            let file = open.call1((path, "rb", 0))?;
            let read = reading.file(&file);
            file.call_method0("close")?;
            read?;
        }
    }
    Ok(Report(reading.tally))
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
