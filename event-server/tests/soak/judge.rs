//! The judge: is the database what the clients were told? It knows no fault. That of `event-store/prove` judges batches
//! that it has planned itself; a client makes its batches as it likes, so that this one judges events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use event_core::Code;
use event_core::verdict::Status;
use event_store::quarantine::State;

use crate::plan::{ASKING, CLIENTS, Fate, IN_MEMORY, Planned, planned, source};
use crate::world::{Row, World};

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// No event is there twice.
    Once,
    /// No place lies where none was given out.
    Place,
    /// What was taken in is there, as it was offered, and where its client was told that it is.
    Kept,
    /// What was taken in and breaks a rule is in the quarantine, or was refused; its client was told nothing else.
    Refused,
    /// Nothing is there that nobody has offered.
    Offered,
    /// No refused event that waits is a row.
    Disjoint,
    /// Events of a client are in its order.
    Order,
    /// Cells are what a recount says.
    Cells,
    /// The counts of a client add up, and nothing waits.
    Counts,
    /// The collector was told of every loss once.
    Losses,
}

/// Something that does not hold.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) Check, pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}

type Id = (String, String);

/// Everything by what it is found under.
struct Index<'a> {
    world: &'a World,
    rows: BTreeMap<Id, Vec<&'a Row>>,
    /// Refused contents, and whether they were refused for their id alone.
    refused: BTreeMap<&'a str, BTreeSet<bool>>,
    violations: Vec<Violation>,
}

/// All that does not hold.
pub(crate) fn judge(world: &World) -> Vec<Violation> {
    let mut index = Index {
        world,
        rows: BTreeMap::new(),
        refused: BTreeMap::new(),
        violations: Vec::new(),
    };
    for row in &world.rows {
        let id = (row.source.clone(), row.id.clone());
        index.rows.entry(id).or_default().push(row);
    }
    for refused in &world.refused {
        let is_conflict = refused.entry.code == Code::IdConflict;
        index.refused.entry(&refused.key).or_default().insert(is_conflict);
    }
    index.once();
    index.offered();
    index.disjoint();
    for client in 0..CLIENTS {
        index.kept(client);
        index.verdicts(client);
        index.order(client);
        index.counts(client);
    }
    index.losses();
    let mut violations = index.violations;
    let cells = world.wrong_cells.iter();
    violations.extend(cells.map(|wrong| Violation(Check::Cells, wrong.clone())));
    violations
}

impl Index<'_> {
    fn fault(&mut self, check: Check, what: String) {
        self.violations.push(Violation(check, what));
    }

    /// The only row of an id, or any of them.
    fn row(&self, client: usize, planned: &Planned) -> Option<&Row> {
        let id = (source(client), planned.id.clone());
        Some(self.rows.get(&id)?[0])
    }

    fn is_refused(&self, planned: &Planned, for_its_id: bool) -> bool {
        let entries = self.refused.get(planned.key.as_str());
        entries.is_some_and(|entries| entries.contains(&for_its_id))
    }

    fn once(&mut self) {
        let twice = self.rows.iter().filter(|(_, rows)| rows.len() > 1);
        let twice: Vec<String> = twice.map(|(id, rows)| format!("{id:?} is there as {rows:?}")).collect();
        twice.into_iter().for_each(|what| self.fault(Check::Once, what));
        // They were read in their order, by their key: what can be wrong is where they begin and end.
        let mut places = self.world.rows.iter().map(|row| row.position);
        let (first, last) = (places.clone().next().unwrap_or(1), places.next_back().unwrap_or(0));
        if first < 1 || last > self.world.head {
            let what = format!("places from {first} to {last} of {}", self.world.head);
            self.fault(Check::Place, what);
        }
    }

    fn offered(&mut self) {
        let mut possible: BTreeMap<(String, String), Planned> = BTreeMap::new();
        for (client, told) in self.world.told.iter().enumerate() {
            for number in told.offered.iter().filter(|number| told.is_possible(**number)) {
                let planned = planned(client, *number);
                possible.insert((source(client), planned.key.clone()), planned);
            }
        }
        let world = self.world;
        for row in &world.rows {
            let found = possible.get(&(row.source.clone(), row.key().to_owned()));
            let is_sound = |planned: &Planned| {
                matches!(planned.fate, Fate::Row | Fate::Conflict) && planned.id == row.id && planned.data == row.data
            };
            if !found.is_some_and(is_sound) {
                self.fault(
                    Check::Offered,
                    format!("{row:?} is not what anybody offered: {found:?}"),
                );
            }
        }
        for refused in &world.refused {
            let key = (refused.entry.source.as_str().to_owned(), refused.key.clone());
            let is_possible = |planned: &Planned| matches!(planned.fate, Fate::Quarantined | Fate::Conflict);
            if !possible.get(&key).is_some_and(is_possible) {
                self.fault(Check::Offered, format!("{:?} was refused", refused.entry));
            }
        }
    }

    fn disjoint(&mut self) {
        let world = self.world;
        for refused in &world.refused {
            let entry = &refused.entry;
            let is_open = entry.state == State::Open && entry.code != Code::IdConflict;
            let id = entry.id.as_ref().map(ToString::to_string).unwrap_or_default();
            if is_open && self.rows.contains_key(&(entry.source.as_str().to_owned(), id.clone())) {
                self.fault(Check::Disjoint, format!("{id} is stored, and waits in the quarantine"));
            }
        }
    }

    /// That what a client took in is where it belongs.
    fn kept(&mut self, client: usize) {
        let told = &self.world.told[client];
        for number in &told.taken {
            let planned = planned(client, *number);
            let row = self.row(client, &planned);
            let is_row = row.is_some_and(|row| row.key() == planned.key);
            let found = row.map(|row| row.data.to_string());
            let (holds, check) = match planned.fate {
                Fate::Row => (is_row, Check::Kept),
                // It is a row itself where the event that came before it may never have come.
                Fate::Conflict if is_row => (!told.taken.contains(&(number - 1)), Check::Order),
                Fate::Conflict => (self.is_refused(&planned, true), Check::Refused),
                Fate::Quarantined => (row.is_none() && self.is_refused(&planned, false), Check::Refused),
                Fate::Rejected => (row.is_none() && !self.is_refused(&planned, false), Check::Refused),
                Fate::Nothing => (false, Check::Refused),
            };
            if !holds {
                self.fault(check, format!("of client {client} {planned:?}: {found:?}"));
            }
        }
    }

    /// That a client was told what is so.
    fn verdicts(&mut self, client: usize) {
        let told = &self.world.told[client];
        for (number, verdicts) in &told.judged {
            let planned = planned(client, *number);
            let row = self.row(client, &planned).filter(|row| row.key() == planned.key);
            let place = row.map(|row| row.position);
            for (status, position) in verdicts {
                let holds = match status {
                    Status::Stored | Status::Duplicate => place.is_some() && place == *position,
                    status => planned.fate.is_told(*status),
                };
                if !holds {
                    let what = format!("{planned:?} was told {status:?} at {position:?}, and is at {place:?}");
                    self.fault(Check::Kept, what);
                }
            }
        }
        let of_key = told.offered.iter().map(|number| planned(client, *number));
        let fates: BTreeMap<String, Fate> = of_key.map(|planned| (planned.key, planned.fate)).collect();
        for (key, statuses) in &told.unstored {
            let fate = fates.get(key).copied();
            let is_told = |status: &&str| fate.is_some_and(|fate| fate.status() == Some(*status));
            if !statuses.iter().all(is_told) {
                self.fault(Check::Refused, format!("{key} was told {statuses:?}, and is {fate:?}"));
            }
        }
    }

    /// What only this client offers, and offers once, lies in the order in which it did.
    fn order(&mut self, client: usize) {
        let told = &self.world.told[client];
        let mut last = (0, 0);
        for number in &told.offered {
            let planned = planned(client, *number);
            if !planned.is_sole || planned.fate != Fate::Row {
                continue;
            }
            let Some(position) = self.row(client, &planned).map(|row| row.position) else {
                continue;
            };
            if position <= last.0 {
                let what = format!(
                    "client {client}: {number} is at {position}, and {} at {}",
                    last.1, last.0
                );
                self.fault(Check::Order, what);
            }
            last = (position, *number);
        }
    }

    fn counts(&mut self, client: usize) {
        let told = &self.world.told[client];
        let Some(counts) = told.ended else {
            return self.fault(Check::Counts, format!("client {client} has not come to its end"));
        };
        let mut holds = counts.offered == counts.accounted && counts.waiting == 0;
        // Those that were never killed have counted everything.
        if client == IN_MEMORY {
            let of = |status| told.unstored.values().filter(|told| told.contains(status)).count() as u64;
            holds &= counts.offered == told.offered.len() as u64 && counts.dropped == told.losses;
            holds &= counts.quarantined == of("quarantined") && counts.rejected == of("rejected");
            holds &= counts.conflict == of("conflict");
        }
        if client == ASKING {
            let judged: usize = told.judged.values().map(Vec::len).sum();
            holds &= counts.offered == judged as u64 + told.losses && counts.dropped == told.losses;
        }
        if !holds {
            self.fault(Check::Counts, format!("client {client}: {counts:?}"));
        }
    }

    fn losses(&mut self) {
        for first in (0..CLIENTS).step_by(2) {
            let source = source(first);
            let reported = self.world.losses.get(&source).copied().unwrap_or_default();
            let known: u64 = (first..first + 2).map(|client| self.world.told[client].losses).sum();
            // One that is killed may not have told, or not have written down, its last losses.
            let may_be_killed = first < IN_MEMORY;
            let lives = (first..first + 2)
                .map(|client| self.world.told[client].untold())
                .sum::<u64>();
            let holds = if may_be_killed {
                reported <= known + lives
            } else {
                reported == known
            };
            if !holds {
                let what = format!("{source} has lost {known} events, and {reported} were reported");
                self.fault(Check::Losses, what);
            }
        }
    }
}

impl Fate {
    /// What a client is told of an event that is not stored.
    fn status(self) -> Option<&'static str> {
        match self {
            Fate::Row | Fate::Nothing => None,
            Fate::Conflict => Some("conflict"),
            Fate::Quarantined => Some("quarantined"),
            Fate::Rejected => Some("rejected"),
        }
    }

    fn is_told(self, status: Status) -> bool {
        self.status() == Some(status.as_str())
    }
}
