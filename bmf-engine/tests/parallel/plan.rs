//! What cannot run in parallel is refused before anything is opened.

use bmf_core::config::{InputManager, LinkConfig, TimeOrder};
use bmf_core::{Ending, Promise};
use bmf_engine::Node;
use bmf_sdk::serde_json::{Value, json};

use crate::support::{Lab, Script};
use crate::{numbers, parallel};

/// What the plan says of `source > node > sink` with these settings.
fn refused(settings: impl FnOnce(Node) -> Node) -> String {
    let mut lab = Lab::new();
    let source = lab.source("source", 1, 1);
    let node = lab.add_with("node", &[source], 1, Script::pass(), settings);
    lab.collect("sink", &[node.into()]);
    said(lab)
}

fn said(lab: Lab) -> String {
    match lab.try_plan() {
        Ok(_) => "accepted".to_owned(),
        Err(found) => found.to_string(),
    }
}

#[test]
fn numbers_of_instances_have_limits() {
    insta::assert_snapshot!(refused(|node| node.parallel(0)), @"error: node 1 'node' (node): 0 instances; 1 to 1024 are possible");
    insta::assert_snapshot!(refused(|node| node.parallel(2000)), @"error: node 1 'node' (node): 2000 instances; 1 to 1024 are possible");
    insta::assert_snapshot!(refused(|node| node.parallel(1024)), @"accepted");
}

#[test]
fn both_spellings_must_agree() {
    let dist = |count: Value| move |node: Node| node.option("dist_nums", count);
    insta::assert_snapshot!(refused(dist(json!(3))), @"accepted");
    insta::assert_snapshot!(refused(dist(json!(1))), @"accepted");
    insta::assert_snapshot!(refused(dist(json!(0))), @"error: node 1 'node' (node): 0 instances; 1 to 1024 are possible");
    insta::assert_snapshot!(refused(dist(json!("two"))), @r#"error: node 1 'node' (node): dist_nums is "two", which is no number of instances"#);
    insta::assert_snapshot!(refused(dist(json!(-1))), @"error: node 1 'node' (node): dist_nums is -1, which is no number of instances");
    insta::assert_snapshot!(refused(|node| dist(json!(3))(node).parallel(2)), @"error: node 1 'node' (node): dist_nums is 3, but parallel is 2");
    insta::assert_snapshot!(refused(|node| dist(json!(3))(node).parallel(3)), @"accepted");
}

#[test]
fn sources_and_servers_cannot_share_anything_out() {
    let mut lab = Lab::new();
    let source = lab.add_with("source", &[], 1, Script::pass(), |node| node.parallel(2));
    lab.collect("sink", &[source.into()]);
    insta::assert_snapshot!(said(lab), @r#"
    error: node 0 'source' (source): a source has no input that could be shared out
      help: "source" runs once; leave the number of instances out
    "#);
    insta::assert_snapshot!(
        refused(|node| node.parallel(2).input_manager(InputManager::Server)), @"error: node 1 'node' (node): a node that serves job by job cannot run in parallel"
    );
}

#[test]
fn bmf_spelling_runs_the_same() {
    let mut lab = Lab::new();
    let source = lab.source("source", 100, 3);
    let scripts = (0..3).map(|_| Script::pass()).collect();
    let node = lab.add_many("node", &[source], 1, scripts, |node| {
        node.option("dist_nums", 3)
    });
    lab.collect("sink", &[node.into()]);
    let run = lab.run(2).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), numbers(100));
    assert_eq!(run.node("node#3").packets_in, 33);
}

/// The settings of its streams stay with the node as a whole.
#[test]
fn settings_of_links_stay_outside() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source_of("source", vec![1, 5, 3, 6, 2, 7], 1);
        let in_order = LinkConfig {
            time_order: Some(TimeOrder::Drop),
            ..LinkConfig::default()
        };
        let first = parallel(&mut lab, "first", &[source], 1, 2, |_| {
            Script::pass().promise(Promise::Offset(0))
        });
        let scripts = (0..2).map(|_| Script::pass()).collect();
        let second = lab.add_many("second", &[], 1, scripts, |node| {
            node.input_with(first, in_order)
                .parallel(2)
                .queue_length_limit(1)
        });
        lab.collect("sink", &[second.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), [1, 5, 6, 7]);
        assert_eq!(run.link("first.join", "second.split").dropped.backwards, 2);
        assert_eq!(run.link("second.split", "second#1").limit, 1);
    }
}
