//! What would be published: every crate can be packed, says what it is, and brings its licences and nothing of the tests.

use std::path::Path;

use crate::command::{Outcome, cargo};

/// The crates that go to a registry; event-py goes as a wheel.
const CRATES: [&str; 4] = ["event-core", "event-store", "event-client", "event-server"];

/// What a package must hold beside its sources.
const WANTED: [&str; 4] = ["Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What packing warns of, and is meant: the tests are not in the package.
const MEANT: [&str; 2] = ["warning: ignoring test `", "warning: ignoring benchmark `"];

/// Packs them without building what was packed, and looks at what is in it.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let of = CRATES.map(|name| ["--package", name]).concat();
    // What is not committed is looked at as well: this runs before that.
    let pack = [
        &["package", "--no-verify", "--allow-dirty", "--color", "never"],
        &of[..],
    ]
    .concat();
    let output = cargo(root, &pack).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut passed = output.status.success();
    for line in said.lines() {
        let complaint = line.starts_with("warning") && !MEANT.iter().any(|meant| line.starts_with(meant));
        if complaint || !output.status.success() {
            println!("    {line}");
        }
        passed &= !complaint;
    }
    for name in CRATES {
        let list = ["package", "--list", "--allow-dirty", "--quiet", "--package", name];
        let files = crate::command::output(&mut cargo(root, &list))?;
        for offence in offences(&files) {
            println!("    {name}: {offence}");
            passed = false;
        }
    }
    Ok(passed)
}

/// What is missing, and what is too much, in the list of a package's files.
fn offences(files: &str) -> Vec<String> {
    let files: Vec<String> = files.lines().map(|file| file.replace('\\', "/")).collect();
    let missing = WANTED.iter().filter(|wanted| !files.iter().any(|file| file == *wanted));
    let missing = missing.map(|wanted| format!("{wanted} is not in the package"));
    let known = |file: &&String| {
        file.starts_with("src/")
            || file.starts_with("Cargo.")
            || file.starts_with('.')
            || WANTED.contains(&file.as_str())
    };
    let extra = files.iter().filter(|file| !known(file));
    let extra = extra.map(|file| format!("{file} is in the package, and no user has a use for it"));
    missing.chain(extra).collect()
}

#[cfg(test)]
mod tests {
    use super::offences;

    #[test]
    fn a_package_holds_its_sources_and_its_licences() {
        let whole = ".cargo_vcs_info.json\nCargo.lock\nCargo.toml\nCargo.toml.orig\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";
        assert!(offences(whole).is_empty());
        assert_eq!(
            offences(&whole.replace("README.md", "tests/data.csv")),
            [
                "README.md is not in the package",
                "tests/data.csv is in the package, and no user has a use for it"
            ]
        );
    }
}
