//! JSON to graphs, and what is wrong with JSON.

use bmf_core::{SourceText, Span};

use super::super::{parse_json, read_file};
use super::check_json;
use super::graphs::{PUSH_DATA, TRANSCODE};

#[test]
fn the_sample_of_bmf_is_read_with_its_misspelt_key_reported() {
    insta::assert_snapshot!(check_json(TRANSCODE), @r#"
    options dump_graph=true
    node 0 'c_ffmpeg_decoder_0' (c_ffmpeg_decoder)
      out [audio:ffmpeg_decoder_0_2] [video:ffmpeg_decoder_0_1]
      {"input_path":"../../files/big_bunny_10s_30fps.mp4"}
      immediate scheduler=0
    node 1 'c_ffmpeg_filter_1' (c_ffmpeg_filter)
      in [ffmpeg_decoder_0_1]
      out [ffmpeg_filter_1_0]
      {"name":"scale","para":"100:200"}
      immediate scheduler=0
    node 2 'c_ffmpeg_filter_2' (c_ffmpeg_filter)
      in [ffmpeg_filter_1_0]
      out [ffmpeg_filter_2_0]
      {"name":"vflip"}
      immediate scheduler=0
    node 3 'c_ffmpeg_encoder_3' (c_ffmpeg_encoder)
      in [ffmpeg_filter_2_0] [ffmpeg_decoder_0_2]
      {"video_params":{"width":320,"codec":"h264","crf":23,"preset":"veryfast","height":240},"audio_params":{"channels":2,"bit_rate":128000,"codec":"aac","sample_rate":44100},"output_path":"../../files/out.mp4"}
      immediate scheduler=1
    g.json:35:9: warning: unknown key "callback_bindings" in meta_info of node 0
      help: did you mean "callback_binding"?
    g.json:66:9: warning: unknown key "callback_bindings" in meta_info of node 1
      help: did you mean "callback_binding"?
    g.json:96:9: warning: unknown key "callback_bindings" in meta_info of node 2
      help: did you mean "callback_binding"?
    g.json:138:9: warning: unknown key "callback_bindings" in meta_info of node 3
      help: did you mean "callback_binding"?
    "#);
}

#[test]
fn the_push_data_graph_of_the_python_builder_is_read() {
    insta::assert_snapshot!(check_json(PUSH_DATA), @r#"
    mode Pushdata
    graph in [outside_raw_video]
    node 0 'c_ffmpeg_encoder_0' (c_ffmpeg_encoder)
      in [outside_raw_video]
      {"output_path":"out.mp4","video_params":{"codec":"h264","width":640,"height":480,"crf":"23","preset":"veryfast","vsync":"vfr"}}
      immediate scheduler=1
    "#);
}

/// A graph around one node with these keys beside the required ones.
fn node(keys: &str) -> String {
    check_json(&format!(
        r#"{{"nodes": [{{"id": 3, "module_info": {{"name": "m"}},
{keys}}}]}}"#
    ))
}

#[test]
fn all_that_a_node_can_have() {
    insta::assert_snapshot!(node(r#"
        "alias": "scaler",
        "meta_info": {"premodule_id": 7, "callback_binding": ["0:12", " 1 : 2 "], "queue_length_limit": 9, "bundle_id": 1},
        "input_streams": [{"identifier": "a"}, {"identifier": ""}, {"identifier": "video:b:c", "alias": "x"}],
        "output_streams": [{"identifier": ":d:e", "stream_alias": "y"}, {"identifier": "f", "notify": "audio"}],
        "option": {"para": "1:2", "alias": "not this"},
        "input_manager": "framesync", "scheduler": 2, "batch": 4
    "#), @r#"
    node 3 'scaler' (m)
      in [a] [] [video:b:c as x]
      out [d:e as y] [audio:f]
      {"para":"1:2","alias":"not this"}
      alias=scaler framesync scheduler=2 limit=9 batch=4 premodule=7 callbacks=[(0, 12), (1, 2)]
    "#);
}

#[test]
fn null_and_empty_stand_for_absent() {
    insta::assert_snapshot!(node(r#"
        "alias": "", "meta_info": {"callback_binding": null, "queue_length_limit": null},
        "input_streams": null, "output_streams": null, "option": null, "input_manager": null,
        "action": ""
    "#), @"node 3 'm_3' (m)");
}

#[test]
fn names_come_from_alias_option_or_module_and_are_unique() {
    insta::assert_snapshot!(check_json(r#"{"nodes": [
        {"id": 0, "module_info": {"name": "m"}, "alias": "m_1"},
        {"id": 1, "module_info": {"name": "m"}},
        {"id": 2, "module_info": {"name": "m"}, "option": {"alias": "o"}},
        {"id": 3, "module_info": {"name": "m"}, "alias": "o"},
        {"id": 4, "module_info": {"name": "dir/my.module:Class"}},
        {"id": 5, "module_info": {"name": "m"}, "name": "mine", "alias": "yours"}
    ]}"#), @r#"
    node 0 'm_1' (m)
      alias=m_1
    node 1 'm_1_2' (m)
    node 2 'o' (m)
      {"alias":"o"}
    node 3 'o_2' (m)
      alias=o
    node 4 'Class_4' (dir/my.module:Class)
    node 5 'mine' (m)
      alias=yours
    "#);
    insta::assert_snapshot!(check_json(r#"{"nodes": [
        {"id": 0, "module_info": {"name": "m"}, "name": "a"},
        {"id": 1, "module_info": {"name": "m"}, "name": "a"}
    ]}"#), @r#"g.json:3:57: error: two nodes are called "a""#);
}

#[test]
fn graph_options() {
    insta::assert_snapshot!(check_json(r#"{
        // Comments are welcome.
        "mode": "SERVER",
        "option": {"scheduler_count": 3, "time_out": 1.5, "dump_graph": true, "graph_name": "g",
            "queue_length_limit": 8, "optimize_graph": false, "threads": "all", "user_id": "1", "hungry_check": 1,
            "no_output_stream": true, "scheduler_cuont": 2},
        "input_streams": [{"identifier": "i"}], "output_streams": [{"identifier": "o"}],
        "nodes": [] /* none */
    }"#), @r#"
    mode Server
    options scheduler_count=3 time_out=1.5 dump_graph=true graph_name="g" limit=8 optimize_graph=false threads=All {"user_id":"1","hungry_check":1,"no_output_stream":true,"scheduler_cuont":2}
    graph in [i]
    graph out [o]
    g.json:6:39: warning: unknown key "scheduler_cuont" in the graph's options
      help: did you mean "scheduler_count"?
    "#);
    insta::assert_snapshot!(check_json(r#"{"nodes": [], "option":
        {"scheduler_count": 0, "time_out": -1, "dump_graph": "yes", "graph_name": 4, "queue_length_limit": 0, "threads": 0}
    }"#), @r#"
    g.json:2:29: error: "scheduler_count" of the graph's options: expected a whole number of at least 1, found 0
    g.json:2:44: error: "time_out" of the graph's options: expected a number of seconds, 0 for none, found -1
    g.json:2:62: error: "dump_graph" of the graph's options: expected true, false, 1 or 0, found a string
    g.json:2:83: error: "graph_name" of the graph's options: expected a string, found 4
    g.json:2:108: error: "queue_length_limit" of the graph's options: expected a whole number of at least 1, found 0
    g.json:2:122: error: "threads" of the graph's options: expected a whole number of at least 1, found 0
    "#);
}

#[test]
fn every_wrong_type_is_reported_at_once() {
    insta::assert_snapshot!(check_json(r#"{
        "mode": 1,
        "option": [],
        "input_streams": "raw",
        "output_streams": [1, "x", {"alias": "y"}, {"identifier": 5}],
        "nodes": [
            7,
            {"id": "0", "module_info": "m"},
            {"id": 1.5, "module_info": {"name": 3, "type": 4}},
            {"id": -1, "module_info": {}},
            {"id": 4294967296, "module_info": {"name": "m"},
             "scheduler": -1, "batch": 0, "option": "o", "queue_length_limit": 1, "meta_info":
                {"queue_length_limit": 1, "premodule_id": 3000000000, "callback_binding": ["1", 5, "a:b"]}}
        ]
    }"#), @r#"
    g.json:2:17: error: "mode" of the graph: expected a string, found 1
    g.json:3:19: error: "option" of the graph: expected an object, found an array
    g.json:4:26: error: "input_streams" of the graph: expected an array of streams, found a string
    g.json:5:28: error: output_streams[0] of the graph: expected a stream, found 1
    g.json:5:31: error: output_streams[1] of the graph: expected a stream, found a string
      help: write {"identifier": "x"}
    g.json:5:36: error: output_streams[2] of the graph has no "identifier"
    g.json:5:67: error: "identifier" of output_streams[3] of the graph: expected a string, found 5
    g.json:7:13: error: nodes[0]: expected a node, found 7
    g.json:8:20: error: "id" of nodes[1]: expected a whole number of at least 0, found a string
    g.json:8:40: error: "module_info" of nodes[1]: expected an object, found a string
    g.json:9:20: error: "id" of nodes[2]: expected a whole number of at least 0, found 1.5
    g.json:9:49: error: "name" of module_info of nodes[2]: expected a string, found 3
    g.json:9:60: error: "type" of module_info of nodes[2]: expected a string, found 4
    g.json:10:20: error: "id" of nodes[3]: expected a whole number of at least 0, found -1
    g.json:10:39: error: nodes[3] has a module without a name
    g.json:11:20: error: "id" of node 4294967296: expected a whole number of at most 4294967295, found 4294967296
    g.json:12:27: error: "scheduler" of node 4294967296: expected a whole number of at least 0, found -1
    g.json:12:40: error: "batch" of node 4294967296: expected a whole number of at least 1, found 0
    g.json:12:53: error: "option" of node 4294967296: expected an object, found a string
    g.json:13:18: error: node 4294967296 has its "queue_length_limit" twice
    g.json:13:59: error: "premodule_id" of meta_info of node 4294967296: expected a whole number of at most 2147483647, found 3000000000
    g.json:13:92: error: callback_binding of meta_info of node 4294967296: expected "key:id" with two whole numbers, found "1"
    g.json:13:97: error: callback_binding of meta_info of node 4294967296: expected "key:id" with two whole numbers, found 5
    g.json:13:100: error: callback_binding of meta_info of node 4294967296: expected "key:id" with two whole numbers, found "a:b"
    "#);
}

#[test]
fn what_is_missing() {
    insta::assert_snapshot!(check_json("{}"), @r#"g.json:1:1: error: the graph has no "nodes""#);
    insta::assert_snapshot!(check_json(r#"{"nodes": {}}"#), @r#"g.json:1:11: error: "nodes" of the graph: expected an array of nodes, found an object"#);
    insta::assert_snapshot!(check_json(r#"{"nodes": [{"option": {}}, {"id": 1, "module_info": {"name": ""}}]}"#), @r#"
    g.json:1:12: error: nodes[0] has no "id"
    g.json:1:12: error: nodes[0] has no "module_info"
      help: add "module_info": {"name": "…"}
    g.json:1:53: error: node 1 has a module without a name
    "#);
}

#[test]
fn unknown_keys_are_warnings_with_a_suggestion() {
    insta::assert_snapshot!(check_json(r#"{"nodes": [{"id": 0, "sheduler": 1, "inputs": [],
        "module_info": {"name": "m", "pth": ""}, "meta_info": {"callback_bindings": []},
        "input_streams": [{"identifier": "a", "notfy": ""}]}], "optoin": {}}"#), @r#"
    node 0 'm_0' (m)
      in [a]
    g.json:1:22: warning: unknown key "sheduler" in node 0
      help: did you mean "scheduler"?
    g.json:1:37: warning: unknown key "inputs" in node 0
    g.json:2:38: warning: unknown key "pth" in module_info of node 0
      help: did you mean "path"?
    g.json:2:64: warning: unknown key "callback_bindings" in meta_info of node 0
      help: did you mean "callback_binding"?
    g.json:3:47: warning: unknown key "notfy" in input_streams[0] of node 0
      help: did you mean "notify"?
    g.json:3:64: warning: unknown key "optoin" in the graph
      help: did you mean "option"?
    "#);
}

#[test]
fn unknown_words_list_the_known_ones() {
    insta::assert_snapshot!(check_json(r#"{"mode": "Servre", "nodes": []}"#), @r#"
    g.json:1:10: error: unknown mode "Servre" (known are Normal, Server, Generator, Subgraph, Pushdata)
      help: did you mean "Server"?
    "#);
    insta::assert_snapshot!(node(r#""input_manager": "sync""#), @r#"g.json:2:18: error: unknown input_manager "sync" (known are immediate, default, server, framesync, clocksync, syncset, timestamp_align, barrier, fixed_size, early_close, mux)"#);
}

#[test]
fn actions_belong_to_updates() {
    insta::assert_snapshot!(check_json(r#"{"nodes": [
        {"action": "remove", "alias": "x"},
        {"action": "paint", "id": 1, "module_info": {"name": "m"}}
    ]}"#), @r#"
    g.json:2:20: error: nodes[0]: the action "remove" belongs to an update of a running graph, not to a graph
    g.json:3:20: error: node 1: unknown action "paint" (an update of a running graph has add, remove, reset)
    "#);
}

#[test]
fn of_equal_keys_the_last_counts() {
    insta::assert_snapshot!(node(r#""scheduler": 1, "option": {"a": 1, "b": 2, "a": 3}, "scheduler": 2"#), @r#"
    node 3 'm_3' (m)
      {"a":3,"b":2}
      scheduler=2
    g.json:2:44: warning: duplicate key "a": the last one counts
    g.json:2:53: warning: duplicate key "scheduler": the last one counts
    "#);
}

#[test]
fn syntax_errors_have_a_place() {
    for (text, expected) in [
        (r#"{"nodes": [],}"#, "trailing"),
        ("{\"nodes\": []", "unterminated"),
        ("{nodes: []}", "expected string"),
        ("{'nodes': []}", "single"),
        ("{} {}", "more than one"),
        ("nodes", "unexpected word"),
        ("{\"a\": 0x10}", "hexadecimal"),
    ] {
        let shown = check_json(text);
        assert!(
            shown.starts_with("g.json:1:") && shown.to_lowercase().contains(expected),
            "{shown}"
        );
    }
    insta::assert_snapshot!(check_json("{\n  \"nodes\": [\n    {\"id\": 0,}\n  ]\n}"), @"g.json:3:13: error: not valid JSON: trailing commas are not allowed");
    insta::assert_snapshot!(check_json("[1]"), @r#"g.json:1:1: error: expected a graph (an object with "nodes"), found an array"#);
}

#[test]
fn spans_lead_to_the_parts_of_a_node() {
    let text = r#"{"nodes": [{"id": 12, "module_info": {"name": "mod"}, "scheduler": 5, "option": {"a": {"b": [1, {"c": 2}]}},
        "input_streams": [{"identifier": "s"}]}]}"#;
    let (graph, _) = parse_json(SourceText::new("g.json", text)).unwrap();
    let node = &graph.nodes[0];
    let cut = |span: Span| &text[span.start..span.end];
    assert_eq!(cut(node.spans.id.unwrap()), "12");
    assert_eq!(cut(node.spans.module.unwrap()), "\"mod\"");
    assert_eq!(cut(node.spans.scheduler.unwrap()), "5");
    assert_eq!(cut(node.inputs[0].span.unwrap()), "\"s\"");
    assert!(cut(node.spans.node.unwrap()).starts_with("{\"id\""));
    let options: Vec<String> = node
        .spans
        .option
        .iter()
        .map(|(path, &(key, value))| format!("{path}: {} -> {}", cut(key), cut(value)))
        .collect();
    insta::assert_snapshot!(options.join("\n"), @r#"
    a: "a" -> {"b": [1, {"c": 2}]}
    a.b: "b" -> [1, {"c": 2}]
    a.b.0: 1 -> 1
    a.b.1: {"c": 2} -> {"c": 2}
    a.b.1.c: "c" -> 2
    "#);
}

#[test]
fn files_that_are_no_graphs() {
    let dir = tempfile::tempdir().unwrap();
    let check = |name: &str, content: Option<&[u8]>| {
        let path = dir.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let problems = read_file(&path).unwrap_err().to_string();
        problems.replace(&dir.path().display().to_string(), "DIR")
    };
    insta::assert_snapshot!(check("missing.json", None), @r#"error: cannot read graph file "DIR/missing.json": No such file or directory (os error 2)"#);
    insta::assert_snapshot!(check("", None), @r#"error: "DIR/" is a directory, not a graph file"#);
    insta::assert_snapshot!(check("empty.json", Some(b"\xef\xbb\xbf \n")), @r#"error: graph file "DIR/empty.json" is empty"#);
    insta::assert_snapshot!(check("film.mp4", Some(b"\0\0\0\x20ftyp\xff\xfe")), @r#"error: "DIR/film.mp4" is not a graph file: it is not UTF-8 text (byte 8)"#);
    insta::assert_snapshot!(check("broken.TOML", Some(b"nodes = [")), @"DIR/broken.TOML:1:10: error: not valid TOML: unclosed array, expected `]`");
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    insta::assert_snapshot!(check_json("\u{feff}{\"nodes\": 1}"), @r#"g.json:1:12: error: "nodes" of the graph: expected an array of nodes, found 1"#);
}
