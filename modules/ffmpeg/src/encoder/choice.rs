//! Which container and which encoders are meant. Opens nothing.

use bmf_ffmpeg::{EncoderInfo, MuxerInfo, names};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::OptionIssue;

use super::options::Options;

/// Where the output goes, and in which container.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// As FFmpeg wants it.
    pub(super) url: String,
    pub(super) muxer: MuxerInfo,
}

/// Containers in which BMF's defaults, H.264 and AAC, are what a user expects. The others hold one
/// codec or a few, and FFmpeg knows which.
const GENERAL: [&str; 22] = [
    "mp4",
    "mov",
    "ipod",
    "ismv",
    "f4v",
    "psp",
    "3gp",
    "3g2",
    "matroska",
    "mpegts",
    "hls",
    "dash",
    "segment",
    "stream_segment",
    "flv",
    "avi",
    "nut",
    "rtsp",
    "rtp_mpegts",
    "tee",
    "fifo",
    "smoothstreaming",
];

/// Containers of sound in which a picture is a cover, not a stream of pictures.
const COVERS: [&str; 3] = ["mp3", "aiff", "flac"];

/// What network addresses without a telling name carry.
const PROTOCOLS: [(&str, &str); 8] = [
    ("rtmp", "flv"),
    ("rtmps", "flv"),
    ("rtsp", "rtsp"),
    ("rtp", "rtp_mpegts"),
    ("udp", "mpegts"),
    ("tcp", "mpegts"),
    ("srt", "mpegts"),
    ("rist", "mpegts"),
];

impl Target {
    /// # Errors
    /// When no path is given or the format is unknown.
    pub(super) fn of(options: &Options) -> Result<Self, OptionIssue> {
        let Some(path) = &options.path() else {
            let issue = OptionIssue::invalid("output_path", "no output file is given");
            return Err(
                issue.with_hint("set \"output_path\", or \"null_output\" to drop all frames")
            );
        };
        let muxer = match &options.format {
            Some(name) => MuxerInfo::find(name).map_err(|_| {
                let message = format!("there is no output format \"{name}\"");
                let known = names::muxers();
                let known = known.iter().flat_map(|names| names.split(','));
                did_you_mean(OptionIssue::invalid("format", message), name, known)
            })?,
            None => guess(path)?,
        };
        let url = match path.as_str() {
            "-" if !muxer.opens_own_files => "pipe:1".to_owned(),
            path => path.to_owned(),
        };
        Ok(Self { url, muxer })
    }

    fn is_general(&self) -> bool {
        GENERAL.contains(&self.muxer.name.as_str())
    }
}

fn guess(path: &str) -> Result<MuxerInfo, OptionIssue> {
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    let protocol = PROTOCOLS
        .iter()
        .find(|(name, _)| Some(*name) == scheme)
        .map(|&(_, format)| format);
    let by_name = match protocol {
        Some(format) => MuxerInfo::find(format).ok(),
        // FFmpeg knows sequences of all kinds of pictures but this.
        None if is_webp_sequence(path) => MuxerInfo::find("image2").ok(),
        None => MuxerInfo::guess(path),
    };
    match by_name {
        Some(muxer) => Ok(muxer),
        None => MuxerInfo::find("mp4")
            .map_err(|error| OptionIssue::invalid("format", error.to_string())),
    }
}

/// In place of an encoder: what arrives encoded is written as it is.
pub(super) const COPY: &str = "copy";

fn is_webp_sequence(path: &str) -> bool {
    path.ends_with(".webp") && bmf_ffmpeg::numbered_name(path, 0).is_some()
}

/// BMF's short names, and the encoders that are better than FFmpeg's first choice.
const ENCODERS: [(&str, &str); 10] = [
    ("h264", "libx264"),
    ("avc", "libx264"),
    ("h265", "libx265"),
    ("hevc", "libx265"),
    ("vp8", "libvpx"),
    ("vp9", "libvpx-vp9"),
    ("jpg", "mjpeg"),
    ("jpeg", "mjpeg"),
    ("mp3", "libmp3lame"),
    ("opus", "libopus"),
];

/// The encoder for one kind: the one that is asked for, or the container's usual one. `Ok(None)`
/// when the container takes nothing of that kind.
///
/// # Errors
/// When there is no such encoder, or it does not fit.
pub(super) fn encoder(
    kind: MediaKind,
    wanted: Option<&str>,
    target: &Target,
) -> Result<Option<EncoderInfo>, OptionIssue> {
    let Some(name) = wanted else {
        return Ok(usual(kind, target));
    };
    let path = match kind {
        MediaKind::Audio => "audio_params.codec",
        _ => "video_params.codec",
    };
    let info = find(name).ok_or_else(|| unknown(path, name))?;
    if info.kind != kind {
        let message = format!("\"{name}\" does not encode {}", crate::media::noun(kind));
        return Err(OptionIssue::invalid(path, message));
    }
    Ok(Some(info))
}

/// An encoder by its own name, by one of ours, or by the name of its codec.
fn find(name: &str) -> Option<EncoderInfo> {
    let alias = ENCODERS
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|&(_, encoder)| encoder);
    let exact = alias
        .into_iter()
        .chain([name])
        .find_map(|name| EncoderInfo::find(name).ok());
    exact.or_else(|| EncoderInfo::find(&EncoderInfo::default_for_codec(name)?).ok())
}

fn unknown(path: &str, name: &str) -> OptionIssue {
    let issue = OptionIssue::invalid(
        path,
        format!("there is no encoder \"{name}\" in this FFmpeg"),
    );
    if name == "bytevc1" {
        return issue.with_hint("use \"h265\"");
    }
    let names = names::encoders();
    let aliases = ENCODERS.iter().map(|(alias, _)| *alias);
    let known = names.iter().map(String::as_str).chain(aliases);
    let is_codec = EncoderInfo::all_for_codec(name).is_some();
    if !is_codec && let Some(name) = bmf_ffmpeg::nearest(name, known) {
        return issue.with_hint(format!("did you mean \"{name}\"?"));
    }
    let hint = codec_of(name).map(|(codec, others)| match others.is_empty() {
        true => format!("it has none for {codec} at all"),
        false => format!("for {codec} it has {}", others.join(", ")),
    });
    issue.with_hint(hint.unwrap_or_else(|| "\"ffmpeg -encoders\" lists them".to_owned()))
}

/// Encoders of other builds, and what they encode, where the name does not say it.
const ELSEWHERE: [(&str, &str); 7] = [
    ("x264", "h264"),
    ("openh264", "h264"),
    ("x265", "hevc"),
    ("kvazaar", "hevc"),
    ("svtav1", "av1"),
    ("rav1e", "av1"),
    ("aom", "av1"),
];

/// The codec that an encoder of that name would be for, and this FFmpeg's encoders of it.
fn codec_of(name: &str) -> Option<(String, Vec<String>)> {
    let library = name.strip_prefix("lib").unwrap_or(name);
    let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == library);
    let parts = library.split(['_', '-']);
    let mut candidates = elsewhere
        .map(|&(_, codec)| codec)
        .into_iter()
        .chain([name, library])
        .chain(parts);
    candidates.find_map(|codec| {
        let encoders = EncoderInfo::all_for_codec(codec)?;
        Some((codec.to_owned(), encoders))
    })
}

fn usual(kind: MediaKind, target: &Target) -> Option<EncoderInfo> {
    let general = match kind {
        MediaKind::Audio => "aac",
        _ => "libx264",
    };
    if target.is_general()
        && let Ok(info) = EncoderInfo::find(general)
    {
        return Some(info);
    }
    if kind == MediaKind::Video && COVERS.contains(&target.muxer.name.as_str()) {
        return None;
    }
    if kind == MediaKind::Video && target.muxer.name == "image2" && target.url.ends_with(".webp") {
        return EncoderInfo::find("libwebp").ok();
    }
    let name = target.muxer.default_encoder(kind, &target.url)?;
    EncoderInfo::find(&name).ok()
}

/// Suggests the nearest known name, if one is near.
pub(super) fn did_you_mean<'a>(
    issue: OptionIssue,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> OptionIssue {
    match bmf_ffmpeg::nearest(name, known) {
        Some(name) => issue.with_hint(format!("did you mean \"{name}\"?")),
        None => issue,
    }
}

pub(super) fn with_hint(issue: OptionIssue, hint: Option<&str>) -> OptionIssue {
    match hint {
        Some(hint) => issue.with_hint(hint),
        None => issue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, format: Option<&str>) -> String {
        let options = Options {
            output_path: Some(path.to_owned()),
            format: format.map(str::to_owned),
            ..Options::default()
        };
        let target = match Target::of(&options) {
            Ok(target) => target,
            Err(issue) => {
                return format!(
                    "{}: {} ({})",
                    issue.path,
                    issue.message,
                    issue.hint.unwrap_or_default()
                );
            }
        };
        let name = |kind| match encoder(kind, None, &target).unwrap() {
            Some(info) => info.name,
            None => "-".to_owned(),
        };
        format!(
            "{} {} {}",
            target.muxer.name,
            name(MediaKind::Video),
            name(MediaKind::Audio)
        )
    }

    #[test]
    fn containers_and_their_usual_encoders() {
        let lines: Vec<String> = [
            "a.mp4",
            "a.mkv",
            "a.m3u8",
            "a.webm",
            "a.avi",
            "a.ts",
            "a.wav",
            "a.mp3",
            "a.m4a",
            "a%03d.png",
            "a.jpg",
            "a.gif",
            "a.webp",
            "a%d.webp",
            "a",
            "rtmp://host/live",
            "rtsp://host/live",
        ]
        .iter()
        .map(|path| format!("{path}: {}\n", check(path, None)))
        .collect();
        insta::assert_snapshot!(lines.concat(), @"
        a.mp4: mp4 libx264 aac
        a.mkv: matroska libx264 aac
        a.m3u8: hls libx264 aac
        a.webm: webm libvpx-vp9 libopus
        a.avi: avi libx264 aac
        a.ts: mpegts libx264 aac
        a.wav: wav - pcm_s16le
        a.mp3: mp3 - libmp3lame
        a.m4a: ipod libx264 aac
        a%03d.png: image2 png -
        a.jpg: image2 mjpeg -
        a.gif: gif gif -
        a.webp: webp libwebp_anim -
        a%d.webp: image2 libwebp -
        a: mp4 libx264 aac
        rtmp://host/live: flv libx264 aac
        rtsp://host/live: rtsp libx264 aac
        ");
        insta::assert_snapshot!(check("-", Some("framemd5")), @"framemd5 rawvideo pcm_s16le");
        insta::assert_snapshot!(check("-", Some("rawvideo")), @"rawvideo rawvideo -");
        insta::assert_snapshot!(check("-", Some("null")), @"null wrapped_avframe pcm_s16le");
        insta::assert_snapshot!(check("a.mp4", Some("mp5")), @r#"format: there is no output format "mp5" (did you mean "mp2"?)"#);
        insta::assert_snapshot!(check("", None), @r#"output_path: no output file is given (set "output_path", or "null_output" to drop all frames)"#);
    }

    fn check_codec(kind: MediaKind, name: &str, path: &str) -> String {
        let options = Options {
            output_path: Some(path.to_owned()),
            ..Options::default()
        };
        match encoder(kind, Some(name), &Target::of(&options).unwrap()) {
            Ok(info) => info.map_or_else(String::new, |info| info.name),
            Err(issue) => format!(
                "{}: {} ({})",
                issue.path,
                issue.message,
                issue.hint.unwrap_or_default()
            ),
        }
    }

    #[test]
    fn codecs_are_found_by_many_names() {
        let video = [
            "h264", "h265", "hevc", "vp9", "jpg", "png", "mpeg4", "libx264",
        ];
        let names = video.map(|name| check_codec(MediaKind::Video, name, "a.mkv"));
        insta::assert_snapshot!(names.join(" "), @"libx264 libx265 libx265 libvpx-vp9 mjpeg png mpeg4 libx264");
        let names =
            ["aac", "mp3", "opus", "flac"].map(|name| check_codec(MediaKind::Audio, name, "a.mkv"));
        insta::assert_snapshot!(names.join(" "), @"aac libmp3lame libopus flac");
        insta::assert_snapshot!(check_codec(MediaKind::Video, "libx624", "a.mp4"), @r#"video_params.codec: there is no encoder "libx624" in this FFmpeg (did you mean "libx264"?)"#);
        insta::assert_snapshot!(check_codec(MediaKind::Video, "aac", "a.mp4"), @r#"video_params.codec: "aac" does not encode pictures ()"#);
        insta::assert_snapshot!(check_codec(MediaKind::Audio, "bytevc1", "a.mp4"), @r#"audio_params.codec: there is no encoder "bytevc1" in this FFmpeg (use "h265")"#);
    }

    #[test]
    fn a_missing_encoder_names_those_of_its_codec() {
        let text = |name| check_codec(MediaKind::Video, name, "a.mp4");
        insta::assert_snapshot!(text("libkvazaar"), @r#"video_params.codec: there is no encoder "libkvazaar" in this FFmpeg (for hevc it has libx265, hevc_nvenc, hevc_qsv, hevc_v4l2m2m, hevc_vaapi)"#);
        insta::assert_snapshot!(text("vc1"), @r#"video_params.codec: there is no encoder "vc1" in this FFmpeg (it has none for vc1 at all)"#);
        insta::assert_snapshot!(text("nothing"), @r#"video_params.codec: there is no encoder "nothing" in this FFmpeg ("ffmpeg -encoders" lists them)"#);
        insta::assert_snapshot!(check_codec(MediaKind::Audio, "libfdk_aac", "a.mp4"), @r#"audio_params.codec: there is no encoder "libfdk_aac" in this FFmpeg (for aac it has aac)"#);
    }
}
