//! What a well-formed trace must also hold to.

use super::{
    Answer, Channel, Data, Op, ReadStep, ReleaseStep, Shutdown, SinkStep, Trace, TraceError, World,
    WriteStep,
};

/// Greatest number of bytes in one place: an arena, an input, one operation. Keeps a hostile file
/// from using up memory.
pub const MAX_BYTES: usize = 16 << 20;

/// Greatest number of operations, streams included.
const MAX_OPS: usize = 1 << 20;

/// Greatest number of streams. One takes some 64 KiB in every subject.
const MAX_STREAMS: usize = 4096;

type Checked = Result<(), String>;

fn require(holds: bool, reason: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(reason()) }
}

fn bytes(data: &Data) -> Checked {
    require(data.len() <= MAX_BYTES, || {
        format!("{} bytes, at most {MAX_BYTES} are allowed", data.len())
    })
}

fn words(text: &str) -> Checked {
    require(!text.contains('\0'), || "a text with a NUL, at which C would cut it".to_owned())
}

fn index(what: &str, index: usize, len: usize) -> Checked {
    require(index < len, || format!("{what} {index} does not exist: the world has {len}"))
}

fn errno(code: i32) -> Checked {
    require(code > 0, || format!("errno {code} must be positive"))
}

impl Trace {
    /// Checks what the form alone does not ensure: sizes, indices, ranges in the arena, texts.
    ///
    /// # Errors
    ///
    /// [`TraceError::Meaning`] with the path of the first field that is wrong.
    pub fn check(&self) -> Result<(), TraceError> {
        let at = |path: String| move |reason: String| TraceError::Meaning { path, reason };
        require(!self.cause.trim().is_empty(), || {
            "must say in one sentence why the trace exists".to_owned()
        })
        .map_err(at("cause".to_owned()))?;
        for row in &self.rows {
            require((1..=31).contains(row), || {
                format!("there is no row {row}: they run from 1 to 31")
            })
            .map_err(at("rows".to_owned()))?;
        }
        self.world.check().map_err(|(path, reason)| TraceError::Meaning {
            path: format!("world.{path}"),
            reason,
        })?;
        require(self.ops.len() <= MAX_OPS, || {
            format!("{} operations, at most {MAX_OPS} are allowed", self.ops.len())
        })
        .map_err(at("ops".to_owned()))?;
        let streams = self.ops.iter().filter(|op| op.opens_a_stream()).count();
        require(streams <= MAX_STREAMS, || {
            format!("{streams} streams are made, at most {MAX_STREAMS} are allowed")
        })
        .map_err(at("ops".to_owned()))?;
        for (number, op) in self.ops.iter().enumerate() {
            op.check(&self.world).map_err(at(format!("ops[{number}]")))?;
        }
        Ok(())
    }
}

impl Op {
    fn opens_a_stream(&self) -> bool {
        matches!(self, Self::NewInput { .. } | Self::NewOutput { .. } | Self::GetReturnPath { .. })
    }
}

impl World {
    fn check(&self) -> Result<(), (String, String)> {
        bytes(&self.arena).map_err(|reason| ("arena".to_owned(), reason))?;
        for (number, channel) in self.channels.iter().enumerate() {
            channel
                .check()
                .map_err(|(field, reason)| (format!("channels[{number}].{field}"), reason))?;
        }
        for (number, level) in self.compressors.iter().enumerate() {
            require(*level <= 9, || format!("level {level} must be 0 to 9"))
                .map_err(|reason| (format!("compressors[{number}]"), reason))?;
        }
        for (number, steps) in self.sinks.iter().enumerate() {
            for step in steps {
                if let SinkStep::Fail(code) = step {
                    errno(code.get()).map_err(|reason| (format!("sinks[{number}]"), reason))?;
                }
            }
        }
        for (number, step) in self.releases.iter().enumerate() {
            if let ReleaseStep::Fail(code) = step {
                errno(code.get()).map_err(|reason| (format!("releases[{number}]"), reason))?;
            }
        }
        Ok(())
    }
}

impl Channel {
    fn check(&self) -> Result<(), (&'static str, String)> {
        bytes(&self.input).map_err(|reason| ("input", reason))?;
        for step in &self.reads {
            if let ReadStep::Fail(text) = step {
                words(text).map_err(|reason| ("reads", reason))?;
            }
        }
        for step in &self.writes {
            if let WriteStep::Fail(text) = step {
                words(text).map_err(|reason| ("writes", reason))?;
            }
        }
        if let Shutdown::Fails(text) = &self.shutdown {
            words(text).map_err(|reason| ("shutdown", reason))?;
        }
        for (field, answer) in [("close", &self.close), ("set_blocking", &self.set_blocking)] {
            if let Answer::Fails(text) = answer {
                words(text).map_err(|reason| (field, reason))?;
            }
        }
        Ok(())
    }
}

impl Op {
    fn check(&self, world: &World) -> Checked {
        match self {
            Self::NewInput { channel } | Self::NewOutput { channel } => {
                index("channel", *channel, world.channels.len())
            }
            Self::SetErrorObj { text: Some(text), .. } => words(text),
            Self::GetBuffer { size, .. } | Self::GetBufferInPlace { size, .. } => {
                require(*size <= MAX_BYTES, || {
                    format!("{size} bytes, at most {MAX_BYTES} are allowed")
                })
            }
            Self::GetToFd { sink, size, .. } => {
                index("sink", *sink, world.sinks.len())?;
                require(*size <= MAX_BYTES, || {
                    format!("{size} bytes, at most {MAX_BYTES} are allowed")
                })
            }
            Self::PutBuffer { data, .. } => bytes(data),
            Self::PutCountedString { text, .. } => {
                bytes(text)?;
                require(!text.to_vec().contains(&0), || {
                    "a C string ends at its first NUL: leave it out".to_owned()
                })
            }
            Self::PutCompressionData { compressor, data, .. } => {
                index("compressor", *compressor, world.compressors.len())?;
                bytes(data)
            }
            Self::PutBufferAsync { offset, len, .. } => in_arena(*offset, *len, world),
            Self::ChangeArena { offset, data } => in_arena(*offset, data.len(), world),
            _ => Ok(()),
        }
    }
}

/// The place must lie inside the arena even where the length is 0, so that it is nobody else's.
fn in_arena(offset: usize, len: usize, world: &World) -> Checked {
    let arena = world.arena.len();
    require(offset < arena && len <= arena - offset, || {
        format!("{len} bytes at offset {offset} do not lie in the arena of {arena} bytes")
    })
}
