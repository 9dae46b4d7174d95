//! What the host makes for plugins in other languages.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::Mutex;

use bmf_abi as abi;
use bmf_bridge::host::table;
use bmf_hmp::{AudioFrame, Packet, PixelFormat, VideoFrame, border};

fn api() -> &'static abi::MediaApi {
    // SAFETY: the host's table lives as long as the process.
    unsafe { &*table().media }
}

/// The packet that `make` makes, or why it does not.
fn made(
    make: impl FnOnce(*mut abi::Packet, *const abi::ErrorSink) -> i32,
) -> Result<Packet, String> {
    unsafe extern "C" fn report(target: *mut c_void, error: *const abi::ErrorInfo) {
        // SAFETY: the string below; the text is lent for the call.
        unsafe {
            let text = (*error).message;
            let text = std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len);
            *target.cast::<String>() = String::from_utf8(text.to_vec()).unwrap();
        }
    }
    let (mut message, mut out) = (String::new(), MaybeUninit::uninit());
    let target = (&raw mut message).cast();
    match make(out.as_mut_ptr(), &abi::ErrorSink { target, report }) {
        // SAFETY: filled in, as the code says.
        abi::OK => Ok(unsafe { Packet::from_raw(out.assume_init()) }.unwrap()),
        code => {
            assert_eq!(code, abi::FAILED);
            Err(message)
        }
    }
}

/// The description of a picture that has no pixels yet.
fn described(format: &'static str) -> abi::VideoView {
    let frame = VideoFrame::zeroed(PixelFormat::Gray, 8, 6).unwrap();
    let view = border::video_view(&frame);
    abi::VideoView {
        format: abi::Str::new(format),
        plane_count: 0,
        planes: [NO_PLANE; 4],
        pts: 3,
        ..view
    }
}

#[test]
fn pictures_are_made_shared_and_written() {
    let view = described("yuv420p");
    // SAFETY: the views are of this program, and so are the packets.
    unsafe {
        let picture = made(|out, error| (api().video)(7, &view, out, error)).unwrap();
        let frame = picture.get::<VideoFrame>().unwrap();
        assert_eq!(
            (frame.format(), frame.width(), frame.pts),
            (PixelFormat::Yuv420p, 8, Some(3))
        );
        let shared = border::video_view(frame);
        let second = made(|out, error| (api().video)(8, &shared, out, error)).unwrap();
        let planes = |packet: &Packet| {
            let frame = packet.get::<VideoFrame>().unwrap();
            frame.planes()[0].buffer().as_ptr()
        };
        assert_eq!(planes(&picture), planes(&second));
        // What is shared is copied before it is written, and not otherwise.
        let mut raw = second.into_raw();
        for _ in 0..2 {
            let mut out = MaybeUninit::<abi::VideoView>::uninit();
            let code = (api().video_for_writing)(&mut raw, out.as_mut_ptr(), std::ptr::null());
            assert_eq!(code, abi::OK);
            let plane = out.assume_init().planes[0];
            assert_ne!(plane.data.cast_const(), planes(&picture));
            plane.data.write(200);
        }
        let second = Packet::from_raw(raw).unwrap();
        assert_eq!(
            second.get::<VideoFrame>().unwrap().row(0, 0).unwrap()[0],
            200
        );
        assert_eq!(second.timestamp().micros(), 8);
    }
    let wrong = |view: abi::VideoView| {
        // SAFETY: as above.
        made(|out, error| unsafe { (api().video)(0, &view, out, error) }).unwrap_err()
    };
    insta::assert_snapshot!(wrong(described("nonsense")), @"'nonsense' is no pixel format: use FFmpeg's names, such as yuv420p, nv12 or rgba (ffmpeg -pix_fmts lists them)");
    insta::assert_snapshot!(wrong(abi::VideoView { size: 8, ..view }), @"the view that describes it is too small");
    insta::assert_snapshot!(wrong(abi::VideoView { plane_count: 2, ..view }), @"yuv420p has 3 plane(s), but 2 were given");
}

#[test]
fn sound_has_as_many_planes_as_channels() {
    let view = abi::AudioView {
        size: size_of::<abi::AudioView>(),
        format: abi::Str::new("fltp"),
        samples: 4,
        sample_rate: 48_000,
        channels: 10,
        channel_mask: 0,
        plane_count: 0,
        reserved: 0,
        pts: abi::NONE,
        duration: 0,
        time_base: abi::Rational {
            num: 1,
            den: 48_000,
        },
        planes: [NO_PLANE; 8],
    };
    // SAFETY: the view is of this program, and so is the packet.
    unsafe {
        let sound = made(|out, error| (api().audio)(7, &view, out, error)).unwrap();
        assert_eq!(sound.get::<AudioFrame>().unwrap().planes().len(), 10);
        let mut raw = sound.into_raw();
        let mut out = MaybeUninit::<abi::AudioView>::uninit();
        let code = (api().audio_for_writing)(&mut raw, out.as_mut_ptr(), std::ptr::null());
        assert_eq!((code, out.assume_init().plane_count), (abi::OK, 10));
        drop(Packet::from_raw(raw));
    }
}

const NO_PLANE: abi::Plane = abi::Plane {
    data: null_mut(),
    len: 0,
    slack: 0,
    stride: 0,
    buffer: null_mut(),
};

#[test]
fn plain_values_go_by_their_tag() {
    let bytes = |tag, bytes: &'static [u8]| {
        let bytes = abi::Str {
            ptr: bytes.as_ptr().cast(),
            len: bytes.len(),
        };
        // SAFETY: texts of this program.
        made(|out, error| unsafe { (api().bytes)(1, abi::Str::new(tag), bytes, out, error) })
    };
    let integer = |tag, value| {
        // SAFETY: as above.
        made(|out, error| unsafe { (api().integer)(1, abi::Str::new(tag), value, out, error) })
    };
    assert_eq!(
        bytes("bmf.bytes", b"\xff").unwrap().get::<Vec<u8>>(),
        Some(&vec![0xff])
    );
    assert_eq!(
        bytes("bmf.text", b"a").unwrap().get::<String>(),
        Some(&"a".to_owned())
    );
    let json = bytes("bmf.json", b"[1]").unwrap();
    assert_eq!(
        json.get::<serde_json::Value>(),
        Some(&serde_json::json!([1]))
    );
    assert_eq!(integer("bmf.int", -4).unwrap().get::<i64>(), Some(&-4));
    assert_eq!(integer("bmf.bool", 1).unwrap().get::<bool>(), Some(&true));
    let errors = [
        bytes("bmf.text", b"\xff").unwrap_err(),
        bytes("bmf.json", b"[1").unwrap_err(),
        bytes("bmf.int", b"1").unwrap_err(),
        integer("bmf.text", 1).unwrap_err(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    no text: invalid utf-8 sequence of 1 bytes from index 0
    no JSON: EOF while parsing a list at line 1 column 2
    packets of bmf.int are not made of bytes
    packets of bmf.text are not made of a number
    ");
}

#[test]
fn metadata_and_memory() {
    // SAFETY: views, texts and packets are of this program.
    unsafe {
        let view = described("rgb24");
        let mut raw = made(|out, error| (api().video)(0, &view, out, error))
            .unwrap()
            .into_raw();
        let mut set = |key, value| {
            let (key, value) = (abi::Str::new(key), abi::Str::new(value));
            assert_eq!(
                (api().set_metadata)(&mut raw, key, value, std::ptr::null()),
                abi::OK
            );
            let packet = Packet::clone_raw(&raw).unwrap();
            let metadata = &packet.get::<VideoFrame>().unwrap().metadata;
            metadata.as_ref().map(|entries| format!("{entries:?}"))
        };
        assert_eq!(set("a", "1").as_deref(), Some(r#"{"a": "1"}"#));
        assert_eq!(set("b", "2").as_deref(), Some(r#"{"a": "1", "b": "2"}"#));
        assert_eq!((set("a", "").is_some(), set("b", "")), (true, None));
        drop(Packet::from_raw(raw));

        let mut plane = NO_PLANE;
        assert_eq!((api().buffer)(100, &mut plane, std::ptr::null()), abi::OK);
        assert!(plane.len == 100 && plane.data.addr().is_multiple_of(64));
        plane.data.write_bytes(1, 100);
        let view = abi::EncodedView {
            size: size_of::<abi::EncodedView>(),
            data: plane,
            pts: abi::NONE,
            dts: abi::NONE,
            duration: 0,
            time_base: abi::Rational { num: 0, den: 1 },
            media: 3,
            stream_index: 0,
            key_frame: 1,
            reserved: 0,
        };
        let encoded = made(|out, error| (api().encoded)(0, &view, out, error)).unwrap();
        assert_eq!(encoded.bytes(), 100);
        // The reference that came with the memory.
        let kept = bmf_hmp::Buffer::from_plane(&plane, bmf_hmp::Device::Cpu).unwrap();
        drop(encoded);
        let buffer = plane.buffer;
        assert_eq!(
            (*buffer)
                .refs
                .fetch_sub(1, std::sync::atomic::Ordering::AcqRel),
            2
        );
        assert!(kept.is_unique());
    }
}

/// Takes down what is logged for this test.
struct Notes(Mutex<Vec<String>>);

impl log::Log for Notes {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "by hand" {
            let (file, line) = (record.file(), record.line());
            let note = format!("{} {} {file:?} {line:?}", record.level(), record.args());
            self.0.lock().unwrap().push(note);
        }
    }

    fn flush(&self) {}
}

#[test]
fn what_a_plugin_logs_is_logged() {
    static NOTES: Notes = Notes(Mutex::new(Vec::new()));
    log::set_logger(&NOTES).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let say = |level, size, line, file| {
        let record = abi::LogRecord {
            size,
            level,
            line,
            target: abi::Str::new("by hand"),
            file: abi::Str::new(file),
            message: abi::Str::new("something"),
        };
        // SAFETY: texts of this program.
        unsafe { (table().log)(&record) };
    };
    let size = size_of::<abi::LogRecord>();
    say(1, size, 5, "file.c");
    say(3, size, 0, "");
    say(4, size, 0, "");
    say(1, 8, 0, "");
    // SAFETY: a function of the host.
    assert_eq!(unsafe { (table().log_level)() }, 3);
    insta::assert_debug_snapshot!(*NOTES.0.lock().unwrap(), @r#"
    [
        "ERROR something Some(\"file.c\") Some(5)",
        "INFO something None None",
    ]
    "#);
}
