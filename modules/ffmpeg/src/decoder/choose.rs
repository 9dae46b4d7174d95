//! Which streams of the input the connected outputs get, and how each is opened. What is done with
//! their packets is not told here.

use bmf_ffmpeg::{DecoderConfig, StreamInfo};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;
use log::Level;

use super::copy::Copied;
use super::hardware::{self, Opened};
use super::lane::Lane;
use super::limit::SizeLimit;
use super::options::Options;
use super::place::Place;
use super::source::Source;
use super::stream::{Settings, Stream, port_name};
use super::tags::Tags;
use super::window::Segment;
use crate::threads;

/// What the outputs carry.
pub(crate) const PORTS: [MediaKind; 3] = [MediaKind::Video, MediaKind::Audio, MediaKind::Subtitle];

/// Which streams the connected outputs get.
#[derive(Default)]
pub(crate) struct Chosen {
    /// With their ports.
    pub(crate) streams: Vec<(usize, StreamInfo)>,
    /// Ports without one.
    pub(crate) missing: Vec<usize>,
}

impl Chosen {
    /// Chooses for each connected output.
    ///
    /// # Errors
    /// If a stream that was asked for does not exist or is of another kind, or there is nothing for
    /// any output.
    pub(crate) fn of(
        source: &mut Source,
        options: &Options,
        context: &ModuleContext,
    ) -> Result<Self, ModuleError> {
        let mut chosen = Self::default();
        let is_connected = |port: &usize| context.connected_outputs().get(*port) == Some(&true);
        for port in (0..PORTS.len()).filter(is_connected) {
            let kind = PORTS[port];
            match source.choose(kind, options.wanted_stream(kind))? {
                Some(info) => chosen.streams.push((port, info)),
                None => chosen.missing.push(port),
            }
        }
        if chosen.streams.is_empty() && !chosen.missing.is_empty() {
            return Err(chosen.nothing(source));
        }
        let is_copied =
            |kind| is_connected(&usize::from(kind == MediaKind::Audio)) && options.copies(kind);
        let copies = is_copied(MediaKind::Video) && is_copied(MediaKind::Audio);
        chosen.tell_others(source, copies);
        Ok(chosen)
    }

    fn nothing(&self, source: &Source) -> ModuleError {
        let kinds: Vec<&str> = self.missing.iter().map(|&port| port_name(port)).collect();
        let (url, contents) = (source.demuxer().url(), source.contents());
        let kinds = kinds.join(" and no ");
        ModuleError::new(format!("'{url}' has no {kinds} stream; it has {contents}"))
    }

    /// Names what no output carries, or not without being connected: loudly where the rest is copied,
    /// since a copy is expected to be whole.
    fn tell_others(&self, source: &Source, copies: bool) {
        let streams = source.demuxer().streams().iter();
        let is_left = |info: &&StreamInfo| {
            let is_chosen = self
                .streams
                .iter()
                .any(|(_, used)| used.index == info.index);
            !is_chosen && (copies || matches!(info.kind, MediaKind::Subtitle | MediaKind::Data))
        };
        let left: Vec<String> = streams
            .filter(is_left)
            .map(|info| {
                let codec = info.parameters.codec_name();
                format!("{} ({} {codec})", info.index, info.kind)
            })
            .collect();
        if left.is_empty() {
            return;
        }
        let level = if copies { Level::Warn } else { Level::Info };
        let (url, left) = (source.demuxer().url(), left.join(", "));
        log::log!(target: "bmf_module_ffmpeg", level, "'{url}': streams that are not passed on: {left}");
    }

    /// Opens the way of each stream to its output.
    ///
    /// # Errors
    /// If a decoder cannot be opened.
    pub(crate) fn open(
        &self,
        source: &Source,
        options: &Options,
        segment: &Segment,
        place: &Place,
    ) -> Result<Vec<Lane>, ModuleError> {
        let url = source.demuxer().url();
        let origin = source.origin(segment);
        let starts_alone = options.copyts || source.demuxer().streams().len() == 1;
        let open = |stream: &(usize, StreamInfo)| {
            let (port, info) = stream;
            let limit = options.limit(info.kind);
            let limit = limit.map(|limit| limit.saturating_sub(place.sent(*port)));
            if options.copies(info.kind) {
                let floor = place.floor(*port);
                let copied = Copied::new(stream, limit, segment, origin, floor);
                return Ok(Lane::Copied(Box::new(copied)));
            }
            let opened = open_decoder(info, options, url)?;
            let settings = settings(*port, options, limit, starts_alone);
            let stream = Stream::new(info, url, settings, opened, segment, origin);
            Ok(Lane::Decoded(Box::new(stream)))
        };
        self.streams.iter().map(open).collect()
    }
}

/// Opens the decoder of a stream.
///
/// # Errors
/// If there is none, or it refuses.
pub(crate) fn open_decoder(
    info: &StreamInfo,
    options: &Options,
    url: &str,
) -> Result<Opened, ModuleError> {
    let mut dictionary = options.dictionary();
    if info.is_attached_picture() {
        // One picture: threads would only cost.
        dictionary.set_default("threads", "1");
    } else if info.kind == MediaKind::Video {
        let pixels = u64::from(info.parameters.width()) * u64::from(info.parameters.height());
        dictionary.set_default("threads", &threads::for_decoder(options.threads, pixels));
    }
    let config = DecoderConfig {
        name: options.decoder(info.kind).map(str::to_owned),
        options: dictionary,
        time_base: Some(info.time_base),
        frame_rate: info
            .average_frame_rate
            .filter(|_| info.kind == MediaKind::Video),
        skip_frame: options.skip_frame,
        hardware: None,
    };
    let name = Stream::name_of(info, url);
    hardware::open(&options.video_params, info, &name, config)
}

/// How a stream is to be decoded.
pub(crate) fn settings(
    port: usize,
    options: &Options,
    limit: Option<u64>,
    starts_alone: bool,
) -> Settings {
    Settings {
        port,
        autorotate: options.autorotate,
        fps: options.fps,
        limit,
        may_skip_all: options.skips_many(),
        extract: options.video_params.rate(),
        size_limit: (PORTS[port] == MediaKind::Video)
            .then(|| SizeLimit::new(options.max_width_height, options.max_limit_hits))
            .flatten(),
        tags: Tags::new(options, starts_alone),
        last_picture: (options.cut_off_interval * 1e6) as i64,
    }
}
