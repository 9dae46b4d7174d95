//! What the options mean for one stream: the encoder's settings, checked as far as FFmpeg's tables
//! allow. Opens nothing. All that is wrong is reported, not only the first thing.

use std::collections::{BTreeMap, BTreeSet};

use bmf_ffmpeg::{Dict, EncoderInfo, FrameRateMode, Layout, PixFmt, SampleFmt, names};
use bmf_sdk::hmp::{Rational, TimeBase};
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;

use super::choice::{Target, did_you_mean, with_hint};
use super::key_frames::Wish;
use super::options::{AudioParams, Options, VideoParams};
use super::passes::{Passes, add_flag};
use super::tags::StreamTags;
use crate::values;

/// How pictures are encoded.
#[derive(Clone, Debug)]
pub(super) struct PictureSettings {
    pub(super) encoder: EncoderInfo,
    /// Pixel formats to convert to, best first; empty: whatever comes.
    pub(super) formats: Vec<PixFmt>,
    pub(super) size: Option<(u32, u32)>,
    pub(super) rate: Option<Rational>,
    pub(super) max_rate: Option<Rational>,
    pub(super) mode: FrameRateMode,
    /// The mode for pictures that nothing else has to start with.
    pub(super) mode_alone: FrameRateMode,
    pub(super) in_time_base: Option<TimeBase>,
    pub(super) at_most: u64,
    pub(super) at_least: u64,
    pub(super) key_frames: Wish,
    pub(super) passes: Option<Passes>,
    /// Whether the encoder measures its pictures.
    pub(super) measures: bool,
    /// The format of the device that takes the pictures, and which device.
    pub(super) device: Option<(PixFmt, Option<String>)>,
    pub(super) common: Common,
}

/// How sound is encoded. Empty lists: whatever comes.
#[derive(Clone, Debug)]
pub(super) struct SoundSettings {
    pub(super) encoder: EncoderInfo,
    pub(super) formats: Vec<SampleFmt>,
    pub(super) rates: Vec<u32>,
    pub(super) layouts: Vec<Layout>,
    pub(super) at_most: u64,
    pub(super) common: Common,
}

/// What both kinds have.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) options: Dict,
    pub(super) quality: Option<f64>,
    pub(super) tag: Option<[u8; 4]>,
    pub(super) global_header: bool,
    pub(super) tags: StreamTags,
}

/// Collects what is wrong while the rest is read.
#[derive(Default)]
pub(super) struct Issues(pub(super) Vec<OptionIssue>);

impl Issues {
    pub(super) fn take<T: Default>(&mut self, result: Result<T, OptionIssue>) -> T {
        result.unwrap_or_else(|issue| {
            self.0.push(issue);
            T::default()
        })
    }
}

impl PictureSettings {
    /// The settings, and what is wrong with the options.
    pub(super) fn of(options: &Options, target: &Target, encoder: EncoderInfo) -> (Self, Issues) {
        let params = &options.video_params;
        let mut issues = Issues::default();
        let wanted = issues.take(mode(params));
        let automatic = |alone| wanted.unwrap_or_else(|| automatic_mode(target, alone));
        let mut settings = Self {
            formats: issues.take(formats(params, &encoder)),
            size: issues.take(size(params)),
            rate: issues.take(rate(params)),
            max_rate: issues.take(max_rate(params)),
            mode: automatic(false),
            mode_alone: automatic(true),
            in_time_base: issues.take(in_time_base(params)),
            at_most: options.vframes.unwrap_or(u64::MAX),
            at_least: options.min_frames,
            key_frames: issues.take(Wish::of(params.force_key_frames.as_ref())),
            passes: issues.take(Passes::of(params, &encoder)),
            measures: params.psnr,
            device: encoder
                .device_format()
                .map(|format| (format, params.hw_device.clone())),
            common: Common {
                options: issues.take(dictionary(
                    "video_params",
                    &params.other,
                    params.bit_rate.as_deref(),
                )),
                quality: issues.take(quality("video_params.qscale", params.qscale)),
                tag: issues.take(tag("video_params.vtag", params.vtag.as_deref())),
                global_header: target.muxer.needs_global_header,
                tags: picture_tags(params, &mut issues)
                    .with_encoder(&encoder, is_exact(options, &params.other)),
            },
            encoder,
        };
        settings.ask_encoder();
        let unknown = unknown("video_params", &params.other, &settings.encoder, &OWN_VIDEO);
        issues.0.extend(unknown);
        if params.hw_device.is_some() && settings.device.is_none() {
            let message = format!("{} takes pictures from main memory", settings.encoder.name);
            issues
                .0
                .push(OptionIssue::invalid("video_params.hw_device", message));
        }
        (settings, issues)
    }

    /// What the module wants of the encoder beside what the options say in its own words.
    fn ask_encoder(&mut self) {
        let options = &mut self.common.options;
        if self.measures {
            add_flag(options, "+psnr");
        }
        if let Some(passes) = &self.passes {
            passes.set(options);
        }
    }
}

/// Whether the file must not say which version of FFmpeg made it.
fn is_exact(options: &Options, params: &BTreeMap<String, Value>) -> bool {
    let flags = [options.mux_params.get("fflags"), params.get("flags")];
    let mut texts = flags.into_iter().flatten().filter_map(values::text);
    texts.any(|flags| flags.contains("bitexact"))
}

pub(super) fn picture_tags(params: &VideoParams, issues: &mut Issues) -> StreamTags {
    let disposition = params.disposition.as_deref();
    StreamTags::of("video_params", &params.metadata, disposition, issues)
}

pub(super) fn sound_tags(params: &AudioParams, issues: &mut Issues) -> StreamTags {
    let disposition = params.disposition.as_deref();
    StreamTags::of("audio_params", &params.metadata, disposition, issues)
}

impl SoundSettings {
    /// The settings, and what is wrong with the options.
    pub(super) fn of(options: &Options, target: &Target, encoder: EncoderInfo) -> (Self, Issues) {
        let params = &options.audio_params;
        let mut issues = Issues::default();
        let settings = Self {
            formats: encoder.sample_fmts.clone(),
            rates: issues.take(sample_rates(params, &encoder)),
            layouts: issues.take(layouts(params, &encoder)),
            at_most: options.aframes.unwrap_or(u64::MAX),
            common: Common {
                options: issues.take(dictionary(
                    "audio_params",
                    &params.other,
                    params.bit_rate.as_deref(),
                )),
                quality: issues.take(quality("audio_params.qscale", params.qscale)),
                tag: issues.take(tag("audio_params.atag", params.atag.as_deref())),
                global_header: target.muxer.needs_global_header,
                tags: sound_tags(params, &mut issues)
                    .with_encoder(&encoder, is_exact(options, &params.other)),
            },
            encoder,
        };
        let unknown = unknown("audio_params", &params.other, &settings.encoder, &OWN_AUDIO);
        issues.0.extend(unknown);
        (settings, issues)
    }
}

fn formats(params: &VideoParams, encoder: &EncoderInfo) -> Result<Vec<PixFmt>, OptionIssue> {
    // JPEG's own range. Other pictures are not forbidden in it, but few programs expect them.
    let usable = |format: &&PixFmt| encoder.codec != "mjpeg" || format.name().starts_with("yuvj");
    let taken: Vec<PixFmt> = encoder.pix_fmts.iter().filter(usable).copied().collect();
    let name = match (params.pix_fmt.as_deref(), params.codec.as_deref()) {
        (Some(name), _) => name,
        (None, Some("jpg" | "jpeg")) => "yuvj444p",
        (None, Some("png")) => "rgba",
        (None, _) if taken.iter().any(|format| format.name() == "yuv420p") => "yuv420p",
        // What a device copies from main memory best.
        (None, _) if encoder.device_format().is_some() => "nv12",
        (None, _) => return Ok(taken),
    };
    let path = "video_params.pix_fmt";
    let format = PixFmt::from_name(name).map_err(|_| {
        let issue = OptionIssue::invalid(path, format!("there is no pixel format \"{name}\""));
        did_you_mean(issue, name, PixFmt::all().map(PixFmt::name))
    })?;
    let is_for_device = encoder.device_format().is_some() && !format.is_hardware();
    if !is_for_device && !encoder.pix_fmts.is_empty() && !encoder.pix_fmts.contains(&format) {
        let message = format!("{} does not take pixel format {name}", encoder.name);
        return Err(OptionIssue::invalid(path, message)
            .with_hint(format!("it takes {}", join(&encoder.pix_fmts))));
    }
    Ok(vec![format])
}

/// Far more than FFmpeg takes, and still a number to it.
const TOO_LARGE: u32 = 1 << 20;

fn too_large(path: &str) -> OptionIssue {
    OptionIssue::invalid(path, "no picture is that large")
}

fn size(params: &VideoParams) -> Result<Option<(u32, u32)>, OptionIssue> {
    match (params.width, params.height) {
        (None, None) => Ok(None),
        (Some(width @ 1..TOO_LARGE), Some(height @ 1..TOO_LARGE)) => Ok(Some((width, height))),
        (Some(TOO_LARGE..), Some(_)) => Err(too_large("video_params.width")),
        (Some(_), Some(TOO_LARGE..)) => Err(too_large("video_params.height")),
        (Some(0), _) | (Some(_), None) => {
            let message = "width and height must be given together, both more than 0";
            Err(OptionIssue::invalid("video_params.width", message))
        }
        _ => {
            let message = "width and height must be given together, both more than 0";
            Err(OptionIssue::invalid("video_params.height", message))
        }
    }
}

fn rate(params: &VideoParams) -> Result<Option<Rational>, OptionIssue> {
    let Some(text) = &params.r else {
        return Ok(None);
    };
    let rate = text
        .parse::<Rational>()
        .ok()
        .filter(|rate| rate.num > 0 && rate.den > 0);
    rate.map(Some).ok_or_else(|| {
        OptionIssue::invalid("video_params.r", format!("\"{text}\" is not a frame rate"))
            .with_hint("write it like \"25\" or \"30000/1001\"")
    })
}

fn max_rate(params: &VideoParams) -> Result<Option<Rational>, OptionIssue> {
    let Some(value) = params.max_fr else {
        return Ok(None);
    };
    let rate = Rational::approximate(value, 1_001_000).filter(|rate| rate.num > 0 && rate.den > 0);
    rate.map(Some).ok_or_else(|| {
        OptionIssue::invalid(
            "video_params.max_fr",
            format!("{value} is not a frame rate"),
        )
    })
}

/// BMF's names and the command line's old numbers.
const MODES: [(&str, Option<FrameRateMode>); 9] = [
    ("auto", None),
    ("-1", None),
    ("cfr", Some(FrameRateMode::Constant)),
    ("1", Some(FrameRateMode::Constant)),
    ("vfr", Some(FrameRateMode::Variable)),
    ("2", Some(FrameRateMode::Variable)),
    ("passthrough", Some(FrameRateMode::Passthrough)),
    ("0", Some(FrameRateMode::Passthrough)),
    ("drop", Some(FrameRateMode::DropTimestamps)),
];

/// The mode that is asked for; `None` if the container decides.
fn mode(params: &VideoParams) -> Result<Option<FrameRateMode>, OptionIssue> {
    let wanted = match &params.vsync {
        None => None,
        Some(name) => {
            let known = MODES.iter().find(|(known, _)| known == name);
            known.map(|&(_, mode)| mode).ok_or_else(|| {
                let issue = OptionIssue::invalid(
                    "video_params.vsync",
                    format!("there is no vsync \"{name}\""),
                );
                let issue = issue.with_hint("it is auto, cfr, vfr, passthrough or drop");
                did_you_mean(issue, name, MODES.iter().map(|&(name, _)| name))
            })?
        }
    };
    let only_limited = params.max_fr.is_some() && params.r.is_none();
    Ok(wanted.or(only_limited.then_some(FrameRateMode::Variable)))
}

/// What the container decides; `alone` is whether nothing else has to start with the pictures.
fn automatic_mode(target: &Target, alone: bool) -> FrameRateMode {
    let muxer = &target.muxer;
    FrameRateMode::automatic(
        &muxer.name,
        muxer.allows_variable_frame_rate,
        muxer.has_no_timestamps,
        alone,
        false,
    )
}

fn in_time_base(params: &VideoParams) -> Result<Option<TimeBase>, OptionIssue> {
    let Some(text) = &params.in_time_base else {
        return Ok(None);
    };
    let time_base = text
        .parse::<Rational>()
        .ok()
        .and_then(|unit| TimeBase::new(unit.num, unit.den));
    time_base.map(Some).ok_or_else(|| {
        OptionIssue::invalid(
            "video_params.in_time_base",
            format!("\"{text}\" is not a time base"),
        )
        .with_hint("write it like \"1,25\"")
    })
}

fn sample_rates(params: &AudioParams, encoder: &EncoderInfo) -> Result<Vec<u32>, OptionIssue> {
    let taken = &encoder.sample_rates;
    match params.sample_rate {
        None => Ok(taken.clone()),
        Some(rate) if rate > 0 && (taken.is_empty() || taken.contains(&rate)) => Ok(vec![rate]),
        Some(rate) => {
            let message = format!("{} does not take {rate} samples per second", encoder.name);
            let issue = OptionIssue::invalid("audio_params.sample_rate", message);
            Err(with_hint(
                issue,
                (!taken.is_empty())
                    .then(|| format!("it takes {}", join(taken)))
                    .as_deref(),
            ))
        }
    }
}

fn layouts(params: &AudioParams, encoder: &EncoderInfo) -> Result<Vec<Layout>, OptionIssue> {
    let taken = &encoder.layouts;
    match params.channels {
        None => Ok(taken.clone()),
        Some(count)
            if count > 0
                && (taken.is_empty() || taken.iter().any(|layout| layout.channels() == count)) =>
        {
            Ok(vec![Layout::default_for(count)])
        }
        Some(count) => {
            let message = format!("{} does not take {count} channels", encoder.name);
            let issue = OptionIssue::invalid("audio_params.channels", message);
            Err(with_hint(
                issue,
                (!taken.is_empty())
                    .then(|| format!("it takes {}", join(taken)))
                    .as_deref(),
            ))
        }
    }
}

fn quality(path: &str, quality: Option<f64>) -> Result<Option<f64>, OptionIssue> {
    match quality {
        Some(value) if !value.is_finite() => Err(OptionIssue::invalid(
            path,
            format!("{value} is not a quantiser scale"),
        )),
        quality => Ok(quality),
    }
}

pub(super) fn tag(path: &str, tag: Option<&str>) -> Result<Option<[u8; 4]>, OptionIssue> {
    let Some(text) = tag else {
        return Ok(None);
    };
    text.as_bytes().try_into().map(Some).map_err(|_| {
        OptionIssue::invalid(path, format!("\"{text}\" is not a code of four letters"))
            .with_hint("like \"hvc1\"")
    })
}

/// Options for FFmpeg. The bit rate is one of them, with FFmpeg's way of writing it.
fn dictionary(
    path: &str,
    values: &BTreeMap<String, Value>,
    bit_rate: Option<&str>,
) -> Result<Dict, OptionIssue> {
    let mut dictionary = pairs(path, values)?;
    if let Some(bit_rate) = bit_rate.filter(|&text| text != "0") {
        dictionary.set("b", bit_rate);
    }
    Ok(dictionary)
}

/// Keys and values as text.
pub(super) fn pairs(path: &str, values: &BTreeMap<String, Value>) -> Result<Dict, OptionIssue> {
    let pair = |(key, value): (&String, &Value)| match values::text(value) {
        Some(text) => Ok((key.clone(), text)),
        None => {
            let message = format!("{value} is neither a string nor a number");
            Err(OptionIssue::invalid(format!("{path}.{key}"), message))
        }
    };
    values.iter().map(pair).collect()
}

/// Our own keys, for suggestions.
pub(super) const OWN_VIDEO: [&str; 18] = [
    "codec",
    "width",
    "height",
    "pix_fmt",
    "r",
    "max_fr",
    "vsync",
    "qscale",
    "vtag",
    "bit_rate",
    "in_time_base",
    "psnr",
    "pass",
    "passlogfile",
    "force_key_frames",
    "hw_device",
    "metadata",
    "disposition",
];
pub(super) const OWN_AUDIO: [&str; 8] = [
    "codec",
    "channels",
    "sample_rate",
    "bit_rate",
    "qscale",
    "atag",
    "metadata",
    "disposition",
];

/// Keys that the encoder does not know.
fn unknown(
    path: &str,
    values: &BTreeMap<String, Value>,
    encoder: &EncoderInfo,
    own: &[&str],
) -> Vec<OptionIssue> {
    let owner = format!("encoder {}", encoder.name);
    unread(
        path,
        values,
        &owner,
        &names::encoder_options(&encoder.name),
        own,
    )
}

/// A warning for each key that is not among the `known` ones; suggestions may also come from the
/// module's `own`.
pub(super) fn unread(
    path: &str,
    values: &BTreeMap<String, Value>,
    owner: &str,
    known: &BTreeSet<String>,
    own: &[&str],
) -> Vec<OptionIssue> {
    let unread = values.keys().filter(|key| !known.contains(*key));
    let issue = |key: &String| {
        let mut issue = OptionIssue::unknown(format!("{path}.{key}"), []);
        issue.message = format!("{owner} has no option \"{key}\"");
        let candidates = own.iter().copied().chain(known.iter().map(String::as_str));
        match bmf_ffmpeg::nearest(key, candidates) {
            Some(name) => issue.with_hint(format!("did you mean \"{name}\"?")),
            None => issue,
        }
    };
    unread.map(issue).collect()
}

fn join<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
