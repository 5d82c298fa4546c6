//! An example as a process, with a database of its own.

#![allow(dead_code, reason = "each test takes of it what it needs")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A running example; dropped, it is killed, and a SQLite file of its own is deleted.
pub(crate) struct Example {
    name: &'static str,
    _folder: Option<TempDir>,
    database: String,
    more: Vec<String>,
    process: Child,
    address: String,
}

impl Example {
    /// Starts an example on a free port; `more` are its arguments beside that.
    pub(crate) fn start(name: &'static str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}?mode=rwc", folder.path().join("example.db").display());
        Example::launched(name, Some(folder), database, more)
    }

    /// The same over a database that is there.
    pub(crate) fn start_on(name: &'static str, database: &str, more: &[&str]) -> Self {
        Example::launched(name, None, database.to_owned(), more)
    }

    fn launched(name: &'static str, folder: Option<TempDir>, database: String, more: &[&str]) -> Self {
        let more: Vec<String> = more.iter().map(|&argument| argument.to_owned()).collect();
        let (process, address) = launch(name, &database, &more);
        Example {
            name,
            _folder: folder,
            database,
            more,
            process,
            address,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of its database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.id()]).status();
        assert!(sent.unwrap().success());
        self.process.wait().unwrap()
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> String {
        self.process.id().to_string()
    }

    /// Kills it, if it has not ended.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again over the same database, once it has ended.
    pub(crate) fn again(&mut self) {
        (self.process, self.address) = launch(self.name, &self.database, &self.more);
    }

    /// Runs another command of the example over the same database, and answers what it prints.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = program(self.name, &self.database).args(arguments).output().unwrap();
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
        self.try_text(method, path, headers, body).unwrap()
    }

    /// The same of a process that may be gone.
    pub(crate) fn try_text(&self, method: &str, path: &str, headers: &[&str], body: &str) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address)?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn launch(name: &str, database: &str, more: &[String]) -> (Child, String) {
    let mut process = program(name, database)
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
    let address = address.unwrap_or_else(|| panic!("{name} did not start: {line}"));
    (process, address.to_owned())
}

/// An example, which is built beside the tests' own folder, `deps`.
fn program(name: &str, database: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap().join("examples");
    let mut program = Command::new(built.join(name));
    program.args(["--database", database]);
    program
}

/// A sample of the workspace.
pub(crate) fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    std::fs::read_to_string(path).unwrap()
}
