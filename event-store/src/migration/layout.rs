//! What columns the tables have, as the migrations make them.

use super::MIGRATIONS;
use crate::dialect::Kind;

/// A table, its columns in order, and the one whose numbers the database gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Without the prefix.
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<(&'static str, Kind)>,
    pub(crate) serial: Option<&'static str>,
}

/// Every table but that of the migrations, in the order of their making.
pub(crate) fn layouts() -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    for statement in MIGRATIONS.iter().copied().flatten().copied() {
        if let Some((name, rest)) = named(statement, "CREATE TABLE {") {
            let body = rest.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
            let mut layout = Layout {
                name,
                columns: Vec::new(),
                serial: None,
            };
            parts(body.map_or("", |(body, _)| body)).for_each(|part| layout.add(part));
            layouts.push(layout);
        } else if let Some((name, rest)) = named(statement, "ALTER TABLE {")
            && let Some(column) = rest.trim_start().strip_prefix("ADD COLUMN ")
            && let Some(layout) = layouts.iter_mut().find(|layout| layout.name == name)
        {
            layout.add(column);
        }
    }
    layouts
}

impl Layout {
    /// Takes in the definition of a column: `sequence {int}`. Keys are none.
    fn add(&mut self, definition: &'static str) {
        let Some((name, rest)) = definition.trim().split_once(' ') else {
            return;
        };
        let Some((word, _)) = rest
            .trim_start()
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return;
        };
        let kind = match word.split(':').next() {
            Some("int" | "serial") => Kind::Int,
            Some("bytes" | "blob") => Kind::Bytes,
            _ => Kind::Text,
        };
        self.columns.push((name, kind));
        if word == "serial" {
            self.serial = Some(name);
        }
    }
}

fn named(statement: &'static str, start: &str) -> Option<(&'static str, &'static str)> {
    statement.strip_prefix(start)?.split_once('}')
}

/// What stands between the commas that are in no parentheses.
fn parts(body: &'static str) -> impl Iterator<Item = &'static str> {
    let mut depth = 0;
    body.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventStore;
    use sea_orm::ConnectionTrait as _;

    #[tokio::test]
    async fn these_are_the_columns_that_there_are() {
        let store = EventStore::connect("sqlite::memory:").await.unwrap();
        let inner = store.inner();
        let ask = async |sql: String| {
            let rows = inner.reader.query_all_raw(inner.dialect.statement(&sql, [])).await;
            let rows = rows.unwrap().into_iter();
            rows.map(|row| row.try_get_by_index::<String>(0).unwrap())
                .collect::<Vec<_>>()
        };
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'event\\_%' ESCAPE '\\' \
                      ORDER BY name";
        let mut expected = ask(tables.to_owned()).await;
        expected.retain(|name| name != "event_migrations");
        let mut layouts = layouts();
        layouts.sort_by_key(|layout| layout.name);
        let names = layouts.iter().map(|layout| format!("event_{}", layout.name));
        assert_eq!(names.collect::<Vec<_>>(), expected);
        for layout in layouts {
            let named = |what: &str| {
                format!(
                    "SELECT {what} FROM pragma_table_info('event_{}') ORDER BY cid",
                    layout.name
                )
            };
            let columns: Vec<&str> = layout.columns.iter().map(|(name, _)| *name).collect();
            assert_eq!(ask(named("name")).await, columns, "{}", layout.name);
            let kinds = layout.columns.iter().map(|(_, kind)| match kind {
                Kind::Int => "INTEGER",
                Kind::Text => "TEXT",
                Kind::Bytes => "BLOB",
            });
            assert_eq!(ask(named("type")).await, kinds.collect::<Vec<_>>(), "{}", layout.name);
        }
        store.close().await.unwrap();
    }
}
