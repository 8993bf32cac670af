//! Chance.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// Where all decisions of the generator come from, one word each.
pub trait Choices {
    /// The next decision.
    fn word(&mut self) -> u32;
}

/// Decisions from a seed: ChaCha8, one of its streams for each case.
#[derive(Clone, Debug)]
pub struct Seeded(ChaCha8Rng);

impl Seeded {
    /// The decisions of one case.
    #[must_use]
    pub fn new(seed: u64, case: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(case);
        Self(random)
    }
}

impl Choices for Seeded {
    fn word(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// Decisions in the forms that the generator needs.
pub(crate) struct Entropy<'a> {
    choices: &'a mut dyn Choices,
}

impl<'a> Entropy<'a> {
    pub(crate) fn new(choices: &'a mut dyn Choices) -> Self {
        Self { choices }
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.choices.word()
    }

    /// 0 to `bound - 1`; 0 where `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let word = self.word() as usize;
        if bound == 0 { 0 } else { word % bound }
    }

    /// `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True one time in `many`.
    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of the values; the first where there is no other.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, values: [T; N]) -> T {
        const { assert!(N > 0) };
        values[self.below(N)]
    }

    /// An index into a list of weights, each as probable as its weight.
    pub(crate) fn weighted<T: Copy, const N: usize>(&mut self, values: [(usize, T); N]) -> T {
        const { assert!(N > 0) };
        let total: usize = values.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, value) in values {
            if left < weight {
                return value;
            }
            left -= weight;
        }
        values[0].1
    }

    /// 1 to `high`, as a non-zero number.
    pub(crate) fn count(&mut self, high: usize) -> std::num::NonZeroUsize {
        std::num::NonZeroUsize::MIN.saturating_add(self.below(high))
    }
}
