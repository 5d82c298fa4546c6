//! How many tests passed, failed and were ignored, read from what a test runner prints.

use std::fmt;
use std::ops::AddAssign;

/// Counts of one run or of several.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Reads the closing line of one Rust test binary,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`; nothing from any other line.
    pub(crate) fn from_libtest(line: &str) -> Option<Self> {
        let counts = line.trim_start().strip_prefix("test result: ")?;
        Some(Self {
            passed: number_before(counts, "passed")?,
            failed: number_before(counts, "failed")?,
            ignored: number_before(counts, "ignored")?,
        })
    }

    /// Reads the closing line of pytest, `==== 1 failed, 3 passed, 2 skipped, 1 error in 0.12s ====`, with or without
    /// its frame; nothing from any other line.
    pub(crate) fn from_pytest(line: &str) -> Option<Self> {
        let line = line.trim_matches(['=', ' ']);
        let (counts, took) = line.rsplit_once(" in ")?;
        // `61.20s`, or `61.20s (0:01:01)`.
        took.split(' ').next()?.strip_suffix('s')?.parse::<f64>().ok()?;
        let mut tally = Self::default();
        for part in counts.split(", ") {
            let (number, word) = part.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match word {
                "passed" => tally.passed += number,
                // What passes although it should not is as wrong.
                "failed" | "error" | "errors" | "xpassed" => tally.failed += number,
                "skipped" | "xfailed" => tally.ignored += number,
                "warning" | "warnings" | "deselected" => {}
                _ => return None,
            }
        }
        Some(tally)
    }

    /// Whether the run ran anything at all.
    pub(crate) fn is_empty(self) -> bool {
        self.passed + self.failed == 0
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The name of a test that failed, from `test json::tests::reads ... FAILED`.
pub(crate) fn failed_in_libtest(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// The name of a test that passed, from `test store::postgres::appends ... ok`.
pub(crate) fn passed_in_libtest(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... ok")
}

/// The name of a test that failed, or that could not be set up, from the summary of pytest:
/// `FAILED tests/test_client.py::test_flush - AssertionError: …`.
pub(crate) fn failed_in_pytest(line: &str) -> Option<&str> {
    let test = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
    let name = test.split_once(" - ").map_or(test, |(name, _)| name);
    // A line of a log may begin with the same word.
    let (file, _) = name.split_once("::").unwrap_or((name, ""));
    // Files are named as seen from where the tests run, which is somewhere below what is built.
    (file.ends_with(".py") && !file.contains(' ')).then(|| name.trim_start_matches("../"))
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    let mut words = text.split([' ', ';']).filter(|word| !word.is_empty());
    let mut last = words.next()?;
    for next in words {
        if next == word {
            return last.parse().ok();
        }
        last = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Tally, failed_in_libtest, failed_in_pytest, passed_in_libtest};

    #[test]
    fn the_closing_line_of_a_test_binary_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.10s";
        assert_eq!(
            Tally::from_libtest(line),
            Some(Tally {
                passed: 12,
                failed: 3,
                ignored: 1
            })
        );
    }

    #[test]
    fn other_lines_are_not() {
        assert_eq!(Tally::from_libtest("test json::tests::twelve_passed ... ok"), None);
        assert_eq!(Tally::from_libtest("running 12 tests"), None);
        assert_eq!(Tally::from_libtest("test result: ok."), None);
    }

    #[test]
    fn failed_tests_are_named() {
        assert_eq!(
            failed_in_libtest("test src/json.rs - json (line 3) ... FAILED"),
            Some("src/json.rs - json (line 3)")
        );
        assert_eq!(failed_in_libtest("test json::tests::reads ... ok"), None);
    }

    #[test]
    fn passed_tests_are_named() {
        assert_eq!(
            passed_in_libtest("test store::postgres::appends ... ok"),
            Some("store::postgres::appends")
        );
        assert_eq!(passed_in_libtest("test store::postgres::appends ... FAILED"), None);
        assert_eq!(passed_in_libtest("test store::postgres::appends ... ignored"), None);
        assert_eq!(passed_in_libtest("test result: ok. 1 passed; 0 failed"), None);
    }

    fn counts(passed: u64, failed: u64, ignored: u64) -> Option<Tally> {
        Some(Tally {
            passed,
            failed,
            ignored,
        })
    }

    #[test]
    fn the_closing_line_of_pytest_is_read() {
        let framed =
            "=== 2 failed, 30 passed, 4 skipped, 5 deselected, 1 xfailed, 7 warnings, 1 error in 61.20s (0:01:01) ===";
        assert_eq!(Tally::from_pytest(framed), counts(30, 3, 5));
        assert_eq!(Tally::from_pytest("3 passed in 2.83s"), counts(3, 0, 0));
        assert_eq!(Tally::from_pytest("1 skipped in 0.01s"), counts(0, 0, 1));
        assert_eq!(Tally::from_pytest("1 passed, 2 errors in 0.50s"), counts(1, 2, 0));
    }

    #[test]
    fn what_pytest_says_else_is_not() {
        assert_eq!(Tally::from_pytest("no tests ran in 0.01s"), None);
        assert_eq!(Tally::from_pytest("tests/test_client.py ..... [ 50%]"), None);
        assert_eq!(Tally::from_pytest("=== short test summary info ==="), None);
        assert_eq!(Tally::from_pytest("3 passed in the end"), None);
        assert_eq!(Tally::from_pytest("1.50s call in 1.50s"), None);
    }

    #[test]
    fn failed_tests_of_pytest_are_named() {
        let names = [
            (
                "FAILED tests/test_client.py::test_flush[a b] - AssertionError: a - b",
                Some("tests/test_client.py::test_flush[a b]"),
            ),
            ("ERROR tests/test_fork.py - ImportError: no", Some("tests/test_fork.py")),
            (
                "ERROR ../../../event-py/tests/test_fork.py::test_it",
                Some("event-py/tests/test_fork.py::test_it"),
            ),
            ("ERROR    root:test_fork.py:5 a line of a log", None),
            ("FAILED to do something", None),
            ("tests/test_client.py F.", None),
        ];
        for (line, name) in names {
            assert_eq!(failed_in_pytest(line), name, "{line}");
        }
    }

    #[test]
    fn runs_add_up() {
        let mut total = Tally {
            passed: 1,
            failed: 0,
            ignored: 2,
        };
        total += Tally {
            passed: 3,
            failed: 1,
            ignored: 0,
        };
        assert_eq!(total.to_string(), "4 passed, 1 failed");
        assert!(!total.is_empty());
        assert!(
            Tally {
                ignored: 4,
                ..Tally::default()
            }
            .is_empty()
        );
    }
}
