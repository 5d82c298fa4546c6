//! Peers in Python: an interpreter with packages of its own, in a folder under `target`.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a bench that cannot measure ends, and says why"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment with what a file of requirements names.
pub struct Environment {
    folder: PathBuf,
    requirements: PathBuf,
}

/// What pip is told.
const INSTALL: [&str; 5] = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

impl Environment {
    /// Makes it, unless it is there.
    #[must_use]
    pub fn prepare(name: &str, requirements: &Path) -> Self {
        let environment = Environment {
            folder: target().join(name),
            requirements: requirements.to_owned(),
        };
        if !environment.program("python").exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment.folder));
        }
        run(environment.python().args(INSTALL).arg("-r").arg(requirements));
        environment
    }

    /// Builds event-py as users do, a release, by the maturin that the requirements name, and installs it.
    pub fn install_ours(&self) {
        let mut path = vec![self.folder.join("bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let path = std::env::join_paths(path).unwrap_or_else(|error| panic!("PATH: {error}"));
        run(self
            .python()
            .env("PATH", path)
            .args(INSTALL)
            .args(["--no-build-isolation", "--force-reinstall", "--no-deps"])
            .arg(folder().join("../event-py")));
    }

    /// A program of it.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Its interpreter, to be told what to run.
    #[must_use]
    pub fn python(&self) -> Command {
        Command::new(self.program("python"))
    }

    /// Which Python it is, and which packages it has.
    #[must_use]
    pub fn versions(&self) -> String {
        let python = run(self.python().arg("--version"));
        let requirements = std::fs::read_to_string(&self.requirements).unwrap_or_default();
        let packages: Vec<&str> = requirements.lines().filter(|line| !line.starts_with('#')).collect();
        format!("{} with {}", python.trim(), packages.join(", "))
    }
}

/// The folder of the benches.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts what it builds, and the benches put what they keep.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder().join("../target"), PathBuf::from)
}

/// What a program prints; what it says of errors is shown only where it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
