//! An interrupt ends a run at its next case, with a report of what was done; a second one ends it
//! at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::report::Status;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::Stop;

/// Whether an interrupt came.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on interrupts are noted.
    pub(crate) fn noted() -> Result<Self, Stop> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // This one first: it acts only where the flag was set by an earlier interrupt.
            flag::register_conditional_shutdown(
                signal,
                Status::Interrupted.code().into(),
                Arc::clone(&came),
            )
            .and_then(|_| flag::register(signal, Arc::clone(&came)))
            .map_err(|error| Stop::input(format!("signals cannot be handled: {error}")))?;
        }
        Ok(Self(came))
    }

    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
