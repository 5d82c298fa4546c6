//! The members of an object: which there may be, and which there must.

use super::Outline;

/// More properties than have a bit make no outline.
pub(super) const MOST: usize = 64;
/// How many groups properties are put into.
const GROUPS: usize = 64;

/// The rules for the members of an object.
pub(super) struct Members {
    /// By group.
    named: Vec<(Box<str>, Option<Outline>)>,
    /// Where each group begins, and the last ends.
    groups: [u8; GROUPS + 1],
    /// A bit for each that there must be.
    required: u64,
    others: Others,
    /// How many members there may be.
    count: (usize, usize),
    /// Which of the objects of its schema it is.
    number: usize,
}

/// The rules for members that are not named.
pub(super) enum Others {
    Allowed,
    Refused,
    Judged(Box<Outline>),
}

/// What tells most keys from one another without a look at all their letters.
fn group(key: &[u8]) -> usize {
    let (first, last) = (key.first().copied().unwrap_or(0), key.last().copied().unwrap_or(0));
    let mixed = usize::from(first) * 7 + usize::from(last) * 3 + key.len() * 11;
    mixed % GROUPS
}

impl Members {
    /// `None` if there are too many. Of each named member it is told whether there must be one.
    pub(super) fn of(
        mut named: Vec<(Box<str>, Option<Outline>, bool)>,
        others: Others,
        count: (usize, usize),
    ) -> Option<Self> {
        if named.len() > MOST {
            return None;
        }
        named.sort_by_key(|(key, _, _)| group(key.as_bytes()));
        let mut groups = [0; GROUPS + 1];
        let mut required = 0;
        for (at, (key, _, must)) in named.iter().enumerate() {
            required |= u64::from(*must) << at;
            for end in &mut groups[group(key.as_bytes()) + 1..] {
                *end += 1;
            }
        }
        Some(Members {
            named: named.into_iter().map(|(key, outline, _)| (key, outline)).collect(),
            groups,
            required,
            others,
            count,
            number: 0,
        })
    }

    /// Gives numbers to this object and to those below.
    pub(super) fn number(&mut self, next: &mut usize) {
        self.number = *next;
        *next += 1;
        for outline in self.named.iter_mut().filter_map(|(_, outline)| outline.as_mut()) {
            outline.number_objects(next);
        }
        if let Others::Judged(outline) = &mut self.others {
            outline.number_objects(next);
        }
    }

    /// Adds the names of this object and of those below, in the order of their numbers.
    pub(super) fn names<'a>(&'a self, names: &mut Vec<Vec<&'a str>>) {
        names.push(self.named.iter().map(|(name, _)| &**name).collect());
        for outline in self.named.iter().filter_map(|(_, outline)| outline.as_ref()) {
            outline.names_below(names);
        }
        if let Others::Judged(outline) = &self.others {
            outline.names_below(names);
        }
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<usize> {
        let group = group(key);
        let (start, end) = (usize::from(self.groups[group]), usize::from(self.groups[group + 1]));
        let named = self.named.get(start..end)?;
        named
            .iter()
            .position(|(name, _)| name.as_bytes() == key)
            .map(|at| start + at)
    }
}

/// The members of one object, as they come.
pub struct Fields<'a> {
    members: Option<&'a Members>,
    seen: u64,
}

/// Whether a key has been seen before.
pub(crate) enum Known {
    No,
    Once,
    Twice,
}

impl<'a> Fields<'a> {
    pub(super) fn of(members: Option<&'a Members>) -> Self {
        Fields { members, seen: 0 }
    }

    pub(in crate::schema) fn may_be(&self, count: usize) -> bool {
        self.members
            .is_none_or(|members| (members.count.0..=members.count.1).contains(&count))
    }

    /// The rules for the next member; nothing if it may not be there. Keys that come twice are for the caller to
    /// find out.
    #[inline]
    pub fn member(&mut self, key: &str) -> Option<Option<&'a Outline>> {
        self.next(key.as_bytes()).map(|(_, outline)| outline)
    }

    /// Which of [`Outline::names`] are those of this object; nothing if it knows none.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.members.map(|members| members.number)
    }

    /// The rules for the next member, which has the name at this place.
    #[inline]
    pub fn named(&mut self, place: usize) -> Option<&'a Outline> {
        let (_, outline) = self.members?.named.get(place)?;
        self.seen |= 1 << place;
        outline.as_ref()
    }

    /// The same, and whether the key is known to this object.
    #[inline]
    pub(in crate::schema) fn next(&mut self, key: &[u8]) -> Option<(Known, Option<&'a Outline>)> {
        let Some(members) = self.members else {
            return Some((Known::No, None));
        };
        if let Some(at) = members.find(key) {
            let known = if self.seen & 1 << at == 0 {
                Known::Once
            } else {
                Known::Twice
            };
            self.seen |= 1 << at;
            return Some((known, members.named[at].1.as_ref()));
        }
        match &members.others {
            Others::Allowed => Some((Known::No, None)),
            Others::Judged(outline) => Some((Known::No, Some(outline.as_ref()))),
            Others::Refused => None,
        }
    }

    /// Whether all are there that must be.
    #[must_use]
    pub fn are_complete(&self) -> bool {
        self.members.is_none_or(|members| members.required & !self.seen == 0)
    }
}
