//! A place in `$all`: written as KurrentDB's own clients do, `C:120/P:120`.

use std::fmt;
use std::str::FromStr;

use super::protocol::Position;

/// Behind an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) Position);

impl Place {
    pub(super) fn new(commit: u64, prepare: u64) -> Self {
        Place(Position { commit, prepare })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C:{}/P:{}", self.0.commit, self.0.prepare)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts = text.strip_prefix("C:").and_then(|rest| rest.split_once("/P:"));
        let (commit, prepare) = parts.ok_or(())?;
        Ok(Place::new(
            commit.parse().map_err(|_| ())?,
            prepare.parse().map_err(|_| ())?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = Place::new(u64::MAX, 7);
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "7", "C:1", "C:1/P:", "C:-1/P:2"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }
}
