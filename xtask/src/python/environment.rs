//! A virtual environment with the tests' requirements and the package, built and installed as users do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::interpreter::{Interpreter, PROGRAMS};
use crate::command::{Outcome, quietly, target};

/// How long one test may take, seconds: one that hangs is named, and not waited for.
const TEST_TIMEOUT: &str = "--timeout=240";

/// An environment that is there, below the folder for what is built.
pub(crate) struct Environment {
    root: PathBuf,
    /// `target/python`: the environment, what cargo builds for it, and where the tests run.
    folder: PathBuf,
}

impl Environment {
    /// The environment of an earlier run, or a new one where the requirements or Python are others.
    ///
    /// # Errors
    ///
    /// Without a Python, or if the requirements cannot be had: with the reason, and what to do.
    pub(crate) fn prepare(root: &Path) -> Outcome<Self> {
        let interpreter = Interpreter::find()?;
        let environment = Self {
            root: root.to_owned(),
            folder: target(root).join("python"),
        };
        let requirements = root.join("event-py").join("requirements-test.txt");
        let wanted = stamp(&interpreter, &fs::read_to_string(&requirements)?);
        let stamped = environment.folder.join("stamp");
        if fs::read_to_string(&stamped).is_ok_and(|found| found == wanted) && environment.program("python").exists() {
            return Ok(environment);
        }
        let place = environment.folder.join("environment");
        println!("    A new environment in {}", place.display());
        fs::create_dir_all(&environment.folder)?;
        let mut make = Command::new(&interpreter.program);
        quietly(make.args(["-m", "venv", "--clear"]).arg(&place))?;
        quietly(environment.pip().arg("--requirement").arg(&requirements))?;
        // Last, so that what was cut short is begun anew.
        fs::write(&stamped, wanted)?;
        Ok(environment)
    }

    /// Builds the wheel and installs it; what is not in the wheel is not there for the tests.
    ///
    /// # Errors
    ///
    /// If it cannot be built: with all that pip and cargo say.
    pub(crate) fn install(&self) -> Outcome<()> {
        let mut pip = self.pip();
        pip.args(["--no-build-isolation", "--no-cache-dir", "--force-reinstall"])
            .arg(self.root.join("event-py"));
        // Not optimised, which takes minutes. And apart from what cargo builds by itself: maturin names a Python to build
        // for, and each of the two would build again what the other has built.
        pip.env("MATURIN_PEP517_ARGS", "--profile dev");
        pip.env("CARGO_TARGET_DIR", self.folder.join("build"));
        quietly(&mut pip)
    }

    /// Runs the tests, from a folder where only what is installed can be imported.
    ///
    /// # Errors
    ///
    /// If that folder cannot be made.
    pub(crate) fn pytest(&self) -> Outcome<Command> {
        let place = self.folder.join("run");
        fs::create_dir_all(&place)?;
        let package = self.root.join("event-py");
        let mut command = self.python();
        command
            .args([
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                TEST_TIMEOUT,
                "--rootdir",
            ])
            .arg(&package)
            .arg("-c")
            .arg(package.join("pyproject.toml"))
            .arg(package.join("tests"))
            .current_dir(place);
        if env::var_os("EVENT_SERVER").is_none() {
            let name = format!("event-server{}", env::consts::EXE_SUFFIX);
            command.env("EVENT_SERVER", target(&self.root).join("debug").join(name));
        }
        Ok(command)
    }

    fn pip(&self) -> Command {
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    }

    /// Its Python, for which the programs of the environment come first.
    fn python(&self) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let programs = self.folder.join("environment").join(PROGRAMS);
        let with_programs = env::join_paths([programs].into_iter().chain(env::split_paths(&path)));
        let mut python = Command::new(self.program("python"));
        python
            .current_dir(&self.root)
            .env("PATH", with_programs.unwrap_or(path))
            // What the developer's shell says of other environments is not meant for this one.
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME")
            .env_remove("VIRTUAL_ENV");
        python
    }

    fn program(&self, name: &str) -> PathBuf {
        let name = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.folder.join("environment").join(PROGRAMS).join(name)
    }
}

/// What an environment is made of: another of these, and it is made anew.
fn stamp(interpreter: &Interpreter, requirements: &str) -> String {
    let (major, minor, patch) = interpreter.version;
    format!(
        "{} {major}.{minor}.{patch}\n{requirements}",
        interpreter.program.display()
    )
}

#[cfg(test)]
mod tests {
    use super::stamp;
    use crate::python::interpreter::Interpreter;
    use std::path::PathBuf;

    #[test]
    fn another_python_or_another_requirement_is_another_environment() {
        let python = |minor| Interpreter {
            program: PathBuf::from("/usr/bin/python3"),
            version: (3, minor, 0),
        };
        let first = stamp(&python(11), "pytest==9.2.0\n");
        assert_eq!(first, stamp(&python(11), "pytest==9.2.0\n"));
        assert_ne!(first, stamp(&python(12), "pytest==9.2.0\n"));
        assert_ne!(first, stamp(&python(11), "pytest==9.2.1\n"));
    }
}
