//! Answers on their way from the writer to those who wait for them.
//!
//! Whoever is woken from another thread comes last in a runtime of several threads, behind all that its threads have to do:
//! one every few hundred microseconds, however many they are. So the answers of a runtime are told by a task inside it, and
//! those who wait are woken there.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::queue::{Entry, Job, Told};

/// So few are told at once, and so few entries freed here: one more task would take longer.
const FEW: usize = 2;
const FEW_ENTRIES: usize = 64;

/// Answers that are still to be told. Dropped, they are: whatever becomes of the runtime they are told in.
#[derive(Default)]
struct Untold(Vec<News>);

/// What became of a job, and for whom. Its entries go with it, so that it is not the writer who has to free them.
struct News {
    told: Told,
    caller: oneshot::Sender<Told>,
    entries: Arc<Vec<Entry>>,
}

impl Untold {
    /// Tells them, and answers what is then to be freed.
    fn tell(&mut self) -> Vec<Arc<Vec<Entry>>> {
        let told = self.0.drain(..).map(|News { told, caller, entries }| {
            // A caller that has gone away needs no answer.
            let _ = caller.send(told);
            entries
        });
        told.collect()
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.tell();
    }
}

/// Tells callers their answers.
pub(crate) fn tell(answers: impl ExactSizeIterator<Item = (Job, Told)>) {
    let (here, few) = (Handle::try_current().ok(), answers.len() <= FEW);
    // Told when it is dropped, whatever happens before.
    let mut at_once = Untold::default();
    let mut freed = Vec::new();
    let mut homes: Vec<(Handle, Untold)> = Vec::new();
    for (job, told) in answers {
        let Job {
            entries,
            reply,
            place,
            home,
            ..
        } = job;
        // Room first, so that a caller that was answered finds it; and here, as others need it, whatever becomes of the runtime
        // that he waits in.
        drop(place);
        let caller = reply;
        let news = News { told, caller, entries };
        let elsewhere = home.filter(|home| here.as_ref().is_none_or(|here| here.id() != home.id()));
        match elsewhere {
            Some(home) if !few => match homes.iter_mut().find(|(known, _)| known.id() == home.id()) {
                Some((_, untold)) => untold.0.push(news),
                None => homes.push((home, Untold(vec![news]))),
            },
            elsewhere => {
                let many = elsewhere.filter(|_| news.entries.len() > FEW_ENTRIES);
                freed.extend(many.map(|home| (home, Arc::clone(&news.entries))));
                at_once.0.push(news);
            }
        }
    }
    for (home, mut untold) in homes {
        home.spawn(async move {
            let entries = untold.tell();
            // Those who were told are next.
            tokio::task::yield_now().await;
            drop(entries);
        });
    }
    drop(at_once);
    for (home, entries) in freed {
        home.spawn(async move { drop(entries) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use std::time::Duration;
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    /// Offers of a few callers in each of these runtimes, and outside of any; and the queue that they wait in.
    fn offered(runtimes: &[&Runtime]) -> (Vec<crate::queue::Answer>, Vec<(Job, Told)>, Queue) {
        let (queue, mut jobs) = Queue::new(1_000, 1 << 20, Duration::from_secs(1));
        let offer = || queue.offer(Arc::new(vec![Entry::refused(0)]), None, None).unwrap().0;
        let mut callers: Vec<_> = (0..3).map(|_| offer()).collect();
        for runtime in runtimes {
            let _inside = runtime.enter();
            callers.extend((0..3).map(|_| offer()));
        }
        let mut answers = Vec::new();
        while let Ok(job) = jobs.try_recv() {
            answers.push((job, Ok(Vec::new())));
        }
        (callers, answers, queue)
    }

    #[test]
    fn everybody_is_told_wherever_he_waits() {
        let (one, other) = (runtime(), runtime());
        let (callers, answers, _) = offered(&[&one, &other]);
        assert_eq!((callers.len(), answers.len()), (9, 9));
        tell(answers.into_iter());
        for caller in callers {
            assert!(caller.blocking_recv().unwrap().is_ok());
        }
    }

    #[test]
    fn a_runtime_that_has_ended_keeps_nobody_from_being_told() {
        let (ended, other) = (runtime(), runtime());
        let (callers, answers, _) = offered(&[&ended, &other]);
        ended.shutdown_background();
        tell(answers.into_iter());
        for caller in callers {
            assert!(caller.blocking_recv().unwrap().is_ok());
        }
    }

    /// A runtime that does nothing until it is released.
    fn busy() -> (Runtime, std::sync::mpsc::Sender<()>) {
        let busy = runtime();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = std::sync::mpsc::channel::<()>();
        busy.spawn(async move {
            begin.send(()).unwrap();
            held.recv()
        });
        begun.recv().unwrap();
        (busy, release)
    }

    /// A job of so many entries, of somebody who waits in a runtime.
    fn job(home: &Runtime, entries: usize) -> (crate::queue::Answer, Job) {
        let (queue, mut jobs) = Queue::new(1_000, 1 << 20, Duration::from_secs(1));
        let _inside = home.enter();
        let entries = Arc::new((0..entries).map(|_| Entry::refused(0)).collect());
        let answer = queue.offer(entries, None, None).unwrap().0;
        (answer, jobs.try_recv().unwrap())
    }

    #[test]
    fn few_are_told_at_once_and_many_entries_are_freed_where_somebody_waits_for_them() {
        let (busy, release) = busy();
        for (entries, is_freed) in [(FEW_ENTRIES, true), (FEW_ENTRIES + 1, false), (FEW_ENTRIES + 2, false)] {
            let (caller, job) = job(&busy, entries);
            let entries = Arc::downgrade(&job.entries);
            tell([(job, Ok(Vec::new()))].into_iter());
            assert!(caller.blocking_recv().unwrap().is_ok());
            assert_eq!(entries.upgrade().is_none(), is_freed);
        }
        drop(release);
    }

    #[test]
    fn whoever_waits_where_it_is_told_is_told_at_once() {
        let (busy, release) = busy();
        let (callers, jobs): (Vec<_>, Vec<_>) = (0..FEW + 1).map(|_| job(&busy, 1)).unzip();
        {
            let _inside = busy.enter();
            tell(
                jobs.into_iter()
                    .map(|job| (job, Ok(Vec::new())))
                    .collect::<Vec<_>>()
                    .into_iter(),
            );
        }
        for mut caller in callers {
            assert!(caller.try_recv().unwrap().is_ok());
        }
        drop(release);
    }

    #[test]
    fn a_runtime_that_is_busy_keeps_nobody_else_waiting() {
        let (other, (busy, release)) = (runtime(), busy());
        let (mut callers, answers, queue) = offered(&[&busy, &other]);
        assert_eq!(queue.waiting().0, 9);
        tell(answers.into_iter());
        // The room is there for all, also that of those who hear it later.
        assert_eq!(queue.waiting(), (0, 0));
        let mut of_busy: Vec<_> = callers.drain(3..6).collect();
        for caller in callers {
            assert!(caller.blocking_recv().unwrap().is_ok());
        }
        // Theirs are told inside their runtime, by nobody else.
        assert!(of_busy.iter_mut().all(|caller| caller.try_recv().is_err()));
        drop(release);
        for caller in of_busy {
            assert!(caller.blocking_recv().unwrap().is_ok());
        }
    }

    #[test]
    fn what_somebody_has_brought_is_freed_where_he_waits() {
        let (queue, mut jobs) = Queue::new(1_000, 1 << 20, Duration::from_secs(1));
        let home = runtime();
        let caller = {
            let _inside = home.enter();
            let entries = Arc::new((0..=FEW_ENTRIES).map(|_| Entry::refused(0)).collect());
            queue.offer(entries, None, None).unwrap().0
        };
        let job = jobs.try_recv().unwrap();
        let entries = Arc::downgrade(&job.entries);
        tell([(job, Ok(Vec::new()))].into_iter());
        assert!(home.block_on(caller).unwrap().is_ok());
        // Sooner or later.
        home.block_on(async {
            while entries.upgrade().is_some() {
                tokio::task::yield_now().await;
            }
        });
    }

    #[test]
    fn whoever_waits_in_a_runtime_of_one_thread_is_told_at_once() {
        let single = Builder::new_current_thread().build().unwrap();
        let (callers, answers, _) = offered(&[&single]);
        tell(answers.into_iter());
        // Nobody runs it.
        for caller in callers {
            assert!(caller.blocking_recv().unwrap().is_ok());
        }
    }
}
