//! `test_source`: pictures and sound out of nothing, the same ones every time.

use bmf_sdk::hmp::{
    AudioFormat, AudioFrame, BufferPool, ChannelLayout, ColorDescription, ColorRange, PixelFormat,
    Rational, SampleFormat, TimeBase, VideoFrame,
};
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Samples per audio frame, as AAC has them.
const FRAME_SAMPLES: i64 = 1024;

/// Makes test pictures (a moving gradient with a moving square, yuv420p) and a sine tone (planar
/// float), in step with each other. What it makes depends on the options alone, so two runs give
/// equal frames.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Width of the pictures; even.
    width: u32,
    /// Height of the pictures; even.
    height: u32,
    /// Pictures per second: 25, `30000/1001`.
    #[schemars(with = "String")]
    fps: Rational,
    /// Length in seconds; 0 goes on for ever.
    duration: f64,
    /// Samples per second of the tone.
    sample_rate: u32,
    /// Channels of the tone: 1 or 2.
    channels: u32,
    /// Pitch of the tone in Hz.
    frequency: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: Rational::new(25, 1),
            duration: 10.0,
            sample_rate: 48_000,
            channels: 2,
            frequency: 440.0,
        }
    }
}

pub(crate) struct TestSource {
    options: Options,
    pool: BufferPool,
    picture_time: TimeBase,
    sample_time: TimeBase,
    picture: i64,
    sample: i64,
}

impl Module for TestSource {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if self.options.duration > 0.0 {
            context.set_duration((self.options.duration * 1e6) as i64);
        }
        Ok(())
    }

    /// One picture and the sound up to its end.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let end = self.options.duration;
        let now = Timestamp::from_ticks(self.picture, self.picture_time)
            .ok_or_else(|| ModuleError::new("the time no longer fits a timestamp"))?;
        if end > 0.0 && now.as_secs_f64() >= end {
            return Ok(Flow::Done);
        }
        if task.outputs().first().is_some_and(TaskOutput::is_open) {
            let frame = self.draw()?;
            task.push(0, Packet::new(now, frame));
        }
        self.picture += 1;
        let next = self.picture as f64 * self.picture_time.as_f64();
        let until = if end > 0.0 { next.min(end) } else { next };
        let last_sample = (until * f64::from(self.options.sample_rate)) as i64;
        while self.sample < last_sample {
            self.push_sound(task, last_sample, until >= end && end > 0.0)?;
        }
        Ok(Flow::More)
    }

    /// Goes on with the first picture and the first sample at or after `seek`.
    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        if let Some(time) = seek {
            self.picture = first_tick(time, self.picture_time)?;
            self.sample = first_tick(time, self.sample_time)?;
        }
        Ok(())
    }
}

/// The first tick whose timestamp is `time` or later.
fn first_tick(time: Timestamp, unit: TimeBase) -> Result<i64, ModuleError> {
    let nearest = time.max(Timestamp::ZERO).to_ticks(unit);
    let nearest = nearest.ok_or_else(|| ModuleError::new("cannot go that far"))?;
    let is_early = Timestamp::from_ticks(nearest, unit).is_some_and(|at| at < time);
    Ok(nearest.saturating_add(i64::from(is_early)))
}

impl TestSource {
    fn draw(&self) -> Result<VideoFrame, ModuleError> {
        let (width, height) = (self.options.width, self.options.height);
        let mut frame = VideoFrame::alloc(PixelFormat::Yuv420p, width, height, &self.pool)?;
        frame.pts = Some(self.picture);
        frame.duration = 1;
        frame.time_base = self.picture_time;
        frame.frame_rate = Some(self.options.fps);
        frame.sample_aspect_ratio = Rational::new(1, 1);
        frame.color = ColorDescription {
            range: ColorRange::Limited,
            ..ColorDescription::default()
        };
        let t = self.picture as usize;
        for plane in 0..3 {
            let (w, h) = match plane {
                0 => (width as usize, height as usize),
                _ => (width as usize / 2, height as usize / 2),
            };
            let Some((data, stride)) = frame.plane_mut(plane) else {
                return Err(ModuleError::new("a new frame is not writable"));
            };
            draw_plane(data, stride.unsigned_abs(), w, h, plane, t);
        }
        Ok(frame)
    }

    fn push_sound(
        &mut self,
        task: &mut Task,
        until: i64,
        is_last: bool,
    ) -> Result<(), ModuleError> {
        // Whole frames, but for the very last one.
        let count = match FRAME_SAMPLES.min(until - self.sample) {
            FRAME_SAMPLES => FRAME_SAMPLES,
            rest if is_last => rest,
            _ => FRAME_SAMPLES,
        };
        let start = self.sample;
        self.sample += count;
        if task.outputs().get(1).is_none_or(|output| !output.is_open()) {
            return Ok(());
        }
        let frame = self.tone(start, count)?;
        let time = Timestamp::from_ticks(start, self.sample_time)
            .ok_or_else(|| ModuleError::new("the time no longer fits a timestamp"))?;
        task.push(1, Packet::new(time, frame));
        Ok(())
    }

    fn tone(&self, start: i64, count: i64) -> Result<AudioFrame, ModuleError> {
        let format = AudioFormat {
            sample: SampleFormat::F32,
            planar: true,
            layout: match self.options.channels {
                1 => ChannelLayout::MONO,
                _ => ChannelLayout::STEREO,
            },
            sample_rate: self.options.sample_rate,
        };
        let mut frame = AudioFrame::alloc(format, count as usize, &self.pool)?;
        frame.pts = Some(start);
        frame.duration = count;
        frame.time_base = self.sample_time;
        let step = self.options.frequency * std::f64::consts::TAU / f64::from(format.sample_rate);
        for channel in 0..self.options.channels as usize {
            let Some(data) = frame.plane_mut(channel) else {
                return Err(ModuleError::new("a new frame is not writable"));
            };
            for (index, sample) in data.chunks_exact_mut(4).enumerate() {
                let phase = (start + index as i64) as f64 * step;
                sample.copy_from_slice(&((phase.sin() * 0.25) as f32).to_ne_bytes());
            }
        }
        Ok(frame)
    }
}

/// A gradient that moves by a level each picture, and in its luma a square that crosses it.
fn draw_plane(data: &mut [u8], stride: usize, w: usize, h: usize, plane: usize, t: usize) {
    let side = h / 6;
    let span_x = w.saturating_sub(side).max(1);
    let square = ((t * 4) % span_x, (h - side) / 2);
    // The horizontal part is the same in every row.
    let ramp: Vec<usize> = match plane {
        0 => (0..w).map(|x| x * 200 / w + t).collect(),
        1 => (0..w).map(|x| 64 + x * 128 / w + t / 2).collect(),
        _ => vec![64 + t / 3; w],
    };
    for y in 0..h {
        let Some(row) = data.get_mut(y * stride..y * stride + w) else {
            return;
        };
        let level = match plane {
            0 => y * 20 / h,
            1 => 0,
            _ => y * 128 / h,
        };
        for (value, &across) in row.iter_mut().zip(&ramp) {
            *value = 16 + ((across + level) % 220) as u8;
        }
        let in_square = plane == 0 && y >= square.1 && y < square.1 + side;
        if let (true, Some(part)) = (in_square, row.get_mut(square.0..square.0 + side)) {
            part.fill(235);
        }
    }
}

impl ModuleType for TestSource {
    type Options = Options;

    fn describe() -> Description {
        Description::new("test_source", env!("CARGO_PKG_VERSION"))
            .summary("Makes test pictures and a tone")
            .outputs([
                PortSpec::new("video", PortKind::Video, "yuv420p pictures").optional(),
                PortSpec::new("audio", PortKind::Audio, "planar float sound").optional(),
            ])
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        let mut issues = Vec::new();
        if options.fps.num <= 0 || options.fps.den <= 0 {
            let message = format!("{} is not a frame rate", options.fps);
            issues.push(OptionIssue::invalid("fps", message));
        }
        for (key, value) in [("width", options.width), ("height", options.height)] {
            if value == 0 || value % 2 != 0 || value > 16_384 {
                let message = format!("{value} is not an even number from 2 to 16384");
                issues.push(OptionIssue::invalid(key, message));
            }
        }
        if !(1..=2).contains(&options.channels) {
            issues.push(OptionIssue::invalid("channels", "only 1 or 2 are possible"));
        }
        if !(1_000..=768_000).contains(&options.sample_rate) {
            issues.push(OptionIssue::invalid(
                "sample_rate",
                "must be from 1000 to 768000",
            ));
        }
        if !options.duration.is_finite() || options.duration < 0.0 {
            issues.push(OptionIssue::invalid(
                "duration",
                "must be 0 or more seconds",
            ));
        }
        issues
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        let rate = options.fps;
        let rate_of_samples = i32::try_from(options.sample_rate).unwrap_or(i32::MAX);
        let time_base = |num, den| {
            TimeBase::new(num, den).ok_or_else(|| ModuleError::new("a rate of 0 has no time base"))
        };
        Ok(Self {
            picture_time: time_base(rate.den, rate.num)?,
            sample_time: time_base(1, rate_of_samples)?,
            options,
            pool: BufferPool::default(),
            picture: 0,
            sample: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use bmf_sdk::ModuleRunner;
    use serde_json::{Value, json};

    use super::*;

    fn run(options: Value) -> String {
        let mut runner = match ModuleRunner::of::<TestSource>(options) {
            Ok(runner) => runner,
            Err(error) => return error.to_string(),
        };
        assert_eq!(runner.run().unwrap(), Flow::Done);
        let pictures = runner.take(0);
        let sound = runner.take(1);
        let samples: usize = sound
            .iter()
            .map(|packet| packet.get::<AudioFrame>().unwrap().samples())
            .sum();
        let last = pictures.last().unwrap().timestamp();
        format!("{} pictures to {last}, {samples} samples", pictures.len())
    }

    #[test]
    fn sound_is_as_long_as_the_pictures() {
        insta::assert_snapshot!(
            run(json!({"width": 64, "height": 36, "duration": 1, "fps": "30000/1001"})),
            @"30 pictures to 0.967633s, 48000 samples"
        );
    }

    fn after_seek(options: Value, micros: i64) -> String {
        let mut runner = ModuleRunner::of::<TestSource>(options).unwrap();
        let _ = runner.step().unwrap();
        drop((runner.take(0), runner.take(1)));
        runner.flush(Some(Timestamp::from_micros(micros))).unwrap();
        let _ = runner.run().unwrap();
        let first = |packets: Vec<Packet>| packets.first().map(Packet::timestamp);
        let sound = runner.take(1);
        let samples = sound.iter().filter_map(|packet| packet.get::<AudioFrame>());
        let samples: usize = samples.map(AudioFrame::samples).sum();
        format!("{:?} {:?} {samples}", first(runner.take(0)), first(sound))
    }

    #[test]
    fn it_goes_on_from_anywhere() {
        let options = json!({"width": 16, "height": 16, "duration": 2, "fps": "30000/1001"});
        insta::assert_snapshot!(after_seek(options.clone(), 1_000_000), @"Some(Timestamp(1001000)) Some(Timestamp(1000000)) 48000");
        insta::assert_snapshot!(after_seek(options.clone(), 33_367), @"Some(Timestamp(33367)) Some(Timestamp(33375)) 94398");
        insta::assert_snapshot!(after_seek(options.clone(), 33_368), @"Some(Timestamp(66733)) Some(Timestamp(33375)) 94398");
        insta::assert_snapshot!(after_seek(options.clone(), -5), @"Some(Timestamp(0)) Some(Timestamp(0)) 96000");
        insta::assert_snapshot!(after_seek(options.clone(), 1_999_999), @"None None 0");
        insta::assert_snapshot!(after_seek(options, i64::MAX / 2), @"None None 0");
    }

    #[test]
    fn wrong_options_are_refused() {
        insta::assert_snapshot!(run(json!({"fps": "fast"})), @"'fast' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97");
        insta::assert_snapshot!(run(json!({"width": 7})), @"7 is not an even number from 2 to 16384");
        insta::assert_snapshot!(run(json!({"durration": 7})), @r#"unknown option "durration""#);
    }
}
