//! Modules for the flow of packets: they limit, route, join, pace, loop and split. None of them looks
//! into a payload but for control values and batches.
#![doc = include_str!("../README.md")]

mod assemble;
mod begin_loop;
mod demux;
mod end_loop;
mod flow_limiter;
mod gate;
mod grid;
mod inner_join;
mod merge;
mod mux;
mod packet_cloner;
mod packet_thinner;
mod presence;
mod previous_loopback;
mod resampler;
mod retime;
mod round_robin;
mod sequence_shift;
mod split;
mod value;
mod value_or_default;

#[cfg(test)]
mod check;

bmf_sdk::export_module!(
    flow_limiter::FlowLimiter,
    packet_thinner::PacketThinner,
    gate::Gate,
    mux::Mux,
    demux::Demux,
    round_robin::RoundRobin,
    merge::Merge,
    previous_loopback::PreviousLoopback,
    packet_cloner::PacketCloner,
    inner_join::InnerJoin,
    value_or_default::ValueOrDefault,
    presence::Presence,
    resampler::Resampler,
    sequence_shift::SequenceShift,
    begin_loop::BeginLoop,
    end_loop::EndLoop,
    split::Split,
    assemble::Assemble,
);

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use bmf_sdk::ModuleType;
    use bmf_sdk::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::check::Play;

    fn names(ports: &Ports) -> String {
        match ports {
            Ports::Fixed(ports) => {
                let name = |port: &PortSpec| match (port.optional, port.back_edge) {
                    (true, _) => format!("[{}]", port.name),
                    (_, true) => format!("{}~", port.name),
                    _ => port.name.clone(),
                };
                ports.iter().map(name).collect::<Vec<_>>().join(" ")
            }
            Ports::Any { min, each, .. } => format!("{} x {min}..", each.name),
        }
    }

    #[test]
    fn modules_and_their_ports() {
        let mut text = String::new();
        for factory in modules() {
            let module = factory.descriptor();
            let manager = module.input_manager.as_ref();
            let manager = manager.map_or("immediate", |config| config.manager.name());
            let (inputs, outputs) = (names(&module.inputs), names(&module.outputs));
            writeln!(text, "{}: {inputs} -> {outputs}; {manager}", module.name).unwrap();
            assert!(!module.summary.is_empty() && !module.docs.is_empty());
            assert!(!module.docs.contains("\n\n\n"));
        }
        insta::assert_snapshot!(text, @"
        flow_limiter: in finished~ [aux0] [aux1] [aux2] [aux3] [aux4] [aux5] [aux6] [aux7] -> out [allow] [aux0] [aux1] [aux2] [aux3] [aux4] [aux5] [aux6] [aux7]; immediate
        packet_thinner: in -> out; immediate
        gate: in [control] -> out [state]; default
        mux: in x 2.. -> out; mux
        demux: in control -> out x 1..; default
        round_robin: in -> out x 1..; immediate
        merge: in x 1.. -> out; default
        previous_loopback: in loop~ -> out; immediate
        packet_cloner: in x 2.. -> out x 1..; default
        inner_join: in x 2.. -> out x 1..; default
        value_or_default: in tick -> out [flag]; default
        presence: in -> out; default
        resampler: in -> out; immediate
        sequence_shift: in -> out; immediate
        begin_loop: in [clone0] [clone1] [clone2] [clone3] [clone4] [clone5] [clone6] [clone7] -> item batch_end [clone0] [clone1] [clone2] [clone3] [clone4] [clone5] [clone6] [clone7]; default
        end_loop: item batch_end -> out; default
        split: in -> out x 1..; immediate
        assemble: in x 1.. -> out; immediate
        ");
    }

    /// What a module does after a flush is what it did at first.
    fn same_after_flush<M: ModuleType>(options: Value, ports: &str, part: &str) {
        let mut play = Play::new::<M>(options, ports).unwrap();
        let first = play.part(part);
        assert_eq!(play.part(&format!("flush {part}")), first);
    }

    #[test]
    fn what_is_flushed_is_forgotten() {
        let none = || json!({});
        same_after_flush::<flow_limiter::FlowLimiter>(
            none(),
            "in finished aux0 | out allow aux0",
            "aux0 0@0 in 1@1 2@2 aux0 3@2",
        );
        same_after_flush::<packet_thinner::PacketThinner>(none(), "in | out", "in 1@1 2@2");
        let sync = json!({"mode": "sync", "period": 10});
        same_after_flush::<packet_thinner::PacketThinner>(sync, "in | out", "in 1@1 2@8");
        let hold = json!({"missing": "hold"});
        same_after_flush::<gate::Gate>(hold, "in control | out", "in 1@1 control ->2 true@2");
        let hold = json!({"hold": true});
        same_after_flush::<demux::Demux>(hold, "in control | 0", "in 1@1 control ->2 0@2");
        same_after_flush::<round_robin::RoundRobin>(none(), "in | 0 1 2", "in 1@1");
        same_after_flush::<previous_loopback::PreviousLoopback>(
            none(),
            "in loop | out",
            "in 1@1 2@2 loop 1@1",
        );
        same_after_flush::<packet_cloner::PacketCloner>(none(), "0 1 | 0", "1 0@1 0 1@2 1 0@2");
        for offset in [-1, 1] {
            let options = json!({ "offset": offset });
            same_after_flush::<sequence_shift::SequenceShift>(options, "in | out", "in 1@1 2@2");
        }
        same_after_flush::<resampler::Resampler>(none(), "in | out", "in 1@1 2@90000");
        same_after_flush::<begin_loop::BeginLoop>(none(), "in | item batch_end", "in {1,2}@1");
        let items = "item 1@0 2@1 3@2 batch_end 70@1";
        same_after_flush::<end_loop::EndLoop>(none(), "item batch_end | out", items);
        same_after_flush::<split::Split>(none(), "in | 0 1", "in 1@1");
        same_after_flush::<assemble::Assemble>(none(), "0 1 | out", "0 1@1 1 2@2");
        let strict = json!({"strict": true});
        same_after_flush::<assemble::Assemble>(strict, "0 1 | out", "0 1@1");
    }
}
