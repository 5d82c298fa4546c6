//! Why an import ended before its file did.

use std::io;

use event_core::minutes::Unanswerable;
use event_core::query::QueryError;

use crate::error::Error;

/// Why an import ended before its file did. A row that is no event is no failure: it is counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The file has no bytes.
    #[error("the file is empty")]
    EmptyFile,
    /// It is a directory, a pipe, a device, or a link that leads nowhere.
    #[error("this is not a regular file")]
    NotARegularFile,
    /// The system does not let us read it.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// It looks compressed, and cannot be decompressed.
    #[error("the file cannot be decompressed behind byte {offset} of what it holds")]
    BadContentEncoding {
        /// How much could be.
        offset: u64,
        /// What was wrong.
        #[source]
        cause: io::Error,
    },
    /// A column that is needed is not in the file, or nothing says where a field comes from.
    #[error("there is no {what}{hint}")]
    MissingColumn {
        /// What is missing.
        what: String,
        /// What may be the reason, in a clause of its own.
        hint: String,
    },
    /// Two columns are the same, or become the same field.
    #[error("twice: {what}")]
    DuplicateColumn {
        /// What is there twice.
        what: String,
    },
    /// What it is to be called.
    #[error("a label has 1 to 1,000 bytes, and no control characters")]
    InvalidLabel,
    /// What is declared of the columns cannot be.
    #[error("{0}")]
    InvalidColumns(String),
    /// A record is larger than any can be; most likely a quote was never closed.
    #[error(
        "the record on line {line}, which begins at byte {offset}, has more than {limit} bytes: is a quote not closed?"
    )]
    RecordTooLarge {
        /// The line on which it begins.
        line: u64,
        /// The byte at which it begins.
        offset: u64,
        /// How many bytes a record may have.
        limit: usize,
    },
    /// There is more in it than may be.
    #[error("the file holds more than {limit} bytes")]
    TooLarge {
        /// How many bytes it may hold, decompressed.
        limit: u64,
    },
    /// The part of the file that was imported before is not what it was.
    #[error("the file is not the one that was imported before: {0}")]
    FileChanged(&'static str),
    /// The file of rejects cannot be written.
    #[error("the file of rejects cannot be written")]
    Rejects(#[source] io::Error),
    /// So many rows were refused that the file, or what was declared of it, must be wrong.
    #[error("{errors} rows were refused, which is as many as may be")]
    TooManyErrors {
        /// How many.
        errors: u64,
    },
    /// What was counted answers other questions than this.
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    /// The question is wrong in itself, or its answer too large.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// What was counted finds no room on the disk.
    #[error("what was counted cannot be written away, or read again")]
    Spill(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Failure {
    /// The machine-readable name, which never changes once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Failure::EmptyFile => "empty_file",
            Failure::NotARegularFile => "not_a_regular_file",
            Failure::Unreadable(_) => "unreadable_file",
            Failure::BadContentEncoding { .. } => "bad_content_encoding",
            Failure::MissingColumn { .. } => "missing_column",
            Failure::DuplicateColumn { .. } => "duplicate_column",
            Failure::InvalidLabel => "invalid_label",
            Failure::InvalidColumns(_) => "invalid_columns",
            Failure::RecordTooLarge { .. } => "record_too_large",
            Failure::TooLarge { .. } => "file_too_large",
            Failure::FileChanged(_) => "file_changed",
            Failure::Rejects(_) => "unwritable_rejects",
            Failure::TooManyErrors { .. } => "too_many_errors",
            Failure::Unanswerable(_) => "unanswerable",
            Failure::Query(error) => error.code().as_str(),
            Failure::Spill(_) => "unwritable_spill",
            Failure::Store(Error::Full(_)) => "storage_full",
            Failure::Store(Error::ImportTaken) => "import_taken",
            Failure::Store(_) => "storage_unavailable",
        }
    }

    /// Whether the file, or what was declared of it, is the reason, so that trying again is of no use.
    #[must_use]
    pub fn is_input(&self) -> bool {
        !matches!(
            self,
            Failure::Store(_) | Failure::Rejects(_) | Failure::Spill(_) | Failure::TooManyErrors { .. }
        )
    }
}
