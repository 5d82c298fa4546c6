//! DuckDB and Polars, and who measures: an interpreter with packages of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment with the peers.
pub(crate) struct Python {
    target: PathBuf,
    interpreter: PathBuf,
    scripts: PathBuf,
}

impl Python {
    /// Makes the environment under `target`, if it is not there.
    pub(crate) fn prepare() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("../target"), PathBuf::from);
        let environment = target.join("bench-files-python");
        let python = Python {
            interpreter: environment.join("bin/python"),
            scripts: here.join("benches/files/python"),
            target,
        };
        if !python.interpreter.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        }
        run(Command::new(&python.interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(python.scripts.join("requirements.txt")));
        python
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.target
    }

    /// The words that run a script.
    pub(crate) fn script(&self, name: &str) -> Vec<String> {
        [&self.interpreter, &self.scripts.join(name)]
            .map(|path| path.to_string_lossy().into_owned())
            .to_vec()
    }

    pub(crate) fn versions(&self) -> String {
        let python = run(Command::new(&self.interpreter).arg("--version"));
        let requirements = std::fs::read_to_string(self.scripts.join("requirements.txt")).unwrap();
        let packages: Vec<&str> = requirements.lines().filter(|line| !line.starts_with('#')).collect();
        format!("{} with {}", python.trim(), packages.join(", "))
    }
}

/// What a program prints; what it says of errors is shown only where it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
