//! Where in the file a number stands.

/// A cell of a table.
#[derive(Debug)]
pub(super) struct Place {
    /// The name of the section.
    section: &'static str,
    /// How the title of the table begins; behind a `*`, what it holds besides.
    table: &'static str,
    /// The first cell of the line.
    line: &'static str,
    /// The name of the column, the first of that name.
    column: &'static str,
}

impl Place {
    /// Section, table, line, column.
    pub(super) fn new(words: &[&'static str]) -> Option<Self> {
        let &[section, table, line, column] = words else {
            return None;
        };
        Some(Place {
            section,
            table,
            line,
            column,
        })
    }

    /// What stands there; nothing where it is no number, or is not there at all.
    pub(super) fn read(&self, text: &str) -> Option<f64> {
        let (_, section) = text.split_once(&format!("\n## {}\n", self.section))?;
        let section = section.split("\n## ").next()?;
        // Tables are parted by empty lines.
        let mut tables = section.split("\n\n").map(|table| table.trim().lines().map(cells));
        let (head, mut lines) = tables.find_map(|mut lines| {
            let head = lines.next()?;
            let (start, more) = self.table.split_once('*').unwrap_or((self.table, ""));
            let title = head.first()?.strip_prefix(start)?;
            title.contains(more).then_some((head, lines))
        })?;
        let column = head.iter().position(|name| *name == self.column)?;
        let line = lines.find(|cells| cells.first() == Some(&self.line))?;
        line.get(column)?.parse().ok()
    }
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(str::trim).collect()
}
