//! loom models of standing still: pauses, quiet, shutdown in a pause.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::loom_pool_tests::{config, model};
use crate::{Config, Context, ExecutorId, Priority, Schedulable, Scheduler, SlotId, Step, Wake};

/// What a model's slots and its main thread share.
#[derive(Default)]
struct World {
    /// Tokens that wait at the first slot, and at the second.
    waiting: [AtomicUsize; 2],
    /// Tokens that have passed both.
    passed: AtomicUsize,
    /// Set while the main thread knows the pool to be paused.
    paused: AtomicBool,
    /// Calls of `on_quiet`.
    quiet: AtomicUsize,
}

/// Hands tokens from its place to the next one.
struct Hand {
    world: Arc<World>,
    place: usize,
}

impl Schedulable for Hand {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        let world = &self.world;
        assert!(!world.paused.load(Ordering::Relaxed), "a step in a pause");
        let tokens = world.waiting[self.place].swap(0, Ordering::Relaxed);
        if tokens == 0 {
            return Step::Idle;
        }
        if self.place == 0 {
            world.waiting[1].fetch_add(tokens, Ordering::Relaxed);
            context.wake(SlotId(1), Wake::Input);
        } else {
            world.passed.fetch_add(tokens, Ordering::Relaxed);
        }
        Step::Idle
    }
}

/// A started pool of two slots, the second one in the given executor, of one worker each.
/// `on_quiet` counts, and shuts down once so many tokens have passed.
fn play(last: usize, second_in: ExecutorId) -> (Arc<World>, Scheduler) {
    let world = Arc::new(World::default());
    let quiet = Arc::clone(&world);
    let scheduler = Scheduler::new(Config {
        on_quiet: Box::new(move |context| {
            assert!(!quiet.paused.load(Ordering::Relaxed), "quiet in a pause");
            quiet.quiet.fetch_add(1, Ordering::Relaxed);
            if quiet.passed.load(Ordering::Relaxed) == last {
                context.shutdown();
            }
        }),
        ..config(1, second_in.index())
    });
    for (place, executor) in [ExecutorId::DEFAULT, second_in].into_iter().enumerate() {
        let world = Arc::clone(&world);
        let hand = Box::new(Hand { world, place });
        let _ = scheduler.add_to(executor, hand, Priority::SOURCE);
    }
    scheduler.start().unwrap();
    (world, scheduler)
}

fn put_token(world: &World, scheduler: &Scheduler) {
    world.waiting[0].fetch_add(1, Ordering::Relaxed);
    scheduler.wake(SlotId(0), Wake::Input);
}

/// A token before the pause and one in it; both pass, the second one after it; no step runs in it,
/// and no quiet is reported in it. `quiet` is told once per moment: twice if the first token has
/// passed before the pause, plus once if the pool was quiet before anything.
fn model_pause(second_in: ExecutorId) {
    model(2, move || {
        let (world, scheduler) = play(2, second_in);
        put_token(&world, &scheduler);
        scheduler.pause();
        world.paused.store(true, Ordering::Relaxed);
        let passed = world.passed.load(Ordering::Relaxed);
        put_token(&world, &scheduler);
        assert_eq!(world.passed.load(Ordering::Relaxed), passed);
        assert!(scheduler.visit(SlotId(1), |_| ()).is_some());
        world.paused.store(false, Ordering::Relaxed);
        scheduler.resume();
        scheduler.join_when_shut_down();
        assert_eq!(world.passed.load(Ordering::Relaxed), 2);
        let quiet = world.quiet.load(Ordering::Relaxed);
        assert!((1..=3).contains(&quiet), "{quiet} calls");
    });
}

#[test]
fn loom_no_step_in_a_pause() {
    model_pause(ExecutorId::DEFAULT);
}

#[test]
fn loom_no_step_in_a_pause_of_two_executors() {
    model_pause(ExecutorId::new(1));
}

/// Makes two steps without being woken for the second.
struct Twice {
    world: Arc<World>,
    left: usize,
}

impl Schedulable for Twice {
    fn run(&mut self, _: &mut Context<'_>) -> Step {
        let world = &self.world;
        assert!(!world.paused.load(Ordering::Relaxed), "a step in a pause");
        world.passed.fetch_add(1, Ordering::Relaxed);
        self.left -= 1;
        if self.left > 0 {
            Step::Again
        } else {
            Step::Idle
        }
    }
}

/// A pause can come between two steps of a busy worker. Afterwards the other worker, which has
/// nothing to do, does not take the pool for quiet.
#[test]
fn loom_a_pause_comes_between_two_steps() {
    // Not loom's: it counts through all interleavings.
    static BETWEEN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    model(2, || {
        let world = Arc::new(World::default());
        let quiet = Arc::clone(&world);
        let scheduler = Scheduler::new(Config {
            on_quiet: Box::new(move |_| {
                assert_eq!(quiet.passed.load(Ordering::Relaxed), 2, "not quiet");
                quiet.quiet.fetch_add(1, Ordering::Relaxed);
            }),
            ..config(1, 1)
        });
        let twice = Box::new(Twice {
            world: Arc::clone(&world),
            left: 2,
        });
        let slot = scheduler.add(twice, Priority::SOURCE);
        scheduler.wake(slot, Wake::Input);
        scheduler.start().unwrap();
        scheduler.pause();
        world.paused.store(true, Ordering::Relaxed);
        if world.passed.load(Ordering::Relaxed) == 1 {
            BETWEEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        world.paused.store(false, Ordering::Relaxed);
        scheduler.resume();
        assert!(scheduler.wait_quiet(None));
        assert_eq!(world.passed.load(Ordering::Relaxed), 2);
        assert_eq!(world.quiet.load(Ordering::Relaxed), 1);
        scheduler.join();
    });
    assert!(BETWEEN.load(std::sync::atomic::Ordering::Relaxed) > 0);
}

/// Two threads pause; the pool goes on after both have resumed, not before.
#[test]
fn loom_pauses_are_counted() {
    model(2, || {
        let (world, scheduler) = play(1, ExecutorId::DEFAULT);
        let scheduler = Arc::new(scheduler);
        let other = {
            let scheduler = Arc::clone(&scheduler);
            loom::thread::spawn(move || {
                scheduler.pause();
                scheduler.resume();
            })
        };
        scheduler.pause();
        world.paused.store(true, Ordering::Relaxed);
        put_token(&world, &scheduler);
        other.join().unwrap();
        world.paused.store(false, Ordering::Relaxed);
        scheduler.resume();
        scheduler.join_when_shut_down();
    });
}

/// Quiet that a pause has held up is told after it: once.
#[test]
fn loom_quiet_is_told_once_and_after_the_pause() {
    model(2, || {
        let (world, scheduler) = play(1, ExecutorId::new(1));
        scheduler.pause();
        let before = world.quiet.load(Ordering::Relaxed);
        world.paused.store(true, Ordering::Relaxed);
        assert_eq!(world.quiet.load(Ordering::Relaxed), before);
        world.paused.store(false, Ordering::Relaxed);
        scheduler.resume();
        assert!(scheduler.wait_quiet(None));
        // Nothing ever became ready, so there was one quiet moment, before or after the pause.
        assert_eq!(world.quiet.load(Ordering::Relaxed), 1);
        scheduler.join();
        assert_eq!(world.quiet.load(Ordering::Relaxed), 1);
    });
}

/// A pool that is shut down in a pause ends, with a token left over.
#[test]
fn loom_shutdown_ends_a_pause() {
    model(2, || {
        let (world, scheduler) = play(2, ExecutorId::new(1));
        put_token(&world, &scheduler);
        scheduler.pause();
        scheduler.join();
        assert!(scheduler.wait_quiet(None));
    });
}

/// The same if it is shut down while the pause begins.
#[test]
fn loom_shutdown_ends_a_pause_that_begins() {
    model(2, || {
        let (world, scheduler) = play(2, ExecutorId::DEFAULT);
        let waker = scheduler.waker();
        let scheduler = Arc::new(scheduler);
        let other = {
            let scheduler = Arc::clone(&scheduler);
            loom::thread::spawn(move || scheduler.shutdown())
        };
        world.waiting[0].fetch_add(1, Ordering::Relaxed);
        waker.wake(SlotId(0), Wake::Input);
        scheduler.pause();
        scheduler.join_when_shut_down();
        assert!(scheduler.wait_quiet(None));
        other.join().unwrap();
    });
}

/// A wait for quiet ends with the pool, even if no worker is there to tell.
#[test]
fn loom_shutdown_ends_a_wait_for_quiet() {
    model(3, || {
        let scheduler = Arc::new(Scheduler::new(config(1, 0)));
        let other = {
            let scheduler = Arc::clone(&scheduler);
            loom::thread::spawn(move || scheduler.shutdown())
        };
        assert!(scheduler.wait_quiet(None));
        other.join().unwrap();
    });
}

/// A wait for quiet that begins in a pause of a quiet pool ends after it.
#[test]
fn loom_resume_lets_a_wait_for_quiet_go_on() {
    model(3, || {
        let (world, scheduler) = play(usize::MAX, ExecutorId::DEFAULT);
        assert!(scheduler.wait_quiet(None));
        scheduler.pause();
        world.paused.store(true, Ordering::Relaxed);
        let scheduler = Arc::new(scheduler);
        let other = {
            let (world, scheduler) = (Arc::clone(&world), Arc::clone(&scheduler));
            loom::thread::spawn(move || {
                world.paused.store(false, Ordering::Relaxed);
                scheduler.resume();
            })
        };
        assert!(scheduler.wait_quiet(None));
        assert!(!world.paused.load(Ordering::Relaxed));
        other.join().unwrap();
        scheduler.join();
    });
}

/// What was woken before is worked off after: in the slots and in what they wake.
fn model_wait_quiet(second_in: ExecutorId) {
    model(2, move || {
        let (world, scheduler) = play(usize::MAX, second_in);
        for tokens in 1..=2 {
            put_token(&world, &scheduler);
            assert!(scheduler.wait_quiet(None));
            assert_eq!(world.passed.load(Ordering::Relaxed), tokens);
            assert!(world.quiet.load(Ordering::Relaxed) >= tokens);
        }
        scheduler.join();
    });
}

#[test]
fn loom_wait_quiet_waits_for_all() {
    model_wait_quiet(ExecutorId::DEFAULT);
}

#[test]
fn loom_wait_quiet_waits_for_all_executors() {
    model_wait_quiet(ExecutorId::new(1));
}

/// `on_quiet` finds more to do, in the other executor: the wait goes on.
#[test]
fn loom_wait_quiet_waits_for_what_quiet_woke() {
    model(3, || {
        let world = Arc::new(World::default());
        let quiet = Arc::clone(&world);
        let scheduler = Scheduler::new(Config {
            on_quiet: Box::new(move |context| {
                if quiet.quiet.fetch_add(1, Ordering::Relaxed) == 0 {
                    quiet.waiting[1].fetch_add(1, Ordering::Relaxed);
                    context.wake(SlotId(1), Wake::Input);
                }
            }),
            ..config(1, 1)
        });
        for place in 0..2 {
            let world = Arc::clone(&world);
            let hand = Box::new(Hand { world, place });
            let executor = ExecutorId::new(u32::from(place == 1));
            let _ = scheduler.add_to(executor, hand, Priority::SOURCE);
        }
        scheduler.start().unwrap();
        assert!(scheduler.wait_quiet(None));
        assert_eq!(world.passed.load(Ordering::Relaxed), 1);
        assert_eq!(world.quiet.load(Ordering::Relaxed), 2);
        scheduler.join();
    });
}
