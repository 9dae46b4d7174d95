//! How packets flow: limits, policies, executors, parallel nodes, back edges; in JSON and in TOML.

use bmf_core::{SourceText, Span};

use super::super::{parse_json, parse_toml, to_json, to_toml};
use super::{check_json, check_toml};

const LOOP: &str = r#"
[option]
executors = { io = 2, gpu = { workers = 1 } }
queue_length_limit = 8
queue_bytes_limit = "16 MiB"
memory_budget = "1GB"
on_deadlock = "fail"
[nodes.camera]
module = "source"
executor = "io"
outputs = ["1:thumb", { stream = "video:cam", on_full = "drop_oldest", queue_length_limit = 2 }]
[nodes.limit]
module = "flow_limiter"
inputs = ["cam", { stream = "show.done", back_edge = true, time_order = "any" }]
input_manager = "immediate"
[nodes.detect]
module = "detect"
inputs = ["limit"]
parallel = { instances = 4, distribution = "least_loaded" }
queue_bytes_limit = 4096
[nodes.show]
module = "show"
inputs = [{ identifier = "cam", on_full = "latest" }, "detect", { stream = "", back_edge = false }]
input_manager = { name = "timestamp_align", base = "cam", offsets = [1, 2] }
parallel = 1
"#;

#[test]
fn all_that_toml_can_say() {
    insta::assert_snapshot!(check_toml(LOOP), @r#"
    options limit=8 bytes=16777216 budget=1000000000 on_deadlock=Fail executor "io"×2 executor "gpu"×1
    node 0 'camera' (source)
      out [1:thumb] [video:cam limit=2 on_full=DropOldest]
      executor="io"
    node 1 'limit' (flow_limiter)
      in [cam] [show.done time_order=Any back]
      out [0:limit]
      immediate
    node 2 'detect' (detect)
      in [limit]
      out [0:detect]
      ×4 LeastLoaded bytes=4096
    node 3 'show' (show)
      in [cam on_full=Latest] [detect] []
      out [done:show.done]
      timestamp_align {"base":"cam","offsets":[1,2]} ×1 RoundRobin
    "#);
}

/// A graph around one node with these keys beside the required ones.
fn node(keys: &str) -> String {
    check_json(&format!(
        r#"{{"nodes": [{{"id": 3, "module_info": {{"name": "m"}},
{keys}}}]}}"#
    ))
}

fn option(keys: &str) -> String {
    check_json(&format!(
        r#"{{"nodes": [], "option": {{
{keys}}}}}"#
    ))
}

#[test]
fn all_that_json_can_say() {
    insta::assert_snapshot!(option(r#"
        "executors": {"io": 2, "gpu": {"workers": 1024}}, "queue_length_limit": 1,
        "queue_bytes_limit": 9223372036854775807, "memory_budget": "64MiB", "on_deadlock": "fail"
    "#), @r#"options limit=1 bytes=9223372036854775807 budget=67108864 on_deadlock=Fail executor "io"×2 executor "gpu"×1024"#);
    insta::assert_snapshot!(node(r#"
        "input_streams": [
            {"identifier": "a", "queue_length_limit": 2, "queue_bytes_limit": "512kB", "on_full": "block", "time_order": "error"},
            {"identifier": "video:b", "alias": "x", "on_full": "latest", "time_order": "clamp", "back_edge": true},
            {"identifier": "c", "on_full": "drop_newest", "time_order": "drop", "back_edge": 0}
        ],
        "output_streams": [{"identifier": "d", "on_full": "drop_oldest", "time_order": "any", "back_edge": 1}],
        "executor": "io", "parallel": 1024, "queue_length_limit": 1, "queue_bytes_limit": 1,
        "input_manager": {"sets": [[0, 1], [2]], "name": "syncset", "late": null}
    "#), @r#"
    node 3 'm_3' (m)
      in [a limit=2 bytes=512000 on_full=Block time_order=Error] [video:b as x on_full=Latest time_order=Clamp back] [c on_full=DropNewest time_order=Drop]
      out [d on_full=DropOldest time_order=Any back]
      syncset {"sets":[[0,1],[2]],"late":null} executor="io" ×1024 RoundRobin limit=1 bytes=1
    "#);
    insta::assert_snapshot!(check_json(r#"{"mode": "Pushdata", "nodes": [],
        "input_streams": [{"identifier": "i", "queue_length_limit": 3}],
        "output_streams": [{"identifier": "o", "on_full": "latest"}]
    }"#), @"
    mode Pushdata
    graph in [i limit=3]
    graph out [o on_full=Latest]
    ");
    insta::assert_snapshot!(node(r#""meta_info": {"queue_length_limit": 4, "queue_bytes_limit": "1MB"}"#), @"
    node 3 'm_3' (m)
      limit=4 bytes=1000000
    ");
}

#[test]
fn null_and_empty_stand_for_absent() {
    insta::assert_snapshot!(node(r#"
        "executor": null, "parallel": null, "input_manager": null, "queue_bytes_limit": null,
        "input_streams": [{"identifier": "a", "on_full": null, "time_order": "", "back_edge": null, "queue_bytes_limit": null}]
    "#), @"
    node 3 'm_3' (m)
      in [a]
    ");
    insta::assert_snapshot!(node(r#""executor": "", "input_manager": """#), @"node 3 'm_3' (m)");
    insta::assert_snapshot!(option(r#""executors": null, "queue_bytes_limit": null, "memory_budget": null, "on_deadlock": "relax""#), @"");
}

#[test]
fn every_input_manager_has_a_name() {
    for (name, manager) in bmf_core::config::InputManager::ALL {
        let text = format!("[nodes.n]\nmodule = 'm'\ninput_manager = '{name}'");
        let (graph, _) = parse_toml(SourceText::new("g.toml", text)).unwrap();
        assert_eq!(graph.nodes[0].input_manager, Some(manager.into()));
    }
}

#[test]
fn wrong_settings_of_the_graph() {
    insta::assert_snapshot!(option(r#"
        "queue_length_limit": 0,
        "queue_bytes_limit": 0,
        "memory_budget": -1,
        "on_deadlock": "relaxed",
        "executors": {
            "zero": 0, "half": 0.5, "many": 1025, "word": "2", "nothing": null, "list": [1], "": 1,
            "missing": {}, "wrong": {"workers": -1}, "typo": {"wokers": 1, "workers": 1}, "twice": 1, "twice": 2
        }
    "#), @r#"
    g.json:3:31: error: "queue_length_limit" of the graph's options: expected a whole number of at least 1, found 0
    g.json:4:30: error: "queue_bytes_limit" of the graph's options: expected a whole number of at least 1, found 0
    g.json:5:26: error: "memory_budget" of the graph's options: expected a whole number of at least 1, found -1
    g.json:6:24: error: unknown on_deadlock "relaxed" (known are relax, fail)
      help: did you mean "relax"?
    g.json:8:21: error: "zero" of the graph's executors: expected a whole number of at least 1, found 0
    g.json:8:32: error: "half" of the graph's executors: expected a whole number of at least 1, found 0.5
    g.json:8:45: error: "many" of the graph's executors: expected a whole number of at most 1024, found 1025
    g.json:8:59: error: "word" of the graph's executors: expected a number of workers or an object with "workers", found a string
    g.json:8:75: error: "nothing" of the graph's executors: expected a number of workers or an object with "workers", found null
    g.json:8:89: error: "list" of the graph's executors: expected a number of workers or an object with "workers", found an array
    g.json:8:94: error: one of the graph's executors has no name
    g.json:9:24: error: executor "missing" has no "workers"
    g.json:9:49: error: "workers" of executor "wrong": expected a whole number of at least 1, found -1
    g.json:9:63: warning: unknown key "wokers" in executor "typo"
      help: did you mean "workers"?
    g.json:9:103: warning: duplicate key "twice": the last one counts
    "#);
    insta::assert_snapshot!(option(r#""executors": 2"#), @r#"g.json:2:14: error: "executors" of the graph's options: expected an object, found 2"#);
    insta::assert_snapshot!(option(r#""executor": {}, "memory_buget": 1, "queue_limit_bytes": 1"#), @r#"
    options {"executor":{},"memory_buget":1,"queue_limit_bytes":1}
    g.json:2:1: warning: unknown key "executor" in the graph's options
      help: did you mean "executors"?
    g.json:2:17: warning: unknown key "memory_buget" in the graph's options
      help: did you mean "memory_budget"?
    g.json:2:36: warning: unknown key "queue_limit_bytes" in the graph's options
    "#);
    insta::assert_snapshot!(check_toml("[option.executors]\nio = 1\nio = 2\n[nodes]"), @"g.toml:3:1: error: not valid TOML: duplicate key");
}

#[test]
fn wrong_sizes() {
    insta::assert_snapshot!(["\"\"", "\"64M\"", "\"1.5GB\"", "\"-1\"", "\"0MB\"", "\"9000000TiB\"", "1.5", "1e30", "18446744073709551615", "true", "[]"]
        .map(|size| option(&format!("\"memory_budget\": {size}")))
        .join("\n"), @r#"
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found ""
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found "64M"
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found "1.5GB"
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found "-1"
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    g.json:2:18: error: "memory_budget" of the graph's options: expected a size of at least 1 byte, found "0MB"
    g.json:2:18: error: "memory_budget" of the graph's options: expected a size of at most 9223372036854775807 bytes, found "9000000TiB"
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of at least 1, found 1.5
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of at most 9223372036854775807, found 1e+30
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of at most 9223372036854775807, found 18446744073709551615
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found true
    g.json:2:18: error: "memory_budget" of the graph's options: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found an array
    "#);
}

#[test]
fn wrong_settings_of_a_node() {
    insta::assert_snapshot!(node(r#"
        "executor": 2,
        "parallel": 0,
        "queue_length_limit": 0,
        "queue_bytes_limit": "lots",
        "input_manager": "frame_sync",
        "exekutor": "x"
    "#), @r#"
    g.json:3:21: error: "executor" of node 3: expected a string, found 2
    g.json:4:21: error: "parallel" of node 3: expected a whole number of at least 1, found 0
    g.json:5:31: error: "queue_length_limit" of node 3: expected a whole number of at least 1, found 0
    g.json:6:30: error: "queue_bytes_limit" of node 3: expected a whole number of bytes, or a size such as "64MB" or "64MiB", found "lots"
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    g.json:7:26: error: unknown input_manager "frame_sync" (known are immediate, default, server, framesync, clocksync, syncset, timestamp_align, barrier, fixed_size, early_close, mux)
      help: did you mean "framesync"?
    g.json:8:9: warning: unknown key "exekutor" in node 3
      help: did you mean "executor"?
    "#);
    insta::assert_snapshot!(["-1", "1025", "1e9", "1.5", "\"4\"", "true", "{}", "{\"instances\": 0}", "{\"instances\": \"2\"}",
        "{\"instances\": 2, \"distribution\": \"roundrobin\"}", "{\"instances\": 2, \"distribution\": 1}", "{\"instance\": 2}"]
        .map(|parallel| node(&format!("\"parallel\": {parallel}")))
        .join("\n"), @r#"
    g.json:2:13: error: "parallel" of node 3: expected a whole number of at least 1, found -1
    g.json:2:13: error: "parallel" of node 3: expected a whole number of at most 1024, found 1025
    g.json:2:13: error: "parallel" of node 3: expected a whole number of at most 1024, found 1000000000.0
    g.json:2:13: error: "parallel" of node 3: expected a whole number of at least 1, found 1.5
    g.json:2:13: error: "parallel" of node 3: expected a number of instances or an object with "instances", found a string
    g.json:2:13: error: "parallel" of node 3: expected a number of instances or an object with "instances", found true
    g.json:2:13: error: parallel of node 3 has no "instances"
    g.json:2:27: error: "instances" of parallel of node 3: expected a whole number of at least 1, found 0
    g.json:2:27: error: "instances" of parallel of node 3: expected a whole number of at least 1, found a string
    g.json:2:46: error: unknown distribution "roundrobin" (known are round_robin, least_loaded)
      help: did you mean "round_robin"?
    g.json:2:46: error: "distribution" of parallel of node 3: expected a string, found 1
    g.json:2:13: error: parallel of node 3 has no "instances"
    g.json:2:14: warning: unknown key "instance" in parallel of node 3
      help: did you mean "instances"?
    "#);
    insta::assert_snapshot!(["1", "[]", "{}", "{\"name\": \"\"}", "{\"name\": 1}", "{\"name\": \"sync_set\"}", "\"SyncSet\""]
        .map(|manager| node(&format!("\"input_manager\": {manager}")))
        .join("\n"), @r#"
    g.json:2:18: error: "input_manager" of node 3: expected a name or an object with a "name", found 1
    g.json:2:18: error: "input_manager" of node 3: expected a name or an object with a "name", found an array
    g.json:2:18: error: input_manager of node 3 has no "name"
    g.json:2:18: error: input_manager of node 3 has no "name"
    g.json:2:27: error: "name" of input_manager of node 3: expected a string, found 1
    g.json:2:27: error: unknown input_manager "sync_set" (known are immediate, default, server, framesync, clocksync, syncset, timestamp_align, barrier, fixed_size, early_close, mux)
      help: did you mean "syncset"?
    g.json:2:18: error: unknown input_manager "SyncSet" (known are immediate, default, server, framesync, clocksync, syncset, timestamp_align, barrier, fixed_size, early_close, mux)
      help: did you mean "syncset"?
    "#);
    insta::assert_snapshot!(node(r#""queue_bytes_limit": 1, "meta_info": {"queue_bytes_limit": 1}"#), @r#"g.json:2:39: error: node 3 has its "queue_bytes_limit" twice"#);
}

#[test]
fn wrong_settings_of_a_stream() {
    insta::assert_snapshot!(node(r#""input_streams": [{"identifier": "a",
        "queue_length_limit": 0,
        "queue_bytes_limit": "0B",
        "on_full": "drop",
        "time_order": "Clamp",
        "back_edge": "yes",
        "backedge": true,
        "stream": "b"
    }], "output_streams": [{"on_full": 1}]"#), @r#"
    g.json:3:31: error: "queue_length_limit" of input_streams[0] of node 3: expected a whole number of at least 1, found 0
    g.json:4:30: error: "queue_bytes_limit" of input_streams[0] of node 3: expected a size of at least 1 byte, found "0B"
    g.json:5:20: error: unknown on_full "drop" (known are block, drop_oldest, drop_newest, latest)
    g.json:6:23: error: unknown time_order "Clamp" (known are error, drop, clamp, any)
      help: did you mean "clamp"?
    g.json:7:22: error: "back_edge" of input_streams[0] of node 3: expected true, false, 1 or 0, found a string
    g.json:8:9: warning: unknown key "backedge" in input_streams[0] of node 3
      help: did you mean "back_edge"?
    g.json:9:9: warning: unknown key "stream" in input_streams[0] of node 3
    g.json:10:28: error: output_streams[0] of node 3 has no "identifier"
    g.json:10:40: error: "on_full" of output_streams[0] of node 3: expected a string, found 1
    "#);
    insta::assert_snapshot!(check_toml(r#"
        inputs = [{ stream = "raw", on_full = "lates" }]
        outputs = [{ stream = "gone" }, { stream = "n", on_full = "latest" }]
        [nodes.n]
        module = "m"
        inputs = [
            { stream = "nn", back_edge = true }, { stream = "raw", identifier = "raw" }, { stream = 1 },
            { back_edge = true }, { stream = "raw", streem = "x" }
        ]
        outputs = [{ stream = "video:v", back_edge = [] }]
    "#), @r#"
    g.toml:2:47: error: unknown on_full "lates" (known are block, drop_oldest, drop_newest, latest)
      help: did you mean "latest"?
    g.toml:3:31: error: there is no node or graph input called "gone"
    g.toml:7:24: error: there is no node or graph input called "nn"
      help: did you mean "n"?
    g.toml:7:52: error: inputs[1] of node "n" has both "identifier" and "stream"
    g.toml:7:101: error: "stream" of inputs[2] of node "n": expected a string, found 1
    g.toml:8:13: error: inputs[3] of node "n" has no "stream"
    g.toml:8:53: warning: unknown key "streem" in inputs[4] of node "n"
      help: did you mean "stream"?
    g.toml:10:54: error: "back_edge" of outputs[0] of node "n": expected true, false, 1 or 0, found an array
    "#);
}

#[test]
fn spans_lead_to_the_settings() {
    let check = |keys: &str| {
        let text = format!(r#"{{"nodes": [{{"id": 0, "module_info": {{"name": "m"}}, {keys}}}]}}"#);
        let (graph, _) = parse_json(SourceText::new("g.json", text.as_str())).unwrap();
        let spans = &graph.nodes[0].spans;
        let cut = |span: Option<Span>| span.map_or("-", |span| &text[span.start..span.end]);
        format!(
            "{} {} {}",
            cut(spans.input_manager),
            cut(spans.parallel),
            cut(spans.scheduler)
        )
    };
    insta::assert_snapshot!(check(r#""input_manager": "mux", "parallel": 4, "executor": "io""#), @r#""mux" 4 "io""#);
    insta::assert_snapshot!(check(r#""input_manager": {"name": "mux"}, "parallel": {"instances": 4}, "scheduler": 1"#), @r#""mux" 4 1"#);
    insta::assert_snapshot!(check(r#""scheduler": 1, "executor": "io""#), @r#"- - "io""#);
    insta::assert_snapshot!(check(r#""alias": "x""#), @"- - -");
}

#[test]
fn the_written_form() {
    let (graph, _) = parse_toml(SourceText::new("g.toml", LOOP)).unwrap();
    insta::assert_snapshot!(to_toml(&graph), @r#"
    [option]
    queue_length_limit = 8
    queue_bytes_limit = 16777216
    memory_budget = 1000000000
    on_deadlock = "fail"

    [option.executors]
    io = 2
    gpu = 1

    [nodes.camera]
    id = 0
    module = "source"
    outputs = ["1:thumb", { identifier = "video:cam", queue_length_limit = 2, on_full = "drop_oldest" }]
    executor = "io"

    [nodes.limit]
    id = 1
    module = "flow_limiter"
    inputs = ["cam", { stream = "show.done", time_order = "any", back_edge = true }]
    input_manager = "immediate"

    [nodes.detect]
    id = 2
    module = "detect"
    inputs = ["limit"]
    queue_bytes_limit = 4096

    [nodes.detect.parallel]
    instances = 4
    distribution = "least_loaded"

    [nodes.show]
    id = 3
    module = "show"
    inputs = [{ stream = "cam", on_full = "latest" }, "detect", ""]
    parallel = 1

    [nodes.show.input_manager]
    name = "timestamp_align"
    base = "cam"
    offsets = [1, 2]
    "#);
    let json = to_json(&graph);
    insta::assert_snapshot!(json["option"], @r#"{"executors":{"io":2,"gpu":1},"queue_length_limit":8,"queue_bytes_limit":16777216,"memory_budget":1000000000,"on_deadlock":"fail"}"#);
    insta::assert_snapshot!(json["nodes"][0]["output_streams"], @r#"[{"identifier":"1:thumb"},{"identifier":"video:cam","queue_length_limit":2,"on_full":"drop_oldest"}]"#);
    insta::assert_snapshot!(json["nodes"][1], @r#"{"id":1,"name":"limit","module_info":{"name":"flow_limiter","type":"","path":"","entry":""},"meta_info":{"premodule_id":-1,"callback_binding":[]},"input_streams":[{"identifier":"cam"},{"identifier":"show.done","time_order":"any","back_edge":true}],"output_streams":[{"identifier":"0:limit"}],"option":{},"input_manager":"immediate"}"#);
    insta::assert_snapshot!(json["nodes"][3]["input_manager"], @r#"{"name":"timestamp_align","base":"cam","offsets":[1,2]}"#);
}
