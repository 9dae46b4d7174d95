//! Runs that read and write media files. What is in the pictures is tested with the modules.

use serde_json::Value;

use crate::util::{Dir, finish};

const TRANSCODE: &str = "decode in.mp4 ! scale 32:18 ! encode out.mp4";

/// A second of pictures and sound in `in.mp4`; returns what was said about it.
fn make_input(dir: &Dir) -> String {
    dir.bmf(&[
        "run",
        "test_source width=64 height=36 duration=1 ! encode in.mp4",
    ])
}

/// How many pictures can be read from a file.
fn pictures(dir: &Dir, file: &str) -> Value {
    let line = format!("decode {file} ! null_sink");
    let stats = dir.stdout(&["run", "-q", &line, "--stats", "-"]);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    stats["nodes"][0]["counters"]["frames_video"].clone()
}

#[test]
fn files_are_written_and_described() {
    let dir = Dir::new();
    insta::assert_snapshot!(make_input(&dir), @r"
    exit 0
    --- stderr
    wrote in.mp4: h264 64x36 25 fps 25 frames, aac 48000 Hz stereo, 1.0 s, # kB
    done in # s (#x)
    ");
    insta::assert_snapshot!(dir.bmf(&["run", TRANSCODE]), @r"
    exit 0
    --- stderr
    wrote out.mp4: h264 32x18 25 fps 25 frames, aac 48000 Hz stereo, 1.0 s, # kB
    done in # s (#x)
    ");
    assert_eq!(pictures(&dir, "out.mp4"), 25);
}

#[test]
fn nothing_is_written_without_an_input() {
    let dir = Dir::new();
    insta::assert_snapshot!(dir.bmf(&["run", TRANSCODE]), @r"
    exit 1
    --- stderr
    error: node 0 'decode' (c_ffmpeg_decoder): cannot open input 'in.mp4': no such file or directory
    ");
    assert!(!dir.path("out.mp4").exists());
}

#[test]
fn nothing_runs_without_a_place_to_write_to() {
    let dir = Dir::new();
    make_input(&dir);
    insta::assert_snapshot!(dir.bmf(&["run", "decode in.mp4 ! encode no/out.mp4"]), @r#"
    exit 1
    --- stderr
    error: node 1 'encode' (c_ffmpeg_encoder): cannot write "no/out.mp4": the directory "no" does not exist
      help: create the directory, or correct "output_path"
    "#);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_a_playable_file() {
    let dir = Dir::new();
    let endless = "test_source width=64 height=36 duration=0 ! encode out.mp4";
    let (child, _stderr) = crate::interrupt::start(&dir, &[endless]);
    crate::util::signal(child.id(), "INT");
    assert_eq!(finish(child).status.code(), Some(130));
    assert!(pictures(&dir, "out.mp4").as_u64().unwrap() > 0);
}

/// A graph as BMF's own users have it: mode in lower case, audio before video, several filters, a
/// scheduler of its own for the encoder, an array under a name that BMF never reads.
#[test]
fn the_json_of_bmf_runs_as_it_is() {
    let dir = Dir::new();
    make_input(&dir);
    dir.create(
        "graph.json",
        r#"{
  "mode": "normal",
  "input_streams": [],
  "output_streams": [],
  "option": {"dump_graph": 0},
  "nodes": [
    {"id": 0, "module_info": {"name": "c_ffmpeg_decoder", "type": "", "path": "", "entry": ""},
     "option": {"input_path": "in.mp4"}, "input_streams": [],
     "output_streams": [{"identifier": "audio:sound", "alias": ""},
                        {"identifier": "video:pictures", "alias": ""}],
     "input_manager": "immediate", "scheduler": 0,
     "meta_info": {"premodule_id": -1, "callback_bindings": []}},
    {"id": 1, "module_info": {"name": "c_ffmpeg_filter", "type": "", "path": "", "entry": ""},
     "option": {"name": "scale", "para": "32:64"},
     "input_streams": [{"identifier": "pictures"}], "output_streams": [{"identifier": "small"}],
     "input_manager": "immediate", "scheduler": 0},
    {"id": 2, "module_info": {"name": "c_ffmpeg_filter", "type": "", "path": "", "entry": ""},
     "option": {"name": "vflip"},
     "input_streams": [{"identifier": "small"}], "output_streams": [{"identifier": "flipped"}],
     "input_manager": "immediate", "scheduler": 0},
    {"id": 3, "module_info": {"name": "c_ffmpeg_encoder", "type": "", "path": "", "entry": ""},
     "option": {"output_path": "out.mp4",
       "video_params": {"codec": "h264", "width": 48, "height": 36, "crf": 23, "preset": "veryfast"},
       "audio_params": {"codec": "aac", "bit_rate": 128000, "sample_rate": 44100, "channels": 2}},
     "input_streams": [{"identifier": "flipped"}, {"identifier": "sound"}], "output_streams": [],
     "input_manager": "immediate", "scheduler": 1,
     "meta_info": {"premodule_id": -1, "callback_binding": []}}
  ]
}"#,
    );
    insta::assert_snapshot!(dir.bmf(&["run", "graph.json"]), @r#"
    exit 0
    --- stderr
    warning: unknown key "callback_bindings" in meta_info of node 0
      --> graph.json:12:40
       |
    12 |      "meta_info": {"premodule_id": -1, "callback_bindings": []}},
       |                                        ^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean "callback_binding"?

    wrote out.mp4: h264 48x36 25 fps 25 frames, aac 44100 Hz stereo, 1.0 s, # kB
    done in # s (#x)
    "#);
    assert_eq!(pictures(&dir, "out.mp4"), 25);
}
