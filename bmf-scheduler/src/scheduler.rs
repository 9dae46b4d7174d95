//! The scheduler as its users see it: set up, filled with slots, run, ended. Pausing is in `pause`.

use crate::context::{Context, Schedulable};
use crate::executor::{Executor, ExecutorConfig, ExecutorId};
use crate::pool::Shared;
use crate::ready::Priority;
use crate::slot::Wake;
use crate::sync::{Arc, Gate, Mutex, lock, thread};
use crate::table::{Slot, SlotId, SlotStats};
use crate::waker::Waker;
use crate::worker::Worker;

/// How a pool is set up.
pub struct Config {
    /// How many worker threads [`Scheduler::start`] starts for the default executor; at least one.
    pub workers: usize,
    /// Name of the worker threads: they are called `<name>-<number>`, those of other executors
    /// `<name>-<executor>-<number>`.
    pub name: String,
    /// Executors beside the default one: the first of them is `ExecutorId::new(1)`.
    pub executors: Vec<ExecutorConfig>,
    /// Called by the last worker (of all executors) to run out of work: nothing is ready, nothing
    /// runs. It may wake slots. Called once for each such moment.
    pub on_quiet: Box<dyn Fn(&mut Context<'_>) + Send + Sync>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 1,
            name: "bmf".to_owned(),
            executors: Vec::new(),
            on_quiet: Box::new(|_| {}),
        }
    }
}

/// Executors, their workers, and what they run. All methods may be called from any thread.
pub struct Scheduler {
    pub(crate) shared: Arc<Shared>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Scheduler {
    /// A scheduler without slots. Nothing runs before [`start`](Self::start) or
    /// [`run_here`](Self::run_here).
    pub fn new(config: Config) -> Self {
        let name = config.name;
        let further = config.executors.iter().map(|executor| {
            let thread_prefix = format!("{name}-{}", executor.name);
            Executor::new(thread_prefix, executor.workers)
        });
        let mut executors = vec![Executor::new(name.clone(), config.workers)];
        executors.extend(further);
        Self {
            shared: Arc::new(Shared::new(executors, config.on_quiet)),
            threads: Mutex::new(Vec::new()),
        }
    }

    /// Adds something to run in the default executor; it runs once it is woken.
    pub fn add(&self, task: Box<dyn Schedulable>, priority: Priority) -> SlotId {
        self.add_to(ExecutorId::DEFAULT, task, priority)
    }

    /// Adds something to run on the workers of one executor.
    ///
    /// # Panics
    /// If the scheduler has no such executor.
    pub fn add_to(
        &self,
        executor: ExecutorId,
        task: Box<dyn Schedulable>,
        priority: Priority,
    ) -> SlotId {
        self.check(executor);
        self.shared.table.add(Slot::new(task, priority, executor))
    }

    /// Wakes a slot from outside the workers. Steps use [`Context::wake`].
    pub fn wake(&self, id: SlotId, wake: Wake) {
        self.shared.wake(id, wake);
    }

    /// The same as a handle, for somebody who does not have the scheduler.
    pub fn waker(&self) -> Waker {
        Waker::new(&self.shared)
    }

    /// Starts the worker threads of all executors.
    ///
    /// # Errors
    /// When the system refuses a thread; then none has run anything.
    pub fn start(&self) -> std::io::Result<()> {
        let executors = (0..).map(ExecutorId).zip(&self.shared.executors);
        // All are counted before one runs, or that one might take the pool for quiet.
        let workers: Vec<Worker> = executors
            .flat_map(|(id, executor)| std::iter::repeat_n(id, executor.workers))
            .map(|executor| self.new_worker(executor))
            .collect();
        let gate = Gate::new();
        let mut started = Vec::with_capacity(workers.len());
        let mut spawn = |worker| -> std::io::Result<()> {
            started.push(spawn(worker, gate.clone())?);
            Ok(())
        };
        let result = workers.into_iter().try_for_each(&mut spawn);
        gate.open(result.is_ok());
        if result.is_err() {
            join_all(started);
        } else {
            lock(&self.threads).append(&mut started);
        }
        result
    }

    /// Starts one more worker thread of the default executor, to stand in for one that is stuck in
    /// a step. It runs what [`Wake::Always`] wakes; what else is ready in the queue of the stuck
    /// one stays there.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn add_worker(&self) -> std::io::Result<()> {
        self.add_worker_to(ExecutorId::DEFAULT)
    }

    /// The same for any executor. A serial queue with a second worker is serial no more.
    ///
    /// # Errors
    /// When the system refuses the thread.
    ///
    /// # Panics
    /// If the scheduler has no such executor.
    pub fn add_worker_to(&self, executor: ExecutorId) -> std::io::Result<()> {
        self.check(executor);
        let gate = Gate::new();
        gate.open(true);
        let thread = spawn(self.new_worker(executor), gate)?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Runs on the calling thread until [`shutdown`](Self::shutdown): one worker for all executors,
    /// one order of steps, the same whatever slot belongs to which executor. The oracle for the
    /// parallel run, and the executor for debugging.
    ///
    /// Not for a scheduler that has been started. From now on its executors are one, so that a
    /// worker that is added to any of them can stand in for this one.
    pub fn run_here(&self) {
        self.shared.merge();
        self.new_worker(ExecutorId::DEFAULT).run_until_shutdown();
    }

    /// Ends all workers after their current step. Idempotent; returns at once.
    pub fn shutdown(&self) {
        self.shared.shutdown();
    }

    /// Shuts down and waits for the worker threads. Must not be called from a step.
    pub fn join(&self) {
        self.shutdown();
        self.join_when_shut_down();
    }

    /// Waits until somebody has shut the pool down and its worker threads have ended.
    pub fn join_when_shut_down(&self) {
        let threads: Vec<_> = lock(&self.threads).drain(..).collect();
        join_all(threads);
    }

    /// What a slot has done so far.
    ///
    /// # Panics
    /// If the scheduler has no such slot.
    pub fn stats(&self, id: SlotId) -> SlotStats {
        self.shared.table.get(id).stats()
    }

    /// How many steps of a slot have ended, as [`Context::runs`] tells it.
    ///
    /// # Panics
    /// If the scheduler has no such slot.
    pub fn runs(&self, id: SlotId) -> u64 {
        self.shared.table.get(id).runs()
    }

    /// The same if the slot is at rest; [`Context::at_rest`] says what that is good for.
    ///
    /// # Panics
    /// If the scheduler has no such slot.
    pub fn at_rest(&self, id: SlotId) -> Option<u64> {
        self.shared.table.get(id).at_rest()
    }

    fn new_worker(&self, executor: ExecutorId) -> Worker {
        Worker::new(Arc::clone(&self.shared), executor)
    }

    fn check(&self, executor: ExecutorId) {
        let count = self.shared.executors.len();
        assert!(
            executor.index() < count,
            "there is no executor {}: there are {count}",
            executor.index()
        );
    }
}

/// Starts the thread of a worker, which begins when the gate opens. If the system refuses it, the
/// worker is dropped.
fn spawn(mut worker: Worker, gate: Gate) -> std::io::Result<thread::JoinHandle<()>> {
    crate::sync::spawn(worker.thread_name(), move || {
        if gate.pass() {
            worker.run_until_shutdown();
        }
    })
}

fn join_all(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        // A step that panics against its contract has ended its worker; the others go on.
        let _ = thread.join();
    }
}
