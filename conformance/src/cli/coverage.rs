//! `coverage`: what of the original the corpus reaches.

use std::path::Path;

use c_reference::Reference;
use conformance::corpus;
use conformance::coverage::measure;
use conformance::explore::Shard;
use conformance::record::write_whole;
use conformance::report::Status;

use super::arguments::{Common, Coverage, Format};
use super::setup::absence;
use super::{Ended, Stop, files, output};

/// Where the last measurement is kept, in the directory of the output.
const KEPT: &str = "coverage.json";

/// What makes clang count lines, branches and conditions.
const COUNTING: [&str; 3] = ["-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc"];

pub(crate) fn run(arguments: &Coverage, common: &Common) -> Ended {
    if let Some(object) = &arguments.build {
        return build(object);
    }
    let Some(export) = &arguments.export else {
        return Err(Stop::input("name what llvm-cov exported"));
    };
    let (paths, problems) = files::traces(&[], Shard::WHOLE)?;
    if let Some(problem) = problems.first() {
        return Err(Stop::input(problem));
    }
    let mut hashes = Vec::new();
    for path in &paths {
        let trace = corpus::load(path).map_err(Stop::input)?;
        hashes.push(trace.hash().map_err(Stop::input)?);
    }
    let list = files::in_project("corpus/coverage")?.join("unreachable.ron");
    let measured =
        measure(export, "qemu-file.c", &list, c_reference::PIN.sha256, &corpus::digest(&hashes))
            .map_err(Stop::input)?;
    let json = serde_json::to_string_pretty(&measured).map_err(Stop::input)? + "\n";
    let kept = common.output.clone().unwrap_or_else(files::output);
    let path = kept.join(KEPT);
    std::fs::create_dir_all(&kept)
        .and_then(|()| write_whole(&path, &json))
        .map_err(|error| Stop::input(format!("{}: {error}", path.display())))?;
    match common.format {
        Format::Text => output::print(measured.text()),
        Format::Json => output::print(json),
        Format::Junit => {
            return Err(Stop::input("coverage has text and JSON only: leave out --format junit"));
        }
    }
    Ok(if measured.passes() { Status::Conforms } else { Status::Diverged })
}

/// The compiler is `$CC`, which has to be a clang that knows [`COUNTING`].
fn build(object: &Path) -> Ended {
    let source = c_reference::original_path().ok_or_else(|| Stop::missing(absence()))?;
    Reference::compile(source, &COUNTING, object).map_err(Stop::input)?;
    Ok(Status::Conforms)
}
