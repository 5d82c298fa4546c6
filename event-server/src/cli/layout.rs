//! What the rows of a file are: the flags of all commands that read one.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use event_core::{Mapping, Source};
use event_server::config::Settings;
use event_store::Origin;
use event_store::import::{Column, Columns, Format, Header, ImportOptions, Space};

// Beside a file, whether that is an argument or a flag.
#[derive(clap::Args)]
pub(super) struct Layout {
    /// What it holds; by its name, if left out: .ndjson and .jsonl are NDJSON
    #[arg(long, value_enum, requires = "file")]
    format: Option<Holds>,
    /// The first record is a row like the others, and not the names of the columns
    #[arg(long, requires = "file")]
    no_header: bool,
    /// What stands between two fields, a comma if left out: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter, requires = "file")]
    delimiter: Option<u8>,
    /// What the columns become, in their order: subject,timestamp,data.value:number,-
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with_all = ["map", "mapping"], requires = "file")]
    columns: Vec<Column>,
    /// What the column of a name becomes: customer=subject. The others are fields of their own names, or else data
    #[arg(long, value_name = "NAME=COLUMN", value_parser = named, conflicts_with = "mapping", requires = "file")]
    map: Vec<(String, Column)>,
    /// A file with a mapping, as types have them: how rows or documents become events
    #[arg(long, value_name = "FILE", requires = "file")]
    mapping: Option<PathBuf>,
    /// Take away the white space around fields
    #[arg(long, requires = "file")]
    trim: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Holds {
    /// Comma-separated values
    Csv,
    /// A JSON object a line
    Ndjson,
}

impl Layout {
    /// The options of an import of this file, as far as these flags say them.
    pub(super) fn options(
        &self,
        file: &Path,
        source: Option<&Source>,
        settings: &Settings,
    ) -> Result<ImportOptions, String> {
        let header = if self.no_header {
            Header::Absent
        } else {
            Header::Present
        };
        let format = match self.format.unwrap_or_else(|| by_name(file)) {
            Holds::Csv => Format::Csv {
                delimiter: self.delimiter.unwrap_or(b','),
                header,
            },
            Holds::Ndjson => Format::Ndjson,
        };
        let mut origin = Origin::new(source.unwrap_or(&settings.default_source).clone());
        origin.zone = settings.timezone;
        let mut options = ImportOptions::new(format, origin);
        options.columns = match self.columns.is_empty() {
            true => Columns::ByName(self.map.clone()),
            false => Columns::InOrder(self.columns.clone()),
        };
        options.mapping = self.mapping.as_deref().map(mapping).transpose()?;
        options.space = if self.trim { Space::Trim } else { Space::Keep };
        Ok(options)
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("this is one character of ASCII, or `tab`".to_owned()),
    }
}

fn named(text: &str) -> Result<(String, Column), String> {
    let (name, column) = text.rsplit_once('=').ok_or("this is written as NAME=COLUMN")?;
    let column = column.parse().map_err(|error| format!("{error}"))?;
    Ok((name.to_owned(), column))
}

fn by_name(file: &Path) -> Holds {
    let name = file.to_string_lossy();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
        Holds::Ndjson
    } else {
        Holds::Csv
    }
}

fn mapping(path: &Path) -> Result<Mapping, String> {
    let wrong = |message: String| format!("--mapping: {}: {message}", path.display());
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}
