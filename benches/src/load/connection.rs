//! A connection that is kept, and opened anew where the server closed it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait where nobody takes a connection.
const BREATHER: Duration = Duration::from_millis(20);

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Connection {
            address,
            stream: None,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// Opens it, if that is possible; otherwise it is tried again with a request.
    pub(super) async fn open(&mut self) {
        if let Ok(Ok(stream)) = timeout(PATIENCE, connected(self.address)).await {
            self.stream = Some(stream);
        }
    }

    /// Sends a request and reads the answer; nothing where there was none.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Option<Answer> {
        match timeout(PATIENCE, self.exchange(request)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(_)) => {
                self.stream = None;
                sleep(BREATHER).await;
                None
            }
            Err(_) => {
                self.stream = None;
                None
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        // What an exchange leaves behind that was given up belongs to no other.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connected(self.address).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                break (head, end + 4 + length.unwrap_or(0));
            }
            read(&mut stream, &mut self.buffer).await?;
        };
        while self.buffer.len() < length {
            read(&mut stream, &mut self.buffer).await?;
        }
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status"))?;
        let body = self
            .buffer
            .split_off(memchr::memmem::find(&self.buffer, b"\r\n\r\n").unwrap_or(0) + 4);
        if !head.contains("connection: close") {
            self.stream = Some(stream);
        }
        Ok(Answer { status, body })
    }
}

async fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
