//! Many slots that wake each other at random, light and heavy ones mixed, so that publishing,
//! parking and stealing from the shared queue all happen. Nothing may be lost, and it must end.
#![cfg(not(loom))]
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use bmf_scheduler::{
    Config, Context, ExecutorConfig, ExecutorId, Phase, Priority, Schedulable, Scheduler, SlotId,
    Step, Wake,
};

/// Whoever takes that long does not end.
const DEADLINE: Duration = Duration::from_secs(60);

const SLOTS: usize = 24;
const TOKENS: usize = 30_000;

/// What all slots share: tokens that they hand to each other until each has been handed on often
/// enough.
struct World {
    /// Tokens that wait at each slot.
    tokens: Vec<AtomicUsize>,
    /// Whether a worker is inside a slot.
    inside: Vec<AtomicBool>,
    /// Whether a worker is inside a slot of a serial queue.
    inside_queue: Vec<AtomicBool>,
    /// Tokens handed on in sum.
    moves: AtomicUsize,
    slots: OnceLock<Vec<SlotId>>,
    ended: mpsc::Sender<()>,
}

/// Takes one token per step and hands it to a slot chosen by chance.
struct Player {
    index: usize,
    /// The serial queue that it is in.
    queue: Option<usize>,
    dice: u64,
    world: Arc<World>,
}

impl Player {
    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % sides as u64).unwrap()
    }

    /// Some slots are always heavy, some never, some now and then.
    fn work(&mut self) {
        let heavy = match self.index % 4 {
            0 => true,
            1 => self.roll(10) == 0,
            _ => false,
        };
        let end = Instant::now() + Duration::from_micros(50);
        while heavy && Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

impl Schedulable for Player {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        let world = Arc::clone(&self.world);
        let queue = self.queue.map(|queue| &world.inside_queue[queue]);
        let inside: Vec<_> = queue
            .into_iter()
            .chain([&world.inside[self.index]])
            .collect();
        for inside in &inside {
            assert!(
                !inside.swap(true, Ordering::AcqRel),
                "two workers in one slot or queue"
            );
        }
        let own = &world.tokens[self.index];
        let had = own.fetch_update(Ordering::AcqRel, Ordering::Acquire, |tokens| {
            tokens.checked_sub(1)
        });
        let step = match had {
            Err(_) => Step::Idle,
            Ok(before) => {
                self.work();
                let next = self.roll(SLOTS);
                world.tokens[next].fetch_add(1, Ordering::AcqRel);
                context.wake(world.slots.get().unwrap()[next], Wake::Input);
                if world.moves.fetch_add(1, Ordering::AcqRel) + 1 == TOKENS {
                    let _ = world.ended.send(());
                }
                match before {
                    // Without asking again: whoever adds a token wakes this slot.
                    1 => Step::Idle,
                    _ => Step::Again,
                }
            }
        };
        for inside in inside {
            inside.store(false, Ordering::Release);
        }
        step
    }
}

fn play(
    workers: usize,
    queues: usize,
    tokens: usize,
    disturb: impl Fn(&Scheduler, &World, SlotId),
) {
    let serial = ExecutorConfig {
        name: "serial".to_owned(),
        workers: 1,
    };
    let scheduler = Scheduler::new(Config {
        workers,
        executors: vec![serial; queues],
        ..Config::default()
    });
    let (ended, has_ended) = mpsc::channel();
    let world = Arc::new(World {
        tokens: (0..SLOTS).map(|_| AtomicUsize::new(0)).collect(),
        inside: (0..SLOTS).map(|_| AtomicBool::new(false)).collect(),
        inside_queue: (0..queues).map(|_| AtomicBool::new(false)).collect(),
        moves: AtomicUsize::new(0),
        slots: OnceLock::new(),
        ended,
    });
    let mut slots = Vec::new();
    for index in 0..SLOTS {
        let priority = match index % 3 {
            0 => Priority::SOURCE,
            _ => Priority::from_sink(u32::try_from(index).unwrap()),
        };
        let executor = index % (queues + 1);
        let player = Player {
            index,
            queue: executor.checked_sub(1),
            dice: index as u64 + 99,
            world: Arc::clone(&world),
        };
        let executor = ExecutorId::new(u32::try_from(executor).unwrap());
        slots.push(scheduler.add_to(executor, Box::new(player), priority));
    }
    world.slots.set(slots.clone()).unwrap();
    for token in 0..tokens {
        world.tokens[token % SLOTS].fetch_add(1, Ordering::AcqRel);
        scheduler.wake(slots[token % SLOTS], Wake::Input);
    }
    scheduler.start().unwrap();
    let deadline = Instant::now() + DEADLINE;
    let mut round = 0;
    while has_ended.try_recv().is_err() {
        assert!(Instant::now() < deadline, "a token was lost");
        disturb(&scheduler, &world, slots[round % SLOTS]);
        round += 1;
    }
    scheduler.join();
    let left: usize = world
        .tokens
        .iter()
        .map(|tokens| tokens.load(Ordering::Acquire))
        .sum();
    assert_eq!(left, tokens);
}

#[test]
fn tokens_go_round_whatever_they_cost() {
    for workers in [1, 2, 4] {
        // One token: all workers but one sleep. Many: all are busy.
        for tokens in [1, 3, 50] {
            play(workers, 0, tokens, |_, _, _| std::thread::yield_now());
        }
    }
}

#[test]
fn tokens_go_round_between_executors() {
    for (workers, queues) in [(1, 1), (2, 3)] {
        for tokens in [1, 50] {
            play(workers, queues, tokens, |_, _, _| std::thread::yield_now());
        }
    }
}

#[test]
fn wake_ups_from_outside_do_no_harm() {
    for wake in [Wake::Input, Wake::Room, Wake::Always] {
        play(4, 1, 5, |scheduler, _, slot| {
            scheduler.wake(slot, wake);
            std::thread::yield_now();
        });
    }
}

#[test]
fn pauses_stop_everything_and_lose_nothing() {
    for (workers, queues) in [(1, 0), (3, 2)] {
        play(workers, queues, 5, |scheduler, world, slot| {
            scheduler.pause();
            let moves = world.moves.load(Ordering::Acquire);
            scheduler.wake(slot, Wake::Always);
            assert!(scheduler.visit(slot, |_| ()).is_some());
            let inside = |inside: &AtomicBool| inside.load(Ordering::Acquire);
            assert!(!world.inside.iter().any(inside), "a step in a pause");
            assert_eq!(world.moves.load(Ordering::Acquire), moves);
            scheduler.resume();
            std::thread::yield_now();
        });
    }
}

/// Waits in its step until it is released.
struct Stuck {
    begun: mpsc::Sender<()>,
    released: mpsc::Receiver<()>,
}

impl Schedulable for Stuck {
    fn run(&mut self, _: &mut Context<'_>) -> Step {
        self.begun.send(()).unwrap();
        let _ = self.released.recv();
        Step::Done
    }
}

/// Wakes the stuck one and another one, so that both stand in the queue of one worker, and is done.
struct Feeder {
    slots: [SlotId; 2],
}

impl Schedulable for Feeder {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        for slot in self.slots {
            context.wake(slot, Wake::Input);
        }
        Step::Done
    }
}

/// Tells that it has run.
struct Tell(mpsc::Sender<()>);

impl Schedulable for Tell {
    fn run(&mut self, _: &mut Context<'_>) -> Step {
        self.0.send(()).unwrap();
        Step::Idle
    }
}

#[test]
fn what_stands_behind_a_stuck_step_can_be_fetched() {
    let scheduler = Scheduler::new(Config::default());
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let stuck = scheduler.add(Box::new(Stuck { begun, released }), Priority::from_sink(0));
    let other = scheduler.add(Box::new(Tell(tell)), Priority::from_sink(1));
    let slots = [stuck, other];
    let feeder = scheduler.add(Box::new(Feeder { slots }), Priority::SOURCE);
    scheduler.wake(feeder, Wake::Input);
    scheduler.start().unwrap();
    has_begun.recv_timeout(DEADLINE).unwrap();
    assert_eq!(scheduler.stats(other).phase, Phase::Queued);

    scheduler.add_worker().unwrap();
    scheduler.wake(other, Wake::Always);
    told.recv_timeout(DEADLINE).expect("the other slot runs");
    drop(release);
    scheduler.join();
    assert_eq!(scheduler.stats(stuck).phase, Phase::Done);
    // Its first entry was stale, so it ran once; or that was found before the pool ended.
    assert_eq!(scheduler.stats(other).runs, 1);
}
