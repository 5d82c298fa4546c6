//! Rows go in as statements of many rows.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, Row as _};

use crate::dialect::Dialect;
use crate::dialect::bind::{Bind, Insert, Merge, Row, Taken};
use crate::dialect::failure::{exec, query};
use crate::error::Error;
use crate::tables::Tables;

/// Numbers that only this transaction gives out, so that whoever has one is of it.
type Numbers = HashSet<i64, RandomState>;

/// Rows in one statement: a few sizes only, so that there are few to prepare, and few make any number.
const SIZES: [usize; 11] = [1_000, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1];
/// So many rows may go in again, or an eighth of all, and so many bytes.
const MORE: usize = 32;
const MORE_BYTES: usize = 64 << 10;
/// Bytes in one statement, about: a quarter of the least packet that servers take by default.
const MOST_BYTES: usize = 4 << 20;

/// About how many bytes a value takes.
fn bytes(value: &Bind<'_>) -> usize {
    match value {
        Bind::Null | Bind::Int(_) | Bind::Float(_) => 8,
        Bind::Text(text) => text.len(),
        Bind::Bytes(bytes) => bytes.len(),
    }
}

/// Which of the columns have no value in any of these rows.
fn absent<const N: usize>(rows: &[[Bind<'_>; N]]) -> [bool; N] {
    std::array::from_fn(|place| rows.iter().all(|row| matches!(row[place], Bind::Null)))
}

/// Inserts rows by statements of many rows.
pub(in crate::dialect) async fn insert<const N: usize, R: Row<N>>(
    connection: &mut PoolConnection<sqlx::MySql>,
    insert: &Insert<N>,
    dialect: Dialect,
    tables: &Tables,
    [head, tail]: [&str; 2],
    rows: &[R],
) -> Result<Vec<bool>, Error> {
    let (key, stays) = (insert.columns[0].0, matches!(insert.taken, Taken::Stays { .. }));
    // They are looked at more than once.
    let rows: Vec<[Bind<'_>; N]> = rows.iter().map(Row::binds).collect();
    // Answered is what stands there in the end, be it the row that was offered or the one that stays.
    let tells = stays && dialect == Dialect::MariaDb;
    let returning = if tells {
        format!(" RETURNING {key}")
    } else {
        String::new()
    };
    let may_repeat = !matches!(insert.taken, Taken::MergesNumbered { .. });
    // A place costs as much as a value, also where there is none.
    let absent = absent(&rows);
    let row = absent.map(|absent| if absent { "NULL" } else { "?" }).join(", ");
    let row = format!("({row})");
    let mut new = Numbers::default();
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let size = size(rest, may_repeat);
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        let sql = format!(
            "{head} VALUES {} {tail}{returning}",
            vec![row.as_str(); size].join(", ")
        );
        let mut statement = sqlx::query::<sqlx::MySql>(AssertSqlSafe(sql));
        for row in chunk.iter().copied().chain(again(insert, chunk, size)) {
            for (value, _) in row.into_iter().zip(absent).filter(|(_, absent)| !absent) {
                statement = match value {
                    Bind::Null => statement.bind(None::<i64>),
                    Bind::Int(int) => statement.bind(int),
                    Bind::Float(float) => statement.bind(float),
                    Bind::Text(text) => statement.bind(text),
                    Bind::Bytes(bytes) => statement.bind(bytes),
                };
            }
        }
        if tells {
            for row in statement.fetch_all(&mut **connection).await.map_err(exec)? {
                new.insert(row.try_get::<i64, _>(0).map_err(query)?);
            }
        } else {
            statement.execute(&mut **connection).await.map_err(exec)?;
        }
        rest = behind;
    }
    if !stays {
        return Ok(Vec::new());
    }
    let place = |row: &[Bind<'_>; N]| if let Bind::Int(place) = row[0] { place } else { 0 };
    let places: Vec<i64> = rows.iter().map(place).collect();
    if !tells {
        // What a server without RETURNING counts of a row that stays depends on the driver.
        new = there(connection, key, &tables.sql(insert.table), &places).await?;
    }
    Ok(places.iter().map(|place| new.contains(place)).collect())
}

/// The last of some rows, with nothing to add, so often that they are as many as a statement has.
fn again<'a, const N: usize>(
    insert: &Insert<N>,
    rows: &[[Bind<'a>; N]],
    size: usize,
) -> impl Iterator<Item = [Bind<'a>; N]> {
    let row = rows.last().map(|row| idle(insert, *row));
    row.into_iter().cycle().take(size.saturating_sub(rows.len()))
}

/// A row that went in before, so that nothing changes if it goes in again.
fn idle<'a, const N: usize>(insert: &Insert<N>, mut row: [Bind<'a>; N]) -> [Bind<'a>; N] {
    if let Taken::Merges { changes, .. } = insert.taken {
        for ((column, _), value) in insert.columns.iter().zip(&mut row) {
            if changes.contains(&(*column, Merge::Add)) {
                *value = Bind::Int(0);
            }
        }
    }
    row
}

/// How many rows the next statement has: a quarter more than are left, of which one goes in again and again if it may, but not
/// many more, are faster than several statements.
fn size<const N: usize>(rows: &[[Bind<'_>; N]], may_repeat: bool) -> usize {
    let sent = |row: &[Bind<'_>; N]| row.iter().map(bytes).sum::<usize>();
    let one = rows.last().map_or(0, sent);
    let fits = |size: &usize| {
        let more = size.saturating_sub(rows.len());
        let is_nearly = more <= size / 4 && more <= MORE.max(size / 8) && more * one <= MORE_BYTES;
        let chunk = rows.get(..*size).or((may_repeat && is_nearly).then_some(rows));
        chunk.is_some_and(|chunk| chunk.iter().map(sent).sum::<usize>() <= MOST_BYTES)
    };
    SIZES.into_iter().find(fits).unwrap_or(1)
}

/// The first and the last of some numbers, if all there is between them is about what they are: so it is with those of one
/// batch, and need not be with those of old rows.
fn ends(places: &[i64]) -> Option<(i64, i64)> {
    let (first, last) = (*places.iter().min()?, *places.iter().max()?);
    let many = i64::try_from(places.len()).unwrap_or(i64::MAX / 4);
    (last - first < 4 * many).then_some((first, last))
}

/// Which of these numbers a table has as a key.
async fn there(
    connection: &mut PoolConnection<sqlx::MySql>,
    key: &str,
    table: &str,
    places: &[i64],
) -> Result<Numbers, Error> {
    let mut there = Numbers::default();
    let ends = ends(places);
    for chunk in places.chunks(if ends.is_some() { places.len() } else { 1_000 }) {
        let wanted = match ends {
            Some((first, last)) => format!("{key} BETWEEN {first} AND {last}"),
            None => {
                let numbers: Vec<String> = chunk.iter().map(i64::to_string).collect();
                format!("{key} IN ({})", numbers.join(", "))
            }
        };
        // Not prepared: the text is another each time.
        let sql = AssertSqlSafe(format!("SELECT {key} FROM {table} WHERE {wanted}"));
        for row in (**connection).fetch_all(sql).await.map_err(query)? {
            there.insert(row.try_get::<i64, _>(0).map_err(query)?);
        }
    }
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::bind::Kind;

    const COUNTS: Insert<3> = Insert {
        table: "{cells}",
        columns: [("id", Kind::Int), ("events", Kind::Int), ("least", Kind::Int)],
        taken: Taken::Merges {
            key: "id",
            changes: &[("events", Merge::Add), ("least", Merge::Least)],
        },
    };

    #[test]
    fn few_statements_make_any_number_of_rows() {
        let sizes = |rows: usize, may_repeat: bool| {
            let rows = vec![[Bind::Int(1); 3]; rows];
            let (mut rest, mut sizes) = (rows.as_slice(), Vec::new());
            while !rest.is_empty() {
                let size = size(rest, may_repeat);
                sizes.push(size);
                rest = &rest[size.min(rest.len())..];
            }
            sizes
        };
        for (rows, expected) in [
            (1, vec![1]),
            (2, vec![2]),
            (3, vec![4]),
            (5, vec![4, 1]),
            (6, vec![8]),
            (11, vec![8, 4]),
            (12, vec![16]),
            (47, vec![32, 16]),
            (48, vec![64]),
            (95, vec![64, 32]),
            (96, vec![128]),
            (223, vec![128, 64, 32]),
            (224, vec![256]),
            (512, vec![512]),
            (875, vec![1_000]),
            (874, vec![512, 256, 128]),
            (2_240, vec![1_000, 1_000, 256]),
        ] {
            assert_eq!(sizes(rows, true), expected, "{rows} rows");
        }
        assert_eq!(sizes(7, false), [4, 2, 1], "where each would spend a number");
    }

    #[test]
    fn what_is_long_goes_in_once() {
        let long = "x".repeat(MORE_BYTES + 1);
        let rows = |last: usize| {
            let mut rows = vec![[Bind::Int(1)]; 3];
            rows[2] = [Bind::Text(&long[..last])];
            size(&rows, true)
        };
        assert_eq!((rows(MORE_BYTES), rows(MORE_BYTES + 1)), (4, 2));
        let mut rows = vec![[Bind::Int(1)]; 30];
        for (last, expected) in [(MORE_BYTES / 2, 32), (MORE_BYTES / 2 + 1, 16)] {
            rows[29] = [Bind::Text(&long[..last])];
            assert_eq!(size(&rows, true), expected);
        }
        let huge = "x".repeat(MOST_BYTES);
        assert_eq!(size(&[[Bind::Text(&huge)], [Bind::Int(1)]], true), 1);
    }

    #[test]
    fn what_goes_in_again_changes_nothing() {
        let rows = |insert| idle(insert, [Bind::Int(7), Bind::Int(5), Bind::Int(3)]);
        assert!(matches!(rows(&COUNTS), [Bind::Int(7), Bind::Int(0), Bind::Int(3)]));
        let ignored = Insert {
            taken: Taken::Ignored { key: "id" },
            ..COUNTS
        };
        assert!(matches!(rows(&ignored), [Bind::Int(7), Bind::Int(5), Bind::Int(3)]));
    }

    #[test]
    fn numbers_lie_together_unless_there_is_much_between_them() {
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[9]), Some((9, 9)));
        assert_eq!((ends(&[8, 1]), ends(&[9, 1])), (Some((1, 8)), None));
    }
}
