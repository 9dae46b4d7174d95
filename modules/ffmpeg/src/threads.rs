//! How many threads a codec gets. Decoded pictures are the same with any number; encoded ones are not,
//! so an encoder has FFmpeg's own choice unless somebody says otherwise. Filters: see their `settings`.
//!
//! A graph that encodes is mostly held up by its encoders. A decoder with a thread per core then only
//! takes the cores from them, keeps a picture more for each thread, and gains nothing: decoders share
//! half of the cores as long as there is an encoder at work whose pictures depend on each other. A
//! picture larger than full HD is expensive to decode and mostly made smaller: its decoder shares all
//! of them. What is at work is counted for the process, whose cores all graphs share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use bmf_ffmpeg::names;
use bmf_sdk::config::Threads;

/// More threads than this make no decoder faster, and some encoders refuse more.
const MOST: usize = 16;
/// Full HD, as it is coded.
const FULL_HD: u64 = 1920 * 1088;

/// How many of each there are in the process.
#[derive(Copy, Clone, Debug, Default)]
struct AtWork {
    decoders: usize,
    encoders: usize,
}

static AT_WORK: Mutex<AtWork> = Mutex::new(AtWork {
    decoders: 0,
    encoders: 0,
});

fn at_work() -> MutexGuard<'static, AtWork> {
    AT_WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something at work, which counts as long as this lives.
#[derive(Debug)]
pub(crate) struct Working(fn(&mut AtWork) -> &mut usize);

impl Working {
    /// Something that decodes pictures.
    pub(crate) fn decoder() -> Self {
        Self::new(|at_work| &mut at_work.decoders)
    }

    /// An encoder of `codec`; `None` for one that is no heavy work: whose pictures stand alone.
    pub(crate) fn encoder(codec: &str) -> Option<Self> {
        (!names::is_intra_only(codec)).then(|| Self::new(|at_work| &mut at_work.encoders))
    }

    fn new(which: fn(&mut AtWork) -> &mut usize) -> Self {
        *which(&mut at_work()) += 1;
        Self(which)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        *(self.0)(&mut at_work()) -= 1;
    }
}

/// Threads for a decoder of pictures of so many pixels, as FFmpeg's option has it.
pub(crate) fn for_decoder(policy: Threads, pixels: u64) -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    match policy {
        Threads::Auto => share(cores, *at_work(), pixels).to_string(),
        Threads::All => "auto".to_owned(),
        Threads::AtMost(most) => cores.min(most.get().into()).min(MOST).to_string(),
    }
}

/// Threads for an encoder, the same on every machine; `None` leaves the choice to FFmpeg.
pub(crate) fn for_encoder(policy: Threads) -> Option<String> {
    match policy {
        Threads::Auto | Threads::All => None,
        Threads::AtMost(most) => Some(usize::from(most.get()).min(MOST).to_string()),
    }
}

fn share(cores: usize, at_work: AtWork, pixels: u64) -> usize {
    let is_light = at_work.encoders == 0 || (at_work.encoders == 1 && pixels > FULL_HD);
    let cores = if is_light { cores } else { cores.div_ceil(2) };
    cores.div_ceil(at_work.decoders.max(1)).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decoders: usize, encoders: usize, pixels: u64) -> String {
        let at_work = AtWork { decoders, encoders };
        let share = |cores| share(cores, at_work, pixels).to_string();
        [1, 2, 3, 4, 8, 64].map(share).join(" ")
    }

    #[test]
    fn decoders_leave_cores_to_encoders() {
        insta::assert_snapshot!(check(1, 0, FULL_HD), @"1 2 3 4 8 16");
        insta::assert_snapshot!(check(1, 1, FULL_HD), @"1 1 2 2 4 16");
        insta::assert_snapshot!(check(1, 1, FULL_HD * 4), @"1 2 3 4 8 16");
        insta::assert_snapshot!(check(1, 3, FULL_HD * 4), @"1 1 2 2 4 16");
        insta::assert_snapshot!(check(2, 1, FULL_HD), @"1 1 1 1 2 16");
        insta::assert_snapshot!(check(9, 0, FULL_HD), @"1 1 1 1 1 8");
    }

    #[test]
    fn a_number_is_a_limit() {
        let most = |most| Threads::from_code(most);
        assert_eq!(for_decoder(most(1), 1), "1");
        assert_eq!(for_decoder(Threads::All, 1), "auto");
        assert_eq!(for_encoder(most(3)).as_deref(), Some("3"));
        assert_eq!(for_encoder(most(1000)).as_deref(), Some("16"));
    }
}
