//! Neighbouring stages as one FFmpeg graph, where the frames stay what they are in graphs of their own.
//!
//! FFmpeg looks at a graph as a whole: it chooses formats so that little is converted, passes on where a
//! stream ends rather than where its last frame does, and a graph that is made anew has forgotten
//! everything. So only filters are joined that make one frame of one frame and remember nothing, and
//! the formats between them are those that each would have had alone.

use bmf_ffmpeg::{FilterGraph, FilterInput, FilterOutput, GraphConfig, VideoInput};
use bmf_sdk::prelude::*;

use super::failure;
use super::options::{FRAME_BY_FRAME, Options};
use super::text::Description;

/// Words in parameters that make a filter count frames, look at the clock of its own graph, throw dice
/// or change size as it runs.
const REMEMBERING: [&str; 9] = [
    "n", "in", "on", "enable", "eval", "random", "st", "ld", "pos",
];

/// Whether two stages that follow each other may share a graph.
pub(super) fn go_together(one: &Options, other: &Options) -> bool {
    one.threads == other.threads && remembers_nothing(one) && remembers_nothing(other)
}

fn remembers_nothing(options: &Options) -> bool {
    let name = options.name.as_deref().unwrap_or_default();
    let para = options.para.as_deref().unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut words = para.split(|letter| !is_part(letter));
    FRAME_BY_FRAME.contains(&name)
        && options.commands.is_empty()
        && !words.any(|word| REMEMBERING.contains(&word))
}

/// The text of a graph of all `parts`, for this input. Each is made alone first, which tells the format
/// behind it, and whose fault it is if that fails.
pub(super) fn text(parts: &[Description], first: FilterInput) -> Result<String, ModuleError> {
    let mut input = first;
    let mut texts = Vec::with_capacity(2 * parts.len());
    for part in parts {
        let config = GraphConfig {
            description: part.text.clone(),
            inputs: vec![(None, input)],
            threads: Some(1),
            ..GraphConfig::default()
        };
        let alone = FilterGraph::new(&config).map_err(|error| failure(&part.title, &error))?;
        let FilterOutput::Video {
            width,
            height,
            pix_fmt,
            time_base,
            frame_rate,
            sample_aspect_ratio,
        } = *alone.output(0)
        else {
            return Err(ModuleError::new(format!("{} gives sound", part.title)));
        };
        texts.push(part.text.clone());
        texts.push(format!("format={}", pix_fmt.name()));
        input = FilterInput::Video(VideoInput {
            width,
            height,
            pix_fmt,
            time_base,
            sample_aspect_ratio,
            frame_rate,
        });
    }
    Ok(texts.join(","))
}

#[cfg(test)]
mod tests {
    use bmf_ffmpeg::PixFmt;
    use bmf_sdk::hmp::{Rational, TimeBase};
    use bmf_sdk::serde_json::{Value, from_value, json};

    use super::*;

    fn stage(name: &str, para: &str) -> Options {
        from_value(json!({"name": name, "para": para})).unwrap()
    }

    #[test]
    fn only_filters_that_remember_nothing_go_together() {
        let with_hflip = |other: Value| {
            let other = from_value(other).unwrap();
            go_together(&stage("hflip", ""), &other)
        };
        assert!(with_hflip(
            json!({"name": "scale", "para": "w=40:h=30:in_range=tv"})
        ));
        assert!(with_hflip(
            json!({"name": "drawbox", "para": "x=t*10:t=fill"})
        ));
        assert!(!with_hflip(json!({"name": "fps", "para": 10})));
        assert!(!with_hflip(json!({"name": "hue", "para": "h=20*n"})));
        assert!(!with_hflip(
            json!({"name": "negate", "para": "enable=gt(t,1)"})
        ));
        assert!(!with_hflip(json!({"name": "negate", "threads": 2})));
        assert!(!with_hflip(json!({"graph": "hflip"})));
        let command = json!([{"time": 1, "command": "brightness", "arg": 1}]);
        assert!(!with_hflip(json!({"name": "eq", "commands": command})));
    }

    #[test]
    fn formats_are_written_down_between_filters() {
        let parts: Vec<_> = [
            ("scale", "40:30"),
            ("format", "rgb24"),
            ("eq", "contrast=2"),
        ]
        .map(|(name, para)| Description::of(&stage(name, para)).unwrap())
        .into();
        let input = FilterInput::Video(VideoInput {
            width: 64,
            height: 48,
            pix_fmt: PixFmt::from_name("yuv420p10le").unwrap(),
            time_base: TimeBase::MICROS,
            sample_aspect_ratio: Rational::ZERO,
            frame_rate: None,
        });
        insta::assert_snapshot!(text(&parts, input).unwrap(), @"scale=40:30,format=yuv420p10le,format=rgb24,format=rgb24,eq=contrast=2,format=yuv444p");
    }
}
