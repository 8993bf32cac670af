//! Measurements of the harness: kept by the command that makes them, shown by the others.

use std::path::Path;

use crate::report::{Basis, KeptError, Measured, Report};
use conformance::corpus;
use conformance::explore::Shard;
use mutation::coverage::Coverage;
use mutation::score::Score;

use crate::setup::Setup;
use crate::{Stop, files, output};

/// A measurement that a command makes.
pub(crate) struct Kind {
    /// The command.
    pub(crate) command: &'static str,
    /// Where it is kept, in the directory of the output.
    file: &'static str,
    /// The folder of the corpus that holds its lists, and these.
    lists: (&'static str, &'static [&'static str]),
}

pub(crate) const MUTANTS: Kind = Kind {
    command: "bash ci/mutants",
    file: "mutants.json",
    lists: ("corpus/mutants", &["handwritten.ron", "equivalent.ron"]),
};

pub(crate) const COVERAGE: Kind = Kind {
    command: "bash ci/coverage",
    file: "coverage.json",
    lists: ("corpus/coverage", &["unreachable.ron"]),
};

impl Kind {
    /// What a measurement is of, if it is made now.
    pub(crate) fn basis(&self) -> Result<Basis, Stop> {
        let (paths, problems) = files::traces(&[], Shard::WHOLE)?;
        if let Some(problem) = problems.first() {
            return Err(Stop::input(problem));
        }
        let mut hashes = Vec::new();
        for path in &paths {
            let trace = corpus::load(path).map_err(Stop::input)?;
            hashes.push(trace.hash().map_err(Stop::input)?);
        }
        let (folder, names) = self.lists;
        let folder = files::in_project(folder)?;
        let mut lists = Vec::new();
        for name in names {
            let path = folder.join(name);
            files::regular(&path)?;
            let read = std::fs::read_to_string(&path);
            lists.push(
                read.map_err(|error| Stop::input(format!("{}: {error}", files::shown(path))))?,
            );
        }
        Ok(Basis {
            original: c_reference::PIN.sha256.to_owned(),
            traces: paths.len(),
            corpus: corpus::digest(&hashes),
            lists: corpus::digest(&lists),
        })
    }

    /// A measurement that was made now and is kept, unless it is of a part.
    pub(crate) fn made<T: serde::Serialize>(
        &self,
        result: T,
        keep: bool,
        output: &Path,
    ) -> Result<Measured<T>, Stop> {
        let measured = Measured::now(self.command, self.basis()?, result);
        if keep {
            measured.keep(&output.join(self.file)).map_err(Stop::unwritable)?;
        }
        Ok(measured)
    }

    /// What was kept. A file of another version is as good as none, and is named.
    fn kept<T: serde::de::DeserializeOwned>(
        &self,
        folder: &Path,
    ) -> Result<Option<Measured<T>>, Stop> {
        let kept = Measured::kept(&folder.join(self.file), self.command, &self.basis()?);
        Ok(kept.unwrap_or_else(|error: KeptError| {
            output::complain(&error.to_string());
            None
        }))
    }
}

/// Adds what was last measured to a report.
pub(crate) fn add(setup: &Setup, report: &mut Report) -> Result<(), Stop> {
    report.mutants = MUTANTS.kept::<Score>(&setup.output)?;
    report.coverage = COVERAGE.kept::<Coverage>(&setup.output)?;
    Ok(())
}
