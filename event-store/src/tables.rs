//! The names of the tables, behind the prefix that the application chose.

/// Fills `{events}`, `{log}` and so on into a statement.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    prefix: String,
    quote: char,
}

/// Every table of the store.
const NAMES: [&str; 30] = [
    "log",
    "sources",
    "kinds",
    "trails",
    "events",
    "catalog",
    "quarantine",
    "migrations",
    "metrics",
    "groups",
    "cells",
    "keys",
    "rowless",
    "pending",
    "api_keys",
    "losses",
    "loss_reports",
    "imports",
    "quarantine_history",
    "erasures",
    "shadows",
    "sketches",
    "key_days",
    "projections",
    "shards",
    "members",
    "parked",
    "pruned",
    "bookmarks",
    "parked_history",
];

impl Tables {
    pub(crate) fn new(prefix: &str, quote: char) -> Self {
        Tables {
            prefix: prefix.to_owned(),
            quote,
        }
    }

    /// The statement with `{name}` replaced by the prefixed name of each table, and `{p}` by the
    /// bare prefix, for the names of indexes.
    pub(crate) fn sql(&self, template: &str) -> String {
        let with_tables = NAMES.iter().fold(template.to_owned(), |sql, name| {
            sql.replace(
                &format!("{{{name}}}"),
                &format!("{0}{1}{name}{0}", self.quote, self.prefix),
            )
        });
        with_tables.replace("{p}", &self.prefix)
    }
}
