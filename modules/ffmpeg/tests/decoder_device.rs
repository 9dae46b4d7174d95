//! `c_ffmpeg_decoder` with `video_params.hwaccel`: where there is no such device, and, on a machine
//! that has one, where there is.

mod common;

use std::path::Path;

use bmf_ffmpeg::HwDevice;
use bmf_sdk::hmp::VideoFrame;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, clip, decode, lines};

fn open(dir: &Path, params: Value) -> Result<Decoded, ModuleError> {
    decode(json!({"input_path": dir.join("a.mp4"), "video_params": params}))
}

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -pix_fmt yuv420p -c:a aac";

#[test]
fn a_missing_device_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let params = json!({"hwaccel": "vaapi", "hwaccel_device": "/dev/dri/none"});
    let error = open(dir.path(), params).unwrap_err();
    let text = error
        .to_string()
        .replace(dir.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(text, @"stream 0 (h264) of 'DIR/a.mp4' cannot be decoded on vaapi: cannot open vaapi device '/dev/dri/none': invalid argument (No VA display found for device /dev/dri/none)");
    insta::assert_snapshot!(error.hint().unwrap(), @"set video_params.hwaccel_fallback to let the CPU do it where the device cannot");
}

#[test]
fn without_a_device_the_cpu_decodes_if_it_may() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let params = json!({
        "hwaccel": "vaapi", "hwaccel_device": "/dev/dri/none", "hwaccel_fallback": true,
    });
    let decoded = open(dir.path(), params).unwrap();
    let plain = open(dir.path(), json!({})).unwrap();
    assert_eq!(lines(&decoded.video), lines(&plain.video));
    let text = decoded.report.warnings.join("\n");
    let text = text.replace(dir.path().to_str().unwrap(), "DIR");
    assert!(
        text.starts_with("stream 0 (h264) of 'DIR/a.mp4' is decoded on the CPU: cannot open vaapi device '/dev/dri/none':"),
        "{text}"
    );
    // Only for streams that hardly reorder, so there is nothing to open.
    let params = json!({"hwaccel": "vaapi", "hwaccel_device": "/dev/dri/none", "hwaccel_check": 1});
    let unused = open(dir.path(), params).unwrap();
    assert_eq!(unused.report.warnings, [""; 0]);
}

#[test]
fn a_device_gives_the_same_pictures() {
    let device = match HwDevice::open("cuda", None) {
        Ok(device) => device,
        Err(error) => return eprintln!("skipped: {error}"),
    };
    assert_eq!(device.kind(), "cuda");
    let dir = tempfile::tempdir().unwrap();
    // Devices refuse pictures that are too small.
    clip(dir.path(), 1, &format!("-vf scale=640:480 {H264} a.mp4"));
    let on_device = open(
        dir.path(),
        json!({"hwaccel": "cuda", "hwaccel_output_format": "nv12"}),
    )
    .unwrap();
    let on_cpu = open(dir.path(), json!({})).unwrap();
    assert_eq!(on_device.video.len(), on_cpu.video.len());
    for (ours, theirs) in on_device.video.iter().zip(&on_cpu.video) {
        assert_eq!(ours.timestamp(), theirs.timestamp());
        let (ours, theirs) = (
            ours.get::<VideoFrame>().unwrap(),
            theirs.get::<VideoFrame>().unwrap(),
        );
        assert_eq!(ours.format().name(), "nv12");
        // Decoding H.264 is exact: brightness is the same to the bit.
        assert!((0..480).all(|row| ours.row(0, row) == theirs.row(0, row)));
    }
}
