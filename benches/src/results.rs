//! `RESULTS.md`: what was measured, section by section, and which goals it reaches.

use std::path::Path;

use crate::arguments::Run;
use crate::goals;
use crate::machine;
use crate::table::Table;

/// The sections of the file, in their order.
const SECTIONS: [&str; 13] = [
    "Append",
    "Growth",
    "Queries",
    "Validation",
    "Validation from Python",
    "In memory",
    "Track",
    "Files",
    "HTTP",
    "Django",
    "Overload",
    "Follow",
    "Rebuild",
];

/// What stands before the first section.
const HEAD: &str = include_str!("results.md");
/// Where the goals stand in it.
const GOALS: &str = "{goals}";

/// What one run measures. What it has is written at once, so that nothing is lost where it is cut short.
pub struct Results {
    run: Run,
    /// Where and when.
    machine: Vec<String>,
    versions: Vec<String>,
    sections: Vec<(&'static str, Vec<Table>)>,
}

impl Results {
    /// Nothing yet.
    #[must_use]
    pub fn new(run: &Run) -> Self {
        Results {
            run: run.clone(),
            machine: machine::lines(),
            versions: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// A version of something that is measured.
    pub fn version(&mut self, version: String) {
        self.versions.push(version);
    }

    /// Shows a table, and writes it into the file: the first of a section takes the place of all that stood there.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[allow(clippy::print_stdout, clippy::panic, reason = "what a bench prints is its product")]
    pub fn show(&mut self, section: &'static str, table: Table) {
        debug_assert!(SECTIONS.contains(&section), "{section} has no place in the file");
        println!("{table}");
        match self.sections.iter_mut().find(|(known, _)| *known == section) {
            Some((_, tables)) => tables.push(table),
            None => self.sections.push((section, vec![table])),
        }
        if let Some(file) = &self.run.results {
            self.write(file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }

    fn write(&self, file: &Path) -> std::io::Result<()> {
        let before = std::fs::read_to_string(file).unwrap_or_default();
        std::fs::write(file, self.over(&before))
    }

    /// The file as it is now, and what was measured; a section that was not measured stays as it was.
    fn over(&self, before: &str) -> String {
        let mut sections = String::new();
        for name in SECTIONS {
            let head = format!("\n## {name}\n");
            let measured = self.sections.iter().find(|(section, _)| *section == name);
            if let Some((_, tables)) = measured {
                sections.push_str(&head);
                sections.push_str(&self.text(tables));
            } else if let Some((_, rest)) = before.split_once(&head) {
                sections.push_str(&head);
                sections.push_str(rest.split("\n## ").next().unwrap_or_default());
            }
        }
        HEAD.replace(GOALS, &goals::table(&sections)) + &sections
    }

    fn text(&self, tables: &[Table]) -> String {
        let mut text = format!("\n`{}`\n\n", self.run.command);
        let rounds = format!("{} rounds in turn; {}", self.run.rounds, self.run.remark);
        for line in self.machine.iter().chain([&self.versions.join("; "), &rounds]) {
            if !line.is_empty() {
                text.push_str(&format!("- {line}\n"));
            }
        }
        for table in tables {
            text.push_str(&format!("\n{table}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Results;
    use crate::arguments::Run;
    use crate::table::{RATES, Table};
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Options {
        #[command(flatten)]
        run: Run,
    }

    fn table(title: &str, ratio: &str) -> Table {
        let line = |name: &str, ratio: &str| {
            (
                name.to_owned(),
                ["9", ratio, "1.00", "1.00"].map(str::to_owned).to_vec(),
            )
        };
        Table {
            title: title.to_owned(),
            columns: RATES,
            lines: vec![line("ceiling: finished rows", "1.00"), line("append", ratio)],
        }
    }

    fn results(sections: Vec<(&'static str, Vec<Table>)>) -> Results {
        let command = "cargo xtask bench --only append";
        let mut results = Results::new(&Options::parse_from(["bench", "--command", command]).run);
        results.sections = sections;
        results
    }

    #[test]
    fn a_section_takes_the_place_of_its_own_alone() {
        let before = results(vec![
            ("Append", vec![table("SQLite, 1000 a transaction, one writer", "0.65")]),
            ("Track", vec![table("something else", "1.50")]),
        ])
        .over("");
        assert!(before.contains("| 0.65 | not reached |"), "{before}");
        let after = results(vec![(
            "Append",
            vec![table("SQLite, 1000 a transaction, one writer", "0.85")],
        )])
        .over(&before);
        assert!(after.contains("something else") && after.contains("1.50"), "{after}");
        assert!(
            after.contains("| 0.85 | reached |") && !after.contains("0.65"),
            "{after}"
        );
        assert!(after.contains("\n`cargo xtask bench --only append`\n"), "{after}");
        // Whoever measures nothing changes nothing.
        assert_eq!(results(Vec::new()).over(&after), after);
    }
}
