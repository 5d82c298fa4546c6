//! Lines, read block by block: each is whole lines, to be judged by one thread.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;

use memchr::{memchr, memrchr};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// So much is read, and judged by one thread, at once.
const BLOCK_BYTES: usize = 128 << 10;
/// A line that is longer is not kept. No event is as large.
const LONGEST_BYTES: usize = 512 << 10;
/// What the processor moves at once.
const CACHE_LINE: usize = 64;

/// Lines to be judged, one after the other, by one thread.
pub(crate) enum Block<'a> {
    Given(&'a [u8]),
    Read(Buffer),
    /// A line of so many bytes, which were not kept.
    TooLong(usize),
}

/// A part of a file, in room that is used again.
#[derive(Default)]
pub(crate) struct Buffer {
    room: Vec<u8>,
    filled: Range<usize>,
    /// Whether there was less to be read than was asked for: what comes next may be a while in coming.
    pub(crate) is_short: bool,
}

impl Block<'_> {
    /// Whether the next one may be a while in coming.
    pub(crate) fn is_short(&self) -> bool {
        matches!(self, Block::Read(Buffer { is_short: true, .. }))
    }
}

impl Buffer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[self.filled.clone()]
    }

    /// Begins with what is kept, such that what is read behind it lies in memory as it lies in the cache lines of the file, of
    /// which `at` bytes were read: the system's copy takes three times as long on some processors where both are a few bytes
    /// out of step.
    fn begin(&mut self, kept: &[u8], at: usize) {
        let most = CACHE_LINE + kept.len() + BLOCK_BYTES;
        if self.room.len() < most {
            self.room = vec![0; most];
        }
        let here = (self.room.as_ptr().addr() + kept.len()) % CACHE_LINE;
        let start = (CACHE_LINE + at % CACHE_LINE - here) % CACHE_LINE;
        self.filled = start..start + kept.len();
        self.room[self.filled.clone()].copy_from_slice(kept);
    }

    /// Where to read so many bytes to.
    fn free(&mut self, bytes: usize) -> &mut [u8] {
        let begin = self.filled.end;
        if self.room.len() < begin + bytes {
            self.room.resize((begin + bytes).next_power_of_two(), 0);
        }
        &mut self.room[begin..begin + bytes]
    }
}

/// Where lines are read from.
pub(crate) enum Input {
    File(File),
    /// An open file of Python's.
    Python(Py<PyAny>),
}

impl Input {
    /// Reads behind what a buffer holds; answers how many bytes there were.
    fn read(&mut self, buffer: &mut Buffer) -> PyResult<usize> {
        let read = match self {
            Input::File(file) => loop {
                match file.read(buffer.free(BLOCK_BYTES)) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            },
            Input::Python(file) => Python::attach(|py| {
                let chunk = file.call_method1(py, "read", (BLOCK_BYTES,))?;
                let Ok(chunk) = chunk.cast_bound::<PyBytes>(py) else {
                    return Err(PyTypeError::new_err("the file is to be opened in binary mode"));
                };
                // Some give more than they are asked for.
                let chunk = chunk.as_bytes();
                buffer.free(chunk.len()).copy_from_slice(chunk);
                Ok(chunk.len())
            })?,
        };
        buffer.is_short = read < BLOCK_BYTES;
        buffer.filled.end += read;
        Ok(read)
    }
}

/// A file, taken apart.
pub(crate) struct Reader {
    input: Input,
    /// How much of it was read.
    at: usize,
    /// What was read behind the last line that has ended.
    kept: Vec<u8>,
    /// How much of a line that is too long to be kept has been seen.
    skipped: usize,
    is_over: bool,
}

impl Reader {
    pub(crate) fn new(input: Input) -> Self {
        Reader {
            input,
            at: 0,
            kept: Vec::new(),
            skipped: 0,
            is_over: false,
        }
    }

    /// The next whole lines.
    pub(crate) fn next(&mut self, mut buffer: Buffer) -> PyResult<Option<Block<'static>>> {
        buffer.begin(&self.kept, self.at);
        self.kept.clear();
        // Where the line ends that is begun is looked for only once.
        let mut searched = 0;
        while !self.is_over {
            let read = self.input.read(&mut buffer)?;
            self.at += read;
            self.is_over = read == 0;
            let bytes = buffer.bytes();
            if self.skipped > 0 {
                let end = memchr(b'\n', bytes);
                self.skipped += end.unwrap_or(bytes.len());
                if let Some(end) = end {
                    self.kept.extend_from_slice(&bytes[end + 1..]);
                    return Ok(Some(self.too_long()));
                }
                buffer.filled.end = buffer.filled.start;
            } else if let Some(last) = memrchr(b'\n', &bytes[searched..]) {
                let whole = searched + last + 1;
                self.kept.extend_from_slice(&bytes[whole..]);
                buffer.filled.end = buffer.filled.start + whole;
                return Ok(Some(Block::Read(buffer)));
            } else {
                searched = bytes.len();
                if searched > LONGEST_BYTES {
                    self.skipped = searched;
                    searched = 0;
                    buffer.filled.end = buffer.filled.start;
                }
            }
            // A line may have no end, and Python is to be heard all the same.
            Python::attach(|py| py.check_signals())?;
        }
        if self.skipped > 0 {
            return Ok(Some(self.too_long()));
        }
        Ok((!buffer.bytes().is_empty()).then_some(Block::Read(buffer)))
    }

    fn too_long(&mut self) -> Block<'static> {
        Block::TooLong(std::mem::take(&mut self.skipped))
    }
}

/// Text in blocks of whole lines.
pub(crate) fn pieces(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let behind = rest.get(BLOCK_BYTES..).unwrap_or_default();
        let end = memchr(b'\n', behind);
        let (piece, left) = rest.split_at(end.map_or(rest.len(), |end| BLOCK_BYTES + end + 1));
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}
