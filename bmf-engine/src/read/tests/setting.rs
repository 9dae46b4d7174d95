//! `--set`.

use bmf_core::SourceText;

use super::super::{parse_json, parse_toml, set_option};
use super::show;

fn check(assignments: &[&str]) -> String {
    let text = r#"{"nodes": [
        {"id": 4, "alias": "a.b", "module_info": {"name": "m"}, "option": {"x": 1, "g": {"y": 2}}},
        {"id": 5, "name": "out", "alias": "o", "module_info": {"name": "m"}}
    ]}"#;
    let (mut graph, _) = parse_json(SourceText::new("g.json", text)).unwrap();
    let mut lines = Vec::new();
    for assignment in assignments {
        if let Err(problem) = set_option(&mut graph, assignment) {
            lines.push(problem.to_string());
        }
    }
    for node in &graph.nodes {
        let places: Vec<_> = node.spans.option.keys().cloned().collect();
        let option = serde_json::to_string(&node.option).unwrap();
        lines.push(format!("{} {option} {}", node.name, places.join(" ")));
    }
    lines.join("\n")
}

#[test]
fn nodes_go_by_name_alias_or_id() {
    insta::assert_snapshot!(check(&["a.b.x=2", "o.para=1280:720", "5.v.crf=23", "out.flag=true", "4.list=[1,2]"]), @r#"
    a.b {"x":2,"g":{"y":2},"list":[1,2]} g g.y
    out {"para":"1280:720","v":{"crf":23},"flag":true}
    "#);
    insta::assert_snapshot!(check(&["a.b.g={\"z\": null}", "out.empty=", "out.eq=a=b"]), @r#"
    a.b {"x":1,"g":{"z":null}} x
    out {"empty":"","eq":"a=b"}
    "#);
}

#[test]
fn what_cannot_be_set() {
    insta::assert_snapshot!(check(&["ot.x=1", "zzz.x=1", "x", "x=1", "out.=1", "out.a..b=1", "a.b.x.q.r=1", "=", ""]), @r#"
    --set:1:1: error: there is no node called "ot"
      help: did you mean "out"?
    --set:1:1: error: there is no node called "zzz"
      help: the nodes are a.b, out
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:5: error: "" is not the path of an option
    --set:1:5: error: "a..b" is not the path of an option
    --set:1:5: error: "x" is not a group of options
    --set:1:1: error: expected NODE.OPTION=VALUE
    --set:1:1: error: expected NODE.OPTION=VALUE
    a.b {"x":1,"g":{"y":2}} g g.y x
    out {}
    "#);
}

fn check_settings(assignments: &[&str]) -> String {
    let text = r#"{"option": {"user_id": "1", "memory_budget": 7, "sheduler_count": 1}, "nodes": [
        {"id": 0, "alias": "n", "module_info": {"name": "m"}, "executor": "gpu", "batch": 3}
    ]}"#;
    let (mut graph, _) = parse_json(SourceText::new("g.json", text)).unwrap();
    let mut lines = Vec::new();
    for assignment in assignments {
        if let Err(problem) = set_option(&mut graph, assignment) {
            lines.push(format!("{problem}\n"));
        }
    }
    lines.push(show(&graph));
    lines.concat()
}

#[test]
fn settings_of_a_node_are_read_as_in_a_file() {
    insta::assert_snapshot!(check_settings(&[
        "n.executor=io", "n.parallel=4", "n.queue_length_limit=2", "n.queue_bytes_limit=1 MiB", "n.scheduler=1",
        "n.batch=null", "n.input_manager={\"name\": \"clocksync\", \"clock\": 1}",
    ]), @r#"
    options budget=7 {"user_id":"1","sheduler_count":1}
    node 0 'n' (m)
      alias=n clocksync {"clock":1} scheduler=1 executor="io" ×4 RoundRobin limit=2 bytes=1048576
    "#);
    insta::assert_snapshot!(check_settings(&["n.option.parallel=8", "n.option.batch.size=1", "n.option=5"]), @r#"
    options budget=7 {"user_id":"1","sheduler_count":1}
    node 0 'n' (m)
      {"parallel":8,"batch":{"size":1},"option":5}
      alias=n executor="gpu" batch=3
    "#);
    insta::assert_snapshot!(check_settings(&[
        "n.executor=2", "n.parallel=0", "n.parallel={\"instances\": 2, \"distribtion\": \"x\"}", "n.parallel.instances=2",
        "n.queue_bytes_limit=", "n.input_manager=clock", "n.option.=1",
    ]), @r#"
    --set:1:12: error: "executor" of node "n": expected a string, found 2
    --set:1:12: error: "parallel" of node "n": expected a whole number of at least 1, found 0
    --set:1:12: error: unknown key "distribtion" in parallel of node "n"
      help: did you mean "distribution"?
    --set:1:3: error: "parallel" of a node can only be set as a whole
    --set:1:21: error: "queue_bytes_limit" of node "n": expected a whole number of bytes, or a size such as "64MB" or "64MiB", found ""
      help: the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)
    --set:1:17: error: unknown input_manager "clock" (known are immediate, default, server, framesync, clocksync, syncset, timestamp_align, barrier, fixed_size, early_close, mux)
    --set:1:3: error: "option." is not the path of an option
    options budget=7 {"user_id":"1","sheduler_count":1}
    node 0 'n' (m)
      alias=n executor="gpu" batch=3
    "#);
}

#[test]
fn options_of_the_graph_are_read_as_in_a_file() {
    insta::assert_snapshot!(check_settings(&[
        "option.scheduler_count=2", "option.executors={\"io\": 2}", "option.time_out=1.5", "option.dump_graph=true",
        "option.graph_name=g", "option.queue_length_limit=4", "option.queue_bytes_limit=64MB",
        "option.memory_budget=null", "option.on_deadlock=fail", "option.user_id=2",
    ]), @r#"
    options scheduler_count=2 time_out=1.5 dump_graph=true graph_name="g" limit=4 bytes=64000000 on_deadlock=Fail executor "io"×2 {"user_id":2,"sheduler_count":1}
    node 0 'n' (m)
      alias=n executor="gpu" batch=3
    "#);
    insta::assert_snapshot!(check_settings(&[
        "option.memory_buget=1", "option.memory_budget=0", "option.on_deadlock=wait", "option.executors.io=1", "option.=1",
        "optoin.memory_budget=1",
    ]), @r#"
    --set:1:8: error: the graph has no option "memory_buget"
      help: did you mean "memory_budget"?
    --set:1:22: error: "memory_budget" of the graph's options: expected a whole number of at least 1, found 0
    --set:1:20: error: unknown on_deadlock "wait" (known are relax, fail)
      help: did you mean "fail"?
    --set:1:8: error: the graph has no option "executors.io"
      help: did you mean "executors"?
    --set:1:8: error: the graph has no option ""
    --set:1:1: error: there is no node called "optoin"
      help: the nodes are n
    options budget=7 {"user_id":"1","sheduler_count":1}
    node 0 'n' (m)
      alias=n executor="gpu" batch=3
    "#);
}

#[test]
fn a_node_called_option_goes_first() {
    let text = "[nodes.option]\nmodule = 'm'";
    let (mut graph, _) = parse_toml(SourceText::new("g.toml", text)).unwrap();
    set_option(&mut graph, "option.memory_budget=1").unwrap();
    insta::assert_snapshot!(show(&graph), @r#"
    node 0 'option' (m)
      {"memory_budget":1}
    "#);
}
