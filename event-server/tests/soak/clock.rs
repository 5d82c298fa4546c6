//! A clock of a collector's own, which jumps on by years, and back; nowhere but on Linux, where it is preloaded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How many times it has (see `clock.c`).
const TIMES: u64 = 8;

/// What a clock looks at: with every fifth number it is another time.
pub(crate) struct Clock {
    counter: PathBuf,
    environment: Vec<(String, OsString)>,
}

impl Clock {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let counter = folder.join(name);
        std::fs::write(&counter, [0; 8]).unwrap();
        let variables: [(&str, OsString); 5] = [
            #[cfg(target_os = "linux")]
            ("LD_PRELOAD", crate::library::library().into()),
            #[cfg(not(target_os = "linux"))]
            ("PROVE_AT", "0".into()),
            ("PROVE_CLOCK", "1".into()),
            ("PROVE_COUNTER", counter.clone().into()),
            ("PROVE_FAULT", "none".into()),
            // Its disk has no faults: there is nothing under this folder.
            ("PROVE_UNDER", folder.join("nothing").into()),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value)).into();
        Clock { counter, environment }
    }

    /// What a program needs to go by it.
    pub(crate) fn environment(&self) -> &[(String, OsString)] {
        &self.environment
    }

    /// It jumps to one of its times.
    pub(crate) fn jump(&self) {
        let number = fastrand::u64(..TIMES);
        // In its place: the program has it in its memory.
        let mut file = std::fs::File::options().write(true).open(&self.counter).unwrap();
        std::io::Write::write_all(&mut file, &(number * 5).to_ne_bytes()).unwrap();
    }
}
