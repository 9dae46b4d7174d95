//! The one-line graph, with small stand-ins for the modules of a real registry.

use std::sync::Arc;

use bmf_core::{
    Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, Options, PortKind, PortSpec,
    Ports, Shorthand, ShorthandArg,
};
use bmf_modules::Registry;
use serde_json::json;

use super::super::parse_line;
use super::{show, show_result};

type Verb = fn(&str, &[ShorthandArg]) -> Option<Result<Shorthand, String>>;

struct TestFactory {
    descriptor: ModuleDescriptor,
    verb: Verb,
}

impl ModuleFactory for TestFactory {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Err(ModuleError::new("only its description is tested"))
    }

    fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        (self.verb)(verb, args)
    }
}

fn port(name: &str, kind: PortKind) -> PortSpec {
    PortSpec::new(name, kind, "")
}

fn alike(min: usize) -> Ports {
    let each = port("stream", PortKind::Any);
    Ports::Any {
        min,
        max: None,
        each,
    }
}

fn add(registry: &Registry, name: &str, inputs: Ports, outputs: Ports, verb: Verb) {
    let verbs = [
        "decode", "encode", "scale", "overlay", "concat", "testsrc", "volume",
    ];
    let verbs = verbs.iter().filter(|known| verb(known, &[]).is_some());
    let descriptor = ModuleDescriptor {
        name: name.to_owned(),
        inputs,
        outputs,
        options: json!({}),
        is_sink: name.ends_with("sink") || name.ends_with("encoder"),
        verbs: verbs.map(|known| (*known).to_owned()).collect(),
        ..ModuleDescriptor::default()
    };
    registry.add(Arc::new(TestFactory { descriptor, verb }));
}

pub(super) fn registry() -> Registry {
    let registry = Registry::new();
    let media = [
        port("video", PortKind::Video),
        port("audio", PortKind::Audio),
    ];
    let bytes = Ports::Fixed(vec![port("in", PortKind::Any).instead_of("input_path")]);
    let mut all = media.to_vec();
    all.push(port("subtitle", PortKind::Subtitle));
    let optional = Ports::Fixed(media.map(PortSpec::optional).to_vec());
    add(
        &registry,
        "c_ffmpeg_decoder",
        bytes,
        Ports::Fixed(all),
        decode,
    );
    add(&registry, "c_ffmpeg_filter", alike(0), alike(1), filter);
    add(&registry, "c_ffmpeg_encoder", optional, alike(0), encode);
    add(&registry, "pass_through", alike(1), alike(1), |_, _| None);
    add(&registry, "null_sink", alike(1), Ports::none(), |_, _| None);
    registry
}

fn decode(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
    (verb == "decode").then(|| path_and_pairs("input_path", args))
}

fn encode(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
    (verb == "encode").then(|| path_and_pairs("output_path", args))
}

fn path_and_pairs(key: &str, args: &[ShorthandArg]) -> Result<Shorthand, String> {
    let mut options = Options::default();
    for arg in args {
        let (path, value) = match arg {
            ShorthandArg::Word(word) => (key.to_owned(), word),
            ShorthandArg::Pair(key, value) => (format!("video_params.{key}"), value),
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        options.set(&path, value).map_err(|issue| issue.message)?;
    }
    options.get(key).ok_or("a path is missing")?;
    let takes = PortKind::Any;
    Ok(Shorthand::new(options, takes))
}

fn filter(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
    let takes = match verb {
        "scale" | "overlay" | "testsrc" => PortKind::Video,
        "volume" => PortKind::Audio,
        "concat" => PortKind::Any,
        _ => return None,
    };
    let words = args.iter().map(|arg| match arg {
        ShorthandArg::Word(word) => word.clone(),
        ShorthandArg::Pair(key, value) => format!("{key}={value}"),
    });
    let para = words.collect::<Vec<_>>().join(":");
    let options = Options::from_value(json!({ "name": verb, "para": para }))?;
    let mut shorthand = Shorthand::new(options, takes);
    if verb == "overlay" {
        shorthand.inputs = vec![PortKind::Video; 2];
        shorthand.outputs = vec![PortKind::Video];
    }
    if verb == "concat" {
        let each = [PortKind::Video, PortKind::Audio];
        (shorthand.inputs, shorthand.outputs) = (each.repeat(2), each.to_vec());
    }
    Some(Ok(shorthand))
}

fn check(line: &str) -> String {
    show_result(parse_line(line, &registry()))
}

#[test]
fn a_transcode() {
    insta::assert_snapshot!(check("decode in.mp4 ! scale 1280:720 ! encode out.mp4 crf=23"), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"in.mp4"}
    node 1 'scale' (c_ffmpeg_filter)
      in [decode.video]
      out [0:scale]
      {"name":"scale","para":"1280:720"}
    node 2 'encode' (c_ffmpeg_encoder)
      in [scale] [decode.audio]
      {"output_path":"out.mp4","video_params":{"crf":23}}
    "#);
}

#[test]
fn several_streams_are_taken_in_their_order() {
    insta::assert_snapshot!(check("decode a ! decode b ! overlay ! encode c"), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"a"}
    node 1 'decode_2' (c_ffmpeg_decoder)
      out [video:decode_2.video] [audio:decode_2.audio]
      {"input_path":"b"}
    node 2 'overlay' (c_ffmpeg_filter)
      in [decode.video] [decode_2.video]
      out [0:overlay]
      {"name":"overlay","para":""}
    node 3 'encode' (c_ffmpeg_encoder)
      in [overlay] [decode_2.audio]
      {"output_path":"c"}
    "#);
    insta::assert_snapshot!(check("decode a ! scale 1:2 ! decode b ! scale 1:2 ! concat ! encode c"), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"a"}
    node 1 'scale' (c_ffmpeg_filter)
      in [decode.video]
      out [0:scale]
      {"name":"scale","para":"1:2"}
    node 2 'decode_2' (c_ffmpeg_decoder)
      out [video:decode_2.video] [audio:decode_2.audio]
      {"input_path":"b"}
    node 3 'scale_2' (c_ffmpeg_filter)
      in [decode_2.video]
      out [0:scale_2]
      {"name":"scale","para":"1:2"}
    node 4 'concat' (c_ffmpeg_filter)
      in [scale] [decode.audio] [scale_2] [decode_2.audio]
      out [0:concat] [1:concat.1]
      {"name":"concat","para":""}
    node 5 'encode' (c_ffmpeg_encoder)
      in [concat] [concat.1]
      {"output_path":"c"}
    "#);
    insta::assert_snapshot!(check("decode a ! overlay ! encode c"), @"<command line>:1:12: error: overlay needs 2 streams (video, video), more than flow here; give it another source before it, or write the graph as a file");
}

#[test]
fn other_kinds_pass_by() {
    insta::assert_snapshot!(check("decode a.mp4!scale w=1:h=2!volume 2!volume 3!pass_through!null_sink"), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"a.mp4"}
    node 1 'scale' (c_ffmpeg_filter)
      in [decode.video]
      out [0:scale]
      {"name":"scale","para":"w=1:h=2"}
    node 2 'volume' (c_ffmpeg_filter)
      in [decode.audio]
      out [0:volume]
      {"name":"volume","para":"2"}
    node 3 'volume_2' (c_ffmpeg_filter)
      in [volume]
      out [0:volume_2]
      {"name":"volume","para":"3"}
    node 4 'pass_through' (pass_through)
      in [scale] [volume_2]
      out [0:pass_through] [1:pass_through.1]
    node 5 'null_sink' (null_sink)
      in [pass_through] [pass_through.1]
    "#);
}

#[test]
fn after_a_second_source_its_streams_are_meant() {
    insta::assert_snapshot!(check("decode a.mp4 ! decode b.mp4 ! scale 1:2 ! encode c.mp4"), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"a.mp4"}
    node 1 'decode_2' (c_ffmpeg_decoder)
      out [video:decode_2.video] [audio:decode_2.audio]
      {"input_path":"b.mp4"}
    node 2 'scale' (c_ffmpeg_filter)
      in [decode_2.video]
      out [0:scale]
      {"name":"scale","para":"1:2"}
    node 3 'encode' (c_ffmpeg_encoder)
      in [scale] [decode_2.audio]
      {"output_path":"c.mp4"}
    "#);
}

#[test]
fn a_filter_without_anything_flowing_is_a_source() {
    insta::assert_snapshot!(check("testsrc size=1x1 ! encode c.mp4"), @r#"
    node 0 'testsrc' (c_ffmpeg_filter)
      out [0:testsrc]
      {"name":"testsrc","para":"size=1x1"}
    node 1 'encode' (c_ffmpeg_encoder)
      in [testsrc]
      {"output_path":"c.mp4"}
    "#);
}

#[test]
fn quoting_is_like_in_a_shell() {
    insta::assert_snapshot!(
        check(r#"decode 'a = b!.mp4' ! scale "x \"y\" \z" a\ b ! encode http://x/?a=b 'k=v'"#), @r#"
    node 0 'decode' (c_ffmpeg_decoder)
      out [video:decode.video] [audio:decode.audio]
      {"input_path":"a = b!.mp4"}
    node 1 'scale' (c_ffmpeg_filter)
      in [decode.video]
      out [0:scale]
      {"name":"scale","para":"x \"y\" \\z:a b"}
    node 2 'encode' (c_ffmpeg_encoder)
      in [scale] [decode.audio]
      {"output_path":"k=v"}
    "#);
}

#[test]
fn modules_by_their_own_name_take_pairs() {
    insta::assert_snapshot!(
        check(r#"testsrc ! pass_through a.b=1 a.c='[1, "x"]' d=text ! null_sink"#), @r#"
    node 0 'testsrc' (c_ffmpeg_filter)
      out [0:testsrc]
      {"name":"testsrc","para":""}
    node 1 'pass_through' (pass_through)
      in [testsrc]
      out [0:pass_through]
      {"a":{"b":1,"c":[1,"x"]},"d":"text"}
    node 2 'null_sink' (null_sink)
      in [pass_through]
    "#);
}

#[test]
fn what_is_wrong_with_a_line() {
    insta::assert_snapshot!(check(""), @"<command line>:1:1: error: the graph is empty");
    insta::assert_snapshot!(check("!"), @r#"
    <command line>:1:1: error: a node is missing here: expected a verb between the "!"
    <command line>:1:2: error: a node is missing here: expected a verb between the "!"
    "#);
    insta::assert_snapshot!(check("decode a ! ! encode b !"), @r#"
    <command line>:1:11: error: a node is missing here: expected a verb between the "!"
    <command line>:1:24: error: a node is missing here: expected a verb between the "!"
    "#);
    insta::assert_snapshot!(check("decode 'a"), @"<command line>:1:8: error: this ' is never closed");
    insta::assert_snapshot!(check("decod a ! null_snk ! xyzzy ! pass_through word ! pass_through a=1 a.b=2"), @r#"
    <command line>:1:1: error: no module answers to "decod"
      help: did you mean "decode"?
    <command line>:1:11: error: no module answers to "null_snk"
      help: did you mean "null_sink"?
    <command line>:1:22: error: no module answers to "xyzzy"
    <command line>:1:43: error: pass_through takes options as key=value, found "word"
    <command line>:1:67: error: "a" is not a group of options
    "#);
    insta::assert_snapshot!(check("decode ! encode b"), @"<command line>:1:1: error: decode: a path is missing");
    insta::assert_snapshot!(check("decode a ! null_sink ! encode b"), @"<command line>:1:24: error: encode needs a stream, but nothing flows here");
    insta::assert_snapshot!(check("testsrc ! volume 2 ! encode b"), @"<command line>:1:11: error: volume needs an audio stream, but only video flows here");
    insta::assert_snapshot!(check("null_sink"), @"<command line>:1:1: error: null_sink needs a stream, but nothing flows here");
}

#[test]
fn places_lead_into_the_line() {
    let line = "decode 'in put.mp4' ! scale 1280:720 ! encode out.mp4 crf=23";
    let (graph, _) = parse_line(line, &registry()).unwrap();
    let places: Vec<String> = graph
        .nodes
        .iter()
        .flat_map(|node| {
            let cut = |span: bmf_core::Span| &line[span.start..span.end];
            let whole = format!("{}: {}", node.name, cut(node.spans.node.unwrap()));
            let options = node.spans.option.iter();
            let options = options.map(move |(path, &(key, value))| {
                format!("  {path}: {} -> {}", cut(key), cut(value))
            });
            std::iter::once(whole).chain(options)
        })
        .collect();
    insta::assert_snapshot!(places.join("\n"), @r"
    decode: decode 'in put.mp4'
      input_path: 'in put.mp4' -> 'in put.mp4'
    scale: scale 1280:720
      name: scale -> scale
      para: 1280:720 -> 1280:720
    encode: encode out.mp4 crf=23
      output_path: out.mp4 -> out.mp4
      video_params: out.mp4 crf=23 -> out.mp4 crf=23
      video_params.crf: crf -> 23
    ");
}

#[test]
fn a_line_written_as_toml_is_the_same_graph() {
    let (graph, _) = parse_line("decode a ! scale 1:2 ! encode b crf=1", &registry()).unwrap();
    let text = super::super::to_toml(&graph);
    insta::assert_snapshot!(text, @r#"
    [nodes.decode]
    id = 0
    module = "c_ffmpeg_decoder"

    [nodes.decode.options]
    input_path = "a"

    [nodes.scale]
    id = 1
    module = "c_ffmpeg_filter"
    inputs = ["decode.video"]

    [nodes.scale.options]
    name = "scale"
    para = "1:2"

    [nodes.encode]
    id = 2
    module = "c_ffmpeg_encoder"
    inputs = ["scale", "decode.audio"]

    [nodes.encode.options]
    output_path = "b"

    [nodes.encode.options.video_params]
    crf = 1
    "#);
    let (again, _) = super::super::parse_toml(bmf_core::SourceText::new("t", text)).unwrap();
    assert_eq!(show(&again), show(&graph));
}
