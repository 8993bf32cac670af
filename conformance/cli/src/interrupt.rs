//! SIGINT, SIGTERM and SIGHUP. A run of many cases ends at its next case, with a report of what was
//! done, and a second signal ends it at once; any other command ends at the first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::Stop;
use crate::report::Status;

struct Flags {
    came: Arc<AtomicBool>,
    /// Whether the next signal ends the process at once.
    at_once: Arc<AtomicBool>,
}

static FLAGS: OnceLock<Flags> = OnceLock::new();

/// From here on a signal gives the documented status.
pub(crate) fn install() -> Result<(), Stop> {
    let failed = |error: io::Error| Stop::input(format!("signals cannot be handled: {error}"));
    let flags = Flags { came: Arc::default(), at_once: Arc::new(AtomicBool::new(true)) };
    for signal in wanted() {
        // This one first: it acts only where the flag was set before the signal.
        let status = Status::Interrupted.code().into();
        flag::register_conditional_shutdown(signal, status, Arc::clone(&flags.at_once))
            .and_then(|_| flag::register(signal, Arc::clone(&flags.at_once)))
            .and_then(|_| flag::register(signal, Arc::clone(&flags.came)))
            .map_err(failed)?;
    }
    FLAGS.get_or_init(|| flags);
    Ok(())
}

/// The signals that are to be handled: those that whoever started this did not turn off, as nohup
/// does.
pub(crate) fn wanted() -> impl Iterator<Item = i32> {
    let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    let ignored = ignored.unwrap_or(0);
    [SIGINT, SIGTERM, SIGHUP].into_iter().filter(move |signal| ignored >> (signal - 1) & 1 == 0)
}

/// Whether a signal came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupt(());

impl Interrupt {
    /// From here on the first signal is only noted.
    pub(crate) fn noted() -> Self {
        if let Some(flags) = FLAGS.get() {
            flags.at_once.store(false, Ordering::Relaxed);
        }
        Self(())
    }

    pub(crate) fn came(self) -> bool {
        FLAGS.get().is_some_and(|flags| flags.came.load(Ordering::Relaxed))
    }
}
