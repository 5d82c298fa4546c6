//! New files that nobody but their owner reads: what is in them may be personal.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes an empty file, where there is none, that only its owner may read and write. Elsewhere than on Unix it is as any
/// other is.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // As it is: somebody may have opened it to others on purpose.
        _ => Ok(()),
    }
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
        make(&new).unwrap();
        make(&old).unwrap();
        assert_eq!((mode(&new), mode(&old)), (0o600, 0o640));
        assert_eq!(std::fs::read(&old).unwrap(), b"text");
        assert!(make(&folder.path().join("nowhere").join("new")).is_err());
    }
}
