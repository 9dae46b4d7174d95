//! TOML to graphs, and what is wrong with TOML.

use bmf_core::SourceText;

use super::super::{parse_json, parse_toml};
use super::{check_toml, show};

const TRANSCODE: &str = r#"
[option]
time_out = 10
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "in.mp4" }
[nodes.scale]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "scale", para = "1280:720" }
[nodes.encode]
module = "c_ffmpeg_encoder"
inputs = ["scale", "decode.audio"]
input_manager = "immediate"
queue_length_limit = 5
scheduler = 0
batch = 1
alias = "out"
[nodes.encode.options]
output_path = "out.mp4"
video_params.crf = 23
"#;

#[test]
fn references_make_the_streams() {
    insta::assert_snapshot!(check_toml(TRANSCODE), @r#"
    options time_out=10.0
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
      alias=out immediate scheduler=0 limit=5 batch=1
    "#);
}

#[test]
fn toml_equals_json() {
    let json = r#"{"option": {"time_out": 10}, "nodes": [
        {"id": 0, "name": "decode", "module_info": {"name": "c_ffmpeg_decoder"},
         "option": {"input_path": "in.mp4"},
         "output_streams": [{"identifier": "video:decode.video"}, {"identifier": "audio:decode.audio"}]},
        {"id": 1, "name": "scale", "module_info": {"name": "c_ffmpeg_filter"},
         "option": {"name": "scale", "para": "1280:720"},
         "input_streams": [{"identifier": "decode.video"}], "output_streams": [{"identifier": "0:scale"}]},
        {"id": 2, "name": "encode", "alias": "out", "module_info": {"name": "c_ffmpeg_encoder"},
         "option": {"output_path": "out.mp4", "video_params": {"crf": 23}}, "batch": 1,
         "input_streams": [{"identifier": "scale"}, {"identifier": "decode.audio"}],
         "input_manager": "immediate", "scheduler": 0, "meta_info": {"queue_length_limit": 5}}
    ]}"#;
    let (from_json, _) = parse_json(SourceText::new("g.json", json)).unwrap();
    let (from_toml, _) = parse_toml(SourceText::new("g.toml", TRANSCODE)).unwrap();
    assert_eq!(show(&from_toml), show(&from_json));
}

#[test]
fn the_keys_of_json_work_too() {
    insta::assert_snapshot!(check_toml(r#"
        mode = "Generator"
        inputs = ["raw", "video:other"]
        outputs = ["b", "c.text", "a1"]
        [[nodes]]
        name = "a"
        id = 1
        module = { name = "ma", type = "python", path = "p", entry = "e" }
        input_streams = ["raw", { identifier = "other" }]
        output_streams = [{ identifier = "video:a0", alias = "x" }, "a1"]
        callback_binding = ["0:1"]
        premodule_id = 4
        [[nodes]]
        name = "b"
        module_info = { name = "mb" }
        meta_info = { queue_length_limit = 3 }
        inputs = ["a.video", "a.1", "", "raw", "a1"]
        [[nodes]]
        module = "c"
        name = "c"
        inputs = ["b", "b.0", { identifier = "a0" }]
    "#), @r#"
    mode Generator
    graph in [raw] [video:other]
    graph out [b] [c.text] [a1]
    node 1 'a' (ma)
      ModuleRef { name: "ma", kind: "python", path: "p", entry: "e" }
      in [raw] [other]
      out [video:a0 as x] [a1]
      premodule=4 callbacks=[(0, 1)]
    node 0 'b' (mb)
      in [a0] [a1] [] [raw] [a1]
      out [0:b]
      limit=3
    node 2 'c' (c)
      in [b] [b] [a0]
      out [text:c.text]
    "#);
}

#[test]
fn tables_keep_the_order_of_the_text() {
    insta::assert_snapshot!(check_toml(r#"
        [nodes.z.options]
        x = 1
        [nodes.a]
        module = "a"
        [nodes.z]
        module = "z"
        [nodes.b]
        module = "b"
        id = 0
    "#), @r#"
    node 1 'a' (a)
    node 2 'z' (z)
      {"x":1}
    node 0 'b' (b)
    "#);
}

#[test]
fn references_that_lead_nowhere() {
    insta::assert_snapshot!(check_toml(r#"
        inputs = ["raw", "encode"]
        outputs = ["nobody"]
        [nodes.decode]
        module = "d"
        [nodes.encode]
        module = "e"
        inputs = ["decod.video", "rwa", "decode.", "encode", 5]
    "#), @r#"
    g.toml:3:20: error: there is no node or graph input called "nobody"
    g.toml:8:19: error: there is no node or graph input called "decod"
      help: did you mean "decode"?
    g.toml:8:34: error: there is no node or graph input called "rwa"
      help: did you mean "raw"?
    g.toml:8:41: error: "decode." names no port of node "decode"
    g.toml:8:52: error: "encode" is the name of a node and of a stream
    g.toml:8:62: error: inputs[4] of node "encode": expected a stream, found 5
    "#);
}

#[test]
fn what_is_wrong_with_nodes() {
    insta::assert_snapshot!(check_toml(r#"
        [nodes]
        five = 5
        [nodes.empty]
        [nodes.twice]
        name = "again"
        module = "m"
        option = { a = 1 }
        options = { a = 1 }
        inputs = []
        input_streams = []
        [nodes.odd]
        module = 3
        modul = 4
        inputs = "x"
        scheduler = 1.5
        options = 3
        [nodes.late]
        module = ""
    "#), @r#"
    g.toml:3:16: error: node "five": expected a node, found 5
    g.toml:4:16: error: node "empty" has no "module"
      help: add module = "…"
    g.toml:6:16: error: node "twice" has its name twice
    g.toml:9:9: error: node "twice" has both "option" and "options"
    g.toml:10:9: error: node "twice" has both "input_streams" and "inputs"
    g.toml:13:18: error: "module" of node "odd": expected a module's name or a table, found 3
    g.toml:14:9: warning: unknown key "modul" in node "odd"
      help: did you mean "module"?
    g.toml:15:18: error: "inputs" of node "odd": expected an array of streams, found a string
    g.toml:16:21: error: "scheduler" of node "odd": expected a whole number of at least 0, found 1.5
    g.toml:17:19: error: "options" of node "odd": expected a table, found 3
    g.toml:19:18: error: node "late" has a module without a name
    "#);
    insta::assert_snapshot!(check_toml("nodes.a.options = { start = 2024-01-01 }"), @"g.toml:1:29: error: a graph has no dates; put it in quotes to make it a string");
    insta::assert_snapshot!(check_toml("nodes = 1"), @r#"g.toml:1:9: error: "nodes" of the graph: expected an array of nodes, found 1"#);
    insta::assert_snapshot!(check_toml("[[nodes]]\nname = 'a'\nmodule = 'm'\n[[nodes]]\nname = 'a'\nmodule = 'm'"), @r#"g.toml:5:8: error: two nodes are called "a""#);
}

#[test]
fn syntax_errors_have_places() {
    insta::assert_snapshot!(check_toml("[nodes.a]\nmodule = \n[nodes.a]\n x = 99999999999999999999\n"), @r"
    g.toml:2:10: error: not valid TOML: string values must be quoted, expected literal string
    g.toml:3:8: error: not valid TOML: duplicate key
    ");
    insta::assert_snapshot!(check_toml("[option]\na = 99999999999999999999\nb = inf\n"), @r"
    g.toml:2:5: error: this number cannot be represented
    g.toml:3:5: error: this number cannot be represented
    ");
}
