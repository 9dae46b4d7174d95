//! Parallel nodes and modules of `bmf-module-basic` in a flush.

use bmf_core::{Diagnostics, Ending, Flow, Promise};
use bmf_engine::{GraphBuilder, GraphPlan, Node, Polled};
use bmf_hmp::{AudioFrame, VideoFrame};
use bmf_modules::Registry;

use crate::support::{Lab, Script, options, until};
use crate::{WORKERS, add, at, late, seekable};

#[test]
fn parallel_nodes_count_anew() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = seekable(&mut lab, "source");
        let scripts = (0..3).map(|_| Script::pass().promise(Promise::Offset(0)));
        let node = lab.add_many("node", &[source], 1, scripts.collect(), |node| {
            node.parallel(3)
        });
        lab.collect("sink", &[node.into()]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        for round in 1..6 {
            let before = log.count("sink");
            until("packets arrive", || log.count("sink") >= before + 20);
            graph.pause();
            let before = log.count("sink");
            graph.flush(Some(at(round * 1000))).unwrap();
            graph.resume();
            until("packets arrive", || log.count("sink") >= before + 20);
            let since = log.received("sink", 0).split_off(before);
            assert_eq!(
                since[..20],
                (round * 1000..round * 1000 + 20).collect::<Vec<_>>()
            );
        }
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        log.assert_clean();
    }
}

/// Each instance forgets what it was left, and its end.
#[test]
fn instances_forget() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let log = lab.log.clone();
        let scripts = (0..2).map(|_| {
            let log = log.clone();
            let script = Script::new(move |task| {
                while task.inputs()[0].packets.len() >= 2 {
                    let (Some(one), Some(_)) = (task.pop(0), task.pop(0)) else {
                        break;
                    };
                    task.push(0, one);
                }
                Ok(Flow::Wait)
            });
            script.on_start(move |task| {
                task.push(0, log.packet(-1));
                Ok(())
            })
        });
        let node = lab.add_many("node", &[input], 1, scripts.collect(), |node| {
            node.parallel(2)
        });
        lab.collect("sink", &[node.into()]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        for _ in 0..3 {
            add(&input, &log, 0..3);
            assert!(graph.wait_idle(late()));
            graph.flush(None).unwrap();
            assert!(graph.wait_idle(late()));
            assert_eq!(log.alive(), 0);
        }
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(
            log.received("sink", 0),
            [-1, -1, 0]
                .repeat(3)
                .into_iter()
                .chain([-1, -1])
                .collect::<Vec<_>>()
        );
        log.assert_clean();
    }
}

/// `test_source` goes on with the first picture and the first samples at or after a time.
#[test]
fn the_test_source_can_be_sent_anywhere() {
    for workers in WORKERS {
        let registry = Registry::new();
        for module in bmf_module_basic::modules() {
            registry.add(module);
        }
        let mut graph = GraphBuilder::new();
        let source = graph.add(
            Node::new("test_source")
                .option("width", 16)
                .option("height", 16)
                .option("duration", 0),
        );
        let video = graph.graph_output(source.port("video"));
        let audio = graph.graph_output(source.port("audio"));
        let plan = GraphPlan::new(graph.build(), &registry, false, Diagnostics::default());
        let mut graph = plan.unwrap().start(&options(workers)).unwrap();
        let [video, audio] = [video, audio].map(|name| graph.take_output(&name).unwrap());
        assert_eq!(video.next().unwrap().timestamp(), at(0));
        assert_eq!(audio.next().unwrap().timestamp(), at(0));
        graph.flush(Some(at(7_210_000))).unwrap();
        let packet = video.next().unwrap();
        assert_eq!(packet.timestamp(), at(7_240_000));
        assert_eq!(packet.get::<VideoFrame>().unwrap().pts, Some(181));
        let packet = audio.next().unwrap();
        assert_eq!(packet.timestamp(), at(7_210_000));
        assert_eq!(packet.get::<AudioFrame>().unwrap().pts, Some(346_080));
        // Where it was is nothing it knows of; without a place it goes on.
        graph.flush(Some(at(0))).unwrap();
        assert_eq!(video.next().unwrap().timestamp(), at(0));
        graph.pause();
        let behind = loop {
            match video.try_next() {
                Polled::Packet(packet) => break packet.timestamp(),
                _ => graph.resume(),
            }
        };
        graph.pause();
        graph.flush(None).unwrap();
        graph.resume();
        assert!(video.next().unwrap().timestamp() > behind);
        drop((video, audio));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}
