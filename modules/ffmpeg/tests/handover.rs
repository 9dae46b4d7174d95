//! loom's model of the decoder's hand-over: every interleaving of the thread that pushes bytes and the
//! one that reads them. A wake-up that is lost leaves a thread waiting, which loom reports.

mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

#[path = "../src/decoder/handover.rs"]
mod handover;

use handover::{Reply, Turns};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

type Numbers = Turns<u32, u32, u32>;

/// Every interleaving with at most so many switches that neither side asked for.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(run);
}

/// Adds chunks up until there are as many as the job says, or no more come.
fn worker(turns: &Arc<Numbers>) -> JoinHandle<()> {
    let turns = Arc::clone(turns);
    thread::spawn(move || {
        while let Some(wanted) = turns.next_job() {
            let mut sum = 0;
            for _ in 0..wanted {
                match turns.next_chunk() {
                    Some(Some(chunk)) => sum += chunk,
                    Some(None) => break,
                    None => return,
                }
            }
            turns.answer(sum);
        }
    })
}

#[test]
fn jobs_are_answered_whatever_they_need() {
    model(|| {
        let turns = Arc::new(Numbers::new());
        let worker = worker(&turns);
        assert_eq!(turns.ask(0), Reply::Answer(0));
        assert_eq!(turns.ask(2), Reply::Hungry);
        assert_eq!(turns.feed(Some(3)), Reply::Hungry);
        assert_eq!(turns.feed(Some(4)), Reply::Answer(7));
        assert_eq!(turns.ask(2), Reply::Hungry);
        assert_eq!(turns.feed(None), Reply::Answer(0));
        turns.close();
        worker.join().unwrap();
        assert_eq!(turns.ask(1), Reply::Gone);
    });
}

#[test]
fn closing_ends_the_worker_wherever_it_is() {
    for asked in 0..3 {
        model(move || {
            let turns = Arc::new(Numbers::new());
            let worker = worker(&turns);
            if asked > 0 {
                assert_eq!(turns.ask(asked), Reply::Hungry);
            }
            turns.close();
            worker.join().unwrap();
        });
    }
}

#[test]
fn a_worker_that_is_gone_keeps_nobody_waiting() {
    model(|| {
        let turns = Arc::new(Numbers::new());
        let worker = thread::spawn({
            let turns = Arc::clone(&turns);
            move || {
                let _ = turns.next_job();
                turns.close();
            }
        });
        assert_eq!(turns.ask(1), Reply::Gone);
        worker.join().unwrap();
    });
}

/// Cancelling comes from a third thread, in the middle of anything.
#[test]
fn closing_from_elsewhere_ends_both_sides() {
    model(|| {
        let turns = Arc::new(Numbers::new());
        let worker = worker(&turns);
        let closer = thread::spawn({
            let turns = Arc::clone(&turns);
            move || turns.close()
        });
        let reply = turns.ask(1);
        assert!(matches!(reply, Reply::Hungry | Reply::Gone));
        if reply == Reply::Hungry {
            let reply = turns.feed(Some(5));
            assert!(matches!(reply, Reply::Answer(5) | Reply::Gone));
        }
        closer.join().unwrap();
        worker.join().unwrap();
    });
}
