//! A copy of the workspace, in which sources may be changed, and what cargo makes of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Outcome, cargo, output, target};
use crate::json::Json;

/// The copy, and the package whose tests judge.
pub(crate) struct Tree {
    root: PathBuf,
    folder: PathBuf,
    package: String,
}

/// What the compiler says: the places, in files as seen from the root of the workspace and in bytes; those that it means
/// before those that it only mentions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) spots: Vec<(String, usize)>,
}

/// A program of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Whether it runs whatever it is asked for: the examples of the documentation are one program.
    pub(crate) is_whole: bool,
}

/// Run by rustdoc in place of the examples: keeps the program that they are in this folder.
const KEEP: &str = "cp \"$1\" \"$0/$$\"";

impl Tree {
    /// Copies what git knows or would take. What has not changed keeps its time, and is not built again.
    pub(crate) fn copy(root: &Path, package: &str) -> Outcome<Self> {
        let tree = Self {
            root: root.to_owned(),
            folder: target(root).join("mutants").join("tree"),
            package: package.to_owned(),
        };
        let mut git = Command::new("git");
        git.current_dir(root)
            .args(["ls-files", "-z", "-c", "-o", "--exclude-standard"]);
        for file in output(&mut git)?.split_terminator('\0') {
            // What is deleted and not committed is still known.
            if let Ok(content) = fs::read(root.join(file)) {
                tree.write(file, &content)?;
            }
        }
        tree.remove(&tree.module())?;
        Ok(tree)
    }

    /// The folder of the package, as seen from the root.
    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    /// Where its tests run.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join(&self.package)
    }

    /// A file that the package has beside its own.
    pub(crate) fn module(&self) -> String {
        format!("{}/src/mutant_switch.rs", self.package)
    }

    /// A source as it is in the workspace.
    pub(crate) fn original(&self, file: &str) -> Outcome<String> {
        Ok(fs::read_to_string(self.root.join(file))?)
    }

    pub(crate) fn write(&self, file: &str, content: &[u8]) -> Outcome<()> {
        let path = self.folder.join(file);
        if fs::read(&path).is_ok_and(|old| old == content) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, content)?)
    }

    pub(crate) fn remove(&self, file: &str) -> Outcome<()> {
        match fs::remove_file(self.folder.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(&self.folder, arguments);
        command.args(["--package", &self.package, "--all-features"]);
        command.env("CARGO_TARGET_DIR", self.folder.with_file_name("target"));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn messages(&self, arguments: &[&str]) -> Outcome<(bool, String)> {
        let output = self
            .cargo(arguments)
            .args(["--tests", "--message-format=json"])
            .output()?;
        Ok((
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ))
    }

    /// What the compiler has against the sources as they stand; nothing if they compile.
    pub(crate) fn complaints(&self) -> Outcome<Vec<Complaint>> {
        let (succeeded, messages) = self.messages(&["check"])?;
        let complaints = complaints(&messages)?;
        if !succeeded && complaints.is_empty() {
            return Err(format!("`cargo check --package {}` fails, and does not say why", self.package).into());
        }
        Ok(complaints)
    }

    /// Builds the tests; where they do not compile or link, what is said of it.
    pub(crate) fn programs(&self) -> Outcome<Result<Vec<Program>, String>> {
        let (succeeded, messages) = self.messages(&["test", "--no-run"])?;
        if !succeeded {
            return Ok(Err(said(&messages)?));
        }
        let mut programs = programs(&messages)?;
        // In whatever order they were built.
        programs.sort_by(|one, other| one.path.cmp(&other.path));
        programs.extend(self.examples()?);
        Ok(Ok(programs))
    }

    /// Builds the examples of the documentation, which are tests as well.
    fn examples(&self) -> Outcome<Vec<Program>> {
        let folder = self.folder.with_file_name("examples");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let tool = ["-c", KEEP, &folder.to_string_lossy()].map(|argument| format!("--test-runtool-arg={argument}"));
        let flags = ["--test-runtool=sh".to_owned()]
            .into_iter()
            .chain(tool)
            .collect::<Vec<_>>();
        let mut command = self.cargo(&["test", "--doc"]);
        command
            .env("CARGO_ENCODED_RUSTDOCFLAGS", flags.join("\u{1f}"))
            .stdout(Stdio::null());
        // A package without a library has none.
        command.status()?;
        let mut programs = Vec::new();
        for file in fs::read_dir(folder)? {
            programs.push(Program {
                path: file?.path(),
                is_whole: true,
            });
        }
        Ok(programs)
    }
}

fn complaints(messages: &str) -> Result<Vec<Complaint>, String> {
    let mut complaints = Vec::new();
    for line in messages.lines().filter(|line| line.contains("\"compiler-message\"")) {
        let json = Json::read(line)?;
        let message = json.get("message");
        if message.get("level").text() != "error" {
            continue;
        }
        let (meant, mentioned): (Vec<&Json>, Vec<&Json>) = message
            .get("spans")
            .list()
            .iter()
            .partition(|span| span.get("is_primary").is_true());
        let spots: Vec<_> = meant.into_iter().chain(mentioned).flat_map(spots).collect();
        if !spots.is_empty() {
            complaints.push(Complaint {
                code: message.get("code").get("code").text().to_owned(),
                text: message.get("message").text().to_owned(),
                spots,
            });
        }
    }
    Ok(complaints)
}

/// Where something stands, and where the macro is called that has written it.
fn spots(span: &Json) -> Vec<(String, usize)> {
    let mut spots = Vec::new();
    let mut span = span;
    while !span.is_null() {
        let file = span.get("file_name").text().to_owned();
        if let Ok(byte) = span.get("byte_start").text().parse() {
            spots.push((file, byte));
        }
        span = span.get("expansion").get("span");
    }
    spots
}

/// The first error, as the compiler or the linker words it.
fn said(messages: &str) -> Result<String, String> {
    for line in messages.lines().filter(|line| line.contains("\"compiler-message\"")) {
        let json = Json::read(line)?;
        let message = json.get("message");
        if message.get("level").text() == "error" {
            return Ok(message.get("rendered").text().to_owned());
        }
    }
    Ok("cargo does not say why".to_owned())
}

fn programs(messages: &str) -> Result<Vec<Program>, String> {
    let mut programs = Vec::new();
    for line in messages.lines().filter(|line| line.contains("\"executable\":\"")) {
        let json = Json::read(line)?;
        if json.get("profile").get("test").is_true() {
            programs.push(Program {
                path: PathBuf::from(json.get("executable").text()),
                is_whole: false,
            });
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{complaints, programs};

    #[test]
    fn what_the_compiler_means_comes_before_what_it_mentions() {
        let line =
            r#"{"reason":"compiler-message","message":{"level":"error","message":"no","code":{"code":"E0308"},"spans":[
            {"is_primary":false,"file_name":"a.rs","byte_start":1,"expansion":null},
            {"is_primary":true,"file_name":"/std/macros.rs","byte_start":9,"expansion":{"span":
                {"is_primary":false,"file_name":"a.rs","byte_start":5,"expansion":null}}}]}}"#
                .replace('\n', "");
        let warning = line.replace("\"error\"", "\"warning\"");
        let aborting =
            r#"{"reason":"compiler-message","message":{"level":"error","message":"aborting","code":null,"spans":[]}}"#;
        let read = complaints(&[&line, &warning, aborting, "{\"reason\":\"build-finished\"}"].join("\n")).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].code.as_str(), read[0].text.as_str()), ("E0308", "no"));
        let spots: Vec<_> = read[0]
            .spots
            .iter()
            .map(|(file, byte)| (file.as_str(), *byte))
            .collect();
        assert_eq!(spots, [("/std/macros.rs", 9), ("a.rs", 5), ("a.rs", 1)]);
    }

    #[test]
    fn programs_of_tests_are_found() {
        let messages = "{\"target\":{\"name\":\"a\"},\"profile\":{\"test\":true},\"executable\":\"/t/a-1\"}\n\
            {\"target\":{\"name\":\"b\"},\"profile\":{\"test\":false},\"executable\":\"/t/b\"}\n\
            {\"target\":{\"name\":\"c\"},\"profile\":{\"test\":true},\"executable\":null}\n";
        let paths: Vec<_> = programs(messages)
            .unwrap()
            .into_iter()
            .map(|program| program.path)
            .collect();
        assert_eq!(paths, [PathBuf::from("/t/a-1")]);
    }
}
