//! Glue between libFuzzer and [`conformance::fuzz`], where all judgement is.

use std::cell::RefCell;

use conformance::fuzz::{Executor, Case, Outcome};
pub use libfuzzer_sys;
use libfuzzer_sys::Corpus;

thread_local! {
    /// The executor of the one target in this process. Dropped, and its stats printed, at exit.
    static EXECUTOR: RefCell<Option<Executor>> = const { RefCell::new(None) };
}

/// Runs a case on the target `name`.
///
/// # Panics
///
/// Where a defect was found, or the target cannot run at all.
pub fn run_case(name: &str, case: Case) -> Corpus {
    with_bench(name, |executor| executor.run_case(case))
}

/// Runs an input that is no case on the target `name`.
///
/// # Panics
///
/// As [`run_case`].
pub fn run(name: &str, bytes: &[u8]) -> Corpus {
    with_bench(name, |executor| executor.run(bytes))
}

fn with_bench(name: &str, judge: impl FnOnce(&mut Executor) -> Outcome) -> Corpus {
    EXECUTOR.with_borrow_mut(|place| {
        let executor = place.get_or_insert_with(|| match Executor::new(name) {
            Ok(executor) => executor,
            Err(unusable) => panic!("{unusable}"),
        });
        match judge(executor) {
            Outcome::Conforms { .. } | Outcome::Inconclusive(_) => Corpus::Keep,
            Outcome::Rejected(_) => Corpus::Reject,
            Outcome::Failed(failure) => panic!("{failure}"),
        }
    })
}

/// A target whose inputs are cases: the target itself, its mutator and its crossover.
#[macro_export]
macro_rules! case_target {
    ($name:literal, $about:ident) => {
        use conformance::fuzz::{About, Case, cross, mutate};
        use $crate::libfuzzer_sys::{
            Corpus, fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate,
        };

        fuzz_target!(|case: Case| -> Corpus { $crate::run_case($name, case) });

        fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            mutate(About::$about, &mut data[..max_size], size, seed, &mut |bytes, len| {
                fuzzer_mutate(bytes, len, bytes.len())
            })
        });

        fuzz_crossover!(|one: &[u8], other: &[u8], into: &mut [u8], seed: u32| {
            cross(About::$about, one, other, into, seed)
        });
    };
}
