//! `bmf run`: results, messages, statistics, exit codes. Interruptions are in `interrupt`.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::util::{Dir, bmf, finish, show};

const LINE: &str = "test_source width=64 height=36 duration=1 ! null_sink";

const TOML: &str = r#"
[nodes.source]
module = "test_source"
option = { width = 64, height = 36, duration = 1 }

[nodes.sink]
module = "null_sink"
inputs = ["source.video"]
"#;

const JSON: &str = r#"{"nodes": [
  {"id": 0, "module_info": {"name": "test_source"},
   "option": {"width": 64, "height": 36, "duration": 1},
   "output_streams": [{"identifier": "video:v"}]},
  {"id": 1, "module_info": {"name": "null_sink"}, "input_streams": [{"identifier": "v"}]}
]}"#;

#[test]
fn graphs_run_in_all_three_forms() {
    let dir = Dir::new();
    dir.create("g.toml", TOML);
    dir.create("g.json", JSON);
    insta::assert_snapshot!(dir.bmf(&["run", "g.toml"]), @r"
    exit 0
    --- stderr
    done: 25 packets in # s
    ");
    insta::assert_snapshot!(dir.bmf(&["run", "g.json"]), @r"
    exit 0
    --- stderr
    done: 25 packets in # s
    ");
    insta::assert_snapshot!(dir.bmf(&["run", LINE]), @r"
    exit 0
    --- stderr
    done: 72 packets in # s
    ");
}

#[test]
fn a_file_needs_no_extension() {
    let dir = Dir::new();
    dir.create("my graph!", JSON);
    insta::assert_snapshot!(dir.bmf(&["run", "my graph!"]), @r"
    exit 0
    --- stderr
    done: 25 packets in # s
    ");
}

#[test]
fn workers_can_be_chosen() {
    insta::assert_snapshot!(bmf(&["run", "--inline", LINE]), @r"
    exit 0
    --- stderr
    done: 72 packets in # s
    ");
    insta::assert_snapshot!(bmf(&["run", "--workers", "3", LINE]), @r"
    exit 0
    --- stderr
    done: 72 packets in # s
    ");
    insta::assert_snapshot!(bmf(&["run", "--workers", "0", LINE]), @r"
    exit 2
    --- stderr
    error: invalid value '0' for '--workers <N>': number would be zero for non-zero type

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(bmf(&["run", "--workers", "2", "--inline", LINE]), @r"
    exit 2
    --- stderr
    error: the argument '--workers <N>' cannot be used with '--inline'

    Usage: bmf run --workers <N> <GRAPH>

    For more information, try '--help'.
    ");
}

#[test]
fn quiet_is_quiet() {
    insta::assert_snapshot!(bmf(&["run", "-q", "test_source duration=1 durration=2 ! null_sink"]), @"exit 0");
    insta::assert_snapshot!(bmf(&["-q", "run", "test_sauce ! null_sink"]), @r#"
    exit 2
    --- stderr
    error: no module answers to "test_sauce"
     --> <command line>:1:1
      |
    1 | test_sauce ! null_sink
      | ^^^^^^^^^^
      |
      = help: did you mean "test_source"?
    "#);
}

#[test]
fn options_can_be_set() {
    let dir = Dir::new();
    dir.create("g.toml", TOML);
    insta::assert_snapshot!(dir.bmf(&["run", "g.toml", "--set", "source.duration=2", "--set", "0.fps=10"]), @"
    exit 0
    --- stderr
    done: 20 packets in # s
    ");
    insta::assert_snapshot!(dir.bmf(&["run", "g.toml", "--set", "source.fps=fast"]), @r#"
    exit 2
    --- stderr
    error: node 0 'source' (test_source): option "fps": 'fast' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
     --> g.toml:3:10
      |
    3 | module = "test_source"
      |          ^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", "g.toml", "--set", "sorce.fps=25", "--set", "fps"]), @r#"
    exit 2
    --- stderr
    error: there is no node called "sorce"
     --> --set:1:1
      |
    1 | sorce.fps=25
      | ^^^^^
      |
      = help: did you mean "source"?

    error: expected NODE.OPTION=VALUE
     --> --set:1:1
      |
    1 | fps
      | ^^^
    "#);
}

#[test]
fn doubtful_graphs_run_unless_strict() {
    let line = "test_source width=64 height=36 duration=1 widht=3 ! null_sink";
    insta::assert_snapshot!(bmf(&["run", line]), @r#"
    exit 0
    --- stderr
    warning: node 0 'test_source' (test_source): unknown option "widht"
     --> <command line>:1:43
      |
    1 | test_source width=64 height=36 duration=1 widht=3 ! null_sink
      |                                           ^^^^^
      |
      = help: did you mean "width"?

    done: 72 packets in # s
    "#);
    insta::assert_snapshot!(bmf(&["run", "--strict", line]), @r#"
    exit 2
    --- stderr
    error: node 0 'test_source' (test_source): unknown option "widht"
     --> <command line>:1:43
      |
    1 | test_source width=64 height=36 duration=1 widht=3 ! null_sink
      |                                           ^^^^^
      |
      = help: did you mean "width"?
    "#);
}

#[test]
fn what_is_no_graph_file_is_named() {
    let dir = Dir::new();
    dir.create("empty.json", "");
    dir.create("garbage.json", b"\x00\xff\xfe\x00");
    dir.create("text.json", "not a graph");
    std::fs::create_dir(dir.path("folder")).unwrap();
    insta::assert_snapshot!(dir.bmf(&["run", "missing.json"]), @r#"
    exit 2
    --- stderr
    error: cannot read graph file "missing.json": No such file or directory (os error 2)
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", "missing"]), @r#"
    exit 2
    --- stderr
    error: there is no graph file "missing"
      help: name a file, or write a graph in one line: 'decode in.mp4 ! encode out.mp4'
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", "empty.json"]), @r#"
    exit 2
    --- stderr
    error: graph file "empty.json" is empty
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", "garbage.json"]), @r#"
    exit 2
    --- stderr
    error: "garbage.json" is not a graph file: it is not UTF-8 text (byte 1)
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", "text.json"]), @r"
    exit 2
    --- stderr
    error: not valid JSON: unexpected word
     --> text.json:1:1
      |
    1 | not a graph
      | ^^^
    ");
    insta::assert_snapshot!(dir.bmf(&["run", "folder"]), @r#"
    exit 2
    --- stderr
    error: "folder" is a directory, not a graph file
    "#);
    insta::assert_snapshot!(dir.bmf(&["run", ""]), @r#"
    exit 2
    --- stderr
    error: there is no graph file ""
      help: name a file, or write a graph in one line: 'decode in.mp4 ! encode out.mp4'
    "#);
}

#[test]
fn graphs_of_other_modes_are_for_applications() {
    let dir = Dir::new();
    dir.create("g.json", JSON.replacen('{', r#"{"mode": "Generator", "#, 1));
    insta::assert_snapshot!(dir.bmf(&["run", "g.json", "--stats", "-"]), @r#"
    exit 2
    --- stdout
    {
      "result": "failed",
      "error": "a graph of mode Generator is driven by an application that feeds or reads its streams; only graphs of mode Normal run by themselves",
      "elapsed_s": 0.0,
      "nodes": [],
      "links": []
    }
    --- stderr
    error: a graph of mode Generator is driven by an application that feeds or reads its streams; only graphs of mode Normal run by themselves
    "#);
}

#[test]
fn usage_errors_are_2() {
    let code = |arguments: &[&str]| bmf(arguments).lines().next().unwrap().to_owned();
    assert_eq!(code(&[]), "exit 2");
    assert_eq!(code(&["run"]), "exit 2");
    assert_eq!(code(&["run", LINE, "--timeout", "0"]), "exit 2");
    assert_eq!(code(&["run", LINE, "--progress", "much"]), "exit 2");
    assert_eq!(code(&["jump"]), "exit 2");
    assert_eq!(code(&["--help"]), "exit 0");
    assert_eq!(code(&["--version"]), "exit 0");
}

#[test]
fn statistics_go_to_stdout() {
    let dir = Dir::new();
    let stats = dir.stdout(&["run", "-q", LINE, "--stats", "-", "--inline"]);
    insta::assert_snapshot!(without_measures(&stats), @r#"
    {
      "result": "finished",
      "elapsed_s": null,
      "nodes": [
        {
          "id": 0,
          "name": "test_source",
          "module": "test_source",
          "tasks": 26,
          "packets_in": 0,
          "packets_out": 72,
          "busy_s": null,
          "closed": true,
          "counters": {},
          "warnings": [],
          "outputs": []
        },
        {
          "id": 1,
          "name": "null_sink",
          "module": "null_sink",
          "tasks": 26,
          "packets_in": 72,
          "packets_out": 0,
          "busy_s": null,
          "closed": true,
          "counters": {
            "packets": 72
          },
          "warnings": [],
          "outputs": []
        }
      ],
      "links": [
        {
          "stream": "test_source.video",
          "producer": "test_source",
          "consumer": "null_sink",
          "packets": 25,
          "peak": 1,
          "limit": 5,
          "raised": 0,
          "dropped": {}
        },
        {
          "stream": "test_source.audio",
          "producer": "test_source",
          "consumer": "null_sink",
          "packets": 47,
          "peak": 2,
          "limit": 5,
          "raised": 0,
          "dropped": {}
        }
      ]
    }
    "#);
}

#[test]
fn statistics_go_to_a_file() {
    let dir = Dir::new();
    insta::assert_snapshot!(dir.bmf(&["run", LINE, "--stats", "s.json"]), @r"
    exit 0
    --- stderr
    done: 72 packets in # s
    ");
    let stats: Value = serde_json::from_str(&dir.read("s.json")).unwrap();
    assert_eq!(stats["result"], "finished");
    insta::assert_snapshot!(dir.bmf(&["run", LINE, "--stats", "no/s.json"]), @r#"
    exit 1
    --- stderr
    error: cannot write statistics to "no/s.json": No such file or directory (os error 2)
    "#);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    insta::assert_snapshot!(bmf(&["run", LINE, "--stats", "/dev/full"]), @r#"
    exit 1
    --- stderr
    done: 72 packets in # s
    error: cannot write statistics to "/dev/full": No space left on device (os error 28)
    "#);
    let dir = Dir::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = dir.command(&["inspect"]).stdout(full).spawn().unwrap();
    insta::assert_snapshot!(show(&finish(output)), @r"
    exit 1
    --- stderr
    error: cannot write to stdout: No space left on device (os error 28)
    ");
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let dir = Dir::new();
    let mut child = dir.command(&["inspect", "--json"]).spawn().unwrap();
    drop(child.stdout.take());
    insta::assert_snapshot!(show(&finish(child)), @"exit 0");
    let mut child = dir.command(&["run", LINE, "--stats", "-"]).spawn().unwrap();
    drop(child.stdout.take());
    insta::assert_snapshot!(show(&finish(child)), @r"
    exit 0
    --- stderr
    done: 72 packets in # s
    ");
}

#[test]
fn a_closed_stderr_does_no_harm() {
    let dir = Dir::new();
    let mut child = dir
        .command(&["run", LINE, "--progress", "plain"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    insta::assert_snapshot!(show(&finish(child)), @"exit 0");
}

/// Statistics without what differs from run to run.
fn without_measures(stats: &str) -> String {
    let mut stats: Value = serde_json::from_str(stats).unwrap();
    stats["elapsed_s"].take();
    for node in stats["nodes"].as_array_mut().unwrap() {
        node["busy_s"].take();
    }
    format!("{stats:#}")
}
