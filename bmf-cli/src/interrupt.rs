//! Ctrl-C and `kill`: the first stops the run so that its outputs are finished, the second cancels
//! it, the third ends the process. What a stopped run ends in is the engine's business.
//!
//! Only SIGINT and SIGTERM are taken. SIGHUP keeps its meaning: it ends the process, except under
//! `nohup`, whose users want exactly that a lost terminal changes nothing.

use bmf_engine::Control;

/// What the shell makes of a process that ended by Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// Interruptions, taken from the moment this is made. Those that come before there is a run are
/// answered once there is one.
pub(crate) struct Interruptions {
    #[cfg(unix)]
    signals: std::io::Result<signal_hook::iterator::Signals>,
}

impl Interruptions {
    #[cfg(unix)]
    pub(crate) fn take() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM};

        Self {
            signals: signal_hook::iterator::Signals::new([SIGINT, SIGTERM]),
        }
    }

    /// Answers them for the run behind `control`.
    #[cfg(unix)]
    pub(crate) fn answer(self, control: Control) {
        let spawned = self.signals.and_then(|mut signals| {
            let answer = move || {
                for (earlier, _) in signals.forever().enumerate() {
                    interrupt(&control, earlier);
                }
            };
            std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(answer)
        });
        if let Err(error) = spawned {
            log::warn!("Ctrl-C will not finish the outputs: {error}");
        }
    }

    /// Elsewhere the system ends the process.
    #[cfg(not(unix))]
    pub(crate) fn take() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    pub(crate) fn answer(self, _: Control) {}
}

#[cfg(unix)]
fn interrupt(control: &Control, earlier: usize) {
    use crate::terminal::message;

    // First the deed: a full pipe at the other end of stderr must not hold it up.
    match earlier {
        0 => {
            control.stop();
            message("stopping: outputs are being finished; interrupt again to give up on that");
        }
        1 => {
            control.cancel();
            message("cancelling; interrupt again to end at once");
        }
        _ => {
            bmf_modules::acquit();
            std::process::exit(EXIT_CODE.into())
        }
    }
}
