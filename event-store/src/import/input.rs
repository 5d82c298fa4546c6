//! A file or a stream → its bytes, decompressed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::failure::Failure;

/// The greatest window of a zstd frame that is not trusted: 8 MiB, what RFC 9659 allows in HTTP.
const WINDOW_LOG: u32 = 23;

/// What is imported.
pub struct Input {
    pub(super) kind: Kind,
    /// How many bytes it may hold, decompressed.
    pub(super) limit: u64,
}

pub(super) enum Kind {
    File(PathBuf),
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// A regular file, plain or compressed with gzip or zstd.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Input::of(Kind::File(path.into()))
    }

    /// Whatever can be read, likewise; it is read once, from where it stands.
    pub fn stream(stream: impl Read + Send + 'static) -> Self {
        Input::of(Kind::Stream(Box::new(stream)))
    }
}

impl Input {
    const fn of(kind: Kind) -> Self {
        Input { kind, limit: u64::MAX }
    }

    /// The same, which fails once it turns out to hold more than so many bytes, decompressed.
    #[must_use]
    pub fn at_most(self, bytes: u64) -> Self {
        Input { limit: bytes, ..self }
    }
}

/// An input that is open.
pub(super) struct Open {
    /// What it holds, decompressed.
    pub(super) bytes: Box<dyn Read + Send>,
    pub(super) compressed: bool,
    /// How many bytes were read of it as it is, and how many there are, where that is known.
    pub(super) read: Arc<AtomicU64>,
    pub(super) size: Option<u64>,
}

/// The name of a file that does not depend on where the program was started.
pub(super) fn canonical(path: &Path) -> Result<String, Failure> {
    let path = check(path)?;
    Ok(path.to_string_lossy().into_owned())
}

/// The path without links, if it leads to a regular file: nothing else is even opened.
fn check(path: &Path) -> Result<PathBuf, Failure> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Failure::Unreadable(error),
        // A link that leads to itself.
        _ if path.is_symlink() => Failure::NotARegularFile,
        _ => Failure::Unreadable(error),
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::NotARegularFile);
    }
    std::fs::canonicalize(path).map_err(unreadable)
}

/// Opens an input, and finds out by its first bytes how it is compressed.
pub(super) fn open(Input { kind, limit }: Input) -> Result<Open, Failure> {
    let (stream, size): (Box<dyn Read + Send>, _) = match kind {
        Kind::Stream(stream) => (stream, None),
        Kind::File(path) => {
            let file = File::open(check(&path)?).map_err(Failure::Unreadable)?;
            let size = file.metadata().map_err(Failure::Unreadable)?.len();
            (Box::new(file), Some(size))
        }
    };
    let read = Arc::new(AtomicU64::new(0));
    let mut stream = Counted {
        stream,
        read: Arc::clone(&read),
    };
    let mut first = Vec::with_capacity(4);
    stream
        .by_ref()
        .take(4)
        .read_to_end(&mut first)
        .map_err(Failure::Unreadable)?;
    let (gzip, zstd) = (first.starts_with(b"\x1f\x8b"), first == b"\x28\xb5\x2f\xfd");
    let whole = io::Cursor::new(first).chain(stream);
    let bytes: Box<dyn Read + Send> = if gzip {
        let whole = BufReader::with_capacity(64 * 1024, whole);
        Box::new(flate2::bufread::MultiGzDecoder::new(whole))
    } else if zstd {
        let mut decoder = zstd::stream::read::Decoder::new(whole).map_err(Failure::Unreadable)?;
        if limit < u64::MAX {
            // Whoever sets a limit does not trust the file with memory, either.
            decoder.window_log_max(WINDOW_LOG).map_err(Failure::Unreadable)?;
        }
        Box::new(decoder)
    } else {
        Box::new(whole)
    };
    Ok(Open {
        bytes: Box::new(Limited {
            bytes,
            left: limit,
            limit,
        }),
        compressed: gzip || zstd,
        read,
        size,
    })
}

/// Fails where there is more than may be.
struct Limited {
    bytes: Box<dyn Read + Send>,
    left: u64,
    limit: u64,
}

/// What the error of a [`Limited`] holds.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there are more than {0} bytes")]
pub(super) struct TooMany(pub(super) u64);

impl Read for Limited {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.read(room)?;
        self.left = self
            .left
            .checked_sub(bytes as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, TooMany(self.limit)))?;
        Ok(bytes)
    }
}

/// Counts what is read.
struct Counted {
    stream: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stream.read(room)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
