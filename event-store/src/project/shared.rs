//! What all tasks of a projection share.

use std::fmt;
use std::sync::{Arc, Mutex};

use event_core::Filter;
use tokio::sync::{Notify, watch};

use super::Projection;
use super::options::ProjectOptions;
use super::rows::Names;
use crate::error::{Cause, Error};
use crate::inner::Inner;

/// What stands in braces in data definitions, and so names no table.
const WORDS: [&str; 7] = ["int", "long", "blob", "serial", "table", "clustered", "updated"];

/// What is known of a projection, but for its code.
pub(super) struct Shared {
    pub(super) inner: Arc<Inner>,
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) filter: Filter,
    pub(super) tables: Vec<String>,
    pub(super) options: ProjectOptions,
    /// Of this process and this projector: nobody else has it.
    pub(super) holder: String,
    pub(super) stop: watch::Sender<bool>,
    /// A task has ended.
    pub(super) freed: Notify,
    pub(super) ended: Mutex<Option<Error>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(inner: Arc<Inner>, projection: &impl Projection, options: ProjectOptions) -> Result<Self, Error> {
        options.check()?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = |text: &str, more: &[u8]| {
            (1..=40).contains(&text.len()) && text.bytes().all(|byte| plain(byte) || more.contains(&byte))
        };
        let free = |table: &&str| fits(table, b"") && !WORDS.contains(table);
        if !fits(projection.name(), b"-") || !projection.tables().iter().all(free) {
            let message = "names of projections and of their tables have up to 40 lower-case letters, digits and \
                           underscores; those of projections may have hyphens, too, and those of tables are none of \
                           int, long, blob, serial, table, clustered and updated";
            return Err(Error::Config(message.to_owned()));
        }
        let mut chance = [0; 12];
        getrandom::fill(&mut chance).map_err(|error| Error::Unavailable(Cause::new(error.to_string())))?;
        Ok(Shared {
            inner,
            name: projection.name().to_owned(),
            version: i64::from(projection.version()),
            filter: projection.filter(),
            tables: projection.tables().iter().map(|&table| table.to_owned()).collect(),
            options,
            holder: chance.iter().map(|byte| format!("{byte:02x}")).collect(),
            stop: watch::Sender::new(false),
            freed: Notify::new(),
            ended: Mutex::new(None),
        })
    }

    pub(super) fn names(&self, generation: i64) -> Names {
        let tables: Vec<&str> = self.tables.iter().map(String::as_str).collect();
        Names::new(&tables, generation, self.inner.dialect)
    }

    /// Whether it is to end.
    pub(super) fn is_over(&self) -> bool {
        *self.stop.borrow() || self.inner.queue.is_closed()
    }
}
