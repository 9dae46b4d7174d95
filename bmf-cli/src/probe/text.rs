//! What a file holds, for people: a line for the file, one for each stream, then chapters and tags.

use serde_json::Value;

use crate::summary;

/// All that is known of one file.
pub(super) fn page(file: &Value) -> String {
    let mut text = format!("{}\n", head(file));
    for stream in list(file, "streams") {
        text += &format!("  {}\n", line_of(stream));
    }
    for chapter in list(file, "chapters") {
        text += &format!("  {}\n", line_of_chapter(chapter));
    }
    let tags = file["metadata"].as_object().into_iter().flatten();
    for (key, value) in tags {
        // A tag may be a page of text, or have its line ends in the middle.
        let value = words(value.as_str().unwrap_or_default());
        text += &format!("  {key}: {value}\n");
    }
    text
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// `in.mp4: QuickTime / MOV, 2.000 s, 45.1 kB, 180 kb/s`
fn head(file: &Value) -> String {
    let name = file["file"].as_str().unwrap_or_default();
    let format = text(file, "format_description").or_else(|| text(file, "format"));
    let parts = [
        format,
        number(file, "duration").map(|seconds| format!("{seconds:.3} s")),
        file["size"].as_u64().map(summary::size),
        bit_rate(file),
    ];
    format!("{name}: {}", joined(parts))
}

/// `0 video  h264 High 3.1, 128x96, yuv420p, 25 fps, 120 kb/s`
fn line_of(stream: &Value) -> String {
    let kind = stream["kind"].as_str().unwrap_or_default();
    let what = match kind {
        "video" => pictures(stream),
        "audio" => sound(stream),
        _ => String::new(),
    };
    let parts = [
        Some(codec(stream)),
        Some(what).filter(|what| !what.is_empty()),
        bit_rate(stream),
        text(stream, "language"),
        text(stream, "title").map(|title| format!("\"{}\"", words(&title))),
        Some(dispositions(stream)).filter(|names| !names.is_empty()),
    ];
    format!("{} {kind:8} {}", stream["index"], joined(parts))
}

fn codec(stream: &Value) -> String {
    let name = text(stream, "codec").unwrap_or_default();
    let level = stream["level"].as_i64();
    // Only of these the number is one that people know by another.
    let level = level.and_then(|level| match name.as_str() {
        "h264" => Some(level as f64 / 10.0),
        "hevc" => Some(level as f64 / 30.0),
        _ => None,
    });
    let profile = text(stream, "profile").map(|profile| format!(" {profile}"));
    let level = profile
        .as_ref()
        .and(level)
        .map(|level| format!(" {level:.1}"));
    name + &profile.unwrap_or_default() + &level.unwrap_or_default()
}

fn pictures(stream: &Value) -> String {
    let size = format!("{}x{}", stream["width"], stream["height"]);
    let aspect = text(stream, "sample_aspect_ratio").filter(|ratio| ratio != "1/1");
    let turned = number(stream, "rotation").map(|degrees| format!("turned by {degrees}°"));
    let order = text(stream, "field_order").filter(|order| order != "progressive");
    joined([
        Some(size),
        aspect.map(|ratio| format!("pixels {}", ratio.replace('/', ":"))),
        text(stream, "pixel_format"),
        colors(stream),
        frame_rate(stream),
        order.map(|order| format!("interlaced ({order})")),
        turned,
    ])
}

/// `tv bt709`, or all of primaries, transfer and matrix where they differ.
fn colors(stream: &Value) -> Option<String> {
    let field = |key: &str| text(stream, &format!("color_{key}"));
    let [matrix, primaries, transfer] = ["matrix", "primaries", "transfer"].map(field);
    let unknown = || "unknown".to_owned();
    let meaning = match (&matrix, &primaries, &transfer) {
        (None, None, None) => None,
        _ if matrix == primaries && matrix == transfer => matrix,
        _ => Some(
            [matrix, primaries, transfer]
                .map(|name| name.unwrap_or_else(unknown))
                .join("/"),
        ),
    };
    let parts: Vec<String> = field("range").into_iter().chain(meaning).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// `29.97 fps`
fn frame_rate(stream: &Value) -> Option<String> {
    let fraction = text(stream, "frame_rate")?;
    let (over, under) = fraction.split_once('/')?;
    let rate = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    let rate = format!("{rate:.3}");
    let rate = rate.trim_end_matches('0').trim_end_matches('.');
    Some(format!("{rate} fps"))
}

fn sound(stream: &Value) -> String {
    let channels = stream["channels"].as_u64().map(|channels| match channels {
        1 => "1 channel".to_owned(),
        _ => format!("{channels} channels"),
    });
    joined([
        number(stream, "sample_rate").map(|rate| format!("{rate} Hz")),
        text(stream, "channel_layout").or(channels),
        text(stream, "sample_format"),
    ])
}

fn dispositions(stream: &Value) -> String {
    let names = list(stream, "disposition").filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(" ")
}

fn line_of_chapter(chapter: &Value) -> String {
    let time = |key| number(chapter, key).unwrap_or_default();
    let title = text(chapter, "title").map(|title| format!(" \"{}\"", words(&title)));
    format!(
        "chapter {:.3} s to {:.3} s{}",
        time("start"),
        time("end"),
        title.unwrap_or_default()
    )
}

fn bit_rate(value: &Value) -> Option<String> {
    let rate = number(value, "bit_rate")? / 1000.0;
    Some(match rate < 10_000.0 {
        true => format!("{rate:.0} kb/s"),
        false => format!("{:.1} Mb/s", rate / 1000.0),
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value[key].as_f64()
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
