//! The options of the policies: which there are, how they are read, how they name inputs. What they
//! mean is said where each policy is.

use bmf_core::config::{InputManager, InputManagerConfig};
use bmf_core::{OptionIssue, nearest};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Purpose;

const BATCH_SIZE: (&str, &str) = (
    "batch_size",
    "so many tasks come in a row, or none; 1 unless given",
);
const TIMED: (&str, &str) = (
    "timed",
    "one task per time, the earliest first, instead of all that is there",
);
const PRIMARY: (&str, &str) = (
    "primary",
    "the input that sets the pace, by name or number; the first unless given",
);
const BEFORE: (&str, &str) = (
    "before",
    "what stands for an input that has not begun: its \"first\" packet, none (\"empty\"), or there \
     is no task (\"drop\")",
);
const AT_END: (&str, &str) = (
    "at_end",
    "when an input ends: \"repeat\" its last packet, \"end\" all, or leave it \"empty\"",
);
const CLOCK: (&str, &str) = (
    "clock",
    "the input whose packets are ticks, by name or number; the first unless given",
);
const SETS: (&str, &str) = (
    "sets",
    "lists of inputs, by name or number; the inputs in no list are one more set",
);
const BASE: (&str, &str) = (
    "base",
    "the input whose times the others are shifted to, by name or number; the first unless given",
);
const TRIGGER: (&str, &str) = (
    "trigger_queue_size",
    "at so many packets an input loses its oldest; 2 unless given",
);
const TARGET: (&str, &str) = (
    "target_queue_size",
    "so many packets are left then; 1 unless given",
);
const FIXED_MIN: (&str, &str) = (
    "fixed_min_size",
    "packets are lost only when every input has too many; false unless given",
);

/// The options of a policy: name, and what it does in one line.
pub fn known_options(manager: InputManager) -> &'static [(&'static str, &'static str)] {
    match manager {
        InputManager::Immediate => &[TIMED],
        InputManager::Default => &[BATCH_SIZE],
        InputManager::FrameSync => &[PRIMARY, BEFORE, AT_END],
        InputManager::ClockSync => &[CLOCK],
        InputManager::SyncSet => &[SETS],
        InputManager::TimestampAlign => &[BASE],
        InputManager::FixedSize => &[TRIGGER, TARGET, FIXED_MIN],
        InputManager::Server
        | InputManager::Barrier
        | InputManager::EarlyClose
        | InputManager::Mux => &[],
    }
}

/// Reads a policy's options, whose names have been checked.
pub(super) fn read<T: DeserializeOwned>(config: &InputManagerConfig) -> Result<T, OptionIssue> {
    config.options.parse()
}

/// Finds the first option that the policy does not know.
pub(super) fn check_names(config: &InputManagerConfig) -> Result<(), OptionIssue> {
    let known = || known_options(config.manager).iter().map(|(name, _)| *name);
    let unknown = |key: &&String| known().all(|name| name != key.as_str());
    let Some(key) = config.options.0.keys().find(unknown) else {
        return Ok(());
    };
    let issue = OptionIssue::unknown(key.as_str(), known());
    if issue.hint.is_some() {
        return Err(issue);
    }
    let names: Vec<_> = known().collect();
    Err(match names.as_slice() {
        [] => issue.with_hint("it has no options"),
        names => issue.with_hint(format!("its options are {}", names.join(", "))),
    })
}

/// The input that an option names, by its name or its number.
pub(super) fn port(value: &Value, path: &str, purpose: &Purpose) -> Result<usize, OptionIssue> {
    let ports = &purpose.ports;
    let found = match value {
        Value::String(name) => ports.iter().position(|port| port == name),
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number < ports.len()),
        _ => {
            let message = "must be the name of an input, or its number";
            return Err(OptionIssue::invalid(path, message));
        }
    };
    found.ok_or_else(|| {
        let issue = OptionIssue::invalid(path, format!("there is no input {value}"));
        let names = || ports.iter().map(String::as_str);
        match value.as_str().and_then(|name| nearest(name, names())) {
            Some(name) => issue.with_hint(format!("did you mean \"{name}\"?")),
            None => issue.with_hint(format!("the inputs are {}", ports.join(", "))),
        }
    })
}

/// The input that an option names, where the first one is meant unless it does.
pub(super) fn port_or_first(
    value: Option<&Value>,
    path: &str,
    purpose: &Purpose,
) -> Result<usize, OptionIssue> {
    value.map_or(Ok(0), |value| port(value, path, purpose))
}

#[cfg(test)]
mod tests {
    use bmf_core::Options;
    use serde_json::json;

    use super::super::build;
    use super::*;

    /// What is wrong with a policy's options, for a node with the inputs `camera` and `video`.
    fn check(mut config: Value) -> String {
        let name = config["name"].take();
        config.as_object_mut().unwrap().shift_remove("name");
        let config = InputManagerConfig {
            manager: InputManager::from_name(name.as_str().unwrap()).unwrap(),
            options: Options::from_value(config).unwrap(),
        };
        let purpose = Purpose {
            ports: vec!["camera".to_owned(), "video".to_owned()],
            bounds: false,
        };
        match build(&config, &purpose) {
            Ok(_) => "fits".to_owned(),
            Err(issue) => format!(
                "{}: {} ({})",
                issue.path,
                issue.message,
                issue.hint.unwrap_or_default()
            ),
        }
    }

    #[test]
    fn names_and_numbers_of_inputs_fit() {
        for config in [
            json!({"name": "framesync", "primary": "video", "at_end": "end"}),
            json!({"name": "framesync", "primary": 1, "before": "drop"}),
            json!({"name": "clocksync", "clock": "camera"}),
            json!({"name": "syncset", "sets": [["camera"], [1]]}),
            json!({"name": "timestamp_align", "base": "video"}),
            json!({"name": "fixed_size", "trigger_queue_size": 4, "target_queue_size": 4}),
            json!({"name": "mux"}),
        ] {
            assert_eq!(check(config.clone()), "fits", "{config}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        let all = [
            json!({"name": "framesync", "primry": 0}),
            json!({"name": "default", "sets": []}),
            json!({"name": "barrier", "timed": true}),
            json!({"name": "timestamp_align", "base": "vidio"}),
            json!({"name": "clocksync", "clock": 2}),
            json!({"name": "clocksync", "clock": [0]}),
            json!({"name": "syncset", "sets": [["camera"], ["x"]]}),
            json!({"name": "syncset", "sets": [["camera", "video"], [0]]}),
            json!({"name": "framesync", "at_end": "stop"}),
            json!({"name": "default", "batch_size": 0}),
            json!({"name": "fixed_size", "target_queue_size": 3}),
            json!({"name": "fixed_size", "target_queue_size": 0}),
        ];
        insta::assert_snapshot!(all.map(check).join("\n"), @r#"
        primry: unknown option "primry" (did you mean "primary"?)
        sets: unknown option "sets" (its options are batch_size)
        timed: unknown option "timed" (it has no options)
        base: there is no input "vidio" (did you mean "video"?)
        clock: there is no input 2 (the inputs are camera, video)
        clock: must be the name of an input, or its number ()
        sets[1][0]: there is no input "x" (the inputs are camera, video)
        sets[1][0]: input "camera" is listed already ()
        at_end: unknown value "stop", expected one of "repeat", "end", "empty" ()
        batch_size: must be at least 1 ()
        target_queue_size: must be at most trigger_queue_size, which is 2 ()
        target_queue_size: must be at least 1 ()
        "#);
    }

    #[test]
    fn every_known_option_is_read() {
        for (name, manager) in InputManager::ALL {
            for (option, _) in known_options(manager) {
                let said = check(json!({"name": name, *option: {"no": "value"}}));
                assert!(said.starts_with(option), "{name}: {said}");
            }
        }
    }
}
