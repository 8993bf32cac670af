//! The return path: messages from the destination to the source.

use crate::error::{Problem, WalkError};
use crate::format::message;
use crate::loader::{Fault, Loader};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its kind, 1 to 6.
    pub kind: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Message {
    /// Bytes in front of the body.
    const HEAD: usize = 4;

    /// Length in bytes, the head included.
    #[must_use]
    pub fn len(&self) -> usize {
        Self::HEAD + self.body.len()
    }

    /// Never: there is always a head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |from: usize, len: usize| {
            self.body
                .iter()
                .skip(from)
                .take(len)
                .fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        match self.kind {
            message::SHUT => write!(f, "shut {}", word(0, 4)),
            message::PONG => write!(f, "pong {}", word(0, 4)),
            message::REQUEST_PAGES => write!(f, "request {:#x}+{:#x}", word(0, 8), word(8, 4)),
            message::REQUEST_PAGES_OF => {
                let name = String::from_utf8_lossy(self.body.get(13..).unwrap_or_default());
                write!(f, "request {:#x}+{:#x} of {name}", word(0, 8), word(8, 4))
            }
            kind => write!(f, "message {kind} of {} bytes", self.body.len()),
        }
    }
}

/// Length of a message's body where it is fixed.
fn fixed_len(kind: u16) -> Option<u16> {
    match kind {
        message::SHUT | message::PONG | message::RESUME_ACK => Some(4),
        message::REQUEST_PAGES => Some(12),
        _ => None,
    }
}

/// Takes the messages of a return path of `len` bytes, up to the one that ends it.
///
/// # Errors
///
/// [`WalkError`] where a message is cut, unknown, or of a wrong length. A return path that is over
/// without its last message has none.
pub fn messages(loader: &mut dyn Loader, len: u64) -> Result<Vec<Message>, WalkError> {
    let mut messages = Vec::new();
    while loader.position() < len {
        let at = loader.position();
        let message = next(loader, at)?;
        let over = message.kind == message::SHUT;
        messages.push(message);
        if over {
            break;
        }
    }
    Ok(messages)
}

fn next(loader: &mut dyn Loader, at: u64) -> Result<Message, WalkError> {
    let ask = |fault: Fault| {
        let problem = match fault {
            Fault::Ended { wanted } => Problem::Ended { wanted },
            Fault::Failed(text) => Problem::Failed(text),
            Fault::Diverged => Problem::Diverged,
        };
        WalkError { offset: at, section: None, problem }
    };
    let unexpected = |what, expected: String, found: String| WalkError {
        offset: at,
        section: None,
        problem: Problem::Unexpected { what, expected, found },
    };
    let kind = loader.get_be16().map_err(ask)?;
    let len = loader.get_be16().map_err(ask)?;
    if !(message::SHUT..=message::RESUME_ACK).contains(&kind) {
        return Err(unexpected("the kind of a message", "1 to 6".to_owned(), kind.to_string()));
    }
    let fits = match fixed_len(kind) {
        Some(fixed) => len == fixed,
        None => len <= message::MAX_BODY,
    };
    if !fits {
        let expected = fixed_len(kind)
            .map_or_else(|| format!("at most {}", message::MAX_BODY), |len| len.to_string());
        return Err(unexpected("the length of a message", expected, len.to_string()));
    }
    let mut body = vec![0; usize::from(len)];
    loader.get_buffer(&mut body).map_err(ask)?;
    Ok(Message { kind, body })
}
