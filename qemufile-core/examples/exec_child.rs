//! Writes a stream to a child process and reads it back from another, as QEMU's `exec:` does.
//!
//! `cargo run -p qemufile-core --example exec_child`

use std::sync::Arc;

use qemufile_core::{CommandChannel, Direction, GuestMemory, Reader, Writer};

const PAGE: usize = 4096;
/// Flag of a page that follows whole, in the low bits of its offset.
const WHOLE_PAGE: u64 = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("vm.gz");

    let memory = GuestMemory::anonymous(8 * PAGE)?;
    for page in 0..8_u8 {
        memory.write_at(usize::from(page) * PAGE, &[page; PAGE])?;
    }

    let save = format!("gzip -c > {}", file.display());
    let channel = Arc::new(CommandChannel::shell(&save, &[Direction::Output])?);
    let mut writer = Writer::new(channel);
    writer.put_counted_string(b"pc.ram")?;
    for offset in (0..memory.len()).step_by(PAGE) {
        writer.put_be64(offset as u64 | WHOLE_PAGE)?;
        writer.put_guest(&memory, offset..offset + PAGE, false)?;
    }
    writer.flush()?;
    println!("saved {} bytes through `{save}`", writer.transferred());
    // Waits for the child, and fails if it did.
    writer.close()?;

    let load = format!("gzip -dc < {}", file.display());
    let channel = Arc::new(CommandChannel::shell(&load, &[Direction::Input])?);
    let mut reader = Reader::new(channel);
    let block = String::from_utf8_lossy(reader.get_counted_string()?).into_owned();
    let mut room = [0; PAGE];
    for expected in 0..8_u8 {
        let offset = reader.get_be64()? & !WHOLE_PAGE;
        let page = reader.get_buffer_in_place(&mut room)?;
        assert_eq!(page, [expected; PAGE]);
        println!("{block} {offset:#6x}: {PAGE} bytes of {:#04x}", page[0]);
    }
    reader.close()?;
    Ok(())
}
