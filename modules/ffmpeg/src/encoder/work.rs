//! One output of an encoder module: packets to tracks, the beginning and the end.

use std::collections::BTreeMap;

use bmf_sdk::hmp::{EncodedPacket, MediaKind};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::Value;

use super::audio::{self, AudioTrack};
use super::check;
use super::choice::{self, Target};
use super::container::{Container, Plan};
use super::copy::{self, CopyTrack};
use super::copy_settings;
use super::frame_log::FrameLog;
use super::jobs::JobEnds;
use super::options::Options;
use super::output::{AUDIO, Output, Push, STREAMS, SUBTITLE, VIDEO};
use super::passes::Passes;
use super::place;
use super::report;
use super::settings::{PictureSettings, SoundSettings, pairs};
use super::tags;
use super::track::Track;
use super::video::{self, VideoTrack};
use crate::local::Writing;
use crate::media::{Media, noun};

/// Names of the inputs, by index.
pub(super) const PORTS: [&str; STREAMS] = ["video", "audio", "subtitle"];
const KINDS: [MediaKind; STREAMS] = [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle];

/// Bytes of a packet of a file that leaves the node, as in BMF.
const PIECE: usize = 16_384;

/// What the tracks and the output are doing.
pub(super) struct Work {
    /// The name of the output, for messages and for who asks where it is.
    pub(super) path: String,
    options: Options,
    is_strict: bool,
    pub(super) target: Target,
    pub(super) output: Output,
    pub(super) tracks: [Track; STREAMS],
    /// Which inputs gave something although the container takes none of their kind.
    left_out: [bool; STREAMS],
    /// Which tracks have ended, by port.
    ended: [bool; STREAMS],
    /// Whether an end of a job is the end of this output.
    pub(super) is_job: bool,
    /// Which inputs have come to the end of the job: what follows is the next one's.
    over: [bool; STREAMS],
    is_complete: bool,
    /// The time, in microseconds, at which the output begins; known from the first frames.
    origin: Option<i64>,
    /// Keeps others from its files.
    reserved: Vec<Writing>,
    pub(super) warnings: Vec<String>,
}

/// What a step has led to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More input is needed.
    Waits,
    /// The output is complete; there may be another job.
    JobDone,
    /// The output is complete, and nothing can follow.
    Done,
}

impl Work {
    /// Checks that the output can be made. Creates nothing.
    pub(super) fn open(options: &Options, context: &ModuleContext) -> Result<Self, ModuleError> {
        let target = Target::of(options)?;
        let connected = |port: usize| context.connected_inputs().get(port).is_some_and(|&is| is);
        let connected = [VIDEO, AUDIO, SUBTITLE].map(connected);
        let push = push(options, &target);
        check_connected(connected, push, context, &target)?;
        if push == Push::File {
            place::check(&target, &options.mux_params)?;
        }
        let reserved = reserve(options, &target, push, connected)?;
        let mut tracks = [const { Track::None }; STREAMS];
        for port in (0..STREAMS).filter(|&port| connected[port]) {
            tracks[port] = track(port, options, &target)?;
        }
        let expected = [0, 1, 2].map(|port| !matches!(tracks[port], Track::None));
        if expected == [false; STREAMS] {
            let port = connected.iter().position(|&is| is).unwrap_or(VIDEO);
            return Err(takes_none(&target, KINDS[port]));
        }
        // With a limit, what leaves is over when that is reached, whatever comes.
        let is_endless = options.vframes.is_none() && options.aframes.is_none();
        let container = Container::new(plan(options, &target, push)?, expected);
        container.listen_to(context);
        Ok(Self {
            path: options.output_path.clone().unwrap_or_default(),
            options: options.clone(),
            is_strict: context.is_strict(),
            target,
            output: Output::new(push, container),
            tracks,
            left_out: [false; STREAMS],
            ended: expected.map(|expected| !expected),
            is_job: options.output_prefix.is_some() || (push != Push::File && is_endless),
            over: [false; STREAMS],
            is_complete: false,
            origin: (!options.adjust_pts).then_some(0),
            reserved,
            warnings: Vec::new(),
        })
    }

    /// `ends` are the ends of jobs that have come on each input and are not used up.
    pub(super) fn step(
        &mut self,
        task: &mut Task,
        ends: &mut [JobEnds; STREAMS],
    ) -> Result<Progress, ModuleError> {
        let result = self.advance(task, ends);
        for (port, packet) in self.output.take_ready() {
            task.push(port, packet);
        }
        result
    }

    fn advance(
        &mut self,
        task: &mut Task,
        ends: &mut [JobEnds; STREAMS],
    ) -> Result<Progress, ModuleError> {
        let Some(origin) = self.origin.or_else(|| self.find_origin(task, ends)) else {
            return Ok(Progress::Waits);
        };
        self.origin = Some(origin);
        // What one stream brings may be what another one waits for.
        while self.take_all(task, origin, ends)? {}
        if self.ended != [true; STREAMS] {
            return Ok(Progress::Waits);
        }
        if !std::mem::replace(&mut self.is_complete, true) && !self.is_empty_job() {
            self.complete()?;
        }
        if !self.is_job || task.inputs_ended() {
            return Ok(Progress::Done);
        }
        let mut inputs = task.inputs().iter().zip(self.over);
        let is_over = inputs.all(|(input, over)| over || input.ended);
        Ok(match is_over {
            true => Progress::JobDone,
            false => Progress::Waits,
        })
    }

    /// Takes what has come, unless it would only wait for another stream. Returns whether a stream
    /// has got further.
    fn take_all(
        &mut self,
        task: &mut Task,
        origin: i64,
        ends: &mut [JobEnds; STREAMS],
    ) -> Result<bool, ModuleError> {
        let mut is_further = false;
        for (port, name) in PORTS.into_iter().enumerate() {
            while !self.over[port]
                && !ends[port].is_here()
                && !self.output.is_enough(port)
                && let Some(packet) = task.pop(port)
            {
                is_further = true;
                ends[port].take_packet();
                let time = packet.timestamp();
                let taken = self.take(port, packet, origin);
                taken.map_err(|error| error.on_port(name).at(time))?;
            }
            let input = task.inputs().get(port);
            let is_empty = input.is_none_or(|input| input.packets.is_empty());
            if !self.over[port] && ends[port].is_here() {
                ends[port].pass();
                self.over[port] = true;
            }
            let has_ended = input.is_none_or(|input| input.ended);
            let is_over = self.over[port] || (has_ended && is_empty);
            if !self.ended[port] && (is_over || self.tracks[port].is_full()) {
                is_further = true;
                self.finish_track(port, origin)
                    .map_err(|error| error.on_port(name))?;
            }
        }
        Ok(is_further)
    }

    /// Whether a job has ended in which nothing came.
    fn is_empty_job(&self) -> bool {
        self.over.contains(&true) && !self.tracks.iter().any(Track::has_begun)
    }

    /// The earliest first frame, once every connected input has one or has ended. Subtitles may come
    /// much later, and begin no output.
    fn find_origin(&self, task: &Task, ends: &[JobEnds; STREAMS]) -> Option<i64> {
        let mut earliest: Option<i64> = None;
        for (input, ends) in task.inputs().iter().zip(ends).take(SUBTITLE) {
            match input.packets.front() {
                _ if self.is_job && ends.is_here() => {}
                Some(packet) => {
                    let start = video::start_of(packet)
                        .or_else(|| audio::start_of(packet))
                        .or_else(|| copy::start_of(packet));
                    let start = start.unwrap_or(packet.timestamp()).micros();
                    earliest = Some(earliest.map_or(start, |earliest| earliest.min(start)));
                }
                None if input.ended => {}
                None => return None,
            }
        }
        Some(earliest.unwrap_or(0))
    }

    fn take(&mut self, port: usize, packet: Packet, origin: i64) -> Result<(), ModuleError> {
        let track = &self.tracks[port];
        self.left_out[port] |= track.is_none();
        if track.is_none() || self.ended[port] || track.is_full() {
            return Ok(());
        }
        if let Some(encoded) = packet.get::<EncodedPacket>() {
            if !matches!(track, Track::Copy(_)) {
                self.tracks[port] = Track::Copy(self.copy(port)?);
                self.tell_of_copy(port)?;
            }
            if let Track::Copy(track) = &mut self.tracks[port] {
                track.packet(encoded, origin, &mut self.output)?;
            }
            return Ok(());
        }
        if packet.is::<String>() {
            let error = ModuleError::new("the name of a file arrived, not frames");
            let hint = "let the encoder before this one have \"push_output\" at 2, or connect this \
                        one to what that one is connected to";
            return Err(error.with_hint(hint));
        }
        match (Media::from_packet(packet)?, &mut self.tracks[port]) {
            (Media::Video(frame), Track::Video(track)) => {
                track.frame(frame, origin, &mut self.output)
            }
            (Media::Audio(frame), Track::Audio(track)) => {
                track.frame(frame, origin, &mut self.output)
            }
            (media, track) => Err(misplaced(&media, port, track)),
        }
    }

    /// Says which options do nothing because nothing is encoded.
    fn tell_of_copy(&mut self, port: usize) -> Result<(), ModuleError> {
        // The graph's own number of threads may stand among them.
        let issues = check::check_copied(&self.options, port).into_iter();
        for issue in issues.filter(|issue| !issue.path.ends_with(".threads")) {
            if self.is_strict {
                return Err(issue.into());
            }
            let (path, message) = (issue.path, issue.message);
            self.warnings.push(format!("{path}: {message}"));
        }
        Ok(())
    }

    /// A track for packets that come encoded, in place of one that would have encoded frames.
    fn copy(&self, port: usize) -> Result<CopyTrack, ModuleError> {
        let codec = match port {
            VIDEO => &self.options.video_params.codec,
            _ => &self.options.audio_params.codec,
        };
        if let Some(codec) = codec {
            let name = PORTS[port];
            let message =
                format!("packets that are encoded already cannot be encoded with {codec}");
            return Err(ModuleError::new(message).with_hint(format!(
                "let the decoder decode (no \"{name}_codec\": \"copy\"), or leave out \
                 \"{name}_params.codec\" here"
            )));
        }
        if self.tracks[port].has_begun() {
            return Err(ModuleError::new("encoded packets arrived after frames"));
        }
        if self.output.takes_frames() {
            let error = ModuleError::new("encoded packets cannot leave as frames");
            return Err(error.with_hint("let \"push_output\" be 2, or let a decoder decode"));
        }
        Ok(copy_track(port, &self.options, &self.target))
    }

    fn finish_track(&mut self, port: usize, origin: i64) -> Result<(), ModuleError> {
        if std::mem::replace(&mut self.ended[port], true) {
            return Ok(());
        }
        match &mut self.tracks[port] {
            Track::None => Ok(()),
            Track::Video(track) => track.finish(&mut self.output),
            Track::Audio(track) => track.finish(origin, &mut self.output),
            Track::Copy(track) => track.finish(&mut self.output),
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
        if self.output.push == Push::File {
            self.output.send_name(self.path.clone());
        }
        for (port, track) in self.tracks.iter().enumerate() {
            if !track.is_none() && !track.has_begun() {
                // Mostly the input has no such stream, which is nothing to be warned of.
                log::info!("\"{}\" has no {}: no frame arrived", self.path, PORTS[port]);
            }
            if self.left_out[port] {
                let (path, noun) = (&self.path, noun(KINDS[port]));
                self.warnings.push(format!(
                    "\"{path}\" has no {}: its format takes no {noun}",
                    PORTS[port]
                ));
            }
            if let Track::Copy(track) = track
                && let Some(count) = track.all_left_out()
            {
                self.warnings.push(format!(
                    "\"{}\" has no {}: none of {count} packets is marked as a key frame",
                    self.path, PORTS[port]
                ));
            }
            if let Track::Video(track) = track
                && let Some(encoder) = track.does_not_measure()
            {
                self.warnings.push(format!(
                    "{encoder} does not report what it measures; with \"loglevel\" at \"info\" its log \
                     may say it"
                ));
            }
        }
        Ok(())
    }

    /// Completes what there is, so that it can be played.
    pub(super) fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        let result = self.complete_after(ending);
        self.reserved.clear();
        result
    }

    fn complete_after(&mut self, ending: Ending) -> Result<(), ModuleError> {
        if self.output.done().is_some() || self.is_complete {
            return Ok(());
        }
        if ending == Ending::Failed && !self.output.has_begun() {
            // Nothing of the file exists. What was there before is worth more than part of a stream.
            return Ok(());
        }
        let origin = self.origin.unwrap_or(0);
        let mut result = Ok(());
        for port in 0..STREAMS {
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
        report::of(self)
    }

    /// Options of the container.
    pub(super) fn mux_params(&self) -> &BTreeMap<String, Value> {
        &self.options.mux_params
    }
}

/// # Errors
/// When nothing comes in, or what is to leave goes nowhere.
fn check_connected(
    inputs: [bool; STREAMS],
    push: Push,
    context: &ModuleContext,
    target: &Target,
) -> Result<(), ModuleError> {
    if inputs == [false; STREAMS] {
        let message = format!("nothing is connected that \"{}\" could hold", target.url);
        return Err(
            ModuleError::new(message).with_hint("connect a video stream, an audio stream or both")
        );
    }
    if inputs[SUBTITLE] && matches!(push, Push::Packets | Push::Frames) {
        let error = ModuleError::new("subtitles can only leave inside a container");
        return Err(error.with_hint("do not connect them, or let \"push_output\" be 0 or 1"));
    }
    if push != Push::File && !context.connected_outputs().contains(&true) {
        let error = ModuleError::new("\"push_output\" is set, but no output is connected");
        return Err(error.with_hint("connect an output, or let \"push_output\" be 0"));
    }
    Ok(())
}

/// Keeps other outputs from the file, and from the notes of a first pass.
fn reserve(
    options: &Options,
    target: &Target,
    push: Push,
    connected: [bool; STREAMS],
) -> Result<Vec<Writing>, ModuleError> {
    let file = (push == Push::File).then(|| target.url.clone());
    let notes = Passes::written(&options.video_params).filter(|_| connected[VIDEO]);
    let mut reserved = Vec::new();
    for (url, option) in file
        .map(|url| (url, "output_path"))
        .into_iter()
        .chain(notes.map(|path| (path, "video_params.passlogfile")))
    {
        reserved.extend(place::reserve(&url, option)?);
    }
    Ok(reserved)
}

/// What the container is to be.
fn plan(options: &Options, target: &Target, push: Push) -> Result<Plan, ModuleError> {
    let buffer = options.avio_buffer_size.map_or(PIECE, |size| size as usize);
    Ok(Plan {
        target: target.clone(),
        options: pairs("mux_params", &options.mux_params)?,
        metadata: pairs("metadata", &options.metadata)?,
        chapters: tags::chapters(&options.chapters)?,
        in_memory: (push != Push::File).then_some(buffer),
    })
}

/// What leaves the node.
fn push(options: &Options, target: &Target) -> Push {
    match options.push_output {
        0 => Push::File,
        1 => Push::Bytes {
            whole: target.muxer.name == "image2pipe",
        },
        2 => Push::Packets,
        _ => Push::Frames,
    }
}

/// What is to be done with an input; none if the container takes nothing of its kind.
fn track(port: usize, options: &Options, target: &Target) -> Result<Track, ModuleError> {
    let codec = match port {
        VIDEO => options.video_params.codec.as_deref(),
        AUDIO => options.audio_params.codec.as_deref(),
        _ => Some(choice::COPY),
    };
    if codec == Some(choice::COPY) {
        return Ok(Track::Copy(copy_track(port, options, target)));
    }
    let Some(encoder) = choice::encoder(KINDS[port], codec, target)? else {
        return Ok(Track::None);
    };
    if port == AUDIO {
        let settings = SoundSettings::of(options, target, encoder).0;
        return Ok(Track::Audio(Box::new(AudioTrack::new(settings))));
    }
    let settings = PictureSettings::of(options, target, encoder).0;
    let log = options.io_frm_match.then(|| FrameLog::of(&target.url));
    Ok(Track::Video(Box::new(VideoTrack::new(settings, log))))
}

fn copy_track(port: usize, options: &Options, target: &Target) -> CopyTrack {
    let (settings, _) = match port {
        VIDEO => copy_settings::pictures(options),
        AUDIO => copy_settings::sound(options),
        _ => copy_settings::subtitles(options),
    };
    CopyTrack::new(settings, port, KINDS[port], target)
}

fn misplaced(media: &Media, port: usize, track: &Track) -> ModuleError {
    let (given, right) = match media {
        Media::Video(_) => (MediaKind::Video, VIDEO),
        Media::Audio(_) => (MediaKind::Audio, AUDIO),
    };
    let error = |message: String, hint: String| ModuleError::new(message).with_hint(hint);
    match track {
        Track::Copy(track) if right == port => error(
            match track.has_begun() {
                true => "frames arrived after encoded packets".to_owned(),
                false => format!("{} arrived decoded, but is to be copied", noun(given)),
            },
            format!(
                "set \"{0}_codec\": \"copy\" at the decoder, or name an encoder in \"{0}_params.codec\"",
                PORTS[port]
            ),
        ),
        _ => error(
            format!("{} arrived on the {} input", noun(given), PORTS[port]),
            format!("connect it to the input \"{}\"", PORTS[right]),
        ),
    }
}

fn takes_none(target: &Target, kind: MediaKind) -> ModuleError {
    let (format, noun) = (&target.muxer.name, noun(kind));
    ModuleError::new(format!(
        "the format {format} of \"{}\" takes no {noun}",
        target.url
    ))
    .with_hint(format!("do not connect {noun}, or choose another format"))
}
