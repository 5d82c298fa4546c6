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
    use super::{Tally, failed_in_libtest, passed_in_libtest};

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
