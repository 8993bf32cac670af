//! `BufWriter` and `BufReader` of std in the same loops, with integers as `byteorder` moves them.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use c_reference::bench::{Loop, PAGE, PAGES, Step, StepKind};
use flate2::{Compress, Compression, FlushCompress};
use qemufile_core::IO_BUF_SIZE;

use crate::contender::{Contender, Error, be16, be32, be64};
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
        let repeats = row.operation.reads() && row.operation != Loop::ReadStream;
        let channel = Arc::new(Free::new(&row.content, repeats, keeps));
        let end = End(channel.clone());
        let row = row.clone();
        if row.operation.reads() {
            let reader = BufReader::with_capacity(IO_BUF_SIZE, end);
            let room = vec![0; row.len.max(row.content.len()) + 1];
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
        let writer = &mut self.writer;
        let content = &self.row.content[..];
        match self.row.operation {
            Loop::PutByte => {
                for i in 0..count {
                    writer.write_all(&[i as u8])?;
                }
            }
            Loop::PutBe16 => {
                for i in 0..count {
                    writer.write_all(&(i as u16).to_be_bytes())?;
                }
            }
            Loop::PutBe32 => {
                for i in 0..count {
                    writer.write_all(&(i as u32).to_be_bytes())?;
                }
            }
            Loop::PutBe64 => {
                for i in 0..count {
                    writer.write_all(&(i as u64).to_be_bytes())?;
                }
            }
            Loop::PutBuffer => {
                for _ in 0..count {
                    writer.write_all(&content[..self.row.len])?;
                }
            }
            Loop::PutString => {
                for _ in 0..count {
                    put_string(writer, &content[..self.row.len])?;
                }
            }
            Loop::PutPage => {
                for i in 0..count {
                    let page = i % PAGES * PAGE;
                    writer.write_all(&(page as u64).to_be_bytes())?;
                    writer.write_all(&content[page..page + PAGE])?;
                }
            }
            Loop::PutCompressed => {
                for i in 0..count {
                    let page = i % PAGES * PAGE;
                    let data = &content[page..page + PAGE];
                    self.compress.reset();
                    self.compress.compress(data, &mut self.room, FlushCompress::Finish)?;
                    let len = self.compress.total_out() as usize;
                    writer.write_all(&(len as u32).to_be_bytes())?;
                    writer.write_all(&self.room[..len])?;
                    self.channel.add(size_of::<u32>() + len);
                    writer.flush()?;
                }
            }
            _ => {
                for _ in 0..count {
                    let mut at = content;
                    for step in &self.row.steps {
                        put(writer, &at[..step.len as usize], step.kind)?;
                        at = &at[step.advance()..];
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

fn put_string(writer: &mut impl Write, text: &[u8]) -> Result<(), Error> {
    writer.write_all(&[u8::try_from(text.len())?])?;
    Ok(writer.write_all(text)?)
}

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
        let reader = &mut self.reader;
        let room = &mut self.room[..];
        let len = self.row.len;
        let mut sum = 0_u64;
        match self.row.operation {
            Loop::GetByte => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(u8::from_be_bytes(take(reader)?)));
                }
            }
            Loop::GetBe16 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(u16::from_be_bytes(take(reader)?)));
                }
            }
            Loop::GetBe32 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from(u32::from_be_bytes(take(reader)?)));
                }
            }
            Loop::GetBe64 => {
                for _ in 0..count {
                    sum = sum.wrapping_add(u64::from_be_bytes(take(reader)?));
                }
            }
            Loop::GetBuffer => {
                for _ in 0..count {
                    reader.read_exact(&mut room[..len])?;
                    sum = sum.wrapping_add(len as u64 + u64::from(room[0]));
                }
            }
            Loop::GetInPlace | Loop::PeekSkip => {
                for _ in 0..count {
                    let found = reader.fill_buf()?.get(..len).ok_or("a short buffer")?;
                    sum = sum.wrapping_add(found.len() as u64 + u64::from(found[0]));
                    reader.consume(len);
                }
            }
            Loop::GetString => {
                for _ in 0..count {
                    let found = get_string(reader, room)?;
                    sum = sum.wrapping_add(found.len() as u64 + u64::from(found[0]));
                }
            }
            _ => {
                for _ in 0..count {
                    let mut into = &mut room[..];
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

fn get_string<'a>(reader: &mut impl Read, room: &'a mut [u8]) -> Result<&'a [u8], Error> {
    let [len] = take(reader)?;
    let text = &mut room[..usize::from(len)];
    reader.read_exact(text)?;
    Ok(text)
}

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
