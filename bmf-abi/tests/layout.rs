//! The contract is frozen: its layout is compared with what it was, and with what C and C++ make of
//! the header.

#![expect(unsafe_code, reason = "addresses of fields")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod cc;

use std::fmt::Write as _;

use bmf_abi::*;

/// A type as both languages should see it.
struct Shape {
    name: &'static str,
    size: usize,
    align: usize,
    /// Name, offset, size.
    fields: Vec<(&'static str, usize, usize)>,
}

/// The size of what a pointer that is never read would point to.
const fn size_behind<T>(_: *const T) -> usize {
    size_of::<T>()
}

/// Shapes of structs. The pattern makes sure that no field is forgotten.
macro_rules! shapes {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        vec![$({
            let _all_fields = |$name { $($field: _),* }: $name| ();
            let place = std::mem::MaybeUninit::<$name>::uninit();
            let at = place.as_ptr();
            Shape {
                name: stringify!($name),
                size: size_of::<$name>(),
                align: align_of::<$name>(),
                fields: vec![$((
                    stringify!($field),
                    std::mem::offset_of!($name, $field),
                    // SAFETY: the address of a place within one allocation; nothing is read.
                    size_behind(unsafe { &raw const (*at).$field }),
                )),*],
            }
        }),*]
    };
}

fn contract() -> Vec<Shape> {
    shapes! {
        Str { ptr, len }
        Sink { target, write }
        PairSink { target, write }
        ErrorInfo { size, message, hint, port, timestamp }
        ErrorSink { target, report }
        Buffer { refs, vtable }
        BufferVtable { size, destroy, is_unique, extension }
        Payload { refs, vtable, imports }
        PayloadVtable { size, tag, image, destroy, bytes, view, extension }
        Import { next, image, drop }
        Packet { timestamp, payload }
        Rational { num, den }
        Plane { data, len, slack, stride, buffer }
        VideoView {
            size, format, width, height, plane_count, device_kind, device_index, flags, pts, duration,
            time_base, frame_rate, sample_aspect_ratio, color_primaries, color_transfer, color_matrix,
            color_range, chroma_location, reserved, planes,
        }
        AudioView {
            size, format, samples, sample_rate, channels, channel_mask, plane_count, reserved, pts,
            duration, time_base, planes,
        }
        EncodedView {
            size, data, pts, dts, duration, time_base, media, stream_index, key_frame, reserved,
        }
        TensorView { size, data, scalar, device_kind, device_index, dimensions, shape, strides }
        BytesView { size, data, len }
        PacketsView { size, packets, len }
        PlaneView { size, index, plane }
        PixelPlane { bits, log2_width, log2_height, reserved }
        PixelComponent { plane, step, offset, word, shift, depth, reserved }
        PixelFormat { size, name, plane_count, component_count, depth, flags, planes, components }
        ModuleType { size, data, describe, check, create, sharing, shorthand, extension }
        Module { data, vtable }
        ModuleVtable {
            size, open, start, promise, flush, process, close, report, destroy, extension,
        }
        Promise { kind, reserved, offset }
        Host {
            size, version_major, version_minor, name, log_level, log, task, context, media, extension,
        }
        LogRecord { size, level, line, target, file, message }
        TaskInput { packets, bound, flags, reserved }
        TaskOutput { room, flags, reserved }
        TaskApi {
            size, timestamp, inputs, outputs, input, output, pop, put_back, push, set_bound, end_job,
            end, flush_outputs,
        }
        Action { data, run, drop }
        ContextApi {
            size, node, is_strict, inputs, outputs, is_input_connected, is_output_connected,
            is_interrupted, on_interrupt, set_duration,
        }
        MediaApi {
            size, buffer, video, video_for_writing, audio, audio_for_writing, encoded, tensor, bytes,
            integer, set_metadata, pixel_format,
        }
        Plugin {
            size, version_major, version_minor, name, version, built_with, flags, rank, module_count,
            modules, extension,
        }
    }
}

/// `VideoView` is `bmf_video_view` in C.
fn c_name(name: &str) -> String {
    let mut out = "bmf".to_owned();
    for letter in name.chars() {
        if letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

const HEADER: &str = include_str!("../include/bmf.h");
/// What follows the contract in the header, which may change.
const TAIL: &str = include_str!("../include/bmf.tail.h");
const CHANGES: &str = include_str!("../CHANGES.md");

/// The snapshot is of a 64-bit machine; that the others agree with C is the next test's.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_layout_is_what_it_was() {
    let mut layout = format!("{VERSION_MAJOR}.{VERSION_MINOR}\n");
    for shape in contract() {
        write!(layout, "{} {}/{}:", shape.name, shape.size, shape.align).unwrap();
        for (name, offset, size) in shape.fields {
            write!(layout, " {name} {offset}+{size}").unwrap();
        }
        layout.push('\n');
    }
    let then = include_str!("layout.txt");
    if written("layout.txt", &layout) {
        return;
    }
    let changed = layout
        .lines()
        .filter(|line| !then.lines().any(|old| old == *line));
    let changed: Vec<_> = changed.collect();
    assert!(layout == then, "{FROZEN}\n{}", changed.join("\n"));
}

const FROZEN: &str = "the contract is frozen: plugins that exist were compiled with the old one. Growth goes through \
     an extension and a note in bmf-abi/CHANGES.md. Only after a new VERSION_MAJOR, or a new VERSION_MINOR that \
     changes no line of layout.txt but the first: run this test with BMF_WRITE_LAYOUT=1. What is no longer as it was:";

/// Replaces a file of what was, if that is what is wanted.
fn written(file: &str, text: &str) -> bool {
    let is_wanted = std::env::var_os("BMF_WRITE_LAYOUT").is_some();
    if is_wanted {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/");
        std::fs::write(format!("{folder}{file}"), text).unwrap();
    }
    is_wanted
}

/// The contract in C without comments and empty lines.
fn declarations(header: &str) -> String {
    let header = header.replace(TAIL, "");
    let mut pieces = header.split("/*");
    let mut code = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        code.push_str(piece.split_once("*/").unwrap().1);
    }
    let lines = code.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty());
    lines.fold(String::new(), |out, line| out + line + "\n")
}

/// Each constant, type and table of functions, on one line.
fn items(declarations: &str) -> Vec<String> {
    let (mut items, mut item, mut depth) = (Vec::new(), String::new(), 0);
    for line in declarations.lines().map(str::trim) {
        if line.starts_with("#define") {
            items.push(line.to_owned());
            continue;
        }
        if line.starts_with('#') || line == "extern \"C\" {" || (depth == 0 && line == "}") {
            continue;
        }
        item.push_str(line);
        item.push(' ');
        depth += line.matches('{').count();
        depth -= line.matches('}').count();
        if depth == 0 && line.ends_with(';') {
            items.push(std::mem::take(&mut item));
        }
    }
    items
}

#[test]
fn all_that_the_first_header_said_is_still_said() {
    let now = declarations(HEADER);
    let then = include_str!("bmf-1.0.h");
    if written("bmf-1.0.h", &now) {
        return;
    }
    let minor = "#define BMF_VERSION_MINOR ";
    let (then, now) = (items(then), items(&now));
    let changed = then
        .iter()
        .filter(|item| !item.starts_with(minor) && !now.contains(item));
    let changed: Vec<_> = changed.map(String::as_str).collect();
    assert!(changed.is_empty(), "{FROZEN}\n{}", changed.join("\n"));
    assert!(then.len() > 100, "only {} were read", then.len());
}

#[test]
fn each_version_has_its_note() {
    let note = format!("\n* {VERSION_MAJOR}.{VERSION_MINOR}: ");
    assert!(
        CHANGES.contains(&note),
        "bmf-abi/CHANGES.md says nothing of {VERSION_MAJOR}.{VERSION_MINOR}"
    );
    assert!(ENTRY_PREFIX.contains(&format!("_v{VERSION_MAJOR}_")));
}

#[test]
fn no_struct_of_the_header_is_forgotten() {
    let shapes = contract();
    for line in HEADER.lines() {
        let Some(name) = line
            .strip_prefix("struct ")
            .and_then(|rest| rest.strip_suffix(" {"))
        else {
            continue;
        };
        let known = shapes.iter().any(|shape| c_name(shape.name) == name);
        assert!(known, "{name} is missing in the table of this test");
    }
}

/// What C must find to be true.
fn assertions() -> String {
    let mut out =
        String::from("#include \"bmf.h\"\n#define SAME(is, meant) MUST((is) == (meant), #is)\n");
    for shape in contract() {
        let name = c_name(shape.name);
        writeln!(out, "SAME(sizeof({name}), {});", shape.size).unwrap();
        writeln!(out, "SAME(ALIGNMENT({name}), {});", shape.align).unwrap();
        for (field, offset, size) in shape.fields {
            writeln!(out, "SAME(offsetof({name}, {field}), {offset});").unwrap();
            writeln!(out, "SAME(sizeof((({name} *)0)->{field}), {size});").unwrap();
        }
    }
    for (name, value) in [
        ("BMF_VERSION_MAJOR", i64::from(VERSION_MAJOR)),
        ("BMF_VERSION_MINOR", i64::from(VERSION_MINOR)),
        ("BMF_FAILED", i64::from(FAILED)),
        ("BMF_PANICKED", i64::from(PANICKED)),
        ("BMF_FLOW_DONE", i64::from(ModuleVtable::DONE)),
        (
            "BMF_ENDING_FAILED",
            i64::from(ModuleVtable::ENDED_BY_FAILURE),
        ),
        ("BMF_INPUT_JOB_ENDED", i64::from(TaskInput::JOB_ENDED)),
        ("BMF_VIEW_VIDEO", i64::from(VideoView::KIND)),
        ("BMF_VIEW_METADATA", i64::from(PlaneView::METADATA)),
    ] {
        writeln!(out, "SAME({name}, {value});").unwrap();
    }
    writeln!(out, "SAME(BMF_NONE, INT64_MIN);").unwrap();
    out
}

#[test]
fn c_agrees_on_every_field() {
    let macros = "#define MUST _Static_assert\n#define ALIGNMENT _Alignof\n";
    cc::compile(
        "layout.c",
        &format!("{macros}{}", assertions()),
        &["-std=c11"],
    );
}

#[test]
fn cpp_agrees_on_every_field() {
    let macros = "#define MUST static_assert\n#define ALIGNMENT alignof\n";
    cc::compile(
        "layout.cpp",
        &format!("{macros}{}", assertions()),
        &["-std=c++14"],
    );
}
