//! A Python that is new enough, and can make environments.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What such programs are called, the one that people mean first.
const NAMES: [&str; 7] = [
    "python3",
    "python",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.14",
    "py",
];

/// Where programs are in an environment.
pub(super) const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// The oldest that all the packages of the tests can be had for. The wheel itself is for 3.10, too, and is tried there
/// by one of them.
const OLDEST: (u32, u32) = (3, 11);

/// What it is asked: who it is, and whether it has all that an environment is made of.
const QUESTION: &str = "import sys, venv, ensurepip; print(*sys.version_info[:3], sys.executable)";

/// What to do where there is none.
const ADVICE: &str =
    "Install Python 3.11 or newer, with its module venv (Debian, Ubuntu: apt-get install python3-venv)";

/// An interpreter that was asked, and answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) program: PathBuf,
    pub(crate) version: (u32, u32, u32),
}

impl Interpreter {
    /// The first that will do.
    ///
    /// # Errors
    ///
    /// Where there is none: with what was found instead, and what to install.
    pub(crate) fn find() -> Result<Self, String> {
        let mut seen = Vec::new();
        for name in NAMES {
            match asked(name) {
                Some(Ok(found)) if (found.version.0, found.version.1) >= OLDEST => return Ok(found),
                Some(Ok(found)) => seen.push(format!("{name} is {}.{}", found.version.0, found.version.1)),
                Some(Err(complaint)) => seen.push(format!("{name}: {complaint}")),
                None => {}
            }
        }
        let seen = match seen.is_empty() {
            true => "no Python was found".to_owned(),
            false => seen.join("; "),
        };
        Err(format!("{seen}\n{ADVICE}"))
    }

    /// The Python of an environment that this one has made.
    pub(crate) fn within(&self, environment: &Path) -> PathBuf {
        environment.join(PROGRAMS).join(format!("python{EXE_SUFFIX}"))
    }
}

/// What a program says of itself; nothing where there is none of that name.
fn asked(name: &str) -> Option<Result<Interpreter, String>> {
    let output = Command::new(name)
        .args(["-c", QUESTION])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if output.status.success() {
        return read(&String::from_utf8_lossy(&output.stdout)).map(Ok);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Some(Err(complaint.lines().last().unwrap_or_default().trim().to_owned()))
}

/// Reads `3 11 7 /usr/bin/python3`.
fn read(line: &str) -> Option<Interpreter> {
    let mut words = line.trim_end().splitn(4, ' ');
    let mut number = || words.next()?.parse().ok();
    let version = (number()?, number()?, number()?);
    Some(Interpreter {
        program: PathBuf::from(words.next()?),
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, read};
    use std::path::PathBuf;

    #[test]
    fn an_interpreter_says_who_it_is() {
        let found = Interpreter {
            program: PathBuf::from("/home/me/my own/python3"),
            version: (3, 11, 7),
        };
        assert_eq!(read("3 11 7 /home/me/my own/python3\n"), Some(found));
        assert_eq!(read("Python 2"), None);
        assert_eq!(read(""), None);
    }
}
