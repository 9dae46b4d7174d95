//! Graphs that nobody would write: decoder, filters and encoder with options at random. Most can run, for what is
//! refused at once tries out little; some cannot.

use serde_json::{Map, Value, json};

use super::values::{self, OUTPUTS, Table};
use crate::damage::Random;

/// One option in so many is set to something that makes sense.
const OFTEN: usize = 7;
/// One in so many to something that seldom does.
const SELDOM: usize = 120;

/// A graph that reads `input`.
pub(super) fn any(input: &str, random: &mut Random) -> Value {
    let mut decoder = options(random, values::DECODER, values::DECODER_ODD);
    decoder.insert("input_path".to_owned(), input.into());
    let mut nodes = vec![json!({
        "id": 0, "module_info": { "name": "c_ffmpeg_decoder" }, "option": decoder,
        "output_streams": [{ "identifier": "video:v0" }, { "identifier": "audio:a0" }],
    })];
    let video = chain(
        &mut nodes,
        'v',
        [values::VIDEO, values::VIDEO_JOINS],
        random,
    );
    let audio = chain(
        &mut nodes,
        'a',
        [values::AUDIO, values::AUDIO_JOINS],
        random,
    );
    for number in 0..1 + usize::from(random.once_in(4)) {
        let mut inputs = vec![
            json!({ "identifier": video }),
            json!({ "identifier": audio }),
        ];
        match random.below(6) {
            0 => inputs.truncate(1),
            1 => inputs[0] = json!({ "identifier": "" }),
            _ => {}
        }
        end(&mut nodes, number, inputs, random);
    }
    json!({ "option": options(random, values::GRAPH, &[]), "nodes": nodes })
}

/// Up to three filters, the last of which may join the stream with where it began; gives the stream that comes out.
fn chain(
    nodes: &mut Vec<Value>,
    letter: char,
    [filters, joins]: [Table; 2],
    random: &mut Random,
) -> String {
    let first = format!("{letter}0");
    let mut stream = first.clone();
    let count = random.below(4);
    for number in 1..=count {
        let is_join = number == count && random.once_in(4);
        let from = match is_join {
            _ if random.once_in(SELDOM) => values::FILTERS_ODD,
            true => joins,
            false => filters,
        };
        let (name, para) = *random.pick(from);
        let mut inputs = vec![json!({ "identifier": stream })];
        if is_join {
            inputs.push(json!({ "identifier": first }));
        }
        let mut option = options(random, values::FILTER, &[]);
        option.insert("name".to_owned(), name.into());
        if !para.is_empty() {
            option.insert("para".to_owned(), para.into());
        }
        stream = format!("{letter}{number}");
        nodes.push(json!({
            "id": nodes.len(), "module_info": { "name": "c_ffmpeg_filter" }, "option": option,
            "input_streams": inputs, "output_streams": [{ "identifier": stream }],
        }));
    }
    stream
}

/// An encoder, and somebody who takes what it pushes.
fn end(nodes: &mut Vec<Value>, number: usize, inputs: Vec<Value>, random: &mut Random) {
    let option = encoder(number, random);
    let pushed = json!([{ "identifier": format!("p{number}") }]);
    let is_pushing = option.contains_key("push_output");
    let outputs = if is_pushing {
        pushed.clone()
    } else {
        json!([])
    };
    nodes.push(json!({
        "id": nodes.len(), "module_info": { "name": "c_ffmpeg_encoder" }, "option": option,
        "input_streams": inputs, "output_streams": outputs,
    }));
    if is_pushing {
        nodes.push(json!({
            "id": nodes.len(), "module_info": { "name": "null_sink" }, "input_streams": pushed,
        }));
    }
}

fn encoder(number: usize, random: &mut Random) -> Map<String, Value> {
    let output = random.pick(OUTPUTS);
    let mut video = codec(output.video, random);
    video.extend(options(random, values::PICTURES, values::PICTURES_ODD));
    if random.once_in(OFTEN) {
        video.insert(
            "width".to_owned(),
            (*random.pick(&[2, 16, 64, 320, 63])).into(),
        );
        video.insert(
            "height".to_owned(),
            (*random.pick(&[2, 16, 48, 200, 1])).into(),
        );
    }
    let mut audio = codec(output.audio, random);
    audio.extend(options(random, values::SOUND, values::SOUND_ODD));
    let mut all = options(random, values::ENCODER, values::ENCODER_ODD);
    let file = output.file.replacen("out", &format!("out{number}"), 1);
    all.insert("output_path".to_owned(), file.into());
    all.insert("video_params".to_owned(), video.into());
    all.insert("audio_params".to_owned(), audio.into());
    all
}

/// One of the codecs that are usual, if there are any and it is not left to the encoder.
fn codec(usual: &[&str], random: &mut Random) -> Map<String, Value> {
    let mut params = Map::new();
    if !usual.is_empty() && !random.once_in(3) {
        params.insert("codec".to_owned(), (*random.pick(usual)).into());
    }
    params
}

/// Some of the options of both tables.
fn options(random: &mut Random, usual: Table, odd: Table) -> Map<String, Value> {
    let mut options = Map::new();
    for (table, times) in [(usual, OFTEN), (odd, SELDOM)] {
        for (key, values) in table {
            if random.once_in(times) {
                let values: Vec<Value> = serde_json::from_str(values).expect("a test reads them");
                options.insert((*key).to_owned(), random.pick(&values).clone());
            }
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_differ_and_come_again() {
        let graph = |seed| any("in.mp4", &mut Random::new(seed)).to_string();
        let mut graphs: Vec<String> = (0..100).map(graph).collect();
        assert_eq!(graph(7), graphs[7]);
        graphs.sort();
        graphs.dedup();
        assert!(graphs.len() > 95);
    }
}
