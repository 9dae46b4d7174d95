//! What a plugin keeps when its module is gone, and what it does on threads of its own.

use bmf_core::{Ending, Flow};
use bmf_hmp::{BufferPool, Packet, PixelFormat, PoolLimits, Timestamp, VideoFrame};

use crate::WORKERS;
use crate::kit::{add, lab, logged, wait_for};
use crate::support::Script;

#[test]
fn packets_may_be_kept_past_the_end() {
    for workers in WORKERS {
        let name = format!("kept-{workers}");
        let keep = || {
            let mut lab = lab();
            let source = lab.source("source", 5, 2);
            let keeps = add(&mut lab, "fixture_hoard", source, |node| {
                node.option("name", name.clone())
            });
            lab.collect("sink", &[keeps]);
            lab.run(workers)
        };
        let runs = [keep(), keep()];
        for run in &runs {
            assert_eq!(run.outcome.result.as_ref().unwrap(), &Ending::Finished);
            assert_eq!(run.log.received("sink", 0), [0, 1, 2, 3, 4]);
            assert_eq!(run.log.alive(), 5);
        }
        let mut lab = lab();
        let source = lab.source("source", 1, 1);
        let releases = add(&mut lab, "fixture_hoard", source, |node| {
            node.option("name", name.clone()).option("release", true)
        });
        lab.collect("sink", &[releases]);
        lab.run(workers).expect(Ending::Finished);
        let times = "lets go of [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]";
        assert_eq!(logged(&name), [format!("{name} {times}")]);
        runs.iter().for_each(|run| run.log.assert_clean());
    }
}

/// Kept to the end of the process, which is then no worse than without.
#[test]
fn packets_may_be_kept_for_ever() {
    let mut lab = lab();
    let source = lab.source("source", 5, 1);
    let keeps = add(&mut lab, "fixture_hoard", source, |node| {
        node.option("name", "for ever")
    });
    lab.collect("sink", &[keeps]);
    let run = lab.run(2);
    assert_eq!(run.outcome.result.unwrap(), Ending::Finished);
    assert_eq!(run.log.alive(), 5);
}

/// A source of so many pictures of 4x2 pixels out of a pool.
fn pictures(count: i64, pool: &BufferPool) -> Script {
    let (mut next, pool) = (0, pool.clone());
    Script::new(move |task| {
        let frame = VideoFrame::alloc(PixelFormat::Gray, 4, 2, &pool)?;
        task.push(0, Packet::new(Timestamp::from_micros(next), frame));
        next += 1;
        Ok(match next == count {
            true => Flow::Done,
            false => Flow::More,
        })
    })
}

/// A thread of the plugin logs, looks at pictures and lets go of them while its module runs and when
/// that is gone.
fn check_thread(module: &str, expected: impl Fn(&str) -> String) {
    for workers in WORKERS {
        let pool = BufferPool::new(PoolLimits::default());
        let node = format!("{module}-{workers}");
        let mut lab = lab();
        let source = lab.add("source", &[], 1, pictures(10, &pool));
        let thread = add(&mut lab, module, source.into(), |settings| {
            settings.name(node.clone())
        });
        lab.add("sink", &[thread], 0, Script::drain());
        lab.run(workers).expect(Ending::Finished);
        let last = wait_for(&format!("{node}: the module is gone"));
        assert_eq!(last, expected(&node));
        assert_eq!(pool.stats().in_use_bytes, 0, "pictures were leaked");
    }
}

#[test]
fn a_thread_of_a_plugin_outlives_its_module() {
    check_thread("fixture_thread", |node| {
        for time in 0..10 {
            let seen = format!("{node}: a thread sees 0.00000{time}s");
            assert_eq!(logged(&seen).len(), 1);
        }
        format!("{node}: the module is gone, 10 packets of 80 bytes are not")
    });
}

#[test]
fn a_thread_in_c_outlives_its_module() {
    check_thread("c_thread", |node| {
        format!("{node}: the module is gone, its thread had 10 packets and makes pictures")
    });
}
