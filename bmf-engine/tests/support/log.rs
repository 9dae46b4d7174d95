//! What the modules of a test graph saw, and the packets they saw.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bmf_hmp::{Packet, Payload, Timestamp};

/// What the modules of a graph saw. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<LogShared>);

#[derive(Default)]
struct LogShared {
    received: Mutex<BTreeMap<String, Vec<(usize, i64)>>>,
    tasks: Mutex<BTreeMap<String, Vec<String>>>,
    calls: Mutex<Vec<String>>,
    alive: Arc<AtomicIsize>,
    made: AtomicUsize,
}

/// The bytes that each test packet counts for.
pub(crate) const ITEM_BYTES: usize = 100;

/// The payload of all test packets; counts those that are alive.
pub(crate) struct Item {
    pub(crate) value: i64,
    alive: Arc<AtomicIsize>,
}

impl Payload for Item {
    const TAG: &'static str = "test.item";

    fn bytes(&self) -> usize {
        ITEM_BYTES
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Log {
    /// A packet with this time and value.
    pub(crate) fn packet(&self, time: i64) -> Packet {
        self.packet_of(time, time)
    }

    pub(crate) fn packet_of(&self, time: i64, value: i64) -> Packet {
        let alive = Arc::clone(&self.0.alive);
        alive.fetch_add(1, Ordering::AcqRel);
        self.0.made.fetch_add(1, Ordering::AcqRel);
        Packet::new(Timestamp::from_micros(time), Item { value, alive })
    }

    pub(crate) fn call(&self, text: String) {
        self.0.calls.lock().unwrap().push(text);
    }

    pub(crate) fn receive(&self, node: &str, port: usize, value: i64) {
        let mut received = self.0.received.lock().unwrap();
        match received.get_mut(node) {
            Some(values) => values.push((port, value)),
            None => drop(received.insert(node.to_owned(), vec![(port, value)])),
        }
    }

    pub(crate) fn task(&self, node: &str, line: String) {
        let mut tasks = self.0.tasks.lock().unwrap();
        tasks.entry(node.to_owned()).or_default().push(line);
    }

    /// Packets that exist now.
    pub(crate) fn alive(&self) -> isize {
        self.0.alive.load(Ordering::Acquire)
    }

    /// Packets ever made.
    pub(crate) fn made(&self) -> usize {
        self.0.made.load(Ordering::Acquire)
    }

    /// What a collecting sink received on a port.
    pub(crate) fn received(&self, node: &str, port: usize) -> Vec<i64> {
        let received = self.0.received.lock().unwrap();
        let values = received.get(node).into_iter().flatten();
        values
            .filter(|(at, _)| *at == port)
            .map(|(_, value)| *value)
            .collect()
    }

    /// How many packets a collecting sink has received.
    pub(crate) fn count(&self, node: &str) -> usize {
        self.0
            .received
            .lock()
            .unwrap()
            .get(node)
            .map_or(0, Vec::len)
    }

    /// The tasks of a `join`, one per line.
    pub(crate) fn joined(&self, node: &str) -> String {
        let tasks = self.0.tasks.lock().unwrap();
        tasks
            .get(node)
            .map(|lines| lines.join("\n"))
            .unwrap_or_default()
    }

    /// All `open`s and `close`s, sorted.
    pub(crate) fn calls(&self) -> String {
        let mut calls = self.0.calls.lock().unwrap().clone();
        calls.sort();
        calls.join("\n")
    }

    /// The `open`s and `close`s in the order in which they happened.
    pub(crate) fn calls_in_order(&self) -> Vec<String> {
        self.0.calls.lock().unwrap().clone()
    }

    /// Every module that was opened was closed, once, afterwards; no packet is left.
    pub(crate) fn assert_clean(&self) {
        let calls = self.calls_in_order();
        for call in &calls {
            let node = call.split(' ').nth(1).unwrap();
            let of_node = |call: &&String| call.split(' ').nth(1) == Some(node);
            let calls: Vec<_> = calls.iter().filter(of_node).collect();
            assert_eq!(calls.len(), 2, "{calls:?}");
            assert!(calls[0].starts_with("open"), "{calls:?}");
            assert!(calls[1].starts_with("close"), "{calls:?}");
        }
        assert_eq!(self.alive(), 0, "packets were leaked");
    }
}
