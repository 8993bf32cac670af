//! The reader against a model that is plainly simpler: the whole input, a position in it, and the
//! rule of what a refill asks for.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::support::{Event, SETTINGS, ScriptedChannel, Step, channel, pattern};
use proptest::prelude::*;
use qemufile_core::compat::{self, InPlace};
use qemufile_core::{Channel, IO_BUF_SIZE, Quirks, Reader};

#[derive(Clone, Debug)]
enum Op {
    Peek { size: usize, offset: usize },
    PeekByte(usize),
    Skip(usize),
    Get(usize),
    InPlace(usize),
    Byte,
    Be16,
    Be32,
    Be64,
    Counted,
    PassOn(usize),
    SetError,
}

/// What an operation gave: the bytes of it, or what stands for them.
type Seen = (Vec<u8>, u64);

struct Model {
    input: Vec<u8>,
    steps: VecDeque<usize>,
    /// The next unread byte of the input, and how many from there on are buffered.
    position: usize,
    held: usize,
    /// Where in the buffer they lie: only the stale peek looks at it.
    index: usize,
    failed: bool,
    stale_peek: bool,
    reads: Vec<(usize, usize)>,
}

impl Model {
    fn fill(&mut self) -> bool {
        self.index = 0;
        if self.failed {
            return false;
        }
        let asked = IO_BUF_SIZE - self.held;
        let limit = self.steps.pop_front().unwrap_or(usize::MAX);
        let given = limit.min(asked).min(self.input.len() - self.position - self.held);
        self.reads.push((asked, given));
        self.held += given;
        self.failed = given == 0;
        !self.failed
    }

    fn skip(&mut self, size: usize) {
        if size <= self.held {
            self.position += size;
            self.held -= size;
            self.index += size;
        }
    }

    fn peek(&mut self, size: usize, offset: usize) -> Vec<u8> {
        if offset > self.held {
            return Vec::new();
        }
        while self.held - offset < size {
            let index = self.index;
            if !self.fill() {
                let shift = if self.stale_peek { index } else { 0 };
                // What is unread was moved to the front; behind it lies what lay there before.
                let at = |place| if place + shift < self.held { place + shift } else { place };
                return (offset..self.held).map(|p| self.input[self.position + at(p)]).collect();
            }
        }
        self.input[self.position + offset..][..size].to_vec()
    }

    fn peek_byte(&mut self, offset: usize) -> Option<u8> {
        if offset >= self.held {
            self.fill();
        }
        (offset < self.held).then(|| self.input[self.position + offset])
    }

    fn get(&mut self, size: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < size {
            let bytes = self.peek((size - all.len()).min(IO_BUF_SIZE), 0);
            if bytes.is_empty() {
                break;
            }
            self.skip(bytes.len());
            all.extend(bytes);
        }
        all
    }

    fn integer(&mut self, width: usize) -> u64 {
        (0..width).fold(0, |value, _| {
            let byte = self.peek_byte(0);
            self.skip(1);
            value << 8 | u64::from(byte.unwrap_or(0))
        })
    }

    fn pass_on(&mut self, size: usize) -> Seen {
        let mut all = Vec::new();
        while all.len() < size {
            if self.held == 0 && !self.fill() {
                return (all, 5);
            }
            let count = self.held.min(size - all.len());
            all.extend_from_slice(&self.input[self.position..][..count]);
            self.skip(count);
        }
        (all, 0)
    }

    fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::Peek { size, offset } => (self.peek(size, offset), 0),
            Op::PeekByte(offset) => (vec![], self.peek_byte(offset).unwrap_or(0).into()),
            Op::Skip(size) => {
                self.skip(size);
                (vec![], 0)
            }
            Op::Get(size) => (self.get(size), 0),
            Op::InPlace(size) => {
                if size < IO_BUF_SIZE {
                    let bytes = self.peek(size, 0);
                    if bytes.len() == size {
                        self.skip(size);
                        return (bytes, 1);
                    }
                }
                (self.get(size), 2)
            }
            Op::Byte => (vec![], self.integer(1)),
            Op::Be16 => (vec![], self.integer(2)),
            Op::Be32 => (vec![], self.integer(4)),
            Op::Be64 => (vec![], self.integer(8)),
            Op::Counted => {
                let len = self.integer(1);
                let bytes = self.get(usize::try_from(len).unwrap());
                let whole = bytes.len() as u64 == len;
                (bytes, if whole { len } else { 0 })
            }
            Op::PassOn(size) => self.pass_on(size),
            Op::SetError => {
                self.failed = true;
                (vec![], 0)
            }
        }
    }
}

fn apply(reader: &mut Reader, op: &Op) -> Seen {
    match *op {
        Op::Peek { size, offset } => {
            (compat::peek_buffer(reader, size, offset).unwrap().to_vec(), 0)
        }
        Op::PeekByte(offset) => (vec![], compat::peek_byte(reader, offset).unwrap().into()),
        Op::Skip(size) => {
            compat::skip(reader, size);
            (vec![], 0)
        }
        Op::Get(size) => {
            let mut into = vec![0; size];
            let count = compat::get_buffer(reader, &mut into);
            into.truncate(count);
            (into, 0)
        }
        Op::InPlace(size) => match compat::get_buffer_in_place(reader, &mut vec![0; size]) {
            InPlace::Null => (vec![], 1),
            InPlace::Buffer(bytes) => (bytes.to_vec(), 1),
            InPlace::Copied(bytes) => (bytes.to_vec(), 2),
        },
        Op::Byte => (vec![], compat::get_byte(reader).into()),
        Op::Be16 => (vec![], compat::get_be16(reader).into()),
        Op::Be32 => (vec![], compat::get_be32(reader).into()),
        Op::Be64 => (vec![], compat::get_be64(reader)),
        Op::Counted => {
            // No byte of the pattern is 255, which marks the room behind the string.
            let mut into = [0xff; 256];
            let len = compat::get_counted_string(reader, &mut into);
            let end = into.iter().rposition(|byte| *byte != 0xff).unwrap();
            assert_eq!(into[end], 0);
            (into[..end].to_vec(), len as u64)
        }
        Op::PassOn(size) => {
            let mut sink = Vec::new();
            let code = compat::get_to_fd(reader, &mut sink, size);
            (sink, u64::try_from(-code).unwrap())
        }
        Op::SetError => {
            compat::set_error(reader, -5);
            (vec![], 0)
        }
    }
}

/// Sizes on both sides of 0, of the buffer's size and of twice that, and others.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..20_usize, 3 => 32_758..=32_778_usize, 1 => 65_530..=65_540_usize,
        2 => 0..70_000_usize]
}

fn op() -> impl Strategy<Value = Op> {
    let edge = prop_oneof![3 => 0..20_usize, 2 => 32_748..IO_BUF_SIZE, 1 => 0..IO_BUF_SIZE];
    prop_oneof![
        4 => (size(), edge.clone()).prop_map(|(size, offset)| {
            Op::Peek { size: size.min(IO_BUF_SIZE - offset), offset }
        }),
        2 => edge.prop_map(Op::PeekByte),
        4 => size().prop_map(Op::Skip),
        3 => size().prop_map(Op::Get),
        3 => size().prop_map(Op::InPlace),
        2 => Just(Op::Byte),
        1 => Just(Op::Be16),
        1 => Just(Op::Be32),
        1 => Just(Op::Be64),
        1 => Just(Op::Counted),
        1 => size().prop_map(Op::PassOn),
        1 => prop_oneof![9 => Just(Op::Byte), 1 => Just(Op::SetError)],
    ]
}

fn reads(events: Vec<Event>) -> Vec<(usize, usize)> {
    events
        .into_iter()
        .map(|event| match event {
            Event::Read { asked, given: Ok(given) } => (asked, given),
            other => panic!("not a read: {other:?}"),
        })
        .collect()
}

fn open(input: &[u8], steps: &[usize], quirks: Quirks) -> (Arc<ScriptedChannel>, Reader) {
    let scripted = channel(input).reads(steps.iter().map(|limit| Step::Move(*limit))).shared();
    let reader = Reader::with_config(scripted.clone(), &scripted.config(quirks));
    (scripted, reader)
}

proptest! {
    #![proptest_config(crate::support::cases(2000))]

    #[test]
    fn the_reader_is_the_model(
        len in prop_oneof![0..40_usize, 32_760..32_780_usize, 0..200_000_usize],
        steps in prop::collection::vec(size().prop_map(|size| size.max(1)), 0..12),
        ops in prop::collection::vec(op(), 1..40),
        stale_peek: bool,
    ) {
        let quirks = if stale_peek { Quirks::FAITHFUL } else { Quirks::FIXED };
        let (scripted, mut reader) = open(&pattern(len), &steps, quirks);
        let mut model = Model {
            input: pattern(len), steps: steps.into(), position: 0, held: 0, index: 0, failed: false, stale_peek,
            reads: Vec::new(),
        };
        for op in &ops {
            let expected = model.apply(op);
            let seen = apply(&mut reader, op);
            prop_assert!(seen == expected, "{op:?}: {} bytes and {}, not {} and {}",
                seen.0.len(), seen.1, expected.0.len(), expected.1);
            let unread = &model.input[model.position..][..model.held];
            prop_assert!(reader.buffered() == unread, "unread after {op:?}");
            prop_assert_eq!(compat::get_error(&reader) != 0, model.failed, "after {:?}", op);
            prop_assert_eq!(reads(scripted.events()), std::mem::take(&mut model.reads));
        }
    }
}

/// One walk over a stream by the safe calls, as far as it goes.
fn walk(channel: Arc<dyn Channel>, quirks: Quirks) -> (Vec<Vec<u8>>, Option<i32>) {
    let config = qemufile_core::Config::new().quirks(quirks);
    let mut reader = Reader::with_config(channel, &config);
    let mut seen = Vec::new();
    let mut into = vec![0; 50_000];
    let outcome = (|| loop {
        seen.push(reader.get_byte()?.to_be_bytes().to_vec());
        seen.push(reader.get_be16()?.to_be_bytes().to_vec());
        seen.push(reader.peek_buffer(300, 0)?.to_vec());
        reader.skip(7)?;
        seen.push(reader.get_be32()?.to_be_bytes().to_vec());
        seen.push(reader.get_counted_string()?.to_vec());
        seen.push(reader.get_be64()?.to_be_bytes().to_vec());
        reader.get_buffer(&mut into[..33_000])?;
        seen.push(into[..33_000].to_vec());
        seen.push(reader.get_buffer_in_place(&mut into[..4096])?.to_vec());
        seen.push(reader.get_buffer_in_place(&mut into[..32_768])?.to_vec());
        let mut sink = Vec::new();
        reader.get_to(&mut sink, 40_000)?;
        seen.push(sink);
    })();
    let outcome: Result<std::convert::Infallible, qemufile_core::Error> = outcome;
    seen.push(reader.buffered().to_vec());
    (seen, outcome.err().map(|_| compat::get_error(&reader)))
}

#[test]
fn chunk_sizes_make_no_difference() {
    let bytes = pattern(400_000);
    for quirks in SETTINGS {
        let whole = walk(channel(bytes.clone()).shared(), quirks);
        assert!(whole.0.len() > 20 && whole.1 == Some(-5), "the walk ends at the end");
        for limit in [1, 7, 4096, 32_767, 32_768, 32_769] {
            let chunked = channel(bytes.clone()).every_read(Step::Move(limit)).shared();
            assert!(walk(chunked, quirks) == whole, "chunks of {limit}");
        }
    }
}

proptest! {
    #![proptest_config(crate::support::cases(48))]

    #[test]
    fn random_chunk_sizes_make_no_difference(
        limits in prop::collection::vec(1..40_000_usize, 1..60),
        len in 0..200_000_usize,
    ) {
        let whole = walk(channel(pattern(len)).shared(), Quirks::FIXED);
        let steps = limits.iter().map(|limit| Step::Move(*limit));
        let chunked = walk(channel(pattern(len)).reads(steps).every_read(Step::Move(3)).shared(),
            Quirks::FIXED);
        prop_assert!(chunked == whole);
    }
}
