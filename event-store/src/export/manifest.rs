//! What a folder of an export says of itself, so that the next run can go on.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use event_core::upcaster::Target;
use event_core::{Filter, Timestamp};
use serde::{Deserialize, Serialize};

use super::encoded::unwritten;
use super::part;
use super::scan::ExportOptions;
use crate::error::Error;

/// What a folder holds: its `_export.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    version: u32,
    /// Only events that it chooses.
    pub filter: Filter,
    /// Only events that occurred from this instant on.
    pub from: Option<Timestamp>,
    /// Only events that occurred before this instant.
    pub to: Option<Timestamp>,
    /// As which version of their type events are written; as they are stored, if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upcast: Option<Target>,
    /// Only events behind this position.
    pub after: i64,
    /// The position up to which the files hold all of them, each once.
    pub position: i64,
    /// How many there are.
    pub events: u64,
    /// In how many files.
    pub files: u64,
}

const NAME: &str = "_export.json";
/// Of the form of the folder.
const VERSION: u32 = 1;

impl Manifest {
    pub(super) fn new(options: &ExportOptions) -> Self {
        let ExportOptions {
            after,
            from,
            to,
            filter,
            upcast,
        } = options.clone();
        Manifest {
            version: VERSION,
            filter,
            from,
            to,
            upcast,
            after,
            position: after,
            events: 0,
            files: 0,
        }
    }

    /// The manifest of a folder, if it has one.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let text = match fs::read(folder.join(NAME)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unwritten(error)),
        };
        let read: Result<Self, _> = serde_json::from_slice(&text);
        let known = read.ok().filter(|manifest| manifest.version == VERSION);
        known.map(Some).ok_or_else(|| {
            let folder = folder.display();
            Error::Config(format!("the {NAME} in {folder} is none that this version can read"))
        })
    }

    /// Writes it down, and has it on disk: it replaces the one before at once or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let (new, place) = (folder.join("_export.json.tmp"), folder.join(NAME));
        let mut text = serde_json::to_vec_pretty(self).map_err(unwritten)?;
        text.push(b'\n');
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&new, &place)).map_err(unwritten)?;
        part::sync(folder)
    }

    /// The rest of what it is about, if it is about the same events.
    pub(super) fn go_on(&self, options: &ExportOptions) -> Option<ExportOptions> {
        let same = self.filter == options.filter
            && self.from == options.from
            && self.to == options.to
            && self.upcast == options.upcast;
        let behind = options.after == 0 || [self.after, self.position].contains(&options.after);
        (same && behind).then(|| ExportOptions {
            after: self.position,
            ..options.clone()
        })
    }
}
