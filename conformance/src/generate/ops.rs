//! Random operations, grown beside the model.

use crate::definedness::{BUFFER, Definedness, Role, Streams as _};
use crate::model::{Model, compress_bound};
use crate::preflight::Preflight;
use crate::trace::{Data, Op, Segment, World};

use super::entropy::Entropy;
use super::world::{self, Profile};

/// Streams in one trace, at most.
const MAX_STREAMS: usize = 5;

/// Pieces in a full queue.
const PIECES: usize = 64;

/// The most bytes that may be compressed with the cursor at `index`.
fn fitting(index: usize) -> usize {
    let room = (BUFFER - 4).saturating_sub(index);
    (0..=room).rev().find(|len| compress_bound(*len) <= room).unwrap_or_default()
}

/// Some operations, and what the model says of them.
pub(super) fn ops(
    entropy: &mut Entropy<'_>,
    profile: Profile,
    world: &World,
    lacks: &[&'static str],
) -> (Vec<Op>, Preflight) {
    let mut model = Model::faithful();
    model.reset(world);
    let mut generator = OpGenerator {
        entropy,
        profile,
        world,
        lacks,
        model,
        ops: Vec::new(),
        preflight: Preflight::default(),
    };
    generator.grow();
    generator.preflight.triggered.clone_from(generator.model.triggered());
    (generator.ops, generator.preflight)
}

struct OpGenerator<'a, 'b> {
    entropy: &'a mut Entropy<'b>,
    profile: Profile,
    world: &'a World,
    /// Functions that are not to be called.
    lacks: &'a [&'static str],
    model: Model,
    ops: Vec<Op>,
    preflight: Preflight,
}

impl OpGenerator<'_, '_> {
    /// Appends an operation and carries it out, unless it is none that the original may see.
    fn emit(&mut self, op: Op) {
        if op.calls_one_of(self.lacks).is_some() {
            return;
        }
        let definedness = self.model.definedness(&op);
        if matches!(definedness, Definedness::Defined | Definedness::Assertion(_)) {
            self.preflight.steps.push(self.model.apply(&op));
            self.preflight.definedness.push(definedness);
            self.ops.push(op);
        }
    }

    fn grow(&mut self) {
        self.open();
        if matches!(self.profile, Profile::Move | Profile::Duplex) {
            self.open();
        }
        let wanted = if self.entropy.one_in(40) { 200 } else { self.entropy.between(3, 36) };
        // Candidates may be dropped; so the tries are bounded, not the operations.
        for _ in 0..2 * wanted {
            if self.ops.len() >= wanted {
                break;
            }
            self.step();
        }
        for stream in 0..self.model.made() {
            if self.entropy.one_in(2) {
                self.emit(Op::Close { stream });
            }
        }
    }

    fn open(&mut self) {
        let channel = self.entropy.below(self.world.channels.len());
        let op = match self.profile {
            Profile::Read => Op::NewInput { channel },
            Profile::Write | Profile::Move | Profile::Compress => Op::NewOutput { channel },
            Profile::Duplex => match self.entropy.below(3) {
                0 => Op::NewInput { channel },
                1 => Op::NewOutput { channel },
                _ => Op::GetReturnPath { stream: 0 },
            },
        };
        self.emit(op);
    }

    fn step(&mut self) {
        let stream = self.entropy.below(self.model.made());
        match self.entropy.below(40) {
            0 if self.model.made() < MAX_STREAMS => self.open(),
            1 if self.model.made() < MAX_STREAMS => self.emit(Op::GetReturnPath { stream }),
            2..=5 => self.any_side(stream),
            6 => self.take(stream),
            7 => self.put(stream),
            _ => match self.model.role(stream) {
                Some(Role::Reading) => self.take(stream),
                Some(Role::Writing) => self.put(stream),
                None => {}
            },
        }
    }

    /// Operations of both kinds of stream.
    fn any_side(&mut self, stream: usize) {
        let op = match self.entropy.below(14) {
            0 => Op::GetChannel { stream },
            1 => Op::SetBlocking { stream, blocking: self.entropy.one_in(2) },
            2 => Op::Shutdown { stream },
            3 => Op::GetError { stream },
            4 | 5 => Op::GetErrorObj { stream },
            6 => Op::GetErrorObjAny { first: self.maybe(stream), second: self.maybe(stream) },
            7 => Op::SetError { stream, code: self.code() },
            8 | 9 => {
                let text = self.entropy.pick([None, Some("set"), Some("set again: 100%s")]);
                Op::SetErrorObj { stream, code: self.code(), text: text.map(str::to_owned) }
            }
            10 if self.entropy.one_in(3) => Op::Close { stream },
            _ => Op::Flush { stream },
        };
        self.emit(op);
    }

    fn maybe(&mut self, stream: usize) -> Option<usize> {
        match self.entropy.below(3) {
            0 => None,
            1 => Some(stream),
            _ => Some(self.entropy.below(self.model.made())),
        }
    }

    fn code(&mut self) -> i32 {
        self.entropy.pick([0, -5, -5, -1, -32, 5, 1, 1000, -4095])
    }

    /// A size near `edge` as a rule.
    fn near(&mut self, edge: usize) -> usize {
        match self.entropy.below(6) {
            0 => edge,
            1 => edge + 1,
            2 => edge.saturating_sub(1),
            3 => self.entropy.below(edge + 1),
            _ => world::length(self.entropy),
        }
    }

    fn take(&mut self, stream: usize) {
        let held = self.model.held(stream);
        let op = match self.entropy.below(16) {
            0..=2 => Op::GetBuffer { stream, size: self.near(held) },
            3 => Op::GetBufferInPlace { stream, size: self.near(held) },
            4 => {
                let size = self.entropy.pick([BUFFER, BUFFER - 1, BUFFER + 1, 0, held, held + 1]);
                Op::GetBufferInPlace { stream, size }
            }
            5 | 6 => Op::PeekBuffer { stream, size: self.near(held), offset: self.offset(held) },
            7 => Op::PeekByte { stream, offset: i32::try_from(self.offset(held)).unwrap_or(0) },
            8 => Op::GetByte { stream },
            9 => Op::GetBe16 { stream },
            10 => Op::GetBe32 { stream },
            11 => Op::GetBe64 { stream },
            12 => Op::GetCountedString { stream },
            13 | 14 => Op::Skip { stream, size: i32::try_from(self.near(held)).unwrap_or(0) },
            _ if !self.world.sinks.is_empty() => {
                Op::GetToFd { stream, sink: 0, size: self.near(held) }
            }
            _ => Op::GetByte { stream },
        };
        self.emit(op);
    }

    /// 0 as a rule, else near the end of what is held, or at the edge of the buffer.
    fn offset(&mut self, held: usize) -> usize {
        match self.entropy.below(8) {
            0..=3 => 0,
            4 => held,
            5 => held + 1,
            6 => self.entropy.below(held + 1),
            _ => self.entropy.pick([BUFFER - 1, BUFFER, BUFFER + 1, BUFFER - 2]),
        }
    }

    fn put(&mut self, stream: usize) {
        let room = BUFFER - self.model.index(stream).min(BUFFER);
        let crowded = self.model.pieces(stream) + 2 >= PIECES;
        if crowded && !self.world.compressors.is_empty() && self.entropy.one_in(2) {
            return self.crowd(stream);
        }
        let op = match self.entropy.below(20) {
            0..=2 => {
                let len = world::length(self.entropy);
                Op::PutBuffer { stream, data: world::bytes(self.entropy, len) }
            }
            3 => {
                // Leaves 0 to 8 bytes of room, or takes some more than there are.
                let len = if self.entropy.one_in(3) {
                    room + self.entropy.below(9)
                } else {
                    room.saturating_sub(self.entropy.below(9))
                };
                Op::PutBuffer { stream, data: Data::from(Segment::Counting(len)) }
            }
            4 => return self.fill_pieces(stream),
            5..=8 => self.put_async(stream),
            9 => {
                Op::PutByte { stream, value: i32::from_ne_bytes(self.entropy.word().to_ne_bytes()) }
            }
            10 => Op::PutBe16 { stream, value: self.entropy.word() },
            11 => Op::PutBe32 { stream, value: self.entropy.word() },
            12 => Op::PutBe64 { stream, value: u64::from(self.entropy.word()) << 17 },
            13 => {
                let len =
                    self.entropy.weighted([(4, 5), (1, 0), (1, 1), (1, 254), (1, 255), (1, 256)]);
                Op::PutCountedString {
                    stream,
                    text: Data::from(Segment::Repeat { byte: b'a', len }),
                }
            }
            14 => Op::Transferred { stream },
            15 => Op::BufferEmpty { stream },
            16 => Op::Flush { stream },
            17 => {
                let (offset, len) = self.range();
                Op::ChangeArena { offset, data: world::bytes(self.entropy, len) }
            }
            _ => match self.profile {
                Profile::Compress => self.compress(stream),
                Profile::Move if self.entropy.one_in(6) => self.compress(stream),
                Profile::Move => {
                    Op::PutStream { stream, source: self.entropy.below(self.model.made()) }
                }
                _ => self.put_async(stream),
            },
        };
        self.emit(op);
    }

    /// Compresses into a queue that is all but full, as a rule after an error: only compression
    /// queues pieces then, so only there does a full queue stay.
    fn crowd(&mut self, stream: usize) {
        if self.entropy.one_in(2) {
            let code = self.code();
            self.emit(Op::SetError { stream, code });
        }
        for _ in 0..self.entropy.between(1, 4) {
            let op = self.compress(stream);
            self.emit(op);
        }
    }

    fn compress(&mut self, stream: usize) -> Op {
        let len = match self.entropy.below(6) {
            0 => self.entropy.pick([32743, 32744, 4096, 1]),
            // All that fits, or a byte more.
            1 => fitting(self.model.index(stream)) + self.entropy.below(2),
            _ => world::length(self.entropy),
        };
        Op::PutCompressionData { stream, compressor: 0, data: world::bytes(self.entropy, len) }
    }

    /// A range of the arena: few places, so that neighbours are frequent.
    fn range(&mut self) -> (usize, usize) {
        let offset = 512 * self.entropy.below(16);
        let len = self.entropy.weighted([(6, 512), (2, 0), (2, 1), (2, 511), (1, 1024), (1, 4096)]);
        (offset, len.min(self.world.arena.len() - offset))
    }

    fn put_async(&mut self, stream: usize) -> Op {
        let (offset, len) = self.range();
        Op::PutBufferAsync { stream, offset, len, may_free: self.entropy.one_in(2) }
    }

    /// Borrows single bytes until 61 to 64 pieces are queued.
    fn fill_pieces(&mut self, stream: usize) {
        if !self.entropy.one_in(3) {
            let op = self.put_async(stream);
            return self.emit(op);
        }
        let wanted = PIECES - self.entropy.weighted([(1, 0), (4, 1), (2, 2), (1, 3)]);
        let may_free = self.entropy.one_in(3);
        for number in self.model.pieces(stream)..wanted {
            self.emit(Op::PutBufferAsync { stream, offset: 8192 + 3 * number, len: 2, may_free });
        }
    }
}
