//! The limiter alone, and with a worker that is played by a clock that no test waits for.

use bmf_sdk::ModuleRunner;
use serde_json::{Value, json};

use super::*;
use crate::check::{Play, check};

const PORTS: &str = "in finished | out allow";

fn limit(options: Value, script: &str) -> String {
    check::<FlowLimiter>(options, PORTS, script)
}

#[test]
fn k01_what_comes_too_fast_is_dropped() {
    let mut script = "in 0@0".to_owned();
    for i in 0..3 {
        let (queued, next, done) = (10 * i + 5, 10 * i + 10, 10 * i);
        script += &format!("| in {queued}@{queued} | in {next}@{next} | finished {done}@{done}");
    }
    insta::assert_snapshot!(limit(json!({"max_in_queue": 1}), &script), @"
    out 0@0, allow true@0
    out ->5, allow ->5
    out ->10, allow false@5 ->10
    out 10@10, allow true@10
    out ->15, allow ->15
    out ->20, allow false@15 ->20
    out 20@20, allow true@20
    out ->25, allow ->25
    out ->30, allow false@25 ->30
    out 30@30, allow true@30
    dropped 3
    ");
}

/// A worker behind a limiter. Each of its packets takes as long as `work` says for the nth of them.
struct Worker {
    limiter: ModuleRunner,
    /// What it has been given, and when that will be done.
    given: VecDeque<(i64, Packet)>,
    count: usize,
    busy_until: i64,
    work: fn(usize) -> i64,
}

impl Worker {
    /// Takes what the limiter lets pass at `now`.
    fn take(&mut self, now: i64) {
        let _ = self.limiter.run().unwrap();
        for packet in self.limiter.take(0) {
            self.busy_until = self.busy_until.max(now) + (self.work)(self.count);
            self.count += 1;
            self.given.push_back((self.busy_until, packet));
        }
    }
}

/// Packet i comes at 10 ms * i; `lost` says what becomes of the nth result on its way back. Returns
/// the packets that came through.
fn simulate(options: Value, count: i64, work: fn(usize) -> i64, lost: fn(usize) -> Lost) -> String {
    let mut worker = Worker {
        limiter: Play::new::<FlowLimiter>(options, PORTS).unwrap().runner,
        given: VecDeque::new(),
        count: 0,
        busy_until: 0,
        work,
    };
    let mut results = Vec::new();
    let mut arrivals = (0..count).peekable();
    while arrivals.peek().is_some() || !worker.given.is_empty() {
        let arrival = arrivals.peek().map_or(i64::MAX, |number| number * 10_000);
        let is_done = |(end, _): &(i64, Packet)| *end <= arrival;
        if worker.given.front().is_some_and(is_done) {
            let (end, packet) = worker.given.pop_front().unwrap();
            match lost(worker.count - worker.given.len() - 1) {
                Lost::Nothing => {
                    results.push(packet.timestamp().micros() / 10_000);
                    worker.limiter.push(1, packet);
                }
                Lost::Packet => worker.limiter.bound(1, Bound::after(packet.timestamp())),
                Lost::PacketAndBound => {}
            }
            worker.take(end);
        } else if let Some(number) = arrivals.next() {
            let packet = Packet::new(Timestamp::from_micros(arrival), number);
            worker.limiter.push(0, packet);
            worker.take(arrival);
        }
    }
    let counters = worker.limiter.close(Ending::Finished).unwrap().counters;
    format!("{results:?} {counters:?}")
}

/// What becomes of a result on its way back.
#[derive(Copy, Clone)]
enum Lost {
    Nothing,
    Packet,
    PacketAndBound,
}

#[test]
fn k03_a_packet_that_never_finishes_is_given_up() {
    let options = json!({"max_in_queue": 1, "in_flight_timeout": 100_000});
    let lost = |number| {
        if number == 2 {
            Lost::PacketAndBound
        } else {
            Lost::Nothing
        }
    };
    insta::assert_snapshot!(simulate(options, 21, |_| 22_000, lost), @r#"[0, 2, 14, 17, 19, 20] {"dropped": 14, "dropped_auxiliary": 0, "given_up_for_lost": 1}"#);
}

// The third result gets lost here as it does in the case, and its bound does not.
#[test]
fn k04_packets_that_finish_late_are_caught_up_with() {
    let options = json!({"max_in_queue": 1, "in_flight_timeout": 100_000});
    let work = |number| if number == 0 { 500_000 } else { 22_000 };
    let lost = |number| {
        if number == 2 {
            Lost::Packet
        } else {
            Lost::Nothing
        }
    };
    insta::assert_snapshot!(simulate(options, 71, work, lost), @r#"[0, 10, 30, 40, 50, 60, 63, 65, 67, 69, 70] {"dropped": 59, "dropped_auxiliary": 0, "given_up_for_lost": 5}"#);
}

#[test]
fn k06_auxiliary_streams_follow_the_main_one() {
    let ports = "in finished aux0 aux1 | out allow aux0 aux1";
    insta::assert_snapshot!(check::<FlowLimiter>(json!({}), ports,
        "aux0 1@10 aux1 1@10 | in 2@20 aux0 2@20 aux1 2@20 | aux0 3@30 aux1 3@30 | in 4@40 aux0 4@40 aux1 4@40 \
        | finished 2@20 | aux0 5@50 aux1 5@50 | in 6@60 aux0 6@60 aux1 6@60 | aux0 7@70 aux1 7@70 \
        | in 8@80 aux0 8@80 aux1 8@80 | finished 6@60 | aux0 9@90 aux1 9@90 | in end | aux0 end aux1 end"), @"
    aux0 ->10, aux1 ->10, left 1 on aux0, left 1 on aux1
    out 2@20, allow true@20, aux0 1@10 2@20, aux1 1@10 2@20
    aux0 ->30, aux1 ->30, left 1 on aux0, left 1 on aux1
    out ->41, allow false@40, aux0 3@30 ->41, aux1 3@30 ->41
    -
    aux0 ->50, aux1 ->50, left 1 on aux0, left 1 on aux1
    out 6@60, allow true@60, aux0 6@60, aux1 6@60
    aux0 ->70, aux1 ->70, left 1 on aux0, left 1 on aux1
    out ->81, allow false@80, aux0 7@70 ->81, aux1 7@70 ->81
    -
    aux0 ->90, aux1 ->90, left 1 on aux0, left 1 on aux1
    out end, allow end, aux0 ->91, aux1 ->91
    done
    dropped 2, dropped_auxiliary 8
    ");
}

// All at once is one call here, which nothing can come back in: only what may be under way or wait
// is left. One after the other all pass.
#[test]
fn k07_eight_packets_at_once_and_one_after_the_other() {
    let all = "in 0@0 1@10 2@20 3@30 4@40 5@50 6@60 7@70";
    for (flight, queue, passed) in [(1, 0, 1), (1, 1, 2), (2, 0, 2), (2, 1, 3)] {
        let options = json!({"max_in_flight": flight, "max_in_queue": queue});
        let mut play = Play::new::<FlowLimiter>(options.clone(), PORTS).unwrap();
        play.part(all);
        play.part("finished ->80 in end");
        assert!(play.runner.is_done());
        let report = play.runner.close(Ending::Finished).unwrap();
        assert_eq!(report.counters.get("dropped"), Some(8 - passed));
        let mut play = Play::new::<FlowLimiter>(options, PORTS).unwrap();
        for i in 0..8 {
            let line = play.part(&format!("in {i}@{i}"));
            assert_eq!(line, format!("out {i}@{i}, allow true@{i}"));
            play.part(&format!("finished {i}@{i}"));
        }
    }
}

#[test]
fn finished_may_be_a_bound_or_the_end() {
    insta::assert_snapshot!(limit(json!({}), "in 1@1 | finished ->2 | in 2@2 | finished end | in 3@3 4@4 | in end"), @"
    out 1@1, allow true@1
    -
    out 2@2, allow true@2
    -
    out 3@3 ->5, allow true@3 false@4
    done
    dropped 1
    ");
}

#[test]
fn what_waits_at_the_end_still_passes() {
    insta::assert_snapshot!(limit(json!({"max_in_queue": 2}), "in 1@1 2@2 3@3 end | finished 1@1 | finished 2@2"), @"
    out 1@1, allow true@1
    out 2@2, allow true@2
    out 3@3, allow true@3, done
    ");
}

#[test]
fn finished_must_be_connected() {
    insta::assert_snapshot!(check::<FlowLimiter>(json!({}), "in | out", "in 1@1"), @r#"error: finished: input "finished" must be connected"#);
    insta::assert_snapshot!(limit(json!({"max_in_flight": 0}), ""), @"with 0 nothing would ever pass");
    insta::assert_snapshot!(limit(json!({"in_flight_timeout": -1}), ""), @"must be 0 or more microseconds");
}
