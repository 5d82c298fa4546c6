//! The names of the tables, behind the prefix that the application chose.

/// Fills `{events}`, `{log}` and so on into a statement.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    prefix: String,
    quote: char,
}

/// Every table of the store.
const NAMES: [&str; 31] = [
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
    "revisions",
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
        let mut sql = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            sql.push_str(before);
            rest = match behind.split_once('}') {
                Some(("p", behind)) => {
                    sql.push_str(&self.prefix);
                    behind
                }
                Some((name, behind)) if NAMES.contains(&name) => {
                    sql.push(self.quote);
                    sql.push_str(&self.prefix);
                    sql.push_str(name);
                    sql.push(self.quote);
                    behind
                }
                // Not ours: JSON in a default, say.
                _ => {
                    sql.push('{');
                    behind
                }
            };
        }
        sql.push_str(rest);
        sql
    }
}
