//! A reader that waits for data which may never come is ended from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod common;

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use bmf_ffmpeg::{Demuxer, ErrorKind, InputConfig, Interrupt, Read};
use common::{Dir, open, packets};

fn fifo(dir: &Dir) -> String {
    let path = dir.path("fifo");
    let c_path = CString::new(path.clone()).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success(), "{c_path:?}");
    path
}

fn writer(path: &str) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

fn config(interrupt: &Interrupt, format: &str) -> InputConfig {
    InputConfig {
        format: Some(format.into()),
        interrupt: interrupt.clone(),
        options: [("probesize", "32")].into_iter().collect(),
    }
}

#[test]
fn a_fifo_nobody_writes_to() {
    let dir = Dir::new();
    let path = fifo(&dir);
    let interrupt = Interrupt::new();
    let config = config(&interrupt, "mpegts");
    let reader = thread::spawn({
        let path = path.clone();
        move || Demuxer::open(&path, &config).map(drop)
    });
    // Opening for writing succeeds once the reader has opened its end.
    let held = writer(&path);
    interrupt.trigger();
    let error = reader.join().unwrap().unwrap_err();
    assert!(error.is_interrupted());
    insta::assert_snapshot!(dir.redact(error), @"cannot open input 'DIR/fifo': immediate exit requested");
    drop(held);
}

#[test]
fn a_fifo_whose_writer_pauses() {
    let dir = Dir::new();
    dir.clip();
    let stream = dir.ffmpeg(&format!(
        "-i {} -map 0:v -c copy clip.ts",
        dir.path("clip.mp4")
    ));
    let bytes = std::fs::read(stream).unwrap();
    let path = fifo(&dir);
    let interrupt = Interrupt::new();
    let config = config(&interrupt, "mpegts");
    let (send, receive) = mpsc::channel();
    let reader = thread::spawn({
        let path = path.clone();
        move || {
            let mut input = Demuxer::open(&path, &config).unwrap();
            loop {
                match input.read() {
                    Ok(Read::Packet(_)) => send.send(()).unwrap(),
                    Ok(_) => return None,
                    Err(error) => return Some(error),
                }
            }
        }
    });
    let mut pipe = writer(&path);
    pipe.write_all(&bytes).unwrap();
    receive.recv().unwrap();
    interrupt.trigger();
    let error = reader.join().unwrap().unwrap();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    drop(pipe);
}

#[test]
fn a_fifo_is_read_to_its_end() {
    let dir = Dir::new();
    dir.clip();
    let stream = dir.ffmpeg(&format!(
        "-i {} -map 0:v -c copy clip.ts",
        dir.path("clip.mp4")
    ));
    let bytes = std::fs::read(&stream).unwrap();
    let expected = packets(&mut open(&stream), 0).len();
    let path = fifo(&dir);
    let feeder = thread::spawn({
        let path = path.clone();
        move || writer(&path).write_all(&bytes).unwrap()
    });
    let mut input = open(&path);
    assert_eq!(packets(&mut input, 0).len(), expected);
    feeder.join().unwrap();
}

#[test]
fn a_server_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let interrupt = Interrupt::new();
    let config = config(&interrupt, "mpegts");
    let reader = thread::spawn(move || Demuxer::open(&url, &config).map(drop));
    let connection = listener.accept().unwrap();
    interrupt.trigger();
    assert!(reader.join().unwrap().unwrap_err().is_interrupted());
    drop(connection);
}

#[test]
fn what_is_interrupted_before_it_begins() {
    let dir = Dir::new();
    let path = fifo(&dir);
    let interrupt = Interrupt::new();
    interrupt.trigger();
    let error = Demuxer::open(&path, &config(&interrupt, "mpegts")).unwrap_err();
    assert!(error.is_interrupted(), "{error}");
}
