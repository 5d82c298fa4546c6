//! What a projection writes with: a transaction, and the names of its tables.

use std::sync::{Mutex, PoisonError};

use sea_orm::{ConnectionTrait, DbErr, ExecResult, QueryResult, Statement, Value};

use super::failure::Failure;
use crate::dialect::{Backend, Dialect, Transaction};
use crate::error::Error;

/// The names of the tables of one generation.
#[derive(Clone, Debug)]
pub(super) struct Names {
    tables: Vec<String>,
    generation: i64,
    quote: char,
}

impl Names {
    pub(super) fn new(tables: &[&str], generation: i64, dialect: Dialect) -> Self {
        Names {
            tables: tables.iter().map(|&table| table.to_owned()).collect(),
            generation,
            quote: dialect.quote(),
        }
    }

    /// Each name that readers use with the table behind it, as they are written in SQL.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let quoted = |name: String| format!("{0}{name}{0}", self.quote);
        let pair = move |table: &String| (quoted(table.clone()), quoted(self.bare(table)));
        self.tables.iter().map(pair)
    }

    fn bare(&self, table: &str) -> String {
        format!("{table}_g{}", self.generation)
    }

    fn sql(&self, template: &str) -> String {
        self.tables.iter().fold(template.to_owned(), |sql, table| {
            let name = format!("{0}{1}{0}", self.quote, self.bare(table));
            sql.replace(&format!("{{{table}}}"), &name)
        })
    }
}

/// The transaction in which events are applied, and the names of the tables that they go to. It is a connection for
/// SeaORM's statements, too; whoever builds them names a table by [`Rows::table`].
///
/// `COMMIT` and `ROLLBACK` are the projection's own, and never yours.
pub struct Rows<'a> {
    transaction: &'a Transaction,
    names: &'a Names,
    /// The first statement that failed.
    failed: Mutex<Option<Error>>,
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(transaction: &'a Transaction, names: &'a Names) -> Self {
        Rows {
            transaction,
            names,
            failed: Mutex::new(None),
        }
    }

    /// Why a statement failed, the first of all.
    pub(super) fn failed(&self) -> Option<Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn watched<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &done {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| Error::of_reference(error));
        }
        done
    }

    /// The whole name of a table of the projection, without quotes.
    #[must_use]
    pub fn table(&self, table: &str) -> String {
        self.names.bare(table)
    }

    /// A statement with the names of tables filled in where they stand in braces.
    #[must_use]
    pub fn sql(&self, template: &str) -> String {
        self.names.sql(template)
    }

    /// Makes a table or an index. What databases call differently stands in braces, too: `{int}`, `{text:200}` for so many
    /// letters, `{long}` text, `{bytes:16}`, `{blob}`, and `{table}` for what comes behind the columns.
    ///
    /// # Errors
    /// What the database says.
    pub async fn define(&self, template: &str) -> Result<(), Failure> {
        let sql = self.transaction.dialect().ddl(&self.sql(template));
        self.execute_unprepared(&sql).await?;
        Ok(())
    }

    /// Runs a statement and answers how many rows it found to change. `?` stands for each value, on every database.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&self, template: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, Failure> {
        let statement = self.transaction.dialect().statement(&self.sql(template), values);
        Ok(self.execute_raw(statement).await?.rows_affected())
    }

    /// Runs a query. `?` stands for each value, on every database.
    ///
    /// # Errors
    /// What the database says.
    pub async fn query(
        &self,
        template: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, Failure> {
        let statement = self.transaction.dialect().statement(&self.sql(template), values);
        Ok(self.query_all_raw(statement).await?)
    }

    /// Puts a row into a table, in place of the one that has the same key; the first columns, so many, are the key.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put(
        &self,
        table: &str,
        key: usize,
        row: impl IntoIterator<Item = (&str, Value)>,
    ) -> Result<(), Failure> {
        let (columns, values): (Vec<&str>, Vec<Value>) = row.into_iter().unzip();
        let dialect = self.transaction.dialect();
        let (keys, others) = columns.split_at(key.min(columns.len()));
        let change = |column: &&str| format!("{column} = {}", dialect.offered(column));
        let keys = keys.join(", ");
        let tail = match others {
            [] => dialect.keep_existing(&keys),
            _ => dialect.update_existing(&keys, &others.iter().map(change).collect::<Vec<_>>().join(", ")),
        };
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!(
            "INSERT INTO {{{table}}} ({}) VALUES ({places}) {tail}",
            columns.join(", ")
        );
        self.execute(&sql, values).await.map(drop)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Rows<'_> {
    fn get_database_backend(&self) -> Backend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.watched(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.watched(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.watched(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.watched(self.transaction.query_all_raw(statement).await)
    }
}
