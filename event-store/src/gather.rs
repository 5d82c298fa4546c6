//! The jobs that share a transaction.

use tokio::sync::mpsc;

use crate::queue::Job;

/// So many events go into one transaction, unless one caller offers more.
const MOST_EVENTS: usize = 4_096;
/// So many callers make a transaction cheap enough for each of them.
const ENOUGH: usize = 256;

/// A job, and those that wait behind it, as many as go into one transaction.
///
/// Who gives way lets `others` go first as long as they bring more. Where processors are scarce, callers would get none while the
/// writer commits what few of them have come with, each time at the price of a transaction; where nobody waits for this one,
/// it costs nothing.
pub(crate) fn gather(first: Job, jobs: &mut mpsc::UnboundedReceiver<Job>, others: Option<impl FnMut()>) -> Vec<Job> {
    let mut events = first.entries.len();
    let mut group = vec![first];
    let mut take = |group: &mut Vec<Job>| {
        while events < MOST_EVENTS
            && let Ok(job) = jobs.try_recv()
        {
            events += job.entries.len();
            group.push(job);
        }
        events < MOST_EVENTS
    };
    let mut takes_more = take(&mut group);
    let Some(mut others) = others else { return group };
    // Each time there must be one more than before; the first is here whoever is let go.
    let mut callers = 1;
    while takes_more && callers <= ENOUGH {
        others();
        takes_more = take(&mut group);
        if group.len() == callers {
            break;
        }
        callers = group.len();
    }
    group
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::queue::{Entry, Queue};

    /// Puts jobs of so many entries each into a queue.
    fn offer(queue: &Queue, jobs: usize, entries: usize) {
        for _ in 0..jobs {
            let entries = Arc::new((0..entries).map(|_| Entry::refused(0)).collect());
            queue.offer(entries, None, None).unwrap();
        }
    }

    fn queue() -> (Queue, mpsc::UnboundedReceiver<Job>) {
        Queue::new(usize::MAX, usize::MAX, Duration::MAX)
    }

    #[test]
    fn a_transaction_takes_what_waits_up_to_its_bound() {
        let (queue, mut jobs) = queue();
        offer(&queue, 5, MOST_EVENTS / 2 - 1);
        let nobody = None::<fn()>;
        // Two leave room for two events, and a third goes in whole.
        let first = jobs.try_recv().unwrap();
        assert_eq!(gather(first, &mut jobs, nobody).len(), 3);
        let first = jobs.try_recv().unwrap();
        assert_eq!(gather(first, &mut jobs, nobody).len(), 2);
        offer(&queue, 2, MOST_EVENTS);
        let first = jobs.try_recv().unwrap();
        assert_eq!(gather(first, &mut jobs, nobody).len(), 1, "as many as fit");
        assert!(jobs.try_recv().is_ok());
    }

    #[test]
    fn whoever_gives_way_does_so_while_others_bring_more() {
        let (queue, mut jobs) = queue();
        offer(&queue, 2, 1);
        let mut brought = vec![3, 2, 0, 9];
        let mut turns = 0;
        let others = || {
            turns += 1;
            offer(&queue, brought.remove(0), 1);
        };
        let first = jobs.try_recv().unwrap();
        assert_eq!(gather(first, &mut jobs, Some(others)).len(), 2 + 3 + 2);
        assert_eq!(turns, 3);
    }

    #[test]
    fn whoever_gives_way_does_so_until_there_are_enough() {
        let (queue, mut jobs) = queue();
        offer(&queue, 1, 1);
        let first = jobs.try_recv().unwrap();
        let others = || offer(&queue, ENOUGH / 2, 1);
        assert_eq!(gather(first, &mut jobs, Some(others)).len(), 1 + ENOUGH);
        // Or until the transaction is full.
        offer(&queue, 1, MOST_EVENTS - 3);
        let first = jobs.try_recv().unwrap();
        let others = || offer(&queue, 2, 1);
        assert_eq!(gather(first, &mut jobs, Some(others)).len(), 1 + 3);
        while jobs.try_recv().is_ok() {}
        offer(&queue, 1, MOST_EVENTS);
        let first = jobs.try_recv().unwrap();
        let nobody = || panic!("there is no room for anybody");
        assert_eq!(gather(first, &mut jobs, Some(nobody)).len(), 1);
    }
}
