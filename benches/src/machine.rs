//! What a number is worthless without: the machine, the versions, the date.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use event_core::Timestamp;

/// Lines that say where and when it was measured, and what.
#[must_use]
pub fn lines() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal");
    let memory = memory.trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / (1 << 20);
    vec![
        format!(
            "{}; {cores} cores ({}), {memory} GiB",
            today(),
            field("/proc/cpuinfo", "model name")
        ),
        format!(
            "commit {}{}; {}",
            output("git", &["describe", "--always"]),
            dirty(),
            output("rustc", &["--version"])
        ),
    ]
}

/// How busy all processors were while something was done, from 0 to 1; nothing where the system does not tell.
pub fn busy<T>(work: impl FnOnce() -> T) -> (T, Option<f64>) {
    let before = ticks();
    let done = work();
    let share = before.zip(ticks()).and_then(|((busy, all), (busy_now, all_now))| {
        let all = all_now.checked_sub(all).filter(|all| *all > 0)?;
        Some(busy_now.saturating_sub(busy) as f64 / all as f64)
    });
    (done, share)
}

/// Ticks of all processors since they started: those that were used, and all. By proc(5), `/proc/stat`.
fn ticks() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    // User, nice, system, idle, iowait, interrupts twice, stolen by other machines; what guests used is in the first two.
    let numbers: Vec<u64> = numbers.take(8).filter_map(|number| number.parse().ok()).collect();
    let idle = numbers.get(3)? + numbers.get(4)? + numbers.get(7)?;
    let all: u64 = numbers.iter().sum();
    Some((all - idle, all))
}

fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':')
        .map_or(String::new(), |(_, value)| value.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// Says so where what was measured is not the commit. What the run itself writes does not count.
fn dirty() -> &'static str {
    let changed = [
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ":/",
        ":(top,exclude)benches/RESULTS.md",
    ];
    if output("git", &changed).is_empty() {
        ""
    } else {
        "-dirty"
    }
}

fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(now.as_micros()).unwrap_or_default();
    let now = Timestamp::from_micros(micros).unwrap_or(Timestamp::MIN).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}
