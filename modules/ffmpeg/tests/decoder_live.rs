//! `c_ffmpeg_decoder` on network inputs that stall, are cut, or come slower than they are taken: all
//! of them servers in this process, on the loopback interface.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use bmf_sdk::ModuleRunner;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, clip, decode, ffmpeg, lines, module};

/// Two seconds of MPEG-TS.
fn transport_stream(dir: &Path) -> Vec<u8> {
    let encode = "-c:v libx264 -preset veryfast -bf 2 -g 12 -c:a mp2 a.ts";
    clip(dir, 2, encode);
    fs::read(dir.join("a.ts")).unwrap()
}

/// Serves one connection after the other, the n-th by `serve(n, …)`, as long as that returns true.
/// Nobody listens afterwards. Returns the address.
fn server(mut serve: impl FnMut(usize, TcpStream) -> bool + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for number in 0.. {
            let (stream, _) = listener.accept().unwrap();
            if !serve(number, stream) {
                return;
            }
        }
    });
    address
}

/// Sends bytes as far as the other side takes them, and ends the connection.
fn send(mut stream: TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Both);
}

/// Sends bytes, and nothing more until the other side goes.
fn send_and_stall(mut stream: TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0]);
}

fn open(url: &str, mut options: Value) -> Result<Decoded, ModuleError> {
    options["input_path"] = url.into();
    decode(options)
}

/// The times of the pictures in milliseconds, which must go on without a hole.
fn times(decoded: &Decoded) -> Vec<i64> {
    let times = decoded.video.iter();
    let times: Vec<i64> = times
        .map(|packet| packet.timestamp().micros() / 1000)
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(steps.max() <= Some(400), "{times:?}");
    times
}

#[test]
fn a_slow_consumer_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let from_file = open(dir.path().join("a.ts").to_str().unwrap(), json!({})).unwrap();
    let address = server(move |_, stream| {
        send(stream, &bytes);
        false
    });
    let options = json!({"input_path": format!("tcp://{address}")});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    let mut pictures = Vec::new();
    // Asks for the next frame only when this one has been dealt with.
    while !runner.is_done() {
        let _ = runner.step().unwrap();
        for packet in runner.take(0) {
            pictures.push(packet);
            thread::yield_now();
        }
    }
    assert_eq!(lines(&pictures), lines(&from_file.video));
    assert_eq!(lines(&runner.take(1)), lines(&from_file.audio));
}

#[test]
fn a_cut_connection_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let serve = move |number: usize, stream: TcpStream| {
        // A server drops a reader that is too slow for it; what comes next are other times.
        match number {
            0 => send(stream, &bytes[..bytes.len() / 2]),
            _ => send(stream, &bytes),
        }
        number < 2
    };
    let url = format!("tcp://{}", server(serve.clone()));
    let options = json!({"reconnect": {"attempts": 3, "delay": 0}});
    let decoded = open(&url, options).unwrap();
    let times = times(&decoded);
    // About a half, and twice the whole.
    assert!((115..=130).contains(&times.len()), "{}", times.len());
    assert_eq!(decoded.report.counters.get("reconnections"), Some(2));
    let text = decoded.report.warnings.join("\n").replace(&url, "URL");
    assert!(
        text.starts_with("'URL' was ended by the other side; connecting again"),
        "{text}"
    );
    assert!(
        text.contains("cannot open input 'URL': connection refused"),
        "{text}"
    );

    // The same without: the half that came.
    let url = format!("tcp://{}", server(serve));
    let decoded = open(&url, json!({})).unwrap();
    assert!((15..30).contains(&decoded.video.len()));
    assert_eq!(decoded.report.counters.get("reconnections"), None);
}

#[test]
fn copied_packets_go_on_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let url = format!(
        "tcp://{}",
        server(move |number, stream| {
            send(stream, &bytes);
            number < 1
        })
    );
    let options = json!({
        "reconnect": {"attempts": 1, "delay": 0}, "video_codec": "copy", "audio_codec": "copy",
    });
    let decoded = open(&url, options).unwrap();
    assert_eq!(decoded.video.len(), 100);
    let in_order = |packets: &[Packet]| packets.is_sorted_by_key(Packet::timestamp);
    assert!(in_order(&decoded.video) && in_order(&decoded.audio));
}

#[test]
fn what_has_a_length_is_no_live_input() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-c:v mpeg4 -an a.mp4");
    let url = dir.path().join("a.mp4");
    let url = url.to_str().unwrap();
    let decoded = open(url, json!({"reconnect": true})).unwrap();
    assert_eq!(decoded.video.len(), 25);
    let text = decoded.report.warnings.join("\n").replace(url, "URL");
    insta::assert_snapshot!(text, @"reconnect: 'URL' says how long it is, so it is not live and is read once");
}

/// There is no other stretch in an input that is gone, and nothing to go to.
#[test]
fn what_is_lost_for_good_ends_there() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let url = format!(
        "tcp://{}",
        server(move |_, stream| {
            send(stream, &bytes[..bytes.len() / 3]);
            false
        })
    );
    let options = json!({
        "input_path": url, "durations": [0, 1.5, 1.6, 1.9], "reconnect": {"attempts": 2, "delay": 0},
    });
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    let _ = runner.run().unwrap();
    assert!((5..25).contains(&runner.take(0).len()));
    let error = runner.flush(Some(Timestamp::ZERO)).unwrap_err().to_string();
    assert!(
        error.ends_with("it is closed, as it could not be opened again"),
        "{error}"
    );
    let report = runner.close(Ending::Finished).unwrap();
    assert!(
        report
            .warnings
            .iter()
            .any(|line| line.ends_with("ending there"))
    );
}

#[test]
fn a_stalled_connection_times_out() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let stall = bytes.clone();
    let url = format!(
        "tcp://{}",
        server(move |_, stream| {
            send_and_stall(stream, &stall[..stall.len() / 2]);
            false
        })
    );
    // Long enough for a server that has to wait for a core.
    let quick = json!({"rw_timeout": 1_000_000});
    let decoded = open(&url, json!({"dec_params": quick})).unwrap();
    let text = decoded.report.warnings.join("\n").replace(&url, "URL");
    insta::assert_snapshot!(text, @"cannot read from 'URL': connection timed out; ending there");
    assert!((15..30).contains(&decoded.video.len()));

    let url = format!(
        "tcp://{}",
        server(move |number, stream| {
            match number {
                0 => send_and_stall(stream, &bytes[..bytes.len() / 2]),
                _ => send(stream, &bytes),
            }
            number < 1
        })
    );
    let options = json!({"dec_params": quick, "reconnect": {"attempts": 1, "delay": 0}});
    let decoded = open(&url, options).unwrap();
    assert!(times(&decoded).len() > 60);
}

#[test]
fn a_server_that_says_nothing_is_an_error_at_once() {
    let url = format!("tcp://{}", server(|_, _| false));
    let error = open(&url, json!({"reconnect": 3})).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&url, "URL"), @"cannot open input 'URL': invalid data found when processing input");
}

/// Answers one request for a file, from where it is asked for; sends at most `most` bytes of it.
fn answer(stream: TcpStream, file: &[u8], most: usize) {
    let mut from = 0;
    for line in BufReader::new(&stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        let range = line.to_ascii_lowercase();
        if let Some(range) = range.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
    }
    let (length, last) = (file.len(), file.len() - 1);
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp2t\r\nAccept-Ranges: bytes\r\n\
         Content-Range: bytes {from}-{last}/{length}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        length - from
    );
    let _ = (&stream).write_all(head.as_bytes());
    let end = length.min(from + most);
    send(stream, &file[from..end]);
}

#[test]
fn http_goes_on_where_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let from_file = open(dir.path().join("a.ts").to_str().unwrap(), json!({})).unwrap();
    let most = bytes.len() / 3;
    let address = server(move |_, stream| {
        answer(stream, &bytes, most);
        true
    });
    let decoded = open(&format!("http://{address}/a.ts"), json!({})).unwrap();
    assert_eq!(lines(&decoded.video), lines(&from_file.video));
    assert_eq!(lines(&decoded.audio), lines(&from_file.audio));
    assert_eq!(decoded.report.warnings, [""; 0]);
}

/// Serves the files of a directory, each connection one of them.
fn files(dir: &Path) -> String {
    let dir = dir.to_owned();
    server(move |_, stream| {
        let mut request = String::new();
        BufReader::new(&stream).read_line(&mut request).unwrap();
        let name = request.split(' ').nth(1).unwrap_or_default();
        let bytes = fs::read(dir.join(name.trim_start_matches('/'))).unwrap_or_default();
        let length = bytes.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let _ = (&stream).write_all(head.as_bytes());
        send(stream, &bytes);
        true
    })
}

#[test]
fn hls_is_read_like_its_file() {
    let dir = tempfile::tempdir().unwrap();
    transport_stream(dir.path());
    let hls = "-c copy -f hls -hls_time 0.5 -hls_list_size 0 a.m3u8";
    ffmpeg(dir.path(), &format!("-i a.ts {hls}"));
    let from_file = open(dir.path().join("a.m3u8").to_str().unwrap(), json!({})).unwrap();
    let url = format!("http://{}/a.m3u8", files(dir.path()));
    let decoded = open(&url, json!({})).unwrap();
    assert_eq!(decoded.video.len(), 50);
    assert_eq!(lines(&decoded.video), lines(&from_file.video));
    assert_eq!(lines(&decoded.audio), lines(&from_file.audio));
    assert_eq!(decoded.report.warnings, [""; 0]);
}

/// A camera: answers requests, then sends MPEG-TS in RTP packets on the same connection, the first
/// `most` bytes of it. Returns what transport was asked for.
fn camera(stream: &TcpStream, bytes: &[u8], most: usize) -> String {
    const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 33\r\na=control:track\r\n";
    let mut transport = String::new();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let method = request.split(' ').next().unwrap_or_default().to_owned();
        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let field = |name: &str| {
            let line = head.iter().find(|line| line.starts_with(name));
            line.map_or("", |line| line[name.len()..].trim()).to_owned()
        };
        let (extra, body) = match method.as_str() {
            "DESCRIBE" => ("Content-Type: application/sdp\r\n".to_owned(), SDP),
            "SETUP" => {
                transport = field("Transport:");
                (format!("Transport: {transport}\r\n"), "")
            }
            _ => ("Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n".to_owned(), ""),
        };
        let (sequence, length) = (field("CSeq:"), body.len());
        let answer = format!(
            "RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nSession: 1\r\n{extra}Content-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() || method == "PLAY" {
            break;
        }
    }
    let mut sent = Vec::new();
    for (number, packet) in bytes[..most].chunks(7 * 188).enumerate() {
        // Channel and length, then version, payload type, sequence number, time and source.
        sent.extend([b'$', 0]);
        sent.extend((12 + packet.len() as u16).to_be_bytes());
        sent.extend([0x80, 33]);
        sent.extend((number as u16).to_be_bytes());
        sent.extend((number as u32 * 900).to_be_bytes());
        sent.extend(7_u32.to_be_bytes());
        sent.extend(packet);
    }
    let mut stream = stream;
    let _ = stream.write_all(&sent);
    transport
}

/// What the pictures show, without their times.
fn shown(decoded: &Decoded) -> Vec<String> {
    let text = lines(&decoded.video);
    let lines = text.lines().skip(1);
    lines
        .map(|line| line[line.find(' ').unwrap()..].to_owned())
        .collect()
}

#[test]
fn rtsp_is_asked_for_over_tcp_and_shows_what_the_file_does() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let from_file = open(dir.path().join("a.ts").to_str().unwrap(), json!({})).unwrap();
    let (told, transports) = mpsc::channel();
    let address = server(move |_, stream| {
        let _ = told.send(camera(&stream, &bytes, bytes.len()));
        false
    });
    let url = format!("rtsp://{address}/1");
    let decoded = open(&url, json!({"reconnect": false, "loglevel": "quiet"})).unwrap();
    assert!(transports.recv().unwrap().starts_with("RTP/AVP/TCP"));
    // FFmpeg takes a picture as whole when the next one begins, and forgets the last one here.
    let (ours, theirs) = (shown(&decoded), shown(&from_file));
    assert_eq!(ours, theirs[..49]);
    times(&decoded);
}

#[test]
fn a_camera_that_drops_its_reader_is_asked_again_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = transport_stream(dir.path());
    let half = bytes.len() / 188 / 2 * 188;
    let address = server(move |number, stream| {
        let most = if number == 0 { half } else { bytes.len() };
        camera(&stream, &bytes, most);
        number < 1
    });
    // The default but for its delay.
    let decoded = open(
        &format!("rtsp://{address}/1"),
        json!({"reconnect": {"attempts": 1, "delay": 0}}),
    )
    .unwrap();
    assert!(times(&decoded).len() > 60);
    assert_eq!(decoded.report.counters.get("reconnections"), Some(1));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_server() {
    let url = format!(
        "tcp://{}",
        server(|_, stream| {
            send_and_stall(stream, &[]);
            false
        })
    );
    let options = json!({"input_path": url});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    let context = runner.context().clone();
    let reader = thread::spawn(move || runner.step().unwrap_err().to_string());
    context.raise_interrupt();
    let error = reader.join().unwrap();
    insta::assert_snapshot!(error.replace(&url, "URL"), @"cannot open input 'URL': immediate exit requested");
}
