//! What an output tells when it is done.

use bmf_ffmpeg::numbered_name;
use bmf_sdk::prelude::*;

use super::output::Push;
use super::span::Span;
use super::track::Track;
use super::work::Work;

pub(super) fn of(work: &Work) -> Report {
    let mut counts = [0; 4];
    let (mut sound, mut copied) = (0, 0);
    let mut quality = None;
    for track in &work.tracks {
        match track {
            Track::None => {}
            Track::Video(track) => {
                counts = track.counts();
                quality = track.quality();
            }
            Track::Audio(track) => sound = track.frames_in(),
            Track::Copy(track) => copied += track.packets(),
        }
    }
    let [pictures, encoded, dropped, duplicated] = counts;
    let done = work.output.done();
    let corrected = done.map_or(0, |done| done.corrected_timestamps);
    let mut counters = vec![
        ("frames_in", pictures + sound),
        ("frames_encoded", encoded),
        ("frames_dropped", dropped),
        ("frames_duplicated", duplicated),
        ("timestamps_corrected", corrected),
    ];
    if copied > 0 {
        counters.push(("packets_copied", copied));
    }
    if let Some((_, all)) = quality {
        // Counters are whole numbers.
        counters.push(("psnr_millidecibels", (all * 1000.0).round() as u64));
    }
    let is_file = work.output.push == Push::File;
    Report {
        counters: counters.into_iter().collect(),
        outputs: done
            .filter(|_| is_file)
            .map(|done| file(work, done.bytes, encoded))
            .into_iter()
            .collect(),
        warnings: work.warnings.clone(),
    }
}

fn file(work: &Work, bytes: Option<u64>, pictures: u64) -> OutputFile {
    let mut span = Span::default();
    let mut parts = Vec::new();
    for track in &work.tracks {
        span.join(track.span());
        parts.extend(track.summary());
    }
    parts.extend(files(work, pictures));
    OutputFile {
        path: work.path.clone(),
        bytes,
        summary: parts.join(", "),
        duration: span.length(),
    }
}

/// The names of the files of a sequence of pictures: `files a001.png to a025.png`.
fn files(work: &Work, pictures: u64) -> Option<String> {
    let params = work.mux_params();
    let is_named_otherwise = ["update", "strftime", "frame_pts"]
        .iter()
        .any(|key| params.contains_key(*key));
    if work.target.muxer.name != "image2" || is_named_otherwise || pictures == 0 {
        return None;
    }
    let first = params.get("start_number").and_then(crate::values::text);
    let first = first.and_then(|text| text.parse().ok()).unwrap_or(1_i64);
    let name = |number: i64| {
        let name = numbered_name(&work.target.url, number)?;
        Some(name.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let last = first.checked_add_unsigned(pictures - 1)?;
    Some(format!("files {} to {}", name(first)?, name(last)?))
}
