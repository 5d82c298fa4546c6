//! `cargo xtask mutants`: how many small changes of a crate's sources its tests would see. cargo-mutants lists the changes;
//! all that compile are built at once, each behind a switch, and those tests run that reach it.

mod mutant;
mod switched;
mod tree;
mod together;
mod trial;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use crate::command::{Outcome, announce, output, target};
use crate::schema_suite;

use mutant::{Mutant, sample};
use together::Together;
use tree::Tree;
use trial::{Court, Verdict, in_parallel};

const USAGE: &str = "usage: cargo xtask mutants <package> [--sample K/N] [--seed S] [--missed] [--alone] [--skip TEST] [--within MS] [FILE …]";

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Question<'a> {
    package: &'a str,
    /// Which part of how many.
    part: (usize, usize),
    seed: u64,
    /// Only what the last run has missed.
    is_again: bool,
    /// Also those that must be built by themselves, a minute or more each.
    is_thorough: bool,
    /// Words in the names of tests that do not run.
    skipped: Vec<&'a str>,
    /// Tests that take longer do not judge, in milliseconds: fewer mutants are caught than would be, in less time.
    within: Option<u64>,
    /// Words in the names of files.
    files: Vec<&'a str>,
}

impl<'a> Question<'a> {
    fn read(arguments: &[&'a str]) -> Option<Self> {
        let (package, mut rest) = arguments.split_first()?;
        let mut question = Self {
            package,
            part: (1, 1),
            ..Self::default()
        };
        loop {
            rest = match rest {
                ["--sample", part, rest @ ..] => {
                    let (part, parts) = part.split_once('/')?;
                    question.part = (part.parse().ok()?, parts.parse().ok()?);
                    rest
                }
                ["--seed", seed, rest @ ..] => {
                    question.seed = seed.parse().ok()?;
                    rest
                }
                ["--skip", word, rest @ ..] => {
                    question.skipped.push(word);
                    rest
                }
                ["--within", within, rest @ ..] => {
                    question.within = Some(within.parse().ok()?);
                    rest
                }
                ["--missed", rest @ ..] => {
                    question.is_again = true;
                    rest
                }
                ["--alone", rest @ ..] => {
                    question.is_thorough = true;
                    rest
                }
                [option, ..] if option.starts_with('-') => return None,
                [file, rest @ ..] => {
                    question.files.push(file);
                    rest
                }
                [] => break,
            };
        }
        let (part, parts) = question.part;
        (1..=parts).contains(&part).then_some(question)
    }
}

/// How many there are of each.
#[derive(Debug, Default)]
struct Count {
    caught: usize,
    timed_out: usize,
    missed: Vec<String>,
    unviable: usize,
    not_judged: usize,
}

impl Count {
    fn add(&mut self, name: &str, verdict: Verdict) {
        match verdict {
            Verdict::Caught => self.caught += 1,
            Verdict::TimedOut => {
                println!("    ran out of time {name}");
                self.timed_out += 1;
            }
            Verdict::Missed => {
                println!("    missed {name}");
                self.missed.push(name.to_owned());
            }
        }
        let judged = self.judged();
        if judged.is_multiple_of(25) {
            println!("    {judged} judged, {} missed", self.missed.len());
        }
    }

    fn judged(&self) -> usize {
        self.caught + self.timed_out + self.missed.len()
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judged = self.judged();
        let killed = (self.caught + self.timed_out) * 1000 / judged.max(1);
        writeln!(
            f,
            "| judged | killed | of it by time | missed | killed of judged | do not compile | not judged |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        write!(
            f,
            "| {judged} | {} | {} | {} | {}.{} % | {} | {} |",
            self.caught + self.timed_out,
            self.timed_out,
            self.missed.len(),
            killed / 10,
            killed % 10,
            self.unviable,
            self.not_judged
        )
    }
}

/// Judges the mutants of a package, or a part of them, and lists those that no test sees.
///
/// # Errors
///
/// When there is no cargo-mutants, or the package does not compile.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let question = Question::read(arguments).ok_or(USAGE)?;
    let kept = target(root)
        .join("mutants")
        .join(format!("{}-missed.txt", question.package));
    let mutants = listed(root, &question, &kept)?;
    let (part, parts) = question.part;
    announce(
        &format!("{} mutants of {}", mutants.len(), question.package),
        &format!("part {part} of {parts}, drawn by the seed {}", question.seed),
    );
    let tree = Tree::copy(root, question.package)?;
    let together = Together::build(&tree, &mutants)?;
    let programs = tree
        .programs()?
        .map_err(|error| format!("the tests do not compile:\n{error}"))?;
    let started = Instant::now();
    let (mut court, failing) = Court::new(programs, tree.home(), schema_suite::find(root).ok(), &question.skipped)?;
    println!(
        "    {} tests, each alone in {:.0?}",
        court.tests.len(),
        started.elapsed()
    );
    if let Some(within) = question.within {
        court.tests.retain(|test| test.took.as_millis() <= within.into());
        println!(
            "    {} of them judge, which take no longer than {within} ms",
            court.tests.len()
        );
    }
    for name in failing {
        println!("    NOT RUN {name}, which fails without a mutant");
    }
    let count = Mutex::new(Count {
        unviable: together.unviable.len(),
        ..Count::default()
    });
    let add = |number: usize, verdict: Verdict| {
        if let (Ok(mut count), Some(mutant)) = (count.lock(), mutants.get(number)) {
            count.add(&mutant.name, verdict);
        }
    };
    let numbers: Vec<(usize, usize)> = together
        .places
        .iter()
        .map(|(number, place)| (*number, *place))
        .collect();
    let verdicts = in_parallel(&numbers, |_, (number, place)| {
        court
            .judge(Some(*place), Some(*number))
            .map(|verdict| add(*number, verdict))
    });
    verdicts.into_iter().collect::<Result<(), String>>()?;
    let alone = if question.is_thorough { together.apart.len() } else { 0 };
    println!(
        "    {alone} more, each in a build of its own, of {}",
        together.apart.len()
    );
    count.lock().map_err(|error| error.to_string())?.not_judged = together.apart.len() - alone;
    for number in together.apart.iter().take(alone) {
        match apart(&tree, &mutants, *number, &mut court)? {
            Some(verdict) => add(*number, verdict),
            None => count.lock().map_err(|error| error.to_string())?.unviable += 1,
        }
    }
    let mut count = count.into_inner().map_err(|error| error.to_string())?;
    count.missed.sort();
    fs::write(kept, count.missed.join("\n"))?;
    announce("Mutants that no test sees", "by file:line:column");
    for name in &count.missed {
        println!("    {name}");
    }
    println!("\n{count}");
    Ok(true)
}

fn listed(root: &Path, question: &Question<'_>, kept: &Path) -> Outcome<Vec<Mutant>> {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    command.args(["mutants", "--list", "--json", "--package", question.package]);
    let list = output(&mut command)
        .map_err(|error| format!("{error}\nIs it installed? cargo install --locked cargo-mutants"))?;
    let mut mutants = Mutant::read(&list)?;
    let (part, parts) = question.part;
    mutants.retain(|mutant| question.files.is_empty() || question.files.iter().any(|word| mutant.file.contains(word)));
    if question.is_again {
        let text = fs::read_to_string(kept)?;
        let names: BTreeSet<&str> = text.lines().collect();
        mutants.retain(|mutant| names.contains(mutant.name.as_str()));
    }
    Ok(sample(mutants, question.seed, part, parts))
}

/// The verdict on a mutant that is built alone; nothing if it does not compile.
fn apart(tree: &Tree, mutants: &[Mutant], number: usize, court: &mut Court) -> Outcome<Option<Verdict>> {
    tree.remove(&tree.module())?;
    let root = format!("{}/src/lib.rs", tree.package());
    let files: BTreeSet<&str> = mutants
        .iter()
        .map(|mutant| mutant.file.as_str())
        .chain([root.as_str()])
        .collect();
    for file in files {
        tree.write(file, tree.original(file)?.as_bytes())?;
    }
    let Some(mutant) = mutants.get(number) else {
        return Ok(None);
    };
    let text = tree.original(&mutant.file)?;
    let range = mutant.range(&text);
    let changed = [&text[..range.start], &mutant.replacement, &text[range.end..]].concat();
    tree.write(&mutant.file, changed.as_bytes())?;
    let Ok(programs) = tree.programs()? else {
        return Ok(None);
    };
    court.programs = programs;
    Ok(Some(court.judge(None, None)?))
}

#[cfg(test)]
mod tests {
    use super::trial::Verdict;
    use super::{Count, Question};

    #[test]
    fn questions_are_read() {
        let words = [
            "event-core",
            "--sample",
            "2/10",
            "json",
            "--seed",
            "7",
            "--skip",
            "mysql",
            "--within",
            "500",
            "--missed",
            "--alone",
        ];
        let question = Question {
            package: "event-core",
            part: (2, 10),
            seed: 7,
            is_again: true,
            is_thorough: true,
            skipped: vec!["mysql"],
            within: Some(500),
            files: vec!["json"],
        };
        assert_eq!(Question::read(&words), Some(question));
        for words in [
            &[][..],
            &["a", "--sample", "0/3"],
            &["a", "--sample", "4/3"],
            &["a", "--seed"],
            &["a", "--within", "a"],
            &["a", "-x"],
        ] {
            assert_eq!(Question::read(words), None, "{words:?}");
        }
    }

    #[test]
    fn what_runs_for_ever_is_killed_as_well() {
        let mut count = Count::default();
        for verdict in [Verdict::Caught, Verdict::TimedOut, Verdict::Missed] {
            count.add("a mutant", verdict);
        }
        assert!(count.to_string().ends_with("| 3 | 2 | 1 | 1 | 66.6 % | 0 | 0 |"));
    }
}
