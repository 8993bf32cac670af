//! `export_seeds`: from traces to seeds of the fuzz targets.

use std::path::{Path, PathBuf};

use crate::report::Status;
use conformance::corpus;
use conformance::fuzz::{Input, TARGETS, encode};
use conformance::trace::Trace;
use sha2::{Digest as _, Sha256};

use crate::arguments::{Common, ExportSeeds};
use crate::{Ended, Stop, files, output, setup};

/// Bytes of a hash in a seed's name.
const NAME: usize = 10;

pub(crate) fn run(arguments: &ExportSeeds, common: &Common) -> Ended {
    let into = match &arguments.into {
        Some(folder) => folder.clone(),
        None => files::in_project("fuzz")?.join("corpus"),
    };
    let (traces, problems) = files::traces(&arguments.paths, common.shard)?;
    let (mut written, mut unfit, mut bad) = (0_u64, 0_u64, problems.len());
    problems.iter().for_each(|problem| output::complain(problem));
    if traces.is_empty() && problems.is_empty() {
        return Err(setup::nothing(common.shard));
    }
    for path in &traces {
        match corpus::load(path) {
            Ok(trace) => match seeds(path, &trace, &into)? {
                0 => unfit += 1,
                count => written += count,
            },
            Err(error) => {
                bad += 1;
                output::complain(&error.to_string());
            }
        }
    }
    output::print(format_args!(
        "{written} seeds written to {}, {unfit} traces fit no target\n",
        files::shown(&into)
    ))?;
    Ok(if bad > 0 { Status::BadInput } else { Status::Conforms })
}

/// Writes a trace as a seed of each target that takes all of it; gives their number.
fn seeds(path: &Path, trace: &Trace, into: &Path) -> Result<u64, Stop> {
    let case = match encode(trace) {
        Ok(case) => case,
        Err(unfit) => {
            output::remark(format_args!("{}: {unfit}", files::shown(path)));
            return Ok(0);
        }
    };
    let mut count = 0;
    for target in TARGETS {
        let seed = match target.input {
            Input::Case(about) => {
                let mut narrowed = trace.clone();
                about.narrow(&mut narrowed);
                if narrowed.ops == trace.ops { case.clone() } else { continue }
            }
            Input::Text => trace.to_text().map_err(Stop::input)?.into_bytes(),
            Input::Stream => continue,
        };
        if seed.len() > target.max_len {
            continue;
        }
        let folder: PathBuf = into.join(target.name);
        let name: String =
            Sha256::digest(&seed)[..NAME].iter().map(|byte| format!("{byte:02x}")).collect();
        files::write(&folder.join(name), &seed)?;
        count += 1;
    }
    Ok(count)
}
