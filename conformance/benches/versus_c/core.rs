//! The core in the same loops.

use std::sync::Arc;

use c_reference::bench::{Loop, PAGE, PAGES, Step, StepKind};
use qemufile_core::{Compressor, GuestMemory, Reader, Writer};

use crate::contender::{Contender, Error, be16, be32, be64};
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
        let repeats = row.operation.reads() && row.operation != Loop::ReadStream;
        let channel = Arc::new(Free::new(&row.content, repeats, keeps));
        let row = row.clone();
        if row.operation.reads() {
            let room = vec![0; row.len.max(row.content.len()) + 1];
            return Ok(Self::Reading(Reading { reader: Reader::new(channel), room, sum: 0, row }));
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
        let writer = &mut self.writer;
        let content = &self.row.content[..];
        match self.row.operation {
            Loop::PutByte => {
                for i in 0..count {
                    writer.put_byte(i as u8)?;
                }
            }
            Loop::PutBe16 => {
                for i in 0..count {
                    writer.put_be16(i as u16)?;
                }
            }
            Loop::PutBe32 => {
                for i in 0..count {
                    writer.put_be32(i as u32)?;
                }
            }
            Loop::PutBe64 => {
                for i in 0..count {
                    writer.put_be64(i as u64)?;
                }
            }
            Loop::PutBuffer => {
                for _ in 0..count {
                    writer.put_buffer(&content[..self.row.len])?;
                }
            }
            Loop::PutString => {
                for _ in 0..count {
                    writer.put_counted_string(&content[..self.row.len])?;
                }
            }
            Loop::PutPage => {
                for i in 0..count {
                    let page = i % PAGES * PAGE;
                    writer.put_be64(page as u64)?;
                    writer.put_guest(&self.memory, page..page + PAGE, false)?;
                }
            }
            Loop::PutCompressed => {
                for i in 0..count {
                    let page = i % PAGES * PAGE;
                    let len =
                        writer.put_compressed(&mut self.compressor, &content[page..page + PAGE])?;
                    self.channel.add(len);
                    writer.flush()?;
                }
            }
            _ => {
                for _ in 0..count {
                    let mut at = 0;
                    for step in &self.row.steps {
                        put(writer, &self.memory, content, step, at)?;
                        at += step.advance();
                    }
                    writer.flush()?;
                }
            }
        }
        if self.channel.keeps() {
            writer.flush()?;
        }
        Ok(self.channel.sum())
    }
}

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
        let reader = &mut self.reader;
        let len = self.row.len;
        let mut sum = 0_u64;
        match self.row.operation {
            Loop::GetByte => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(reader.get_byte()?));
                }
            }
            Loop::GetBe16 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(reader.get_be16()?));
                }
            }
            Loop::GetBe32 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(reader.get_be32()?));
                }
            }
            Loop::GetBe64 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(reader.get_be64()?);
                }
            }
            Loop::GetBuffer => {
                let room = &mut self.room[..len];
                for _ in 0..count {
                    reader.get_buffer(room)?;
                    sum = sum.wrapping_add(len as u64 + u64::from(room[0]));
                }
            }
            Loop::GetInPlace => {
                for _ in 0..count {
                    let found = reader.get_buffer_in_place(&mut self.room[..len])?;
                    sum = sum.wrapping_add(found.len() as u64 + u64::from(found[0]));
                }
            }
            Loop::PeekSkip => {
                for _ in 0..count {
                    let found = reader.peek_buffer(len, 0)?;
                    sum = sum.wrapping_add(found.len() as u64 + u64::from(found[0]));
                    reader.skip(len)?;
                }
            }
            Loop::GetString => {
                for _ in 0..count {
                    let found = reader.get_counted_string()?;
                    sum = sum.wrapping_add(found.len() as u64 + u64::from(found[0]));
                }
            }
            _ => {
                for _ in 0..count {
                    let mut into = &mut self.room[..];
                    for step in &self.row.steps {
                        sum = sum.wrapping_add(get(reader, step, into)?);
                        into = &mut into[step.advance()..];
                    }
                }
            }
        }
        self.sum = self.sum.wrapping_add(sum);
        Ok(self.sum)
    }
}

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
