//! How often each machine has come without a good key: after some times a minute it is told to wait.
//!
//! A good key is always let in, wherever it comes from: behind a proxy all have one address, and one of them that
//! guesses must not shut out the others. No guess is nearer for the asking; what this spares is noise.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// So many machines are remembered; of more, those that have come first are forgotten.
const MOST_MACHINES: usize = 10_000;

/// Failures of one machine since its minute began.
#[derive(Clone, Copy, Debug)]
struct Minute {
    began: Duration,
    failures: u32,
}

/// Failures by machine.
#[derive(Debug)]
pub(crate) struct Failures {
    most: u32,
    started: Instant,
    machines: Mutex<HashMap<IpAddr, Minute>>,
}

impl Failures {
    pub(crate) fn new(most: u32) -> Self {
        Failures {
            most,
            started: Instant::now(),
            machines: Mutex::default(),
        }
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// If there were too many: how long until they are forgotten.
    pub(crate) fn count(&self, machine: IpAddr) -> Result<(), Duration> {
        self.count_at(machine, self.started.elapsed())
    }

    /// Whether there were too many, without counting one more.
    ///
    /// # Errors
    /// If there were: how long until they are forgotten.
    pub(crate) fn look(&self, machine: IpAddr) -> Result<(), Duration> {
        let now = self.started.elapsed();
        let machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        match machines.get(&machine) {
            Some(minute) if minute.failures >= self.most && now < minute.began + MINUTE => {
                Err((minute.began + MINUTE).saturating_sub(now))
            }
            _ => Ok(()),
        }
    }

    fn count_at(&self, machine: IpAddr, now: Duration) -> Result<(), Duration> {
        let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        if machines.len() >= MOST_MACHINES && !machines.contains_key(&machine) {
            machines.retain(|_, minute| now < minute.began + MINUTE);
            if machines.len() >= MOST_MACHINES {
                machines.clear();
            }
        }
        let minute = machines.entry(machine).or_insert(Minute {
            began: now,
            failures: 0,
        });
        if now >= minute.began + MINUTE {
            *minute = Minute {
                began: now,
                failures: 0,
            };
        }
        minute.failures = minute.failures.saturating_add(1);
        if minute.failures > self.most {
            return Err((minute.began + MINUTE).saturating_sub(now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn machine(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_twenty_a_minute_comes_the_wait() {
        let failures = Failures::new(20);
        for second in 0..20 {
            assert_eq!(failures.count_at(machine(1), at(second)), Ok(()));
        }
        assert_eq!(failures.count_at(machine(1), at(20)), Err(at(40)));
        assert_eq!(failures.count_at(machine(2), at(20)), Ok(()));
        assert_eq!(failures.count_at(machine(1), at(59)), Err(at(1)));
        assert_eq!(failures.count_at(machine(1), at(60)), Ok(()));
    }

    #[test]
    fn not_all_machines_are_remembered() {
        let failures = Failures::new(1);
        for number in 0..30_000 {
            assert_eq!(failures.count_at(machine(number), at(1)), Ok(()));
        }
        assert!(failures.machines.lock().unwrap().len() <= MOST_MACHINES);
    }
}
