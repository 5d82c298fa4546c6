//! `cargo xtask lint`: everything that can be said about the code without running it.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::architecture;
use crate::command::{Outcome, announce, cargo, succeeds};
use crate::container;
use crate::licence;
use crate::package;
use crate::surface;

/// The features of a crate by itself have SQLite compiled anew, and nobody runs what is only checked.
const SQLITE_BUILT_QUICKLY: &str = "profile.dev.package.libsqlite3-sys.opt-level=0";

/// Runs every check, also after one has failed, and names those that did.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let mut failed = Vec::new();
    let mut note = |check: &'static str, passed: bool| {
        if !passed {
            failed.push(check);
        }
    };

    let arguments = ["fmt", "--all", "--check"];
    announce("Formatting", &format!("cargo {}", arguments.join(" ")));
    note("formatting", succeeds(&mut cargo(root, &arguments))?);

    announce("Architecture", "cargo xtask architecture");
    note("architecture", architecture::run(root)?);

    announce("Licences", "cargo tree --format '{p}|{l}', held to deny.toml");
    note("licences", licence::run(root)?);

    announce("Packages", "cargo package --no-verify");
    note("packages", package::run(root)?);

    announce("Container", "deploy/Containerfile, held to Cargo.toml");
    note("container", container::run(root)?);

    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    announce("Clippy", &format!("cargo {}", arguments.join(" ")));
    note("clippy", succeeds(&mut cargo(root, &arguments))?);

    // The tests build event-py by itself, as a wheel.
    let members = architecture::layered_members(root)?;
    for member in members.iter().filter(|member| *member != "event-py") {
        // In the workspace a crate gets the features its neighbours ask for; its users get only its own.
        let arguments = ["check", "-p", member, "--config", SQLITE_BUILT_QUICKLY];
        announce("A crate by itself", &format!("cargo {}", arguments.join(" ")));
        note("a crate by itself", succeeds(&mut cargo(root, &arguments))?);
    }

    for features in ["", "spool", "validation,metrics", "layer", "test"] {
        // What is optional must stay so: each by itself, without the defaults.
        let arguments = [
            "check",
            "-p",
            "event-client",
            "--no-default-features",
            "--features",
            features,
        ];
        announce("Features by themselves", &format!("cargo {}", arguments.join(" ")));
        note("features by themselves", succeeds(&mut cargo(root, &arguments))?);
    }

    let arguments = ["doc", "--workspace", "--no-deps", "--all-features"];
    announce(
        "Documentation",
        &format!("RUSTDOCFLAGS='-D warnings' cargo {}", arguments.join(" ")),
    );
    note(
        "documentation",
        succeeds(cargo(root, &arguments).env("RUSTDOCFLAGS", "-D warnings"))?,
    );

    announce(
        "Surface",
        "cargo xtask surface, held to the kept surface.txt of each crate",
    );
    note("surface", surface::check(root)?);

    note("dependencies", dependencies(root)?);

    if failed.is_empty() {
        println!("\n==> Lint: clean");
    } else {
        println!("\n==> Lint: FAILED: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

/// Licences, bans, sources and advisories, by cargo-deny where it is installed.
fn dependencies(root: &Path) -> Outcome<bool> {
    announce("Dependencies", "cargo deny check");
    let installed = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    match installed {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("    !! NOT CHECKED: cargo-deny is not installed (`cargo install --locked cargo-deny`).");
            println!("    !! Banned crates, sources and security advisories were not looked at.");
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let manifest = succeeds(&mut cargo(root, &["deny", "check", "licenses", "bans", "sources"]))?;
    Ok(manifest & advisories(root)?)
}

/// Advisories lie in a repository elsewhere: not to reach it is no fault of the code, but must not look like a pass.
fn advisories(root: &Path) -> Outcome<bool> {
    let output = cargo(root, &["deny", "check", "advisories"]).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    print!("{}{text}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() && text.contains("failed to fetch advisory database") {
        println!("    !! NOT CHECKED: the advisory database could not be fetched.");
        return Ok(true);
    }
    Ok(output.status.success())
}
