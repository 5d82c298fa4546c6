//! A program that says nothing any more: what it hangs in is shown, and it is ended, so that the others get their turn.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::command::{Outcome, output};

/// No test is silent for so long, unless it is asked for its long form.
const LIMIT: Duration = Duration::from_secs(600);

/// How long a suite of tests may say nothing.
pub(crate) fn limit() -> Option<Duration> {
    std::env::var_os("EVENT_TEST_LONG").is_none().then_some(LIMIT)
}

/// Runs it with its output passed through line by line as it comes, each line shown to `read` as well. What it has
/// started is ended where it says nothing for longer than this, once it has said anything.
pub(crate) fn succeeds_reading(
    command: &mut Command,
    longest: Option<Duration>,
    mut read: impl FnMut(&str),
) -> Outcome<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let (sender, lines) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    let mut limit = Duration::MAX;
    loop {
        match lines.recv_timeout(limit) {
            Ok(line) => {
                let line = line?;
                // A test may print anything; what is not UTF-8 must not end the run.
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                read(&line);
                limit = longest.unwrap_or(Duration::MAX);
            }
            Err(RecvTimeoutError::Timeout) => {
                println!("\n==> Nothing was said for {} s: what runs is ended", limit.as_secs());
                if !end_children(child.id()) {
                    // Whoever still has its output was left behind by somebody, and may never end.
                    child.kill()?;
                    break;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(child.wait()?.success())
}

/// Shows where all that a process has started stands, and ends it. Answers whether there was anything to end.
fn end_children(parent: u32) -> bool {
    let Ok(listed) = output(Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="])) else {
        return false;
    };
    let children = descendants(&listed, parent);
    for (process, line) in &children {
        println!("    process {process}: {line}");
        let threads = ["-batch", "-ex", "thread apply all backtrace 24", "-p", process];
        match output(Command::new("gdb").args(threads)) {
            Ok(stacks) => println!("{stacks}"),
            Err(_) => println!("    (gdb is not here, or may not look: where it stands is not known)"),
        }
    }
    // Those that were started last first: who starts others anew comes after them.
    for (process, _) in children.iter().rev() {
        let _ = output(Command::new("kill").args(["-KILL", process]));
    }
    !children.is_empty()
}

/// All that a process has started, and what that has, each with its command line; parents first.
fn descendants(listed: &str, parent: u32) -> Vec<(&str, &str)> {
    let rows: Vec<_> = listed
        .lines()
        .filter_map(|line| {
            let (process, rest) = line.trim_start().split_once(char::is_whitespace)?;
            let (parent, line) = rest.trim_start().split_once(char::is_whitespace)?;
            Some((process, parent, line.trim()))
        })
        .collect();
    let parent = parent.to_string();
    let mut family = vec![parent.as_str()];
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(of) = family.get(next).copied() {
        next += 1;
        for (process, _, line) in rows.iter().filter(|(_, parent, _)| *parent == of) {
            family.push(process);
            found.push((*process, *line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_and_theirs_are_found_parents_first() {
        let listed = "    1     0 init\n   20     1 cargo test\n  300    20 tests --all\n  301   300 program  serve\n   21     1 other\n";
        assert_eq!(
            descendants(listed, 20),
            [("300", "tests --all"), ("301", "program  serve")]
        );
        assert_eq!(descendants(listed, 21), []);
    }

    /// Whether a script of the shell has succeeded that may be silent for a moment, and what was heard of it.
    fn run(script: &str) -> (bool, Vec<String>) {
        let mut heard = Vec::new();
        let succeeded = succeeds_reading(
            Command::new("sh").args(["-c", script]),
            Some(Duration::from_millis(200)),
            |line| heard.push(line.to_owned()),
        );
        (succeeded.unwrap(), heard)
    }

    #[test]
    fn who_hangs_is_ended_and_what_comes_after_is_heard() {
        let (succeeded, heard) = run("echo before; sleep 600; echo after; exec 1>&-; exit 3");
        assert!(!succeeded);
        assert_eq!(heard, ["before", "after"]);
    }

    #[test]
    fn who_has_left_somebody_behind_is_not_waited_for() {
        let (succeeded, heard) = run("echo before; (sh -c 'sleep 5; echo late' &); exit 0");
        assert!(succeeded);
        assert_eq!(heard, ["before"]);
    }
}
