//! The rules of the house that a compiler does not know, each read from the table in `rules`.
//!
//! Three kinds: which crates a crate may depend on (`tree`), which module may use which (`order`), and what a
//! file may be called, hold and say (`room`).

mod rules;
mod offence;
mod token;
mod path;
mod source;
mod member;
mod order;
mod room;
mod tree;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::command::Outcome;
use member::Member;
use offence::Offence;

/// Checks the workspace at `root` and prints what is wrong with it.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let offences = offences(root)?;
    for offence in &offences {
        println!("{offence}");
    }
    match offences.len() {
        0 => println!("architecture: the house is in order"),
        count => println!("architecture: {count} to mend"),
    }
    Ok(offences.is_empty())
}

/// The names of the members that the table has a layer for, those that are there.
pub(crate) fn layered_members(root: &Path) -> Outcome<Vec<String>> {
    let members = member::members(root)?.into_iter().map(|member| member.name);
    Ok(members
        .filter(|name| rules::LAYERS.iter().any(|layer| layer.name == name))
        .collect())
}

fn offences(root: &Path) -> Outcome<Vec<Offence>> {
    let members = member::members(root)?;
    let mut offences = tree::offences(root, &members)?;
    for member in &members {
        let files = source::read(&member.folder)?;
        let place = place(root, member);
        offences.extend(order::offences(&place, &files));
        offences.extend(room::offences(&place, member, &files));
    }
    Ok(offences)
}

/// The member's folder as seen from the root, for messages.
fn place(root: &Path, member: &Member) -> String {
    let folder = member.folder.strip_prefix(root).unwrap_or(&member.folder);
    folder.to_string_lossy().replace('\\', "/")
}
