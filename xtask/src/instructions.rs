//! `cargo xtask instructions`: how many instructions an event costs on the pure paths, counted by callgrind and held to
//! what was counted before. A busy machine counts as many as an idle one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Outcome, announce, cargo, output, target};
use crate::install::{Packages, install};
use crate::json::Json;
use crate::program::{find, search_path};

const BUILD: [&str; 7] = [
    "bench",
    "--package",
    "event-core",
    "--bench",
    "instructions",
    "--no-run",
    "--message-format=json",
];

/// What is counted: this function and what it calls.
const MEASURED: &str = "--toggle-collect=instructions::measured";

/// Where the counts are kept.
const KEPT: [&str; 2] = ["benches", "INSTRUCTIONS.md"];

/// So much more than was kept is a loss, in thousandths: the seeds of hashes differ from run to run, and so do the counts, a
/// little.
const MOST: u64 = 1_020;

const PACKAGES: Packages = Packages {
    apt: &[&["valgrind"]],
    dnf: &[&["valgrind"]],
    apk: &[&["valgrind"]],
};

const HEAD: &str = "\
# Instructions

What one event costs where nothing but the processor is asked, in instructions: `cargo xtask instructions` counts them with
callgrind and fails where one is more than 2 % above what stands here; `cargo xtask instructions --write` keeps what it
counts. A busy machine counts as many as an idle one; another compiler, or a processor with other vector instructions, may
count others. The scenarios are in [instructions.rs](../event-core/benches/instructions.rs).

";

/// Counts every scenario, and holds it to what was kept, or keeps it.
///
/// # Errors
///
/// When there is no valgrind, or a scenario cannot be run.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let keeps = match arguments {
        [] => false,
        ["--write"] => true,
        _ => return Err("usage: cargo xtask instructions [--write]".into()),
    };
    let valgrind = valgrind()?;
    announce("Instructions of an event", &format!("cargo {}", BUILD.join(" ")));
    let program = executable(&output(&mut cargo(root, &BUILD))?)?;
    let listed = output(&mut Command::new(&program))?;
    let scenarios = listed.trim().strip_prefix("scenarios: ").unwrap_or_default();
    let file = root.join(KEPT[0]).join(KEPT[1]);
    let kept = kept(&fs::read_to_string(&file).unwrap_or_default());
    let mut counts = Vec::new();
    let mut passed = !scenarios.is_empty();
    for scenario in scenarios.split(' ') {
        let count = count(root, &valgrind, &program, scenario)?;
        let (line, holds) = compared(scenario, count, kept.get(scenario).copied());
        println!("    {line}");
        passed &= holds || keeps;
        counts.push((scenario, count));
    }
    if keeps {
        fs::write(file, written(&counts, &compiler()?))?;
    }
    Ok(passed)
}

fn valgrind() -> Outcome<PathBuf> {
    let installed = || find(&search_path(), &["valgrind"]);
    if let Some(found) = installed() {
        return Ok(found);
    }
    install(&PACKAGES).map_err(|error| format!("`valgrind` was not found, and {error}"))?;
    installed().ok_or_else(|| "`valgrind` was installed, and is still not found".into())
}

/// The program that cargo has built, from its messages.
fn executable(messages: &str) -> Outcome<PathBuf> {
    let mut lines = messages.lines().filter(|line| line.contains("\"executable\":\""));
    let line = lines.next().ok_or("cargo has built no program")?;
    Ok(PathBuf::from(Json::read(line)?.get("executable").text()))
}

/// Instructions an event, in hundredths.
fn count(root: &Path, valgrind: &Path, program: &Path, scenario: &str) -> Outcome<u64> {
    let folder = target(root).join("instructions");
    fs::create_dir_all(&folder)?;
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(folder.join(scenario));
    let mut command = Command::new(valgrind);
    command.args(["--tool=callgrind", "--collect-atstart=no", MEASURED]);
    let result = command.arg(out).arg(program).arg(scenario).output()?;
    let (said, counted) = (
        String::from_utf8_lossy(&result.stdout).into_owned(),
        String::from_utf8_lossy(&result.stderr).into_owned(),
    );
    let number = |text: &str, before: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.split_once(before))?.1;
        line.trim().parse().ok()
    };
    match (number(&said, "events: "), number(&counted, "Collected : ")) {
        (Some(events @ 1..), Some(instructions @ 1..)) => Ok(instructions * 100 / events),
        _ => Err(format!("{scenario} was not counted:\n{said}{counted}").into()),
    }
}

/// The rows of the table, in hundredths.
fn kept(text: &str) -> BTreeMap<String, u64> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| {
        let mut cells = row.split(" | ");
        let (scenario, count) = (cells.next()?, cells.next()?);
        let hundredths = count.trim_end_matches(" |").replace('.', "").parse().ok()?;
        Some((scenario.to_owned(), hundredths))
    })
    .collect()
}

/// What is said of a count, and whether it will do.
fn compared(scenario: &str, count: u64, kept: Option<u64>) -> (String, bool) {
    let shown = shown(count);
    let Some(kept) = kept.filter(|kept| *kept > 0) else {
        return (format!("{scenario}: {shown}, which is new: --write keeps it"), false);
    };
    let ratio = count * 1_000 / kept;
    let holds = ratio <= MOST;
    let verdict = match ratio {
        _ if !holds => ": MORE than it may be",
        ..980 => ": less, which --write keeps",
        _ => "",
    };
    let line = format!(
        "{scenario}: {shown}, {}.{:03} of what was kept{verdict}",
        ratio / 1_000,
        ratio % 1_000
    );
    (line, holds)
}

fn shown(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn written(counts: &[(&str, u64)], compiler: &str) -> String {
    let rows = counts
        .iter()
        .map(|(scenario, count)| format!("| {scenario} | {} |\n", shown(*count)));
    let rows: String = rows.collect();
    format!(
        "{HEAD}| scenario | instructions an event |\n|---|---|\n{rows}\nCounted of what {compiler} makes, in release.\n"
    )
}

fn compiler() -> Outcome<String> {
    Ok(output(Command::new("rustc").arg("--version"))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{compared, executable, kept, written};

    #[test]
    fn what_is_written_is_read_again() {
        let read = kept(&written(&[("page", 123_456), ("csv", 905)], "rustc 1.95.0"));
        let read: Vec<_> = read.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(read, [("csv", 905), ("page", 123_456)]);
    }

    #[test]
    fn more_than_two_per_cent_more_will_not_do() {
        assert!(compared("page", 1_020, Some(1_000)).1);
        assert!(compared("page", 1, Some(1_000)).1);
        let (line, holds) = compared("page", 1_021, Some(1_000));
        assert!(!holds && line.contains("10.21, 1.021 of what was kept: MORE"), "{line}");
        assert!(!compared("page", 1_000, None).1);
    }

    #[test]
    fn cargo_says_what_it_has_built() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/target/release/deps/instructions-1\"}\n";
        assert_eq!(
            executable(messages).unwrap().to_str(),
            Some("/target/release/deps/instructions-1")
        );
        assert!(executable("").is_err());
    }
}
