//! Which port of the node each open pad of a graph belongs to.

use bmf_ffmpeg::OpenPad;
use bmf_sdk::prelude::*;

use super::text::{self, Description};

/// The ports of the input pads, in the order of the pads.
///
/// # Errors
/// When pads and connected ports do not match one to one. (One port may feed several pads by label.)
pub(super) fn inputs(
    Description { text, title }: &Description,
    pads: &[OpenPad],
    connected: &[bool],
) -> Result<Vec<usize>, ModuleError> {
    let ports = ports(text, pads, 'i');
    let missing = ports
        .iter()
        .position(|&port| !connected.get(port).is_some_and(|&connected| connected));
    let spare = (0..connected.len()).any(|port| connected[port] && !ports.contains(&port));
    match missing {
        None if !spare => Ok(ports),
        // With as many as it needs the message is about the one that is lacking.
        Some(pad) if connected.iter().filter(|&&connected| connected).count() >= pads.len() => {
            let message = format!("{title}: nothing is connected to its input {}", ports[pad]);
            Err(ModuleError::new(message).on_port(ports[pad].to_string()))
        }
        _ => Err(mismatch(title, "input", pads.len(), connected)),
    }
}

/// The ports of the output pads, in the order of the pads. What comes out of a pad whose port
/// nobody consumes is thrown away.
///
/// # Errors
/// When a consumed port has no pad, or two.
pub(super) fn outputs(
    Description { text, title }: &Description,
    pads: &[OpenPad],
    connected: &[bool],
) -> Result<Vec<usize>, ModuleError> {
    let ports = ports(text, pads, 'o');
    let lacking = (0..connected.len()).any(|port| connected[port] && !ports.contains(&port));
    if lacking {
        return Err(mismatch(title, "output", pads.len(), connected));
    }
    let twice = ports
        .iter()
        .enumerate()
        .find(|&(pad, port)| ports[..pad].contains(port));
    match twice {
        Some((_, port)) => Err(ModuleError::new(format!(
            "{title} gives output {port} twice"
        ))),
        None => Ok(ports),
    }
}

/// Labels first; what has none of ours takes the ports that are left, in the order of the text
/// (FFmpeg lists labelled outputs from the last to the first).
fn ports(text: &str, pads: &[OpenPad], side: char) -> Vec<usize> {
    let labelled = |pad: &OpenPad| text::port(pad.label.as_deref()?, side);
    let place = |pad: &OpenPad| match &pad.label {
        Some(label) => text.rfind(&format!("[{label}]")).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let mut ports: Vec<Option<usize>> = pads.iter().map(labelled).collect();
    let taken: Vec<usize> = ports.iter().copied().flatten().collect();
    let mut free = (0..).filter(|port| !taken.contains(port));
    let mut order: Vec<usize> = (0..pads.len()).collect();
    order.sort_by_key(|&pad| place(&pads[pad]));
    for pad in order {
        ports[pad] = ports[pad].or_else(|| free.next());
    }
    ports
        .into_iter()
        .map(|port| port.unwrap_or(usize::MAX))
        .collect()
}

fn mismatch(title: &str, side: &str, pads: usize, connected: &[bool]) -> ModuleError {
    let count = connected.iter().filter(|&&connected| connected).count();
    let plural = if pads == 1 { "" } else { "s" };
    let verb = if count == 1 { "is" } else { "are" };
    ModuleError::new(format!(
        "{title} has {pads} {side}{plural}, but {count} {verb} connected"
    ))
}

#[cfg(test)]
mod tests {
    use bmf_ffmpeg::FilterGraph;

    use super::*;

    fn check(graph: &str, connected_in: &[bool], connected_out: &[bool]) -> String {
        let (ins, outs) = FilterGraph::inspect(graph).unwrap();
        let it = Description {
            text: graph.to_owned(),
            title: "it".to_owned(),
        };
        match (
            inputs(&it, &ins, connected_in),
            outputs(&it, &outs, connected_out),
        ) {
            (Ok(ins), Ok(outs)) => format!("{ins:?} -> {outs:?}"),
            (Err(error), _) | (_, Err(error)) => error.to_string(),
        }
    }

    #[test]
    fn labels_name_ports_and_the_rest_follows() {
        insta::assert_snapshot!(check("[i1][x]overlay", &[true, true], &[true]), @"[1, 0] -> [0]");
        insta::assert_snapshot!(check("split[a][o0]", &[true], &[true]), @"[0] -> [0, 1]");
        insta::assert_snapshot!(check("split=3[a][b][c]", &[true], &[true]), @"[0] -> [2, 1, 0]");
        insta::assert_snapshot!(check("[i0_0_0]hflip[o0];[i0_1_0]vflip[o1]", &[true], &[true, true]), @"[0, 0] -> [1, 0]");
        insta::assert_snapshot!(check("testsrc", &[], &[true]), @"[] -> [0]");
    }

    #[test]
    fn numbers_must_match() {
        insta::assert_snapshot!(check("overlay", &[true], &[true]), @"it has 2 inputs, but 1 is connected");
        insta::assert_snapshot!(check("hflip", &[true, true], &[true]), @"it has 1 input, but 2 are connected");
        insta::assert_snapshot!(check("hflip", &[false, true], &[true]), @"it: nothing is connected to its input 0");
        insta::assert_snapshot!(check("hflip", &[true], &[true, true]), @"it has 1 output, but 2 are connected");
        insta::assert_snapshot!(check("split[o0][o0_1]", &[true], &[true]), @"it gives output 0 twice");
    }
}
