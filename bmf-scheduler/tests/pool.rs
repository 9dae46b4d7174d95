//! The pool as its users see it: order, exclusion, no lost wake-up, quiet, shutdown.
#![cfg(not(loom))]
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use bmf_scheduler::{
    Config, Context, ExecutorConfig, ExecutorId, Phase, Priority, Schedulable, Scheduler, SlotId,
    Step, Wake,
};

/// A step written as a closure.
struct Run<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Step + Send + 'static> Schedulable for Run<F> {
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

/// Beside the default executor, serial queues.
fn with_queues(workers: usize, queues: usize) -> Config {
    let queue = |index| ExecutorConfig {
        name: format!("queue{index}"),
        workers: 1,
    };
    Config {
        executors: (0..queues).map(queue).collect(),
        ..config(workers)
    }
}

/// A chain `source -> … -> sink` of counters, each with a queue of its own, in the executors in
/// turn. Returns what ran, in order.
fn run_chain(
    length: usize,
    packets: usize,
    executors: usize,
    run: impl FnOnce(&Scheduler),
) -> Vec<String> {
    let scheduler = Scheduler::new(with_queues(2, executors - 1));
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
        let executor = ExecutorId::new(u32::try_from(index % executors).unwrap());
        let step = move |context: &mut Context<'_>| {
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
        };
        ids.push(scheduler.add_to(executor, Box::new(Run(step)), priority));
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
    // Whatever executors they are in: here one thread runs all.
    for executors in 1..4 {
        let order = run_chain(3, 2, executors, Scheduler::run_here);
        assert_eq!(order, ["0.0", "1.0", "2.0", "0.1", "1.1", "2.1"]);
    }
}

#[test]
fn more_workers_do_the_same_work() {
    for executors in 1..4 {
        let mut order = run_chain(8, 3_000, executors, |scheduler| {
            scheduler.start().unwrap();
            scheduler.join_when_shut_down();
        });
        assert_eq!(order.len(), 8 * 3_000);
        order.sort();
        order.dedup();
        assert_eq!(order.len(), 8 * 3_000);
    }
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
    let scheduler = Scheduler::new(with_queues(1, 1));
    let log = Arc::new(Mutex::new(String::new()));
    for (name, executor) in [('a', 1), ('b', 0), ('c', 1)] {
        let log = Arc::clone(&log);
        let step = move |context: &mut Context<'_>| {
            let mut log = log.lock().unwrap();
            log.push(name);
            if log.len() == 9 {
                context.shutdown();
            }
            Step::Again
        };
        let executor = ExecutorId::new(executor);
        let slot = scheduler.add_to(executor, Box::new(Run(step)), Priority::SOURCE);
        scheduler.wake(slot, Wake::Input);
    }
    scheduler.run_here();
    assert_eq!(*log.lock().unwrap(), "abcabcabc");
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

#[test]
fn threads_are_named_after_their_executor() {
    let scheduler = Scheduler::new(with_queues(2, 2));
    let (tell, told) = mpsc::channel();
    for executor in 0..3 {
        let tell = tell.clone();
        let step = move |_: &mut Context<'_>| {
            let thread = std::thread::current();
            // The default executor has two: either may run it.
            let name = thread.name().unwrap().replace("bmf-1", "bmf-0");
            tell.send(name).unwrap();
            Step::Done
        };
        let executor = ExecutorId::new(executor);
        let slot = scheduler.add_to(executor, Box::new(Run(step)), Priority::SOURCE);
        scheduler.wake(slot, Wake::Input);
    }
    scheduler.start().unwrap();
    assert!(scheduler.wait_quiet(None));
    let mut names: Vec<_> = told.try_iter().collect();
    names.sort();
    assert_eq!(names, ["bmf-0", "bmf-queue0-0", "bmf-queue1-0"]);
    scheduler.join();
}

#[test]
fn a_waker_wakes_in_the_middle_of_a_step() {
    let scheduler = Scheduler::new(config(2));
    let (answer, answered) = mpsc::channel();
    let other = add(&scheduler, Priority::SOURCE, move |_| {
        answer.send(()).unwrap();
        Step::Idle
    });
    let slot = add(&scheduler, Priority::SOURCE, move |context| {
        // Against the contract, with a worker left over: what it wakes runs before it ends.
        context.waker().wake(other, Wake::Input);
        answered.recv().unwrap();
        context.shutdown();
        Step::Done
    });
    scheduler.wake(slot, Wake::Input);
    scheduler.start().unwrap();
    scheduler.join_when_shut_down();
    let waker = scheduler.waker();
    drop(scheduler);
    // Nobody is left to be woken.
    waker.wake(other, Wake::Input);
}

#[test]
fn a_blocked_executor_does_not_hold_up_another() {
    let scheduler = Scheduler::new(with_queues(1, 1));
    let (release, released) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let teller = Run(move |_: &mut Context<'_>| {
        tell.send(()).unwrap();
        Step::Idle
    });
    let teller = scheduler.add_to(ExecutorId::new(1), Box::new(teller), Priority::SOURCE);
    let blocked = add(&scheduler, Priority::SOURCE, move |context| {
        context.wake(teller, Wake::Input);
        let _: Result<(), _> = released.recv();
        Step::Done
    });
    scheduler.wake(blocked, Wake::Input);
    scheduler.start().unwrap();
    for _ in 0..3 {
        told.recv().unwrap();
        scheduler.wake(teller, Wake::Input);
    }
    assert_eq!(scheduler.stats(blocked).phase, Phase::Running);
    drop(release);
    scheduler.join();
}

#[test]
fn who_waits_for_quiet_finds_everything_worked_off() {
    let quiet = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&quiet);
    let scheduler = Scheduler::new(Config {
        on_quiet: Box::new(move |_| {
            counted.fetch_add(1, Ordering::AcqRel);
        }),
        ..with_queues(2, 1)
    });
    let passed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&passed);
    let last = Run(move |_: &mut Context<'_>| {
        counted.fetch_add(1, Ordering::AcqRel);
        Step::Idle
    });
    let last = scheduler.add_to(ExecutorId::new(1), Box::new(last), Priority::SOURCE);
    let first = add(&scheduler, Priority::SOURCE, move |context| {
        context.wake(last, Wake::Input);
        Step::Idle
    });
    let now = Some(Instant::now());
    assert!(!scheduler.wait_quiet(now), "it does not run yet");
    scheduler.start().unwrap();
    for round in 1..=200 {
        scheduler.wake(first, Wake::Input);
        assert!(scheduler.wait_quiet(None));
        assert_eq!(passed.load(Ordering::Acquire), round);
        assert_eq!(scheduler.at_rest(last), Some(scheduler.runs(last)));
        assert!(quiet.load(Ordering::Acquire) >= round);
    }
    scheduler.pause();
    assert!(!scheduler.wait_quiet(Some(Instant::now())), "it is paused");
    scheduler.resume();
    assert!(scheduler.wait_quiet(None));
    assert!(quiet.load(Ordering::Acquire) <= 201);
    scheduler.join();
    assert!(scheduler.wait_quiet(None));
}

#[test]
fn a_pause_keeps_wake_ups_and_lets_visitors_in() {
    for workers in [1, 3] {
        let scheduler = Scheduler::new(with_queues(workers, 1));
        let ended = Run(|_: &mut Context<'_>| Step::Done);
        let ended = scheduler.add_to(ExecutorId::new(1), Box::new(ended), Priority::SOURCE);
        let slot = scheduler.add(Box::new(Sum { add: 1, sum: 0 }), Priority::SOURCE);
        assert_eq!(scheduler.visit(slot, |_| ()), None, "not paused");
        scheduler.wake(slot, Wake::Input);
        scheduler.wake(ended, Wake::Input);
        scheduler.start().unwrap();
        assert!(scheduler.wait_quiet(None));

        scheduler.pause();
        scheduler.pause();
        scheduler.wake(slot, Wake::Input);
        scheduler.resume();
        let before = visit(&scheduler, slot, |sum| std::mem::replace(&mut sum.add, 10));
        assert_eq!(before, Some(1));
        assert_eq!(scheduler.visit(ended, |_| ()), None, "done");
        assert_eq!(scheduler.stats(slot).phase, Phase::Queued);
        assert_eq!(scheduler.runs(slot), 1);
        scheduler.resume();
        scheduler.resume();

        assert!(scheduler.wait_quiet(None));
        scheduler.pause();
        assert_eq!(visit(&scheduler, slot, |sum| sum.sum), Some(11));
        scheduler.join();
    }
}

/// Adds up, once per wake-up.
struct Sum {
    add: u32,
    sum: u32,
}

impl Schedulable for Sum {
    fn run(&mut self, _: &mut Context<'_>) -> Step {
        self.sum += self.add;
        Step::Idle
    }
}

fn visit<T>(scheduler: &Scheduler, slot: SlotId, f: impl FnOnce(&mut Sum) -> T) -> Option<T> {
    scheduler.visit(slot, |task| {
        let task: &mut dyn Any = task;
        f(task.downcast_mut().unwrap())
    })
}

#[test]
fn a_pause_gives_up_on_a_step_that_does_not_end() {
    let scheduler = Scheduler::new(with_queues(1, 1));
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let stuck = add(&scheduler, Priority::SOURCE, move |_| {
        begun.send(()).unwrap();
        let _: Result<(), _> = released.recv();
        Step::Done
    });
    let other = Run(|context: &mut Context<'_>| {
        context.shutdown();
        Step::Done
    });
    let other = scheduler.add_to(ExecutorId::new(1), Box::new(other), Priority::SOURCE);
    scheduler.wake(stuck, Wake::Input);
    scheduler.start().unwrap();
    has_begun.recv().unwrap();
    assert!(!scheduler.pause_within(Duration::from_millis(1)));
    assert_eq!(scheduler.visit(other, |_| ()), None, "not paused");
    // The other executor runs on.
    scheduler.wake(other, Wake::Input);
    assert!(scheduler.wait_quiet(None), "shut down");
    drop(release);
    scheduler.join();
    assert!(scheduler.pause_within(Duration::MAX), "nothing runs");
}

#[test]
fn a_step_that_panics_takes_only_its_worker_along() {
    let scheduler = Scheduler::new(config(2));
    let slot = add(&scheduler, Priority::SOURCE, |_| {
        panic!("against the contract")
    });
    scheduler.start().unwrap();
    assert!(scheduler.wait_quiet(None));
    let other = add(&scheduler, Priority::SOURCE, |_| Step::Idle);
    scheduler.wake(slot, Wake::Input);
    assert!(scheduler.wait_quiet(None));
    scheduler.wake(other, Wake::Input);
    assert!(scheduler.wait_quiet(None));
    assert_eq!((scheduler.runs(slot), scheduler.runs(other)), (0, 1));
    scheduler.pause();
    scheduler.join();
}

#[test]
fn a_paused_scheduler_can_be_shut_down() {
    let scheduler = Scheduler::new(with_queues(2, 2));
    for executor in 0..3 {
        let step = Run(|_: &mut Context<'_>| Step::Again);
        let slot = scheduler.add_to(ExecutorId::new(executor), Box::new(step), Priority::SOURCE);
        scheduler.wake(slot, Wake::Input);
    }
    scheduler.start().unwrap();
    scheduler.pause();
    scheduler.join();
}
