//! What each database says in its own words: pieces of SQL, and nothing that speaks to a server.

use std::borrow::Cow;

use event_core::Pointer;
use sea_orm::DbBackend;

/// Expressions for the numbers among values.
pub(crate) struct Numbers {
    /// What is computed before the others, and is `n` in them.
    pub(crate) once: Option<String>,
    /// A number as a decimal, whose sums are exact; NULL for what is none.
    pub(crate) decimal: String,
    /// The same in less time, of a database that fails where something else stands.
    pub(crate) bold: Option<String>,
    /// Where decimals do not hold every number, and are what stands before its exponent: NULL for what is no number, that
    /// exponent, or an empty text.
    pub(crate) exponent: Option<String>,
}

/// The words of a database. Columns and expressions come as SQL; what is bound is `?`.
pub(crate) trait Grammar: Send + Sync {
    /// What SeaORM calls it.
    fn backend(&self) -> DbBackend;

    /// What stands around the name of a table.
    fn quote(&self) -> char {
        '"'
    }

    /// The word for a column's type, or for what follows a table's columns: `serial`, `int`,
    /// `text` of so many characters, `long` text, `bytes` of such a length, `blob`, `table`, and
    /// `clustered` for a table that is stored in the order of its primary key; `updated` for one whose
    /// rows also change often.
    fn word(&self, word: &str, length: &str) -> String;

    /// Data definition with its words filled in: `{int}`, `{text:128}` and so on.
    fn ddl(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, (word, after))) = rest
            .split_once('{')
            .and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            let (word, length) = word.split_once(':').unwrap_or((word, ""));
            out.push_str(before);
            out.push_str(&self.word(word, length));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// The statement with its places for values as this database writes them.
    fn places<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(sql)
    }

    /// What a transaction starts with: it sees what others commit, and takes the one lock there is.
    fn begin(&self) -> &'static str;

    /// Microseconds since 1970 by the database's own clock, while a statement runs.
    fn now(&self) -> &'static str;

    /// Makes whoever else would change the tables wait, until this transaction or its connection
    /// ends; the value is a name. `None` where a transaction does so by itself.
    fn lock_tables(&self) -> Option<&'static str>;

    /// Ends the wait where the end of the transaction does not.
    fn unlock_tables(&self) -> Option<&'static str> {
        None
    }

    /// Whether a statement that changes a table ends the transaction that it is in.
    fn ddl_commits(&self) -> bool {
        false
    }

    /// Whether one transaction at a time writes, and nobody queues for it: who comes again at once is faster than others.
    fn has_one_writer(&self) -> bool {
        false
    }

    /// What makes a view of a table, in place of one of that name.
    fn show(&self, view: &str, table: &str) -> Vec<String> {
        // Not in place: PostgreSQL would insist on the columns of before.
        vec![
            format!("DROP VIEW IF EXISTS {view}"),
            format!("CREATE VIEW {view} AS SELECT * FROM {table}"),
        ]
    }

    /// What to write behind a table that is to be read by this index, where the database may choose another one before it
    /// has looked at what the table holds.
    fn by_index(&self, _index: &str) -> String {
        String::new()
    }

    /// What to write behind a SELECT of rows that this transaction will change.
    fn for_update(&self) -> &'static str {
        " FOR UPDATE"
    }

    /// What to write behind an insert so that a row whose key exists is left as it is.
    fn keep_existing(&self, key: &str) -> String {
        format!("ON CONFLICT ({key}) DO NOTHING")
    }

    /// What to write behind an insert so that a row whose key exists is changed.
    fn update_existing(&self, key: &str, changes: &str) -> String {
        format!("ON CONFLICT ({key}) DO UPDATE SET {changes}")
    }

    /// What to write between the columns and the values of an insert that brings numbers which the database gives out
    /// otherwise.
    fn with_numbers(&self) -> &'static str {
        ""
    }

    /// Lets a column give out the numbers behind those that were brought; nothing where it does so by itself.
    fn go_on_behind(&self, _table: &str, _column: &str) -> Option<String> {
        None
    }

    /// The statement that writes the whole database to the file of a bound path, where there is one.
    fn back_up(&self) -> Option<&'static str> {
        None
    }

    /// What lets a statement of a transaction that reads take its time.
    fn patience(&self) -> Option<&'static str> {
        None
    }

    /// The value that an insert offered for a column, in the changes of [`Grammar::update_existing`].
    fn offered(&self, column: &str) -> String {
        format!("excluded.{column}")
    }

    /// The least and the greatest of two expressions, as names of functions.
    fn least_and_greatest(&self) -> (&'static str, &'static str) {
        ("LEAST", "GREATEST")
    }

    /// A condition: the columns have one of so many rows of bound values.
    fn one_of_rows(&self, columns: &[&str], rows: usize) -> String {
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        format!("({}) IN ({})", columns.join(", "), vec![row; rows].join(", "))
    }

    /// A condition: a pair of columns lies behind a pair of bound values in the order of `sign`,
    /// and which of the two values each place is for.
    fn beyond(&self, first: &str, second: &str, sign: char) -> (String, &'static [usize]) {
        (format!("({first}, {second}) {sign} (?, ?)"), &[0, 1])
    }

    /// A condition, that the first column of an index has a value, and what rows are sorted by before the columns behind it: so
    /// that the index is read in its order, and from a bound of these on.
    fn run(&self, column: &str, value: i64, _direction: &str) -> (String, String) {
        (format!("{column} = {value}"), String::new())
    }

    /// A whole number divided by another, cut to a whole number.
    fn divide(&self, dividend: &str, divisor: i64) -> String {
        format!("({dividend} / {divisor})")
    }

    /// The sum of whole numbers, as a whole number of 64 bits.
    fn total(&self, expression: &str) -> String;

    /// What to write at the end of a query in FROM, so that what it selects is computed once a row,
    /// however often it is used outside.
    fn once(&self) -> &'static str {
        ""
    }

    /// The canonical JSON text at a place of the column, NULL where there is none or JSON null;
    /// `None` where this database cannot say that exactly in SQL.
    fn json_at(&self, column: &str, pointer: &Pointer) -> Option<String>;

    /// A condition: the text of `haystack` holds the bound value, byte by byte.
    fn contains(&self, haystack: &str) -> String;

    /// The unescaped string for JSON text that is one, compared byte by byte.
    fn json_string(&self, json: &str) -> String;

    /// The number for JSON text that is one, as a float, give or take the last bit.
    fn json_number(&self, json: &str) -> String;

    /// What is to be known of the numbers at a place of the column; `None` where this database cannot say that exactly in SQL,
    /// or need not, as rows are read where they lie.
    fn numbers_at(&self, _column: &str, _pointer: &Pointer) -> Option<Numbers> {
        None
    }

    /// Whether rows are counted before they are joined with what tells whose they are: where a join costs more than that.
    fn counts_before_it_joins(&self) -> bool {
        true
    }

    /// A decimal as text.
    fn decimal_text(&self, decimal: &str) -> String {
        format!("CAST({decimal} AS TEXT)")
    }
}

/// Whether JSON text is a number.
pub(crate) fn is_number(json: &str) -> String {
    // Of what JSON text starts with, a minus and digits alone lie between these, byte by byte.
    format!("({json} >= '-' AND {json} < ':')")
}

/// The tokens of a pointer, if all of them are plain keys that every database reads alike. A
/// number may be a key or an index, and a database asks which; odd keys each quotes by rules of its own.
pub(super) fn plain_keys(pointer: &Pointer) -> Option<Vec<String>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ');
    // PostgreSQL reads past spaces, too, to find an index.
    let number = |token: &str| {
        token
            .trim_start_matches([' ', '-'])
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    };
    pointer
        .tokens()
        .map(|token| {
            let token = token.to_string();
            // MariaDB finds no key that starts with a hyphen.
            let odd = token.is_empty() || token.starts_with('-') || number(&token);
            (!odd && token.bytes().all(plain)).then_some(token)
        })
        .collect()
}

/// `?` as `$1`, `$2` and so on, but for those in quotes.
#[cfg(feature = "postgres")]
pub(super) fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('?') {
        return Cow::Borrowed(sql);
    }
    let (mut out, mut place, mut quoted) = (String::with_capacity(sql.len() + 16), 0_usize, false);
    for character in sql.chars() {
        match character {
            '?' if !quoted => {
                place += 1;
                out.push('$');
                out.push_str(&place.to_string());
            }
            _ => {
                quoted ^= character == '\'';
                out.push(character);
            }
        }
    }
    Cow::Owned(out)
}
