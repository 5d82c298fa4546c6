//! `REQUIRE_BACKENDS`: the databases, the Python, the browser and the suite of schemas whose absence is a failure.

use crate::command::Outcome;
use crate::database::Database;

pub(crate) const VARIABLE: &str = "REQUIRE_BACKENDS";

/// What Python is called there.
const PYTHON: &str = "python";

/// What the browser is called there.
const CHROMIUM: &str = "chromium";

/// What the JSON-Schema-Test-Suite is called there.
const SCHEMA_SUITE: &str = "schema-suite";

/// Loud lines for what is not there: why, what that leaves out, and whether it may be missing.
pub(crate) fn absent_lines(name: &str, reason: &str, left_out: &str, required: bool) -> Vec<String> {
    // A reason may end with the output of a program: its first line is the one that fits into a sentence.
    let mut reason = reason.lines();
    let mut lines = vec![format!("!! NOT RUN: {name} ({})", reason.next().unwrap_or_default())];
    lines.extend(reason.map(|line| format!("!!    {line}")));
    let failure = match required {
        true => format!(" This is a FAILURE: {VARIABLE} asks for it."),
        false => String::new(),
    };
    lines.push(format!("!! {left_out}{failure}"));
    lines
}

/// What must not be absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Required {
    pub(crate) databases: Vec<Database>,
    pub(crate) python: bool,
    pub(crate) chromium: bool,
    pub(crate) schema_suite: bool,
}

/// Reads the environment.
///
/// # Errors
///
/// As `parse`.
pub(crate) fn read() -> Outcome<Required> {
    let text = std::env::var_os(VARIABLE).unwrap_or_default();
    Ok(parse(&text.to_string_lossy())?)
}

/// Reads `all`, or names with commas between them; nothing requires nothing.
///
/// # Errors
///
/// When a word names neither: a slip must not turn into a suite that nobody misses.
fn parse(text: &str) -> Result<Required, String> {
    let mut required = Required::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if word == "all" {
            return Ok(Required {
                databases: Database::ALL.to_vec(),
                python: true,
                chromium: true,
                schema_suite: true,
            });
        }
        if word == PYTHON {
            required.python = true;
            continue;
        }
        if word == CHROMIUM {
            required.chromium = true;
            continue;
        }
        if word == SCHEMA_SUITE {
            required.schema_suite = true;
            continue;
        }
        let known = Database::ALL.into_iter().find(|database| database.module() == word);
        required.databases.push(known.ok_or_else(|| {
            let names = Database::ALL.map(Database::module).join(", ");
            format!(
                "{VARIABLE} names `{word}`, which is no database: it is `all` or some of {names}, {PYTHON}, {CHROMIUM}, {SCHEMA_SUITE}"
            )
        })?);
    }
    Ok(required)
}

#[cfg(test)]
mod tests {
    use super::{Required, parse};
    use crate::database::Database;

    #[test]
    fn nothing_is_required_unless_somebody_says_so() {
        assert_eq!(parse(""), Ok(Required::default()));
        assert_eq!(parse(" , "), Ok(Required::default()));
    }

    #[test]
    fn all_is_all() {
        let all = Required {
            databases: Database::ALL.to_vec(),
            python: true,
            chromium: true,
            schema_suite: true,
        };
        assert_eq!(parse("all").as_ref(), Ok(&all));
        assert_eq!(parse("mysql,all"), Ok(all));
    }

    #[test]
    fn names_stand_between_commas() {
        let two = Required {
            databases: vec![Database::Postgres, Database::Mysql],
            ..Required::default()
        };
        assert_eq!(parse("postgres, mysql"), Ok(two));
        assert_eq!(parse("python").map(|required| required.python), Ok(true));
        assert_eq!(parse("chromium").map(|required| required.chromium), Ok(true));
        assert_eq!(parse("schema-suite").map(|required| required.schema_suite), Ok(true));
    }

    #[test]
    fn a_slip_is_refused() {
        let error = parse("postgers").unwrap_err();
        assert!(error.contains("`postgers`") && error.contains("postgres"), "{error}");
    }
}
