//! What all test modules of a run share: what sinks receive, which packets are alive, what was opened
//! and closed, and where the run is to go wrong.

use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bmf_core::ModuleError;
use bmf_engine::Control;
use bmf_hmp::{Packet, Payload, Timestamp};

use crate::case::ITEM_BYTES;
use crate::model::Got;

/// The payload of all test packets; counts those that are alive.
pub(crate) struct Item {
    pub(crate) value: i64,
    pub(crate) lane: u32,
    bench: Arc<Bench>,
}

#[derive(Default)]
pub(crate) struct Bench {
    alive: AtomicIsize,
    /// What was received, by the id of the sink.
    received: Mutex<Vec<Vec<Got>>>,
    modules: Mutex<Vec<Arc<Calls>>>,
    fault: Option<Fault>,
}

/// How often a module was opened and closed.
pub(crate) struct Calls {
    node: String,
    pub(crate) opened: AtomicU32,
    pub(crate) closed: AtomicU32,
}

/// Something that goes wrong.
pub(crate) struct Fault {
    how: Wrong,
    /// Calls of modules until then.
    calls: AtomicIsize,
    control: Mutex<Option<Control>>,
    pub(crate) happened: AtomicBool,
}

/// What goes wrong.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Error,
    Panic,
    /// In `close`, or `open` if that comes first.
    ErrorAtTheEnds,
    PanicAtTheEnds,
    Cancel,
    Stop,
    /// The graph is dropped.
    Drop,
}

/// Which function of a module is being called.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Start,
    Process,
    Close,
}

impl Payload for Item {
    const TAG: &'static str = "test.item";

    fn bytes(&self) -> usize {
        ITEM_BYTES as usize
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.bench.alive.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Bench {
    pub(crate) fn new(fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self {
            fault,
            ..Self::default()
        })
    }

    pub(crate) fn packet(self: &Arc<Self>, time: i64, value: i64, lane: u32) -> Packet {
        self.alive.fetch_add(1, Ordering::AcqRel);
        let item = Item {
            value,
            lane,
            bench: Arc::clone(self),
        };
        Packet::new(Timestamp::from_micros(time), item)
    }

    pub(crate) fn receive(&self, sink: usize, packet: &Packet) {
        let item = item(packet);
        let got = (item.lane, packet.timestamp().micros(), item.value);
        let mut received = self.received.lock().unwrap();
        if received.len() <= sink {
            received.resize(sink + 1, Vec::new());
        }
        received[sink].push(got);
    }

    pub(crate) fn received(&self) -> Vec<Vec<Got>> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn new_module(&self, node: &str) -> Arc<Calls> {
        let calls = Arc::new(Calls {
            node: node.to_owned(),
            opened: AtomicU32::new(0),
            closed: AtomicU32::new(0),
        });
        self.modules.lock().unwrap().push(Arc::clone(&calls));
        calls
    }

    /// What is left when all should be over.
    pub(crate) fn left_behind(&self) -> Result<(), String> {
        for calls in self.modules.lock().unwrap().iter() {
            let opened = calls.opened.load(Ordering::Acquire);
            let closed = calls.closed.load(Ordering::Acquire);
            if opened != closed || opened > 1 {
                let node = &calls.node;
                return Err(format!(
                    "{node} was opened {opened} times, closed {closed} times"
                ));
            }
        }
        match self.alive.load(Ordering::Acquire) {
            0 => Ok(()),
            alive => Err(format!("{alive} packets are alive")),
        }
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Called with each call of a module: now may be the time when something goes wrong.
    pub(crate) fn may_go_wrong(&self, call: Call) -> Result<(), ModuleError> {
        match &self.fault {
            Some(fault) => fault.may_happen(call),
            None => Ok(()),
        }
    }
}

impl Fault {
    pub(crate) fn new(how: Wrong, calls: usize) -> Self {
        Self {
            how,
            calls: AtomicIsize::new(calls as isize),
            control: Mutex::new(None),
            happened: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_control(&self, control: Control) {
        *self.control.lock().unwrap() = Some(control);
    }

    fn may_happen(&self, call: Call) -> Result<(), ModuleError> {
        let at_the_ends = matches!(self.how, Wrong::ErrorAtTheEnds | Wrong::PanicAtTheEnds);
        let fits = match call {
            Call::Process => !at_the_ends,
            Call::Start => true,
            Call::Open | Call::Close => at_the_ends,
        };
        if !fits || self.calls.fetch_sub(1, Ordering::AcqRel) != 0 {
            return Ok(());
        }
        self.happened.store(true, Ordering::Release);
        match self.how {
            Wrong::Error | Wrong::ErrorAtTheEnds => {
                Err(ModuleError::new(format!("{INJECTED}, in {call:?}")))
            }
            Wrong::Panic | Wrong::PanicAtTheEnds => panic!("{INJECTED}, in {call:?}"),
            Wrong::Cancel => {
                self.control
                    .lock()
                    .unwrap()
                    .iter()
                    .for_each(Control::cancel);
                Ok(())
            }
            Wrong::Stop => {
                self.control.lock().unwrap().iter().for_each(Control::stop);
                Ok(())
            }
            Wrong::Drop => Ok(()),
        }
    }
}

/// What injected errors and panics say.
pub(crate) const INJECTED: &str = "something was to go wrong here";

/// The payload of a test packet.
pub(crate) fn item(packet: &Packet) -> &Item {
    packet
        .get::<Item>()
        .expect("all packets but those of controls are test packets")
}
