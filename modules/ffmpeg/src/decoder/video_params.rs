//! `video_params`: where pictures are decoded, and which of them are wanted.

use bmf_ffmpeg::{HwDevice, PixFmt};
use bmf_sdk::hmp::Rational;
use bmf_sdk::nearest;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::values;

/// Where pictures are decoded, and which of them are wanted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct VideoParams {
    /// Kind of device to decode on, as FFmpeg calls it: cuda, vaapi, qsv, vdpau, drm, videotoolbox,
    /// d3d11va, mediacodec, …. Pictures come back to main memory after decoding. Without it the CPU
    /// decodes.
    pub(super) hwaccel: Option<String>,
    /// Which device of that kind: a number for cuda, a path such as `/dev/dri/renderD128` for vaapi.
    /// FFmpeg's first choice without it.
    #[serde(deserialize_with = "values::optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) hwaccel_device: Option<String>,
    /// Pixel format in which the device gives its pictures, for instance nv12; its own choice without
    /// it.
    pub(super) hwaccel_output_format: Option<String>,
    /// Uses the device only for streams that reorder less than two pictures, as BMF does.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(super) hwaccel_check: bool,
    /// Whether the CPU decodes, with a warning, what the device cannot, or where there is none. That is
    /// an error otherwise.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(super) hwaccel_fallback: bool,
    /// Sends only so many pictures per second.
    pub(super) extract_frames: ExtractFrames,
}

/// Sends only so many pictures per second.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ExtractFrames {
    /// Pictures per second at most; 0 sends all. They get times on a grid of so many places per second:
    /// each place takes the first picture that ends less than 0.6 of a step before it, and stays empty
    /// if there is none. That is what BMF does, and the `ffmpeg` command with `-fps_mode vfr` and an
    /// `-enc_time_base` of 1/fps. Pictures that are left out are decoded but neither copied nor
    /// converted.
    pub(super) fps: f64,
    /// Where the pictures are wanted: "CPU", which is also the default.
    #[serde(deserialize_with = "values::optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) device: Option<String>,
}

impl VideoParams {
    /// The kind of device that was asked for.
    pub(super) fn device_kind(&self) -> Option<&str> {
        let kind = self.hwaccel.as_deref()?;
        (!kind.is_empty() && kind != "none").then_some(kind)
    }

    /// The pictures per second that are wanted; `None` for all.
    pub(super) fn rate(&self) -> Option<Rational> {
        let fps = Some(self.extract_frames.fps).filter(|&fps| fps > 0.0)?;
        Rational::approximate(fps, 1_001_000)
    }

    /// What types cannot say.
    pub(super) fn check(&self, issues: &mut Vec<OptionIssue>) {
        self.check_device(issues);
        self.check_format(issues);
        let fps = self.extract_frames.fps;
        if fps != 0.0 && !(0.001..=1e6).contains(&fps) {
            let path = "video_params.extract_frames.fps";
            let message = "must be from 0.001 to 1000000, or 0 for all pictures";
            issues.push(OptionIssue::invalid(path, message));
        }
        let device = self.extract_frames.device.as_deref().unwrap_or_default();
        // BMF's documentation has a 0 here, which means nothing.
        if !["", "0", "cpu"].contains(&device.to_ascii_lowercase().as_str()) {
            issues.push(not_in_memory(
                "video_params.extract_frames.device",
                device,
                "\"CPU\"",
            ));
        }
    }

    fn check_device(&self, issues: &mut Vec<OptionIssue>) {
        let Some(kind) = self.device_kind() else {
            let set = [
                ("hwaccel_device", self.hwaccel_device.is_some()),
                (
                    "hwaccel_output_format",
                    self.hwaccel_output_format.is_some(),
                ),
                ("hwaccel_check", self.hwaccel_check),
            ];
            for (key, _) in set.into_iter().filter(|&(_, is_set)| is_set) {
                let path = format!("video_params.{key}");
                let issue = OptionIssue::invalid(path, "no device is used, so this does nothing");
                issues.push(issue.with_hint("set video_params.hwaccel too"));
            }
            return;
        };
        let kinds = HwDevice::kinds();
        if !kinds.iter().any(|known| known == kind) {
            let message = format!("ffmpeg has no kind of device \"{kind}\"");
            let hint = match nearest(kind, kinds.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it has {}", kinds.join(", ")),
            };
            issues.push(OptionIssue::invalid("video_params.hwaccel", message).with_hint(hint));
        }
    }

    fn check_format(&self, issues: &mut Vec<OptionIssue>) {
        const PATH: &str = "video_params.hwaccel_output_format";
        let Some(name) = self.hwaccel_output_format.as_deref() else {
            return;
        };
        match PixFmt::from_name(name) {
            Ok(format) if format.is_hardware() => {
                issues.push(not_in_memory(PATH, name, "nv12, or leave it out"));
            }
            Ok(_) => {}
            Err(error) => {
                let issue = OptionIssue::invalid(PATH, error.message());
                issues.push(match error.hint() {
                    Some(hint) => issue.with_hint(hint),
                    None => issue,
                });
            }
        }
    }
}

fn not_in_memory(path: &str, place: &str, instead: &str) -> OptionIssue {
    let message = format!("pictures in the memory of a device (\"{place}\") cannot be sent");
    OptionIssue::invalid(path, message).with_hint(format!(
        "they are copied to main memory after decoding; use {instead}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(params: Value) -> String {
        let params: VideoParams = match serde_json::from_value(params) {
            Ok(params) => params,
            Err(error) => return error.to_string(),
        };
        let mut issues = Vec::new();
        params.check(&mut issues);
        let lines = issues.into_iter().map(|issue| {
            let hint = issue.hint.as_deref().unwrap_or("-");
            format!("{} | {} | {hint}\n", issue.path, issue.message)
        });
        lines.collect()
    }

    #[test]
    fn devices_are_known_and_pictures_stay_in_main_memory() {
        insta::assert_snapshot!(check(json!({"hwaccel": "cuda", "hwaccel_device": 1, "hwaccel_output_format": "nv12", "hwaccel_check": 1})), @"");
        insta::assert_snapshot!(check(json!({"hwaccel": "cudda"})), @r#"video_params.hwaccel | ffmpeg has no kind of device "cudda" | did you mean "cuda"?"#);
        insta::assert_snapshot!(check(json!({"hwaccel": "cuda", "hwaccel_output_format": "cuda"})), @r#"video_params.hwaccel_output_format | pictures in the memory of a device ("cuda") cannot be sent | they are copied to main memory after decoding; use nv12, or leave it out"#);
        insta::assert_snapshot!(check(json!({"hwaccel": "cuda", "hwaccel_output_format": "nv122"})), @"video_params.hwaccel_output_format | no such pixel format | did you mean 'nv12'?");
        insta::assert_snapshot!(check(json!({"hwaccel_device": 0})), @"video_params.hwaccel_device | no device is used, so this does nothing | set video_params.hwaccel too");
    }

    #[test]
    fn extraction_is_a_rate_in_main_memory() {
        insta::assert_snapshot!(check(json!({"extract_frames": {"fps": 0.5, "device": "CPU"}})), @"");
        insta::assert_snapshot!(check(json!({"extract_frames": {"fps": -1, "device": "CUDA"}})), @r#"
        video_params.extract_frames.fps | must be from 0.001 to 1000000, or 0 for all pictures | -
        video_params.extract_frames.device | pictures in the memory of a device ("CUDA") cannot be sent | they are copied to main memory after decoding; use "CPU"
        "#);
        let params: VideoParams =
            serde_json::from_value(json!({"extract_frames": {"fps": 29.97}})).unwrap();
        assert_eq!(params.rate(), Some(Rational::new(2997, 100)));
    }
}
