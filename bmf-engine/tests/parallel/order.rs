//! What leaves a parallel node is in the order of its input, whatever its modules send.

use bmf_core::config::InputManager;
use bmf_core::{Ending, Flow};
use bmf_engine::Port;

use crate::support::{Lab, Log, Script, value};
use crate::{numbers, parallel};

/// Sends `each` packets for one.
fn times(log: &Log, each: i64) -> Script {
    let log = log.clone();
    Script::each(move |task, _, packet| {
        let first = value(&packet) * each;
        for number in first..first + each {
            task.push(0, log.packet(number));
        }
        Ok(Flow::Wait)
    })
}

#[test]
fn any_number_of_packets_comes_out_in_order() {
    for workers in [1, 4] {
        for instances in 1..=8 {
            for count in [0, 1, 2, 7, 8, 30] {
                for each in [0, 1, 3] {
                    let mut lab = Lab::new();
                    let log = lab.log.clone();
                    let source = lab.source("source", count, 2);
                    let node = parallel(&mut lab, "node", &[source], 1, instances, |_| {
                        times(&log, each)
                    });
                    lab.collect("sink", &[node.into()]);
                    let run = lab.run(workers).expect(Ending::Finished);
                    assert_eq!(run.log.received("sink", 0), numbers(count * each));
                }
            }
        }
    }
}

/// Some packets give nothing, some one, some many.
#[test]
fn instances_may_send_as_they_like() {
    for workers in [1, 2, 4] {
        for instances in [2, 3, 5] {
            let mut lab = Lab::new();
            let source = lab.source("source", 200, 7);
            let log = lab.log.clone();
            let node = parallel(&mut lab, "node", &[source], 1, instances, |_| {
                let log = log.clone();
                Script::each(move |task, _, packet| {
                    let number = value(&packet);
                    for copy in 0..number % 4 {
                        task.push(0, log.packet(number * 10 + copy));
                    }
                    Ok(Flow::Wait)
                })
            });
            lab.collect("sink", &[node.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            let expected = (0..200).flat_map(|number| {
                let copies = 0..number % 4;
                copies.map(move |copy| number * 10 + copy)
            });
            assert_eq!(run.log.received("sink", 0), expected.collect::<Vec<_>>());
        }
    }
}

/// A sum for each time of two inputs.
fn sum(log: &Log) -> Script {
    let log = log.clone();
    Script::new(move |task| {
        let Some(time) = task.timestamp() else {
            return Ok(Flow::Wait);
        };
        let mut sum = 0;
        for port in 0..2 {
            if let Some(packet) = task.pop(port) {
                sum += value(&packet) * [1, 1000][port];
            }
        }
        task.push(0, log.packet_of(time.micros(), sum));
        Ok(Flow::Wait)
    })
}

#[test]
fn what_belongs_together_stays_together() {
    let mut expected = Vec::new();
    for instances in [1, 2, 3, 7] {
        for workers in [1, 2, 4] {
            let mut lab = Lab::new();
            let log = lab.log.clone();
            let evens = lab.source_of("evens", (0..60).map(|n| n * 2).collect(), 3);
            let threes = lab.source_of("threes", (0..40).map(|n| n * 3).collect(), 1);
            let scripts = (0..instances).map(|_| sum(&log)).collect();
            let node = lab.add_many("sum", &[evens, threes], 1, scripts, |node| {
                node.parallel(instances)
                    .input_manager(InputManager::Default)
            });
            lab.collect("sink", &[node.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            let sums = run.log.received("sink", 0);
            assert_eq!(sums.len(), 60 + 20);
            if expected.is_empty() {
                expected.clone_from(&sums);
            }
            assert_eq!(sums, expected);
        }
    }
}

#[test]
fn each_of_two_outputs_is_in_order() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 4);
        let node = parallel(&mut lab, "node", &[source], 2, 3, |_| {
            Script::each(|task, _, packet| {
                let port = value(&packet) % 3;
                if port < 2 {
                    task.push(usize::try_from(port).unwrap(), packet);
                }
                Ok(Flow::Wait)
            })
        });
        lab.collect("sink", &[node.port("a"), node.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        let of = |rest| numbers(100).into_iter().filter(move |n| n % 3 == rest);
        assert_eq!(run.log.received("sink", 0), of(0).collect::<Vec<_>>());
        assert_eq!(run.log.received("sink", 1), of(1).collect::<Vec<_>>());
    }
}

#[test]
fn parallel_nodes_follow_each_other() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let mut port: Port = lab.source("source", 101, 1);
        for (name, instances) in [("one", 2), ("two", 5), ("three", 3)] {
            port = parallel(&mut lab, name, &[port], 1, instances, |_| times(&log, 1)).into();
        }
        let burst = parallel(&mut lab, "burst", &[port], 1, 2, |_| times(&log, 20));
        lab.collect("sink", &[burst.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(101 * 20));
        assert_eq!(run.node("three#3").packets_in, 33);
    }
}

/// Takes packets in pairs, and the odd one at the end.
#[test]
fn what_a_module_leaves_is_offered_again_and_at_the_end() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 10, 1);
        let node = parallel(&mut lab, "pairs", &[source], 1, 2, |_| {
            Script::new(|task| {
                while task.inputs()[0].packets.len() >= 2 || task.inputs()[0].ended {
                    let (first, second) = (task.pop(0), task.pop(0));
                    let Some(packet) = first else { break };
                    task.push(0, packet);
                    if let Some(packet) = second {
                        task.push(0, packet);
                    }
                }
                Ok(Flow::Wait)
            })
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), [0, 2, 1, 3, 4, 6, 5, 7, 8, 9]);
    }
}

/// What instances send at their start comes first, what they send at their end last.
#[test]
fn starts_come_first_and_ends_last() {
    for workers in [1, 2, 4] {
        for count in [0, 1, 5, 6] {
            let mut lab = Lab::new();
            let source = lab.source("source", count, 1);
            let log = lab.log.clone();
            let node = parallel(&mut lab, "node", &[source], 1, 3, |number| {
                let number = i64::try_from(number).unwrap();
                let (start, end) = (log.clone(), log.clone());
                let script = Script::new(move |task| {
                    while let Some(packet) = task.pop(0) {
                        task.push(0, packet);
                    }
                    if task.inputs_ended() {
                        // In parts.
                        task.push(0, end.packet(100 + number));
                        return Ok(Flow::Done);
                    }
                    Ok(Flow::Wait)
                });
                script.on_start(move |task| {
                    task.push(0, start.packet(-10 + number));
                    Ok(())
                })
            });
            lab.collect("sink", &[node.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            let mut expected = vec![-10, -9, -8];
            expected.extend(0..count);
            expected.extend([100, 101, 102]);
            assert_eq!(run.log.received("sink", 0), expected);
        }
    }
}

#[test]
fn a_flush_in_parts_is_sent_whole() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 4, 1);
        let log = lab.log.clone();
        let node = parallel(&mut lab, "node", &[source], 1, 2, |number| {
            let log = log.clone();
            let mut left = 20;
            let first = i64::try_from(number).unwrap() * 20;
            Script::new(move |task| {
                while task.pop(0).is_some() {}
                if !task.inputs_ended() {
                    return Ok(Flow::Wait);
                }
                task.push(0, log.packet(first + 20 - left));
                left -= 1;
                Ok(if left == 0 { Flow::Wait } else { Flow::More })
            })
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(40));
    }
}
