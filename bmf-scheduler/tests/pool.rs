//! The pool as its users see it: order, exclusion, no lost wake-up, quiet, shutdown.
#![cfg(not(loom))]
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bmf_scheduler::{Config, Context, Phase, Priority, Schedulable, Scheduler, SlotId, Step, Wake};

/// A step written as a closure.
struct Run<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Step + Send> Schedulable for Run<F> {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        (self.0)(context)
    }
}

fn add(
    scheduler: &Scheduler,
    priority: Priority,
    step: impl FnMut(&mut Context<'_>) -> Step + Send + 'static,
) -> SlotId {
    scheduler.add(Box::new(Run(step)), priority)
}

fn config(workers: usize) -> Config {
    Config {
        workers,
        ..Config::default()
    }
}

/// A chain `source -> … -> sink` of counters, each with a queue of its own. Returns what ran, in
/// order.
fn run_chain(length: usize, packets: usize, run: impl FnOnce(&Scheduler)) -> Vec<String> {
    let scheduler = Scheduler::new(config(2));
    let log = Arc::new(Mutex::new(Vec::new()));
    let queues: Arc<Vec<AtomicUsize>> =
        Arc::new((0..length).map(|_| AtomicUsize::new(0)).collect());
    let slots: Arc<OnceLock<Vec<SlotId>>> = Arc::default();
    let mut ids = Vec::new();
    for index in 0..length {
        let (log, queues, slots) = (Arc::clone(&log), Arc::clone(&queues), Arc::clone(&slots));
        let mut done = 0;
        let hops = u32::try_from(length - 1 - index).unwrap();
        let priority = match index {
            0 => Priority::SOURCE,
            _ => Priority::from_sink(hops),
        };
        ids.push(add(&scheduler, priority, move |context| {
            if index > 0 {
                if queues[index].load(Ordering::Acquire) == 0 {
                    return Step::Idle;
                }
                queues[index].fetch_sub(1, Ordering::AcqRel);
            }
            log.lock().unwrap().push(format!("{index}.{done}"));
            done += 1;
            match slots.get().unwrap().get(index + 1) {
                Some(&next) => {
                    queues[index + 1].fetch_add(1, Ordering::AcqRel);
                    context.wake(next, Wake::Input);
                }
                None if done == packets => context.shutdown(),
                None => {}
            }
            if done == packets {
                Step::Done
            } else {
                Step::Again
            }
        }));
    }
    let first = ids[0];
    slots.set(ids).unwrap();
    scheduler.wake(first, Wake::Input);
    run(&scheduler);
    let log = log.lock().unwrap();
    log.clone()
}

#[test]
fn one_worker_takes_each_packet_to_the_sink_first() {
    let order = run_chain(3, 2, Scheduler::run_here);
    assert_eq!(order, ["0.0", "1.0", "2.0", "0.1", "1.1", "2.1"]);
}

#[test]
fn two_workers_do_the_same_work() {
    let mut order = run_chain(8, 5_000, |scheduler| {
        scheduler.start().unwrap();
        scheduler.join_when_shut_down();
    });
    assert_eq!(order.len(), 8 * 5_000);
    order.sort();
    order.dedup();
    assert_eq!(order.len(), 8 * 5_000);
}

#[test]
fn a_slot_runs_on_one_worker_at_a_time_and_misses_no_wake() {
    const WAKES: usize = 20_000;
    let scheduler = Arc::new(Scheduler::new(config(4)));
    let pending = Arc::new(AtomicUsize::new(0));
    let inside = Arc::new(AtomicBool::new(false));
    let slot = {
        let (pending, inside) = (Arc::clone(&pending), Arc::clone(&inside));
        let mut seen = 0;
        add(&scheduler, Priority::SOURCE, move |context| {
            assert!(!inside.swap(true, Ordering::AcqRel), "two workers at once");
            seen += pending.swap(0, Ordering::AcqRel);
            inside.store(false, Ordering::Release);
            if seen < 2 * WAKES {
                return Step::Idle;
            }
            context.shutdown();
            Step::Done
        })
    };
    scheduler.start().unwrap();
    let wakers: Vec<_> = (0..2)
        .map(|_| {
            let (scheduler, pending) = (Arc::clone(&scheduler), Arc::clone(&pending));
            std::thread::spawn(move || {
                for _ in 0..WAKES {
                    pending.fetch_add(1, Ordering::AcqRel);
                    scheduler.wake(slot, Wake::Input);
                }
            })
        })
        .collect();
    for waker in wakers {
        waker.join().unwrap();
    }
    scheduler.join_when_shut_down();
    assert_eq!(scheduler.stats(slot).phase, Phase::Done);
}

#[test]
fn quiet_is_told_once_and_may_wake() {
    for workers in [1, 3] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let known: Arc<OnceLock<SlotId>> = Arc::default();
        let slot = Arc::clone(&known);
        let scheduler = Scheduler::new(Config {
            workers,
            on_quiet: Box::new(move |context| {
                // The first time it finds more work, the second time it gives up.
                match counted.fetch_add(1, Ordering::AcqRel) {
                    0 => context.wake(*slot.get().unwrap(), Wake::Room),
                    _ => context.shutdown(),
                }
            }),
            ..Config::default()
        });
        let slot = add(&scheduler, Priority::SOURCE, |_| Step::Throttled);
        known.set(slot).unwrap();
        scheduler.wake(slot, Wake::Input);
        scheduler.start().unwrap();
        scheduler.join_when_shut_down();
        assert_eq!(calls.load(Ordering::Acquire), 2);
        assert_eq!(scheduler.stats(slot).runs, 2);
    }
}

#[test]
fn equal_sources_take_turns() {
    let scheduler = Scheduler::new(config(1));
    let log = Arc::new(Mutex::new(String::new()));
    for name in ['a', 'b'] {
        let log = Arc::clone(&log);
        let slot = add(&scheduler, Priority::SOURCE, move |context| {
            let mut log = log.lock().unwrap();
            log.push(name);
            if log.len() == 6 {
                context.shutdown();
            }
            Step::Again
        });
        scheduler.wake(slot, Wake::Input);
    }
    scheduler.run_here();
    assert_eq!(*log.lock().unwrap(), "ababab");
}

#[test]
fn shutdown_ends_busy_workers_and_is_idempotent() {
    let scheduler = Scheduler::new(config(3));
    for _ in 0..5 {
        let slot = add(&scheduler, Priority::SOURCE, |_| Step::Again);
        scheduler.wake(slot, Wake::Input);
    }
    scheduler.start().unwrap();
    scheduler.join();
    scheduler.join();
}
