//! What one kind of server needs, and no other.

use super::place::Place;
use crate::command::Outcome;

/// A kind of server whose programs have been found.
pub(super) trait Engine {
    /// For people.
    fn name(&self) -> &'static str;

    /// What its URLs begin with.
    fn scheme(&self) -> &'static str;

    /// Who may run it where we are root, the best first: neither server runs as root.
    fn accounts(&self) -> &'static [&'static str];

    /// Fills the directory, so that the server can start and finds the user and the database in it.
    fn prepare(&self, place: &Place) -> Outcome<()>;

    /// What `control.sh` asks for: `signal`, `pidfile`, `launch` and `ready`.
    fn script(&self, place: &Place) -> String;
}
