//! The return path: messages from the destination to the source.

use crate::error::{Problem, WalkError};
use crate::format::message;
use crate::loader::{Fault, Loader};
use crate::text::escaped;

/// Longest bitmap that is taken on, in bytes: that of 4 TiB in pages of 4 KiB.
const MAX_BITMAP: u64 = 1 << 27;

/// Bytes of a bitmap that are taken at once.
const PIECE: usize = 1 << 20;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its kind, 1 to 7.
    pub kind: u16,
    /// Its body, as long as its head says.
    pub body: Vec<u8>,
    /// What stands behind it, outside its length: the pages that have arrived, a bit each, low bits
    /// first, of a block of memory. Only kind 5 has it.
    pub bitmap: Option<Vec<u8>>,
}

impl Message {
    /// What stands behind the bits of a bitmap, as 64 bits.
    pub const BITMAP_END: u64 = message::BITMAP_END;

    /// Bytes in front of the body.
    const HEAD: usize = 4;

    /// Bytes around a bitmap: its length, and a mark behind it.
    const AROUND_BITMAP: usize = 16;

    /// Length in bytes, the head and the bitmap included.
    #[must_use]
    pub fn len(&self) -> usize {
        let bitmap = self.bitmap.as_ref().map_or(0, |bits| bits.len() + Self::AROUND_BITMAP);
        Self::HEAD + self.body.len() + bitmap
    }

    /// Never: there is always a head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether it ends the return path.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.kind == message::SHUT
    }

    /// Its bytes on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let len = u16::try_from(self.body.len()).unwrap_or(u16::MAX);
        let mut bytes = [self.kind.to_be_bytes(), len.to_be_bytes()].concat();
        bytes.extend(&self.body);
        if let Some(bits) = &self.bitmap {
            bytes.extend((bits.len() as u64).to_be_bytes());
            bytes.extend(bits);
            bytes.extend(message::BITMAP_END.to_be_bytes());
        }
        bytes
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
        let text = |from: usize| {
            escaped(&String::from_utf8_lossy(self.body.get(from..).unwrap_or_default()))
        };
        match self.kind {
            message::SHUT => write!(f, "shut {}", word(0, 4)),
            message::PONG => write!(f, "pong {}", word(0, 4)),
            message::REQUEST_PAGES => write!(f, "request {:#x}+{:#x}", word(0, 8), word(8, 4)),
            message::REQUEST_PAGES_OF => {
                write!(f, "request {:#x}+{:#x} of {}", word(0, 8), word(8, 4), text(13))
            }
            message::RECEIVED_BITMAP => {
                let bits = self.bitmap.iter().flatten();
                let pages: u64 = bits.map(|byte| u64::from(byte.count_ones())).sum();
                write!(f, "bitmap of {}: {pages} pages have arrived", text(1))
            }
            message::RESUME_ACK => write!(f, "resume acknowledged: {}", word(0, 4)),
            message::SWITCHOVER_ACK => write!(f, "switchover acknowledged"),
            kind => write!(f, "message {kind} of {} bytes", self.body.len()),
        }
    }
}

/// Length of a message's body where it is fixed.
fn fixed_len(kind: u16) -> Option<u16> {
    match kind {
        message::SHUT | message::PONG | message::RESUME_ACK => Some(4),
        message::REQUEST_PAGES => Some(12),
        message::SWITCHOVER_ACK => Some(0),
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
        let message = next_message(loader)?;
        let over = message.is_last();
        messages.push(message);
        if over {
            break;
        }
    }
    Ok(messages)
}

/// Takes one message as it comes. No byte beyond it is taken. C: `source_return_path_thread`.
///
/// # Errors
///
/// As [`messages`], with [`Problem::Ended`] at the end of the return path.
pub fn next_message(loader: &mut dyn Loader) -> Result<Message, WalkError> {
    let at = loader.position();
    let ask =
        |fault: Fault| WalkError { offset: at, section: None, field: None, problem: fault.into() };
    let unexpected = |what, expected: String, found: String| WalkError {
        offset: at,
        section: None,
        field: None,
        problem: Problem::Unexpected { what, expected, found },
    };
    let kind = loader.get_be16().map_err(ask)?;
    let len = loader.get_be16().map_err(ask)?;
    if !(message::SHUT..=message::SWITCHOVER_ACK).contains(&kind) {
        return Err(unexpected("the kind of a message", "1 to 7".to_owned(), kind.to_string()));
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
    // Where the name of a block stands in the body, if the kind has one.
    let name_at = match kind {
        message::REQUEST_PAGES_OF => Some(12),
        message::RECEIVED_BITMAP => Some(0),
        _ => None,
    };
    if let Some(name_at) = name_at {
        let expected = body.get(name_at).map_or(name_at + 1, |len| name_at + 1 + usize::from(*len));
        if expected != body.len() {
            let found = body.len().to_string();
            return Err(unexpected("the length of a message", expected.to_string(), found));
        }
    }
    let bitmap = match kind {
        message::RECEIVED_BITMAP => Some(bitmap(loader)?),
        _ => None,
    };
    Ok(Message { kind, body, bitmap })
}

/// The bitmap behind a message. C: `ram_dirty_bitmap_reload`.
fn bitmap(loader: &mut dyn Loader) -> Result<Vec<u8>, WalkError> {
    let at = loader.position();
    let error = |problem| WalkError { offset: at, section: None, field: None, problem };
    let size = loader.get_be64().map_err(|fault| error(fault.into()))?;
    if size > MAX_BITMAP {
        let what = "the length of a bitmap";
        return Err(error(Problem::TooLarge { what, found: size, limit: MAX_BITMAP }));
    }
    let size = usize::try_from(size).unwrap_or_default();
    let mut bits = Vec::new();
    while bits.len() < size {
        let taken = bits.len();
        bits.resize(size.min(taken + PIECE), 0);
        loader.get_buffer(&mut bits[taken..]).map_err(|fault| error(fault.into()))?;
    }
    let end = loader.get_be64().map_err(|fault| error(fault.into()))?;
    if end != message::BITMAP_END {
        let (what, expected) = ("what follows a bitmap", "0123456789abcdef".to_owned());
        return Err(error(Problem::Unexpected { what, expected, found: format!("{end:016x}") }));
    }
    Ok(bits)
}
