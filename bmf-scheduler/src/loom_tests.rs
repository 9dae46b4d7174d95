//! loom models of the slot: its state word and its step count. loom runs each model through every
//! interleaving that its preemption bound allows. The pool is modelled in `loom_pool_tests`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::slot::{AfterRun, OnWake, State};
use crate::table::Slot;
use crate::{Context, ExecutorId, Priority, Schedulable, Step, Wake};

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

/// Stands in a slot whose steps the model makes itself.
struct Nothing;

impl Schedulable for Nothing {
    fn run(&mut self, _: &mut Context<'_>) -> Step {
        Step::Idle
    }
}

/// One step of a slot that has been woken. What it does, it does in the last moment.
fn step(slot: &Slot, what: impl FnOnce()) {
    assert!(slot.state.start());
    slot.count_step(slot.runs());
    what();
    assert_eq!(slot.state.finish(Step::Idle), AfterRun::Rest);
}

/// A token goes from one slot to another and back; one of them is always queued or running until
/// it is used up. Who finds both at rest, and again with equal counts, knows that it was used up in
/// between.
#[test]
fn loom_what_rests_twice_rests_at_once() {
    // Not loom's: it counts through all interleavings.
    static FOUND: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    loom::model(|| {
        let slot = || Slot::new(Box::new(Nothing), Priority::SOURCE, ExecutorId::DEFAULT);
        let slots = Arc::new([slot(), slot()]);
        let used_up = Arc::new(AtomicUsize::new(0));
        assert_eq!(slots[0].state.wake(Wake::Input), OnWake::Enqueue);
        let reader = {
            let (slots, used_up) = (Arc::clone(&slots), Arc::clone(&used_up));
            loom::thread::spawn(move || {
                let look = || slots.each_ref().map(Slot::at_rest);
                let first = look();
                let is_used_up = used_up.load(Ordering::Relaxed) == 1;
                if first.iter().all(Option::is_some) && first == look() {
                    assert!(is_used_up, "a slot was not at rest in between");
                    FOUND.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            })
        };
        let [a, b] = &*slots;
        step(a, || {
            assert_eq!(b.state.wake(Wake::Input), OnWake::Enqueue);
        });
        step(b, || {
            assert_eq!(a.state.wake(Wake::Input), OnWake::Enqueue);
        });
        step(a, || used_up.store(1, Ordering::Relaxed));
        reader.join().unwrap();
    });
    assert!(FOUND.load(std::sync::atomic::Ordering::Relaxed) > 0);
}
