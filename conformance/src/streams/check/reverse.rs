//! The return path.

use migration_stream::{Fault, Message, Put, Sink as _, StreamFile, messages};

use super::write::rewritten;
use super::{Stop, begin, diverged, stop};
use crate::streams::flush_inference::WriteLayout;
use crate::streams::lockstep::SubjectLoader;
use crate::streams::read_schedule::ReadSchedule;
use crate::streams::report::{Compared, StreamReport};
use crate::streams::writeback::{self, Expected, Rewriter};
use crate::subject::Subject;

/// Reads the return path as the source does, and writes it as the destination does: each message
/// is flushed.
pub(super) fn reverse(
    file: &StreamFile,
    subjects: &mut [Box<dyn Subject>],
    bytes: &[u8],
    report: &mut StreamReport,
) -> Result<(), Stop> {
    let chunks = file.chunks.iter().flat_map(|chunks| chunks.reverse.iter().copied());
    let schedule = ReadSchedule::by("return path read as it came".to_owned(), chunks);
    let world = schedule.world(bytes, &[]);
    let Some(lockstep) = begin(subjects, &world, report) else { return Ok(()) };
    let mut loader = SubjectLoader::new(lockstep);
    let outcome = (|| {
        loader.open_returning()?;
        let read = messages(&mut loader, bytes.len() as u64);
        loader.close()?;
        Ok(read)
    })();
    let read = outcome.map_err(|fault| stop(&schedule.name, &fault, loader.lockstep(), None))?;
    let messages = match read {
        Ok(messages) => messages,
        Err(_) if loader.lockstep().diverged() => {
            return Err(stop(&schedule.name, &Fault::Diverged, loader.lockstep(), None));
        }
        Err(error) => return Err(diverged(format!("return path: {error}"))),
    };
    let (steps, calls) = (loader.lockstep().steps(), loader.reads.len());
    report.runs.push(Compared { run: schedule.name, steps, calls });
    loader.lockstep().finish();

    let mut layout = WriteLayout::default();
    let mut end = 0;
    for message in &messages {
        end += message.len() as u64;
        layout.flushes.push(end);
    }
    let expected = Expected { bytes, writes: None, layout: &layout, page_size: 1 };
    let world = writeback::world(&layout, 1);
    let Some(lockstep) = begin(subjects, &world, report) else { return Ok(()) };
    let run = "return path written again";
    let mut rewriter = Rewriter::new(lockstep, &expected);
    let made = rewritten(&mut rewriter, |rewriter| {
        rewriter.open_returning()?;
        messages.iter().try_for_each(|message| answer(rewriter, message))
    })
    .map_err(|(fault, difference)| stop(run, &fault, rewriter.lockstep(), difference))?;
    if made != messages.len() {
        return Err(diverged(format!("{run}: {made} writes of {} messages", messages.len())));
    }
    let steps = rewriter.lockstep().steps();
    report.runs.push(Compared { run: run.to_owned(), steps, calls: made });
    report.messages += messages.len();
    rewriter.lockstep().finish();
    Ok(())
}

fn answer(rewriter: &mut Rewriter<'_, '_>, message: &Message) -> Result<(), Fault> {
    let len = u16::try_from(message.body.len()).unwrap_or(u16::MAX);
    rewriter.put(Put::Be16(message.kind))?;
    rewriter.put(Put::Be16(len))?;
    rewriter.put(Put::Buffer(&message.body))?;
    if let Some(bitmap) = &message.bitmap {
        rewriter.put(Put::Be64(bitmap.len() as u64))?;
        rewriter.put(Put::Buffer(bitmap))?;
        rewriter.put(Put::Be64(Message::BITMAP_END))?;
    }
    Ok(())
}
