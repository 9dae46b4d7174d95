//! Packets as text: `5@10` is a packet of value 5 at 10 µs. Values are whole numbers, `T` and `F`,
//! lists (`[1,2]`: a packet of packets) and, else, text. Times are microseconds or one of `pre`,
//! `min`, `max`, `post`.

use bmf_hmp::{Bound, Packet, Timestamp};

const NAMES: [(&str, Timestamp); 4] = [
    ("pre", Timestamp::PRE_STREAM),
    ("min", Timestamp::MIN),
    ("max", Timestamp::MAX),
    ("post", Timestamp::POST_STREAM),
];

pub(crate) fn time(text: &str) -> Timestamp {
    let named = NAMES.iter().find(|(name, _)| *name == text);
    match named {
        Some((_, time)) => *time,
        None => Timestamp::from_micros(text.parse().unwrap_or_else(|_| panic!("time {text}"))),
    }
}

pub(crate) fn show_time(time: Timestamp) -> String {
    let named = NAMES.iter().find(|(_, named)| *named == time);
    named.map_or(time.micros().to_string(), |(name, _)| (*name).to_owned())
}

/// The bound written as `6`: nothing comes before 6; or as `end`: nothing at all.
pub(crate) fn bound(text: &str) -> Bound {
    match text {
        "end" => Bound::NOTHING,
        text => Bound::at(time(text)),
    }
}

pub(crate) fn packet(text: &str) -> Packet {
    let (value, at) = text
        .rsplit_once('@')
        .unwrap_or_else(|| panic!("packet {text}"));
    let at = time(at);
    if let Some(list) = value
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'))
    {
        let items = list.split(',').filter(|item| !item.is_empty());
        let items = items.map(|item| packet(&format!("{item}@0")));
        return Packet::new(at, items.collect::<Vec<Packet>>());
    }
    match (value, value.parse::<i64>()) {
        ("T" | "F", _) => Packet::new(at, value == "T"),
        (_, Ok(number)) => Packet::new(at, number),
        _ => Packet::new(at, value.to_owned()),
    }
}

pub(crate) fn show_value(packet: &Packet) -> String {
    if let Some(&number) = packet.get::<i64>() {
        // Nodes that tell of times send them as numbers.
        return show_time(Timestamp::from_micros(number));
    }
    if let Some(on) = packet.get::<bool>() {
        return if *on { "T" } else { "F" }.to_owned();
    }
    if let Some(items) = packet.get::<Vec<Packet>>() {
        let items: Vec<_> = items.iter().map(show_value).collect();
        return format!("[{}]", items.join(","));
    }
    packet
        .get::<String>()
        .cloned()
        .unwrap_or_else(|| packet.tag().to_owned())
}

pub(crate) fn show(packet: &Packet) -> String {
    format!("{}@{}", show_value(packet), show_time(packet.timestamp()))
}
