//! A graph of FFmpeg filters with typed inputs and outputs.
//!
//! A [`FilterGraph`] is made from FFmpeg's own filter text; what the text leaves
//! unconnected becomes its inputs and outputs. Frames go in and out by
//! reference. It does not rebuild itself when the format of its input changes:
//! [`FilterGraph::accepts`] tells, and the caller makes a new one.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use bmf_hmp::{MediaKind, TimeBase};

use crate::error::{Error, ErrorKind};
use crate::filter_params::{FilterInput, FilterOutput, GraphConfig};
use crate::filter_text::{GraphPtr, OpenPad, PadSlot, Parsed, assign, explain};
use crate::flow::{Fed, Pulled};
use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::frame::AvFrame;
use crate::log::Capture;
use crate::sys;
use crate::units;

/// `AVERROR(ENOSYS)`: what a filter says to a command it does not know.
const NOT_TAKEN: c_int = -libc::ENOSYS;

/// A configured graph.
///
/// Can be sent to another thread between calls; used by one at a time.
#[derive(Debug)]
pub struct FilterGraph {
    description: String,
    inputs: Vec<(NonNull<sys::AVFilterContext>, FilterInput)>,
    outputs: Vec<(NonNull<sys::AVFilterContext>, FilterOutput)>,
    graph: GraphPtr,
}

// SAFETY: a filter graph has no thread affinity and is reached through
// `&mut self` only, or `&self` for reading; its filters live as long as it.
unsafe impl Send for FilterGraph {}

impl FilterGraph {
    /// Parses, connects and configures a graph.
    ///
    /// # Errors
    ///
    /// If the text is malformed, names an unknown filter or option, does not
    /// match the inputs given, or cannot be configured for their formats.
    pub fn new(config: &GraphConfig) -> Result<Self, Error> {
        let text = config.description.as_str();
        let scaler = config.scaler.as_deref().unwrap_or("flags=bicubic");
        let parsed = Parsed::new(text, config.threads, scaler)?;
        let given = config
            .inputs
            .iter()
            .map(|(label, input)| (label.as_deref(), Some(input.kind())));
        let inputs = assign(text, "input", &parsed.inputs, &given.collect::<Vec<_>>())?;
        let wanted: Vec<(Option<&str>, Option<MediaKind>)> = if config.outputs.is_empty() {
            vec![(None, None); parsed.outputs.len()]
        } else {
            config
                .outputs
                .iter()
                .map(|label| (label.as_deref(), None))
                .collect()
        };
        let outputs = assign(text, "output", &parsed.outputs, &wanted)?;

        let capture = Capture::start();
        let sources = config
            .inputs
            .iter()
            .zip(inputs)
            .enumerate()
            .map(|(number, ((_, input), pad))| add_source(&parsed, number, pad, input));
        let built = sources
            .collect::<Result<Vec<_>, c_int>>()
            .and_then(|sources| {
                let sinks = outputs
                    .iter()
                    .enumerate()
                    .map(|(number, pad)| add_sink(&parsed, number, *pad));
                let sinks = sinks.collect::<Result<Vec<_>, c_int>>()?;
                // SAFETY: the graph is ours, and all its pads are connected now.
                match unsafe { sys::avfilter_graph_config(parsed.graph.as_ptr(), ptr::null_mut()) }
                {
                    code if code < 0 => Err(code),
                    _ => Ok((sources, sinks)),
                }
            });
        let (sources, sinks) = built.map_err(|code| explain(text, code, &capture.take()))?;
        let inputs = sources
            .into_iter()
            .zip(config.inputs.iter().map(|(_, input)| input.clone()));
        Ok(Self {
            inputs: inputs.collect(),
            outputs: sinks
                .into_iter()
                .map(|sink| read_sink(sink).map(|output| (sink, output)))
                .collect::<Result<_, _>>()?,
            description: text.to_owned(),
            graph: parsed.graph,
        })
    }

    /// The open inputs and outputs of a text, without configuring it.
    ///
    /// ```
    /// use bmf_ffmpeg::FilterGraph;
    /// let (inputs, outputs) = FilterGraph::inspect("[a][b]overlay,split[x][y]")?;
    /// assert_eq!((inputs.len(), outputs.len()), (2, 2));
    /// assert_eq!(inputs[1].label.as_deref(), Some("b"));
    /// # Ok::<(), bmf_ffmpeg::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text is malformed or names an unknown filter or option.
    pub fn inspect(text: &str) -> Result<(Vec<OpenPad>, Vec<OpenPad>), Error> {
        let parsed = Parsed::new(text, Some(1), "flags=bicubic")?;
        let pads = |slots: Vec<PadSlot>| slots.into_iter().map(|slot| slot.pad).collect();
        Ok((pads(parsed.inputs), pads(parsed.outputs)))
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs there are.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// What an input was configured for.
    ///
    /// # Panics
    ///
    /// If there is no such input.
    pub fn input(&self, input: usize) -> &FilterInput {
        &self.inputs[input].1
    }

    /// What an output gives.
    ///
    /// # Panics
    ///
    /// If there is no such output.
    pub fn output(&self, output: usize) -> &FilterOutput {
        &self.outputs[output].1
    }

    /// Whether a frame has the format an input was configured for. If not, the
    /// graph is to be drained and made anew.
    ///
    /// # Panics
    ///
    /// If there is no such input.
    pub fn accepts(&self, input: usize, frame: &AvFrame) -> bool {
        self.inputs[input].1.fits(frame)
    }

    /// Makes an audio output give frames of exactly this many samples, but for
    /// the last. For encoders that need it.
    ///
    /// # Panics
    ///
    /// If there is no such output.
    pub fn set_frame_size(&mut self, output: usize, samples: u32) {
        let (sink, kind) = &self.outputs[output];
        if kind.kind() == MediaKind::Audio {
            // SAFETY: a sink of our configured graph.
            unsafe { sys::av_buffersink_set_frame_size(sink.as_ptr(), samples) };
        }
    }

    /// Feeds a frame and lets the graph work; its timestamps are in the input's
    /// time base. Copies nothing.
    ///
    /// [`Fed::Closed`] means that the graph wants nothing more on this input
    /// (for instance after `trim`).
    ///
    /// # Errors
    ///
    /// If a filter fails.
    ///
    /// # Panics
    ///
    /// If there is no such input.
    pub fn push(&mut self, input: usize, frame: AvFrame) -> Result<Fed, Error> {
        let flags = sys::AV_BUFFERSRC_FLAG_PUSH as c_int;
        let source = self.inputs[input].0.as_ptr();
        let capture = Capture::start();
        // SAFETY: a source of our configured graph; the frame is ours and its
        // references are moved out.
        let code = unsafe { sys::av_buffersrc_add_frame_flags(source, frame.as_ptr(), flags) };
        self.fed(code, capture)
    }

    /// Says that nothing follows on an input. `pts` is where its last frame
    /// ended, in the input's time base.
    ///
    /// # Errors
    ///
    /// If a filter fails.
    ///
    /// # Panics
    ///
    /// If there is no such input.
    pub fn finish(&mut self, input: usize, pts: Option<i64>) -> Result<Fed, Error> {
        let flags = sys::AV_BUFFERSRC_FLAG_PUSH as u32;
        let source = self.inputs[input].0.as_ptr();
        let capture = Capture::start();
        // SAFETY: a source of our configured graph.
        let code =
            unsafe { sys::av_buffersrc_close(source, pts.unwrap_or(sys::AV_NOPTS_VALUE), flags) };
        self.fed(code, capture)
    }

    fn fed(&self, code: c_int, capture: Capture) -> Result<Fed, Error> {
        match code {
            0.. => Ok(Fed::Taken),
            sys::AVERROR_EOF => Ok(Fed::Closed),
            code => Err(self.failure(code, capture)),
        }
    }

    /// Fetches a frame from an output, making the graph work for it. Its
    /// timestamps are in the output's time base, which the frame carries.
    ///
    /// # Errors
    ///
    /// If a filter fails.
    ///
    /// # Panics
    ///
    /// If there is no such output.
    pub fn pull(&mut self, output: usize) -> Result<Pulled<AvFrame>, Error> {
        self.pull_with(output, 0)
    }

    /// Fetches a frame that is already there, without making the graph work.
    ///
    /// # Errors
    ///
    /// If a filter has failed.
    ///
    /// # Panics
    ///
    /// If there is no such output.
    pub fn pull_available(&mut self, output: usize) -> Result<Pulled<AvFrame>, Error> {
        self.pull_with(output, sys::AV_BUFFERSINK_FLAG_NO_REQUEST)
    }

    fn pull_with(&mut self, output: usize, flags: c_int) -> Result<Pulled<AvFrame>, Error> {
        let (sink, kind) = &self.outputs[output];
        let mut frame = AvFrame::blank();
        let capture = Capture::start();
        // SAFETY: a sink of our configured graph; the frame is blank.
        match unsafe { sys::av_buffersink_get_frame_flags(sink.as_ptr(), frame.as_ptr(), flags) } {
            0.. => {
                frame.set_time_base(kind.time_base());
                Ok(Pulled::Ready(frame))
            }
            sys::AGAIN => Ok(Pulled::Hungry),
            sys::AVERROR_EOF => Ok(Pulled::Ended),
            code => Err(self.failure(code, capture)),
        }
    }

    /// Makes the graph work for the output that is furthest behind.
    ///
    /// [`Pulled::Hungry`] means that an input is lacking:
    /// [`failed_requests`](Self::failed_requests) tells which.
    ///
    /// # Errors
    ///
    /// If a filter fails.
    pub fn request_oldest(&mut self) -> Result<Pulled<()>, Error> {
        let capture = Capture::start();
        // SAFETY: our configured graph.
        match unsafe { sys::avfilter_graph_request_oldest(self.graph.as_ptr()) } {
            0.. => Ok(Pulled::Ready(())),
            sys::AGAIN => Ok(Pulled::Hungry),
            sys::AVERROR_EOF => Ok(Pulled::Ended),
            code => Err(self.failure(code, capture)),
        }
    }

    /// How often the graph asked this input in vain since it was last fed. The
    /// input with the highest number is the one to feed next.
    ///
    /// # Panics
    ///
    /// If there is no such input.
    pub fn failed_requests(&self, input: usize) -> u32 {
        // SAFETY: a source of our configured graph.
        unsafe { sys::av_buffersrc_get_nb_failed_requests(self.inputs[input].0.as_ptr()) }
    }

    /// Sends a command to the first filter called `target` that takes it, by the filter's name, that of
    /// the instance (`overlay@logo`), or `all`: usually the name of an option and its new value.
    ///
    /// # Errors
    ///
    /// If there is no such filter, or none takes that.
    pub fn send_command(&mut self, target: &str, command: &str, arg: &str) -> Result<(), Error> {
        let texts = [target, command, arg].map(sys::c_string);
        let [target, name, arg] = texts.each_ref().map(|text| text.as_ptr());
        let graph = self.graph.as_ptr();
        let once = sys::AVFILTER_CMD_FLAG_ONE;
        let capture = Capture::start();
        // SAFETY: our configured graph; texts are copied, and there is no room for an answer.
        let code = unsafe {
            sys::avfilter_graph_send_command(graph, target, name, arg, ptr::null_mut(), 0, once)
        };
        match code {
            0.. => Ok(()),
            NOT_TAKEN => Err(self.failure(code, capture).with_message(
                ErrorKind::Unsupported,
                format!("no filter takes the command '{command}'"),
            )),
            code => Err(self.failure(code, capture)),
        }
    }

    /// The same at a time, to all filters called `target`: before the first frame that a filter takes
    /// whose time in seconds is not earlier. Whether it is taken is not told;
    /// [`send_command`](Self::send_command) tells.
    ///
    /// # Errors
    ///
    /// If memory is lacking.
    pub fn queue_command(
        &mut self,
        seconds: f64,
        target: &str,
        command: &str,
        arg: &str,
    ) -> Result<(), Error> {
        let texts = [target, command, arg].map(sys::c_string);
        let [target, command, arg] = texts.each_ref().map(|text| text.as_ptr());
        let graph = self.graph.as_ptr();
        let capture = Capture::start();
        // SAFETY: our configured graph; texts are copied.
        match unsafe { sys::avfilter_graph_queue_command(graph, target, command, arg, 0, seconds) }
        {
            0.. => Ok(()),
            code => Err(self.failure(code, capture)),
        }
    }

    fn failure(&self, code: c_int, capture: Capture) -> Error {
        let lines = capture.take().into_iter().map(|line| line.text).collect();
        Error::from_code(format!("filter graph '{}' failed", self.description), code)
            .with_details(lines)
    }
}

type FilterPtr = NonNull<sys::AVFilterContext>;

fn add_source(
    parsed: &Parsed,
    number: usize,
    pad: usize,
    input: &FilterInput,
) -> Result<FilterPtr, c_int> {
    let (filter, name) = match input {
        FilterInput::Video(_) => (c"buffer", format!("in_{number}")),
        FilterInput::Audio(_) => (c"abuffer", format!("in_{number}")),
    };
    let name = sys::c_string(&name);
    let pad = &parsed.inputs[pad];
    // SAFETY: the graph is alive; the new filter belongs to it and is linked to
    // one of its open pads once.
    unsafe {
        let filter = sys::avfilter_get_by_name(filter.as_ptr());
        let source = sys::avfilter_graph_alloc_filter(parsed.graph.as_ptr(), filter, name.as_ptr());
        let source = NonNull::new(source).ok_or(-libc::ENOMEM)?;
        checked(set_parameters(source, input))?;
        checked(sys::avfilter_init_dict(source.as_ptr(), ptr::null_mut()))?;
        checked(sys::avfilter_link(
            source.as_ptr(),
            0,
            pad.context,
            pad.index.cast_unsigned(),
        ))?;
        Ok(source)
    }
}

/// # Safety
///
/// `source` is a buffer source of the input's kind that is not initialised yet.
unsafe fn set_parameters(source: FilterPtr, input: &FilterInput) -> c_int {
    // SAFETY: the parameters are ours from allocation to freeing; the layout in
    // them is copied by FFmpeg, so ours is released.
    unsafe {
        let mut parameters = sys::av_buffersrc_parameters_alloc();
        if parameters.is_null() {
            return -libc::ENOMEM;
        }
        match input {
            FilterInput::Video(video) => {
                (*parameters).format = video.pix_fmt.0;
                (*parameters).width = sys::int(video.width);
                (*parameters).height = sys::int(video.height);
                (*parameters).time_base = units::av_time_base(video.time_base);
                (*parameters).sample_aspect_ratio = units::av(video.sample_aspect_ratio);
                (*parameters).frame_rate = units::av_or_unknown(video.frame_rate);
            }
            FilterInput::Audio(audio) => {
                (*parameters).format = audio.sample_fmt.0;
                (*parameters).sample_rate = sys::int(audio.sample_rate);
                (*parameters).time_base = units::av_time_base(audio.time_base);
                audio.layout.copy_to(&raw mut (*parameters).ch_layout);
            }
        }
        let code = sys::av_buffersrc_parameters_set(source.as_ptr(), parameters);
        sys::av_channel_layout_uninit(&raw mut (*parameters).ch_layout);
        sys::av_freep((&raw mut parameters).cast());
        code
    }
}

fn add_sink(parsed: &Parsed, number: usize, pad: usize) -> Result<FilterPtr, c_int> {
    let pad = &parsed.outputs[pad];
    let filter = if pad.pad.kind == MediaKind::Audio {
        c"abuffersink"
    } else {
        c"buffersink"
    };
    let name = sys::c_string(&format!("out_{number}"));
    let mut sink = ptr::null_mut();
    // SAFETY: as in `add_source`.
    unsafe {
        let filter = sys::avfilter_get_by_name(filter.as_ptr());
        checked(sys::avfilter_graph_create_filter(
            &mut sink,
            filter,
            name.as_ptr(),
            ptr::null(),
            ptr::null_mut(),
            parsed.graph.as_ptr(),
        ))?;
        checked(sys::avfilter_link(
            pad.context,
            pad.index.cast_unsigned(),
            sink,
            0,
        ))?;
    }
    NonNull::new(sink).ok_or(-libc::ENOMEM)
}

fn checked(code: c_int) -> Result<(), c_int> {
    if code < 0 { Err(code) } else { Ok(()) }
}

/// What a configured sink will give.
fn read_sink(sink: FilterPtr) -> Result<FilterOutput, Error> {
    let sink = sink.as_ptr();
    let unnamed = || {
        Error::new(
            "cannot use a filter output",
            ErrorKind::Unsupported,
            "its format has no name in this ffmpeg",
        )
    };
    // SAFETY: the sink belongs to a configured graph; the layout is filled by
    // FFmpeg and taken over as ours.
    unsafe {
        let time_base =
            units::time_base(sys::av_buffersink_get_time_base(sink)).unwrap_or(TimeBase::MICROS);
        let format = sys::av_buffersink_get_format(sink);
        if sys::av_buffersink_get_w(sink) > 0 {
            return Ok(FilterOutput::Video {
                width: sys::av_buffersink_get_w(sink).cast_unsigned(),
                height: sys::av_buffersink_get_h(sink).cast_unsigned(),
                pix_fmt: PixFmt::known(format).ok_or_else(unnamed)?,
                time_base,
                frame_rate: units::known(sys::av_buffersink_get_frame_rate(sink)),
                sample_aspect_ratio: units::aspect(sys::av_buffersink_get_sample_aspect_ratio(
                    sink,
                )),
            });
        }
        let layout = Layout::written_by(|layout| sys::av_buffersink_get_ch_layout(sink, layout));
        Ok(FilterOutput::Audio {
            sample_rate: sys::av_buffersink_get_sample_rate(sink)
                .try_into()
                .unwrap_or(0),
            sample_fmt: SampleFmt::known(format).ok_or_else(unnamed)?,
            layout: layout.ok_or_else(unnamed)?,
            time_base,
        })
    }
}
