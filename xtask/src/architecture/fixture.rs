//! A small workspace on disk, for rules to be broken in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// Gone when dropped.
pub(crate) struct Fixture {
    root: PathBuf,
}

impl Fixture {
    /// A workspace of these files; a `lib.rs` or `main.rs` gets an empty manifest beside its `src` unless one is given.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("event-xtask-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let fixture = Self {
            root: env::temp_dir().join(unique),
        };
        fixture.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n");
        for (file, text) in files {
            fixture.write(file, text);
            let (folder, inside) = file.split_once('/').expect("a file in a crate");
            let manifest = format!("{folder}/Cargo.toml");
            if inside.starts_with("src/") && !fixture.root.join(&manifest).exists() {
                fixture.write(
                    &manifest,
                    &format!("[package]\nname = \"{folder}\"\nedition = \"2024\"\n"),
                );
            }
        }
        fixture
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the fixture");
        fs::write(path, text).expect("a file of the fixture");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Best effort: what stays behind is a few small files in the system's own temporary folder.
        let _ = fs::remove_dir_all(&self.root);
    }
}
