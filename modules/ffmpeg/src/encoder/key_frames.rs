//! Which pictures must be key frames, by `force_key_frames` and by BMF's segment numbers.

use bmf_ffmpeg::{Expression, parse_duration};
use bmf_sdk::hmp::TimeBase;
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;

use crate::values;

const PATH: &str = "video_params.force_key_frames";

/// The variables of a formula, in the order of their values.
const VARIABLES: [&str; 5] = ["n", "n_forced", "prev_forced_n", "prev_forced_t", "t"];

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Wish {
    /// Nothing: the encoder decides.
    #[default]
    None,
    /// The first picture at each of these times, in microseconds, in order, or after it.
    Times(Vec<i64>),
    /// Where a formula is not 0.
    Formula(String),
    /// Where the source has key frames.
    Source,
}

impl Wish {
    /// # Errors
    /// When it is neither a list of times nor one of the words.
    pub(super) fn of(option: Option<&Value>) -> Result<Self, OptionIssue> {
        let refused = |what: &Value| {
            let message = format!("{what} does not say which pictures are meant");
            OptionIssue::invalid(PATH, message)
                .with_hint("give times in seconds, \"expr:gte(t,n_forced*2)\" or \"source\"")
        };
        let Some(option) = option.filter(|value| !value.is_null()) else {
            return Ok(Self::None);
        };
        let texts: Vec<String> = match option {
            Value::Array(times) => {
                let texts = times.iter().map(values::text);
                texts
                    .collect::<Option<_>>()
                    .ok_or_else(|| refused(option))?
            }
            value => {
                let text = values::text(value).ok_or_else(|| refused(option))?;
                if let Some(formula) = text.strip_prefix("expr:") {
                    let parsed = Expression::parse(formula, &VARIABLES);
                    parsed.map_err(|error| OptionIssue::invalid(PATH, error.to_string()))?;
                    return Ok(Self::Formula(formula.to_owned()));
                }
                if text == "source" {
                    return Ok(Self::Source);
                }
                text.split(',').map(|time| time.trim().to_owned()).collect()
            }
        };
        let times = texts.iter().map(|text| parse_duration(text));
        let mut times = times
            .collect::<Option<Vec<i64>>>()
            .ok_or_else(|| refused(option))?;
        times.sort_unstable();
        Ok(Self::Times(times))
    }
}

/// Follows the pictures of a stream.
pub(super) struct KeyFrames {
    rule: Rule,
    unit: TimeBase,
    /// The time of the first picture.
    first: Option<i64>,
}

enum Rule {
    None,
    /// The times still to come, the next one last, in ticks.
    Times(Vec<i64>),
    Formula(Box<Formula>),
    Source,
}

struct Formula {
    expression: Expression,
    pictures: f64,
    forced: f64,
    last_picture: f64,
    last_time: f64,
}

impl KeyFrames {
    /// For pictures whose times are in `unit`.
    pub(super) fn new(wish: &Wish, unit: TimeBase) -> Result<Self, bmf_ffmpeg::Error> {
        let rule = match wish {
            Wish::None => Rule::None,
            Wish::Times(times) => {
                let ticks = times.iter().rev();
                Rule::Times(
                    ticks
                        .filter_map(|&time| TimeBase::MICROS.rescale(time, unit))
                        .collect(),
                )
            }
            Wish::Formula(text) => Rule::Formula(Box::new(Formula {
                expression: Expression::parse(text, &VARIABLES)?,
                pictures: 0.0,
                forced: 0.0,
                last_picture: f64::NAN,
                last_time: f64::NAN,
            })),
            Wish::Source => Rule::Source,
        };
        Ok(Self {
            rule,
            unit,
            first: None,
        })
    }

    /// Whether the picture at `time` must be one; `is_key` is whether the source had one there, and
    /// the picture is not repeated.
    pub(super) fn is_forced(&mut self, time: i64, is_key: bool) -> bool {
        let first = *self.first.get_or_insert(time);
        match &mut self.rule {
            Rule::None => false,
            Rule::Source => is_key,
            Rule::Times(times) => times.pop_if(|due| *due <= time).is_some(),
            Rule::Formula(formula) => formula.is_forced((time - first) as f64 * self.unit.as_f64()),
        }
    }
}

impl Formula {
    fn is_forced(&mut self, time: f64) -> bool {
        let values = [
            self.pictures,
            self.forced,
            self.last_picture,
            self.last_time,
            time,
        ];
        // FFmpeg's formulas give a number, and anything but 0 is yes.
        let is_forced = self.expression.evaluate(&values) != 0.0;
        if is_forced {
            self.forced += 1.0;
            self.last_picture = self.pictures;
            self.last_time = time;
        }
        self.pictures += 1.0;
        is_forced
    }
}

/// BMF numbers segments in the metadata `sn` of frames: twice the segment's number, and one more where
/// a new one must begin with a key frame.
#[derive(Default)]
pub(super) struct Segments(Option<u64>);

impl Segments {
    /// Whether a picture with this number begins a segment that must begin with a key frame.
    pub(super) fn begins(&mut self, number: Option<&str>) -> bool {
        let Some(number) = number.and_then(|text| text.trim().parse::<u64>().ok()) else {
            return false;
        };
        if number % 2 == 0 {
            return false;
        }
        self.0.replace(number >> 1) != Some(number >> 1)
    }
}

#[cfg(test)]
mod tests {
    use bmf_sdk::serde_json::json;

    use super::*;

    fn check(option: Value) -> String {
        let wish = match Wish::of(Some(&option)) {
            Ok(wish) => wish,
            Err(issue) => return issue.message,
        };
        let mut keys = KeyFrames::new(&wish, TimeBase::new(1, 10).unwrap()).unwrap();
        let pictures = 0..40_i64;
        let forced = pictures.filter(|&time| keys.is_forced(time, time % 15 == 0));
        forced
            .map(|time| time.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn times_formulas_and_the_source() {
        insta::assert_snapshot!(check(json!([2, 0.55, "0:03"])), @"6 20 30");
        insta::assert_snapshot!(check(json!("1, 2.2")), @"10 22");
        insta::assert_snapshot!(check(json!("expr:gte(t,n_forced*1.5)")), @"0 15 30");
        insta::assert_snapshot!(check(json!("expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2)")), @"0 20");
        insta::assert_snapshot!(check(json!("source")), @"0 15 30");
        insta::assert_snapshot!(check(json!(null)), @"");
        insta::assert_snapshot!(check(json!("sometimes")), @r#""sometimes" does not say which pictures are meant"#);
        assert!(check(json!("expr:gte(t")).starts_with("cannot read the formula"));
    }

    #[test]
    fn segments_begin_at_odd_numbers() {
        let mut segments = Segments::default();
        let begins =
            ["2", "3", "3", "5", "6", "7", "x"].map(|number| segments.begins(Some(number)));
        assert_eq!(begins, [false, true, false, true, false, true, false]);
    }
}
