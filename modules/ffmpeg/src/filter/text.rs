//! From options to FFmpeg's filter text, and the little of that notation that must be understood
//! here: quoting, names and labels. What filters do with their parameters is FFmpeg's business.

use std::fmt::Write as _;

use bmf_sdk::prelude::OptionIssue;

use super::options::{FilterSpec, Options, PadSpec};

/// A graph in FFmpeg's notation and its name for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) text: String,
    pub(super) title: String,
}

impl Description {
    /// The text that `options` stand for.
    ///
    /// # Errors
    /// When pads or links do not fit together.
    pub(super) fn of(options: &Options) -> Result<Self, OptionIssue> {
        if let Some(graph) = &options.graph {
            let title = format!("filter graph \"{graph}\"");
            return Ok(Self {
                text: graph.clone(),
                title,
            });
        }
        if let Some(name) = &options.name {
            let text = call(name, options.para.as_deref());
            return Ok(Self {
                text,
                title: title(name, options.para.as_deref()),
            });
        }
        let text = join(&options.filters)?;
        let title = match options.filters.as_slice() {
            [filter] => title(&filter.name, filter.para.as_deref()),
            _ => format!("filter graph \"{text}\""),
        };
        Ok(Self { text, title })
    }
}

fn title(name: &str, para: Option<&str>) -> String {
    match para {
        Some(para) if !para.is_empty() => format!("filter \"{name}\" with \"{para}\""),
        _ => format!("filter \"{name}\""),
    }
}

/// A filter and its parameters.
fn call(name: &str, para: Option<&str>) -> String {
    let para = para.unwrap_or_default();
    match escaped(para) {
        _ if para.is_empty() => name.to_owned(),
        Some(para) => format!("{name}={para}"),
        None => format!("{name}={para}"),
    }
}

/// Several filters, each a chain of its own, connected by labels only.
fn join(filters: &[FilterSpec]) -> Result<String, OptionIssue> {
    let mut chains = Vec::with_capacity(filters.len());
    for (index, filter) in filters.iter().enumerate() {
        let mut ins = pads('i', index, &filter.inputs, "inputs")?;
        for (other, from) in filters.iter().enumerate() {
            let into_this = from.links.iter().filter(|link| link.output_filter == index);
            ins.extend(into_this.map(|link| (link.output_pin, link_label(other, link.input_pin))));
        }
        let mut outs = pads('o', index, &filter.outputs, "outputs")?;
        for (number, link) in filter.links.iter().enumerate() {
            if link.output_filter >= filters.len() || link.output_filter == index {
                let path = format!("filters.{index}.links.{number}.output_filter");
                let message = format!("there is no other filter {}", link.output_filter);
                return Err(OptionIssue::invalid(path, message));
            }
            outs.push((link.input_pin, link_label(index, link.input_pin)));
        }
        let mut chain = labels(ins, index, "inputs")?;
        chain.push_str(&call(&filter.name, filter.para.as_deref()));
        chain.push_str(&labels(outs, index, "outputs")?);
        chains.push(chain);
    }
    Ok(chains.join(";"))
}

/// Pad number and label of the streams at a filter. The label says the stream (see [`port`]) and
/// is made unique by the filter and the pad.
fn pads(
    side: char,
    filter: usize,
    pads: &[PadSpec],
    key: &str,
) -> Result<Vec<(usize, String)>, OptionIssue> {
    let label = |(number, pad): (usize, &PadSpec)| {
        let stream = pad.stream.as_deref().unwrap_or("0");
        let stream: usize = stream.parse().map_err(|_| {
            let path = format!("filters.{filter}.{key}.{number}.stream");
            OptionIssue::invalid(path, format!("\"{stream}\" is not the index of a stream"))
                .with_hint("count the streams of the node from 0")
        })?;
        Ok((pad.pin, format!("{side}{stream}_{filter}_{}", pad.pin)))
    };
    pads.iter().enumerate().map(label).collect()
}

fn link_label(filter: usize, pin: usize) -> String {
    format!("link{filter}_{pin}")
}

/// Labels in the order of their pads, which must be without gap or repetition.
fn labels(mut pads: Vec<(usize, String)>, filter: usize, key: &str) -> Result<String, OptionIssue> {
    pads.sort();
    let mut text = String::new();
    for (expected, (pin, label)) in pads.iter().enumerate() {
        if *pin != expected {
            let problem = if *pin > expected {
                "has no stream"
            } else {
                "has two streams"
            };
            let pin = expected.min(*pin);
            let message = format!("pin {pin} of filter {filter} {problem}");
            return Err(OptionIssue::invalid(
                format!("filters.{filter}.{key}"),
                message,
            ));
        }
        let _ = write!(text, "[{label}]");
    }
    Ok(text)
}

/// The port of the node that a label of an open pad means: `i1` and `i1_0_2` mean input 1.
pub(super) fn port(label: &str, side: char) -> Option<usize> {
    let number = label.strip_prefix(side)?;
    number.split('_').next()?.parse().ok()
}

/// Parameters as they stand in a graph: what would end them there is escaped, unless the user has
/// quoted it. `None` when a quote is left open.
pub(super) fn escaped(para: &str) -> Option<String> {
    let mut text = String::with_capacity(para.len());
    let mut quoted = false;
    let mut letters = para.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => quoted = !quoted,
            '\\' if !quoted => {
                text.push(letter);
                text.extend(letters.next());
                continue;
            }
            '[' | ']' | ',' | ';' if !quoted => text.push('\\'),
            _ => {}
        }
        text.push(letter);
    }
    (!quoted).then_some(text)
}

/// The names of all filters in a text.
pub(super) fn filter_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for call in calls(text) {
        let mut call = call.trim_start();
        while let Some(after) = call
            .strip_prefix('[')
            .and_then(|label| label.split_once(']'))
        {
            call = after.1.trim_start();
        }
        let end = call.find(['=', '@', '[']).unwrap_or(call.len());
        let name = call[..end].trim();
        if !name.is_empty() && name != "sws_flags" {
            names.push(name.to_owned());
        }
    }
    names
}

/// Cuts a text at the commas and semicolons that nothing quotes.
fn calls(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escape) = (0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if std::mem::take(&mut escape) => {}
            '\\' if !quoted => escape = true,
            '\'' => quoted = !quoted,
            ',' | ';' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use bmf_sdk::serde_json::{Value, from_value, json};

    use super::*;

    fn check(options: Value) -> String {
        match Description::of(&from_value(options).unwrap()) {
            Ok(description) => description.text,
            Err(issue) => format!("{}: {}", issue.path, issue.message),
        }
    }

    #[test]
    fn one_filter() {
        insta::assert_snapshot!(check(json!({"name": "hflip"})), @"hflip");
        insta::assert_snapshot!(check(json!({"name": "scale", "para": "1280:720"})), @"scale=1280:720");
        insta::assert_snapshot!(check(json!({"name": "rotate", "para": 1})), @"rotate=1");
        insta::assert_snapshot!(check(json!({"name": "drawtext", "para": "text='a,b':enable=lt(t,3)"})), @r"drawtext=text='a,b':enable=lt(t\,3)");
        insta::assert_snapshot!(check(json!({"name": "drawtext", "para": r"text=it\'s, [x]"})), @r"drawtext=text=it\'s\, \[x\]");
        assert_eq!(escaped("text='open"), None);
    }

    #[test]
    fn several_filters_are_joined_by_labels() {
        insta::assert_snapshot!(check(json!({"filters": [
            {"name": "scale", "para": "64:64", "inputs": [{"stream": 0, "pin": 0}],
             "links": [{"input_pin": 0, "output_pin": 1, "output_filter": 1}]},
            {"name": "overlay", "inputs": [{"stream": "1", "pin": 0}], "outputs": [{"stream": 0, "pin": 0}]},
        ]})), @"[i0_0_0]scale=64:64[link0_0];[i1_1_0][link0_0]overlay[o0_1_0]");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        insta::assert_snapshot!(check(json!({"filters": [{"name": "a", "inputs": [{"stream": "video", "pin": 0}]}]})), @r#"filters.0.inputs.0.stream: "video" is not the index of a stream"#);
        insta::assert_snapshot!(check(json!({"filters": [{"name": "a", "inputs": [{"stream": 0, "pin": 1}]}]})), @"filters.0.inputs: pin 0 of filter 0 has no stream");
        insta::assert_snapshot!(check(json!({"filters": [{"name": "a", "inputs": [{"pin": 0}, {"pin": 0}]}]})), @"filters.0.inputs: pin 0 of filter 0 has two streams");
        insta::assert_snapshot!(check(json!({"filters": [{"name": "a", "links": [{"output_filter": 4}]}]})), @"filters.0.links.0.output_filter: there is no other filter 4");
    }

    #[test]
    fn names_and_labels_are_found() {
        let names =
            filter_names("sws_flags=lanczos;[a] [b]overlay=x='1,2'[c]; [c]scale@big=4:4,hflip[o0]");
        assert_eq!(names, ["overlay", "scale", "hflip"]);
        assert_eq!(
            (
                port("i12", 'i'),
                port("i1_0_2", 'i'),
                port("in", 'i'),
                port("o1", 'i')
            ),
            (Some(12), Some(1), None, None)
        );
    }
}
