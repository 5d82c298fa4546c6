//! `cargo xtask surface`: all that the crates promise their users, in a file each, so that a change of it is seen.
//!
//! It is read from the JSON that rustdoc writes. That is not stable yet: rustdoc is told that it may, and nobody else, as
//! cargo would build half of the workspace anew for it. So cargo runs this program in rustdoc's place.

mod signature;
mod listing;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::command::{Outcome, cargo, succeeds, target};
use crate::json::Json;

/// The crates that are published for users to build on.
const CRATES: [&str; 4] = ["event-core", "event-store", "event-client", "event-server"];

/// The file of a crate, in its folder.
const FILE: &str = "surface.txt";

/// The forms of rustdoc's JSON that are read right.
const FORMATS: std::ops::RangeInclusive<u32> = 56..=57;

/// So many changes are shown.
const SHOWN: usize = 60;

/// Set where this program is run as rustdoc: the one to run.
const RUSTDOC: &str = "EVENT_XTASK_RUSTDOC";

/// What a crate's lines are, or why they cannot be told.
enum Surface {
    Lines(Vec<String>),
    Unknown(String),
}

/// Runs rustdoc, if that is what this program was started for.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let program = env::var_os(RUSTDOC)?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1");
    let succeeded = command.status().is_ok_and(|status| status.success());
    Some(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Writes the files anew, and prints what has changed.
pub(crate) fn write(root: &Path) -> Outcome<bool> {
    if !document(root)? {
        return Ok(false);
    }
    for name in CRATES {
        match read(root, name)? {
            Surface::Lines(lines) => {
                changes(root, name, &lines);
                fs::write(root.join(name).join(FILE), lines.join("\n") + "\n")?;
            }
            Surface::Unknown(reason) => return Err(reason.into()),
        }
    }
    Ok(true)
}

/// Whether the documentation builds without a warning, and the files say what is there.
pub(crate) fn check(root: &Path) -> Outcome<bool> {
    let mut passed = document(root)?;
    if !passed {
        return Ok(false);
    }
    for name in CRATES {
        match read(root, name)? {
            Surface::Lines(lines) if changes(root, name, &lines) > 0 => {
                println!("    {name}/{FILE} says otherwise: `cargo xtask surface` writes it; is the change meant?");
                passed = false;
            }
            Surface::Lines(_) => {}
            Surface::Unknown(reason) => println!("    !! NOT CHECKED: {reason}"),
        }
    }
    Ok(passed)
}

/// Has rustdoc write JSON, from what is compiled for the documentation anyway.
fn document(root: &Path) -> Outcome<bool> {
    let mut command = cargo(root, &["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    command.env(RUSTDOC, env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()));
    command.env("RUSTDOC", env::current_exe()?);
    command.env("RUSTDOCFLAGS", "-D warnings -Z unstable-options --output-format json");
    succeeds(&mut command)
}

fn read(root: &Path, name: &str) -> Outcome<Surface> {
    let path = target(root).join("doc").join(name.replace('-', "_") + ".json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let document = Json::read(&text)?;
    let format = document.get("format_version").text();
    if !format.parse().is_ok_and(|format| FORMATS.contains(&format)) {
        return Ok(Surface::Unknown(format!(
            "rustdoc writes JSON of form {format}, and {FORMATS:?} are known; the surface of {name} was not looked at"
        )));
    }
    Ok(Surface::Lines(listing::lines(&document)))
}

/// Prints the lines that are new and those that are gone, and answers how many they are.
fn changes(root: &Path, name: &str, lines: &[String]) -> usize {
    let kept = fs::read_to_string(root.join(name).join(FILE)).unwrap_or_default();
    let kept: BTreeSet<&str> = kept.lines().collect();
    let now: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let gone = kept.difference(&now).map(|line| format!("    - {line}"));
    let new = now.difference(&kept).map(|line| format!("    + {line}"));
    let all: Vec<String> = gone.chain(new).collect();
    all.iter().take(SHOWN).for_each(|line| println!("{line}"));
    if all.len() > SHOWN {
        println!("    … and {} lines more", all.len() - SHOWN);
    }
    all.len()
}

#[cfg(test)]
mod tests {
    use super::listing::lines;
    use crate::json::Json;

    /// What rustdoc writes of a crate `house`, cut down: `pub mod rooms { pub struct Room<T> { pub door: T, window: u8 } }`
    /// with a method, a trait, and the same room at the root.
    const HOUSE: &str = r#"{"root": 0, "format_version": 57,
        "paths": {"2": {"crate_id": 0, "path": ["house", "rooms", "Room"]}, "9": {"crate_id": 1, "path": ["core", "fmt", "Debug"]}},
        "index": {
        "0": {"name": "house", "visibility": "public", "inner": {"module": {"items": [1, 5, 12]}}},
        "1": {"name": "rooms", "visibility": "public", "inner": {"module": {"items": [2, 11]}}},
        "2": {"name": "Room", "visibility": "public", "attrs": ["non_exhaustive"], "inner": {"struct": {
            "kind": {"plain": {"fields": [3, 4]}}, "impls": [6, 8],
            "generics": {"params": [{"name": "T", "kind": {"type": {"bounds": [], "default": null}}}], "where_predicates": []}}}},
        "3": {"name": "door", "visibility": "public", "inner": {"struct_field": {"generic": "T"}}},
        "4": {"name": "window", "visibility": "default", "inner": {"struct_field": {"primitive": "u8"}}},
        "5": {"name": null, "visibility": "public", "inner": {"use": {"name": "Chamber", "source": "rooms::Room", "id": 2, "is_glob": false}}},
        "6": {"inner": {"impl": {"trait": null, "for": {"resolved_path": {"id": 2, "args": {"angle_bracketed": {"args": [{"type": {"generic": "T"}}], "constraints": []}}}}, "items": [7], "generics": {}}}},
        "7": {"name": "open", "visibility": "public", "inner": {"function": {"header": {"is_const": true}, "generics": {}, "sig": {
            "inputs": [["self", {"borrowed_ref": {"lifetime": null, "is_mutable": false, "type": {"generic": "Self"}}}], ["times", {"primitive": "u8"}]],
            "output": {"slice": {"primitive": "u8"}}}}}},
        "8": {"inner": {"impl": {"trait": {"id": 9, "path": "Debug", "args": null}, "for": {"resolved_path": {"id": 2, "args": null}}, "items": [], "generics": {}}}},
        "11": {"name": "secret", "visibility": "crate", "inner": {"function": {}}},
        "12": {"name": "secret", "visibility": "crate", "inner": {"module": {"items": []}}}
        }}"#;

    #[test]
    fn everything_public_is_listed_by_the_shortest_path_to_it() {
        let found = lines(&Json::read(HOUSE).unwrap());
        assert_eq!(
            found,
            [
                "#[non_exhaustive] pub struct house::Chamber<T>",
                "impl std::fmt::Debug for Room",
                "pub house::Chamber::door: T",
                "pub const fn house::Chamber<T>::open(&self, u8) -> [u8]",
                "pub mod house::rooms",
                "pub use house::rooms::Room = house::Chamber",
            ]
        );
    }
}
