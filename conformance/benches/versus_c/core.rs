//! The core in the same loops.

use std::sync::Arc;

use c_reference::bench::{Loop, PAGE, PAGES, Step, StepKind};
use qemufile_core::{Compressor, GuestMemory, Reader, Writer};

use crate::Error;
use crate::contender::{Contender, be16, be32, be64, done, repeat};
use crate::free::Free;
use crate::row::Row;

/// The core over one stream.
pub(crate) enum Core {
    Writing(Writing),
    Reading(Reading),
}

pub(crate) struct Writing {
    writer: Writer,
    channel: Arc<Free>,
    memory: GuestMemory,
    compressor: Compressor,
    row: Row,
}

pub(crate) struct Reading {
    reader: Reader,
    room: Vec<u8>,
    sum: u64,
    row: Row,
}

impl Core {
    pub(crate) fn open(row: &Row, keeps: bool) -> Result<Self, Error> {
        let (channel, row) = (row.channel(keeps), row.clone());
        if row.operation.reads() {
            let (reader, room) = (Reader::new(channel), row.room());
            return Ok(Self::Reading(Reading { reader, room, sum: 0, row }));
        }
        let memory = GuestMemory::anonymous(row.content.len())?;
        memory.write_at(0, &row.content)?;
        Ok(Self::Writing(Writing {
            writer: Writer::new(channel.clone()),
            channel,
            memory,
            compressor: Compressor::new(1),
            row,
        }))
    }
}

impl Contender for Core {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        match self {
            Self::Writing(writing) => writing.run(count),
            Self::Reading(reading) => reading.run(count),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits of a counter are put")]
impl Writing {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        let Self { writer, channel, memory, compressor, row } = self;
        let (content, len) = (&row.content[..], row.len);
        let page = |i: usize| i % PAGES * PAGE..(i % PAGES + 1) * PAGE;
        match row.operation {
            Loop::PutByte => repeat(writer, count, |writer, i| done(writer.put_byte(i as u8)))?,
            Loop::PutBe16 => repeat(writer, count, |writer, i| done(writer.put_be16(i as u16)))?,
            Loop::PutBe32 => repeat(writer, count, |writer, i| done(writer.put_be32(i as u32)))?,
            Loop::PutBe64 => repeat(writer, count, |writer, i| done(writer.put_be64(i as u64)))?,
            Loop::PutBuffer => {
                repeat(writer, count, |writer, _| done(writer.put_buffer(&content[..len])))?
            }
            Loop::PutString => {
                repeat(writer, count, |writer, _| done(writer.put_counted_string(&content[..len])))?
            }
            Loop::PutPage => repeat(writer, count, |writer, i| {
                writer.put_be64(page(i).start as u64)?;
                done(writer.put_guest(memory, page(i), false))
            })?,
            Loop::PutCompressed => repeat(writer, count, |writer, i| {
                channel.add(writer.put_compressed(compressor, &content[page(i)])?);
                done(writer.flush())
            })?,
            _ => repeat(writer, count, |writer, _| {
                let mut at = 0;
                for step in &row.steps {
                    put(writer, memory, content, step, at)?;
                    at += step.advance();
                }
                done(writer.flush())
            })?,
        };
        if channel.keeps() {
            writer.flush()?;
        }
        Ok(channel.sum())
    }
}

#[expect(clippy::inline_always, reason = "the original's loop has it in place as well")]
#[inline(always)]
fn put(
    writer: &mut Writer,
    memory: &GuestMemory,
    content: &[u8],
    step: &Step,
    at: usize,
) -> Result<(), Error> {
    let bytes = &content[at..at + step.len as usize];
    match step.kind {
        StepKind::Byte => writer.put_byte(bytes[0])?,
        StepKind::Be16 => writer.put_be16(be16(bytes))?,
        StepKind::Be32 => writer.put_be32(be32(bytes))?,
        StepKind::Be64 => writer.put_be64(be64(bytes))?,
        StepKind::Buffer => writer.put_buffer(bytes)?,
        StepKind::String => writer.put_counted_string(&bytes[1..])?,
        StepKind::Page => writer.put_guest(memory, at..at + bytes.len(), false)?,
        StepKind::Peek => {}
    }
    Ok(())
}

impl Reading {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        let Self { reader, room, row, .. } = self;
        let len = row.len;
        let seen = |found: &[u8]| found.len() as u64 + u64::from(found[0]);
        let sum = match row.operation {
            Loop::GetByte => repeat(reader, count, |reader, _| Ok(reader.get_byte()?.into()))?,
            Loop::GetBe16 => repeat(reader, count, |reader, _| Ok(reader.get_be16()?.into()))?,
            Loop::GetBe32 => repeat(reader, count, |reader, _| Ok(reader.get_be32()?.into()))?,
            Loop::GetBe64 => repeat(reader, count, |reader, _| Ok(reader.get_be64()?))?,
            Loop::GetBuffer => repeat(reader, count, |reader, _| {
                reader.get_buffer(&mut room[..len])?;
                Ok(seen(&room[..len]))
            })?,
            Loop::GetInPlace => repeat(reader, count, |reader, _| {
                Ok(seen(reader.get_buffer_in_place(&mut room[..len])?))
            })?,
            Loop::PeekSkip => repeat(reader, count, |reader, _| {
                let seen = seen(reader.peek_buffer(len, 0)?);
                reader.skip(len)?;
                Ok(seen)
            })?,
            Loop::GetString => {
                repeat(reader, count, |reader, _| Ok(seen(reader.get_counted_string()?)))?
            }
            _ => repeat(reader, count, |reader, _| {
                let mut into = &mut room[..];
                let mut sum = 0_u64;
                for step in &row.steps {
                    sum = sum.wrapping_add(get(reader, step, into)?);
                    into = &mut into[step.advance()..];
                }
                Ok(sum)
            })?,
        };
        self.sum = self.sum.wrapping_add(sum);
        Ok(self.sum)
    }
}

#[expect(clippy::inline_always, reason = "the original's loop has it in place as well")]
#[inline(always)]
fn get(reader: &mut Reader, step: &Step, into: &mut [u8]) -> Result<u64, Error> {
    Ok(match step.kind {
        StepKind::Byte => reader.get_byte()?.into(),
        StepKind::Be16 => reader.get_be16()?.into(),
        StepKind::Be32 => reader.get_be32()?.into(),
        StepKind::Be64 => reader.get_be64()?,
        StepKind::Buffer | StepKind::Page => {
            reader.get_buffer(&mut into[..step.len as usize])?;
            u64::from(step.len) + u64::from(into[0])
        }
        StepKind::String => reader.get_counted_string()?.len() as u64,
        StepKind::Peek => reader.peek_byte(0)?.into(),
    })
}
