//! How far a run is, on a terminal; nothing elsewhere.

use std::path::Path;
use std::time::Duration;

use conformance::explore::{End, Plan, Watch};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Stop;
use crate::interrupt::Interrupt;
use crate::report::sheet::one_line;

const FILES: &str = "{spinner} {msg:9} {pos}/{len} {prefix}";
const CASES: &str = "{spinner} {msg:9} [{wide_bar}] {human_pos}/{human_len} ({per_sec}, {eta})";
const ENDLESS: &str = "{spinner} {msg:9} {human_pos} ({per_sec}, {elapsed})";

const BYTES: &str = "{spinner} {prefix} [{wide_bar}] {bytes}/{total_bytes} ({eta})";

/// A bar on standard error for one file, read from front to back.
pub(crate) struct Bytes(ProgressBar);

impl Bytes {
    /// Of so many bytes.
    pub(crate) fn of(path: &Path, len: u64) -> Result<Self, Stop> {
        let bar = ProgressBar::new(len);
        bar.set_style(ProgressStyle::with_template(BYTES).map_err(Stop::input)?);
        bar.set_prefix(one_line(&path.display().to_string()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self(bar))
    }

    /// It is read up to this offset.
    pub(crate) fn reached(&self, offset: u64) {
        self.0.set_position(offset);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
    interrupt: Interrupt,
}

impl Progress {
    /// Of so many files.
    pub(crate) fn of_files(
        what: &'static str,
        files: usize,
        interrupt: Interrupt,
    ) -> Result<Self, Stop> {
        Self::new(what, ProgressBar::new(files as u64), FILES, interrupt)
    }

    /// Of a plan of generated cases.
    pub(crate) fn of_cases(plan: &Plan, interrupt: Interrupt) -> Result<Self, Stop> {
        match plan.end {
            End::Cases(cases) => Self::new(
                "generated",
                ProgressBar::new(cases.div_ceil(plan.shard.of)),
                CASES,
                interrupt,
            ),
            End::At(_) => Self::new("generated", ProgressBar::no_length(), ENDLESS, interrupt),
        }
    }

    fn new(
        what: &'static str,
        bar: ProgressBar,
        form: &str,
        interrupt: Interrupt,
    ) -> Result<Self, Stop> {
        bar.set_style(ProgressStyle::with_template(form).map_err(Stop::input)?);
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self { bar, interrupt })
    }

    /// Another file is at work.
    pub(crate) fn file(&self, path: &Path) {
        self.bar.set_prefix(one_line(&path.display().to_string()));
        self.bar.inc(1);
    }
}

impl Watch for Progress {
    fn done(&self, cases: u64) {
        self.bar.inc(cases);
    }

    fn stop(&self) -> bool {
        self.interrupt.came()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
