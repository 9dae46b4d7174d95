//! `c_ffmpeg_decoder`: from a file to frames.
//!
//! Read in this order: what the user asks for (`options`), the life of a decoder (`module`,
//! `session`), its input (`source`) and what happens to one stream (`lane`, then `stream` with
//! `picture` and `sound`, or `copy`). The rules of time are pure and apart: `timeline` and `window`.
//!
//! What is sent to a decoder instead of being read by it begins in `fed`: names of files, bytes of
//! files, packets of streams.

mod behaviour;
mod bytes;
mod choose;
mod copy;
mod fed;
mod files;
mod handover;
mod hardware;
mod input;
mod input_options;
mod lane;
mod laps;
mod limit;
mod list;
mod live;
mod module;
mod options;
mod pacing;
mod picture;
mod place;
mod pushed;
mod raw;
mod retime;
mod rotate;
mod session;
mod skip;
mod sound;
mod source;
mod stream;
mod sync;
mod tags;
mod timeline;
mod unused;
mod video_params;
mod window;

pub(crate) use module::FfmpegDecoder;
