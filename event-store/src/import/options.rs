//! What is declared of a file before it is imported.

use std::path::PathBuf;

use event_core::{Label, Mapping};

use super::column::Column;
use super::record::Shape;
use crate::judge::Origin;

/// How the bytes of a file become records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values, by RFC 4180.
    Csv {
        /// What stands between two fields, a byte of ASCII.
        delimiter: u8,
        /// Whether the first record holds the names of the columns.
        header: Header,
    },
    /// A JSON object a line.
    Ndjson,
}

impl Format {
    pub(super) fn shape(&self) -> Shape {
        match self {
            Format::Csv { delimiter, .. } => Shape::Fields(*delimiter),
            Format::Ndjson => Shape::Lines,
        }
    }
}

/// Whether the first record of a table names its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It does.
    Present,
    /// It is a row like the others.
    Absent,
}

/// What becomes of the columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Columns {
    /// One by one, in their order.
    InOrder(Vec<Column>),
    /// By their names in the header. Those that are not listed are fields of their own names, or else
    /// members of the data.
    ByName(Vec<(String, Column)>),
}

/// What happens where the file was imported before, but is not what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Nothing is imported.
    #[default]
    Refuse,
    /// It is imported from its start. Events that are stored already are duplicates.
    Import,
}

/// Where an import begins that was begun before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Where it ended.
    #[default]
    Resume,
    /// At the start of the file. Events that are stored already are duplicates.
    Over,
}

/// What happens to a last record without line end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastRecord {
    /// It is imported.
    #[default]
    Import,
    /// It is left for the next time, since somebody may still be writing it.
    Leave,
}

/// White space around the fields of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// It is part of the field.
    #[default]
    Keep,
    /// It is taken away.
    Trim,
}

/// What is kept of the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// What their types' policies say.
    #[default]
    ByType,
    /// What metrics count of them, and their ids.
    CountsOnly,
}

/// How a file is imported.
///
/// ```
/// use event_core::Source;
/// use event_store::Origin;
/// use event_store::import::{Columns, Format, Header, ImportOptions};
///
/// let format = Format::Csv { delimiter: b',', header: Header::Absent };
/// let mut options = ImportOptions::new(format, Origin::new(Source::new("meter")?));
/// options.category = Some("usage".parse()?);
/// let columns = ["subject", "name", "data.transaction_id", "timestamp"].map(str::parse);
/// options.columns = Columns::InOrder(columns.into_iter().collect::<Result<_, _>>()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportOptions {
    /// How bytes become records.
    pub format: Format,
    /// The source of events that name none, and the zone of times without an offset.
    pub origin: Origin,
    /// What the columns of a table become; not asked where there is a mapping.
    pub columns: Columns,
    /// How documents, or rows as flat documents of texts, become events. Without one lines of NDJSON
    /// are events.
    pub mapping: Option<Mapping>,
    /// The category of all events that name none.
    pub category: Option<Label>,
    /// The name of all events that name none.
    pub name: Option<Label>,
    /// The version of all events that name none.
    pub version: Option<Label>,
    /// White space around fields.
    pub space: Space,
    /// What this import is called, to be taken up again; the file's own path if it is left out. A
    /// stream without one cannot be taken up again.
    pub label: Option<String>,
    /// A file to write the places and reasons of refused rows to.
    pub rejects: Option<PathBuf>,
    /// So many refused rows end a run; 1,000 by default.
    pub max_errors: u64,
    /// What happens to a file that is not what it was.
    pub changed: Changed,
    /// Where to begin.
    pub start: Start,
    /// What happens to a last record without line end.
    pub last_record: LastRecord,
    /// What is kept of the events.
    pub keep: Keep,
    /// So many rows are stored at once, at the most; 4,096 by default. Whoever else writes waits for all of them, and
    /// each is held in memory, about three batches at a time. Ids and cells lie all over their tables: in a large store
    /// rows of which only counts are kept cost less the more of them there are. [`ImportOptions::LARGE_BATCH`] is for
    /// those, where nobody else writes.
    pub batch: usize,
}

impl ImportOptions {
    /// A batch for rows of which only counts are kept.
    pub const LARGE_BATCH: usize = 1 << 16;

    /// The defaults: columns by their names in the header, lines as events.
    #[must_use]
    pub fn new(format: Format, origin: Origin) -> Self {
        ImportOptions {
            format,
            origin,
            columns: Columns::ByName(Vec::new()),
            mapping: None,
            category: None,
            name: None,
            version: None,
            space: Space::default(),
            label: None,
            rejects: None,
            max_errors: 1_000,
            changed: Changed::default(),
            start: Start::default(),
            last_record: LastRecord::default(),
            keep: Keep::default(),
            batch: 4_096,
        }
    }

    /// What tells two ways to read one file apart.
    pub(super) fn plan(&self) -> String {
        let format = match &self.format {
            Format::Csv { delimiter, header } => format!("csv {delimiter} {header:?}"),
            Format::Ndjson => "ndjson".to_owned(),
        };
        let columns = match &self.columns {
            Columns::InOrder(columns) => columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Columns::ByName(columns) => {
                let column = |(name, column): &(String, Column)| format!("{name:?}={column}");
                columns.iter().map(column).collect::<Vec<_>>().join(",")
            }
        };
        let mapping = self.mapping.as_ref().map(serde_json::to_string);
        let (source, zone) = (&self.origin.source, self.origin.zone);
        let (category, name, version) = (&self.category, &self.name, &self.version);
        let space = self.space;
        format!("{format}\n{columns}\n{mapping:?}\n{source}\n{zone}\n{category:?}{name:?}{version:?}\n{space:?}")
    }
}
