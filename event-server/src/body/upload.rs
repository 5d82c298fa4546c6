//! A body that is read on a thread of its own while it comes.

use std::io::{self, Read};

use axum::body::Body;
use axum::extract::Request;
use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use super::broken;
use super::decoded::Encoding;
use super::media::Media;
use crate::config::ServerConfig;
use crate::reply::{Failure, Reason};

/// So many parts of a body wait to be read; then the sender waits.
const AHEAD: usize = 4;

/// What reaches the reading thread. A channel that is closed without [`Part::End`] has broken off.
enum Part {
    Bytes(Bytes),
    End,
}

/// The half of a body that stays with the connection.
pub(crate) struct Upload {
    body: Body,
    sender: mpsc::Sender<Part>,
}

/// The other half, to be read where waiting is allowed.
pub(crate) struct Uploaded {
    receiver: mpsc::Receiver<Part>,
    part: Bytes,
    ended: bool,
}

impl Upload {
    /// Takes a request's body apart, if it is of one of these kinds. It is still compressed, as its first bytes say.
    ///
    /// # Errors
    /// If it is of another kind, or compressed in a way that is not read.
    pub(crate) fn of(request: Request, kinds: &[Media]) -> Result<(Media, Self, Uploaded), Failure> {
        let media = Media::of(request.headers(), kinds)?;
        if Encoding::of(request.headers())? == Some(Encoding::Deflate) {
            let detail = "a file is compressed by gzip or zstd, which its first bytes tell, or not at all";
            return Err(Failure::new(Reason::UnsupportedContentEncoding, detail));
        }
        let (sender, receiver) = mpsc::channel(AHEAD);
        let body = request.into_body();
        let uploaded = Uploaded {
            receiver,
            part: Bytes::new(),
            ended: false,
        };
        Ok((media, Upload { body, sender }, uploaded))
    }

    /// Hands on what comes, until all is there or nobody reads it any more.
    ///
    /// # Errors
    /// If the body breaks off, is too slow, or too large.
    pub(crate) async fn run(self, config: &ServerConfig) -> Result<(), Failure> {
        let Upload { mut body, sender } = self;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(error, config.import_bytes, config))?;
            if let Ok(bytes) = frame.into_data()
                && sender.send(Part::Bytes(bytes)).await.is_err()
            {
                return Ok(());
            }
        }
        // Whoever has stopped reading needs no end.
        let _ = sender.send(Part::End).await;
        Ok(())
    }
}

impl Read for Uploaded {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Part::Bytes(bytes)) => self.part = bytes,
                Some(Part::End) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body broke off")),
            }
        }
        let bytes = room.len().min(self.part.len());
        self.part.copy_to_slice(&mut room[..bytes]);
        Ok(bytes)
    }
}
