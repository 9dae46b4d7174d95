//! The test language of links: text in, text out.

use std::fmt::Write as _;
use std::sync::Arc;

use bmf_core::config::{OnFull, TimeOrder};
use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::{Budget, LinkReceiver, LinkSender, LinkSettings, Wake};

/// Does what `script` says with a link of those `settings` (`limit=3 bytes=100 budget=200
/// order=error on_full=latest wants_bounds`), and returns a line for each command of it, which says
/// what came of it and who was woken.
///
/// `send 10 20:500 job | bound 30 | refill | take 2 | pause | end | raise | close | look | stats`: a
/// packet is written as its time, perhaps with its size in bytes; `take` refills first.
pub(crate) fn check(settings: &str, script: &str) -> String {
    let (settings, wants_bounds) = read_settings(settings);
    let (sender, receiver) = super::link(&settings);
    if wants_bounds {
        receiver.want_bounds();
    }
    let mut wire = Wire {
        sender,
        receiver,
        settings,
        wakes: Vec::new(),
    };
    let mut out = String::new();
    for command in script.split('|').map(str::trim) {
        let found = wire.play(command);
        let woken = wire.wakes.drain(..).map(|wake| match wake {
            Wake::Input(_) => " +input",
            Wake::Room(_) => " +room",
            Wake::Closed(_) => " +closed",
            Wake::Budget => " +budget",
        });
        let woken: String = woken.collect();
        writeln!(out, "{command}:{found}{woken}").unwrap();
    }
    out
}

struct Wire {
    sender: LinkSender,
    receiver: LinkReceiver,
    settings: LinkSettings,
    wakes: Vec<Wake>,
}

impl Wire {
    fn play(&mut self, command: &str) -> String {
        let mut wake = |wake| self.wakes.push(wake);
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        match name {
            "send" => {
                let items = rest.split_whitespace().map(item);
                let sent = self.sender.send(items, Bound::START, &mut wake);
                return sent.map_or_else(|error| format!(" {error}"), |()| String::new());
            }
            "bound" => {
                let bound = Bound::at(time(rest));
                self.sender.advance(bound).map(wake);
            }
            "end" => self.sender.end(&mut wake),
            "refill" => self.receiver.refill(&mut wake),
            "take" => return self.take(rest.parse().unwrap()),
            "pause" => {
                self.receiver.pause().map(wake);
            }
            "raise" => {
                let raised = self.sender.link().raise_limit();
                wake(raised);
            }
            "close" => self.receiver.close(&mut wake),
            "reset" => self.receiver.reset(&mut wake),
            "look" => return self.look(),
            "stats" => return self.stats(),
            other => panic!("no command '{other}'"),
        }
        String::new()
    }

    fn take(&mut self, most: usize) -> String {
        let mut wake = |wake| self.wakes.push(wake);
        self.receiver.refill(&mut wake);
        let mut out = String::new();
        let mut packets = 0;
        for _ in 0..most {
            let Some(item) = self.receiver.pop() else {
                break;
            };
            packets += usize::from(matches!(item, StreamItem::Packet(_)));
            write!(out, " {}", show(&item)).unwrap();
        }
        self.receiver.taken(packets, &mut wake);
        out
    }

    /// What either end sees.
    fn look(&self) -> String {
        let link = self.sender.link();
        let room = match link.room() {
            usize::MAX => "any".to_owned(),
            room => room.to_string(),
        };
        let head = self.receiver.peek().map_or("nothing".to_owned(), show);
        let must_wait = self.settings.budget.as_ref();
        let budget = match must_wait.is_some_and(|budget| budget.must_wait()) {
            true => " budget used up",
            false => "",
        };
        let bound = show_bound(self.receiver.bound());
        format!(" room {room}, head {head}, bound {bound}{budget}")
    }

    fn stats(&self) -> String {
        let stats = self.sender.link().stats();
        let mut out = format!(" {} sent, {} wait", stats.packets, stats.waiting);
        if let Some(bytes) = stats.waiting_bytes {
            write!(out, " ({bytes} bytes)").unwrap();
        }
        write!(out, ", peak {}", stats.peak).unwrap();
        for (reason, count) in stats.dropped.reasons() {
            if count > 0 {
                write!(out, ", {count} {reason}").unwrap();
            }
        }
        out
    }
}

fn read_settings(text: &str) -> (LinkSettings, bool) {
    let mut settings = LinkSettings::new(9);
    let mut wants_bounds = false;
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "limit" => settings.limit = value.parse().unwrap(),
            "bytes" => settings.bytes = Some(value.parse().unwrap()),
            "budget" => settings.budget = Some(Arc::new(Budget::new(value.parse().unwrap()))),
            "order" => settings.order = named(&TimeOrder::ALL, value),
            "on_full" => settings.on_full = named(&OnFull::ALL, value),
            "wants_bounds" => wants_bounds = true,
            other => panic!("no setting '{other}'"),
        }
    }
    (settings, wants_bounds)
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> T {
    all.iter().find(|(known, _)| *known == name).unwrap().1
}

fn item(text: &str) -> StreamItem {
    match text {
        "job" => return StreamItem::Signal(Signal::EndOfJob),
        "eof" => return StreamItem::Signal(Signal::Eof),
        _ => {}
    }
    let (at, bytes) = text.split_once(':').unwrap_or((text, "1"));
    let bytes: usize = bytes.parse().unwrap();
    StreamItem::Packet(Packet::new(time(at), vec![0_u8; bytes]))
}

pub(crate) fn time(text: &str) -> Timestamp {
    match text {
        "pre" => Timestamp::PRE_STREAM,
        "post" => Timestamp::POST_STREAM,
        "min" => Timestamp::MIN,
        "max" => Timestamp::MAX,
        "done" => Timestamp::from_micros(i64::MAX),
        micros => Timestamp::from_micros(micros.parse().unwrap()),
    }
}

fn show(item: &StreamItem) -> String {
    match item {
        StreamItem::Packet(packet) => show_bound(Bound::at(packet.timestamp())),
        StreamItem::Signal(Signal::Eof) => "eof".to_owned(),
        StreamItem::Signal(Signal::EndOfJob) => "job".to_owned(),
    }
}

fn show_bound(bound: Bound) -> String {
    match bound.earliest() {
        None => "nothing".to_owned(),
        Some(Timestamp::PRE_STREAM) => "pre".to_owned(),
        Some(Timestamp::POST_STREAM) => "post".to_owned(),
        Some(time) => time.micros().to_string(),
    }
}
