//! Control values: switches and indexes in the payload types that graphs and modules use for them,
//! and JSON to and from payloads.

use bmf_sdk::prelude::*;
use serde_json::Value;

/// What a control packet on `port` says: on or off.
///
/// # Errors
/// When it is neither a bool, nor 0 or 1, nor a text of one of them.
pub(crate) fn as_switch(packet: &Packet, port: &str) -> Result<bool, ModuleError> {
    match integer(packet) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(refuse(packet, port, "true or false, or 1 or 0")),
    }
}

/// What a control packet on `port` says: one of `count` things.
///
/// # Errors
/// When it is no integer from 0 to below `count` (a bool counts as 0 or 1).
pub(crate) fn as_index(packet: &Packet, count: usize, port: &str) -> Result<usize, ModuleError> {
    let index = integer(packet).and_then(|index| usize::try_from(index).ok());
    index
        .filter(|&index| index < count)
        .ok_or_else(|| match count {
            0 | 1 => refuse(packet, port, "0, for there is only one"),
            _ => refuse(packet, port, &format!("an index from 0 to {}", count - 1)),
        })
}

/// A payload as JSON, if it has that form.
pub(crate) fn to_json(packet: &Packet) -> Option<Value> {
    let text = packet.get::<String>().map(|text| Value::from(text.clone()));
    packet
        .get::<Value>()
        .cloned()
        .or_else(|| packet.get::<bool>().map(|&on| Value::from(on)))
        .or_else(|| packet.get::<i64>().map(|&number| Value::from(number)))
        .or(text)
}

/// A packet of a JSON value, in the plainest type that holds it.
pub(crate) fn packet_of(time: Timestamp, value: &Value) -> Packet {
    match value {
        Value::Bool(on) => Packet::new(time, *on),
        Value::String(text) => Packet::new(time, text.clone()),
        other => match other.as_i64() {
            Some(number) => Packet::new(time, number),
            None => Packet::new(time, other.clone()),
        },
    }
}

fn integer(packet: &Packet) -> Option<i64> {
    match to_json(packet)? {
        Value::Bool(on) => Some(i64::from(on)),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => match text.trim() {
            "true" => Some(1),
            "false" => Some(0),
            number => number.parse().ok(),
        },
        _ => None,
    }
}

/// The error of a packet on `port` that is not what is wanted there.
pub(crate) fn refuse(packet: &Packet, port: &str, wanted: &str) -> ModuleError {
    let found = match to_json(packet) {
        Some(value) => value.to_string(),
        None => format!("a packet of type {}", packet.tag()),
    };
    ModuleError::new(format!("{found} is not {wanted}"))
        .on_port(port)
        .at(packet.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<T: Payload>(payload: T) -> String {
        let packet = Packet::new(Timestamp::ZERO, payload);
        let tell = |error: ModuleError| format!("{}: {error}", error.port().unwrap_or("?"));
        let switch = as_switch(&packet, "allow").map_or_else(tell, |on| on.to_string());
        let index = as_index(&packet, 3, "select").map_or_else(tell, |index| index.to_string());
        format!("{switch} | {index}")
    }

    #[test]
    fn control_is_taken_from_bools_integers_json_and_text() {
        for (found, value) in [
            (check(true), "true | 1"),
            (check(0_i64), "false | 0"),
            (check(json!(1)), "true | 1"),
            (check(json!(false)), "false | 0"),
            (check(" true\n".to_owned()), "true | 1"),
        ] {
            assert_eq!(found, value);
        }
    }

    #[test]
    fn what_is_no_control_names_its_port() {
        insta::assert_snapshot!(check(2_i64), @"allow: 2 is not true or false, or 1 or 0 | 2");
        insta::assert_snapshot!(check(3_i64), @"allow: 3 is not true or false, or 1 or 0 | select: 3 is not an index from 0 to 2");
        insta::assert_snapshot!(check(json!(-1)), @"allow: -1 is not true or false, or 1 or 0 | select: -1 is not an index from 0 to 2");
        insta::assert_snapshot!(check(vec![1_u8]), @"allow: a packet of type bmf.bytes is not true or false, or 1 or 0 | select: a packet of type bmf.bytes is not an index from 0 to 2");
    }

    #[test]
    fn json_becomes_the_plainest_payload_and_back() {
        for value in [
            json!(true),
            json!(7),
            json!(0.5),
            json!("x"),
            json!([1]),
            json!(null),
        ] {
            let packet = packet_of(Timestamp::ZERO, &value);
            assert_eq!(to_json(&packet), Some(value));
        }
        assert!(packet_of(Timestamp::ZERO, &json!(7)).is::<i64>());
    }
}
