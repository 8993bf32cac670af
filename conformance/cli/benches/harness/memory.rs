//! Memory of the command line, at its highest, in a process of its own.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::cost::SEED;
use crate::{Effort, Error, Line};

/// Most that a stream may take, in MiB.
const STREAM_GOAL: f64 = 64.0;

/// Most by which the long exploration may take more than the short one.
const FLAT: f64 = 1.1;

/// How often a process is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

const PAGE: usize = 4096;

/// `conformance` with these arguments, without a word.
pub(crate) fn quiet(arguments: &[&str]) -> std::io::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_qemufile-conformance"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The highest resident size of `conformance` with these arguments, in MiB.
///
/// The system keeps the high-water mark, so what is missed is no more than the last interval.
fn highest(arguments: &[&str]) -> Result<f64, Error> {
    let mut child = quiet(arguments)?;
    let status = format!("/proc/{}/status", child.id());
    let mut kib = 0;
    let ended = loop {
        if let Ok(text) = fs::read_to_string(&status) {
            kib = text
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
                .and_then(|number| number.parse().ok())
                .map_or(kib, |now: u32| kib.max(now));
        }
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(INTERVAL);
    };
    if !ended.success() {
        return Err(format!("conformance {} ended with {ended}", arguments.join(" ")).into());
    }
    if kib == 0 {
        return Err(format!("{status} never said VmHWM").into());
    }
    Ok(f64::from(kib) / 1024.0)
}

fn explored(cases: u64) -> Result<f64, Error> {
    let (cases, seed) = (cases.to_string(), SEED.to_string());
    highest(&["explore", "--cases", &cases, "--seed", &seed, "--jobs", "2"])
}

/// Writes a stream of one block of guest memory, each page of it whole.
fn write_stream(path: &Path, len: u64) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let name = b"\x06pc.ram";
    file.write_all(b"QEVM\0\0\0\x03")?;
    // The section begins: number 2, "ram", instance 0, version 4; the list of blocks, its end.
    file.write_all(b"\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04")?;
    file.write_all(&(len | 0x04).to_be_bytes())?;
    file.write_all(name)?;
    file.write_all(&len.to_be_bytes())?;
    file.write_all(&0x10_u64.to_be_bytes())?;
    file.write_all(b"\x7e\0\0\0\x02")?;
    // The section ends: all pages.
    file.write_all(b"\x03\0\0\0\x02")?;
    let mut page = [0x5a; PAGE];
    for offset in (0..len).step_by(PAGE) {
        if offset == 0 {
            file.write_all(&0x08_u64.to_be_bytes())?;
            file.write_all(name)?;
        } else {
            file.write_all(&(offset | 0x28).to_be_bytes())?;
        }
        page[..8].copy_from_slice(&offset.to_be_bytes());
        file.write_all(&page)?;
    }
    file.write_all(&0x10_u64.to_be_bytes())?;
    file.write_all(b"\x7e\0\0\0\x02\0")?;
    file.flush()
}

pub(crate) fn measure(effort: Effort) -> Result<[Line; 2], Error> {
    let [few, many] = effort.explored;
    let (short, long) = (explored(few)?, explored(many)?);

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("long.bin");
    write_stream(&path, effort.stream)?;
    let stream = highest(&["streams", path.to_str().ok_or("the path is no text")?])?;
    Ok([
        Line {
            what: format!("memory of explore, {few} and {many} cases"),
            found: format!("{short:.1} and {long:.1} MiB"),
            goal: "flat: at most 1.1",
            met: Some(long <= short * FLAT),
        },
        Line {
            what: format!("memory of streams, {} MiB of pages", effort.stream >> 20),
            found: format!("{stream:.1} MiB"),
            goal: "below 64 MiB",
            met: Some(stream < STREAM_GOAL),
        },
    ])
}
