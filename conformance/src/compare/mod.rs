//! Subjects beside an oracle, operation by operation, and the verdict.

#[cfg(feature = "tools")]
pub mod judge;
pub mod run;
#[cfg(feature = "tools")]
pub mod sanity;
pub mod verdict;
