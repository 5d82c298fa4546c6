//! The servers that are measured, each as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::processors::Processors;

/// What says to this program that it is to be the peer.
pub(crate) const PEER: &str = "--serve-and-throw-away";

/// So many connections are served where nobody is to be refused: a thousand send.
pub(crate) const CONNECTIONS: usize = 1024;

/// The unit of times in `/proc`, in milliseconds: on Linux a hundredth of a second.
const TICK: u64 = 10;

/// The collector, beside this bench's own folder, `deps`.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().unwrap().parent().unwrap().join("event-server")
}

/// A running server. Dropped, it is killed, and what it stored is gone.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// The collector, which refuses none of its [`CONNECTIONS`].
    pub(crate) fn collector(flags: &[String]) -> Self {
        let mut command = Command::new(program());
        command.env("EVENT_SERVER_CONNECTION_LIMIT", CONNECTIONS.to_string());
        Server::collecting(command, flags)
    }

    /// The collector as it is, on some of the processors.
    pub(crate) fn collector_on(processors: Option<&Processors>, flags: &[String]) -> Self {
        let command = match processors {
            Some(processors) => processors.of_server(&program()),
            None => Command::new(program()),
        };
        Server::collecting(command, flags)
    }

    /// Over a new file of SQLite, durable, and quiet: a line a request would be measured, too.
    fn collecting(mut command: Command, flags: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display());
        command
            .args([
                "--listen",
                "127.0.0.1:0",
                "--log-level",
                "warn",
                "--database-url",
                &database,
            ])
            .args(flags);
        let server = Server::start(command, folder);
        for name in ["pageview", "cta%20click", "submit", "scroll", "leave"] {
            let path = format!("/v1/types/page%20interaction/{name}/1");
            server.put(&path, SCHEMA);
        }
        server
    }

    /// axum, which parses what it is sent and throws it away.
    pub(crate) fn throwing_away() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(PEER);
        Server::start(command, tempfile::tempdir().unwrap())
    }

    fn start(mut command: Command, folder: TempDir) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let told = line
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("{line}"));
        let address = told.split(',').next().unwrap().parse().unwrap();
        Server {
            process,
            address,
            _folder: folder,
        }
    }

    /// How much processor time it has taken; nothing where the system does not say.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The name in parentheses may hold anything; behind it, user and system time are the twelfth and the next.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * TICK))
    }

    fn put(&self, path: &str, json: &str) {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        let head = "host: collector\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length";
        write!(stream, "PUT {path} HTTP/1.1\r\n{head}: {}\r\n\r\n{json}", json.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the events are judged by, here and by the peers that judge.
pub(crate) const SCHEMA: &str = r#"{"schema": {"type": "object", "required": ["host", "path"], "properties": {
    "host": {"type": "string", "maxLength": 255}, "path": {"type": "string", "maxLength": 2048},
    "element": {"type": "string"}, "referrer": {"type": "string"}, "duration": {"type": "number", "minimum": 0}}}}"#;

/// The peer: parses, and answers. It serves until it is killed.
pub(crate) fn throw_away() {
    use axum::Json;
    use axum::routing::post;
    async fn parsed(Json(body): Json<serde_json::Value>) -> Json<serde_json::Value> {
        let events = body.as_array().map_or(1, Vec::len);
        Json(serde_json::json!({ "events": events }))
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on http://{}", socket.local_addr().unwrap());
        let limit = axum::extract::DefaultBodyLimit::max(5 * 1024 * 1024);
        let router = axum::Router::new().route("/v1/events", post(parsed)).layer(limit);
        axum::serve(socket, router).await.unwrap();
    });
}
