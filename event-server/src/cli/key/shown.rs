//! Keys as they are printed.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};

use event_core::Timestamp;
use event_store::api_key::{Bounds, CreatedKey, KeyRecord, Rights};
use serde::Serialize;

use crate::cli::columns;

/// A key that was just made, as `POST /v1/keys` answers it.
#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    #[serde(flatten)]
    record: &'a KeyRecord,
}

/// All keys, as `GET /v1/keys` answers them.
#[derive(Serialize)]
struct Keys<'a> {
    keys: &'a [KeyRecord],
}

pub(super) fn created(key: &CreatedKey) -> Result<(), Box<dyn Error>> {
    let created = Created {
        key: key.expose(),
        record: key.record(),
    };
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&created)?)?)
}

pub(super) fn json(keys: &[KeyRecord]) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&Keys { keys })?)?)
}

pub(super) fn table(keys: &[KeyRecord]) -> io::Result<()> {
    let names = [
        "prefix", "access", "source", "type", "rate", "quota", "created", "expires", "revoked", "replaced", "note",
    ];
    let mut rows = vec![names.map(str::to_owned)];
    rows.extend(keys.iter().map(row));
    columns::print(&rows)
}

/// Names with commas between them.
pub(super) fn names<'a, T: Display + 'a>(names: impl IntoIterator<Item = &'a T>) -> String {
    names.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whose events it is for, in a sentence.
pub(super) fn sources(rights: &Rights) -> String {
    match &rights.sources {
        Bounds::Any => "any source".to_owned(),
        Bounds::Only(sources) if sources.len() == 1 => format!("the source {}", names(sources)),
        Bounds::Only(sources) => format!("the sources {}", names(sources)),
    }
}

fn row(key: &KeyRecord) -> [String; 11] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let time = |time: Option<Timestamp>| or_none(time.map(|time| time.to_string()));
    let rights = &key.rights;
    let mut access = names(&rights.access);
    if rights.is_bound() && !rights.is_bound_in_reading() {
        access.push_str(" (reads all)");
    }
    let row = [
        key.prefix.clone(),
        access,
        bounds(&rights.sources),
        bounds(&rights.types),
        or_none(rights.rate.map(|rate| rate.per_second.to_string())),
        or_none(rights.quota.map(|quota| quota.to_string())),
        key.created_at.to_string(),
        time(key.expires_at),
        time(key.revoked_at),
        or_none(key.replaced_by.clone()),
        or_none(key.note.as_ref().map(ToString::to_string)),
    ];
    row.map(|text| columns::harmless(&text))
}

fn bounds<T: Display>(bounds: &Bounds<T>) -> String {
    match bounds {
        Bounds::Any => "any".to_owned(),
        Bounds::Only(own) => names(own),
    }
}
