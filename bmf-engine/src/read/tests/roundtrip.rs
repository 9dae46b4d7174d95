//! A graph written and read again is the same graph.

use bmf_core::config::{
    Distribution, ExecutorConfig, GraphConfig, GraphMode, GraphOptions, InputManager,
    InputManagerConfig, LinkConfig, ModuleRef, NodeConfig, NodeSpans, OnDeadlock, OnFull,
    ParallelConfig, StreamConfig, Threads, TimeOrder,
};
use bmf_core::{Options, SourceText};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::super::{parse_json, parse_toml, to_json, to_toml};
use super::graphs::{PUSH_DATA, TRANSCODE};
use super::show;

/// All of a graph but where it stood.
fn without_places(mut graph: GraphConfig) -> String {
    graph.source = None;
    let inner = graph.nodes.iter_mut().flat_map(|node| {
        node.spans = NodeSpans::default();
        node.inputs.iter_mut().chain(&mut node.outputs)
    });
    for stream in inner.chain(&mut graph.inputs).chain(&mut graph.outputs) {
        stream.span = None;
    }
    format!("{graph:#?}")
}

fn through_json(graph: &GraphConfig) -> GraphConfig {
    let text = to_json(graph).to_string();
    let (again, warnings) = parse_json(SourceText::new("again.json", text)).unwrap();
    assert_eq!(warnings.to_string(), "");
    again
}

fn through_toml(graph: &GraphConfig) -> GraphConfig {
    let text = to_toml(graph);
    match parse_toml(SourceText::new("again.toml", text.as_str())) {
        Ok((again, _)) => again,
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

/// All of a graph but what TOML may put into another order: options, because groups come last
/// there, and outputs, because they may be implied by the references to them.
fn unordered(mut graph: GraphConfig) -> String {
    for node in &mut graph.nodes {
        node.outputs.sort_by_key(StreamConfig::identifier);
        sort_keys(&mut node.option.0);
        if let Some(manager) = &mut node.input_manager {
            sort_keys(&mut manager.options.0);
        }
    }
    show(&graph)
}

fn sort_keys(map: &mut Map<String, Value>) {
    map.sort_keys();
    map.values_mut().for_each(sort_keys_inside);
}

fn sort_keys_inside(value: &mut Value) {
    match value {
        Value::Object(map) => sort_keys(map),
        Value::Array(items) => items.iter_mut().for_each(sort_keys_inside),
        _ => {}
    }
}

#[test]
fn the_samples_survive() {
    for sample in [TRANSCODE, PUSH_DATA] {
        let (graph, _) = parse_json(SourceText::new("sample.json", sample)).unwrap();
        assert_eq!(
            without_places(through_json(&graph)),
            without_places(graph.clone())
        );
        assert_eq!(unordered(through_toml(&graph)), unordered(graph));
    }
}

#[test]
fn the_written_form_is_bmfs() {
    let (graph, _) = parse_json(SourceText::new("sample.json", PUSH_DATA)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&to_json(&graph)).unwrap(), @r#"
    {
      "mode": "Pushdata",
      "option": {},
      "input_streams": [
        {
          "identifier": "outside_raw_video"
        }
      ],
      "output_streams": [],
      "nodes": [
        {
          "id": 0,
          "module_info": {
            "name": "c_ffmpeg_encoder",
            "type": "",
            "path": "",
            "entry": ""
          },
          "meta_info": {
            "premodule_id": -1,
            "callback_binding": []
          },
          "input_streams": [
            {
              "identifier": "outside_raw_video"
            }
          ],
          "output_streams": [],
          "option": {
            "output_path": "out.mp4",
            "video_params": {
              "codec": "h264",
              "width": 640,
              "height": 480,
              "crf": "23",
              "preset": "veryfast",
              "vsync": "vfr"
            }
          },
          "input_manager": "immediate",
          "scheduler": 1
        }
      ]
    }
    "#);
    insta::assert_snapshot!(to_toml(&graph), @r#"
    mode = "Pushdata"
    inputs = ["outside_raw_video"]

    [nodes.c_ffmpeg_encoder_0]
    id = 0
    module = "c_ffmpeg_encoder"
    inputs = ["outside_raw_video"]
    input_manager = "immediate"
    scheduler = 1

    [nodes.c_ffmpeg_encoder_0.options]
    output_path = "out.mp4"

    [nodes.c_ffmpeg_encoder_0.options.video_params]
    codec = "h264"
    width = 640
    height = 480
    crf = "23"
    preset = "veryfast"
    vsync = "vfr"
    "#);
}

#[test]
fn toml_cannot_say_null_or_large_numbers() {
    let mut graph = GraphConfig::default();
    graph.nodes.push(NodeConfig {
        name: "n".to_owned(),
        option: Options::from_value(json!({"a": null, "b": [1, null, {"c": null}], "d": u64::MAX}))
            .unwrap(),
        ..NodeConfig::default()
    });
    insta::assert_snapshot!(to_toml(&graph), @r#"
    [nodes.n]
    id = 0
    module = ""

    [nodes.n.options]
    b = [1, {}]
    d = 18446744073709552000.0
    "#);
}

/// Names with everything in them that has a meaning somewhere.
fn name() -> impl Strategy<Value = String> {
    "[a-c.:0\" é]{1,4}"
}

fn words<T: Copy + std::fmt::Debug + 'static, const N: usize>(
    all: [(&'static str, T); N],
) -> impl Strategy<Value = T> {
    select(all.map(|(_, value)| value).to_vec())
}

fn bytes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), Just(i64::MAX.unsigned_abs()), 1..1_u64 << 40]
}

prop_compose! {
    fn link()(
        queue_length_limit in of(1..9_usize), queue_bytes_limit in of(bytes()),
        on_full in of(words(OnFull::ALL)), time_order in of(words(TimeOrder::ALL)),
        back_edge in any::<bool>(),
    ) -> LinkConfig {
        LinkConfig { queue_length_limit, queue_bytes_limit, on_full, time_order, back_edge }
    }
}

prop_compose! {
    fn input_manager()(manager in words(InputManager::ALL), options in options()) -> InputManagerConfig {
        InputManagerConfig { manager, options }
    }
}

prop_compose! {
    fn parallel()(instances in 1..1025_usize, distribution in words(Distribution::ALL)) -> ParallelConfig {
        ParallelConfig { instances, distribution }
    }
}

/// Names are unique, since executors are the keys of an object.
fn executors() -> impl Strategy<Value = Vec<ExecutorConfig>> {
    prop::collection::btree_map(name(), 1..1025_usize, 0..3).prop_map(|executors| {
        let executors = executors.into_iter();
        executors
            .map(|(name, workers)| ExecutorConfig { name, workers })
            .collect()
    })
}

fn stream() -> impl Strategy<Value = StreamConfig> {
    (
        prop_oneof![name(), Just(String::new())],
        of(port()),
        of(name()),
        prop_oneof![Just(LinkConfig::default()), link()],
    )
        .prop_map(|(name, port, alias, link)| StreamConfig {
            name,
            port,
            alias,
            link,
            span: None,
        })
}

/// A port's name ends at the first colon, so it has none.
fn port() -> impl Strategy<Value = String> {
    "[a-c.0]{1,2}"
}

fn streams() -> impl Strategy<Value = Vec<StreamConfig>> {
    prop::collection::vec(stream(), 0..4)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn options() -> impl Strategy<Value = Options> {
    prop::collection::vec((name(), value()), 0..3)
        .prop_map(|entries| Options(entries.into_iter().collect()))
}

fn module() -> impl Strategy<Value = ModuleRef> {
    let words = ["", "", "x/y.z"];
    (
        name(),
        select(vec!["", "python"]),
        select(words.to_vec()),
        select(words.to_vec()),
    )
        .prop_map(|(name, kind, path, entry)| ModuleRef {
            name,
            kind: kind.to_owned(),
            path: path.to_owned(),
            entry: entry.to_owned(),
        })
}

prop_compose! {
    fn node()(
        id in any::<u32>(), alias in of(name()), name in name(), module in module(),
        inputs in streams(), outputs in streams(), option in options(),
        (scheduler, queue_length_limit, batch) in (of(0..9_usize), of(1..9_usize), of(1..9_usize)),
        (input_manager, executor, parallel) in (of(input_manager()), of(name()), of(parallel())),
        queue_bytes_limit in of(bytes()),
        premodule_id in of(0..9), callback_binding in prop::collection::vec(any::<(i64, i64)>(), 0..2),
    ) -> NodeConfig {
        NodeConfig {
            id, name, alias, module, inputs, outputs, option, scheduler, executor, parallel,
            input_manager, queue_length_limit, queue_bytes_limit, batch, premodule_id, callback_binding, spans: NodeSpans::default(),
        }
    }
}

prop_compose! {
    fn graph()(
        mode in select(GraphMode::ALL.map(|(_, mode)| mode).to_vec()),
        scheduler_count in of(1..9_usize), time_out in 0.0..10.0, dump_graph in any::<bool>(),
        graph_name in of(name()), queue_length_limit in of(1..9_usize), executors in executors(),
        (queue_bytes_limit, memory_budget) in (of(bytes()), of(bytes())),
        on_deadlock in words(OnDeadlock::ALL), optimize_graph in of(any::<bool>()),
        threads in (-1..9).prop_map(Threads::from_code),
        inputs in streams(), outputs in streams(),
        mut nodes in prop::collection::vec(node(), 0..4),
    ) -> GraphConfig {
        // Reading gives unique names and refuses equal numbers of TOML nodes, so only such graphs can
        // come back.
        let mut index = 0;
        nodes.retain_mut(|node| {
            index += 1;
            node.id = node.id / 8 * 8 + index;
            node.name = format!("{}{index}", node.name);
            true
        });
        let other = Options::from_value(json!({"user_id": "1"})).unwrap_or_default();
        let option = GraphOptions {
            scheduler_count, executors, time_out, dump_graph, graph_name, queue_length_limit,
            queue_bytes_limit, memory_budget, on_deadlock, optimize_graph, threads, other,
        };
        GraphConfig { source: None, mode, option, inputs, outputs, nodes }
    }
}

proptest! {
    #[test]
    fn json_loses_nothing(graph in graph()) {
        prop_assert_eq!(without_places(through_json(&graph)), without_places(graph));
    }

    #[test]
    fn toml_loses_nothing(graph in graph()) {
        prop_assert_eq!(unordered(through_toml(&graph)), unordered(graph));
    }
}
