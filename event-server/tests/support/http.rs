//! HTTP/1.1 at its plainest, for requests that no honest client can send.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::document;

/// A response, its body whole.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// The code of a problem document, checked for what every one must have; `None` for anything else.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.header("content-type") != Some("application/problem+json") {
            return None;
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let (_, code) = problem["type"].as_str().unwrap().rsplit_once('/').unwrap();
        Some(code.to_owned())
    }
}

/// A connection on which requests follow one another.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let connection = Connection {
            stream: BufReader::new(stream),
        };
        connection.patience(Duration::from_secs(20));
        connection
    }

    /// How long to wait for bytes before the test fails; 20 s unless set.
    pub(crate) fn patience(&self, patience: Duration) {
        self.stream.get_ref().set_read_timeout(Some(patience)).unwrap();
        self.stream.get_ref().set_write_timeout(Some(patience)).unwrap();
    }

    /// Sends bytes. A server that has heard enough may refuse the rest: its response tells.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a request with `Host` and, unless the headers say how long the body is, `Content-Length`.
    pub(crate) fn send_request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n",
            self.stream.get_ref().peer_addr().unwrap()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
        });
        if !framed && (!body.is_empty() || ["POST", "PUT"].contains(&method)) {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.send([head.as_bytes(), body].concat());
    }

    /// A request and its response.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Response {
        self.send_request(method, path, headers, body);
        let response = self
            .read(method != "HEAD")
            .unwrap_or_else(|| panic!("{method} {path}: the connection was closed"));
        // Whatever a test asks for, the answer is one that the document knows.
        document::check(method, path, &response);
        response
    }

    /// The next response; fails if the connection is closed instead.
    pub(crate) fn response(&mut self) -> Response {
        self.read(true).expect("the connection was closed")
    }

    /// The next response, or nothing if the connection is closed instead.
    pub(crate) fn try_response(&mut self) -> Option<Response> {
        self.read(true)
    }

    /// A body in chunks; nothing if it breaks off.
    fn read_chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        loop {
            let chunk = self.read_chunk()?;
            if chunk.is_empty() {
                return Some(());
            }
            body.extend(chunk);
        }
    }

    fn read_chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.stream.read_line(&mut size).ok()?;
        let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).ok()?];
        self.stream.read_exact(&mut chunk).ok()?;
        self.stream.read_line(&mut String::new()).ok()?;
        Some(chunk)
    }

    /// The next part of a body that comes in chunks; nothing once it has ended, or broken off.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        self.read_chunk().filter(|chunk| !chunk.is_empty())
    }

    /// So many of the next bytes, and no more.
    pub(crate) fn some(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// All that comes until the line is cut.
    pub(crate) fn rest(&mut self, bytes: &mut Vec<u8>) {
        // A reset is an end like any other.
        let _ = self.stream.read_to_end(bytes);
    }

    /// The next response without its body, which is still to be read; nothing if the connection is closed instead.
    pub(crate) fn head(&mut self) -> Option<Response> {
        let mut status_line = String::new();
        // A reset reads as an error; one that comes after the response has been read is no matter.
        if self.stream.read_line(&mut status_line).ok()? == 0 {
            return None;
        }
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Response {
            status,
            headers,
            body: Vec::new(),
        })
    }

    fn read(&mut self, with_body: bool) -> Option<Response> {
        let mut response = self.head()?;
        let status = response.status;
        if with_body && status >= 200 && ![204, 304].contains(&status) {
            match response.header("content-length") {
                Some(length) => {
                    response.body = vec![0; length.parse().unwrap()];
                    self.stream.read_exact(&mut response.body).unwrap();
                }
                None if response.header("transfer-encoding") == Some("chunked") => {
                    self.read_chunks(&mut response.body)?;
                }
                None => {
                    self.stream.read_to_end(&mut response.body).unwrap();
                }
            }
        }
        Some(response)
    }
}
