//! What is told when a run has ended: the files it wrote, how long it took. Failures are told by
//! `report`.

use std::time::Duration;

use bmf_core::{Ending, OutputFile};
use bmf_engine::{LinkOutcome, Outcome, RunError};

/// The lines of a run that has ended, for stderr. A failure itself is not among them.
pub(crate) fn lines(outcome: &Outcome) -> Vec<String> {
    let word = match &outcome.result {
        Ok(_) => "wrote",
        Err(_) => "incomplete:",
    };
    let mut lines: Vec<String> = outputs(outcome)
        .map(|file| format!("{word} {}", describe(file)))
        .collect();
    let end = match &outcome.result {
        Ok(Ending::Stopped) => "stopped",
        Err(RunError::Cancelled) => "cancelled",
        Ok(_) => "done",
        Err(_) => return lines,
    };
    lines.extend(outcome.links.iter().filter_map(grown));
    lines.push(last_line(end, outcome));
    lines
}

/// Queues that were raised this often are worth a word: they hold memory.
const RAISED_MUCH: u64 = 32;

/// A queue that grew because the graph would have blocked itself.
fn grown(link: &LinkOutcome) -> Option<String> {
    (link.raised >= RAISED_MUCH).then(|| {
        format!(
            "note: the queue of \"{}\" to '{}' grew to {} packets, for '{}' waited for another input",
            link.stream, link.consumer, link.limit, link.consumer
        )
    })
}

/// `done in 2.31 s (4.3x)`; without output files what is known is how many packets arrived.
fn last_line(end: &str, outcome: &Outcome) -> String {
    let elapsed = outcome.elapsed.as_secs_f64();
    if outputs(outcome).next().is_none() {
        let packets = packets_at_sinks(outcome);
        return format!("{end}: {packets} packets in {elapsed:.2} s");
    }
    match longest(outcome) {
        Some(media) if elapsed > 0.0 => {
            let speed = media.as_secs_f64() / elapsed;
            format!("{end} in {elapsed:.2} s ({speed:.1}x)")
        }
        _ => format!("{end} in {elapsed:.2} s"),
    }
}

/// `out.mp4: h264 1280x720 300 frames, 10.0 s, 1.2 MB`, as far as it is known.
fn describe(file: &OutputFile) -> String {
    let duration = file
        .duration
        .map(|micros| format!("{:.1} s", micros as f64 / 1e6));
    let parts = [
        Some(file.summary.clone()).filter(|summary| !summary.is_empty()),
        duration,
        file.bytes.map(size),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => file.path.clone(),
        false => format!("{}: {}", file.path, parts.join(", ")),
    }
}

fn outputs(outcome: &Outcome) -> impl Iterator<Item = &OutputFile> {
    outcome.nodes.iter().flat_map(|node| &node.report.outputs)
}

/// Media time of the longest file.
fn longest(outcome: &Outcome) -> Option<Duration> {
    let durations = outputs(outcome).filter_map(|file| file.duration);
    let micros = durations.max().filter(|&micros| micros > 0)?;
    Some(Duration::from_micros(micros.unsigned_abs()))
}

fn packets_at_sinks(outcome: &Outcome) -> u64 {
    let is_sink = |name: &str| outcome.links.iter().all(|link| link.producer != name);
    let sinks = outcome.nodes.iter().filter(|node| is_sink(&node.name));
    sinks.map(|node| node.packets_in).sum()
}

/// Bytes in decimal units, as file managers show them.
pub(crate) fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        // What would be shown as 1000.0 belongs to the next unit.
        if size < 999.95 {
            return match unit {
                "bytes" => format!("{bytes} bytes"),
                _ => format!("{size:.1} {unit}"),
            };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use bmf_core::Report;
    use bmf_engine::{Dropped, NodeOutcome, WaitReport};

    use super::*;

    fn outcome(result: Result<Ending, RunError>, outputs: Vec<OutputFile>) -> Outcome {
        let node = |id, name: &str, packets_in, outputs| NodeOutcome {
            id,
            name: name.to_owned(),
            module: "m".to_owned(),
            tasks: 1,
            packets_in,
            packets_out: 0,
            busy: Duration::ZERO,
            closed: true,
            report: Report {
                outputs,
                ..Report::default()
            },
        };
        Outcome {
            result,
            elapsed: Duration::from_millis(2310),
            nodes: vec![node(0, "a", 7, Vec::new()), node(1, "b", 300, outputs)],
            links: vec![LinkOutcome {
                stream: "a.0".to_owned(),
                producer: "a".to_owned(),
                consumer: "b".to_owned(),
                packets: 300,
                peak: 1,
                limit: 5,
                raised: 0,
                dropped: Dropped::default(),
            }],
        }
    }

    fn check(result: Result<Ending, RunError>, outputs: Vec<OutputFile>) -> String {
        lines(&outcome(result, outputs)).join("\n")
    }

    fn file() -> OutputFile {
        OutputFile {
            path: "out.mp4".to_owned(),
            bytes: Some(1_234_567),
            summary: "h264 1280x720 300 frames, aac 48000 Hz stereo".to_owned(),
            duration: Some(10_000_000),
        }
    }

    #[test]
    fn files_are_described() {
        insta::assert_snapshot!(check(Ok(Ending::Finished), vec![file()]), @r"
        wrote out.mp4: h264 1280x720 300 frames, aac 48000 Hz stereo, 10.0 s, 1.2 MB
        done in 2.31 s (4.3x)
        ");
        let bare = OutputFile {
            path: "rtmp://host/x".to_owned(),
            ..OutputFile::default()
        };
        insta::assert_snapshot!(check(Ok(Ending::Stopped), vec![bare]), @r"
        wrote rtmp://host/x
        stopped in 2.31 s
        ");
    }

    #[test]
    fn without_files_packets_are_told() {
        insta::assert_snapshot!(check(Ok(Ending::Finished), Vec::new()), @"done: 300 packets in 2.31 s");
        insta::assert_snapshot!(check(Err(RunError::Cancelled), Vec::new()), @"cancelled: 300 packets in 2.31 s");
    }

    #[test]
    fn files_of_failed_runs_are_named_as_incomplete() {
        let stuck = || RunError::Stuck {
            report: WaitReport::default(),
        };
        insta::assert_snapshot!(check(Err(stuck()), vec![file()]), @"incomplete: out.mp4: h264 1280x720 300 frames, aac 48000 Hz stereo, 10.0 s, 1.2 MB");
        insta::assert_snapshot!(check(Err(stuck()), Vec::new()), @"");
    }

    #[test]
    fn sizes() {
        let sizes = [
            0,
            999,
            999_949,
            999_950,
            1_234_567,
            7_300_000_000,
            12_000_000_000_000,
        ];
        insta::assert_snapshot!(sizes.map(size).join(", "), @"0 bytes, 999 bytes, 999.9 kB, 1.0 MB, 1.2 MB, 7.3 GB, 12.0 TB");
    }
}
