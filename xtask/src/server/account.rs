//! Who runs a server: we ourselves, or somebody else where we are root, whom neither server obeys.

use std::process::{Command, Stdio};

use super::shell;
use crate::command::{Outcome, output};
use crate::install::is_root;

/// An account, and the way to it that works on this system.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Account {
    Ourselves,
    Other {
        name: String,
        uid: String,
        gid: String,
        way: Way,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Setpriv,
    Runuser,
    Su,
}

impl Account {
    /// The first of the accounts that exists, where we are root.
    ///
    /// # Errors
    ///
    /// When none exists, or when no program lets us become it.
    pub(super) fn choose(names: &[&str]) -> Outcome<Self> {
        if !is_root() {
            return Ok(Self::Ourselves);
        }
        let known = names.iter().find_map(|name| {
            let id = |what| output(Command::new("id").args([what, *name])).ok();
            Some((name, id("-u")?, id("-g")?))
        });
        let Some((name, uid, gid)) = known else {
            return Err(format!("root may not run it, and there is no user {}", names.join(" or ")).into());
        };
        for way in [Way::Setpriv, Way::Runuser, Way::Su] {
            let account = Self::Other {
                name: (*name).to_owned(),
                uid: uid.trim().to_owned(),
                gid: gid.trim().to_owned(),
                way,
            };
            let mut probe = account.command(&["true".to_owned()]);
            let probe = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if probe.status().is_ok_and(|status| status.success()) {
                return Ok(account);
            }
        }
        Err(format!("root may not run it, and none of setpriv, runuser and su runs it as {name}").into())
    }

    /// The command line that runs another as this account.
    pub(super) fn words(&self, words: &[String]) -> Vec<String> {
        let Self::Other { name, uid, gid, way } = self else {
            return words.to_vec();
        };
        let before = match way {
            Way::Setpriv => [
                "setpriv",
                &format!("--reuid={uid}"),
                &format!("--regid={gid}"),
                "--clear-groups",
            ]
            .map(str::to_owned)
            .to_vec(),
            Way::Runuser => ["runuser", "-u", name, "--"].map(str::to_owned).to_vec(),
            // The shells of such accounts let nobody in, and not every su passes arguments on.
            Way::Su => {
                let line = format!("exec {}", shell::line(words));
                return ["su", "-s", "/bin/sh", "-c", &line, name].map(str::to_owned).to_vec();
            }
        };
        [before, words.to_vec()].concat()
    }

    /// The same, to be run; from `/`, as this account may not enter where we stand.
    pub(super) fn command(&self, words: &[String]) -> Command {
        let words = self.words(words);
        let mut command = Command::new(words.first().map_or("true", String::as_str));
        command.args(words.iter().skip(1)).current_dir("/");
        command
    }

    /// The owner to give its files, if that is not us.
    pub(super) fn owner(&self) -> Option<String> {
        match self {
            Self::Ourselves => None,
            Self::Other { uid, gid, .. } => Some(format!("{uid}:{gid}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Way};

    fn line(way: Way) -> String {
        let account = Account::Other {
            name: "mysql".to_owned(),
            uid: "102".to_owned(),
            gid: "105".to_owned(),
            way,
        };
        account
            .words(&["mariadbd".to_owned(), "--datadir=/a b".to_owned()])
            .join("|")
    }

    #[test]
    fn every_way_ends_in_the_same_program() {
        assert_eq!(
            line(Way::Setpriv),
            "setpriv|--reuid=102|--regid=105|--clear-groups|mariadbd|--datadir=/a b"
        );
        assert_eq!(line(Way::Runuser), "runuser|-u|mysql|--|mariadbd|--datadir=/a b");
        assert_eq!(line(Way::Su), "su|-s|/bin/sh|-c|exec mariadbd '--datadir=/a b'|mysql");
    }

    #[test]
    fn we_ourselves_need_none() {
        assert_eq!(Account::Ourselves.words(&["true".to_owned()]), ["true"]);
        assert_eq!(Account::Ourselves.owner(), None);
    }
}
