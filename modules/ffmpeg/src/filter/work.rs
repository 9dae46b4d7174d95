//! A running graph: when it is configured, which input is fed next, when it is made anew.
//!
//! The graph says itself what it lacks: pulling at its outputs until nothing comes leaves a count
//! of vain requests at every input it waits for. Only those inputs are fed; the packets of the
//! others stay in the ends, so that a fast stream cannot fill the graph's own queues while it
//! waits for a slow one.

use bmf_ffmpeg::{
    AvFrame, Error, Fed, FilterGraph, FilterOutput, GraphConfig, Pulled, audio_from_av,
    video_from_av,
};
use bmf_sdk::hmp::Rational;
use bmf_sdk::prelude::*;

use super::chain::Ends;
use super::failure;
use super::joined;
use super::settings::Settings;
use super::source::{self, Source, stand_in};
use super::text::Description;
use crate::media::{self, Media, noun};

/// Most frames that each output gives in one call, so that a source without end leaves room for
/// others to work.
const MOST_FRAMES: usize = 16;

/// A graph with its inputs and outputs.
pub(super) struct Work {
    /// The stages of the graph; more than one only where they are joined.
    parts: Vec<Description>,
    settings: Settings,
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    graph: Option<FilterGraph>,
    pub(super) frames_in: u64,
    pub(super) frames_out: u64,
    pub(super) rebuilds: u64,
    pub(super) warnings: Vec<String>,
}

/// One output pad.
struct Sink {
    port: usize,
    last: Timestamp,
    ended: bool,
}

/// What pulling at the outputs has brought.
enum Collected {
    /// Nothing comes without more input.
    Hungry,
    /// There may be more, but it is enough for one call.
    Enough,
    /// All outputs have ended.
    Ended,
}

/// Whether the graph can be configured.
enum Start {
    /// An input has neither a frame nor an end so far.
    Waiting,
    /// All formats are known.
    Ready,
    /// There were no frames on any input, and there will be none.
    Empty,
}

impl Work {
    pub(super) fn new(
        parts: Vec<Description>,
        settings: Settings,
        sources: Vec<Source>,
        ports_out: &[usize],
    ) -> Self {
        let sink = |&port: &usize| Sink {
            port,
            last: Timestamp::ZERO,
            ended: false,
        };
        Self {
            parts,
            settings,
            sources,
            sinks: ports_out.iter().map(sink).collect(),
            graph: None,
            frames_in: 0,
            frames_out: 0,
            rebuilds: 0,
            warnings: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, ends: &mut Ends<'_>) -> Result<Flow, ModuleError> {
        let mut graph = match self.graph.take() {
            Some(graph) => graph,
            None => match self.start(ends)? {
                Start::Waiting => return Ok(Flow::Wait),
                Start::Ready => self.build()?,
                Start::Empty => return Ok(Flow::Done),
            },
        };
        let flow = self.run(&mut graph, ends);
        self.graph = Some(graph);
        flow
    }

    fn run(&mut self, graph: &mut FilterGraph, ends: &mut Ends<'_>) -> Result<Flow, ModuleError> {
        loop {
            match self.collect(graph, ends)? {
                Collected::Enough => return Ok(Flow::More),
                Collected::Ended => return Ok(Flow::Done),
                Collected::Hungry => {}
            }
            let Some(port) = self.choose(graph, ends) else {
                break;
            };
            match ends.pop(port) {
                Some(packet) => {
                    let time = packet.timestamp();
                    let pushed = self.push(graph, ends, port, packet);
                    pushed.map_err(|error| error.on_port(port.to_string()).at(time))?;
                }
                None => self.finish(graph, port)?,
            }
        }
        let fed_up = self.sources.iter().all(|source| source.finished);
        Ok(if fed_up { Flow::Done } else { Flow::Wait })
    }

    /// Looks at the first packet of every input.
    fn start(&mut self, ends: &Ends<'_>) -> Result<Start, ModuleError> {
        for source in self
            .sources
            .iter_mut()
            .filter(|source| source.input.is_none())
        {
            match ends.front(source.port) {
                Some(packet) => {
                    let described = media::describe(packet);
                    let port = source.port.to_string();
                    source.input = Some(
                        described.map_err(|error| error.on_port(port).at(packet.timestamp()))?,
                    );
                }
                None if ends.has_ended(source.port) => {}
                None => return Ok(Start::Waiting),
            }
        }
        let empty: Vec<usize> = (0..self.sources.len())
            .filter(|&index| self.sources[index].input.is_none())
            .collect();
        for &index in &empty {
            let port = self.sources[index].port;
            self.warnings.push(format!(
                "{}: input {port} ended without a frame",
                self.parts[0].title
            ));
        }
        if !self.sources.is_empty() && empty.len() == self.sources.len() {
            return Ok(Start::Empty);
        }
        for index in empty {
            self.sources[index].input = Some(stand_in(self.sources[index].kind, &self.sources)?);
        }
        Ok(Start::Ready)
    }

    /// Configures the graph for the formats that the inputs have now.
    fn build(&mut self) -> Result<FilterGraph, ModuleError> {
        for source in &self.sources {
            let given = source
                .input
                .as_ref()
                .map_or(source.kind, |input| input.kind());
            if given != source.kind {
                let title = self.title();
                let (takes, given, port) = (noun(source.kind), noun(given), source.port);
                let message =
                    format!("{title} takes {takes} on its input {port}, but {given} arrived");
                return Err(ModuleError::new(message).on_port(port.to_string()));
            }
        }
        let inputs = self
            .sources
            .iter()
            .filter_map(|source| Some((None, source.input.clone()?)));
        let config = GraphConfig {
            description: self.text()?,
            inputs: inputs.collect(),
            ..GraphConfig::default()
        };
        let built = self.settings.build(config);
        let mut graph = built.map_err(|error| self.failure(&error))?;
        for (index, source) in self
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.finished)
        {
            let _: Fed = graph
                .finish(index, source.end)
                .map_err(|error| self.failure(&error))?;
        }
        Ok(graph)
    }

    /// Takes what the outputs have, turn by turn.
    fn collect(
        &mut self,
        graph: &mut FilterGraph,
        ends: &mut Ends<'_>,
    ) -> Result<Collected, ModuleError> {
        for _ in 0..MOST_FRAMES {
            let mut any = false;
            for index in 0..self.sinks.len() {
                if self.sinks[index].ended {
                    continue;
                }
                match graph.pull(index).map_err(|error| self.failure(&error))? {
                    Pulled::Ready(frame) => {
                        any = true;
                        self.send(graph.output(index), ends, index, frame)?;
                    }
                    Pulled::Hungry => {}
                    Pulled::Ended => self.end(ends, index),
                }
            }
            if !self.sinks.is_empty() && self.sinks.iter().all(|sink| sink.ended) {
                return Ok(Collected::Ended);
            }
            if !any {
                return Ok(Collected::Hungry);
            }
        }
        Ok(Collected::Enough)
    }

    fn end(&mut self, ends: &mut Ends<'_>, index: usize) {
        self.sinks[index].ended = true;
        ends.end(self.sinks[index].port);
    }

    /// The port to be fed next: the one that the graph has asked most often. `None` while what it
    /// asks for has not arrived, and when nothing is left.
    fn choose(&self, graph: &FilterGraph, ends: &Ends<'_>) -> Option<usize> {
        let mut best: Option<(u32, usize)> = None;
        let mut is_waiting = false;
        for (index, source) in self
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| !source.finished)
        {
            let requests = graph.failed_requests(index);
            match (ends.front(source.port), ends.has_ended(source.port)) {
                (None, true) => return Some(source.port),
                (None, false) => is_waiting |= requests > 0,
                (Some(_), _) if best.is_none_or(|(most, _)| requests > most) => {
                    best = Some((requests, source.port));
                }
                (Some(_), _) => {}
            }
        }
        match best {
            Some((0, _)) if is_waiting => None,
            best => best.map(|(_, port)| port),
        }
    }

    fn push(
        &mut self,
        graph: &mut FilterGraph,
        ends: &mut Ends<'_>,
        port: usize,
        packet: Packet,
    ) -> Result<(), ModuleError> {
        self.frames_in += 1;
        let media = Media::from_packet(packet)?;
        let rate = match &media {
            Media::Video(frame) => frame.frame_rate,
            Media::Audio(_) => None,
        };
        let mut frame = media.into_av()?;
        let takers: Vec<usize> = (0..self.sources.len())
            .filter(|&index| self.sources[index].port == port)
            .collect();
        for (number, &index) in takers.iter().enumerate() {
            let is_last = number + 1 == takers.len();
            let frame = if is_last {
                frame.take()
            } else {
                frame.share()?
            };
            self.push_into(graph, ends, index, frame, rate)?;
        }
        Ok(())
    }

    fn push_into(
        &mut self,
        graph: &mut FilterGraph,
        ends: &mut Ends<'_>,
        index: usize,
        mut frame: AvFrame,
        rate: Option<Rational>,
    ) -> Result<(), ModuleError> {
        let end_before = self.sources[index].end;
        self.sources[index].adopt(&mut frame, rate);
        if !graph.accepts(index, &frame) {
            if self.sources.len() == 1 {
                self.drain(graph, ends, end_before, frame.pts())?;
            }
            self.sources[index].change_format(&frame, rate)?;
            *graph = self.build()?;
            self.rebuilds += 1;
        }
        // An input that the graph has closed (after `trim`, say) throws away what still comes.
        let _: Fed = graph
            .push(index, frame)
            .map_err(|error| self.failure(&error))?;
        Ok(())
    }

    /// Empties a graph of one input that is to be replaced. What it would make up beyond the
    /// first frame of the new format (endless silence, a repeated picture) is not taken. Graphs of
    /// several inputs are not drained: their inputs end at different times, and what they give at
    /// such an end is not what they would have given.
    fn drain(
        &mut self,
        graph: &mut FilterGraph,
        ends: &mut Ends<'_>,
        end: Option<i64>,
        next: Option<i64>,
    ) -> Result<(), ModuleError> {
        let unit = self.sources[0].time_base();
        let until = next.and_then(|pts| Timestamp::from_ticks(pts, unit));
        let _: Fed = graph.finish(0, end).map_err(|error| self.failure(&error))?;
        for index in 0..self.sinks.len() {
            while let Pulled::Ready(frame) =
                graph.pull(index).map_err(|error| self.failure(&error))?
            {
                let unit = graph.output(index).time_base();
                let time = frame.pts().and_then(|pts| Timestamp::from_ticks(pts, unit));
                if until.is_none() || time >= until {
                    break;
                }
                self.send(graph.output(index), ends, index, frame)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, graph: &mut FilterGraph, port: usize) -> Result<(), ModuleError> {
        for index in 0..self.sources.len() {
            let source = &mut self.sources[index];
            if source.port == port && !source.finished {
                source.finished = true;
                let end = source.end;
                let _: Fed = graph
                    .finish(index, end)
                    .map_err(|error| self.failure(&error))?;
            }
        }
        Ok(())
    }

    /// Sends a frame on. Pictures leave without a duration: FFmpeg's filters do not maintain it,
    /// and what is left in the frame may be in another unit. Their rate is known instead: where a filter
    /// has none to tell (`concat` of several rates), the highest that comes in, for encoders count
    /// time in it and have to keep all frames apart.
    fn send(
        &mut self,
        output: &FilterOutput,
        ends: &mut Ends<'_>,
        index: usize,
        frame: AvFrame,
    ) -> Result<(), ModuleError> {
        let sink = &mut self.sinks[index];
        if !ends.is_open(sink.port) {
            return Ok(());
        }
        self.frames_out += 1;
        let packet = match *output {
            FilterOutput::Video {
                time_base,
                frame_rate,
                sample_aspect_ratio,
                ..
            } => {
                let rate = frame_rate.or_else(|| source::highest_rate(&self.sources));
                let mut frame = video_from_av(frame, time_base, rate)?;
                frame.sample_aspect_ratio = sample_aspect_ratio;
                frame.duration = 0;
                sink.last = frame.timestamp().unwrap_or(sink.last);
                Packet::new(sink.last, frame)
            }
            FilterOutput::Audio { time_base, .. } => {
                let frame = audio_from_av(frame, time_base)?;
                sink.last = frame.timestamp().unwrap_or(sink.last);
                Packet::new(sink.last, frame)
            }
        };
        ends.push(sink.port, packet);
        Ok(())
    }

    fn failure(&self, error: &Error) -> ModuleError {
        failure(&self.title(), error)
    }

    /// The graph in FFmpeg's notation, for the inputs there are now.
    fn text(&self) -> Result<String, ModuleError> {
        match (self.parts.as_slice(), self.sources.first()) {
            (
                [_, _, ..],
                Some(Source {
                    input: Some(input), ..
                }),
            ) => joined::text(&self.parts, input.clone()),
            (parts, _) => Ok(parts[0].text.clone()),
        }
    }

    fn title(&self) -> String {
        let titles: Vec<_> = self.parts.iter().map(|part| part.title.as_str()).collect();
        titles.join(", ")
    }

    /// Begins anew, as before the first frame; only the counts go on.
    pub(super) fn flush(&mut self) {
        self.graph = None;
        for source in &mut self.sources {
            *source = Source::new(source.kind, source.port);
        }
        for sink in &mut self.sinks {
            sink.last = Timestamp::ZERO;
            sink.ended = false;
        }
    }

    pub(super) fn release(&mut self) {
        self.graph = None;
    }
}
