//! Drawings.

use bmf_core::SourceText;
use bmf_core::config::GraphConfig;

use super::super::{parse_line, parse_toml, to_dot, to_mermaid};
use super::line::registry;

fn toml(text: &str) -> GraphConfig {
    parse_toml(SourceText::new("g.toml", text)).unwrap().0
}

#[test]
fn a_transcode_is_drawn() {
    let line = "decode in.mp4 ! scale 1280:720 ! encode /a/very/long/directory/with/a/very/long/name/out.mp4";
    let (graph, _) = parse_line(line, &registry()).unwrap();
    insta::assert_snapshot!(to_dot(&graph), @r#"
    digraph {
      rankdir=LR;
      node [shape=box];
      n0 [label="decode\nc_ffmpeg_decoder\nin.mp4"];
      n1 [label="scale\nc_ffmpeg_filter\nscale 1280:720"];
      n2 [label="encode\nc_ffmpeg_encoder\n/a/very/long/direct…y/long/name/out.mp4"];
      n0 -> n1 [label="video"];
      n1 -> n2;
      n0 -> n2 [label="audio"];
    }
    "#);
    insta::assert_snapshot!(to_mermaid(&graph), @r#"
    flowchart LR
      n0["decode<br/>c_ffmpeg_decoder<br/>in.mp4"]
      n1["scale<br/>c_ffmpeg_filter<br/>scale 1280:720"]
      n2["encode<br/>c_ffmpeg_encoder<br/>/a/very/long/direct…y/long/name/out.mp4"]
      n0 -->|"video"| n1
      n1 --> n2
      n0 -->|"audio"| n2
    "#);
}

#[test]
fn labels_are_escaped_and_the_borders_of_the_graph_shown() {
    let graph = toml(
        r##"
        inputs = ["raw"]
        outputs = ["say \"hi\" \\ #1", "t"]
        [nodes."say \"hi\" \\ #1"]
        module = "a<b>|c&d"
        inputs = ["raw", "", { identifier = "lost" }]
        [nodes.x]
        module = "x"
        inputs = ["say \"hi\" \\ #1"]
        output_streams = ["own", "text:t"]
        [nodes.y]
        module = "y"
        inputs = ["own", { identifier = "lost" }]
    "##,
    );
    insta::assert_snapshot!(to_dot(&graph), @r#"
    digraph {
      rankdir=LR;
      node [shape=box];
      in0 [label="raw" shape=ellipse];
      n0 [label="say \"hi\" \\ #1\na<b>|c&d"];
      n1 [label="x\nx"];
      n2 [label="y\ny"];
      missing4 [label="lost" shape=ellipse style=dashed];
      out0 [label="say \"hi\" \\ #1" shape=ellipse];
      out1 [label="t" shape=ellipse];
      in0 -> n0;
      missing4 -> n0;
      n0 -> n1;
      n1 -> n2 [label="own"];
      missing4 -> n2;
      n0 -> out0;
      n1 -> out1 [label="text"];
    }
    "#);
    insta::assert_snapshot!(to_mermaid(&graph), @r#"
    flowchart LR
      in0(["raw"])
      n0["say #34;hi#34; #92; #35;1<br/>a#60;b#62;#124;c#38;d"]
      n1["x<br/>x"]
      n2["y<br/>y"]
      missing4(["lost"])
      out0(["say #34;hi#34; #92; #35;1"])
      out1(["t"])
      in0 --> n0
      missing4 --> n0
      n0 --> n1
      n1 -->|"own"| n2
      missing4 --> n2
      n0 --> out0
      n1 -->|"text"| out1
    "#);
}

#[test]
fn loops_are_dashed_and_parallel_nodes_counted() {
    let graph = toml(
        r#"
        [nodes.limit]
        module = "flow_limiter"
        inputs = ["camera", { stream = "show.done", back_edge = true }]
        [nodes.camera]
        module = "source"
        options = { dist_nums = 2 }
        [nodes.detect]
        module = "detect"
        parallel = 4
        inputs = ["limit"]
        [nodes.show]
        module = "show"
        parallel = 1
        inputs = ["detect", "again"]
        outputs = [{ stream = "again", back_edge = true }, "done:show.done"]
    "#,
    );
    insta::assert_snapshot!(to_dot(&graph), @r#"
    digraph {
      rankdir=LR;
      node [shape=box];
      n0 [label="limit\nflow_limiter"];
      n1 [label="camera\nsource ×2"];
      n2 [label="detect\ndetect ×4"];
      n3 [label="show\nshow"];
      n1 -> n0;
      n3 -> n0 [label="done" style=dashed];
      n0 -> n2;
      n2 -> n3;
      n3 -> n3 [label="again" style=dashed];
    }
    "#);
    insta::assert_snapshot!(to_mermaid(&graph), @r#"
    flowchart LR
      n0["limit<br/>flow_limiter"]
      n1["camera<br/>source ×2"]
      n2["detect<br/>detect ×4"]
      n3["show<br/>show"]
      n1 --> n0
      n3 -.->|"done"| n0
      n0 --> n2
      n2 --> n3
      n3 -.->|"again"| n3
    "#);
}
