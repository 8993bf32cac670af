//! What goes between this process and the one that runs a reference.
//!
//! A message is a length (32 bits, little-endian) and so many bytes of MessagePack. For each
//! [`Request`] there is one [`Reply`]; the child begins with a reply that nobody asked for, which
//! says whether it could load the reference.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::observation::{Event, Observation};
use crate::trace::{Op, World};

/// Longest message. A trace has at most 16 MiB in one place, and few places.
pub(super) const MAX_MESSAGE: usize = 256 << 20;

/// What the child is to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Request<'a> {
    /// Set the stage for a new trace first.
    pub(super) begin: Option<Cow<'a, World>>,
    /// Carry these out.
    pub(super) ops: Vec<Cow<'a, Op>>,
    /// End the trace.
    pub(super) finish: bool,
}

/// What the child says.
#[derive(Serialize, Deserialize)]
pub(super) enum Reply {
    /// The reference is loaded, and is this.
    Loaded(Identity),
    /// It cannot be loaded, or the trace cannot be begun.
    Failed(String),
    /// What was seen of the operations, and at the end of the trace.
    Done {
        /// One for each operation.
        steps: Vec<Observation>,
        /// Events after the last operation.
        late: Vec<Event>,
    },
}

/// What a reference is, as the process that has loaded it tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The release whose behaviour it has.
    pub release: String,
    /// Names of the functions that it lacks, as C spells them.
    pub missing: Vec<String>,
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The bytes of one message.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    // With field names: what a field leaves out when it has its default is then no gap.
    let mut serializer = rmp_serde::Serializer::new(&mut frame).with_struct_map();
    message.serialize(&mut serializer).map_err(invalid)?;
    let len = u32::try_from(frame.len() - 4).map_err(invalid)?;
    frame[..4].copy_from_slice(&len.to_le_bytes());
    Ok(frame)
}

/// Writes one message.
pub(super) fn send(message: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// Reads one message.
pub(super) fn receive<T: for<'de> Deserialize<'de>>(from: &mut impl Read) -> io::Result<T> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = usize::try_from(u32::from_le_bytes(len)).map_err(invalid)?;
    if len > MAX_MESSAGE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {len} bytes"),
        ));
    }
    let mut bytes = Vec::new();
    from.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    rmp_serde::from_slice(&bytes).map_err(invalid)
}
