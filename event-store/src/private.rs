//! New files that nobody but their owner reads: what is in them may be personal.

use std::fs::{File, read_link};
use std::io;
use std::path::{Path, PathBuf};

/// So many links are followed: more are a circle, which whoever opens the file finds out.
const MOST_LINKS: usize = 40;

/// Makes an empty file, where there is none, that only its owner may read and write; false where something is, which stays as
/// it is: somebody may have opened it to others on purpose. Elsewhere than on Unix it is as any other is.
///
/// What is there is not opened either: to close a file gives up the locks that this process has on it, those of SQLite's
/// other connections, too.
pub(crate) fn make(path: &Path) -> io::Result<bool> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a link leads, and the path itself where it is none: a file is made there by whoever opens a link to nowhere.
pub(crate) fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn only_its_owner_reads_a_new_file_and_one_that_is_there_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        std::fs::write(&old, "text").unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(make(&new).unwrap());
        assert!(!make(&old).unwrap());
        assert_eq!((mode(&new), mode(&old)), (0o600, 0o640));
        assert_eq!(std::fs::read(&old).unwrap(), b"text");
        assert!(make(&folder.path().join("nowhere").join("new")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_to_what_is_not_there_yet() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("other")).unwrap();
        symlink("other/second", path("first")).unwrap();
        symlink(path("third"), path("other/second")).unwrap();
        symlink("circle", path("circle")).unwrap();
        assert_eq!(end_of_links(&path("first")), path("third"));
        assert_eq!(end_of_links(&path("third")), path("third"));
        assert!(!make(&end_of_links(&path("circle"))).unwrap());
    }
}
