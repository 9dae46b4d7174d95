//! What the border costs per task: a module that passes packets on, called directly, and as the module
//! of a plugin would be. Cases run in turn, several times; printed is the best.
//!
//! `cargo bench -p bmf-bridge --bench border`
#![expect(clippy::print_stdout, reason = "its results")]

use std::hint::black_box;
use std::time::Instant;

use bmf_bridge::in_process;
use bmf_core::drive::DriveOutput;
use bmf_core::{Flow, Module, ModuleContext, ModuleError, StreamItem, Task};
use bmf_hmp::{Packet, Timestamp};

/// Runs per case.
const RUNS: usize = 40;
/// Tasks per run.
const TASKS: u32 = 50_000;

struct PassThrough;

impl Module for PassThrough {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        for port in 0..task.inputs().len() {
            while let Some(packet) = task.pop(port) {
                task.push(port, packet);
            }
        }
        Ok(Flow::Wait)
    }
}

/// Nanoseconds per task of so many packets.
fn run(module: &mut dyn Module, packets: &mut Vec<Packet>) -> f64 {
    let mut task = Task::new(&[true], &[true]);
    let start = Instant::now();
    for _ in 0..TASKS {
        task.inputs_mut()[0].packets.extend(packets.drain(..));
        let flow = module.process(black_box(&mut task));
        assert!(matches!(flow, Ok(Flow::Wait)), "the module failed");
        for item in task.outputs_mut()[0].items_mut().drain(..) {
            if let StreamItem::Packet(packet) = item {
                packets.push(packet);
            }
        }
    }
    start.elapsed().as_nanos() as f64 / f64::from(TASKS)
}

/// Of the run that was disturbed least.
fn least(results: &[f64]) -> f64 {
    results.iter().copied().fold(f64::INFINITY, f64::min)
}

fn main() {
    let context = ModuleContext::new("bench", false, &[true], &[true]);
    for count in [0, 1, 10] {
        let packet = |number| Packet::new(Timestamp::from_micros(number), number);
        let mut packets: Vec<Packet> = (0..count).map(packet).collect();
        let mut direct: Box<dyn Module> = Box::new(PassThrough);
        let mut bridged = in_process::module(Box::new(PassThrough), false);
        for module in [&mut direct, &mut bridged] {
            let opened = module.open(&context);
            let started = module.start(&mut Task::new(&[true], &[true]));
            assert!(opened.is_ok() && started.is_ok(), "the module failed");
        }
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            without.push(run(&mut **black_box(&mut direct), &mut packets));
            with.push(run(&mut **black_box(&mut bridged), &mut packets));
        }
        assert_eq!(packets.len() as i64, count, "packets were lost");
        let (without, with) = (least(&without), least(&with));
        let more = with - without;
        println!(
            "{count:2} packets: direct {without:6.1} ns, bridged {with:6.1} ns, the border {more:6.1} ns"
        );
    }
}
