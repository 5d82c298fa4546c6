//! Processors of their own for the server and for what loads it. Where they share them, each request that is refused takes as
//! much from the server's time as it cost to send, and what is measured is the generator.

use std::path::Path;
use std::process::{Command, Stdio};

/// Which processors the server has, and which the load.
#[derive(Debug)]
pub(crate) struct Processors {
    server: String,
    load: String,
}

impl Processors {
    /// Half of those that this process may use for each; nothing where there is but one, or no `taskset`.
    pub(crate) fn apart() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let all = numbers(allowed.trim())?;
        let (server, load) = all.split_at(all.len() / 2);
        if server.is_empty() {
            return None;
        }
        let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let processors = Processors {
            server: list(server),
            load: list(load),
        };
        processors.keep_load().then_some(processors)
    }

    /// Keeps this process, which makes the load, to its own.
    fn keep_load(&self) -> bool {
        let own = std::process::id().to_string();
        let kept = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &self.load, &own])
            .stdout(Stdio::null())
            .status();
        kept.is_ok_and(|status| status.success())
    }

    /// A program that is kept to those of the server.
    pub(crate) fn of_server(&self, program: &Path) -> Command {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &self.server]).arg(program);
        command
    }
}

/// The numbers of `0-3,8`.
fn numbers(list: &str) -> Option<Vec<usize>> {
    let ranges = list.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    let ranges: Option<Vec<std::ops::RangeInclusive<usize>>> = ranges.collect();
    Some(ranges?.into_iter().flatten().collect())
}
