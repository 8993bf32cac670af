//! Subjects beside an oracle, operation by operation, and the verdict.

pub mod judge;
pub mod run;
pub mod sanity;
pub mod stepper;
pub mod verdict;
