//! One stream from its packets to the module's output: decoder, time, window, limit, counts. What is
//! read and when is decided in [`session`](super::session).

use bmf_ffmpeg::{AvFrame, AvPacket, Decoder, DecoderConfig, Fed, Pulled, StreamInfo};
use bmf_sdk::hmp::Rational;
use bmf_sdk::prelude::*;

use super::hardware::{Download, Opened};
use super::limit::SizeLimit;
use super::picture::Pictures;
use super::place::end_of;
use super::sound::Sound;
use super::tags::Tags;
use super::timeline::{Timeline, Times, Track};
use super::window::{Cut, Segment};

/// What became of a decoded frame.
pub(crate) enum Made {
    /// It lies before what is wanted.
    Nothing,
    /// Something to send.
    Packet {
        packet: Packet,
        /// Whether the decoder had to make up parts of it.
        is_damaged: bool,
    },
    /// It lies behind what is wanted.
    End,
}

/// What the frames of a stream become.
enum Maker {
    Pictures(Box<Pictures>),
    Sound(Sound),
}

impl Maker {
    fn tags(&mut self) -> &mut Tags {
        match self {
            Self::Pictures(pictures) => pictures.tags(),
            Self::Sound(sound) => sound.tags(),
        }
    }
}

/// How a stream is to be treated.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) port: usize,
    pub(crate) autorotate: bool,
    /// Rate of pictures without timestamps.
    pub(crate) fps: Option<f64>,
    /// How many frames are sent at most.
    pub(crate) limit: Option<u64>,
    /// Whether the user asked for frames to be left out, even all of them.
    pub(crate) may_skip_all: bool,
    /// How many pictures per second are wanted, if not all.
    pub(crate) extract: Option<Rational>,
    /// What pictures are too large.
    pub(crate) size_limit: Option<SizeLimit>,
    /// What is said with every frame.
    pub(crate) tags: Tags,
    /// How long a picture lasts that does not say, in microseconds, when another file follows.
    pub(crate) last_picture: i64,
}

/// One decoded stream.
pub(crate) struct Stream {
    /// For messages: `stream 0 (h264) of 'in.mp4'`.
    name: String,
    info: StreamInfo,
    settings: Settings,
    decoder: Decoder,
    /// How the decoder was opened.
    config: DecoderConfig,
    download: Option<Download>,
    warning: Option<String>,
    track: Track,
    maker: Maker,
    /// Whether reading began elsewhere than at the start.
    was_sought: bool,
    /// Whether a frame of the current segment has been made.
    has_arrived: bool,
    /// Decode errors between the place that was sought and the first frame wanted: what the first
    /// packets refer to may be missing there without any damage.
    pardoned: u64,
    /// Whether nothing more is wanted of the current segment.
    is_past: bool,
    counts: Counts,
}

/// What a stream has met so far.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) packets: u64,
    /// Packets from which decoding can start.
    pub(crate) keys: u64,
    pub(crate) corrupt_packets: u64,
    pub(crate) errors: u64,
    /// Packets and pictures that were too large.
    pub(crate) too_large: u64,
    pub(crate) decoded: u64,
    pub(crate) damaged: u64,
    pub(crate) sent: u64,
    /// Where what was sent ends, in microseconds.
    pub(crate) end: Option<i64>,
}

impl Stream {
    /// A stream at the beginning of `segment`, which is at `origin` microseconds on the time line
    /// of its packets.
    pub(crate) fn new(
        info: &StreamInfo,
        url: &str,
        settings: Settings,
        opened: Opened,
        segment: &Segment,
        origin: i64,
    ) -> Self {
        let decoder = opened.decoder;
        let (track, maker) = prepare(info, &settings, &decoder, segment, origin);
        Self {
            config: opened.config,
            download: opened.download,
            warning: opened.warning,
            name: Self::name_of(info, url),
            info: info.clone(),
            settings,
            decoder,
            track,
            maker,
            was_sought: segment.from.is_some_and(|from| from > 0),
            has_arrived: false,
            pardoned: 0,
            is_past: false,
            counts: Counts::default(),
        }
    }

    /// A stream in messages.
    pub(crate) fn name_of(info: &StreamInfo, url: &str) -> String {
        format!(
            "stream {} ({}) of '{url}'",
            info.index,
            info.parameters.codec_name()
        )
    }

    /// Its decoder.
    pub(crate) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The output port.
    pub(crate) fn port(&self) -> usize {
        self.settings.port
    }

    /// Its place in the container.
    pub(crate) fn index(&self) -> usize {
        self.info.index
    }

    /// What it has met so far.
    pub(crate) fn counts(&self) -> Counts {
        let limit = self.settings.size_limit.as_ref();
        Counts {
            errors: self.counts.errors + self.decoder.errors().saturating_sub(self.pardoned),
            too_large: limit.map_or(0, SizeLimit::hits),
            ..self.counts
        }
    }

    /// Whether its limit of frames is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.settings
            .limit
            .is_some_and(|limit| self.counts.sent >= limit)
    }

    /// Whether packets of the current segment are still of use.
    pub(crate) fn wants_more(&self) -> bool {
        !self.is_past && !self.is_full()
    }

    /// Gets ready for another segment, whose packets come next.
    pub(crate) fn restart(&mut self, segment: &Segment, origin: i64) {
        self.decoder.flush();
        let (track, mut maker) =
            prepare(&self.info, &self.settings, &self.decoder, segment, origin);
        if let (Maker::Pictures(new), Maker::Pictures(old)) = (&mut maker, &mut self.maker) {
            new.follow(old);
        }
        (self.track, self.maker) = (track, maker);
        self.was_sought = true;
        self.has_arrived = false;
        self.is_past = false;
    }

    /// What comes next need not follow what was sent.
    pub(crate) fn forget(&mut self) {
        if let Maker::Pictures(pictures) = &mut self.maker {
            pictures.forget();
        }
    }

    /// Wants nothing more of the current segment.
    pub(crate) fn skip(&mut self) {
        self.is_past = true;
    }

    /// The input begins again: what the decoder still holds goes to `output`, and what comes next follows.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub(crate) fn lap(&mut self, output: &mut TaskOutput) -> Result<(), ModuleError> {
        if self.wants_more() && output.is_open() {
            let _ = self.decoder.finish()?;
            self.receive(None, output)?;
        }
        self.decoder.flush();
        Ok(())
    }

    /// The input was opened again, and the stream is described by `info` now.
    ///
    /// # Errors
    /// If what the decoder still holds cannot be sent, or it cannot be opened for the stream as it
    /// is now.
    pub(crate) fn renew(
        &mut self,
        info: &StreamInfo,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        self.lap(output)?;
        self.counts.errors += self.decoder.errors().saturating_sub(self.pardoned);
        self.decoder = Decoder::open(&info.parameters, &self.config)?;
        self.info = info.clone();
        self.track.rejoin();
        // What comes first may refer to what was lost.
        self.was_sought = true;
        self.has_arrived = false;
        self.pardoned = 0;
        Ok(())
    }

    /// Why the CPU decodes although a device was asked for, if that is so.
    pub(crate) fn warning(&self) -> Option<String> {
        let later = self.download.as_ref().and_then(Download::warning);
        self.warning.as_deref().or(later).map(str::to_owned)
    }

    /// Where it stands on the time line.
    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// Decodes a packet; its frames go to `output`.
    ///
    /// # Errors
    /// If frames cannot be made of what was decoded. Data that cannot be decoded is only counted.
    pub(crate) fn feed(
        &mut self,
        mut packet: AvPacket,
        timeline: &mut Timeline,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        let mut times = Times {
            pts: packet.pts(),
            dts: packet.dts(),
            duration: packet.duration(),
        };
        let before = times.pts;
        timeline.place(&mut self.track, &mut times);
        // An empty packet would tell the decoder to finish.
        if !self.wants_more() || !output.is_open() || packet.data().is_empty() {
            return Ok(());
        }
        let parameters = &self.info.parameters;
        if self.is_too_large((parameters.width(), parameters.height()))? {
            return Ok(());
        }
        self.maker.tags().packet(before, times.pts);
        packet.add_side_data(&self.info.side_data);
        self.counts.packets += 1;
        self.counts.keys += u64::from(packet.is_key());
        self.counts.corrupt_packets += u64::from(packet.is_corrupt());
        packet.set_pts(times.pts);
        packet.set_dts(times.dts);
        let (before, known) = (self.decoder.errors(), self.counts().errors);
        let mut first = Some(times);
        while self.wants_more() && self.decoder.send(&packet)? == Fed::Full {
            self.receive(first.take(), output)?;
        }
        self.receive(first, output)?;
        if self.was_sought && !self.has_arrived {
            self.pardoned += self.decoder.errors() - before;
        } else if known == 0 && self.decoder.errors() > before {
            self.warn_of_errors();
        }
        Ok(())
    }

    /// Decodes what the decoder still holds.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub(crate) fn drain(&mut self, output: &mut TaskOutput) -> Result<(), ModuleError> {
        if self.wants_more() && output.is_open() {
            let _ = self.decoder.finish()?;
            self.receive(None, output)?;
        }
        self.is_past = true;
        Ok(())
    }

    fn receive(
        &mut self,
        mut packet: Option<Times>,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        while self.wants_more() {
            let Pulled::Ready(frame) = self.decoder.receive()? else {
                return Ok(());
            };
            self.counts.decoded += 1;
            if self.is_too_large((frame.width(), frame.height()))? {
                continue;
            }
            let made = self.make(frame, packet.take());
            match made.map_err(|error| error.on_port(port_name(self.port())))? {
                Made::Nothing => {}
                Made::End => self.is_past = true,
                Made::Packet { packet, is_damaged } => {
                    self.has_arrived = true;
                    self.counts.sent += 1;
                    let end = end_of(&packet, self.settings.last_picture);
                    self.counts.end = self.counts.end.max(end);
                    self.counts.damaged += u64::from(is_damaged);
                    output.push(packet);
                }
            }
        }
        Ok(())
    }

    fn make(&mut self, frame: AvFrame, packet: Option<Times>) -> Result<Made, ModuleError> {
        match &mut self.maker {
            Maker::Pictures(pictures) => {
                self.track
                    .decoded_picture(frame.best_effort_timestamp(), frame.duration());
                pictures.make(frame, self.download.as_mut())
            }
            Maker::Sound(sound) => {
                let running = self.track.running();
                self.track
                    .decoded_sound(frame.samples(), frame.sample_rate());
                sound.make(frame, packet, running)
            }
        }
    }

    fn is_too_large(&mut self, size: (u32, u32)) -> Result<bool, ModuleError> {
        match &mut self.settings.size_limit {
            Some(limit) => limit.refuses(size, &self.name),
            None => Ok(false),
        }
    }

    fn warn_of_errors(&self) {
        if let Some(error) = self.decoder.last_error() {
            log::warn!(target: "bmf_module_ffmpeg", "{}: {error}; going on", self.name);
        }
    }

    /// Why hardly a frame, or none, came out of a stream that has ended, if that is so: two of three
    /// attempts to decode failed, as with BMF and the `ffmpeg` command.
    ///
    /// # Errors
    /// Names the stream and the decoder's last complaint.
    pub(crate) fn check_decoded(&self) -> Result<(), ModuleError> {
        let counts = self.counts();
        // Sound may consist of nothing but an encoder's start-up samples. Of pictures, there may be
        // only some that refer to others before the place that was sought.
        let should_have_some = match self.maker {
            Maker::Pictures(_) => counts.keys > 0 || (counts.errors > 0 && !self.was_sought),
            Maker::Sound(_) => self.decoder.errors() > 0,
        };
        let is_bad = match counts.decoded {
            0 => should_have_some,
            decoded => counts.errors > 2 * decoded && !self.was_sought && !self.is_full(),
        };
        if !is_bad || self.settings.may_skip_all {
            return Ok(());
        }
        let (packets, decoded) = (counts.packets, counts.decoded);
        let message = match decoded {
            0 => format!(
                "none of {packets} packets of {} could be decoded",
                self.name
            ),
            _ => format!(
                "only {decoded} frames came of {packets} packets of {}, with {} errors",
                self.name, counts.errors
            ),
        };
        let error = ModuleError::new(message).on_port(port_name(self.port()));
        Err(match self.decoder.last_error() {
            Some(cause) => error.with_source(cause.clone()),
            None => error,
        })
    }
}

fn prepare(
    info: &StreamInfo,
    settings: &Settings,
    decoder: &Decoder,
    segment: &Segment,
    origin: i64,
) -> (Track, Maker) {
    if settings.port != 0 {
        let tags = settings.tags.clone().for_sound();
        let sound = Sound::new(info.time_base, *segment, origin, tags);
        return (Track::sound(info.time_base), Maker::Sound(sound));
    }
    let frame = info
        .average_frame_rate
        .map(|rate| (1e6 / rate.as_f64()) as i64);
    let track = Track::pictures(info.time_base, frame, decoder.reorder_delay())
        .at_rate(info.average_frame_rate);
    let cut = Cut::new(segment, origin, info.time_base);
    let pictures = Pictures::new(info, cut, settings);
    (track, Maker::Pictures(Box::new(pictures)))
}

/// The output ports by index.
pub(crate) fn port_name(port: usize) -> &'static str {
    ["video", "audio", "subtitle"][port.min(2)]
}
