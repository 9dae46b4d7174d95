//! Opens a container and reads its packets.
//!
//! A [`Demuxer`] does not decode; it hands out packets of all streams in file
//! order. What could not be opened is explained with the file's name. Waiting
//! input is ended by an [`Interrupt`].

use std::collections::BTreeMap;
use std::io::Read as ReadBytes;
use std::ops::RangeInclusive;
use std::path::Path;
use std::ptr::{self, NonNull};

use bmf_hmp::{MediaKind, Rational, Timestamp};

use crate::dict::{self, Dict};
use crate::error::{Error, ErrorKind};
use crate::frame::AvFrame;
use crate::interrupt::Interrupt;
use crate::io::{ReadContext, code_of};
use crate::log::{Capture, Line};
use crate::names;
use crate::options::{Side, UnusedOption, did_you_mean, unused};
use crate::packet::AvPacket;
use crate::pipe::PipeInput;
use crate::stream::StreamInfo;
use crate::sys;

/// How to open an input.
#[derive(Debug, Clone, Default)]
pub struct InputConfig {
    /// Format name, for data that does not tell (raw video, devices).
    pub format: Option<String>,
    /// Options of the protocol, the format and format contexts in general.
    pub options: Dict,
    /// Ends blocking operations; a private one, never triggered, by default.
    pub interrupt: Interrupt,
}

/// What reading gave.
#[derive(Debug)]
pub enum Read {
    /// The next packet.
    Packet(AvPacket),
    /// Nothing yet: a live source wants to be asked again later.
    Again,
    /// The input has ended.
    End,
}

/// An open container.
///
/// Can be sent to another thread between calls; used by one at a time.
#[derive(Debug)]
pub struct Demuxer {
    context: NonNull<sys::AVFormatContext>,
    url: String,
    streams: Vec<StreamInfo>,
    unused: Vec<UnusedOption>,
    /// Declared after `context` is closed in `drop`; fields are freed later.
    _reader: Option<ReadContext>,
    interrupt: Interrupt,
}

// SAFETY: a format context has no thread affinity and is reached through
// `&mut self` only.
unsafe impl Send for Demuxer {}

impl Demuxer {
    /// Opens a file or URL and finds out what its streams are.
    ///
    /// ```no_run
    /// let input = bmf_ffmpeg::Demuxer::open("in.mp4", &Default::default())?;
    /// for stream in input.streams() {
    ///     println!("{}: {}", stream.index, stream.parameters.codec_name());
    /// }
    /// # Ok::<(), bmf_ffmpeg::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is a directory, empty, or in no known
    /// format, or if the interrupt is triggered.
    pub fn open(url: &str, config: &InputConfig) -> Result<Self, Error> {
        let format = find_format(url, config.format.as_deref())?;
        let mut reader = None;
        if format.is_null() || !is_no_file(format) {
            let pipe = PipeInput::open(url, &config.interrupt).transpose();
            let pipe = pipe.map_err(|error| cannot_open(url, code_of(&error), Vec::new()))?;
            reader = pipe.map(|pipe| ReadContext::new(Box::new(pipe)));
        }
        Self::open_with(url, format, reader, config)
    }

    /// Opens what `reader` gives, from its beginning to its end; nothing is
    /// read twice. `name` stands for it in messages. A read that fails as
    /// interrupted ends reading at once.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_reader(
        name: &str,
        reader: impl ReadBytes + Send + 'static,
        config: &InputConfig,
    ) -> Result<Self, Error> {
        let format = find_format(name, config.format.as_deref())?;
        let reader = ReadContext::new(Box::new(reader));
        Self::open_with(name, format, Some(reader), config)
    }

    fn open_with(
        url: &str,
        format: *const sys::AVInputFormat,
        reader: Option<ReadContext>,
        config: &InputConfig,
    ) -> Result<Self, Error> {
        let capture = Capture::start();
        // SAFETY: allocates a context with defaults.
        let context = unsafe { sys::avformat_alloc_context() };
        let Some(context) = NonNull::new(context) else {
            sys::out_of_memory::<sys::AVFormatContext>();
        };
        let mut input = Self {
            context,
            url: url.to_owned(),
            streams: Vec::new(),
            unused: Vec::new(),
            _reader: reader,
            interrupt: config.interrupt.clone(),
        };
        let mut options = config.options.clone();
        let opened = input
            .open_context(format, &mut options)
            .and_then(|()| input.read_streams());
        if let Err(code) = opened {
            return Err(cannot_open(url, code, capture.take()));
        }
        input.unused = input.name_unused(&options);
        Ok(input)
    }

    /// Closes the input and opens the same URL once more, for a live source whose connection is lost.
    /// Its streams may be others than before.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). The input is closed then, has nothing to read, and may be opened again.
    pub fn reopen(&mut self, config: &InputConfig) -> Result<(), Error> {
        self.close();
        let url = self.url.clone();
        *self = Self::open(&url, config)?;
        Ok(())
    }

    fn close(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: ours, open or blank; nobody uses what it held. The blank one takes its place.
        let blank = unsafe {
            sys::avformat_close_input(&mut context);
            sys::avformat_alloc_context()
        };
        self.context =
            NonNull::new(blank).unwrap_or_else(|| sys::out_of_memory::<sys::AVFormatContext>());
        self._reader = None;
    }

    /// What the format says of itself; nothing once the input is closed.
    fn format_flags(&self) -> i32 {
        // SAFETY: the context is open, or blank and without a format.
        unsafe {
            let format = (*self.context.as_ptr()).iformat;
            if format.is_null() { 0 } else { (*format).flags }
        }
    }

    /// Whether there is no input any more: [`reopen`](Self::reopen) has failed.
    pub fn is_closed(&self) -> bool {
        // SAFETY: the context is open or blank.
        unsafe { (*self.context.as_ptr()).iformat.is_null() }
    }

    fn open_context(
        &mut self,
        format: *const sys::AVInputFormat,
        options: &mut Dict,
    ) -> Result<(), i32> {
        // Standard input, as in FFmpeg's own programs.
        let url = if self.url == "-" { "pipe:0" } else { &self.url };
        let url = sys::c_string(url);
        let mut context = self.context.as_ptr();
        // SAFETY: the context is new; callback and reader live as long as `self`,
        // which closes the context first.
        let code = unsafe {
            (*context).interrupt_callback = self.interrupt.callback();
            if let Some(reader) = &self._reader {
                (*context).pb = reader.as_ptr();
            }
            sys::avformat_open_input(&mut context, url.as_ptr(), format, options.as_mut_ptr())
        };
        if code < 0 {
            // FFmpeg has freed the context; a blank one takes its place for `drop`.
            // SAFETY: allocates a context with defaults.
            let blank = unsafe { sys::avformat_alloc_context() };
            self.context =
                NonNull::new(blank).unwrap_or_else(|| sys::out_of_memory::<sys::AVFormatContext>());
            return Err(code);
        }
        Ok(())
    }

    fn read_streams(&mut self) -> Result<(), i32> {
        let context = self.context.as_ptr();
        // SAFETY: the context is open and ours alone.
        let code = unsafe { sys::avformat_find_stream_info(context, ptr::null_mut()) };
        if code < 0 {
            return Err(code);
        }
        self.refresh_streams();
        Ok(())
    }

    fn refresh_streams(&mut self) {
        let context = self.context.as_ptr();
        // SAFETY: the context is open and ours alone; indices are below the count.
        self.streams = unsafe {
            let count = (*context).nb_streams as usize;
            (0..count)
                .map(|index| StreamInfo::read(context, index))
                .collect()
        };
    }

    fn name_unused(&self, left: &Dict) -> Vec<UnusedOption> {
        // SAFETY: an open context has a format, whose class is static.
        let known = unsafe {
            let format = (*self.context.as_ptr()).iformat;
            names::format_options((*format).priv_class, &self.url, Side::Reading)
        };
        unused(left, &format!("input '{}'", self.url), &known)
    }

    /// The URL it was opened with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For what is read from it elsewhere; nobody changes it by this.
    pub(crate) fn as_ptr(&self) -> *const sys::AVFormatContext {
        self.context.as_ptr()
    }

    /// FFmpeg's name of the format, for instance "mov,mp4,m4a,3gp,3g2,mj2".
    pub fn format_name(&self) -> String {
        if self.is_closed() {
            return String::new();
        }
        // SAFETY: an open context has a format with a static name.
        unsafe { sys::text((*(*self.context.as_ptr()).iformat).name) }
    }

    /// Whether timestamps may jump within the file (MPEG-TS and the like).
    pub fn may_be_discontinuous(&self) -> bool {
        self.format_flags() & sys::AVFMT_TS_DISCONT != 0
    }

    /// Whether seeking goes by presentation times; other formats know only
    /// decoding times, which lie before them where frames are reordered.
    pub fn seeks_to_pts(&self) -> bool {
        self.format_flags() & sys::AVFMT_SEEK_TO_PTS != 0
    }

    /// The streams, by index.
    pub fn streams(&self) -> &[StreamInfo] {
        &self.streams
    }

    /// Options that neither protocol nor format knew.
    pub fn unused_options(&self) -> &[UnusedOption] {
        &self.unused
    }

    /// Time of the first frame shown of any stream, if known.
    pub fn start_time(&self) -> Option<Timestamp> {
        // SAFETY: the context is open.
        sys::known_ts(unsafe { (*self.context.as_ptr()).start_time }).map(Timestamp::from_micros)
    }

    /// Length in microseconds, if known; exact only as far as the container is.
    pub fn duration(&self) -> Option<i64> {
        // SAFETY: the context is open.
        sys::known_ts(unsafe { (*self.context.as_ptr()).duration }).filter(|&length| length >= 0)
    }

    /// Bits per second of all streams together, 0 if unknown.
    pub fn bit_rate(&self) -> i64 {
        // SAFETY: the context is open.
        unsafe { (*self.context.as_ptr()).bit_rate }
    }

    /// The container's tags.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        // SAFETY: the context is open and owns its dictionary.
        unsafe { dict::pairs((*self.context.as_ptr()).metadata) }
            .into_iter()
            .collect()
    }

    /// The stream a player would choose: `wanted` if it is of that kind, else
    /// the best one. `related` prefers streams of the same programme.
    ///
    /// # Errors
    ///
    /// If `wanted` does not exist or is of another kind. No stream of that kind
    /// is `Ok(None)`.
    pub fn best_stream(
        &self,
        kind: MediaKind,
        wanted: Option<usize>,
        related: Option<usize>,
    ) -> Result<Option<usize>, Error> {
        if let Some(index) = wanted {
            return self.wanted_stream(kind, index).map(Some);
        }
        let media = match kind {
            MediaKind::Video => sys::MEDIA_VIDEO,
            MediaKind::Audio => sys::MEDIA_AUDIO,
            MediaKind::Subtitle => sys::MEDIA_SUBTITLE,
            MediaKind::Data => sys::AVMediaType::AVMEDIA_TYPE_DATA as i32,
        };
        let related = related.map_or(-1, sys::int);
        // SAFETY: the context is open; FFmpeg only reads it here.
        let index = unsafe {
            sys::av_find_best_stream(
                self.context.as_ptr(),
                media,
                -1,
                related,
                ptr::null_mut(),
                0,
            )
        };
        Ok(usize::try_from(index).ok())
    }

    fn wanted_stream(&self, kind: MediaKind, index: usize) -> Result<usize, Error> {
        let operation = || {
            format!(
                "cannot use stream {index} of '{}' as {}",
                self.url,
                kind.name()
            )
        };
        match self.streams.get(index) {
            Some(stream) if stream.kind == kind => Ok(index),
            Some(stream) => {
                let same = self
                    .streams
                    .iter()
                    .filter(|s| s.kind == kind)
                    .map(|s| s.index.to_string());
                let same: Vec<String> = same.collect();
                let hint = (!same.is_empty()).then(|| format!("of that kind: {}", same.join(", ")));
                let is = format!("it is {}", stream.kind.name());
                Err(Error::new(operation(), ErrorKind::InvalidArgument, is).with_hint(hint))
            }
            None => {
                let count = format!("there are only {} streams", self.streams.len());
                Err(Error::new(operation(), ErrorKind::InvalidArgument, count))
            }
        }
    }

    /// Frame rate for a stream, also looking at a decoded frame if given.
    pub fn guess_frame_rate(&mut self, index: usize, frame: Option<&AvFrame>) -> Option<Rational> {
        let stream = self.stream_ptr(index)?;
        let frame = frame.map_or(ptr::null_mut(), AvFrame::as_ptr);
        // SAFETY: context and stream are open; FFmpeg only reads the frame.
        crate::units::known(unsafe {
            sys::av_guess_frame_rate(self.context.as_ptr(), stream, frame)
        })
    }

    /// Skips a stream's packets from now on, or no longer.
    pub fn set_discard(&mut self, index: usize, discard: bool) {
        if let Some(stream) = self.stream_ptr(index) {
            let value = if discard {
                sys::AVDiscard::AVDISCARD_ALL
            } else {
                sys::AVDiscard::AVDISCARD_DEFAULT
            };
            // SAFETY: the stream belongs to the open context, which is ours alone.
            unsafe { (*stream).discard = value };
        }
    }

    fn stream_ptr(&mut self, index: usize) -> Option<*mut sys::AVStream> {
        // SAFETY: the context is open; the index is checked against its count.
        unsafe {
            let context = self.context.as_ptr();
            (index < (*context).nb_streams as usize).then(|| *(*context).streams.add(index))
        }
    }

    /// Reads the next packet of any stream that is not discarded.
    ///
    /// Streams may appear while reading (MPEG-TS); [`streams`](Self::streams)
    /// has them by the time their first packet is returned.
    ///
    /// # Errors
    ///
    /// If reading fails, the input ends too early for its format, or the interrupt is triggered.
    /// The proper end is not an error.
    pub fn read(&mut self) -> Result<Read, Error> {
        if self.is_closed() {
            return Ok(Read::End);
        }
        loop {
            let packet = AvPacket::blank();
            let capture = Capture::start();
            // SAFETY: the context is open and ours alone; the packet is blank.
            let code = unsafe { sys::av_read_frame(self.context.as_ptr(), packet.as_ptr()) };
            match code {
                0.. if self.is_discarded(packet.stream_index()) => {}
                0.. => {
                    if packet.stream_index() >= self.streams.len() {
                        self.refresh_streams();
                    }
                    return Ok(Read::Packet(packet));
                }
                sys::AGAIN => return Ok(Read::Again),
                sys::AVERROR_EOF => return self.end(capture.take()),
                code => return Err(self.failure(code, capture.take())),
            }
        }
    }

    /// FFmpeg still returns what it had read before a stream was discarded.
    fn is_discarded(&mut self, index: usize) -> bool {
        let all = sys::AVDiscard::AVDISCARD_ALL as i32;
        // SAFETY: the stream belongs to the open context.
        self.stream_ptr(index)
            .is_some_and(|stream| unsafe { sys::get_enum!(stream, discard) } >= all)
    }

    fn failure(&self, code: i32, lines: Vec<Line>) -> Error {
        let lines = lines.iter().map(|line| strip_url(&line.text, &self.url));
        let operation = format!("cannot read from '{}'", self.url);
        Error::from_code(operation, code).with_details(lines.collect())
    }

    /// FFmpeg reports some I/O errors as an end of file; the context knows. An end that it
    /// complains about comes too early.
    fn end(&self, lines: Vec<Line>) -> Result<Read, Error> {
        // SAFETY: the context is open; formats without a file have no `pb`.
        let error = unsafe {
            let pb = (*self.context.as_ptr()).pb;
            if pb.is_null() { 0 } else { (*pb).error }
        };
        if error < 0 && error != sys::AVERROR_EOF {
            return Err(self.failure(error, lines));
        }
        if lines.is_empty() {
            Ok(Read::End)
        } else {
            Err(self.failure(sys::AVERROR_EOF, lines))
        }
    }

    /// Moves to the key frame nearest to `target` within `range`, all in
    /// microseconds of the container's time line. Decoders must be flushed.
    ///
    /// # Errors
    ///
    /// If the input cannot be positioned there, or is closed.
    pub fn seek(
        &mut self,
        target: Timestamp,
        range: RangeInclusive<Timestamp>,
    ) -> Result<(), Error> {
        let operation = || format!("cannot seek to {target} in '{}'", self.url);
        if self.is_closed() {
            let message = "it is closed, as it could not be opened again";
            return Err(Error::new(operation(), ErrorKind::InvalidArgument, message));
        }
        let (low, high) = (range.start().micros(), range.end().micros());
        let capture = Capture::start();
        // SAFETY: the context is open and ours alone; -1 means the common time line.
        let code = unsafe {
            sys::avformat_seek_file(self.context.as_ptr(), -1, low, target.micros(), high, 0)
        };
        if code < 0 {
            let lines = capture.take().into_iter().map(|line| line.text).collect();
            return Err(Error::from_code(operation(), code).with_details(lines));
        }
        Ok(())
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: ours, open or blank; a reader given to it is freed afterwards.
        unsafe { sys::avformat_close_input(&mut context) };
    }
}

fn find_format(url: &str, name: Option<&str>) -> Result<*const sys::AVInputFormat, Error> {
    let Some(name) = name else {
        return Ok(ptr::null());
    };
    let text = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    let format = unsafe { sys::av_find_input_format(text.as_ptr()) };
    if format.is_null() {
        let known = names::demuxers();
        let known = known.iter().flat_map(|names| names.split(','));
        return Err(Error::new(
            format!("cannot open input '{url}'"),
            ErrorKind::Unknown,
            format!("no input format '{name}'"),
        )
        .with_hint(did_you_mean(name, known)));
    }
    Ok(format)
}

fn is_no_file(format: *const sys::AVInputFormat) -> bool {
    // SAFETY: `find_format` returned a static table entry.
    unsafe { (*format).flags & sys::AVFMT_NOFILE != 0 }
}

fn cannot_open(url: &str, code: i32, lines: Vec<Line>) -> Error {
    let lines = lines.iter().map(|line| strip_url(&line.text, url));
    let error = Error::from_code(format!("cannot open input '{url}'"), code);
    explain_open(error.with_details(lines.collect()), url)
}

/// FFmpeg begins some lines with the URL, which the error names already.
fn strip_url(line: &str, url: &str) -> String {
    line.strip_prefix(url)
        .map_or(line, |rest| rest.trim_start_matches([':', ' ']))
        .to_owned()
}

/// Says plainly what is wrong with local files that FFmpeg only calls invalid.
fn explain_open(error: Error, url: &str) -> Error {
    let path = Path::new(url.strip_prefix("file:").unwrap_or(url));
    match path.metadata() {
        Ok(meta) if meta.is_dir() => error.with_message(ErrorKind::NotAFile, "it is a directory"),
        Ok(meta) if meta.is_file() && meta.len() == 0 => {
            error.with_message(ErrorKind::InvalidData, "the file is empty")
        }
        Ok(_) if error.kind() == ErrorKind::InvalidData => error.with_hint(Some(
            "the file may be cut off, or is no media file that this FFmpeg knows".into(),
        )),
        _ => error,
    }
}
