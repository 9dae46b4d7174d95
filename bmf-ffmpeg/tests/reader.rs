//! Input from a Rust reader instead of a file.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::process::Command;

use bmf_ffmpeg::{Demuxer, Error, InputConfig};

fn clip(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("a.mkv");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:d=1"])
        .args(["-c:v", "mpeg4"])
        .arg(&path)
        .status()
        .expect("these tests need the ffmpeg command");
    assert!(status.success());
    path
}

/// Sizes and times of all packets.
fn packets(mut input: Demuxer) -> Result<Vec<(usize, Option<i64>)>, Error> {
    let mut list = Vec::new();
    while let bmf_ffmpeg::Read::Packet(packet) = input.read()? {
        list.push((packet.data().len(), packet.pts()));
    }
    Ok(list)
}

fn open(reader: impl Read + Send + 'static) -> Result<Demuxer, Error> {
    Demuxer::open_reader("bytes", reader, &InputConfig::default())
}

/// Gives what `0` has, then does as `1` says.
struct Then<F>(Cursor<Vec<u8>>, F);

impl<F: FnMut() -> io::Result<usize>> Read for Then<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => (self.1)(),
            length => Ok(length),
        }
    }
}

#[test]
fn a_reader_gives_what_the_file_gives() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(&dir);
    let direct = Demuxer::open(path.to_str().unwrap(), &InputConfig::default()).unwrap();
    let read = open(File::open(&path).unwrap()).unwrap();
    assert_eq!(read.url(), "bytes");
    let read = packets(read).unwrap();
    assert_eq!((read.len(), &read), (25, &packets(direct).unwrap()));
}

#[test]
fn what_a_reader_does_wrong_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(clip(&dir)).unwrap();
    let half = || Cursor::new(bytes[..bytes.len() * 3 / 4].to_vec());
    let fails = || Err(io::Error::from_raw_os_error(5));
    let error = open(Then(half(), fails)).and_then(packets).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read from 'bytes': input/output error (Read error)");
    let stops = || Err(io::ErrorKind::Interrupted.into());
    let error = open(Then(half(), stops)).and_then(packets).unwrap_err();
    assert!(error.is_interrupted(), "{error}");
    let panics = || panic!("this reader panics");
    let error = open(Then(half(), panics)).and_then(packets).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read from 'bytes': input/output error (Read error)");
    insta::assert_snapshot!(open(Cursor::new(b"nonsense".to_vec())).unwrap_err(), @"cannot open input 'bytes': invalid data found when processing input");
    insta::assert_snapshot!(open(Cursor::new(Vec::new())).unwrap_err(), @"cannot open input 'bytes': invalid data found when processing input");
}
