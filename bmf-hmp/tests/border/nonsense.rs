//! What cannot be is not read: no crash, no panic, no value.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::atomic::{AtomicPtr, AtomicUsize};

use bmf_abi as abi;
use bmf_hmp::{
    AudioFormat, AudioFrame, Buffer, ChannelLayout, EncodedPacket, MediaKind, Packet, Payload,
    PixelFormat, SampleFormat, Tensor, TimeBase, Timestamp, VideoFrame,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::twin::{answering, liar};

fn packet<T: Payload>(value: T) -> Packet {
    Packet::new(Timestamp::ZERO, value)
}

fn video() -> Packet {
    packet(VideoFrame::zeroed(PixelFormat::Yuv420p, 16, 16).unwrap())
}

fn audio() -> Packet {
    let format = AudioFormat {
        sample: SampleFormat::F32,
        planar: true,
        layout: ChannelLayout::unspecified(10).unwrap(),
        sample_rate: 48_000,
    };
    packet(AudioFrame::zeroed(format, 100).unwrap())
}

fn encoded() -> Packet {
    let data = Buffer::from_vec(vec![1, 2, 3]);
    packet(EncodedPacket::new(data, MediaKind::Video, TimeBase::MICROS))
}

fn tensor() -> Packet {
    packet(Tensor::from_elements(&[1_i32, 2, 3, 4, 5, 6], &[2, 3]).unwrap())
}

fn forever<T>(numbers: &'static [T]) -> *const T {
    numbers.as_ptr()
}

/// Asserts that no value is made of a view with a lie in it.
macro_rules! refused {
    ($type:ty, $inner:expr, $view:ident, $($lie:expr),+ $(,)?) => {
        $({
            let lie: fn(&mut abi::$view) = $lie;
            let packet = liar($inner, abi::$view::KIND, lie);
            assert!(packet.get::<$type>().is_none(), "{}", stringify!($lie));
            assert!(packet.into_inner::<$type>().is_err());
        })+
    };
}

#[test]
fn pictures() {
    refused!(
        VideoFrame,
        video(),
        VideoView,
        |view| view.width = 0,
        |view| view.height = u32::MAX,
        |view| view.format = abi::Str::new("yuv421p"),
        |view| view.format = abi::Str::EMPTY,
        |view| view.format.ptr = std::ptr::null(),
        |view| view.format.len = usize::MAX,
        |view| view.format = abi::Str {
            ptr: c"\xff".as_ptr(),
            len: 1
        },
        |view| view.plane_count = 2,
        |view| view.plane_count = 5,
        |view| view.plane_count = u32::MAX,
        |view| view.device_kind = 7,
        |view| view.planes[1].data = std::ptr::null_mut(),
        |view| view.planes[2].buffer = std::ptr::null_mut(),
        |view| view.planes[0].len = 10,
        |view| view.planes[0].len = usize::MAX,
        |view| view.planes[0].slack = usize::MAX,
        |view| view.planes[0].stride = 15,
        |view| view.planes[0].stride = 0,
        |view| view.planes[0].stride = isize::MIN,
        |view| view.planes[0].stride = isize::MAX,
        |view| {
            view.pts = 3;
            view.time_base.den = 0
        },
        |view| {
            view.duration = 3;
            view.time_base.num = -1
        },
    );
}

#[test]
fn sound() {
    refused!(
        AudioFrame,
        audio(),
        AudioView,
        |view| view.format = abi::Str::new("f32"),
        |view| view.format.ptr = std::ptr::null(),
        |view| view.format = abi::Str::new("flt"),
        |view| view.samples = 1000,
        |view| view.samples = u64::MAX,
        |view| view.sample_rate = 0,
        |view| view.channels = 0,
        |view| view.channels = u32::MAX,
        |view| view.channels = 9,
        |view| {
            view.channels = 11;
            view.plane_count = 11
        },
        |view| view.channel_mask = 0x7,
        |view| view.plane_count = 8,
        |view| view.planes[7].data = std::ptr::null_mut(),
        |view| view.planes[7].len = 399,
        |view| {
            let plane = &mut view.planes[7];
            (plane.data, plane.slack) = (plane.data.wrapping_add(2), 0);
        },
        |view| {
            view.pts = 3;
            view.time_base.den = 0
        },
    );
    refused!(
        AudioFrame,
        audio(),
        PlaneView,
        |view| view.plane.buffer = std::ptr::null_mut(),
        |view| view.plane.len = 399,
        |view| view.plane.data = view.plane.data.wrapping_add(2),
    );
}

#[test]
fn encoded_pieces() {
    refused!(
        EncodedPacket,
        encoded(),
        EncodedView,
        |view| view.media = 4,
        |view| view.data.data = std::ptr::null_mut(),
        |view| view.data.buffer = std::ptr::null_mut(),
        |view| {
            view.dts = 3;
            view.time_base.den = 0
        },
    );
}

#[test]
fn arrays() {
    refused!(
        Tensor,
        tensor(),
        TensorView,
        |view| view.scalar = abi::Str::new("u128"),
        |view| view.scalar.ptr = std::ptr::null(),
        |view| view.device_kind = 2,
        |view| view.dimensions = 65,
        |view| view.dimensions = usize::MAX,
        |view| view.shape = std::ptr::null(),
        |view| view.strides = std::ptr::null(),
        |view| view.strides = view.strides.wrapping_byte_add(1),
        |view| view.shape = forever(&[3, 3]),
        |view| view.shape = forever(&[usize::MAX, usize::MAX]),
        |view| view.strides = forever(&[4, 1]),
        |view| view.strides = forever(&[isize::MAX, isize::MAX]),
        |view| view.strides = forever(&[isize::MIN, isize::MIN]),
        |view| {
            view.shape = forever(&[2, usize::MAX]);
            view.strides = forever(&[0, 0])
        },
        |view| view.data.len = 23,
        |view| view.data.data = view.data.data.wrapping_add(2),
        |view| view.data.data = std::ptr::null_mut(),
    );
}

#[test]
fn bytes_and_packets() {
    let text = || packet("text".to_owned());
    refused!(
        String,
        text(),
        BytesView,
        |view| view.data = std::ptr::null(),
        |view| view.len = usize::MAX,
        |view| view.data = b"\xff\xff\xff\xff".as_ptr(),
    );
    refused!(Vec<u8>, packet(vec![1_u8]), BytesView, |view| view.data =
        std::ptr::null());
    let batch = || packet(vec![text()]);
    refused!(
        Vec<Packet>,
        batch(),
        PacketsView,
        |view| view.packets = std::ptr::null(),
        |view| view.len = usize::MAX,
        |view| view.packets = view.packets.wrapping_byte_add(1),
        |view| view.packets = &abi::Packet {
            timestamp: 0,
            payload: std::ptr::null_mut()
        },
    );
    let no_truth = liar(packet(true), abi::BytesView::INT, |int: &mut i64| *int = 2);
    assert!(no_truth.get::<bool>().is_none());
}

/// Writes a text in pieces into the sink that was asked with.
fn say(kind: u32, out: *mut c_void, pieces: &[&'static [u8]]) -> bool {
    // SAFETY: what the contract says for this kind.
    let sink = (kind == abi::BytesView::TEXT).then(|| unsafe { out.cast::<abi::Sink>().read() });
    for piece in pieces {
        let text = abi::Str {
            ptr: piece.as_ptr().cast(),
            len: piece.len(),
        };
        // SAFETY: the sink is lent for this call.
        sink.iter()
            .for_each(|sink| unsafe { (sink.write)(sink.target, text) });
    }
    sink.is_some()
}

#[test]
fn json() {
    for (pieces, read) in [
        (vec![&b"[1,"[..], b"", b"2]"], Some("[1,2]")),
        (vec![b"\"\xc3", b"\xbc\""], Some("\"ü\"")),
        (vec![b"[1,"], None),
        (vec![b"\"\xff\""], None),
        (vec![], None),
    ] {
        let packet = answering(packet(Value::Null), move |kind, out| {
            say(kind, out, &pieces)
        });
        let text = packet.get::<Value>().map(ToString::to_string);
        assert_eq!(text.as_deref(), read);
    }
}

#[test]
fn who_shows_nothing_is_not_read() {
    macro_rules! silent {
        ($($type:ty: $inner:expr,)+) => {$(
            let packet = answering($inner, |_, _| false);
            assert!(!packet.is::<$type>(), "{}", stringify!($type));
        )+};
    }
    silent! {
        VideoFrame: video(), AudioFrame: audio(), EncodedPacket: encoded(), Tensor: tensor(),
        String: packet("a".to_owned()), Vec<u8>: packet(vec![1_u8]), Value: packet(Value::Null),
        i64: packet(1_i64), bool: packet(true), Vec<Packet>: packet(Vec::<Packet>::new()),
    }
}

#[test]
fn a_reader_with_too_small_a_view_gets_none() {
    let packet = video();
    let ask = |kind: u32, out: *mut c_void| {
        let payload = packet.as_raw().payload;
        // SAFETY: the payload is alive; `out` starts with a size or is null.
        unsafe { ((*(*payload).vtable).view)(payload, kind, out) != 0 }
    };
    let mut size = size_of::<abi::PlaneView>() - 1;
    let out: *mut c_void = (&raw mut size).cast();
    for kind in [
        abi::VideoView::KIND,
        abi::PlaneView::KIND,
        abi::AudioView::KIND,
        0,
        99,
    ] {
        let null = std::ptr::null_mut();
        assert!(!ask(kind, null));
        assert!(!ask(kind, out));
    }
    assert!(!ask(abi::PlaneView::METADATA, std::ptr::null_mut()));
}

#[test]
fn what_is_no_payload_is_no_packet() {
    let raw = |payload| abi::Packet {
        timestamp: 0,
        payload,
    };
    // SAFETY: null may be given.
    assert!(unsafe { Packet::from_raw(raw(std::ptr::null_mut())) }.is_none());
    let mut header = abi::Payload {
        refs: AtomicUsize::new(1),
        vtable: std::ptr::null(),
        imports: AtomicPtr::default(),
    };
    // SAFETY: the header is alive, and says itself that it is not of the contract.
    assert!(unsafe { Packet::clone_raw(&raw(&raw mut header)) }.is_none());
    let is_packet = |header: &mut abi::Payload| {
        // SAFETY: as above.
        unsafe { Packet::clone_raw(&raw(header)) }.is_some()
    };
    let size = 8_usize;
    header.vtable = (&raw const size).cast();
    assert!(!is_packet(&mut header));
    // Without a function that must be there.
    let words = size_of::<abi::PayloadVtable>() / size_of::<usize>();
    for missing in [
        offset_of!(abi::PayloadVtable, destroy),
        offset_of!(abi::PayloadVtable, bytes),
        offset_of!(abi::PayloadVtable, view),
    ] {
        let mut table = vec![1_usize; words];
        table[0] = size_of::<abi::PayloadVtable>();
        table[missing / size_of::<usize>()] = 0;
        header.vtable = table.as_ptr().cast();
        assert!(!is_packet(&mut header));
        header.vtable = header.vtable.wrapping_byte_add(1);
        assert!(!is_packet(&mut header));
    }
    let crooked = (&raw mut header).wrapping_byte_add(1);
    // SAFETY: as above.
    assert!(unsafe { Packet::clone_raw(&raw(crooked)) }.is_none());
    assert_eq!(header.refs.into_inner(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Whatever numbers a view has, all that is read lies within the memory it names.
    #[test]
    fn any_numbers(
        (width, height) in (0..40_u32, 0..40_u32),
        format in prop::sample::select(PixelFormat::ALL.to_vec()),
        count in 0..6_u32,
        lens in prop::array::uniform4(0..256_usize),
        strides in prop::array::uniform4(-40..40_isize),
        codes in any::<[u32; 6]>(),
    ) {
        let buffer = Buffer::from_vec(vec![7; 256]);
        let address = buffer.as_plane(0).data.expose_provenance();
        let keeper = packet(EncodedPacket::new(buffer.clone(), MediaKind::Data, TimeBase::MICROS));
        let lie = move |view: &mut abi::VideoView| {
            let _ = &keeper;
            (view.width, view.height, view.plane_count) = (width, height, count);
            view.format = abi::Str::new(format.name());
            for (index, plane) in view.planes.iter_mut().enumerate() {
                plane.data = std::ptr::with_exposed_provenance_mut(address);
                plane.buffer = keeper.get::<EncodedPacket>().unwrap().data.as_plane(0).buffer;
                (plane.len, plane.slack) = (lens[index], 256 - lens[index]);
                plane.stride = strides[index];
            }
            view.color_matrix = codes[0];
            view.color_range = codes[1];
            view.flags = codes[2];
            view.frame_rate.den = codes[3] as i32;
            view.sample_aspect_ratio.num = codes[4] as i32;
        };
        let packet = liar(video(), abi::VideoView::KIND, lie);
        if let Some(frame) = packet.get::<VideoFrame>() {
            let bytes = frame.to_packed_bytes().unwrap();
            prop_assert!(bytes.iter().all(|&byte| byte == 7));
            prop_assert_eq!(bytes.len(), frame.bytes());
        }
    }
}
