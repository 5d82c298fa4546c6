//! What is preloaded: a disk that fails and a clock that jumps.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The faults as a library to preload, made once by the C compiler that SQLite needs, too.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (library, own) = (
            folder.join("faults.so"),
            folder.join(format!("faults-{}.so", std::process::id())),
        );
        // Tests of other crates preload it, too.
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let source = |name| crates.join("event-store/tests/prove").join(name);
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let made = Command::new(&compiler)
            .args([
                "-std=gnu11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-O1",
                "-fPIC",
                "-shared",
                "-o",
            ])
            .args([&own, &source("faults.c"), &source("clock.c")])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "{compiler} does not compile {}",
            source("*.c").display()
        );
        // Another run may be at the same.
        std::fs::rename(&own, &library).unwrap();
        library
    })
}
