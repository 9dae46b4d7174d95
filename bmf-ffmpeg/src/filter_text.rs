//! From filter text to filters with open pads, and what is wrong with the text.
//!
//! Only parsing: nothing is connected or configured here. FFmpeg reports a bad
//! text through its log; those lines become the error and its hint.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use bmf_hmp::MediaKind;

use crate::error::{Error, ErrorKind};
use crate::log::{Capture, Line};
use crate::names::{self, FilterInfo, media_kind};
use crate::options::did_you_mean;
use crate::sys;

/// An `AVFilterGraph` of our own.
#[derive(Debug)]
pub(crate) struct GraphPtr(NonNull<sys::AVFilterGraph>);

impl GraphPtr {
    fn new() -> Self {
        // SAFETY: allocates an empty graph.
        let graph = unsafe { sys::avfilter_graph_alloc() };
        Self(NonNull::new(graph).unwrap_or_else(|| sys::out_of_memory::<sys::AVFilterGraph>()))
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::AVFilterGraph {
        self.0.as_ptr()
    }
}

impl Drop for GraphPtr {
    fn drop(&mut self) {
        let mut graph = self.as_ptr();
        // SAFETY: ours; its filters go with it.
        unsafe { sys::avfilter_graph_free(&mut graph) };
    }
}

/// An input or output that a filter text leaves unconnected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPad {
    /// The label in brackets, if there is one.
    pub label: Option<String>,
    /// Video or audio.
    pub kind: MediaKind,
    /// Name of the filter it belongs to.
    pub filter: String,
}

/// An open pad and where it is.
#[derive(Debug)]
pub(crate) struct PadSlot {
    pub(crate) pad: OpenPad,
    pub(crate) context: *mut sys::AVFilterContext,
    pub(crate) index: c_int,
}

/// A parsed text.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) graph: GraphPtr,
    pub(crate) inputs: Vec<PadSlot>,
    pub(crate) outputs: Vec<PadSlot>,
}

impl Parsed {
    /// Parses `text`. Threads and scaler options must be known before.
    pub(crate) fn new(text: &str, threads: Option<u32>, scaler: &str) -> Result<Self, Error> {
        let graph = GraphPtr::new();
        let (c_text, scaler) = (sys::c_string(text), sys::c_string(scaler));
        let (mut inputs, mut outputs) = (ptr::null_mut(), ptr::null_mut());
        let capture = Capture::start();
        // SAFETY: the graph is ours and empty; it frees the duplicated string;
        // the lists are written by FFmpeg and taken over below.
        let code = unsafe {
            (*graph.as_ptr()).nb_threads = threads.map_or(0, sys::int);
            (*graph.as_ptr()).scale_sws_opts = sys::av_strdup(scaler.as_ptr());
            sys::avfilter_graph_parse2(graph.as_ptr(), c_text.as_ptr(), &mut inputs, &mut outputs)
        };
        // SAFETY: null or lists whose ownership FFmpeg has passed to us; the
        // filters they name live in the graph.
        let (inputs, outputs) = unsafe { (take_list(inputs, true), take_list(outputs, false)) };
        if code < 0 {
            return Err(explain(text, code, &capture.take()));
        }
        Ok(Self {
            graph,
            inputs,
            outputs,
        })
    }
}

/// Decides which pad each of `wanted` (label and kind, where given) stands for.
///
/// A label picks the pad of that name; the others take the remaining pads in
/// order. Every pad must be taken: FFmpeg cannot run with a loose end.
pub(crate) fn assign(
    text: &str,
    side: &str,
    pads: &[PadSlot],
    wanted: &[(Option<&str>, Option<MediaKind>)],
) -> Result<Vec<usize>, Error> {
    let fail = |message: String| {
        Error::new(
            format!("cannot connect filter graph '{text}'"),
            ErrorKind::InvalidArgument,
            message,
        )
    };
    if wanted.len() != pads.len() {
        let message = format!(
            "it has {} open {side}s, but {} were given",
            pads.len(),
            wanted.len()
        );
        let hint = (!pads.is_empty()).then(|| format!("its open {side}s are: {}", list(pads)));
        return Err(fail(message).with_hint(hint));
    }
    let mut chosen: Vec<Option<usize>> = vec![None; wanted.len()];
    for (slot, (label, _)) in chosen.iter_mut().zip(wanted) {
        let Some(label) = label else { continue };
        let found = pads
            .iter()
            .position(|slot| slot.pad.label.as_deref() == Some(*label));
        *slot = Some(found.ok_or_else(|| {
            fail(format!("it has no open {side} '{label}'"))
                .with_hint(Some(format!("its open {side}s are: {}", list(pads))))
        })?);
    }
    let mut free: Vec<usize> = (0..pads.len())
        .rev()
        .filter(|index| !chosen.contains(&Some(*index)))
        .collect();
    let mut result = Vec::with_capacity(wanted.len());
    for (slot, (label, kind)) in chosen.into_iter().zip(wanted) {
        let index = slot.or_else(|| free.pop()).ok_or_else(|| {
            fail(format!(
                "{side} '{}' was given twice",
                label.unwrap_or_default()
            ))
        })?;
        if kind.is_some_and(|kind| kind != pads[index].pad.kind) {
            let pad = &pads[index].pad;
            let given = kind.unwrap_or(MediaKind::Data).name();
            return Err(fail(format!(
                "{side} {} takes {}, but {given} was given",
                name(pad),
                pad.kind.name()
            )));
        }
        result.push(index);
    }
    if !free.is_empty() {
        return Err(fail(format!("the same {side} was given twice")));
    }
    Ok(result)
}

fn list(pads: &[PadSlot]) -> String {
    pads.iter()
        .map(|slot| name(&slot.pad))
        .collect::<Vec<_>>()
        .join(", ")
}

fn name(pad: &OpenPad) -> String {
    match &pad.label {
        Some(label) => format!("[{label}]"),
        None => format!("of {}", pad.filter),
    }
}

/// Copies a list of open pads and frees it.
///
/// # Safety
///
/// `list` is null or a list we own, of filters that are alive.
unsafe fn take_list(mut list: *mut sys::AVFilterInOut, input: bool) -> Vec<PadSlot> {
    let mut slots = Vec::new();
    let mut entry = list;
    while !entry.is_null() {
        // SAFETY: the caller's promise; the pad index is one of the filter's pads.
        unsafe {
            let context = (*entry).filter_ctx;
            let pads = if input {
                (*context).input_pads
            } else {
                (*context).output_pads
            };
            let label = sys::text((*entry).name);
            slots.push(PadSlot {
                pad: OpenPad {
                    label: (!label.is_empty()).then_some(label),
                    kind: media_kind(sys::avfilter_pad_get_type(pads, (*entry).pad_idx)),
                    filter: sys::text((*(*context).filter).name),
                },
                context,
                index: (*entry).pad_idx,
            });
            entry = (*entry).next;
        }
    }
    // SAFETY: ours; frees the list, not the filters.
    unsafe { sys::avfilter_inout_free(&mut list) };
    slots
}

/// Makes an error of a failed parse or configuration.
pub(crate) fn explain(text: &str, code: c_int, lines: &[Line]) -> Error {
    let hint = lines.iter().find_map(hint);
    Error::from_code(format!("cannot build filter graph '{text}'"), code)
        .with_details(lines.iter().map(|line| line.text.clone()).collect())
        .with_hint(hint)
}

fn hint(line: &Line) -> Option<String> {
    let quoted = line.text.split('\'').nth(1)?;
    if line.text.starts_with("No such filter") {
        let known = names::filters();
        return did_you_mean(quoted, known.iter().map(String::as_str));
    }
    if line.text.starts_with("Option '") {
        // The speaker is "Parsed_<filter>_<number>".
        let filter = line.speaker.strip_prefix("Parsed_")?.rsplit_once('_')?.0;
        let info = FilterInfo::find(filter)?;
        return did_you_mean(quoted, info.options.iter().map(String::as_str))
            .or_else(|| Some(format!("see the options of filter '{filter}'")));
    }
    None
}
