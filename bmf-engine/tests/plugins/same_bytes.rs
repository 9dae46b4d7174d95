//! Packets on their way through libraries: nothing is copied, and they stay the same objects.

use std::sync::{Arc, Mutex};

use bmf_core::{Ending, Flow};
use bmf_engine::Port;
use bmf_hmp::{
    AudioFormat, AudioFrame, Buffer, ChannelLayout, EncodedPacket, MediaKind, Packet, PixelFormat,
    SampleFormat, Tensor, TimeBase, Timestamp, VideoFrame,
};

use crate::WORKERS;
use crate::kit::{add, lab};
use crate::support::{Lab, Run, Script};

/// Where the bytes of a packet are.
fn addresses(packet: &Packet) -> Vec<usize> {
    let of = |buffer: &Buffer| buffer.as_ptr().addr();
    if let Some(frame) = packet.get::<VideoFrame>() {
        let planes = frame.planes().iter();
        planes.map(|plane| of(plane.buffer())).collect()
    } else if let Some(frame) = packet.get::<AudioFrame>() {
        frame.planes().iter().map(of).collect()
    } else if let Some(encoded) = packet.get::<EncodedPacket>() {
        vec![of(&encoded.data)]
    } else {
        let tensor = packet.get::<Tensor>().unwrap();
        vec![of(tensor.buffer()) + tensor.offset() * tensor.dtype().bytes()]
    }
}

fn picture(format: PixelFormat) -> VideoFrame {
    let mut frame = VideoFrame::zeroed(format, 6, 4).unwrap();
    for plane in 0..frame.planes().len() {
        frame.plane_mut(plane).unwrap().0.fill(10);
    }
    frame
}

/// One packet of each kind that has bytes.
fn all_kinds() -> Vec<Packet> {
    let stereo = AudioFormat {
        sample: SampleFormat::F32,
        planar: true,
        layout: ChannelLayout::STEREO,
        sample_rate: 48_000,
    };
    let ten = AudioFormat {
        layout: ChannelLayout::unspecified(10).unwrap(),
        ..stereo
    };
    let data = Buffer::from_vec(vec![1, 2, 3, 4]);
    let encoded = EncodedPacket::new(data.slice(1..4), MediaKind::Video, TimeBase::MICROS);
    let tensor = Tensor::from_elements(&[1_i32, 2, 3, 4, 5, 6], &[2, 3]).unwrap();
    let part = tensor.slice(0, 1..2).unwrap();
    let at = Timestamp::from_micros;
    vec![
        Packet::new(at(0), picture(PixelFormat::Yuva420p)),
        Packet::new(at(1), picture(PixelFormat::Rgb24).crop(2, 1, 3, 2).unwrap()),
        Packet::new(at(2), AudioFrame::silence(stereo, 100).unwrap()),
        Packet::new(at(3), AudioFrame::silence(ten, 8).unwrap()),
        Packet::new(at(4), encoded),
        Packet::new(at(5), tensor),
        Packet::new(at(6), part),
    ]
}

/// A source of these packets.
fn source(lab: &mut Lab, packets: Vec<Packet>) -> Port {
    let mut packets = packets.into_iter();
    let script = Script::new(move |task| {
        Ok(match packets.next() {
            Some(packet) => {
                task.push(0, packet);
                Flow::More
            }
            None => Flow::Done,
        })
    });
    lab.add("source", &[], 1, script).into()
}

/// A sink, and what has come to it.
fn sink(lab: &mut Lab, input: Port) -> Arc<Mutex<Vec<Packet>>> {
    let arrived = Arc::<Mutex<Vec<Packet>>>::default();
    let keep = Arc::clone(&arrived);
    let script = Script::each(move |_, _, packet| {
        keep.lock().unwrap().push(packet);
        Ok(Flow::Wait)
    });
    lab.add("sink", &[input], 0, script.sink());
    arrived
}

fn reported(run: &Run, node: &str) -> u64 {
    run.node(node).report.counters.get("addresses").unwrap()
}

#[test]
fn what_passes_is_the_same_object() {
    for workers in WORKERS {
        let sent = all_kinds();
        let expected: Vec<Vec<usize>> = sent.iter().map(addresses).collect();
        let mut lab = lab();
        let source = source(&mut lab, sent.clone());
        let rust = add(&mut lab, "fixture_pass", source, |node| {
            node.option("look", true)
        });
        let c = add(&mut lab, "c_pass", rust, |node| node);
        let again = add(&mut lab, "fixture_pass", c, |node| {
            node.name("again").option("look", true)
        });
        let arrived = sink(&mut lab, again);
        let run = lab.run(workers).expect(Ending::Finished);
        let arrived = arrived.lock().unwrap();
        assert_eq!(arrived.iter().map(addresses).collect::<Vec<_>>(), expected);
        for (sent, arrived) in sent.iter().zip(&*arrived) {
            assert!(arrived.shares_payload(sent));
            assert_eq!(arrived.timestamp(), sent.timestamp());
        }
        // Both libraries have seen the bytes at the same place.
        let sum: usize = expected.iter().flatten().sum();
        for node in ["fixture_pass", "c_pass", "again"] {
            assert_eq!(reported(&run, node), sum as u64, "{node}");
        }
    }
}

/// `source -> fixture_invert -> c_pass -> sink`.
fn invert(workers: usize, packets: Vec<Packet>) -> Vec<Packet> {
    let mut lab = lab();
    let source = source(&mut lab, packets);
    let inverted = add(&mut lab, "fixture_invert", source, |node| node);
    let passed = add(&mut lab, "c_pass", inverted, |node| node);
    let arrived = sink(&mut lab, passed);
    lab.run(workers).expect(Ending::Finished);
    std::mem::take(&mut *arrived.lock().unwrap())
}

fn bytes(packet: &Packet) -> Vec<u8> {
    let frame = packet.get::<VideoFrame>().unwrap();
    frame.to_packed_bytes().unwrap()
}

#[test]
fn a_picture_that_nobody_else_has_is_changed_in_place() {
    for workers in WORKERS {
        let packets: Vec<Packet> = (0..5)
            .map(|time| Packet::new(Timestamp::from_micros(time), picture(PixelFormat::Yuv420p)))
            .collect();
        let before: Vec<_> = packets.iter().map(addresses).collect();
        let arrived = invert(workers, packets);
        assert_eq!(arrived.iter().map(addresses).collect::<Vec<_>>(), before);
        assert!(arrived.iter().all(|packet| bytes(packet) == [245; 36]));
    }
}

#[test]
fn a_picture_that_the_host_shares_is_left_alone() {
    for workers in WORKERS {
        // Shared as a packet, as a frame, and as a part of its pixels.
        let kept = Packet::new(Timestamp::ZERO, picture(PixelFormat::Gray));
        let frame = picture(PixelFormat::Gray);
        let whole = picture(PixelFormat::Gray);
        let part = whole.crop(0, 0, 2, 2).unwrap();
        let packets = vec![
            kept.clone(),
            Packet::new(Timestamp::from_micros(1), frame.clone()),
            Packet::new(Timestamp::from_micros(2), whole),
        ];
        let before: Vec<_> = packets.iter().map(addresses).collect();
        let arrived = invert(workers, packets);
        for (arrived, before) in arrived.iter().zip(&before) {
            assert_ne!(&addresses(arrived), before);
            assert_eq!(bytes(arrived), [245; 24]);
        }
        assert_eq!(bytes(&kept), [10; 24]);
        assert_eq!(frame.to_packed_bytes().unwrap(), [10; 24]);
        assert_eq!(part.to_packed_bytes().unwrap(), [10; 4]);
    }
}

/// What a library has made is used when its module is gone, and by another graph.
#[test]
fn pictures_of_a_plugin_are_pictures() {
    let shared: Vec<Packet> = (0..3)
        .map(|time| Packet::new(Timestamp::from_micros(time), picture(PixelFormat::Gray)))
        .collect();
    let made = invert(2, shared.clone());
    let places: Vec<_> = made.iter().map(addresses).collect();
    // Now nobody else has them, so they are changed in place, whoever made them.
    let back = invert(2, made);
    assert_eq!(back.iter().map(addresses).collect::<Vec<_>>(), places);
    for (back, first) in back.iter().zip(&shared) {
        assert_eq!(bytes(back), bytes(first));
        assert!(!back.shares_payload(first));
    }
}
