//! `my_module`: makes pictures brighter or darker. It knows formats with 8 bits of brightness in a plane of their own.

use bmf_sdk::hmp::{PixelFormat, VideoFrame};
use bmf_sdk::prelude::*;

export_module!(MyModule);

// `bmf inspect my_module` prints this doc comment and those of the options. `bmf inspect` alone lists each module with its
// summary, which is in `describe` below.
/// Makes pictures brighter or darker, in place.
#[options]
#[serde(default)]
struct Options {
    /// What is added to each pixel's brightness: -255 to 255.
    level: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: 40 }
    }
}

struct MyModule {
    level: i32,
}

impl ModuleType for MyModule {
    type Options = Options;

    fn describe() -> Description {
        Description::new("my_module", env!("CARGO_PKG_VERSION"))
            .summary("Makes pictures brighter or darker")
            .inputs([PortSpec::new("in", PortKind::Video, "pictures")])
            .outputs([PortSpec::new("out", PortKind::Video, "the same pictures")])
    }

    /// Called before anything runs, so that a user learns of every mistake at once.
    fn validate(options: &Options) -> Vec<OptionIssue> {
        match options.level {
            -255..=255 => Vec::new(),
            level => vec![OptionIssue::invalid(
                "level",
                format!("{level} is not from -255 to 255"),
            )],
        }
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            level: options.level,
        })
    }
}

impl Module for MyModule {
    /// Called whenever there is something to do, with all packets that have come.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(packet) = task.pop(0) {
            let time = packet.timestamp();
            // Whoever holds a picture alone gets it as it is. If others hold it too, its planes are
            // copied where they are written to.
            let mut frame = packet
                .into_inner_or_clone::<VideoFrame>()
                .map_err(|other| ModuleError::new(format!("{} is no picture", other.tag())))?;
            brighten(&mut frame, self.level).map_err(|error| error.at(time))?;
            task.push(0, Packet::new(time, frame));
        }
        Ok(Flow::Wait)
    }
}

fn brighten(frame: &mut VideoFrame, level: i32) -> Result<(), ModuleError> {
    let format = frame.format();
    if !has_bytes_of_luma(format) {
        let hint = "put the filter `format yuv420p` before this node";
        return Err(ModuleError::new(format!("cannot work on {format}")).with_hint(hint));
    }
    let width = frame.width() as usize;
    let (data, stride) = frame
        .plane_mut(0)
        .ok_or_else(|| ModuleError::new("the pixels are not in main memory"))?;
    for row in data.chunks_mut(stride.unsigned_abs()) {
        for value in row.iter_mut().take(width) {
            *value = (i32::from(*value) + level).clamp(0, 255) as u8;
        }
    }
    Ok(())
}

/// Whether plane 0 has a byte for each pixel and nothing else: yuv420p, nv12, gray and others.
fn has_bytes_of_luma(format: PixelFormat) -> bool {
    let descriptor = format.descriptor();
    let luma = descriptor.components()[0];
    !descriptor.is_rgb()
        && !descriptor.has_palette()
        && (luma.plane, luma.step, luma.depth) == (0, 1, 8)
}

#[cfg(test)]
mod tests {
    use bmf_sdk::ModuleRunner;
    use bmf_sdk::serde_json::{Value, json};

    use super::*;

    /// What becomes of a row of pixels.
    fn check(options: Value, format: PixelFormat, pixels: [u8; 4]) -> Result<Vec<u8>, ModuleError> {
        let mut frame = VideoFrame::zeroed(format, 4, 1)?;
        if let Some((data, _)) = frame.plane_mut(0) {
            data[..4].copy_from_slice(&pixels);
        }
        let mut runner = ModuleRunner::of::<MyModule>(options)?;
        runner.push(0, Packet::new(Timestamp::ZERO, frame));
        runner.end(0);
        let _ = runner.run()?;
        let packets = runner.take(0);
        let frame = packets[0].get::<VideoFrame>().expect("pictures come out");
        Ok(frame.row(0, 0).expect("in main memory").to_vec())
    }

    #[test]
    fn brightness_is_added_within_limits() {
        let row = [0, 100, 200, 255];
        let brighter = check(json!({"level": 60}), PixelFormat::Gray, row);
        assert_eq!(brighter.unwrap(), [60, 160, 255, 255]);
        let darker = check(json!({"level": -60}), PixelFormat::Yuv420p, row);
        assert_eq!(darker.unwrap(), [0, 40, 140, 195]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = |options, format| check(options, format, [0; 4]).unwrap_err().to_string();
        let level = error(json!({"level": 300}), PixelFormat::Gray);
        assert!(level.contains("300 is not from -255 to 255"), "{level}");
        let format = error(json!({}), PixelFormat::Rgb24);
        assert!(format.contains("cannot work on rgb24"), "{format}");
    }
}
