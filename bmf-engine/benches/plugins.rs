//! What it costs that a module is in a library: per task, against the same code linked in; and to load
//! libraries, and to look at many. Cases run in turn, several times; of times per task the least is
//! printed, which was disturbed least, of others the median.
//!
//! `cargo bench -p bmf-engine --bench plugins`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run should end")]
#![expect(clippy::print_stdout, reason = "its results")]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bmf_core::drive::DriveOutput;
use bmf_core::{Diagnostics, Module, ModuleContext, Options, StreamItem, Task};
use bmf_engine::{GraphBuilder, GraphPlan, Node, RunOptions};
use bmf_hmp::{Packet, Timestamp};
use bmf_modules::{Registry, SearchPath};

/// Runs per case.
const RUNS: usize = 40;
/// Tasks per run of a module alone.
const TASKS: u32 = 20_000;
/// Nodes in a chain, beside source and sink.
const CHAIN: usize = 15;
/// Packets through a chain per run.
const PACKETS: i64 = 20_000;
/// Libraries to load, and to look at.
const LIBRARIES: usize = 50;

/// The library of the crate `bmf-fixture`, which cargo puts beside the programs of benches.
fn library() -> PathBuf {
    let name = format!("{DLL_PREFIX}bmf_fixture{DLL_SUFFIX}");
    std::env::current_exe().unwrap().with_file_name(name)
}

/// Registries with the same modules: linked in, and out of the library.
fn registries(folder: &Path) -> [Registry; 2] {
    let linked = Registry::new();
    bmf_fixture::modules()
        .into_iter()
        .for_each(|module| linked.add(module));
    let loaded = Registry::searching(SearchPath::new().with_directory(folder));
    for registry in [&linked, &loaded] {
        bmf_module_basic::modules()
            .into_iter()
            .for_each(|module| registry.add(module));
        registry.add(bmf_sdk::factory::<source::Source>());
    }
    [linked, loaded]
}

fn open(registry: &Registry) -> Box<dyn Module> {
    let kind = registry.get("fixture_pass").unwrap();
    let mut module = kind.create(&Options::default()).unwrap();
    let context = ModuleContext::new("bench", false, &[true], &[true]);
    module.open(&context).unwrap();
    module.start(&mut Task::new(&[true], &[true])).unwrap();
    module
}

/// Nanoseconds per task of so many packets.
fn run_module(module: &mut dyn Module, packets: &mut Vec<Packet>) -> f64 {
    let mut task = Task::new(&[true], &[true]);
    let start = Instant::now();
    for _ in 0..TASKS {
        task.inputs_mut()[0].packets.extend(packets.drain(..));
        let _ = module.process(black_box(&mut task)).unwrap();
        for item in task.outputs_mut()[0].items_mut().drain(..) {
            if let StreamItem::Packet(packet) = item {
                packets.push(packet);
            }
        }
    }
    start.elapsed().as_nanos() as f64 / f64::from(TASKS)
}

/// Nanoseconds per task of a chain, and how many packets a task has.
fn run_chain(registry: &Registry, batch: usize) -> (f64, f64) {
    let mut graph = GraphBuilder::new();
    let settings = |node: Node| node.batch(batch).queue_length_limit((2 * batch).max(5));
    let source = Node::new("source").option("packets", PACKETS);
    let mut last = graph.add(source.option("batch", batch));
    for _ in 0..CHAIN {
        last = graph.add(settings(Node::new("fixture_pass")).input(last));
    }
    graph.add(settings(Node::new("null_sink")).input(last));
    let plan = GraphPlan::new(graph.build(), registry, true, Diagnostics::default()).unwrap();
    let options = RunOptions {
        workers: Some(1),
        ..RunOptions::default()
    };
    let start = Instant::now();
    let outcome = plan.run(&options).unwrap();
    let elapsed = start.elapsed().as_nanos() as f64;
    outcome.result.unwrap();
    let passes = &outcome.nodes[1..=CHAIN];
    let tasks: u64 = passes.iter().map(|node| node.tasks).sum();
    let packets: u64 = passes.iter().map(|node| node.packets_in).sum();
    (elapsed / tasks as f64, packets as f64 / tasks as f64)
}

fn least(results: impl IntoIterator<Item = f64>) -> f64 {
    results.into_iter().fold(f64::INFINITY, f64::min)
}

fn tell(what: &str, [linked, loaded]: [f64; 2]) {
    let more = loaded - linked;
    println!(
        "{what:38} linked in {linked:7.1} ns, loaded {loaded:7.1} ns, the border {more:6.1} ns"
    );
}

fn tasks(folder: &Path) {
    let registries = registries(folder);
    for count in [0, 1, 10] {
        let packet = |number| Packet::new(Timestamp::from_micros(number), number);
        let mut packets: Vec<Packet> = (0..count).map(packet).collect();
        let mut modules = registries.each_ref().map(open);
        let mut results = [f64::INFINITY; 2];
        for _ in 0..RUNS {
            for (module, result) in modules.iter_mut().zip(&mut results) {
                *result = least([*result, run_module(&mut **module, &mut packets)]);
            }
        }
        tell(&format!("a task of {count} packets"), results);
    }
    for batch in [1, 10] {
        let (mut results, mut packets) = ([f64::INFINITY; 2], 0.0);
        for _ in 0..RUNS {
            for (registry, result) in registries.iter().zip(&mut results) {
                let (time, per_task) = run_chain(registry, batch);
                *result = least([*result, time]);
                packets = per_task;
            }
        }
        tell(&format!("a task of a chain, {packets:.1} packets"), results);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed<R>(action: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    (action(), start.elapsed())
}

fn libraries(folder: &Path) {
    let path = |index| folder.join(format!("{DLL_PREFIX}fixture{index}{DLL_SUFFIX}"));
    for index in 0..LIBRARIES {
        std::fs::copy(library(), path(index)).unwrap();
    }
    let cache = folder.join("cache/modules.json");
    let look = || {
        let path = SearchPath::new().with_directory(folder);
        let registry = Registry::searching(path.with_cache(Some(cache.clone())));
        let names = registry.names();
        assert!(registry.describe(&names[0]).is_some());
        names.len()
    };
    let load = |index| {
        timed(|| {
            Registry::new()
                .find_in(&path(index), &["fixture_pass"])
                .unwrap()
        })
        .1
    };
    println!(
        "to load a library                      {:.2?}",
        median((0..LIBRARIES).map(load).collect())
    );
    let (_, first) = timed(look);
    println!("to look at {LIBRARIES} loaded libraries          {first:.2?}");
    let again = (0..20).map(|_| timed(look).1).collect();
    println!(
        "to look at {LIBRARIES} again                     {:.2?}",
        median(again)
    );
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one");
    std::fs::create_dir(&one).unwrap();
    let name = format!("{DLL_PREFIX}bmf_fixture{DLL_SUFFIX}");
    std::fs::copy(library(), one.join(name)).unwrap();
    tasks(&one);
    let many = folder.path().join("many");
    std::fs::create_dir(&many).unwrap();
    libraries(&many);
}

mod source {
    //! Integers, `batch` per task.
    use bmf_sdk::prelude::*;

    #[options]
    pub(crate) struct Options {
        packets: i64,
        batch: i64,
    }

    pub(crate) struct Source {
        next: i64,
        options: Options,
    }

    impl Module for Source {
        fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
            let end = (self.next + self.options.batch).min(self.options.packets);
            for number in self.next..end {
                task.push(0, Packet::new(Timestamp::from_micros(number), number));
            }
            self.next = end;
            let done = self.next == self.options.packets;
            Ok(if done { Flow::Done } else { Flow::More })
        }
    }

    impl ModuleType for Source {
        type Options = Options;

        fn describe() -> Description {
            let port = PortSpec::new("out", PortKind::Any, "integers");
            Description::new("source", "0").outputs([port])
        }

        fn new(options: Options) -> Result<Self, ModuleError> {
            Ok(Self { next: 0, options })
        }
    }
}
