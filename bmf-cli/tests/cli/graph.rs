//! `bmf graph`: drawings and conversions.

use crate::util::{Dir, bmf};

const LINE: &str = "test_source duration=1 ! pass_through ! null_sink";

#[test]
fn graphs_are_drawn() {
    insta::assert_snapshot!(bmf(&["graph", LINE]), @r#"
    exit 0
    --- stdout
    digraph {
      rankdir=LR;
      node [shape=box];
      n0 [label="test_source\ntest_source"];
      n1 [label="pass_through\npass_through"];
      n2 [label="null_sink\nnull_sink"];
      n0 -> n1 [label="video"];
      n0 -> n1 [label="audio"];
      n1 -> n2;
      n1 -> n2 [label="pass_through.1"];
    }
    "#);
    insta::assert_snapshot!(bmf(&["graph", LINE, "--format", "mermaid"]), @r#"
    exit 0
    --- stdout
    flowchart LR
      n0["test_source<br/>test_source"]
      n1["pass_through<br/>pass_through"]
      n2["null_sink<br/>null_sink"]
      n0 -->|"video"| n1
      n0 -->|"audio"| n1
      n1 --> n2
      n1 -->|"pass_through.1"| n2
    "#);
}

#[test]
fn graphs_are_converted_and_run_afterwards() {
    let dir = Dir::new();
    insta::assert_snapshot!(dir.bmf(&["graph", LINE, "--format", "toml"]), @r#"
    exit 0
    --- stdout
    [nodes.test_source]
    id = 0
    module = "test_source"

    [nodes.test_source.options]
    duration = 1

    [nodes.pass_through]
    id = 1
    module = "pass_through"
    inputs = ["test_source.video", "test_source.audio"]

    [nodes.null_sink]
    id = 2
    module = "null_sink"
    inputs = ["pass_through", "pass_through.1"]
    "#);
    for format in ["json", "toml"] {
        let file = format!("g.{format}");
        dir.create(&file, dir.stdout(&["graph", LINE, "--format", format]));
        let size = [
            "--set",
            "test_source.width=64",
            "--set",
            "test_source.height=36",
        ];
        let ran = dir.bmf(&[&["run", &file][..], &size].concat());
        assert!(ran.contains("done: 72 packets"), "{ran}");
    }
}

#[test]
fn options_are_set_before() {
    let set = ["--set", "null_sink.a.b=two", "--set", "null_sink.c=3"];
    let arguments = ["graph", "test_source ! null_sink", "--format", "toml"];
    insta::assert_snapshot!(bmf(&[&arguments[..], &set].concat()), @r#"
    exit 0
    --- stdout
    [nodes.test_source]
    id = 0
    module = "test_source"

    [nodes.null_sink]
    id = 1
    module = "null_sink"
    inputs = ["test_source.video", "test_source.audio"]

    [nodes.null_sink.options]
    c = 3

    [nodes.null_sink.options.a]
    b = "two"
    "#);
}

#[test]
fn what_is_no_graph_cannot_be_drawn() {
    insta::assert_snapshot!(bmf(&["graph", "test_source ! nowhere"]), @r#"
    exit 2
    --- stderr
    error: no module answers to "nowhere"
     --> <command line>:1:15
      |
    1 | test_source ! nowhere
      |               ^^^^^^^
    "#);
}
