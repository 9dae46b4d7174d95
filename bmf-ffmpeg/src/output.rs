//! Writes packets into a container.
//!
//! A [`Muxer`] opens its file at once (so that a bad path is known before work
//! begins), writes header and trailer exactly once each, and reports every
//! error of the disk, also those that only show when the last buffer is
//! flushed. It does not encode.

use std::ffi::c_int;
use std::path::Path;
use std::ptr::{self, NonNull};

use bmf_hmp::{MediaKind, TimeBase};

use crate::describe::Chapter;
use crate::dict::Dict;
use crate::encoder::Encoder;
use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::log::Capture;
use crate::mux_clock::{MuxClock, Order};
use crate::mux_stream::{SampleClock, StreamConfig, is_timed};
use crate::names;
use crate::options::{Side, UnusedOption, did_you_mean, unused};
use crate::output_info::default_encoder;
use crate::packet::AvPacket;
use crate::params::CodecParameters;
use crate::sys;
use crate::units;
use crate::writer::{MemoryOutput, Piece};

/// How to open an output.
#[derive(Debug, Clone, Default)]
pub struct OutputConfig {
    /// Format name; guessed from the file's extension by default.
    pub format: Option<String>,
    /// Options of the protocol, the format and format contexts in general.
    pub options: Dict,
    /// Ends blocking operations; a private one, never triggered, by default.
    pub interrupt: Interrupt,
}

/// What was written, from [`Muxer::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Packets written.
    pub packets: u64,
    /// Bytes given to the file; 0 for formats that open files of their own.
    pub bytes: u64,
    /// Packets whose timestamps had to be corrected to be storable.
    pub corrected_timestamps: u64,
}

/// MPEG program and transport streams need some lead, in microseconds; this is
/// the command line's, and options may say otherwise.
const MAX_DELAY: c_int = 700_000;

/// An output container.
///
/// Can be sent to another thread between calls; used by one at a time. Dropping
/// it without [`finish`](Self::finish) closes the file but writes no trailer.
#[derive(Debug)]
pub struct Muxer {
    context: NonNull<sys::AVFormatContext>,
    url: String,
    options: Dict,
    /// Of the streams whose times the container minds.
    clocks: Vec<Option<MuxClock>>,
    /// Of copied sound.
    sample_clocks: Vec<Option<SampleClock>>,
    state: State,
    memory: Option<MemoryOutput>,
    packets: u64,
    bytes: u64,
    interrupt: Interrupt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Streams may be added.
    New,
    /// The header is written.
    Writing,
    /// The trailer is written, or nothing more can be.
    Done,
}

// SAFETY: a format context has no thread affinity and is reached through
// `&mut self`, or `&self` for reading.
unsafe impl Send for Muxer {}

impl Muxer {
    /// Finds the format and opens the file.
    ///
    /// # Errors
    ///
    /// If the format is unknown or cannot be guessed, or if the file cannot be
    /// opened for writing.
    pub fn create(url: &str, config: &OutputConfig) -> Result<Self, Error> {
        let mut muxer = Self::allocated(url, config)?;
        muxer.open_file()?;
        Ok(muxer)
    }

    /// Writes into memory instead of a file: [`take_pieces`](Self::take_pieces) has the bytes. They
    /// come in pieces of about `buffer` bytes. `name` stands for the file in messages.
    ///
    /// # Errors
    ///
    /// If the format is unknown or cannot be guessed, or opens files of its own.
    pub fn create_in_memory(
        name: &str,
        config: &OutputConfig,
        buffer: usize,
    ) -> Result<Self, Error> {
        let mut muxer = Self::allocated(name, config)?;
        if muxer.format_flags() & sys::AVFMT_NOFILE != 0 {
            let message = format!("format '{}' opens files of its own", muxer.format_name());
            let operation = format!("cannot write '{name}' into memory");
            return Err(Error::new(operation, ErrorKind::Unsupported, message));
        }
        let memory = MemoryOutput::new(buffer.max(1));
        let context = muxer.context.as_ptr();
        // SAFETY: the context is ours and uses `memory` until it is closed, before that is freed.
        unsafe {
            (*context).interrupt_callback = muxer.interrupt.callback();
            (*context).max_delay = MAX_DELAY;
            (*context).pb = memory.as_ptr();
            (*context).flags |= sys::AVFMT_FLAG_CUSTOM_IO as c_int;
        }
        muxer.memory = Some(memory);
        Ok(muxer)
    }

    fn allocated(url: &str, config: &OutputConfig) -> Result<Self, Error> {
        Ok(Self {
            context: allocate(url, config.format.as_deref())?,
            url: url.to_owned(),
            options: config.options.clone(),
            clocks: Vec::new(),
            sample_clocks: Vec::new(),
            state: State::New,
            memory: None,
            packets: 0,
            bytes: 0,
            interrupt: config.interrupt.clone(),
        })
    }

    /// What was written into memory since the last call; with `all` also what is still in the
    /// buffer. Empty for an output to a file.
    pub fn take_pieces(&mut self, all: bool) -> Vec<Piece> {
        let Some(memory) = &mut self.memory else {
            return Vec::new();
        };
        if all {
            // SAFETY: the context is open as long as it is here.
            unsafe { sys::avio_flush(memory.as_ptr()) };
        }
        memory.take()
    }

    fn open_file(&mut self) -> Result<(), Error> {
        let context = self.context.as_ptr();
        let callback = self.interrupt.callback();
        let url = sys::c_string(&self.url);
        let capture = Capture::start();
        // SAFETY: the context is ours; the callback's flag lives as long as
        // `self`, which closes the file first.
        let code = unsafe {
            (*context).interrupt_callback = callback;
            (*context).max_delay = MAX_DELAY;
            if self.format_flags() & sys::AVFMT_NOFILE != 0 {
                return Ok(());
            }
            sys::avio_open2(
                &raw mut (*context).pb,
                url.as_ptr(),
                sys::AVIO_FLAG_WRITE,
                &callback,
                self.options.as_mut_ptr(),
            )
        };
        if code < 0 {
            let error = Error::from_code(format!("cannot open output '{}'", self.url), code);
            let lines = capture.take().into_iter().map(|line| line.text);
            return Err(error
                .with_details(lines.collect())
                .with_hint(path_hint(&self.url)));
        }
        Ok(())
    }

    fn format(&self) -> *const sys::AVOutputFormat {
        // SAFETY: an output context always has a format, from static tables.
        unsafe { (*self.context.as_ptr()).oformat }
    }

    fn format_flags(&self) -> c_int {
        // SAFETY: static tables.
        unsafe { (*self.format()).flags }
    }

    /// The URL it was created with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// FFmpeg's name of the format, for instance "mp4".
    pub fn format_name(&self) -> String {
        // SAFETY: static text.
        unsafe { sys::text((*self.format()).name) }
    }

    /// Whether encoders must put their headers into the extra data.
    pub fn needs_global_header(&self) -> bool {
        self.format_flags() & sys::AVFMT_GLOBALHEADER != 0
    }

    /// Whether the format can store a variable frame rate.
    pub fn allows_variable_frame_rate(&self) -> bool {
        self.format_flags() & sys::AVFMT_VARIABLE_FPS != 0
    }

    /// Whether the format stores no timestamps.
    pub fn has_no_timestamps(&self) -> bool {
        self.format_flags() & sys::AVFMT_NOTIMESTAMPS != 0
    }

    /// The encoder FFmpeg would choose for this format, file name and kind;
    /// `None` if the format takes nothing of that kind.
    pub fn default_encoder(&self, kind: MediaKind) -> Option<String> {
        // SAFETY: an output context's format is from static tables.
        unsafe { default_encoder(self.format(), kind, &self.url) }
    }

    /// Sets a tag of the container. Before the header only.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        let (key, value) = (sys::c_string(key), sys::c_string(value));
        // SAFETY: the context owns its dictionary; the strings are copied.
        unsafe {
            let metadata = &raw mut (*self.context.as_ptr()).metadata;
            sys::av_dict_set(metadata, key.as_ptr(), value.as_ptr(), 0);
        }
    }

    /// Adds a stream for the packets of an encoder.
    ///
    /// # Errors
    ///
    /// As [`add_stream`](Self::add_stream).
    pub fn add_encoder(&mut self, encoder: &Encoder) -> Result<usize, Error> {
        let mut config = StreamConfig::new(encoder.time_base());
        config.frame_rate = encoder.frame_rate();
        self.add_stream(&encoder.parameters(), &config)
    }

    /// Adds a stream and returns its index.
    ///
    /// # Errors
    ///
    /// If the header is already written.
    pub fn add_stream(
        &mut self,
        parameters: &CodecParameters,
        config: &StreamConfig,
    ) -> Result<usize, Error> {
        self.expect_state(State::New, "add a stream to")?;
        // SAFETY: the context is ours; the new stream belongs to it.
        let stream = unsafe { sys::avformat_new_stream(self.context.as_ptr(), ptr::null()) };
        if stream.is_null() {
            sys::out_of_memory::<sys::AVStream>();
        }
        // SAFETY: the stream is new and ours alone; the format is static.
        unsafe { config.write(parameters, stream, self.format()) };
        let order = match self.format_flags() {
            flags if flags & sys::AVFMT_NOTIMESTAMPS != 0 => Order::Any,
            flags if flags & sys::AVFMT_TS_NONSTRICT != 0 => Order::NonDecreasing,
            _ => Order::Strict,
        };
        let is_timed = is_timed(parameters.kind(), &parameters.codec_name());
        self.clocks.push(is_timed.then(|| MuxClock::new(order)));
        let is_copied = config.is_copied && parameters.kind() == MediaKind::Audio;
        let sample_clock = is_copied.then(|| SampleClock::of(parameters)).flatten();
        self.sample_clocks.push(sample_clock);
        Ok(self.clocks.len() - 1)
    }

    /// Adds a chapter. Before the header only; not all formats have them.
    pub fn add_chapter(&mut self, chapter: &Chapter) {
        let context = self.context.as_ptr();
        // SAFETY: the list and its entries come from FFmpeg's allocator and belong to the context,
        // which frees them; the list has room for what it held and one more.
        unsafe {
            let index = (*context).nb_chapters as usize;
            let entry = sys::av_mallocz(size_of::<sys::AVChapter>()).cast::<sys::AVChapter>();
            let room = size_of::<*mut sys::AVChapter>() * (index + 1);
            let list = sys::av_realloc((*context).chapters.cast(), room);
            if entry.is_null() || list.is_null() {
                sys::out_of_memory::<sys::AVChapter>();
            }
            (*entry).id = index as i64;
            (*entry).time_base = units::av_time_base(TimeBase::MICROS);
            (*entry).start = chapter.start.micros();
            (*entry).end = chapter.end.micros();
            (*entry).metadata = chapter.metadata.iter().collect::<Dict>().into_raw();
            (*context).chapters = list.cast();
            *(*context).chapters.add(index) = entry;
            (*context).nb_chapters += 1;
        }
    }

    /// Writes the header. Streams cannot be added any more; the options nobody
    /// knew are returned.
    ///
    /// # Errors
    ///
    /// If there is no stream, a codec does not fit into the format, an option's
    /// value is refused, or writing fails.
    pub fn write_header(&mut self) -> Result<Vec<UnusedOption>, Error> {
        self.expect_state(State::New, "write a second header to")?;
        // SAFETY: an output context has a format, whose class is static.
        let known =
            unsafe { names::format_options((*self.format()).priv_class, &self.url, Side::Writing) };
        let capture = Capture::start();
        let mut options = std::mem::take(&mut self.options);
        // SAFETY: the context is ours and its streams are complete.
        let code =
            unsafe { sys::avformat_write_header(self.context.as_ptr(), options.as_mut_ptr()) };
        if code < 0 {
            self.state = State::Done;
            return Err(self
                .failure("write the header of", code, capture)
                .with_hint(path_hint(&self.url)));
        }
        self.state = State::Writing;
        Ok(unused(&options, &format!("output '{}'", self.url), &known))
    }

    /// The unit in which a stream's timestamps are stored; final after the
    /// header.
    ///
    /// # Panics
    ///
    /// If there is no such stream.
    pub fn time_base(&self, stream: usize) -> TimeBase {
        assert!(stream < self.clocks.len(), "no output stream {stream}");
        // SAFETY: the index was just checked.
        let time_base = unsafe { (**(*self.context.as_ptr()).streams.add(stream)).time_base };
        units::time_base(time_base).unwrap_or(TimeBase::MICROS)
    }

    /// Writes a packet of a stream, its timestamps given in `time_base`. The
    /// packets of all streams are interleaved by time; FFmpeg keeps some back
    /// until it knows their order.
    ///
    /// # Errors
    ///
    /// If the header is not written, the packet is refused, or writing fails.
    ///
    /// # Panics
    ///
    /// If there is no such stream.
    pub fn write(
        &mut self,
        stream: usize,
        mut packet: AvPacket,
        time_base: TimeBase,
    ) -> Result<(), Error> {
        self.expect_state(State::Writing, "write a packet to")?;
        let unit = self.time_base(stream);
        let exact = self.sample_clocks[stream].as_mut().zip(packet.dts());
        let exact =
            exact.map(|(clock, dts)| clock.rescale(dts, packet.data().len(), time_base, unit));
        packet.rescale(time_base, unit);
        if exact.is_some() {
            packet.set_dts(exact);
            packet.set_pts(exact);
        }
        packet.set_stream_index(stream);
        if let Some(clock) = &mut self.clocks[stream] {
            let before = (packet.pts(), packet.dts());
            let after = clock.next(before.0, before.1);
            if after != before {
                log::debug!(target: "bmf_ffmpeg", "timestamps of stream {stream} of '{}' corrected: {before:?} to {after:?}", self.url);
            }
            packet.set_pts(after.0);
            packet.set_dts(after.1);
        }
        let capture = Capture::start();
        // SAFETY: the header is written; FFmpeg takes the packet's reference
        // and leaves it blank.
        let code =
            unsafe { sys::av_interleaved_write_frame(self.context.as_ptr(), packet.as_ptr()) };
        if code < 0 {
            return Err(self.failure("write to", code, capture));
        }
        self.packets += 1;
        Ok(())
    }

    /// Bytes given to the file so far; 0 for formats that open files of their
    /// own.
    pub fn bytes_written(&self) -> u64 {
        // SAFETY: the context is ours; no file, no `pb`.
        let now = unsafe {
            let pb = (*self.context.as_ptr()).pb;
            if pb.is_null() { 0 } else { (*pb).bytes_written }
        };
        u64::try_from(now).unwrap_or(0).max(self.bytes)
    }

    /// Writes what is kept back and the trailer, and closes the file. Later
    /// calls do nothing and return the same.
    ///
    /// Without a header there is nothing to complete: the file is closed as it is.
    ///
    /// # Errors
    ///
    /// The first thing that failed; the file is closed in any case.
    pub fn finish(&mut self) -> Result<Written, Error> {
        let capture = Capture::start();
        let mut code = 0;
        if std::mem::replace(&mut self.state, State::Done) == State::Writing {
            // SAFETY: the header is written and the trailer not yet.
            code = unsafe { sys::av_write_trailer(self.context.as_ptr()) };
        }
        let closed = self.close_file();
        if code < 0 || closed < 0 {
            let code = if code < 0 { code } else { closed };
            return Err(self.failure("finish", code, capture));
        }
        Ok(Written {
            packets: self.packets,
            bytes: self.bytes,
            corrected_timestamps: self
                .clocks
                .iter()
                .flatten()
                .map(|clock| clock.corrected)
                .sum(),
        })
    }

    /// Flushes and closes; returns the first error that the file ever had.
    fn close_file(&mut self) -> c_int {
        if self.format_flags() & sys::AVFMT_NOFILE != 0 {
            return 0;
        }
        // SAFETY: the file was opened by us and is closed once: closing sets
        // `pb` to null. Errors stay in the context until then.
        unsafe {
            let context = self.context.as_ptr();
            if (*context).pb.is_null() {
                return 0;
            }
            sys::avio_flush((*context).pb);
            let written = (*(*context).pb).error;
            self.bytes = u64::try_from((*(*context).pb).bytes_written).unwrap_or(0);
            if self.memory.is_some() {
                (*context).pb = ptr::null_mut();
                return written;
            }
            let closed = sys::avio_closep(&raw mut (*context).pb);
            if written < 0 { written } else { closed }
        }
    }

    fn expect_state(&self, state: State, action: &str) -> Result<(), Error> {
        if self.state == state {
            return Ok(());
        }
        let message = match self.state {
            State::New => "its header is not written yet",
            State::Writing => "its header is already written",
            State::Done => "it is already finished",
        };
        Err(Error::new(
            format!("cannot {action} '{}'", self.url),
            ErrorKind::InvalidArgument,
            message,
        ))
    }

    fn failure(&self, action: &str, code: c_int, capture: Capture) -> Error {
        let lines = capture.take().into_iter().map(|line| line.text).collect();
        Error::from_code(format!("cannot {action} '{}'", self.url), code).with_details(lines)
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        self.close_file();
        // SAFETY: ours, and not used again.
        unsafe { sys::avformat_free_context(self.context.as_ptr()) };
    }
}

fn allocate(url: &str, format: Option<&str>) -> Result<NonNull<sys::AVFormatContext>, Error> {
    let c_url = sys::c_string(url);
    let c_format = format.map(sys::c_string);
    let c_format = c_format
        .as_ref()
        .map_or(ptr::null(), |format| format.as_ptr());
    let mut context = ptr::null_mut();
    let capture = Capture::start();
    // SAFETY: the strings live through the call and are copied by it.
    let code = unsafe {
        sys::avformat_alloc_output_context2(&mut context, ptr::null(), c_format, c_url.as_ptr())
    };
    if let (0.., Some(context)) = (code, NonNull::new(context)) {
        return Ok(context);
    }
    // FFmpeg's line only repeats the name.
    drop(capture.take());
    let operation = format!("cannot open output '{url}'");
    Err(match format {
        Some(format) => {
            let known = names::muxers();
            let known = known.iter().flat_map(|names| names.split(','));
            Error::new(
                operation,
                ErrorKind::Unknown,
                format!("no output format '{format}'"),
            )
            .with_hint(did_you_mean(format, known))
        }
        None => Error::new(
            operation,
            ErrorKind::Unknown,
            "its name does not tell the format",
        )
        .with_hint(Some(
            "use a usual extension such as .mp4, or name the format".into(),
        )),
    })
}

/// Says if the directory is what is missing.
fn path_hint(url: &str) -> Option<String> {
    let path = Path::new(url.strip_prefix("file:").unwrap_or(url));
    if url.contains("://") || path.is_dir() {
        return None;
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())?;
    (!parent.exists()).then(|| format!("the directory '{}' does not exist", parent.display()))
}
