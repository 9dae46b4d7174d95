//! `bmf check`: what is wrong with a graph, where, and what to do.

use crate::util::{Dir, bmf};

#[test]
fn a_good_graph_is_ok() {
    insta::assert_snapshot!(bmf(&["check", "test_source ! pass_through ! null_sink"]), @r"
    exit 0
    --- stdout
    ok: 3 nodes, 4 streams
    ");
    insta::assert_snapshot!(bmf(&["check", "-q", "test_source ! null_sink"]), @"exit 0");
}

#[test]
fn every_mistake_is_shown_in_its_line() {
    let dir = Dir::new();
    dir.create(
        "g.json",
        r#"{
  "nodes": [
    {"id": 0,
     "module_info": {"name": "test_source"},
     "option": {"width": 65, "fps": "fast", "durations": 3},
     "output_streams": [{"identifier": "video:v"}]},
    {"id": 0,
     "module_info": {"name": "null_sync"},
     "input_streams": [{"identifier": "w"}]}
  ],
  "modes": 1
}"#,
    );
    insta::assert_snapshot!(dir.bmf(&["check", "g.json"]), @r#"
    exit 2
    --- stderr
    error: node 0 'test_source_0' (test_source): nobody consumes what it produces
     --> g.json:3:5
      |
    3 |     {"id": 0,
      |     ^^^^^^^^^
      |
      = help: connect an output to another node: an encoder, or null_sink

    error: node 0 'test_source_0' (test_source): option "width": 65 is not an even number from 2 to 16384
     --> g.json:5:26
      |
    5 |      "option": {"width": 65, "fps": "fast", "durations": 3},
      |                          ^^

    error: node 0 'test_source_0' (test_source): option "fps": 'fast' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
     --> g.json:5:37
      |
    5 |      "option": {"width": 65, "fps": "fast", "durations": 3},
      |                                     ^^^^^^

    warning: node 0 'test_source_0' (test_source): unknown option "durations"
     --> g.json:5:45
      |
    5 |      "option": {"width": 65, "fps": "fast", "durations": 3},
      |                                             ^^^^^^^^^^^
      |
      = help: did you mean "duration"?

    error: node 0 'null_sync_0' (null_sync) has the same id as node 0 'test_source_0' (test_source)
     --> g.json:7:12
      |
    7 |     {"id": 0,
      |            ^
      |
      = help: give each node an id of its own

    error: node 0 'null_sync_0' (null_sync): there is no module "null_sync"
     --> g.json:8:30
      |
    8 |      "module_info": {"name": "null_sync"},
      |                              ^^^^^^^^^^^
      |
      = help: did you mean "null_sink"?

    error: node 0 'null_sync_0' (null_sync): input stream "w" is not produced by any node
     --> g.json:9:39
      |
    9 |      "input_streams": [{"identifier": "w"}]}
      |                                       ^^^

    warning: unknown key "modes" in the graph
      --> g.json:11:3
       |
    11 |   "modes": 1
       |   ^^^^^^^
       |
       = help: did you mean "mode"?
    "#);
}

#[test]
fn broken_syntax_is_shown_where_it_breaks() {
    let dir = Dir::new();
    dir.create("g.json", "{\"nodes\": [\n  {\"id\": 0,,}\n]}");
    insta::assert_snapshot!(dir.bmf(&["check", "g.json"]), @r#"
    exit 2
    --- stderr
    error: not valid JSON: unexpected token in object
     --> g.json:2:12
      |
    2 |   {"id": 0,,}
      |            ^
    "#);
    dir.create("g.toml", "[nodes.a]\nmodule = \"null_sink\nx = 1\n");
    insta::assert_snapshot!(dir.bmf(&["check", "g.toml"]), @r#"
    exit 2
    --- stderr
    error: not valid TOML: invalid basic string, expected `"`
     --> g.toml:2:20
      |
    2 | module = "null_sink
      |                    ^
    "#);
}

#[test]
fn lines_are_shown_too() {
    insta::assert_snapshot!(bmf(&["check", "test_source fps=fast ! nul_sink"]), @r#"
    exit 2
    --- stderr
    error: no module answers to "nul_sink"
     --> <command line>:1:24
      |
    1 | test_source fps=fast ! nul_sink
      |                        ^^^^^^^^
      |
      = help: did you mean "null_sink"?
    "#);
}

#[test]
fn nothing_flows_on_behind_an_encoder() {
    insta::assert_snapshot!(bmf(&["check", "test_source ! encode a.mp4 ! encode b.mp4"]), @"
    exit 2
    --- stderr
    error: encode_2 needs a stream, but nothing flows here
     --> <command line>:1:30
      |
    1 | test_source ! encode a.mp4 ! encode b.mp4
      |                              ^^^^^^
    ");
}

#[test]
fn warnings_are_errors_when_strict() {
    let line = "test_source x=1 ! null_sink";
    insta::assert_snapshot!(bmf(&["check", line]), @r#"
    exit 0
    --- stdout
    ok: 2 nodes, 2 streams
    --- stderr
    warning: node 0 'test_source' (test_source): unknown option "x"
     --> <command line>:1:13
      |
    1 | test_source x=1 ! null_sink
      |             ^
    "#);
    insta::assert_snapshot!(bmf(&["check", "--strict", line]), @r#"
    exit 2
    --- stderr
    error: node 0 'test_source' (test_source): unknown option "x"
     --> <command line>:1:13
      |
    1 | test_source x=1 ! null_sink
      |             ^
    "#);
}

#[test]
fn colours_come_only_when_asked_for() {
    let dir = Dir::new();
    let mut command = dir.command(&["check", "nul_sink x"]);
    let coloured = command
        .env("CLICOLOR_FORCE", "1")
        .env_remove("NO_COLOR")
        .output();
    assert!(coloured.unwrap().stderr.contains(&b'\x1b'));
    let plain = dir.command(&["check", "nul_sink x"]).output();
    assert!(!plain.unwrap().stderr.contains(&b'\x1b'));
}

#[test]
fn only_what_can_be_shared_out_runs_in_parallel() {
    let dir = Dir::new();
    let graph = |node: &str| {
        format!(
            "[nodes.a]\nmodule = \"test_source\"\n[nodes.n]\n{node}\nparallel = 3\n\
             inputs = [\"a.video\"]\n[nodes.z]\nmodule = \"null_sink\"\ninputs = [\"n\"]\n"
        )
    };
    let encoder = "module = \"c_ffmpeg_encoder\"\noptions.output_path = \"x.mp4\"";
    let encoder = graph(encoder).split("[nodes.z]").next().unwrap().to_owned();
    dir.create("encoder.toml", &encoder);
    insta::assert_snapshot!(dir.bmf(&["check", "encoder.toml"]), @"
    exit 2
    --- stderr
    error: node 1 'n' (c_ffmpeg_encoder): the module cannot run as several instances: each of them would write the same file
     --> encoder.toml:6:12
      |
    6 | parallel = 3
      |            ^
    ");
    dir.create("thinner.toml", graph("module = \"packet_thinner\""));
    insta::assert_snapshot!(dir.bmf(&["check", "thinner.toml"]), @"
    exit 2
    --- stderr
    error: node 1 'n' (packet_thinner): the module cannot run as several instances: it carries something over from one packet to the next
     --> thinner.toml:5:12
      |
    5 | parallel = 3
      |            ^
    ");
    dir.create(
        "fps.toml",
        graph("module = \"c_ffmpeg_filter\"\noptions = { name = \"fps\" }"),
    );
    insta::assert_snapshot!(dir.bmf(&["check", "fps.toml"]), @r#"
    exit 0
    --- stdout
    ok: 7 nodes, 8 streams
    --- stderr
    warning: node 1 'n' (c_ffmpeg_filter): several instances may give another result: filter "fps" may carry something over from one frame to the next
     --> fps.toml:6:12
      |
    6 | parallel = 3
      |            ^
    "#);
    dir.create(
        "flip.toml",
        graph("module = \"c_ffmpeg_filter\"\noptions = { name = \"hflip\" }"),
    );
    insta::assert_snapshot!(dir.bmf(&["check", "flip.toml"]), @"
    exit 0
    --- stdout
    ok: 7 nodes, 8 streams
    ");
    insta::assert_snapshot!(dir.bmf(&["run", "--progress", "none", "flip.toml", "--set", "a.duration=1"]).replace(|c: char| c.is_ascii_digit(), "#"), @"
    exit #
    --- stderr
    done: ## packets in # s
    ");
}
