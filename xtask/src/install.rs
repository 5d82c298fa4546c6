//! Missing programs, from the system's packages.

use std::process::Command;

use crate::command::{Outcome, output};
use crate::program::{find, search_path};

/// What to install, by package manager; of several rows the first that can be had.
pub(crate) struct Packages {
    pub(crate) apt: &'static [&'static [&'static str]],
    pub(crate) dnf: &'static [&'static [&'static str]],
    pub(crate) apk: &'static [&'static [&'static str]],
}

/// Installs them, asking nothing, and says so.
///
/// # Errors
///
/// When we may not, when no package manager is known, or when it fails.
pub(crate) fn install(packages: &Packages) -> Outcome<()> {
    if !is_root() {
        return Err("only root can install it".into());
    }
    let path = search_path();
    let has = |manager| find(&path, &[manager]).is_some();
    let (manager, refresh, options, rows) = if has("apt-get") {
        let options: &[&str] = &["install", "--yes", "--no-install-recommends"];
        ("apt-get", Some("update"), options, packages.apt)
    } else if has("dnf") {
        let options: &[&str] = &["install", "--assumeyes", "--setopt=install_weak_deps=False"];
        ("dnf", None, options, packages.dnf)
    } else if has("apk") {
        let options: &[&str] = &["add", "--no-cache"];
        ("apk", None, options, packages.apk)
    } else {
        return Err("neither apt-get nor dnf nor apk is here to install it".into());
    };
    if let Some(refresh) = refresh {
        run(manager, &[refresh])?;
    }
    let mut outcome = Err("no package is known".into());
    for row in rows {
        outcome = run(manager, &[options, row].concat());
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn run(manager: &str, arguments: &[&str]) -> Outcome<()> {
    eprintln!("    {manager} {}", arguments.join(" "));
    let mut command = Command::new(manager);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    // Debian's packages start a server as soon as they are installed; not so in this runlevel.
    command.env("RUNLEVEL", "1");
    output(&mut command).map(drop)
}

/// Whether we may do everything; where `id` is missing, nobody is.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
