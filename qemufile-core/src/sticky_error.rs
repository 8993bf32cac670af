//! The first error of a stream, which threads share.

use std::sync::PoisonError;

use crate::error::StreamError;
use crate::sync::{AtomicI32, Mutex, Ordering};

/// The first error. Set by any thread, never cleared.
#[derive(Debug)]
pub(crate) struct StickyError {
    /// Code of `first`, or 0: what the fast paths look at.
    code: AtomicI32,
    first: Mutex<Option<StreamError>>,
}

impl StickyError {
    pub(crate) fn new() -> Self {
        Self { code: AtomicI32::new(0), first: Mutex::new(None) }
    }

    /// Whether there is an error, as far as this thread has to know: what happened before anything
    /// that it has seen. Nothing else is read by this, so the load need not order anything.
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.code.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn get(&self) -> Option<StreamError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores `error` unless there is one; whether it was stored.
    pub(crate) fn set(&self, error: StreamError) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_some() {
            return false;
        }
        let code = error.errno();
        *first = Some(error);
        self.code.store(code, Ordering::Release);
        true
    }
}
