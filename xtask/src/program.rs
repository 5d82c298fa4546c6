//! Where a program lies.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// The directories of `PATH`.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// The first directory's program, where an earlier name is better than an earlier directory.
pub(crate) fn find(directories: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    let mut candidates = names
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    candidates.find(|program| program.is_file())
}

/// The first directory that holds them all: programs of one version.
pub(crate) fn together<'a>(directories: &'a [PathBuf], names: &[&str]) -> Option<&'a Path> {
    let holds_all = |directory: &&PathBuf| names.iter().all(|name| directory.join(name).is_file());
    directories.iter().find(holds_all).map(PathBuf::as_path)
}

/// `below` in every folder of `parent` that begins with `prefix`, the highest version first.
pub(crate) fn versions(parent: &str, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    newest_first(names.filter(|name| name.starts_with(prefix)).collect())
        .into_iter()
        .map(|name| Path::new(parent).join(name).join(below))
        .collect()
}

/// By the numbers in the names: 10 is newer than 9.6.
fn newest_first(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_cached_key(|name| {
        let numbers = name.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        Reverse(numbers)
    });
    names
}

#[cfg(test)]
mod tests {
    use super::{find, newest_first, together};
    use std::fs;
    use std::path::PathBuf;

    /// Two directories: the first holds `initdb` and `mysqld`, the second `initdb`, `postgres` and `mariadbd`.
    fn directories(name: &str) -> [PathBuf; 2] {
        let root = std::env::temp_dir().join(format!("xtask-program-{name}-{}", std::process::id()));
        let directories = [root.join("first"), root.join("second")];
        for (directory, programs) in directories
            .iter()
            .zip([&["initdb", "mysqld"][..], &["initdb", "postgres", "mariadbd"]])
        {
            fs::create_dir_all(directory).unwrap();
            for program in programs {
                fs::write(directory.join(program), "").unwrap();
            }
        }
        directories
    }

    #[test]
    fn a_better_name_wins_over_an_earlier_directory() {
        let directories = directories("find");
        let found = find(&directories, &["mariadbd", "mysqld"]);
        assert_eq!(found, Some(directories[1].join("mariadbd")));
        assert_eq!(find(&directories, &["initdb"]), Some(directories[0].join("initdb")));
        assert_eq!(find(&directories, &["mongod"]), None);
        fs::remove_dir_all(directories[0].parent().unwrap()).unwrap();
    }

    #[test]
    fn programs_of_one_version_lie_together() {
        let directories = directories("together");
        let found = together(&directories, &["initdb", "postgres"]);
        assert_eq!(found, Some(directories[1].as_path()));
        assert_eq!(together(&directories, &["initdb", "mongod"]), None);
        fs::remove_dir_all(directories[0].parent().unwrap()).unwrap();
    }

    #[test]
    fn versions_are_numbers() {
        let names = ["9.6", "15", "10"].map(str::to_owned).to_vec();
        assert_eq!(newest_first(names), ["15", "10", "9.6"]);
        let names = ["postgresql@9", "postgresql@17"].map(str::to_owned).to_vec();
        assert_eq!(newest_first(names), ["postgresql@17", "postgresql@9"]);
    }
}
