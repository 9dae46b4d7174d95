//! `c_ffmpeg_decoder`: from a file to frames.
//!
//! Read in this order: what the user asks for (`options`), the life of a decoder (`module`,
//! `session`), its input (`source`) and what happens to one stream (`stream`, then `picture` and
//! `sound`). The rules of time are pure and apart: `timeline` and `window`.

mod module;
mod options;
mod picture;
mod rotate;
mod session;
mod skip;
mod sound;
mod source;
mod stream;
mod timeline;
mod window;

pub(crate) use module::FfmpegDecoder;
