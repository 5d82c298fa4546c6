//! Rows to insert, where they lie, and what becomes of those whose key is taken.

use sea_orm::Value;

use super::grammar::Grammar;
use crate::tables::Tables;

/// A value of a row or of a statement, where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bind<'a> {
    Null,
    Int(i64),
    /// Of conditions alone: no column holds one.
    #[cfg_attr(
        not(feature = "sqlite"),
        allow(dead_code, reason = "servers bind conditions by their drivers")
    )]
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl From<Bind<'_>> for Value {
    fn from(bind: Bind<'_>) -> Self {
        match bind {
            Bind::Null => None::<i64>.into(),
            Bind::Int(int) => int.into(),
            Bind::Float(float) => float.into(),
            Bind::Text(text) => text.into(),
            Bind::Bytes(bytes) => bytes.into(),
        }
    }
}

/// What is inserted as a row. Its values are asked for where they are needed, so that those of many rows need not be in memory
/// at once.
pub(crate) trait Row<const N: usize>: Sync {
    /// A value for each column.
    fn binds(&self) -> [Bind<'_>; N];
}

impl<const N: usize> Row<N> for [Bind<'_>; N] {
    fn binds(&self) -> [Bind<'_>; N] {
        *self
    }
}

impl<const N: usize, R: Row<N>> Row<N> for &R {
    fn binds(&self) -> [Bind<'_>; N] {
        (**self).binds()
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A value of a row that is read, from a column that holds no NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// How a column of a row that is there takes what is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    Add,
    Least,
    Greatest,
    Replace,
}

/// What becomes of a row whose key is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    /// The row that was there stays. Which rows are new is told by their first column, a number
    /// that only this transaction gives out.
    Stays { key: &'static str },
    /// The row that was there stays, and nobody asks.
    Ignored { key: &'static str },
    /// The row that was there takes on what is offered.
    Merges {
        key: &'static str,
        changes: &'static [(&'static str, Merge)],
    },
    /// The same, where the database gives the rows numbers: it may spend one on a row that is there, too.
    MergesNumbered {
        key: &'static str,
        changes: &'static [(&'static str, Merge)],
    },
}

/// How rows go into a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insert<const N: usize> {
    /// The table, as `{events}`.
    pub(crate) table: &'static str,
    pub(crate) columns: [(&'static str, Kind); N],
    pub(crate) taken: Taken,
}

impl<const N: usize> Insert<N> {
    /// `INSERT INTO table (columns)`.
    pub(super) fn head(&self, tables: &Tables) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        format!("INSERT INTO {} ({})", tables.sql(self.table), names.join(", "))
    }

    /// One row of places.
    #[cfg(feature = "sqlite")]
    pub(super) fn row(&self) -> String {
        format!("({})", vec!["?"; N].join(", "))
    }

    /// What follows the rows, should a key of theirs be taken.
    pub(super) fn tail(&self, grammar: &dyn Grammar, tables: &Tables) -> String {
        let table = tables.sql(self.table);
        match self.taken {
            Taken::Stays { key } | Taken::Ignored { key } => grammar.keep_existing(key),
            Taken::Merges { key, changes } | Taken::MergesNumbered { key, changes } => {
                let (least, greatest) = grammar.least_and_greatest();
                let change = |(column, merge): &(&str, Merge)| {
                    let offered = grammar.offered(column);
                    match merge {
                        Merge::Add => format!("{column} = {table}.{column} + {offered}"),
                        Merge::Replace => format!("{column} = {offered}"),
                        Merge::Least => format!("{column} = {least}({table}.{column}, {offered})"),
                        Merge::Greatest => format!("{column} = {greatest}({table}.{column}, {offered})"),
                    }
                };
                let changes: Vec<String> = changes.iter().map(change).collect();
                grammar.update_existing(key, &changes.join(", "))
            }
        }
    }
}
