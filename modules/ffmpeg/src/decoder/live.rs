//! Inputs from a network: what they get if the user says nothing, and when a lost connection is made
//! again. Opens nothing itself; that is [`source`](super::source).

use std::fmt;

use bmf_ffmpeg::{Dict, names};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::pacing::SLICE;

/// After so many microseconds without a byte, a connection is lost.
const TIMEOUT: &str = "10000000";

/// Puts into `options` what makes reading `url` robust, where neither the user has said something else
/// nor FFmpeg lacks the option. Local files get nothing. Returns the names.
pub(crate) fn add_defaults(url: &str, options: &mut Dict) -> Vec<&'static str> {
    let wanted: &[(&'static str, &str)] = match scheme(url) {
        // Over UDP, FFmpeg's first choice, pictures lose parts.
        "rtsp" | "rtsps" => &[("rtsp_transport", "tcp"), timeout_of(url)],
        "http" | "https" => &[
            ("reconnect", "1"),
            ("reconnect_streamed", "1"),
            ("reconnect_delay_max", "5"),
        ],
        "srt" => &[("timeout", TIMEOUT)],
        // Otherwise a reader that is late for a moment ends the stream.
        "udp" => &[("overrun_nonfatal", "1")],
        _ => &[],
    };
    let known = names::input_options(url);
    let wanted = wanted.iter().filter(|(name, _)| known.contains(*name));
    // Known to all protocols, but to no list.
    let timeout = waits_for_a_server(url).then_some(&("rw_timeout", TIMEOUT));
    let added = wanted.chain(timeout).filter(|(name, value)| {
        let is_new = options.get(name).is_none();
        options.set_default(name, value);
        is_new
    });
    added.map(|&(name, _)| name).collect()
}

/// FFmpeg before 5.0 called it otherwise, and meant something else by the new name.
fn timeout_of(url: &str) -> (&'static str, &'static str) {
    match names::input_options(url).contains("stimeout") {
        true => ("stimeout", TIMEOUT),
        false => ("timeout", TIMEOUT),
    }
}

fn waits_for_a_server(url: &str) -> bool {
    let scheme = scheme(url);
    ["http", "https", "tcp", "tls", "mmsh", "mmst", "ftp"].contains(&scheme)
        || scheme.starts_with("rtmp")
}

/// The part before the colon.
fn scheme(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// How often and how fast a lost connection is made again.
#[derive(Copy, Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Reconnect {
    /// How often it is tried without success; 0 ends with the first loss.
    pub(crate) attempts: u32,
    /// Seconds before each attempt.
    pub(crate) delay: f64,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            attempts: 5,
            delay: 1.0,
        }
    }
}

impl Reconnect {
    /// For an input that does not say how long it is: those protocols that carry nothing but live
    /// media are worth another attempt, others may simply have ended.
    pub(crate) fn by_default(url: &str) -> Option<Self> {
        let scheme = scheme(url);
        let is_live = ["rtsp", "rtsps", "srt"].contains(&scheme) || scheme.starts_with("rtmp");
        is_live.then(Self::default)
    }

    /// How many slices of waiting make the delay.
    fn slices(&self) -> u64 {
        (self.delay * 1e6 / SLICE as f64).ceil() as u64
    }
}

/// For `deserialize_with`: an object, a number of attempts, or a boolean.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Reconnect>, D::Error> {
    let attempts = |attempts| Reconnect {
        attempts,
        ..Reconnect::default()
    };
    let invalid = |value: &dyn fmt::Display| {
        let message =
            format!("expected a number of attempts, true, false, or an object, not {value}");
        de::Error::custom(message)
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(true) => Ok(Some(Reconnect::default())),
        Value::Bool(false) => Ok(Some(attempts(0))),
        Value::Number(number) => {
            let count = number.as_u64().and_then(|count| u32::try_from(count).ok());
            count
                .map(attempts)
                .map(Some)
                .ok_or_else(|| invalid(&number))
        }
        object @ Value::Object(_) => Reconnect::deserialize(object)
            .map(Some)
            .map_err(de::Error::custom),
        other => Err(invalid(&other)),
    }
}

/// For `schema_with`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let object = Reconnect::json_schema(generator);
    json_schema!({ "anyOf": [object, { "type": "integer", "minimum": 0 }, { "type": "boolean" }, { "type": "null" }] })
}

/// What becomes of an input whose connection is lost.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    policy: Reconnect,
    /// Attempts since something was read.
    failed: u32,
    /// Slices to wait before the next one.
    waiting: u64,
    is_lost: bool,
    /// How often the connection was made again.
    made: u64,
}

/// What to do next about a lost connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for one slice.
    Wait,
    /// Connect.
    Connect,
}

impl Recovery {
    pub(crate) fn new(policy: Reconnect) -> Self {
        Self {
            policy,
            failed: 0,
            waiting: 0,
            is_lost: false,
            made: 0,
        }
    }

    /// How often the connection was made again.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Whether there is no connection at present.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Something was read.
    pub(crate) fn arrived(&mut self) {
        self.failed = 0;
    }

    /// The connection is lost, or could not be made. Returns whether it is to be tried (again).
    pub(crate) fn lost(&mut self) -> bool {
        self.is_lost = self.failed < self.policy.attempts;
        self.waiting = self.policy.slices();
        self.is_lost
    }

    /// Asked as long as it is lost.
    pub(crate) fn next(&mut self) -> Next {
        if self.waiting > 0 {
            self.waiting -= 1;
            return Next::Wait;
        }
        self.failed += 1;
        Next::Connect
    }

    /// The connection is made again.
    pub(crate) fn regained(&mut self) {
        self.is_lost = false;
        self.made += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(url: &str, given: &[(&str, &str)]) -> String {
        let mut options: Dict = given.iter().copied().collect();
        add_defaults(url, &mut options);
        format!("{options:?}")
    }

    #[test]
    fn network_inputs_time_out_and_files_do_not() {
        insta::assert_snapshot!(check("rtsp://camera/1", &[]), @r#"{"rtsp_transport": "tcp", "timeout": "10000000"}"#);
        insta::assert_snapshot!(check("rtsp://camera/1", &[("rtsp_transport", "udp"), ("timeout", "5")]), @r#"{"rtsp_transport": "udp", "timeout": "5"}"#);
        insta::assert_snapshot!(check("https://host/a.m3u8", &[("reconnect", "0")]), @r#"{"reconnect": "0", "reconnect_streamed": "1", "reconnect_delay_max": "5", "rw_timeout": "10000000"}"#);
        insta::assert_snapshot!(check("rtmp://host/app/x", &[]), @r#"{"rw_timeout": "10000000"}"#);
        insta::assert_snapshot!(check("srt://host:1", &[]), @r#"{"timeout": "10000000"}"#);
        insta::assert_snapshot!(check("udp://239.0.0.1:1", &[]), @r#"{"overrun_nonfatal": "1"}"#);
        insta::assert_snapshot!(check("/tmp/a.mp4", &[]), @"{}");
    }

    #[test]
    fn policies_are_written_in_several_ways() {
        let read = |value: Value| match deserialize(value) {
            Ok(policy) => format!("{policy:?}"),
            Err(error) => error.to_string(),
        };
        insta::assert_snapshot!(read(json!(true)), @"Some(Reconnect { attempts: 5, delay: 1.0 })");
        insta::assert_snapshot!(read(json!(2)), @"Some(Reconnect { attempts: 2, delay: 1.0 })");
        insta::assert_snapshot!(read(json!(false)), @"Some(Reconnect { attempts: 0, delay: 1.0 })");
        insta::assert_snapshot!(read(json!({"delay": 0.5})), @"Some(Reconnect { attempts: 5, delay: 0.5 })");
        insta::assert_snapshot!(read(json!("often")), @r#"expected a number of attempts, true, false, or an object, not "often""#);
        assert!(Reconnect::by_default("rtsp://camera").is_some());
        assert_eq!(Reconnect::by_default("http://host/film"), None);
    }

    /// What becomes of losses (`L`), failed attempts (`f`), successful ones (`s`) and packets (`p`).
    fn life(policy: Reconnect, events: &str) -> String {
        let mut recovery = Recovery::new(policy);
        let mut seen = String::new();
        let mut attempt = |recovery: &mut Recovery| {
            while recovery.next() == Next::Wait {
                seen.push('.');
            }
        };
        let mut told = Vec::new();
        for event in events.chars() {
            match event {
                'p' => recovery.arrived(),
                's' => {
                    attempt(&mut recovery);
                    recovery.regained();
                }
                'f' => {
                    attempt(&mut recovery);
                    told.push(recovery.lost());
                }
                _ => told.push(recovery.lost()),
            }
        }
        format!("{told:?} {seen} {}", recovery.made())
    }

    #[test]
    fn attempts_are_counted_since_the_last_packet() {
        let policy = Reconnect {
            attempts: 2,
            delay: 0.02,
        };
        insta::assert_snapshot!(life(policy, "pLff"), @"[true, true, false] .... 0");
        insta::assert_snapshot!(life(policy, "pLspLspLs"), @"[true, true, true] ...... 3");
        insta::assert_snapshot!(life(policy, "pLsLsL"), @"[true, true, false] .... 2");
        insta::assert_snapshot!(life(Reconnect { attempts: 0, ..policy }, "pL"), @"[false]  0");
    }
}
