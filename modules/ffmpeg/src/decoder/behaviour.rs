//! Checks of the options that say how an input is read: pace, repetition, connections, limits.

use bmf_sdk::prelude::*;

use super::options::Options;

/// Longer delays are no delays but hang the graph.
const LONGEST_DELAY: f64 = 3600.0;

impl Options {
    /// How many times as fast as it plays the input is read; `None` for as fast as possible.
    pub(crate) fn pace(&self) -> Option<f64> {
        match self.readrate > 0.0 {
            true => Some(self.readrate),
            false => self.re.then_some(1.0),
        }
    }

    /// The option, if there is one, that makes the decoder read its input more than once.
    pub(crate) fn rereads(&self) -> Option<&'static str> {
        let reconnects = self.reconnect.is_some_and(|policy| policy.attempts > 0);
        match (self.stream_loop, reconnects) {
            (0, false) => None,
            (0, true) => Some("reconnect"),
            _ => Some("stream_loop"),
        }
    }

    /// How long an input of so many microseconds is with all its repetitions; `None` if it never ends.
    pub(crate) fn laps(&self, once: i64) -> Option<i64> {
        let times = Some(self.stream_loop).filter(|&times| times >= 0)?;
        once.checked_mul(times.checked_add(1)?)
    }

    pub(super) fn check_behaviour(&self, issues: &mut Vec<OptionIssue>) {
        self.video_params.check(issues);
        if self.readrate != 0.0 && !(0.001..=1000.0).contains(&self.readrate) {
            let message = "must be from 0.001 to 1000, or 0";
            issues.push(OptionIssue::invalid("readrate", message));
        }
        self.check_loop(issues);
        self.check_raw_packets(issues);
        if let Some(policy) = self.reconnect
            && !(0.0..=LONGEST_DELAY).contains(&policy.delay)
        {
            let message = "must be from 0 to 3600 seconds";
            issues.push(OptionIssue::invalid("reconnect.delay", message));
        }
        if self.max_limit_hits < -1 {
            let message = "must be a number of pictures, or -1";
            issues.push(OptionIssue::invalid("max_limit_hits", message));
        } else if self.max_limit_hits >= 0 && self.max_width_height == 0 {
            let message = "there is no limit, so this does nothing";
            let issue = OptionIssue::invalid("max_limit_hits", message);
            issues.push(issue.with_hint("set max_width_height too"));
        }
    }

    /// Packets that are pushed in come when they come.
    fn check_raw_packets(&self, issues: &mut Vec<OptionIssue>) {
        if !self.push_raw_stream {
            return;
        }
        let pace = self.pace().map(|_| if self.re { "re" } else { "readrate" });
        for key in self.rereads().into_iter().chain(pace) {
            let message = "packets are pushed in, and nothing is read";
            let issue = OptionIssue::invalid(key, message);
            issues.push(issue.with_hint("leave it out, or push_raw_stream"));
        }
    }

    fn check_loop(&self, issues: &mut Vec<OptionIssue>) {
        if self.stream_loop < -1 {
            let message = "must be a number of repetitions, or -1 to repeat for ever";
            issues.push(OptionIssue::invalid("stream_loop", message));
        }
        let starts_late = self.start_time.is_some_and(|start| start > 0.0);
        if self.stream_loop != 0 && (starts_late || !self.durations.is_empty()) {
            let message =
                "the whole input is repeated, which does not go with start_time or durations";
            issues.push(
                OptionIssue::invalid("stream_loop", message).with_hint(
                    "cut the frames behind the decoder, for instance with the filter loop",
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(mut options: Value) -> String {
        options["input_path"] = "a".into();
        let options: Options = match serde_json::from_value(options) {
            Ok(options) => options,
            Err(error) => return error.to_string(),
        };
        let lines = options.issues().into_iter().map(|issue| {
            let hint = issue.hint.as_deref().unwrap_or("-");
            format!("{} | {} | {hint}\n", issue.path, issue.message)
        });
        lines.collect()
    }

    #[test]
    fn values_must_make_sense() {
        insta::assert_snapshot!(check(json!({"re": 1, "stream_loop": -1, "reconnect": {"attempts": 3}, "end_time": 9})), @"");
        insta::assert_snapshot!(check(json!({"readrate": -1, "stream_loop": -2, "max_limit_hits": -5, "reconnect": {"delay": -1}})), @r"
        readrate | must be from 0.001 to 1000, or 0 | -
        stream_loop | must be a number of repetitions, or -1 to repeat for ever | -
        reconnect.delay | must be from 0 to 3600 seconds | -
        max_limit_hits | must be a number of pictures, or -1 | -
        ");
        insta::assert_snapshot!(check(json!({"stream_loop": 1, "start_time": 2})), @"stream_loop | the whole input is repeated, which does not go with start_time or durations | cut the frames behind the decoder, for instance with the filter loop");
        let raw = check(json!({"push_raw_stream": 1, "re": true, "stream_loop": 1}));
        assert!(raw.contains("stream_loop | packets are pushed in, and nothing is read"));
        assert!(raw.contains("re | packets are pushed in, and nothing is read"));
        insta::assert_snapshot!(check(json!({"max_limit_hits": 3})), @"max_limit_hits | there is no limit, so this does nothing | set max_width_height too");
    }

    #[test]
    fn the_rate_of_reading_outranks_the_switch() {
        let pace = |options: Value| serde_json::from_value::<Options>(options).unwrap().pace();
        assert_eq!(pace(json!({})), None);
        assert_eq!(pace(json!({"re": true})), Some(1.0));
        assert_eq!(pace(json!({"re": true, "readrate": 2})), Some(2.0));
    }
}
