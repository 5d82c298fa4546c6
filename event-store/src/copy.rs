//! A store → another database, whichever it is: every row as it is, with its place in the log.

mod claim;

use std::pin::pin;

use futures_util::StreamExt as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, StreamTrait, Value};

use crate::backfill::Progress;
use crate::dialect::{Connections, Dialect, Kind, Transaction};
use crate::error::Error;
use crate::migration::{self, Layout};
use crate::options::Options;
use crate::position;
use crate::store::EventStore;
use crate::tables::Tables;
use claim::Claim;

/// So many rows go into a table with one transaction.
const ROWS: usize = 10_000;
/// So many values go into one statement; SQLite takes 32,766.
const VALUES: usize = 8_000;
/// The table of the one row that all writers take first; it is written last.
const LOG: &str = "log";

/// Tables that say what other tables hold, which are the application's and not copied: projections are built anew.
const LEFT: [&str; 5] = ["projections", "shards", "members", "parked", "parked_history"];

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The newest place in the log.
    pub head: i64,
    /// Rows of all tables.
    pub rows: u64,
    /// How many tables there are.
    pub tables: usize,
}

/// Where rows go.
struct Target {
    dialect: Dialect,
    db: DatabaseConnection,
    tables: Tables,
}

impl EventStore {
    /// Copies the whole store into an empty database of any kind: events with their places in the log and their receipts, what
    /// was refused, types, metrics with their cells, keys, imports. Nothing is judged or counted anew. `options` are those that
    /// the copy will be opened with; of them the prefix of the tables counts.
    ///
    /// Nothing may be stored meanwhile: stop collectors first. Until all is there the copy cannot be opened; a copy that
    /// was cut off is begun anew.
    ///
    /// ```no_run
    /// use event_store::{EventStore, Options};
    ///
    /// # async fn copy() -> Result<(), event_store::Error> {
    /// let store = EventStore::connect("sqlite://events.db").await?;
    /// let copied = store.copy_to("postgres://event@localhost/event", Options::new(), |_| {}).await?;
    /// println!("{} rows, up to place {} of the log", copied.rows, copied.head);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if there is something in the other database, [`Error::BeingFilled`] if another copy is being made there,
    /// [`Error::Changed`] if something was stored
    /// meanwhile, or whatever either database says.
    pub async fn copy_to(
        &self,
        url: &str,
        options: Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Copied, Error> {
        options.check()?;
        let (dialect, connections) = Dialect::connect(url, &options).await?;
        let Connections { writer, reader, .. } = connections;
        dialect.check(&writer, &options).await?;
        let target = Target {
            dialect,
            tables: Tables::new(&options.prefix, dialect.quote()),
            db: writer.clone(),
        };
        let copied = self.copy(&target, &mut progress).await;
        reader.close_by_ref().await?;
        writer.close_by_ref().await?;
        copied
    }

    async fn copy(&self, target: &Target, progress: &mut impl FnMut(Progress)) -> Result<Copied, Error> {
        let mut layouts = migration::layouts();
        layouts.retain(|layout| !LEFT.contains(&layout.name));
        let claim = target.prepare(&layouts).await?;
        let copied = self.fill(target, &claim, &layouts, progress).await;
        if copied.is_err() {
            // Whoever begins anew need not wait for us. If it cannot be said, he has to.
            let _ = claim.give_back(target.dialect, &target.db, &target.tables).await;
        }
        copied
    }

    async fn fill(
        &self,
        target: &Target,
        claim: &Claim,
        layouts: &[Layout],
        progress: &mut impl FnMut(Progress),
    ) -> Result<Copied, Error> {
        let inner = self.inner();
        let source = inner.dialect.snapshot(&inner.reader).await?;
        take_time(inner.dialect, &source).await?;
        let counts = counts(layouts, inner.dialect, &source, &inner.tables).await?;
        let all = counts.iter().sum();
        let mut done = 0;
        for (layout, expected) in layouts.iter().zip(&counts).filter(|(layout, _)| layout.name != LOG) {
            let mut copy = Copy {
                target,
                claim,
                layout,
                done: &mut done,
                all,
                progress,
            };
            copy.run(inner.dialect, &source, &inner.tables).await?;
            let found = target.count(layout).await?;
            if found != *expected {
                let what = format!("{found} rows of {expected} came into the table {}", layout.name);
                return Err(Error::corrupt(what));
            }
        }
        let log = position::log(inner.dialect, &source, &inner.tables).await?;
        let heads = heads(layouts, inner.dialect, &source, &inner.tables).await?;
        source.rollback().await?;
        // Whoever stored something meanwhile moved the head, counted a change, or left a row.
        let now = inner.dialect.snapshot(&inner.reader).await?;
        let same = position::log(inner.dialect, &now, &inner.tables).await? == log
            && self::counts(layouts, inner.dialect, &now, &inner.tables).await? == counts;
        now.rollback().await?;
        if !same {
            return Err(Error::Changed);
        }
        target.finish(claim, layouts, heads).await?;
        progress(Progress::new(all, all));
        Ok(Copied {
            head: log.head,
            rows: all.unsigned_abs(),
            tables: layouts.len(),
        })
    }
}

/// One table on its way.
struct Copy<'a, P> {
    target: &'a Target,
    claim: &'a Claim,
    layout: &'a Layout,
    done: &'a mut i64,
    all: i64,
    progress: &'a mut P,
}

impl<P: FnMut(Progress)> Copy<'_, P> {
    async fn run(&mut self, dialect: Dialect, source: &DatabaseTransaction, tables: &Tables) -> Result<(), Error> {
        let sql = select(self.layout, tables);
        let mut rows = pin!(source.stream_raw(dialect.statement(&sql, [])).await?);
        let mut waiting = Vec::new();
        while let Some(row) = rows.next().await {
            waiting.push(values(self.layout, &row?)?);
            if waiting.len() == ROWS {
                self.write(std::mem::take(&mut waiting)).await?;
            }
        }
        self.write(waiting).await
    }

    async fn write(&mut self, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = self.target.dialect.begin(&self.target.db).await?;
        let written = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let Target { dialect, tables, .. } = self.target;
        self.claim.renew(*dialect, &transaction, tables).await?;
        self.target.insert(&transaction, self.layout, rows).await?;
        transaction.commit().await?;
        *self.done += written;
        (self.progress)(Progress::new(*self.done, self.all));
        Ok(())
    }
}

impl Target {
    /// Makes the tables, and says that they are being filled, and by whom.
    async fn prepare(&self, layouts: &[Layout]) -> Result<Claim, Error> {
        if migration::is_unfinished(self.dialect, &self.db, &self.tables).await {
            let transaction = self.dialect.begin(&self.db).await?;
            take_time(self.dialect, &transaction).await?;
            // Somebody has opened it before there was a copy, and stores: nothing of that goes.
            if position::lock(self.dialect, &transaction, &self.tables).await? != position::Log::default() {
                return Err(Error::NotEmpty);
            }
            let claim = Claim::take(self.dialect, &transaction, &self.tables).await?;
            claim.give_back(self.dialect, &transaction, &self.tables).await?;
            for layout in layouts.iter().filter(|layout| layout.name != LOG) {
                transaction.execute_unprepared(&self.sql("DELETE FROM", layout)).await?;
            }
            migration::mark(false, self.dialect, &transaction, &self.tables).await?;
            transaction.commit().await?;
        }
        migration::migrate(self.dialect, &self.db, &self.tables).await?;
        let transaction = self.dialect.begin(&self.db).await?;
        let head = position::lock(self.dialect, &transaction, &self.tables).await?;
        // Before it is looked what is there: another copy may have begun to bring it.
        let claim = Claim::take(self.dialect, &transaction, &self.tables).await?;
        let counts = counts(layouts, self.dialect, &transaction, &self.tables).await?;
        let holds = |(layout, rows): (&Layout, &i64)| layout.name != LOG && *rows > 0;
        if layouts.iter().zip(&counts).any(holds) || head != position::Log::default() {
            return Err(Error::NotEmpty);
        }
        migration::mark(true, self.dialect, &transaction, &self.tables).await?;
        transaction.commit().await?;
        Ok(claim)
    }

    async fn count(&self, layout: &Layout) -> Result<i64, Error> {
        let snapshot = self.dialect.snapshot(&self.db).await?;
        take_time(self.dialect, &snapshot).await?;
        let rows = count(self.dialect, &snapshot, &self.tables, layout).await?;
        snapshot.rollback().await?;
        Ok(rows)
    }

    fn sql(&self, words: &str, layout: &Layout) -> String {
        self.tables.sql(&format!("{words} {{{}}}", layout.name))
    }

    async fn insert(&self, transaction: &Transaction, layout: &Layout, rows: Vec<Vec<Value>>) -> Result<(), Error> {
        let names: Vec<&str> = layout.columns.iter().map(|(name, _)| *name).collect();
        let numbers = match layout.serial {
            Some(_) => self.dialect.with_numbers(),
            None => "",
        };
        let head = format!(
            "{} ({}) {numbers} VALUES ",
            self.sql("INSERT INTO", layout),
            names.join(", ")
        );
        let places = format!("({})", vec!["?"; names.len()].join(", "));
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<Vec<Value>> = rows.by_ref().take(VALUES / names.len()).collect();
            let sql = format!("{head}{}", vec![places.as_str(); some.len()].join(", "));
            let statement = self.dialect.statement(&sql, some.into_iter().flatten());
            transaction.execute_raw(statement).await?;
        }
        Ok(())
    }

    /// What makes a store of the rows, all at once.
    async fn finish(&self, claim: &Claim, layouts: &[Layout], heads: Vec<Vec<Value>>) -> Result<(), Error> {
        let transaction = self.dialect.begin(&self.db).await?;
        claim.give_back(self.dialect, &transaction, &self.tables).await?;
        for layout in layouts {
            if layout.name == LOG {
                transaction.execute_unprepared(&self.sql("DELETE FROM", layout)).await?;
                self.insert(&transaction, layout, heads.clone()).await?;
            } else if let Some(column) = layout.serial
                && let Some(sql) = self.dialect.go_on_behind(&self.sql("", layout), column)
            {
                transaction.execute_unprepared(&sql).await?;
            }
        }
        migration::mark(false, self.dialect, &transaction, &self.tables).await?;
        transaction.commit().await
    }
}

/// Whole tables are read and emptied: a server must not end that as it ends a request's statement.
async fn take_time(dialect: Dialect, transaction: &impl ConnectionTrait) -> Result<(), Error> {
    if let Some(patience) = dialect.patience() {
        transaction.execute_unprepared(patience).await?;
    }
    Ok(())
}

fn select(layout: &Layout, tables: &Tables) -> String {
    let names: Vec<&str> = layout.columns.iter().map(|(name, _)| *name).collect();
    tables.sql(&format!("SELECT {} FROM {{{}}}", names.join(", "), layout.name))
}

/// The rows of the log.
async fn heads(
    layouts: &[Layout],
    dialect: Dialect,
    source: &DatabaseTransaction,
    tables: &Tables,
) -> Result<Vec<Vec<Value>>, Error> {
    let Some(layout) = layouts.iter().find(|layout| layout.name == LOG) else {
        return Err(Error::corrupt("there is no log"));
    };
    let statement = dialect.statement(&select(layout, tables), []);
    let rows = source.query_all_raw(statement).await?;
    rows.iter().map(|row| values(layout, row)).collect()
}

/// How many rows each table has.
async fn counts(
    layouts: &[Layout],
    dialect: Dialect,
    db: &impl ConnectionTrait,
    tables: &Tables,
) -> Result<Vec<i64>, Error> {
    let mut counts = Vec::with_capacity(layouts.len());
    for layout in layouts {
        counts.push(count(dialect, db, tables, layout).await?);
    }
    Ok(counts)
}

async fn count(dialect: Dialect, db: &impl ConnectionTrait, tables: &Tables, layout: &Layout) -> Result<i64, Error> {
    let sql = tables.sql(&format!("SELECT COUNT(*) FROM {{{}}}", layout.name));
    let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
    let row = row.ok_or_else(|| Error::corrupt("no row for a count"))?;
    Ok(row.try_get_by_index(0)?)
}

/// A row as it was, to be bound again.
fn values(layout: &Layout, row: &QueryResult) -> Result<Vec<Value>, Error> {
    let columns = layout.columns.iter().enumerate();
    let values = columns.map(|(place, (_, kind))| {
        Ok(match kind {
            Kind::Int => row.try_get_by_index::<Option<i64>>(place)?.into(),
            Kind::Text => row.try_get_by_index::<Option<String>>(place)?.into(),
            Kind::Bytes => row.try_get_by_index::<Option<Vec<u8>>>(place)?.into(),
        })
    });
    values.collect()
}
