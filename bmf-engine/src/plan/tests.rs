//! Graph texts in, diagnostics out.

use std::sync::Arc;

use bmf_core::{
    Diagnostics, Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, Options,
    PortKind, PortSpec, Ports, SourceText,
};
use bmf_modules::Registry;

use super::GraphPlan;
use crate::read::{parse_json, parse_toml};
use crate::{GraphBuilder, Node, RunOptions};

/// A module that is never made.
struct Stub(ModuleDescriptor);

impl ModuleFactory for Stub {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.0
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Err(ModuleError::new("this module is only for plans"))
    }
}

fn stub(name: &str, inputs: Ports, outputs: Ports, is_sink: bool) -> Arc<dyn ModuleFactory> {
    Arc::new(Stub(ModuleDescriptor {
        name: name.to_owned(),
        inputs,
        outputs,
        is_sink,
        ..ModuleDescriptor::default()
    }))
}

/// The modules of `basic`, a decoder, a filter of two inputs of which one is optional, and an encoder
/// that needs no connected output.
fn registry() -> Registry {
    let port = |name, kind| PortSpec::new(name, kind, "");
    let video = || port("video", PortKind::Video);
    let audio = || port("audio", PortKind::Audio);
    let registry = Registry::new();
    bmf_module_basic::modules()
        .into_iter()
        .for_each(|module| registry.add(module));
    registry.add(stub(
        "c_ffmpeg_decoder",
        Ports::none(),
        Ports::Fixed(vec![video().optional(), audio().optional()]),
        false,
    ));
    registry.add(stub(
        "reader",
        Ports::Fixed(vec![port("in", PortKind::Any).instead_of("input_path")]),
        Ports::Fixed(vec![video()]),
        false,
    ));
    registry.add(stub(
        "overlay",
        Ports::Fixed(vec![video(), port("logo", PortKind::Video).optional()]),
        Ports::Fixed(vec![video()]),
        false,
    ));
    registry.add(stub(
        "c_ffmpeg_encoder",
        Ports::Fixed(vec![video().optional(), audio().optional()]),
        Ports::none(),
        true,
    ));
    registry
}

fn plan(text: &str, strict: bool) -> Result<GraphPlan, Diagnostics> {
    let (config, warnings) = match text.trim_start().starts_with('{') {
        true => parse_json(SourceText::new("g.json", text))?,
        false => parse_toml(SourceText::new("g.toml", text))?,
    };
    GraphPlan::new(config, &registry(), strict, warnings)
}

/// What is wrong with a graph, or `ok` with its warnings.
fn check(text: &str) -> String {
    show(plan(text, false))
}

fn show(plan: Result<GraphPlan, Diagnostics>) -> String {
    match plan {
        Ok(plan) if plan.warnings().items.is_empty() => "ok".to_owned(),
        Ok(plan) => format!("ok\n{}", plan.warnings()),
        Err(found) => found.to_string(),
    }
}

/// A TOML graph of nodes `name module inputs…`, one per line.
fn lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (name, module) = (words.next().unwrap(), words.next().unwrap());
        let inputs: Vec<_> = words.map(|word| format!("{word:?}")).collect();
        out += &format!(
            "[nodes.{name}]\nmodule = {module:?}\ninputs = [{}]\n",
            inputs.join(", ")
        );
    }
    out
}

#[test]
fn a_graph_needs_nodes() {
    insta::assert_snapshot!(check(r#"{"nodes": []}"#), @"g.json: error: the graph has no nodes");
    let empty = GraphBuilder::new().build();
    let found = GraphPlan::new(empty, &registry(), false, Diagnostics::default());
    insta::assert_snapshot!(show(found), @"error: the graph has no nodes");
}

#[test]
fn a_simple_graph_is_fine() {
    let text = lines(
        "src test_source
         pass pass_through src.video
         end null_sink pass src.audio",
    );
    insta::assert_snapshot!(check(&text), @"ok");
}

#[test]
fn unknown_modules_are_told_with_the_nearest() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_sourc"}, "output_streams": [{"identifier": "a"}]},
      {"id": 1, "module_info": {"name": "zzz"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:2:41: error: node 0 'test_sourc_0' (test_sourc): there is no module "test_sourc"
      help: did you mean "test_source"?
    g.json:3:41: error: node 1 'zzz_1' (zzz): there is no module "zzz"
      help: `bmf modules` lists the modules there are, and where they are looked for
    "#);
}

#[test]
fn ids_and_names_are_unique() {
    let text = r#"{"nodes": [
      {"id": 0, "alias": "x", "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "video:a"}]},
      {"id": 0, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]},
      {"id": 2, "alias": "x", "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @"
    g.json:3:14: error: node 0 'null_sink_0' (null_sink) has the same id as node 0 'x' (test_source)
      help: give each node an id of its own
    ");
    let mut graph = GraphBuilder::new();
    let source = graph.add(Node::new("test_source").name("x"));
    graph.add(Node::new("null_sink").name("x").input(source.port("video")));
    let found = GraphPlan::new(graph.build(), &registry(), false, Diagnostics::default());
    insta::assert_snapshot!(show(found), @"
    error: node 1 'x' (null_sink) has the same name as node 0 'x' (test_source)
      help: give each node an alias of its own
    ");
}

#[test]
fn a_stream_has_one_producer() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "video:a"}]},
      {"id": 1, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "video:a"}]},
      {"id": 2, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:3:91: error: node 1 'test_source_1' (test_source): stream "a" is produced by node 0 'test_source_0' (test_source) too
      help: a stream has one producer; give one of them another name
    "#);
}

#[test]
fn a_stream_nobody_produces_is_told_with_the_nearest() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"},
       "output_streams": [{"identifier": "video:pictures"}, {"identifier": "audio:sound"}]},
      {"id": 1, "module_info": {"name": "null_sink"},
       "input_streams": [{"identifier": "picture"}, {"identifier": "sound"}, {"identifier": "zzz"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:5:41: error: node 1 'null_sink_1' (null_sink): input stream "picture" is not produced by any node
      help: did you mean "pictures"?
    g.json:5:93: error: node 1 'null_sink_1' (null_sink): input stream "zzz" is not produced by any node
    "#);
}

#[test]
fn among_equally_near_streams_the_first_is_suggested() {
    let outputs: Vec<_> = (0..8)
        .map(|index| format!(r#"{{"identifier": "stream{index}"}}"#))
        .collect();
    let text = format!(
        r#"{{"nodes": [
          {{"id": 0, "module_info": {{"name": "test_source"}}, "output_streams": [{{"identifier": "in"}}]}},
          {{"id": 1, "module_info": {{"name": "pass_through"}}, "input_streams": [{{"identifier": "in"}}],
            "output_streams": [{}]}},
          {{"id": 2, "module_info": {{"name": "null_sink"}}, "input_streams": [{{"identifier": "stream"}}, {{"identifier": "stream0"}}]}}
        ]}}"#,
        outputs.join(", ")
    );
    for _ in 0..20 {
        let found = check(&text);
        assert!(found.contains("did you mean \"stream0\"?"), "{found}");
    }
}

#[test]
fn cycles_are_told_by_their_path() {
    let itself = lines("a pass_through a\n end null_sink a");
    insta::assert_snapshot!(check(&itself), @"
    g.toml:1:1: error: the graph has a cycle: 'a' -> 'a'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
    let three = lines(
        "src test_source
         a pass_through src.video c
         b pass_through a
         c pass_through b
         end null_sink c",
    );
    insta::assert_snapshot!(check(&three), @"
    g.toml:4:1: error: the graph has a cycle: 'a' -> 'b' -> 'c' -> 'a'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
    let two = lines(
        "a pass_through b
         b pass_through a
         c pass_through d
         d pass_through c
         end null_sink b d",
    );
    insta::assert_snapshot!(check(&two), @"
    g.toml:1:1: error: the graph has a cycle: 'a' -> 'b' -> 'a'
      help: a loop is possible where the input that closes it says back_edge = true
    g.toml:7:1: error: the graph has a cycle: 'c' -> 'd' -> 'c'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
}

#[test]
fn a_tangle_of_cycles_is_not_told_at_length() {
    // Each node of a long ring leads back to the first one, too.
    let mut text = String::from("n0 pass_through n1");
    for index in 2..2000 {
        text += &format!(" n{index}");
    }
    text += "\n";
    for index in 1..2000 {
        text += &format!("n{index} pass_through n{}\n", index - 1);
    }
    let found = check(&lines(&text));
    let mut told = found.lines().filter(|line| !line.starts_with("  help"));
    insta::assert_snapshot!(told.next().unwrap(), @"g.toml:1:1: error: the graph has a cycle: 'n0' -> 'n1' -> 'n0'");
    assert_eq!(told.count(), 7);
    let mut ring = String::from("n0 pass_through n99\n");
    for index in 1..100 {
        ring += &format!("n{index} pass_through n{}\n", index - 1);
    }
    insta::assert_snapshot!(check(&lines(&ring)), @"
    g.toml:1:1: error: the graph has a cycle: 'n0' -> 'n1' -> 'n2' -> 'n3' -> 'n4' -> 'n5' -> 'n6' -> 'n7' -> (85 more) -> 'n93' -> 'n94' -> 'n95' -> 'n96' -> 'n97' -> 'n98' -> 'n99' -> 'n0'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
}

#[test]
fn work_for_nobody_is_refused() {
    insta::assert_snapshot!(check(&lines("src test_source")), @"
    g.toml:1:1: error: node 0 'src' (test_source): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    ");
    let dead_end = lines(
        "src test_source
         pass pass_through src.video
         end null_sink src.video",
    );
    insta::assert_snapshot!(check(&dead_end), @"
    g.toml:4:1: error: node 1 'pass' (pass_through): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    ");
    // What does something of its own may stand alone.
    let encoder = lines(
        "dec c_ffmpeg_decoder
         enc c_ffmpeg_encoder dec.video",
    );
    insta::assert_snapshot!(check(&encoder), @"ok");
}

#[test]
fn the_number_of_inputs_must_fit() {
    let many = lines(
        "dec c_ffmpeg_decoder
         enc c_ffmpeg_encoder dec.video dec.audio dec.video",
    );
    insta::assert_snapshot!(check(&many), @"g.toml:6:37: error: node 1 'enc' (c_ffmpeg_encoder) has 3 inputs, but takes at most 2");
    let few = lines(
        "over overlay
         none null_sink
         enc c_ffmpeg_encoder over",
    );
    insta::assert_snapshot!(check(&few), @r#"
    g.toml:1:1: error: node 0 'over' (overlay): input port "video" must be connected
    g.toml:4:1: error: node 1 'none' (null_sink): input port "0" must be connected
    "#);
    let none = lines("enc c_ffmpeg_encoder");
    insta::assert_snapshot!(check(&none), @"g.toml:1:1: error: node 0 'enc' (c_ffmpeg_encoder) has no connected input");
    let source = lines(
        "src test_source
         again test_source src.video
         end null_sink again.video",
    );
    insta::assert_snapshot!(check(&source), @"g.toml:6:11: error: node 1 'again' (test_source) has 1 inputs, but takes at most 0");
}

/// An input in whose place an option can be.
#[test]
fn an_input_or_an_option_is_needed_and_not_both() {
    let graph = |option: &str, inputs: &str| {
        let reader =
            format!("[nodes.reader]\nmodule = \"reader\"\ninputs = [{inputs}]\n{option}\n");
        let source = if inputs.is_empty() {
            String::new()
        } else {
            lines("src test_source")
        };
        check(&format!(
            "{source}{reader}{}",
            lines("end null_sink reader")
        ))
    };
    let path = "option = { input_path = \"a.mp4\" }";
    insta::assert_snapshot!(graph(path, ""), @"ok");
    insta::assert_snapshot!(graph("", "\"src.video\""), @"ok");
    insta::assert_snapshot!(graph("", ""), @r#"
    g.toml:1:1: error: node 0 'reader' (reader) has nothing to work on
      help: set input_path, or connect input "in"
    "#);
    insta::assert_snapshot!(graph("option = { input_path = \"\" }", "\"\""), @r#"
    g.toml:1:1: error: node 0 'src' (test_source): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    g.toml:4:1: error: node 1 'reader' (reader) has nothing to work on
      help: set input_path, or connect input "in"
    "#);
    insta::assert_snapshot!(graph(path, "\"src.video\""), @r#"
    g.toml:6:11: error: node 1 'reader' (reader): option "input_path" is set, but input "in" is connected too
      help: leave out one of the two: input_path, or the input
    "#);
}

#[test]
fn inputs_that_are_left_out_must_be_optional() {
    let mut graph = GraphBuilder::new();
    let source = graph.add(Node::new("test_source"));
    let over = graph.add(Node::new("overlay").no_input().input(source.port("video")));
    graph.add(Node::new("c_ffmpeg_encoder").no_input().input(over));
    graph.add(Node::new("c_ffmpeg_encoder").no_input().no_input());
    let found = GraphPlan::new(graph.build(), &registry(), false, Diagnostics::default());
    insta::assert_snapshot!(show(found), @r#"
    error: node 1 'overlay_1' (overlay): input port "video" must be connected
    error: node 3 'c_ffmpeg_encoder_3' (c_ffmpeg_encoder) has no connected input
    error: node 2 'c_ffmpeg_encoder_2' (c_ffmpeg_encoder): input "audio" takes audio, but stream "overlay_1.0" is video
    "#);
}

#[test]
fn outputs_must_exist() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [
        {"identifier": "picture:a"}, {"identifier": "audio:b"}, {"identifier": "c"}]},
      {"id": 1, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "b"}],
       "output_streams": [{"identifier": "d"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:3:24: error: node 0 'test_source_0' (test_source): there is no output port "picture"
      help: its output ports are video, audio
    g.json:3:80: error: node 0 'test_source_0' (test_source): there is no output port "2"
      help: its output ports are video, audio
    g.json:5:42: error: node 1 'null_sink_1' (null_sink): there is no output port "0"
      help: this module has no outputs
    "#);
}

#[test]
fn settings_must_be_possible() {
    let text = r#"
option.scheduler_count = 2
option.executors = { network = 2 }
[nodes.src]
module = "test_source"
scheduler = 2
parallel = 3
[nodes.end]
module = "null_sink"
inputs = ["src.video"]
input_manager = { name = "default", batch_size = 0 }
executor = "netwrok"
scheduler = 1
"#;
    insta::assert_snapshot!(check(text), @r#"
    g.toml:6:13: error: node 0 'src' (test_source): scheduler 2 does not exist; scheduler_count is 2
      help: use 0 to 1
    g.toml:7:12: error: node 0 'src' (test_source): a source has no input that could be shared out
      help: "test_source" runs once; leave the number of instances out
    g.toml:11:26: error: node 1 'end' (null_sink): input_manager "default": option "batch_size": must be at least 1
    g.toml:12:12: warning: node 1 'end' (null_sink): executor "netwrok" counts, scheduler does not
    g.toml:12:12: error: node 1 'end' (null_sink): there is no executor "netwrok"
      help: did you mean "network"?
    "#);
    let none = r#"{"option": {"scheduler_count": 0}, "nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}], "scheduler": 3},
      {"id": 1, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(none), @r#"g.json:1:32: error: "scheduler_count" of the graph's options: expected a whole number of at least 1, found 0"#);
}

#[test]
fn options_are_checked_with_their_places() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}],
       "option": {"widht": 640,
                  "fps": "fast",
                  "height": 7}},
      {"id": 1, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:3:19: warning: node 0 'test_source_0' (test_source): unknown option "widht"
      help: did you mean "width"?
    g.json:4:26: error: node 0 'test_source_0' (test_source): option "fps": 'fast' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    g.json:5:29: error: node 0 'test_source_0' (test_source): option "height": 7 is not an even number from 2 to 16384
    "#);
    let wrong_type = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}],
       "option": {"width": "wide"}},
      {"id": 1, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "a"}]}
    ]}"#;
    insta::assert_snapshot!(check(wrong_type), @r#"g.json:3:28: error: node 0 'test_source_0' (test_source): option "width": expected a whole number of 0 or more, found string "wide""#);
}

#[test]
fn strict_makes_errors_of_warnings() {
    let text = r#"
[nodes.src]
module = "test_source"
option.widht = 640
colour = "red"
[nodes.end]
module = "null_sink"
inputs = ["src.video"]
"#;
    insta::assert_snapshot!(show(plan(text, false)), @r#"
    ok
    g.toml:4:8: warning: node 0 'src' (test_source): unknown option "widht"
      help: did you mean "width"?
    g.toml:5:1: warning: unknown key "colour" in node "src"
    "#);
    insta::assert_snapshot!(show(plan(text, true)), @r#"
    g.toml:4:8: error: node 0 'src' (test_source): unknown option "widht"
      help: did you mean "width"?
    g.toml:5:1: error: unknown key "colour" in node "src"
    "#);
}

#[test]
fn what_only_a_program_can_give_is_refused() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}],
       "meta_info": {"premodule_id": 7, "callback_binding": []}},
      {"id": 1, "module_info": {"name": "pass_through"}, "input_streams": [{"identifier": "a"}],
       "output_streams": [{"identifier": "b"}],
       "meta_info": {"premodule_id": -1, "callback_binding": ["0:3"]}},
      {"id": 2, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "b"}],
       "meta_info": {"premodule_id": -1, "callback_binding": []}}
    ]}"#;
    insta::assert_snapshot!(check(text), @"
    g.json:2:7: error: node 0 'test_source_0' (test_source): premodule_id and callback_binding name objects of the program that wrote the graph; they mean nothing in a file
    g.json:4:7: error: node 1 'pass_through_1' (pass_through): premodule_id and callback_binding name objects of the program that wrote the graph; they mean nothing in a file
    ");
}

#[test]
fn python_modules_cannot_be_loaded() {
    let text = r#"{"nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}]},
      {"id": 1, "module_info": {"name": "detect", "type": "python", "path": "./mods", "entry": "detect.Detect"},
       "input_streams": [{"identifier": "a"}], "output_streams": [{"identifier": "b"}]},
      {"id": 2, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "b"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:3:41: error: node 1 'detect_1' (detect): a module of type "python" cannot be loaded by this build
      help: use a module that is built as a library
    "#);
}

#[test]
fn all_errors_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"{"option": {"scheduler_count": 1}, "nodes": [
      {"id": 0, "module_info": {"name": "test_source"}, "output_streams": [{"identifier": "a"}],
       "option": {"channels": 9, "heigth": 2}},
      {"id": 1, "module_info": {"name": "pass_thru"}, "input_streams": [{"identifier": "a"}],
       "output_streams": [{"identifier": "b"}]},
      {"id": 1, "module_info": {"name": "pass_through"}, "input_streams": [{"identifier": "x"}],
       "output_streams": [{"identifier": "b"}], "scheduler": 5, "input_manager": "server"},
      {"id": 3, "module_info": {"name": "pass_through"}, "input_streams": [{"identifier": "loop"}],
       "output_streams": [{"identifier": "loop"}]}
    ]}"#;
    insta::assert_snapshot!(check(text), @r#"
    g.json:3:31: error: node 0 'test_source_0' (test_source): option "channels": only 1 or 2 are possible
    g.json:3:34: warning: node 0 'test_source_0' (test_source): unknown option "heigth"
      help: did you mean "height"?
    g.json:4:41: error: node 1 'pass_thru_1' (pass_thru): there is no module "pass_thru"
      help: did you mean "pass_through"?
    g.json:6:7: error: node 1 'pass_through_1' (pass_through): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    g.json:6:14: error: node 1 'pass_through_1' (pass_through) has the same id as node 1 'pass_thru_1' (pass_thru)
      help: give each node an id of its own
    g.json:6:91: error: node 1 'pass_through_1' (pass_through): input stream "x" is not produced by any node
    g.json:7:42: error: node 1 'pass_through_1' (pass_through): stream "b" is produced by node 1 'pass_thru_1' (pass_thru) too
      help: a stream has one producer; give one of them another name
    g.json:7:62: error: node 1 'pass_through_1' (pass_through): scheduler 5 does not exist; scheduler_count is 1
      help: use 0 to 0
    g.json:8:7: error: the graph has a cycle: 'pass_through_3' -> 'pass_through_3'
      help: a loop is possible where the input that closes it says back_edge = true
    "#);
}

/// As BMF's Python builder writes it for a graph that an application pushes frames into.
const PUSHDATA: &str = r#"{
  "input_streams": [ { "identifier": "outside_raw_video", "stream_alias": "" } ],
  "output_streams": [],
  "nodes": [
    {
      "module_info": { "name": "c_ffmpeg_encoder", "type": "", "path": "", "entry": "" },
      "meta_info": { "premodule_id": -1, "callback_binding": [] },
      "option": {
        "output_path": "out.mp4",
        "video_params": { "codec": "h264", "width": 640, "height": 480, "crf": "23" }
      },
      "input_streams": [ { "identifier": "outside_raw_video", "stream_alias": "" } ],
      "output_streams": [],
      "input_manager": "immediate",
      "scheduler": 1,
      "alias": "",
      "id": 0
    }
  ],
  "option": { "dump_graph": 0 },
  "mode": "Pushdata"
}"#;

#[test]
fn graphs_that_an_application_drives_plan_but_do_not_start() {
    insta::assert_snapshot!(check(PUSHDATA), @"ok");
    let pushed = plan(PUSHDATA, true).unwrap();
    assert_eq!(pushed.streams()[0].producer, None);
    let consumers = &pushed.streams()[0].consumers;
    assert_eq!((consumers[0].node, consumers[0].port), (0, 0));
    let Err(error) = pushed.run(&RunOptions::default()) else {
        panic!("it started");
    };
    insta::assert_snapshot!(error, @"a graph of mode Pushdata is driven by an application that feeds or reads its streams; only graphs of mode Normal run by themselves");
    // In a graph that drives itself nobody feeds that stream.
    insta::assert_snapshot!(check(&PUSHDATA.replace("Pushdata", "Normal")), @r#"
    g.json:2:38: warning: stream "outside_raw_video" of the graph is not used in mode Normal
    g.json:12:42: error: node 0 'c_ffmpeg_encoder_0' (c_ffmpeg_encoder): input stream "outside_raw_video" is not produced by any node
    "#);
}

/// A chain of pass-through nodes between a source and a sink.
fn chain(length: usize) -> GraphPlan {
    let mut graph = GraphBuilder::new();
    let mut last = graph.add(Node::new("test_source")).port("video");
    for _ in 0..length {
        last = graph.add(Node::new("pass_through").input(last)).into();
    }
    graph.add(Node::new("null_sink").input(last));
    GraphPlan::new(graph.build(), &registry(), true, Diagnostics::default()).unwrap()
}

#[test]
fn deep_graphs_need_no_deep_stack() {
    let hops = |plan: &GraphPlan| plan.nodes[0].hops_to_sink;
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let planned = small.spawn(move || hops(&chain(10_000))).unwrap();
    assert_eq!(planned.join().unwrap(), 10_001);
}

#[test]
fn wide_graphs_plan() {
    // Sixteen layers of sixteen, each node fed by all of the layer before: 3840 links.
    let mut graph = GraphBuilder::new();
    let source = graph.add(Node::new("test_source"));
    let mut layer = vec![source.port("video")];
    for _ in 0..16 {
        let node = || {
            layer.iter().fold(Node::new("pass_through"), |node, port| {
                node.input(port.clone())
            })
        };
        layer = (0..16)
            .map(|_| node())
            .map(|node| graph.add(node).into())
            .collect();
    }
    let end = layer.into_iter().fold(Node::new("null_sink"), Node::input);
    graph.add(end);
    let plan = GraphPlan::new(graph.build(), &registry(), true, Diagnostics::default()).unwrap();
    assert_eq!(plan.nodes.len(), 258);
    let hops: Vec<_> = plan
        .nodes
        .iter()
        .step_by(16)
        .map(|node| node.hops_to_sink)
        .collect();
    assert_eq!(
        hops,
        [17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    );
}

#[test]
fn hops_count_to_the_farthest_sink() {
    let text = lines(
        "src test_source
         a pass_through src.video
         b pass_through a
         near null_sink a
         far null_sink b src.video",
    );
    let plan = plan(&text, true).unwrap();
    let hops: Vec<_> = plan
        .nodes
        .iter()
        .map(|node| format!("{} {}", node.config.name, node.hops_to_sink))
        .collect();
    insta::assert_snapshot!(hops.join(", "), @"src 3, a 2, b 1, near 0, far 0");
}
