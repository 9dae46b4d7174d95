//! A module behind the border does what it does without one, whatever that is.

use crate::script::{Deed, Scripted, Seen, Step, drive};
use bmf_bridge::in_process;
use bmf_core::Flow;
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![0..20_i64, Just(i64::MIN), Just(i64::MAX - 1)]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => (0..3_usize, 0..4_usize).prop_map(|(from, to)| Deed::Pass(from, to)),
        2 => (0..2_usize).prop_map(Deed::Keep),
        2 => (0..3_usize).prop_map(Deed::SendKept),
        4 => (0..4_usize, time()).prop_map(|(to, time)| Deed::Send(to, time)),
        1 => (0..2_usize, time()).prop_map(|(from, time)| Deed::PutBack(from, time)),
        2 => (0..3_usize, time()).prop_map(|(to, time)| Deed::SetBound(to, time)),
        1 => (0..3_usize).prop_map(Deed::EndJob),
        1 => (0..3_usize).prop_map(Deed::End),
        2 => Just(Deed::Flush),
        1 => (-2..5_i64).prop_map(Deed::SetDuration),
        1 => any::<bool>().prop_map(Deed::Fail),
        1 => Just(Deed::Panic),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let flow = prop_oneof![Just(Flow::Wait), Just(Flow::More), Just(Flow::Done)];
    let port = || weighted(0.1, 0..2_usize);
    let host = (
        vec((0..2_usize, time()), 0..6),
        port(),
        port(),
        of((0..2_usize, time())),
        of(time()),
        0..9_usize,
    );
    // A position before the stream is none to go on from.
    let flush = weighted(0.1, of(0..20_i64));
    (host, flush, vec(deed(), 0..8), flow).prop_map(|(host, flush, deeds, flow)| {
        let (packets, ended, job_ended, bound, time, room) = host;
        Step {
            packets,
            ended,
            job_ended,
            bound,
            time,
            room,
            flush,
            deeds,
            flow,
        }
    })
}

fn check(steps: &[Step]) {
    let (direct, bridged) = (Seen::default(), Seen::default());
    drive(Box::new(Scripted::new(steps, &direct)), steps, &direct);
    let module = Box::new(Scripted::new(steps, &bridged));
    drive(in_process::module(module, true), steps, &bridged);
    let (direct, bridged) = (direct.lock().unwrap(), bridged.lock().unwrap());
    for (direct, bridged) in direct.iter().zip(bridged.iter()) {
        assert_eq!(direct, bridged);
    }
    assert_eq!(direct.len(), bridged.len());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_border_changes_nothing(steps in vec(step(), 1..8)) {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let checked = std::panic::catch_unwind(|| check(&steps));
        std::panic::set_hook(hook);
        if let Err(panic) = checked {
            std::panic::resume_unwind(panic);
        }
    }
}
