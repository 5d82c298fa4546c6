//! The tests, run against one mutant until one of them fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::command::{Outcome, output};
use crate::schema_suite;
use crate::tally::failed_in_libtest;

use super::switched::{ACTIVE, REACHED};
use super::tree::Program;

/// A test alone takes no longer.
const LONGEST: Duration = Duration::from_secs(300);

/// Those that take no longer run before the others.
const SHORT: Duration = Duration::from_millis(500);

/// A mutant may ask for all the memory there is: a test is given so much, in KiB, and the stack that it has beside others.
const LIMITED: &str = "ulimit -v 8388608; ulimit -s 2048; ulimit -t \"$0\"; exec \"$@\"";

/// What ends a program that takes more.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;

/// On a busy machine the time that passes says little: it is the processor's that is limited, and this many times as much
/// passes before a test counts as one that hangs.
const WAITING: u32 = 20;

/// And so much besides.
const PATIENCE: Duration = Duration::from_secs(20);

/// A test: where it is, how long it takes, and what it reaches.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    program: usize,
    name: String,
    pub(crate) took: Duration,
    places: BTreeSet<usize>,
}

/// How tests have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Missed,
    Caught,
    TimedOut,
}

/// What all trials have in common.
#[derive(Debug)]
pub(crate) struct Court {
    pub(crate) programs: Vec<Program>,
    pub(crate) tests: Vec<Test>,
    home: PathBuf,
    suite: Option<PathBuf>,
}

impl Court {
    /// Runs each test alone, without a mutant, with what it reaches written down; also answers the names of those that fail,
    /// which judge nothing.
    pub(crate) fn new(
        programs: Vec<Program>,
        home: PathBuf,
        suite: Option<PathBuf>,
        skipped: &[&str],
    ) -> Outcome<(Self, Vec<String>)> {
        let mut court = Self {
            programs,
            tests: Vec::new(),
            home,
            suite,
        };
        let mut found = Vec::new();
        for (program, Program { path, is_whole }) in court.programs.iter().enumerate() {
            if *is_whole {
                found.push((program, "examples".to_owned()));
                continue;
            }
            let listed = output(
                Command::new(path)
                    .args(["--list", "--format", "terse"])
                    .current_dir(&court.home),
            )?;
            let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
            let names = names.filter(|name| !skipped.iter().any(|word| name.contains(word)));
            found.extend(names.map(|name| (program, name.to_owned())));
        }
        let tried = in_parallel(&found, |number, (program, name)| court.test(number, *program, name));
        let mut failing = Vec::new();
        for (tried, (_, name)) in tried.into_iter().zip(found) {
            match tried? {
                Some(test) => court.tests.push(test),
                None => failing.push(name),
            }
        }
        Ok((court, failing))
    }

    fn test(&self, number: usize, program: usize, name: &str) -> Result<Option<Test>, String> {
        let file = std::env::temp_dir().join(format!("mutants-reached-{}-{number}", std::process::id()));
        let mut command = self.command(program, &[name], LONGEST);
        command.env(REACHED, &file);
        let started = Instant::now();
        let verdict = judged(command, LONGEST)?;
        let took = started.elapsed();
        let reached = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        Ok((verdict == Verdict::Missed).then(|| Test {
            program,
            name: name.to_owned(),
            took,
            places: reached.lines().filter_map(|line| line.parse().ok()).collect(),
        }))
    }

    /// The verdict of the tests that reach the place, or of all, on the mutant that is built in, or is asked for by its number.
    pub(crate) fn judge(&self, place: Option<usize>, active: Option<usize>) -> Result<Verdict, String> {
        let tests = self.tests.iter();
        let tests: Vec<&Test> = tests
            .filter(|test| place.is_none_or(|place| test.places.contains(&place)))
            .collect();
        for Turn {
            program,
            names,
            took,
            longest,
        } in turns(&tests)
        {
            let limit = took * 5 + Duration::from_secs(15);
            let mut command = self.command(program, &names, limit);
            if let Some(active) = active {
                command.env(ACTIVE, active.to_string());
            }
            match judged(command, longest * WAITING + PATIENCE)? {
                Verdict::Missed => {}
                verdict => return Ok(verdict),
            }
        }
        Ok(Verdict::Missed)
    }

    /// A program that may take so much of a processor's time.
    fn command(&self, program: usize, names: &[&str], limit: Duration) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", LIMITED]).arg(limit.as_secs().to_string());
        if let Some(program) = self.programs.get(program) {
            command.arg(&program.path);
            if !program.is_whole {
                command.args(["--test-threads=1", "--exact"]).args(names);
            }
        }
        command.current_dir(&self.home).env("CARGO_MANIFEST_DIR", &self.home);
        if let Some(suite) = &self.suite {
            command.env(schema_suite::VARIABLE, suite);
        }
        // What has failed once is not tried first on the next mutant, and what has failed need not be made small.
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("RUST_BACKTRACE", "0");
        command
    }
}

/// Tests of a program that run one after the other.
#[derive(Debug, Default)]
struct Turn<'a> {
    program: usize,
    names: Vec<&'a str>,
    took: Duration,
    /// The longest of them.
    longest: Duration,
}

impl<'a> Turn<'a> {
    fn add(&mut self, test: &'a Test) {
        self.program = test.program;
        self.names.push(&test.name);
        self.took += test.took;
        self.longest = self.longest.max(test.took);
    }
}

/// Tests by program, in the order in which they find most in the least time: the short ones of each program at once, then
/// each long one alone.
fn turns<'a>(tests: &[&'a Test]) -> Vec<Turn<'a>> {
    let mut short: BTreeMap<usize, Turn<'a>> = BTreeMap::new();
    let mut long = Vec::new();
    for test in tests {
        if test.took > SHORT {
            let mut turn = Turn::default();
            turn.add(test);
            long.push(turn);
        } else {
            short.entry(test.program).or_default().add(test);
        }
    }
    let mut turns: Vec<_> = short.into_values().collect();
    turns.sort_by_key(|turn| turn.took);
    long.sort_by_key(|turn| turn.took);
    turns.extend(long);
    turns
}

/// Runs it until a test fails, or nothing is heard of it for so long: each test that ends says so.
fn judged(mut command: Command, silence: Duration) -> Result<Verdict, String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let (sender, lines) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
    }
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) if failed_in_libtest(&line).is_some() => return ended(child, Verdict::Caught),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return ended(child, Verdict::TimedOut),
            Err(RecvTimeoutError::Disconnected) => {
                let status = child.wait().map_err(|error| error.to_string())?;
                return Ok(match signal(status) {
                    _ if status.success() => Verdict::Missed,
                    Some(SIGXCPU | SIGKILL) => Verdict::TimedOut,
                    _ => Verdict::Caught,
                });
            }
        }
    }
}

/// What has ended it, if it was that.
fn signal(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    return None.filter(|_| status.success());
}

fn ended(mut child: Child, verdict: Verdict) -> Result<Verdict, String> {
    let _ = child.kill();
    child.wait().map_err(|error| error.to_string())?;
    Ok(verdict)
}

/// Does it for all, as many at once as there are processors; answers in the order of the items.
pub(crate) fn in_parallel<T: Sync, A: Send>(items: &[T], work: impl Fn(usize, &T) -> A + Sync) -> Vec<A> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut answers = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(item) = items.get(at) else { return answers };
            answers.push((at, work(at, item)));
        }
    };
    let mut answers: Vec<(usize, A)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().filter_map(|worker| worker.join().ok());
        joined.flatten().collect()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;
    use std::time::Duration;

    use super::{Test, Verdict, in_parallel, judged, turns};

    fn shell(script: &str, silence: u64) -> Verdict {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        judged(command, Duration::from_millis(silence)).unwrap()
    }

    #[test]
    fn the_first_failure_is_enough() {
        assert_eq!(shell("echo 'test a ... ok'", 60_000), Verdict::Missed);
        assert_eq!(
            shell("echo 'test a ... FAILED'; exec sleep 600", 60_000),
            Verdict::Caught
        );
        assert_eq!(shell("exit 101", 60_000), Verdict::Caught);
        assert_eq!(shell("exec sleep 600", 50), Verdict::TimedOut);
        assert_eq!(shell("ulimit -t 1; while true; do :; done", 60_000), Verdict::TimedOut);
    }

    #[test]
    fn short_tests_run_first_and_together() {
        let test = |program, name: &str, took| Test {
            program,
            name: name.to_owned(),
            took: Duration::from_millis(took),
            places: BTreeSet::new(),
        };
        let tests = [
            test(0, "a", 400),
            test(0, "b", 300),
            test(1, "c", 900),
            test(1, "d", 1),
            test(0, "e", 700),
        ];
        let turns = turns(&tests.iter().collect::<Vec<_>>());
        let names: Vec<_> = turns.iter().map(|turn| (turn.program, turn.names.join(" "))).collect();
        let expected = [(1, "d"), (0, "a b"), (0, "e"), (1, "c")].map(|(program, names)| (program, names.to_owned()));
        assert_eq!(names, expected);
    }

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(
            in_parallel(&items, |at, item| at + item),
            (0..200).step_by(2).collect::<Vec<_>>()
        );
    }
}
