//! A file as the body of a request, read while it is sent.

use std::fs::File;
use std::future::Future as _;
use std::io::{self, Read as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::task::JoinHandle;

/// So many bytes are read at once.
const PART: u64 = 256 * 1024;

/// A file, part by part. Reading waits on a thread where that is allowed.
pub(super) struct FileBody {
    state: State,
    /// How many bytes were handed over: whoever waits for the answer sees that it goes on.
    sent: Arc<AtomicU64>,
}

enum State {
    Ready(File),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    Ended,
}

impl FileBody {
    /// Opens a file; also tells how much of it was handed over.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Arc<AtomicU64>)> {
        let sent = Arc::new(AtomicU64::new(0));
        let body = FileBody {
            state: State::Ready(File::open(path)?),
            sent: Arc::clone(&sent),
        };
        Ok((body, sent))
    }
}

fn part(mut file: File) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    file.by_ref().take(PART).read_to_end(&mut bytes)?;
    Ok((file, bytes.into()))
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut reading = match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return Poll::Ready(None),
            State::Ready(file) => tokio::task::spawn_blocking(move || part(file)),
            State::Reading(reading) => reading,
        };
        let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
            self.state = State::Reading(reading);
            return Poll::Pending;
        };
        let (file, bytes) = match read.map_err(io::Error::other).flatten() {
            Ok(part) => part,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        if bytes.is_empty() {
            return Poll::Ready(None);
        }
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.state = State::Ready(file);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
