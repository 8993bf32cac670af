//! `BufWriter` and `BufReader` of std in the same loops, with integers as `byteorder` moves them.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use c_reference::bench::{Loop, PAGE, PAGES, Step, StepKind};
use flate2::{Compress, Compression, FlushCompress};
use qemufile_core::IO_BUF_SIZE;

use crate::Error;
use crate::contender::{Contender, be16, be32, be64, done, repeat};
use crate::free::Free;
use crate::row::Row;

/// std over one stream.
pub(crate) enum Standard {
    Writing(Writing),
    Reading(Reading),
}

pub(crate) struct Writing {
    writer: BufWriter<End>,
    channel: Arc<Free>,
    compress: Compress,
    room: Vec<u8>,
    row: Row,
}

pub(crate) struct Reading {
    reader: BufReader<End>,
    room: Vec<u8>,
    sum: u64,
    row: Row,
}

/// The channel as std sees it.
struct End(Arc<Free>);

impl Read for End {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.give(into)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.keeps() {
            self.0.keep(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Standard {
    pub(crate) fn open(row: &Row, keeps: bool) -> Self {
        let (channel, row) = (row.channel(keeps), row.clone());
        let end = End(channel.clone());
        if row.operation.reads() {
            let (reader, room) = (BufReader::with_capacity(IO_BUF_SIZE, end), row.room());
            return Self::Reading(Reading { reader, room, sum: 0, row });
        }
        Self::Writing(Writing {
            writer: BufWriter::with_capacity(IO_BUF_SIZE, end),
            channel,
            compress: Compress::new(Compression::new(1), true),
            room: vec![0; IO_BUF_SIZE],
            row,
        })
    }
}

impl Contender for Standard {
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
        let Self { writer, channel, compress, room, row } = self;
        let (content, len) = (&row.content[..], row.len);
        let page = |i: usize| i % PAGES * PAGE..(i % PAGES + 1) * PAGE;
        match row.operation {
            Loop::PutByte => repeat(writer, count, |writer, i| done(writer.write_all(&[i as u8])))?,
            Loop::PutBe16 => repeat(writer, count, |writer, i| {
                done(writer.write_all(&(i as u16).to_be_bytes()))
            })?,
            Loop::PutBe32 => repeat(writer, count, |writer, i| {
                done(writer.write_all(&(i as u32).to_be_bytes()))
            })?,
            Loop::PutBe64 => repeat(writer, count, |writer, i| {
                done(writer.write_all(&(i as u64).to_be_bytes()))
            })?,
            Loop::PutBuffer => {
                repeat(writer, count, |writer, _| done(writer.write_all(&content[..len])))?
            }
            Loop::PutString => {
                repeat(writer, count, |writer, _| done(put_string(writer, &content[..len])))?
            }
            Loop::PutPage => repeat(writer, count, |writer, i| {
                writer.write_all(&(page(i).start as u64).to_be_bytes())?;
                done(writer.write_all(&content[page(i)]))
            })?,
            Loop::PutCompressed => repeat(writer, count, |writer, i| {
                compress.reset();
                compress.compress(&content[page(i)], room, FlushCompress::Finish)?;
                let len = compress.total_out() as usize;
                writer.write_all(&(len as u32).to_be_bytes())?;
                writer.write_all(&room[..len])?;
                channel.add(size_of::<u32>() + len);
                done(writer.flush())
            })?,
            _ => repeat(writer, count, |writer, _| {
                let mut at = content;
                for step in &row.steps {
                    put(writer, &at[..step.len as usize], step.kind)?;
                    at = &at[step.advance()..];
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

fn put_string(writer: &mut impl Write, text: &[u8]) -> Result<(), Error> {
    writer.write_all(&[u8::try_from(text.len())?])?;
    Ok(writer.write_all(text)?)
}

#[expect(clippy::inline_always, reason = "the original's loop has it in place as well")]
#[inline(always)]
fn put(writer: &mut impl Write, bytes: &[u8], kind: StepKind) -> Result<(), Error> {
    match kind {
        StepKind::Byte => writer.write_all(&[bytes[0]])?,
        StepKind::Be16 => writer.write_all(&be16(bytes).to_be_bytes())?,
        StepKind::Be32 => writer.write_all(&be32(bytes).to_be_bytes())?,
        StepKind::Be64 => writer.write_all(&be64(bytes).to_be_bytes())?,
        StepKind::Buffer | StepKind::Page => writer.write_all(bytes)?,
        StepKind::String => put_string(writer, &bytes[1..])?,
        StepKind::Peek => {}
    }
    Ok(())
}

fn take<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Reading {
    fn run(&mut self, count: usize) -> Result<u64, Error> {
        let Self { reader, room, row, .. } = self;
        let len = row.len;
        let seen = |found: &[u8]| found.len() as u64 + u64::from(found[0]);
        let sum = match row.operation {
            Loop::GetByte => {
                repeat(reader, count, |reader, _| Ok(u8::from_be_bytes(take(reader)?).into()))?
            }
            Loop::GetBe16 => {
                repeat(reader, count, |reader, _| Ok(u16::from_be_bytes(take(reader)?).into()))?
            }
            Loop::GetBe32 => {
                repeat(reader, count, |reader, _| Ok(u32::from_be_bytes(take(reader)?).into()))?
            }
            Loop::GetBe64 => {
                repeat(reader, count, |reader, _| Ok(u64::from_be_bytes(take(reader)?)))?
            }
            Loop::GetBuffer => repeat(reader, count, |reader, _| {
                reader.read_exact(&mut room[..len])?;
                Ok(seen(&room[..len]))
            })?,
            Loop::GetInPlace | Loop::PeekSkip => repeat(reader, count, |reader, _| {
                let seen = seen(reader.fill_buf()?.get(..len).ok_or("a short buffer")?);
                reader.consume(len);
                Ok(seen)
            })?,
            Loop::GetString => {
                repeat(reader, count, |reader, _| Ok(seen(get_string(reader, room)?)))?
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

fn get_string<'a>(reader: &mut impl Read, room: &'a mut [u8]) -> Result<&'a [u8], Error> {
    let [len] = take(reader)?;
    let text = &mut room[..usize::from(len)];
    reader.read_exact(text)?;
    Ok(text)
}

#[expect(clippy::inline_always, reason = "the original's loop has it in place as well")]
#[inline(always)]
fn get(reader: &mut BufReader<End>, step: &Step, into: &mut [u8]) -> Result<u64, Error> {
    let len = step.len as usize;
    Ok(match step.kind {
        StepKind::Byte => u8::from_be_bytes(take(reader)?).into(),
        StepKind::Be16 => u16::from_be_bytes(take(reader)?).into(),
        StepKind::Be32 => u32::from_be_bytes(take(reader)?).into(),
        StepKind::Be64 => u64::from_be_bytes(take(reader)?),
        StepKind::Buffer | StepKind::Page => {
            reader.read_exact(&mut into[..len])?;
            len as u64 + u64::from(into[0])
        }
        StepKind::String => {
            let mut text = [0; 255];
            get_string(reader, &mut text)?.len() as u64
        }
        StepKind::Peek => (*reader.fill_buf()?.first().ok_or("an empty buffer")?).into(),
    })
}
