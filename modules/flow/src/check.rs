//! The test language of this crate: what arrives at a module in, what it sends out.

use std::fmt::Write as _;

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use bmf_sdk::{ModuleRunner, hmp};
use serde_json::Value;

/// Creates `M` with the given ports connected (`"in finished | out allow"`) and plays it a script.
///
/// A script has parts divided by `|`, after each of which the module runs. In a part, a port's name
/// says where the words after it arrive: `5@20` is a packet (its payload as JSON; `{1,2}@20` is a
/// batch of integers), `->30` a bound, `end` the end of the input, or of all inputs where no name
/// stands before it; `flush` begins anew. Times are microseconds, or `pre`, `min`, `max`, `post`.
///
/// Each part gives a line: what each output sent, and its bound where that is beyond its packets;
/// `end` where the output has ended, `done` when the module has. `left` tells what the module has
/// left on its inputs. Below stand the counts of its report.
pub(crate) fn check<M: ModuleType>(options: Value, ports: &str, script: &str) -> String {
    play(Play::new::<M>(options, ports), script)
}

/// The same under another input policy than the module's own.
pub(crate) fn check_with<M: ModuleType>(
    manager: InputManager,
    options: Value,
    ports: &str,
    script: &str,
) -> String {
    let play_with = Play::new::<M>(options, ports).map(|mut play| {
        play.runner = play.runner.input_manager(manager);
        play
    });
    play(play_with, script)
}

/// A module under test, for tests that need more than a script.
pub(crate) struct Play {
    pub(crate) runner: ModuleRunner,
    inputs: Vec<(String, usize)>,
    outputs: Vec<(String, usize)>,
    shown: Vec<Bound>,
    ended: Vec<bool>,
}

impl Play {
    pub(crate) fn new<M: ModuleType>(options: Value, ports: &str) -> Result<Self, ModuleError> {
        let factory = factory::<M>();
        let (inputs, outputs) = ports.split_once('|').expect("inputs | outputs");
        let indexed = |names: &str, ports: &Ports| -> Vec<(String, usize)> {
            let names = names.split_whitespace();
            names
                .map(|name| {
                    let index = ports.index_of(name);
                    (
                        name.to_owned(),
                        index.unwrap_or_else(|| panic!("no port {name}")),
                    )
                })
                .collect()
        };
        let flags = |ports: &[(String, usize)]| {
            let count = ports.iter().map(|(_, index)| index + 1).max().unwrap_or(0);
            let is_connected = |index| ports.iter().any(|(_, port)| *port == index);
            (0..count).map(is_connected).collect::<Vec<bool>>()
        };
        let inputs = indexed(inputs, &factory.descriptor().inputs);
        let outputs = indexed(outputs, &factory.descriptor().outputs);
        let (connected_in, connected_out) = (flags(&inputs), flags(&outputs));
        Ok(Self {
            runner: ModuleRunner::with_connected(
                &*factory,
                options,
                &connected_in,
                &connected_out,
            )?,
            inputs,
            outputs,
            shown: vec![Bound::START; connected_out.len()],
            ended: vec![false; connected_out.len()],
        })
    }

    /// Plays one part of a script and returns its line.
    pub(crate) fn part(&mut self, part: &str) -> String {
        self.feed(part);
        match self.runner.run() {
            Ok(_) => self.show(),
            Err(error) => {
                let place = error.port().map(|port| format!("{port}: "));
                format!("error: {}{error}", place.unwrap_or_default())
            }
        }
    }

    /// Gives the module what one part of a script says, without running it.
    pub(crate) fn feed(&mut self, part: &str) {
        let mut port = None;
        for word in part.split_whitespace() {
            if let Some((_, index)) = self.inputs.iter().find(|(name, _)| name == word) {
                port = Some(*index);
            } else if word == "end" {
                match port {
                    Some(port) => self.runner.end(port),
                    None => self.runner.end_all(),
                }
            } else if word == "flush" {
                self.runner.flush(None).expect("flushing");
                self.shown.fill(Bound::START);
            } else if let Some(time) = word.strip_prefix("->") {
                self.runner
                    .bound(port.expect("a port's name"), Bound::at(time_of(time)));
            } else {
                self.runner
                    .push(port.expect("a port's name"), packet_of(word));
            }
        }
    }

    fn show(&mut self) -> String {
        let mut all = Vec::new();
        for (name, port) in &self.outputs {
            let packets = self.runner.take(*port);
            let last = packets
                .last()
                .map(|packet| Bound::after(packet.timestamp()));
            let bound = self.runner.output_bound(*port);
            let mut line: Vec<String> = packets.iter().map(show_packet).collect();
            let known = std::mem::replace(&mut self.shown[*port], bound);
            if bound > known.max(last.unwrap_or(known)) {
                line.push(format!("->{}", show_bound(bound)));
            }
            let has_ended = self.runner.is_ended(*port) && !self.runner.is_done();
            if has_ended && !std::mem::replace(&mut self.ended[*port], true) {
                line.push("end".to_owned());
            }
            if !line.is_empty() {
                all.push(format!("{name} {}", line.join(" ")));
            }
        }
        let left = self.inputs.iter().filter_map(|(name, port)| {
            let left = self.runner.left(*port);
            (left > 0).then(|| format!("left {left} on {name}"))
        });
        all.extend(left);
        if self.runner.is_done() {
            all.push("done".to_owned());
        }
        match all.is_empty() {
            true => "-".to_owned(),
            false => all.join(", "),
        }
    }
}

fn play(play: Result<Play, ModuleError>, script: &str) -> String {
    let mut play = match play {
        Ok(play) => play,
        Err(error) => return error.to_string(),
    };
    let mut text = String::new();
    for part in script.split('|') {
        let line = play.part(part);
        writeln!(text, "{line}").expect("writing to text");
        if line.starts_with("error") {
            return text;
        }
    }
    let report = play.runner.close(Ending::Finished).expect("closing");
    let counters = report.counters.iter().filter(|&(_, count)| count > 0);
    let counters: Vec<String> = counters.map(|(name, n)| format!("{name} {n}")).collect();
    text + &counters.join(", ")
}

pub(crate) fn time_of(text: &str) -> Timestamp {
    match text {
        "pre" => Timestamp::PRE_STREAM,
        "min" => Timestamp::MIN,
        "max" => Timestamp::MAX,
        "post" => Timestamp::POST_STREAM,
        micros => Timestamp::from_micros(micros.parse().expect("microseconds")),
    }
}

fn packet_of(word: &str) -> Packet {
    let (value, time) = word.rsplit_once('@').expect("value@time");
    let time = time_of(time);
    if let Some(batch) = value.strip_prefix('{') {
        let numbers = batch.trim_end_matches('}').split(',');
        let numbers = numbers.filter_map(|number| number.parse::<i64>().ok());
        let packets: Vec<Packet> = numbers.map(|n| Packet::new(time, n)).collect();
        return Packet::new(time, packets);
    }
    let value: Value = serde_json::from_str(value).expect("JSON");
    crate::value::packet_of(time, &value)
}

pub(crate) fn show_packet(packet: &Packet) -> String {
    let time = show_bound(Bound::at(packet.timestamp()));
    if let Some(batch) = packet.get::<Vec<Packet>>() {
        let is_at = |item: &Packet| item.timestamp() == packet.timestamp();
        let items: Vec<String> = batch.iter().map(show_payload).collect();
        let note = if batch.iter().all(is_at) { "" } else { "*" };
        return format!("{{{}}}{note}@{time}", items.join(","));
    }
    format!("{}@{time}", show_payload(packet))
}

fn show_payload(packet: &Packet) -> String {
    match crate::value::to_json(packet) {
        Some(value) => value.to_string(),
        None => packet.tag().to_owned(),
    }
}

fn show_bound(bound: Bound) -> String {
    match bound.earliest() {
        None => "nothing".to_owned(),
        Some(hmp::Timestamp::PRE_STREAM) => "pre".to_owned(),
        Some(hmp::Timestamp::MIN) => "min".to_owned(),
        Some(hmp::Timestamp::MAX) => "max".to_owned(),
        Some(hmp::Timestamp::POST_STREAM) => "post".to_owned(),
        Some(time) => time.micros().to_string(),
    }
}
