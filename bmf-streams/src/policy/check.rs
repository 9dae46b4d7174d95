//! The test language of policies: text in, tasks out.

use std::fmt::Write as _;

use bmf_core::config::InputManager;
use bmf_core::{StreamItem, Task};
use bmf_hmp::{Packet, Timestamp};

use crate::{Inputs, Link, Peer};

/// Sends what `script` says (`a 10 20 eof | b 10`; a bare `eof` ends both) to a node with the inputs
/// `a` and `b`, polling after each part, and returns one line per task.
pub(crate) fn check(manager: &str, budget: usize, script: &str) -> String {
    let manager = InputManager::from_name(manager).unwrap();
    let (a, a_in) = Link::new("a", Peer(0), Peer(2), 100);
    let (b, b_in) = Link::new("b", Peer(1), Peer(2), 100);
    let policy = super::for_manager(manager).unwrap();
    let mut inputs = Inputs::new(vec![Some(a_in), Some(b_in)], policy);
    let mut out = String::new();
    for part in script.split('|') {
        let mut words = part.split_whitespace();
        match words.next().unwrap() {
            "eof" => {
                let _ = (a.end(), b.end());
            }
            name => {
                let sender = if name == "a" { &a } else { &b };
                for word in words {
                    let _ = match word {
                        "eof" => sender.end(),
                        number => sender.send(std::iter::once(packet(number.parse().unwrap()))),
                    };
                }
            }
        }
        let mut task = Task::new(&[true, true], &[]);
        while inputs.poll_task(&mut task, budget, &mut |_| {}) {
            writeln!(out, "{}", show(&mut task)).unwrap();
        }
    }
    out
}

fn packet(micros: i64) -> StreamItem {
    StreamItem::Packet(Packet::new(Timestamp::from_micros(micros), micros))
}

fn show(task: &mut Task) -> String {
    let mut line = match task.timestamp() {
        Some(time) => format!("{}:", time.micros()),
        None => "-:".to_owned(),
    };
    for (input, name) in task.inputs_mut().iter_mut().zip(["a", "b"]) {
        let packets: Vec<_> = input
            .packets
            .drain(..)
            .map(|packet| packet.timestamp().micros().to_string())
            .collect();
        let end = if input.ended { "eof" } else { "" };
        write!(line, " {name}[{}]{end}", packets.join(" ")).unwrap();
    }
    line
}
