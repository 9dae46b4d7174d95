//! An open encoder module: frames to tracks, the beginning and the end.

use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;

use super::audio::{self, AudioTrack};
use super::choice::{self, Target};
use super::options::Options;
use super::output::{AUDIO, Output, VIDEO};
use super::place;
use super::settings::{PictureSettings, SoundSettings, pairs};
use super::span::Span;
use super::video::{self, VideoTrack};
use crate::media::{Media, noun};

/// Names of the inputs, by index.
const PORTS: [&str; 2] = ["video", "audio"];

/// What the tracks and the output are doing.
pub(super) struct Work {
    path: String,
    output: Output,
    video: Option<VideoTrack>,
    audio: Option<AudioTrack>,
    /// Which inputs gave frames although the container takes none of their kind.
    left_out: [bool; 2],
    /// Which tracks have ended, by port.
    ended: [bool; 2],
    /// The time, in microseconds, at which the output begins; known from the first frames.
    origin: Option<i64>,
    warnings: Vec<String>,
}

impl Work {
    /// Checks that the output can be made. Creates nothing.
    pub(super) fn open(options: &Options, context: &ModuleContext) -> Result<Self, ModuleError> {
        let target = Target::of(options)?;
        let connected = |port: usize| context.connected_inputs().get(port).is_some_and(|&is| is);
        let expected = [connected(VIDEO), connected(AUDIO)];
        if expected == [false; 2] {
            let error = ModuleError::new(format!(
                "nothing is connected that \"{}\" could hold",
                target.url
            ));
            return Err(error.with_hint("connect a video stream, an audio stream or both"));
        }
        place::check(&target)?;
        let video = match expected[VIDEO] {
            true => video_track(options, &target)?,
            false => None,
        };
        let audio = match expected[AUDIO] {
            true => audio_track(options, &target)?,
            false => None,
        };
        let expected = [video.is_some(), audio.is_some()];
        if expected == [false; 2] {
            let kind = match connected(VIDEO) {
                true => MediaKind::Video,
                false => MediaKind::Audio,
            };
            return Err(takes_none(&target, kind));
        }
        let mux_params = pairs("mux_params", &options.mux_params)?;
        let metadata = pairs("metadata", &options.metadata)?;
        let output = Output::new(target, mux_params, metadata, expected);
        output.listen_to(context);
        Ok(Self {
            path: options.output_path.clone().unwrap_or_default(),
            output,
            video,
            audio,
            left_out: [false; 2],
            ended: expected.map(|expected| !expected),
            origin: (!options.adjust_pts).then_some(0),
            warnings: Vec::new(),
        })
    }

    pub(super) fn step(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let Some(origin) = self.origin.or_else(|| self.find_origin(task)) else {
            return Ok(Flow::Wait);
        };
        self.origin = Some(origin);
        for port in [VIDEO, AUDIO] {
            while let Some(packet) = task.pop(port) {
                let time = packet.timestamp();
                let taken = self.take(port, packet, origin);
                taken.map_err(|error| error.on_port(PORTS[port]).at(time))?;
            }
            let is_over = task.inputs().get(port).is_none_or(|input| input.ended);
            if !self.ended[port] && (is_over || self.is_full(port)) {
                self.finish_track(port, origin)
                    .map_err(|error| error.on_port(PORTS[port]))?;
            }
        }
        if self.ended == [true; 2] {
            self.complete()?;
            return Ok(Flow::Done);
        }
        Ok(Flow::Wait)
    }

    /// The earliest first frame, once every connected input has one or has ended.
    fn find_origin(&self, task: &Task) -> Option<i64> {
        let mut earliest: Option<i64> = None;
        for (input, start_of) in task.inputs().iter().zip([video::start_of, audio::start_of]) {
            match input.packets.front() {
                Some(packet) => {
                    let start = start_of(packet).unwrap_or(packet.timestamp()).micros();
                    earliest = Some(earliest.map_or(start, |earliest| earliest.min(start)));
                }
                None if input.ended => {}
                None => return None,
            }
        }
        Some(earliest.unwrap_or(0))
    }

    fn take(&mut self, port: usize, packet: Packet, origin: i64) -> Result<(), ModuleError> {
        let is_taken = match port {
            VIDEO => self.video.is_some(),
            _ => self.audio.is_some(),
        };
        self.left_out[port] |= !is_taken;
        if !is_taken || self.ended[port] || self.is_full(port) {
            return Ok(());
        }
        match (
            port,
            Media::from_packet(packet)?,
            &mut self.video,
            &mut self.audio,
        ) {
            (VIDEO, Media::Video(frame), Some(track), _) => {
                track.frame(frame, origin, &mut self.output)
            }
            (AUDIO, Media::Audio(frame), _, Some(track)) => {
                track.frame(frame, origin, &mut self.output)
            }
            (_, media, ..) => {
                let (given, right) = match media {
                    Media::Video(_) => (MediaKind::Video, PORTS[VIDEO]),
                    Media::Audio(_) => (MediaKind::Audio, PORTS[AUDIO]),
                };
                let message = format!("{} arrived on the {} input", noun(given), PORTS[port]);
                Err(ModuleError::new(message)
                    .with_hint(format!("connect it to the input \"{right}\"")))
            }
        }
    }

    fn is_full(&self, port: usize) -> bool {
        match port {
            VIDEO => self.video.as_ref().is_some_and(VideoTrack::is_full),
            _ => self.audio.as_ref().is_some_and(AudioTrack::is_full),
        }
    }

    fn finish_track(&mut self, port: usize, origin: i64) -> Result<(), ModuleError> {
        if std::mem::replace(&mut self.ended[port], true) {
            return Ok(());
        }
        match (port, &mut self.video, &mut self.audio) {
            (VIDEO, Some(track), _) => track.finish(&mut self.output),
            (AUDIO, _, Some(track)) => track.finish(origin, &mut self.output),
            _ => Ok(()),
        }
    }

    /// All tracks have ended: completes the file.
    fn complete(&mut self) -> Result<(), ModuleError> {
        if !self.output.finish()? {
            let error = ModuleError::new(format!(
                "no frame arrived, so \"{}\" was not written",
                self.path
            ));
            return Err(error
                .with_hint("see whether the source has such a stream and no filter drops it all"));
        }
        let begun = [
            self.video.as_ref().map(VideoTrack::has_begun),
            self.audio.as_ref().map(AudioTrack::has_begun),
        ];
        for (name, begun) in PORTS.iter().zip(begun) {
            // Mostly the input has no such stream, which is nothing to be warned of.
            if begun == Some(false) {
                log::info!("\"{}\" has no {name}: no frame arrived", self.path);
            }
        }
        for (port, kind) in [(VIDEO, MediaKind::Video), (AUDIO, MediaKind::Audio)] {
            if self.left_out[port] {
                let (path, noun) = (&self.path, noun(kind));
                self.warnings.push(format!(
                    "\"{path}\" has no {}: its format takes no {noun}",
                    PORTS[port]
                ));
            }
        }
        Ok(())
    }

    /// Completes what there is, so that it can be played.
    pub(super) fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        if self.output.done().is_some() {
            return Ok(());
        }
        if ending == Ending::Failed && !self.output.has_begun() {
            // Nothing of the file exists. What was there before is worth more than part of a stream.
            return Ok(());
        }
        let origin = self.origin.unwrap_or(0);
        let mut result = Ok(());
        for port in [VIDEO, AUDIO] {
            result = result.and(self.finish_track(port, origin));
        }
        let result = match ending {
            Ending::Finished => result.and(self.complete()),
            Ending::Stopped | Ending::Failed => result.and(self.output.finish().map(drop)),
        };
        // After a failure what follows from it would only hide it, and a connection that was cut
        // for the stop cannot be completed.
        let is_expected =
            ending == Ending::Failed || (ending == Ending::Stopped && self.output.is_remote());
        match result {
            Err(error) if is_expected => {
                log::info!("\"{}\" is not complete: {error}", self.path);
                Ok(())
            }
            result => result,
        }
    }

    pub(super) fn report(&self) -> Report {
        let [mut frames_in, frames_out, dropped, duplicated] = self
            .video
            .as_ref()
            .map(VideoTrack::counts)
            .unwrap_or_default();
        frames_in += self.audio.as_ref().map_or(0, AudioTrack::frames_in);
        let done = self.output.done();
        Report {
            counters: [
                ("frames_in", frames_in),
                ("frames_encoded", frames_out),
                ("frames_dropped", dropped),
                ("frames_duplicated", duplicated),
                (
                    "timestamps_corrected",
                    done.map_or(0, |done| done.corrected_timestamps),
                ),
            ]
            .into(),
            outputs: done.map(|done| self.file(done.bytes)).into_iter().collect(),
            warnings: self.warnings.clone(),
        }
    }

    fn file(&self, bytes: Option<u64>) -> OutputFile {
        let mut span = Span::default();
        let mut parts = Vec::new();
        if let Some(track) = &self.video {
            span.join(track.span());
            parts.extend(track.summary());
        }
        if let Some(track) = &self.audio {
            span.join(track.span());
            parts.extend(track.summary());
        }
        OutputFile {
            path: self.path.clone(),
            bytes,
            summary: parts.join(", "),
            duration: span.length(),
        }
    }
}

/// `None` if the container takes no pictures.
fn video_track(options: &Options, target: &Target) -> Result<Option<VideoTrack>, ModuleError> {
    let wanted = options.video_params.codec.as_deref();
    let encoder = choice::encoder(MediaKind::Video, wanted, target)?;
    Ok(encoder.map(|encoder| VideoTrack::new(PictureSettings::of(options, target, encoder).0)))
}

/// `None` if the container takes no sound.
fn audio_track(options: &Options, target: &Target) -> Result<Option<AudioTrack>, ModuleError> {
    let wanted = options.audio_params.codec.as_deref();
    let encoder = choice::encoder(MediaKind::Audio, wanted, target)?;
    Ok(encoder.map(|encoder| AudioTrack::new(SoundSettings::of(options, target, encoder).0)))
}

fn takes_none(target: &Target, kind: MediaKind) -> ModuleError {
    let (format, noun) = (&target.muxer.name, noun(kind));
    ModuleError::new(format!(
        "the format {format} of \"{}\" takes no {noun}",
        target.url
    ))
    .with_hint(format!("do not connect {noun}, or choose another format"))
}
