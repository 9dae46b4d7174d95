//! The runner against a module that tells what its tasks hold.

use bmf_core::{PortKind, PortSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::Description;

/// Tells what each task holds.
#[derive(Deserialize, JsonSchema)]
struct Options {
    /// What it promises.
    #[serde(default)]
    offset: Option<i64>,
    /// What is added to the times of its packets.
    #[serde(default)]
    shift: i64,
}

struct Probe(Options);

impl Module for Probe {
    fn promise(&self) -> Promise {
        self.0.offset.map_or(Promise::None, Promise::Offset)
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        if self.0.offset.is_none() {
            task.push(0, Packet::new(Timestamp::MIN, "start".to_owned()));
        }
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let times = |input: &bmf_core::TaskInput| {
            let times = input.packets.iter();
            times.map(|packet| packet.timestamp().micros()).collect()
        };
        let held: Vec<Vec<i64>> = task.inputs().iter().map(times).collect();
        let time = held.iter().flatten().min().copied();
        for input in task.inputs_mut() {
            input.packets.clear();
        }
        let time = time.or(task.timestamp().map(Timestamp::micros));
        if let Some(time) = time {
            let time = Timestamp::from_micros(time + self.0.shift);
            task.push(0, Packet::new(time, format!("{held:?}")));
        }
        Ok(Flow::Wait)
    }
}

impl ModuleType for Probe {
    type Options = Options;

    fn describe() -> Description {
        let port = PortSpec::new("port", PortKind::Any, "any packets");
        Description::new("probe", "0")
            .any_inputs(2, None, port.clone())
            .outputs([port])
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self(options))
    }
}

/// Gives `packets` (port, time) and the bounds behind them to a probe under a policy.
fn check(
    manager: InputManager,
    options: Value,
    packets: &[(usize, i64)],
    bounds: &[(usize, i64)],
) -> String {
    let mut runner = ModuleRunner::of::<Probe>(options)
        .unwrap()
        .input_manager(manager);
    let at = Timestamp::from_micros;
    for &(port, time) in packets {
        runner.push(port, Packet::new(at(time), 0_i64));
    }
    for &(port, time) in bounds {
        runner.bound(port, Bound::at(at(time)));
    }
    if let Err(error) = runner.run() {
        return format!("{}: {error}", error.port().unwrap_or("?"));
    }
    let sent = runner.take(0);
    let sent = sent.iter().filter_map(|packet| packet.get::<String>());
    let sent: Vec<&str> = sent.map(String::as_str).collect();
    let bound = runner.output_bound(0);
    runner.end_all();
    let _ = runner.run().unwrap();
    format!("{} then {bound}, done {}", sent.join(" "), runner.is_done())
}

#[test]
fn tasks_are_put_together_as_the_policy_says() {
    let packets = [(0, 1), (0, 5), (1, 2), (1, 5)];
    let none = json!({});
    insta::assert_snapshot!(
        check(InputManager::Immediate, none.clone(), &packets, &[]),
        @"start [[1, 5], [2, 5]] then 0.000002s, done true");
    insta::assert_snapshot!(
        check(InputManager::Default, none.clone(), &packets, &[]),
        @"start [[1], []] [[], [2]] [[5], [5]] then 0.000006s, done true");
    insta::assert_snapshot!(
        check(InputManager::Mux, none, &packets, &[]),
        @"start [[], [2]] [[5], [5]] then 0.000006s, done true");
}

#[test]
fn a_promise_takes_bounds_along_and_is_held_to() {
    let promise = json!({"offset": 0});
    insta::assert_snapshot!(
        check(InputManager::Default, promise, &[(0, 1)], &[(0, 7), (1, 9)]),
        @"[[1], []] then 0.000007s, done true");
    let broken = json!({"offset": 0, "shift": -1});
    let mut runner = ModuleRunner::of::<Probe>(broken).unwrap();
    runner.bound(0, Bound::at(Timestamp::from_micros(5)));
    runner.bound(1, Bound::at(Timestamp::from_micros(5)));
    let _ = runner.run().unwrap();
    runner.push(1, Packet::new(Timestamp::from_micros(5), 0_i64));
    insta::assert_snapshot!(
        runner.run().unwrap_err(),
        @"sent 0.000004s, but had promised 0.000005s or later");
}
