//! A graph as data: what its nodes do, how they are connected, how it is run. Runs nothing; how one
//! follows from a seed is in `generate`.

use std::fmt;

use bmf_core::Options;
use bmf_core::config::{
    InputManager, InputManagerConfig, LinkConfig, OnDeadlock, OnFull, ParallelConfig, TimeOrder,
};
use serde_json::json;

/// The bytes that each test packet counts for.
pub(crate) const ITEM_BYTES: u64 = 64;

/// Time and value of a packet.
pub(crate) type Row = (i64, i64);

/// A graph, and how it is run.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) nodes: Vec<Spec>,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) queue_length_limit: Option<usize>,
    pub(crate) memory_budget: Option<u64>,
    pub(crate) on_deadlock: OnDeadlock,
    /// Workers of each executor beside the default one.
    pub(crate) executors: Vec<usize>,
    pub(crate) scheduler_count: Option<usize>,
    /// Whether the application feeds and reads some streams.
    pub(crate) live: bool,
    /// Whether it feeds one stream after the other.
    pub(crate) one_by_one: bool,
    /// How often the run is paused and resumed.
    pub(crate) pauses: usize,
}

/// A node, or a few that belong together.
#[derive(Clone)]
pub(crate) struct Spec {
    /// Its number, which stays when others are left out.
    pub(crate) id: usize,
    pub(crate) kind: Kind,
    pub(crate) inputs: Vec<Wire>,
    pub(crate) promise: Promising,
    pub(crate) limit: Option<usize>,
    pub(crate) bytes: Option<u64>,
    pub(crate) batch: Option<usize>,
    pub(crate) executor: Option<usize>,
    pub(crate) scheduler: Option<usize>,
    pub(crate) parallel: Option<ParallelConfig>,
    /// In a hundred calls so many take a while.
    pub(crate) lag: usize,
}

/// An input: the stream it takes, and the settings of its link.
#[derive(Clone)]
pub(crate) struct Wire {
    /// The producer's id.
    pub(crate) node: usize,
    pub(crate) port: usize,
    pub(crate) limit: Option<usize>,
    pub(crate) on_full: Option<OnFull>,
    pub(crate) order: Option<TimeOrder>,
}

/// How a node tells bounds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Promising {
    /// Not at all.
    Nothing,
    /// By what it promises of all outputs (`Promise::Offset`, or `PerPort` where that fits).
    Promise,
    /// Call by call; it is called for bounds alone, too.
    Calls,
}

/// What a source sends: items, so many with each of its steps.
#[derive(Clone, Default)]
pub(crate) struct Feed {
    pub(crate) items: Vec<Row>,
    pub(crate) steps: Vec<FeedStep>,
}

/// One call of a source: so many packets (none: a pause), then perhaps the bound behind them.
#[derive(Copy, Clone)]
pub(crate) struct FeedStep {
    pub(crate) packets: usize,
    pub(crate) bound: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Source(Feed),
    /// The application feeds it.
    Fed(Feed),
    /// What comes on input i goes out on output i.
    Pass,
    /// Each packet so many microseconds later.
    Shift(i64),
    /// Leaves out the packets whose value is a multiple.
    Filter(i64),
    /// Each packet so many times; perhaps with times that go back, perhaps sent in mid-call.
    Burst {
        times: i64,
        jumbled: bool,
        early: bool,
    },
    /// Holds all until the end: on the input, or inside.
    Hold {
        inside: bool,
    },
    /// To each output, which may end after so many packets.
    Split {
        ends: Vec<Option<usize>>,
    },
    /// To one output after the other; perhaps whichever has room.
    Demux {
        outputs: usize,
        any_room: bool,
    },
    /// All inputs as they come. Lanes of input i are numbered from `offsets[i]` on.
    Merge {
        manager: Merging,
        offsets: Vec<u32>,
    },
    /// What a policy puts together.
    Join(Policy),
    /// Lets a packet of the first input pass if the second one has an odd value at that time.
    Gate,
    /// An input of numbers chooses one of the others.
    Mux {
        control: Vec<Row>,
    },
    /// A running sum, by a loop that brings the sum back at the next of these times.
    RunningSum {
        times: Vec<i64>,
    },
    /// Joins each packet with what was made of the one before, through so many nodes in between.
    Previous {
        passes: usize,
    },
    /// Lets only so many packets into a loop.
    Limiter {
        in_flight: usize,
        in_queue: usize,
    },
    /// Sends some packets round a loop, up to three times. A packet that has gone round n times is of
    /// the n-th of four lanes for each lane of the input.
    Echo,
    /// Takes everything, or so many packets.
    Sink {
        until: Option<usize>,
        timed: bool,
    },
    /// The application reads everything, or so many packets.
    Read {
        until: Option<usize>,
    },
    /// Of `RunningSum`: each sum at the next time.
    Delay {
        times: Vec<i64>,
    },
    /// Of `Mux`: the numbers.
    Control(Vec<Row>),
    /// Of `Echo`: what goes round again.
    Return,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Merging {
    Immediate,
    Timed,
    Server,
}

#[derive(Clone, Debug)]
pub(crate) enum Policy {
    Default {
        batch_size: usize,
    },
    EarlyClose,
    SyncSet {
        sets: Vec<Vec<usize>>,
    },
    Barrier,
    FixedSize {
        trigger: usize,
        target: usize,
        min: bool,
    },
    FrameSync {
        primary: usize,
        before: &'static str,
        at_end: &'static str,
    },
    /// What these give depends on what arrives first.
    ClockSync,
    TimestampAlign,
}

impl Kind {
    pub(crate) fn is_sink(&self) -> bool {
        matches!(self, Self::Sink { .. } | Self::Read { .. })
    }

    /// How many streams it makes.
    pub(crate) fn outputs(&self, inputs: usize) -> usize {
        match self {
            Self::Pass => inputs,
            Self::Split { ends } => ends.len(),
            Self::Demux { outputs, .. } => *outputs,
            Self::Sink { .. } | Self::Read { .. } => 0,
            _ => 1,
        }
    }

    /// By how much its outputs are later than its inputs.
    pub(crate) fn offset(&self) -> i64 {
        match self {
            Self::Shift(micros) => *micros,
            _ => 0,
        }
    }

    /// Its input policy, if not the default one.
    pub(crate) fn manager(&self) -> Option<InputManagerConfig> {
        match self {
            Self::Merge { manager, .. } => manager.config(),
            Self::Join(policy) => Some(policy.config()),
            Self::Gate | Self::Sink { timed: true, .. } => Some(InputManager::Default.into()),
            Self::Mux { .. } => Some(InputManager::Mux.into()),
            Self::Previous { .. } => Some(InputManager::Default.into()),
            Self::RunningSum { .. } => Some(InputManager::EarlyClose.into()),
            _ => None,
        }
    }
}

impl Merging {
    fn config(self) -> Option<InputManagerConfig> {
        match self {
            Self::Immediate => None,
            Self::Timed => Some(with_options(
                InputManager::Immediate,
                json!({ "timed": true }),
            )),
            Self::Server => Some(InputManager::Server.into()),
        }
    }
}

impl Policy {
    fn config(&self) -> InputManagerConfig {
        match self {
            Self::Default { batch_size: 1 } => InputManager::Default.into(),
            Self::Default { batch_size } => {
                let options = json!({ "batch_size": batch_size });
                with_options(InputManager::Default, options)
            }
            Self::EarlyClose => InputManager::EarlyClose.into(),
            Self::SyncSet { sets } => with_options(InputManager::SyncSet, json!({ "sets": sets })),
            Self::Barrier => InputManager::Barrier.into(),
            Self::FixedSize {
                trigger,
                target,
                min,
            } => {
                let options = json!({
                    "trigger_queue_size": trigger,
                    "target_queue_size": target,
                    "fixed_min_size": min,
                });
                with_options(InputManager::FixedSize, options)
            }
            Self::FrameSync {
                primary,
                before,
                at_end,
            } => {
                let options = json!({ "primary": primary, "before": before, "at_end": at_end });
                with_options(InputManager::FrameSync, options)
            }
            Self::ClockSync => InputManager::ClockSync.into(),
            Self::TimestampAlign => InputManager::TimestampAlign.into(),
        }
    }
}

fn with_options(manager: InputManager, options: serde_json::Value) -> InputManagerConfig {
    InputManagerConfig {
        manager,
        options: Options::from_value(options).unwrap(),
    }
}

impl Wire {
    pub(crate) fn link(&self) -> LinkConfig {
        LinkConfig {
            queue_length_limit: self.limit,
            on_full: self.on_full,
            time_order: self.order,
            ..LinkConfig::default()
        }
    }
}

impl Case {
    /// The same without the node `id` and all that depends on it.
    pub(crate) fn without(&self, id: usize) -> Self {
        let mut gone = vec![id];
        let mut nodes = Vec::new();
        for spec in &self.nodes {
            if spec.id == id || spec.inputs.iter().any(|wire| gone.contains(&wire.node)) {
                gone.push(spec.id);
            } else {
                nodes.push(spec.clone());
            }
        }
        Self {
            nodes,
            ..self.clone()
        }
    }

    /// The same with only these nodes.
    pub(crate) fn only(&self, ids: &[usize]) -> Self {
        let left_out = self.nodes.iter().filter(|spec| !ids.contains(&spec.id));
        let left_out: Vec<_> = left_out.map(|spec| spec.id).collect();
        left_out
            .into_iter()
            .fold(self.clone(), |case, id| case.without(id))
    }

    pub(crate) fn ids(&self) -> String {
        let ids = self.nodes.iter().map(|spec| spec.id.to_string());
        ids.collect::<Vec<_>>().join(",")
    }
}

/// `3=7055 4=12; 9=1>; ;`: the packets of each step, `>` where a bound follows.
impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = self.items.iter();
        f.write_str("\"")?;
        for step in &self.steps {
            for (time, value) in items.by_ref().take(step.packets) {
                write!(f, " {time}={value}")?;
            }
            f.write_str(if step.bound { ">;" } else { ";" })?;
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.settings)?;
        for spec in &self.nodes {
            writeln!(f, "{spec}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{} {:?} <-", self.id, self.kind)?;
        for wire in &self.inputs {
            write!(f, " n{}.{}", wire.node, wire.port)?;
            if wire.link() != LinkConfig::default() {
                write!(f, "({:?} {:?} {:?})", wire.limit, wire.on_full, wire.order)?;
            }
        }
        write!(f, " {:?}", self.promise)?;
        for (name, number) in [("limit", self.limit), ("batch", self.batch)] {
            if let Some(number) = number {
                write!(f, " {name}={number}")?;
            }
        }
        for (name, number) in [("executor", self.executor), ("scheduler", self.scheduler)] {
            if let Some(number) = number {
                write!(f, " {name}={number}")?;
            }
        }
        if let Some(bytes) = self.bytes {
            write!(f, " bytes={bytes}")?;
        }
        if let Some(parallel) = self.parallel {
            write!(
                f,
                " parallel={} {:?}",
                parallel.instances, parallel.distribution
            )?;
        }
        write!(f, " lag={}", self.lag)
    }
}
