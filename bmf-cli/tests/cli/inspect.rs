//! `bmf inspect`: the modules and what they say of themselves.

use serde_json::Value;

use crate::util::{Dir, bmf};

#[test]
fn modules_without_files_are_listed() {
    let list = Dir::new().stdout(&["inspect"]);
    let basic = ["null_sink", "pass_through", "test_source"];
    let basic = list
        .lines()
        .filter(|line| basic.iter().any(|name| line.starts_with(name)))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    insta::assert_snapshot!(basic.collect::<Vec<_>>().join("\n"), @r"
    null_sink 0.1.0 Drops every packet
    pass_through 0.1.0 Sends input i on to output i, unchanged
    test_source 0.1.0 Makes test pictures and a tone
    ");
}

#[test]
fn one_module_is_told_in_full() {
    insta::assert_snapshot!(bmf(&["inspect", "test_source"]), @"
    exit 0
    --- stdout
    test_source 0.1.0, linked in

    Makes test pictures (a moving gradient with a moving square, yuv420p) and a sine tone (planar
    float), in step with each other. What it makes depends on the options alone, so two runs give equal
    frames.

    inputs:
      none

    outputs:
      video  video  yuv420p pictures (optional)
      audio  audio  planar float sound (optional)

    input manager:
      immediate, unless the graph says otherwise

    options:
      option       type     default
      width        integer  1280     Width of the pictures; even.
      height       integer  720      Height of the pictures; even.
      fps          string   25/1     Pictures per second: 25, `30000/1001`.
      duration     number   10.0     Length in seconds; 0 goes on for ever.
      sample_rate  integer  48000    Samples per second of the tone.
      channels     integer  2        Channels of the tone: 1 or 2.
      frequency    number   440.0    Pitch of the tone in Hz.
    ");
    insta::assert_snapshot!(bmf(&["inspect", "pass_through"]), @"
    exit 0
    --- stdout
    pass_through 0.1.0, linked in

    Sends every packet on: what arrives on input i leaves on output i. An output ends when its input has
    ended.

    inputs:
      1 or more  any  any packets

    outputs:
      1 or more  any  the same packets

    input manager:
      immediate, unless the graph says otherwise

    options:
      none
    ");
}

#[test]
fn a_module_that_is_not_there() {
    insta::assert_snapshot!(bmf(&["inspect", "test_sauce"]), @r#"
    exit 2
    --- stderr
    error: there is no module "test_sauce"
      help: did you mean "test_source"?
    "#);
    insta::assert_snapshot!(bmf(&["inspect", "xyz", "--json"]), @r#"
    exit 2
    --- stderr
    error: there is no module "xyz"
      help: `bmf modules` lists the modules there are, and where they are looked for
    "#);
}

#[test]
fn descriptors_are_json() {
    let dir = Dir::new();
    let one = dir.stdout(&["inspect", "null_sink", "--json"]);
    insta::assert_snapshot!(one, @r#"
    {
      "name": "null_sink",
      "version": "0.1.0",
      "summary": "Drops every packet",
      "docs": "Drops every packet. Useful to measure what comes before it, or to run a graph for its effects.",
      "inputs": {
        "min": 1,
        "max": null,
        "each": {
          "name": "in",
          "kind": "any",
          "docs": "any packets",
          "optional": false,
          "back_edge": false
        }
      },
      "outputs": [],
      "is_sink": true,
      "may_block": false,
      "wants_bounds": false,
      "any_room": false,
      "flushes_early": false,
      "options": {
        "type": "object",
        "description": "Drops every packet. Useful to measure what comes before it, or to run a graph for its effects.",
        "title": "Options",
        "$schema": "https://json-schema.org/draft/2020-12/schema"
      },
      "input_manager": null,
      "verbs": [],
      "from": "linked in"
    }
    "#);
    let all: Value = serde_json::from_str(&dir.stdout(&["inspect", "--json"])).unwrap();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert!(all.as_array().unwrap().contains(&one));
}

#[test]
fn input_managers_are_told_with_their_options() {
    insta::assert_snapshot!(bmf(&["inspect", "--input-managers"]), @r#"
    exit 0
    --- stdout
    immediate             all that is there, as soon as anything is
      timed               one task per time, the earliest first, instead of all that is there
    default               the packets of one timestamp, in ascending order, none dropped
      batch_size          so many tasks come in a row, or none; 1 unless given
    server                a job's packets; all inputs finish a job together
    framesync             a packet of one input, with the newest of each other one
      primary             the input that sets the pace, by name or number; the first unless given
      before              what stands for an input that has not begun: its "first" packet, none
                          ("empty"), or there is no task ("drop")
      at_end              when an input ends: "repeat" its last packet, "end" all, or leave it "empty"
    clocksync             a tick of the clock input, with the nearest packet of each other one
      clock               the input whose packets are ticks, by name or number; the first unless given
    syncset               as default, for each group of inputs by itself
      sets                lists of inputs, by name or number; the inputs in no list are one more set
    timestamp_align       as default, after moving each input's first packet onto one's
      base                the input whose times the others are shifted to, by name or number; the first
                          unless given
    barrier               one packet of each input, whatever the times
    fixed_size            as default, but long queues lose their oldest packets
      trigger_queue_size  at so many packets an input loses its oldest; 2 unless given
      target_queue_size   so many packets are left then; 1 unless given
      fixed_min_size      packets are lost only when every input has too many; false unless given
    early_close           as default, but the node ends with its first input
    mux                   the packet that the control (the last input) chooses
    "#);
    let json = Dir::new().stdout(&["inspect", "--input-managers", "--json"]);
    let all: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(all[1]["name"], "default");
    assert!(all[1]["options"]["batch_size"].is_string());
}
