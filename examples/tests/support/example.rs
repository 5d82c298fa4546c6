//! An example as a process, with a database of its own.

#![allow(dead_code, reason = "each test takes of it what it needs")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A running example; dropped, it is killed, and its database is deleted.
pub(crate) struct Example {
    name: &'static str,
    folder: TempDir,
    process: Child,
    address: String,
}

impl Example {
    /// Starts an example on a free port; `more` are its arguments beside that.
    pub(crate) fn start(name: &'static str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(name, folder.path());
        let mut process = command
            .args(more)
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address
            .unwrap_or_else(|| panic!("{name} did not start: {line}"))
            .to_owned();
        Example {
            name,
            folder,
            process,
            address,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs another command of the example over the same database, and answers what it prints.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = program(self.name, self.folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: impl ToString) -> (u16, Value) {
        self.send("POST", path, &["Content-Type: application/json"], &body.to_string())
    }

    /// Status, and the body as JSON; null if it is none.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, Value) {
        let (status, text) = self.text(method, path, headers, body);
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Status and body.
    pub(crate) fn text(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An example, which is built beside the tests' own folder, `deps`.
fn program(name: &str, folder: &Path) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples");
    let mut program = Command::new(built.join(name));
    let database = folder.join("example.db");
    program
        .arg("--database")
        .arg(format!("sqlite://{}?mode=rwc", database.display()));
    program
}

/// A sample of the workspace.
pub(crate) fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    std::fs::read_to_string(path).unwrap()
}
