//! loom models of the pool: parking, notifying, executors, throttling, shutdown. Whatever is lost
//! leaves threads waiting for ever, which loom reports as a deadlock.

use loom::sync::{Arc, Mutex};

use crate::{
    Config, Context, ExecutorConfig, ExecutorId, Priority, Schedulable, Scheduler, SlotId, Step,
    Wake,
};

/// Runs a model through all interleavings with so many preemptions.
pub(crate) fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(run);
}

/// A default executor, and further ones of one worker each.
pub(crate) fn config(workers: usize, further: usize) -> Config {
    let serial = ExecutorConfig {
        name: "serial".to_owned(),
        workers: 1,
    };
    Config {
        workers,
        executors: vec![serial; further],
        ..Config::default()
    }
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

fn model_link(workers: usize, consumer_in: ExecutorId) {
    model(3, move || {
        let scheduler = Scheduler::new(config(workers, consumer_in.index()));
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
        let _ = scheduler.add_to(
            consumer_in,
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

/// A bounded queue, two slots, throttling and shutdown on one worker, woken from outside.
#[test]
fn loom_pool_of_one_passes_all_items() {
    model_link(1, ExecutorId::DEFAULT);
}

/// The same with two workers: publishing, parking, notifying and shutdown in every order.
#[test]
fn loom_pool_of_two_passes_all_items() {
    model_link(2, ExecutorId::DEFAULT);
}

/// The same with the consumer in another executor: each wake-up goes from one to the other.
#[test]
fn loom_executors_pass_all_items() {
    model_link(1, ExecutorId::new(1));
}
