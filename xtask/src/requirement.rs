//! `REQUIRE_BACKENDS`: the databases whose absence is a failure.

use crate::database::Database;

pub(crate) const VARIABLE: &str = "REQUIRE_BACKENDS";

/// Reads `all`, or module names with commas between them; nothing requires nothing.
///
/// # Errors
///
/// When a word names no database: a slip must not turn into a suite that nobody misses.
pub(crate) fn parse(text: &str) -> Result<Vec<Database>, String> {
    let mut required = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if word == "all" {
            return Ok(Database::ALL.to_vec());
        }
        let known = Database::ALL.into_iter().find(|database| database.module() == word);
        required.push(known.ok_or_else(|| {
            let names = Database::ALL.map(Database::module).join(", ");
            format!("{VARIABLE} names `{word}`, which is no database: it is `all` or some of {names}")
        })?);
    }
    Ok(required)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::database::Database;

    #[test]
    fn nothing_is_required_unless_somebody_says_so() {
        assert_eq!(parse(""), Ok(Vec::new()));
        assert_eq!(parse(" , "), Ok(Vec::new()));
    }

    #[test]
    fn all_is_all() {
        assert_eq!(parse("all"), Ok(Database::ALL.to_vec()));
        assert_eq!(parse("mysql,all"), Ok(Database::ALL.to_vec()));
    }

    #[test]
    fn names_stand_between_commas() {
        assert_eq!(parse("postgres, mysql"), Ok(vec![Database::Postgres, Database::Mysql]));
    }

    #[test]
    fn a_slip_is_refused() {
        let error = parse("postgers").unwrap_err();
        assert!(error.contains("`postgers`") && error.contains("postgres"), "{error}");
    }
}
