//! The test language of policies: text in, tasks out.

use std::fmt::Write as _;

use bmf_core::config::{InputManager, InputManagerConfig, TimeOrder};
use bmf_core::{Options, Signal, StreamItem, Task};
use bmf_hmp::{Bound, Packet, Timestamp};

use super::Purpose;
use crate::{Inputs, Link, LinkSender, LinkSettings, Peer, Poll};

/// Sends what `script` says to a node with an input for each letter in it (`a`, `b`, …, at least
/// two), polling after each part, and returns one line per task, then what was dropped.
///
/// `a 10 20 eof | b 10 >30 job`: packets at those times, the end, a bound, the end of a job; a bare
/// `eof` ends all. A packet's value is its time, or what is said: `10=7`; a task shows it where it
/// is not the time. `policy` is a name or a JSON object, then perhaps `bounds` and `budget=2`.
pub(crate) fn check(policy: &str, script: &str) -> String {
    let mut setting = Setting::new(policy, script);
    let mut out = String::new();
    for part in script.split('|') {
        setting.play(part);
        setting.poll(&mut out);
    }
    setting.show_dropped(&mut out);
    out
}

struct Setting {
    senders: Vec<LinkSender>,
    inputs: Inputs,
    budget: usize,
}

impl Setting {
    fn new(policy: &str, script: &str) -> Self {
        let bounds = policy.contains(" bounds");
        let budget = policy.split_once(" budget=");
        let (name, _) = policy.split_once(" b").unwrap_or((policy, ""));
        let letters = script.split('|').filter_map(|part| {
            let word = part.split_whitespace().next()?;
            Some(word).filter(|word| word.len() == 1)
        });
        let ports = letters.map(|word| word.as_bytes()[0] - b'a' + 1).max();
        let ports = usize::from(ports.unwrap_or(0)).max(2);
        let purpose = Purpose {
            ports: (0..ports).map(name_of).collect(),
            bounds,
        };
        let policy =
            super::build(&config(name), &purpose).unwrap_or_else(|issue| panic!("{issue}"));
        let settings = LinkSettings {
            order: match policy.is_timed() {
                true => TimeOrder::Error,
                false => TimeOrder::Any,
            },
            ..LinkSettings::new(100)
        };
        let links = (0..ports).map(|port| {
            let producer = Peer(u32::try_from(port).unwrap());
            Link::new(name_of(port), producer, Peer(99), &settings)
        });
        let (senders, receivers): (Vec<_>, Vec<_>) = links
            .map(|(sender, receiver)| (sender, Some(receiver)))
            .unzip();
        Self {
            senders,
            inputs: Inputs::new(receivers, policy),
            budget: budget.map_or(9, |(_, number)| number.parse().unwrap()),
        }
    }

    fn play(&self, part: &str) {
        let mut words = part.split_whitespace();
        let senders = match words.next().unwrap() {
            "eof" => {
                self.senders
                    .iter()
                    .for_each(|sender| sender.end(&mut |_| {}));
                return;
            }
            letter => &self.senders[usize::from(letter.as_bytes()[0] - b'a')],
        };
        for word in words {
            let item = if let Some(bound) = word.strip_prefix('>') {
                let _ = senders.advance(Bound::at(time(bound)));
                continue;
            } else {
                match word {
                    "eof" => StreamItem::Signal(Signal::Eof),
                    "job" => StreamItem::Signal(Signal::EndOfJob),
                    packet => StreamItem::Packet(read(packet)),
                }
            };
            let items = std::iter::once(item);
            senders.send(items, Bound::START, &mut |_| {}).unwrap();
        }
    }

    fn poll(&mut self, out: &mut String) {
        let connected = vec![true; self.senders.len()];
        let mut task = Task::new(&connected, &[]);
        while !self.inputs.all_ended()
            && self.inputs.poll_task(&mut task, self.budget, &mut |_| {}) == Poll::Task
        {
            writeln!(out, "{}", show(&mut task)).unwrap();
        }
    }

    fn show_dropped(&self, out: &mut String) {
        for sender in &self.senders {
            let link = sender.link();
            let dropped = link.stats().dropped;
            assert_eq!(dropped.total(), dropped.by_policy);
            if dropped.by_policy > 0 {
                writeln!(out, "{} lost {}", link.stream(), dropped.by_policy).unwrap();
            }
        }
    }
}

fn config(text: &str) -> InputManagerConfig {
    if !text.starts_with('{') {
        return InputManager::from_name(text).unwrap().into();
    }
    let mut options = Options::from_value(serde_json::from_str(text).unwrap()).unwrap();
    let name = options.0.shift_remove("name").unwrap();
    InputManagerConfig {
        manager: InputManager::from_name(name.as_str().unwrap()).unwrap(),
        options,
    }
}

fn name_of(port: usize) -> String {
    char::from(b'a' + u8::try_from(port).unwrap()).to_string()
}

fn read(text: &str) -> Packet {
    let (time_text, value) = text.split_once('=').unwrap_or((text, text));
    let time = time(time_text);
    Packet::new(time, value.parse().unwrap_or(time.micros()))
}

fn time(text: &str) -> Timestamp {
    match text {
        "pre" => Timestamp::PRE_STREAM,
        "post" => Timestamp::POST_STREAM,
        "max" => Timestamp::MAX,
        number => Timestamp::from_micros(number.parse().unwrap()),
    }
}

fn short(time: Timestamp) -> String {
    match time {
        Timestamp::PRE_STREAM => "pre".to_owned(),
        Timestamp::POST_STREAM => "post".to_owned(),
        Timestamp::MAX => "max".to_owned(),
        time => time.micros().to_string(),
    }
}

fn show(task: &mut Task) -> String {
    let mut line = task.timestamp().map_or_else(|| "-".to_owned(), short) + ":";
    for (port, input) in task.inputs_mut().iter_mut().enumerate() {
        let packets = input.packets.drain(..);
        let packets: Vec<_> = packets.map(|packet| show_packet(&packet)).collect();
        let job = if input.job_ended { "job" } else { "" };
        let end = if input.ended { "eof" } else { "" };
        write!(line, " {}[{}]{job}{end}", name_of(port), packets.join(" ")).unwrap();
    }
    line
}

fn show_packet(packet: &Packet) -> String {
    let time = packet.timestamp();
    match packet.get::<i64>() {
        Some(value) if *value != time.micros() => format!("{}={value}", short(time)),
        _ => short(time),
    }
}
