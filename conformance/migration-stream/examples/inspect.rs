//! Prints the records of a stream: of a file, or of what comes through standard input while it
//! comes.
//!
//! ```text
//! cargo run --example inspect -- NAME.bin
//! qemu-system-x86_64 … | cargo run --example inspect -- -
//! ```

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use migration_stream::text::escaped;
use migration_stream::{
    CoreLoader, Observer, Options, Plan, Planned, SectionRow, channel, load, walk,
};
use qemufile_core::DescriptorChannel;

struct Print;

impl Observer for Print {
    fn row(&mut self, row: &SectionRow) {
        let name = escaped(row.name.as_deref().unwrap_or_default());
        let detail = escaped(&row.detail);
        println!("{:>10} {:>10} {:?} {name} {detail}", row.offset, row.len, row.kind);
    }

    fn block(&mut self, name: &str, len: u64) {
        println!("{:>21} block {} of {len} bytes", "", escaped(name));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a stream, or - for standard input")?;
    if path == "-" {
        let input = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
        let mut loader = CoreLoader::new(Arc::new(DescriptorChannel::new(input)?));
        walk(&mut loader, &Plan::default(), &mut Print).end?;
        return Ok(());
    }
    for file in load(Path::new(&path))?.files {
        let planned = Planned::of(&file, &Options::default())?;
        walk(&mut file.loader()?, &planned.plan, &mut Print);
        let notes = planned.notes.iter().chain(&planned.walked.summary.notes);
        notes.for_each(|note| println!("{}", escaped(note)));
        planned.walked.end.clone()?;
        for path in &file.channels {
            println!("{}", path.display());
            let further = channel(path)?;
            let planned = Planned::of_channel(&further, &planned, &Options::default())?;
            walk(&mut further.loader()?, &planned.plan, &mut Print);
            planned.walked.end?;
        }
    }
    Ok(())
}
