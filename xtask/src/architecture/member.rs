//! The crates of a workspace.

use std::path::{Path, PathBuf};

use crate::command::{Outcome, cargo, output};

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// Asks cargo which there are.
pub(crate) fn members(root: &Path) -> Outcome<Vec<Member>> {
    let arguments = ["tree", "--workspace", "--depth", "0", "--prefix", "none", "--quiet"];
    Ok(output(&mut cargo(root, &arguments))?
        .lines()
        .filter_map(member)
        .collect())
}

/// Reads `event-core v0.1.0 (/home/me/event/event-core)`.
fn member(line: &str) -> Option<Member> {
    let (crate_and_version, folder) = line.split_once(" (")?;
    let (name, _version) = crate_and_version.split_once(' ')?;
    Some(Member {
        name: name.to_owned(),
        folder: PathBuf::from(folder.strip_suffix(')')?),
    })
}

#[cfg(test)]
mod tests {
    use super::{Member, member};
    use std::path::PathBuf;

    #[test]
    fn a_folder_may_have_any_name() {
        let folder = PathBuf::from("/home/me/my (own) code/event-core");
        let line = "event-core v0.1.0 (/home/me/my (own) code/event-core)";
        assert_eq!(
            member(line),
            Some(Member {
                name: "event-core".to_owned(),
                folder
            })
        );
        assert_eq!(member(""), None);
    }
}
