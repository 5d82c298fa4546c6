//! `cargo xtask bench`: what `benches/RESULTS.md` says, measured anew.

use std::ffi::OsString;
use std::path::Path;

use crate::backends::Backends;
use crate::command::{Outcome, announce, cargo, succeeds};
use crate::redis;

/// What cargo is told before the bench's name and its own arguments.
const BENCH: [&str; 4] = ["bench", "--package", "event-benches", "--bench"];

/// The program that some of the benches run.
const PROGRAM: [&str; 8] = [
    "build",
    "--release",
    // Beside the benches, so that both are built from the same crates.
    "--package",
    "event-benches",
    "--package",
    "event-server",
    "--bin",
    "event-server",
];

/// What may be said of all benches at once; anything else is one bench's own.
const FOR_ALL: [&str; 2] = ["--rounds", "--remark"];

/// What a bench cannot do without, or does less without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Databases,
    /// One peer queues its work in it.
    Redis,
    Program,
}

/// A bench, or a part of one.
#[derive(Debug)]
struct Bench {
    /// What `--only` calls it.
    name: &'static str,
    /// The bench of the crate, and what that is told.
    target: &'static str,
    part: &'static [&'static str],
    title: &'static str,
    needs: &'static [Need],
}

/// All of them, in the order in which they run.
const BENCHES: [Bench; 10] = [
    Bench {
        name: "append",
        target: "databases",
        part: &["--part", "append"],
        title: "Appends, as shares of what an expert would write by hand",
        needs: &[Need::Databases],
    },
    Bench {
        name: "growth",
        target: "databases",
        part: &["--part", "growth"],
        title: "Appends to a file of SQLite that grows",
        needs: &[],
    },
    Bench {
        name: "queries",
        target: "databases",
        part: &["--part", "queries"],
        title: "Questions, beside what an expert would write by hand",
        needs: &[Need::Databases],
    },
    Bench {
        name: "validation",
        target: "judge",
        part: &[],
        title: "From bytes to a verdict, beside serde_json and jsonschema",
        needs: &[],
    },
    Bench {
        name: "python",
        target: "python",
        part: &[],
        title: "Validation from Python, beside the validators that people use there",
        needs: &[],
    },
    Bench {
        name: "memory",
        target: "memory",
        part: &[],
        title: "Questions over events in memory, beside DuckDB and Polars",
        needs: &[],
    },
    Bench {
        name: "track",
        target: "track",
        part: &[],
        title: "What a call of track costs the application",
        needs: &[],
    },
    Bench {
        name: "files",
        target: "files",
        part: &[],
        title: "Counts straight from a file, beside DuckDB and Polars",
        needs: &[Need::Program],
    },
    Bench {
        name: "http",
        target: "http",
        part: &[],
        title: "The collector over HTTP, beside servers that do less and the same, and under too much load",
        needs: &[Need::Program, Need::Databases, Need::Redis],
    },
    Bench {
        name: "follow",
        target: "follow",
        part: &[],
        title: "How soon followers see what is stored, and how fast tables are made of the log",
        needs: &[Need::Databases],
    },
];

/// Which benches run, and with which arguments of their own.
#[derive(Debug)]
struct Plan<'a> {
    benches: Vec<&'static Bench>,
    arguments: Vec<&'a str>,
}

impl<'a> Plan<'a> {
    /// Reads names and their values, in pairs.
    fn read(arguments: &[&'a str]) -> Result<Self, String> {
        let mut plan = Plan {
            benches: BENCHES.iter().collect(),
            arguments: Vec::new(),
        };
        for pair in arguments.chunks(2) {
            match *pair {
                ["--only", name] => plan.benches.retain(|bench| bench.name == name),
                [name, value] => plan.arguments.extend([name, value]),
                _ => return Err(format!("{} has no value", pair.join(" "))),
            }
        }
        if plan.benches.is_empty() {
            let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
            return Err(format!("--only is one of {}", names.join(", ")));
        }
        let own = plan.arguments.iter().step_by(2).find(|name| !FOR_ALL.contains(*name));
        match own {
            Some(own) if plan.benches.len() > 1 => Err(format!("{own} is of one bench: say which, by --only")),
            _ => Ok(plan),
        }
    }

    fn needs(&self, need: Need) -> bool {
        let part = self.arguments.chunks(2).find(|pair| pair[0] == "--part");
        let without = matches!(part, Some(["--part", "contest" | "overload"]));
        // Of the parts of one bench only the Django service's takes servers.
        (need == Need::Program || !without) && self.benches.iter().any(|bench| bench.needs.contains(&need))
    }
}

/// Measures, bench after bench, and writes the results; also after one has failed.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let plan = Plan::read(arguments)?;
    if plan.needs(Need::Program) {
        announce("The program", &format!("cargo {}", PROGRAM.join(" ")));
        if !succeeds(&mut cargo(root, &PROGRAM))? {
            return Ok(false);
        }
    }
    // They run as long as this does.
    let mut backends = None;
    let mut environment: Vec<(String, OsString)> = Vec::new();
    if plan.needs(Need::Databases) {
        println!("\n==> Databases");
        let started = Backends::start()?;
        // A server that is absent is no failure unless it must be there.
        for line in started.present_lines().into_iter().chain(started.absent_lines()) {
            println!("    {line}");
        }
        if started.missing() > 0 {
            return Ok(false);
        }
        environment.extend(started.environment());
        backends = Some(started);
    }
    if plan.needs(Need::Redis) {
        match redis::find() {
            Ok(program) => {
                println!("    Redis: {}", program.display());
                environment.push((redis::VARIABLE.to_owned(), program.into()));
            }
            Err(reason) => redis::absent_lines(&reason.to_string())
                .iter()
                .for_each(|line| println!("    {line}")),
        }
    }
    let said = arguments.chunks(2).filter(|pair| pair[0] != "--remark");
    let typed: String = said.map(|pair| format!(" {}", pair.join(" "))).collect();
    let typed = format!("cargo xtask bench{typed}");
    let results = root.join("benches").join("RESULTS.md");
    let results = results.to_string_lossy();
    let mut failed = Vec::new();
    for bench in &plan.benches {
        let own = [bench.part, &plan.arguments[..]].concat();
        let told = [&BENCH[..], &[bench.target, "--"], &own].concat();
        announce(bench.title, &format!("cargo {}", told.join(" ")));
        let told = [&told[..], &["--results", &results, "--command", &typed]].concat();
        if !succeeds(cargo(root, &told).envs(environment.iter().cloned()))? {
            failed.push(bench.name);
        }
    }
    drop(backends);
    if !failed.is_empty() {
        println!("\nFAILED: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{BENCHES, Need, Plan};

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        let plan = Plan::read(arguments).unwrap();
        plan.benches.iter().map(|bench| bench.name).collect()
    }

    #[test]
    fn all_of_them_run_unless_one_is_named() {
        assert_eq!(names(&[]).len(), BENCHES.len());
        assert_eq!(names(&["--rounds", "3"]).len(), BENCHES.len());
        assert_eq!(names(&["--only", "queries", "--rows", "60000"]), ["queries"]);
        let plan = Plan::read(&["--only", "queries", "--rows", "60000"]).unwrap();
        assert_eq!(plan.arguments, ["--rows", "60000"]);
        assert_eq!(plan.benches[0].part, ["--part", "queries"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |arguments: &[&str]| Plan::read(arguments).unwrap_err();
        assert!(refused(&["--only", "everything"]).contains("append, growth, queries"));
        assert!(refused(&["--rows", "9"]).contains("--rows is of one bench"));
        assert!(refused(&["--only", "track", "--rounds"]).contains("--rounds has no value"));
    }

    #[test]
    fn servers_start_where_they_are_needed() {
        let needs = |arguments: &[&str], need| Plan::read(arguments).unwrap().needs(need);
        assert!(needs(&[], Need::Databases) && needs(&[], Need::Redis) && needs(&[], Need::Program));
        assert!(needs(&["--only", "follow"], Need::Databases) && !needs(&["--only", "follow"], Need::Redis));
        assert!(!needs(&["--only", "track"], Need::Databases));
        let overload = ["--only", "http", "--part", "overload"];
        assert!(
            !needs(&overload, Need::Databases) && !needs(&overload, Need::Redis) && needs(&overload, Need::Program)
        );
        assert!(needs(&["--only", "http", "--part", "django"], Need::Redis));
    }
}
