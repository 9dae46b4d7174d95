//! loom models of the two protocols: the slot's state word, and the pool's parking. loom runs each
//! model through every interleaving that its preemption bound allows.

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};

use crate::slot::{AfterRun, OnWake, State};
use crate::{Config, Context, Priority, Schedulable, Scheduler, SlotId, Step, Wake};

/// A packet is pushed, then the slot woken, while its worker is somewhere in a step that ends
/// idle. Whatever the interleaving, somebody runs a step that sees the packet.
#[test]
fn loom_input_is_never_missed() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let queue = Arc::new(AtomicUsize::new(0));
        assert_eq!(state.wake(Wake::Input), OnWake::Enqueue);
        let worker = {
            let (state, queue) = (Arc::clone(&state), Arc::clone(&queue));
            loom::thread::spawn(move || {
                let mut taken = 0;
                loop {
                    assert!(state.start());
                    taken += queue.swap(0, Ordering::Relaxed);
                    if state.finish(Step::Idle) != AfterRun::Enqueue {
                        return taken;
                    }
                }
            })
        };
        queue.fetch_add(1, Ordering::Relaxed);
        let mine = match state.wake(Wake::Input) {
            OnWake::Enqueue => {
                assert!(state.start());
                let taken = queue.swap(0, Ordering::Relaxed);
                assert_eq!(state.finish(Step::Idle), AfterRun::Rest);
                taken
            }
            OnWake::Nothing => 0,
        };
        assert_eq!(worker.join().unwrap() + mine, 1);
    });
}

/// Two threads wake one idle slot: it is queued once.
#[test]
fn loom_a_slot_is_queued_once() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let other = {
            let state = Arc::clone(&state);
            loom::thread::spawn(move || state.wake(Wake::Input) == OnWake::Enqueue)
        };
        let mine = state.wake(Wake::Input) == OnWake::Enqueue;
        assert!(other.join().unwrap() != mine);
    });
}

/// Two workers hold an entry of one slot: one of them runs it.
#[test]
fn loom_a_slot_is_started_once() {
    loom::model(|| {
        let state = Arc::new(State::new());
        assert_eq!(state.wake(Wake::Input), OnWake::Enqueue);
        assert_eq!(state.wake(Wake::Always), OnWake::Enqueue);
        let other = {
            let state = Arc::clone(&state);
            loom::thread::spawn(move || state.start())
        };
        let mine = state.start();
        assert!(other.join().unwrap() != mine);
    });
}

/// A step finds its output full and says so while the consumer makes room: the producer gets
/// going again, once.
#[test]
fn loom_room_is_never_missed() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let room = Arc::new(AtomicUsize::new(0));
        assert_eq!(state.wake(Wake::Input), OnWake::Enqueue);
        let producer = {
            let (state, room) = (Arc::clone(&state), Arc::clone(&room));
            loom::thread::spawn(move || {
                loop {
                    assert!(state.start());
                    let seen = room.load(Ordering::Relaxed);
                    if seen == 1 {
                        assert_eq!(state.finish(Step::Done), AfterRun::Retire);
                        return true;
                    }
                    if state.finish(Step::Throttled) != AfterRun::Enqueue {
                        return false;
                    }
                }
            })
        };
        room.store(1, Ordering::Relaxed);
        let mine = state.wake(Wake::Room) == OnWake::Enqueue;
        let finished = producer.join().unwrap();
        assert!(finished || mine, "the wake-up for room was lost");
    });
}

/// Makes two items for a link that holds one.
struct Producer {
    link: Arc<Mutex<usize>>,
    consumer: SlotId,
    left: usize,
}

impl Schedulable for Producer {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        {
            let mut link = self.link.lock().unwrap();
            if *link == 1 {
                return Step::Throttled;
            }
            *link = 1;
        }
        context.wake(self.consumer, Wake::Input);
        self.left -= 1;
        if self.left == 0 {
            Step::Done
        } else {
            Step::Again
        }
    }
}

/// Takes them, then ends the pool.
struct Consumer {
    link: Arc<Mutex<usize>>,
    producer: SlotId,
    left: usize,
}

impl Schedulable for Consumer {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        if std::mem::take(&mut *self.link.lock().unwrap()) == 0 {
            return Step::Idle;
        }
        context.wake(self.producer, Wake::Room);
        self.left -= 1;
        if self.left > 0 {
            return Step::Again;
        }
        context.shutdown();
        Step::Done
    }
}

fn model_link(workers: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let scheduler = Scheduler::new(Config {
            workers,
            ..Config::default()
        });
        let link = Arc::new(Mutex::new(0));
        let (producer, consumer) = (SlotId(0), SlotId(1));
        let _ = scheduler.add(
            Box::new(Producer {
                link: Arc::clone(&link),
                consumer,
                left: 2,
            }),
            Priority::SOURCE,
        );
        let _ = scheduler.add(
            Box::new(Consumer {
                link,
                producer,
                left: 2,
            }),
            Priority::from_sink(0),
        );
        scheduler.start().unwrap();
        scheduler.wake(producer, Wake::Input);
        // Ends only if the consumer got both: a lost wake-up would be a deadlock, which loom
        // reports.
        scheduler.join_when_shut_down();
    });
}

/// The whole pool with one worker, woken from outside.
#[test]
fn loom_pool_of_one_passes_all_items() {
    model_link(1);
}

/// The same with two workers: publishing, parking, notifying and shutdown in every order.
#[test]
fn loom_pool_of_two_passes_all_items() {
    model_link(2);
}
