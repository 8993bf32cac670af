//! The same work on many items, some at a time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What `work` makes of each item, `jobs` at a time, in the order of the items. Each thread has a
/// state of its own.
pub fn map<Item: Sync, State, Result: Send>(
    jobs: NonZeroUsize,
    items: &[Item],
    state: impl Fn() -> State + Sync,
    work: impl Fn(&mut State, usize, &Item) -> Result + Sync,
) -> Vec<Result> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                let mut state = state();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { return };
                    let result = work(&mut state, number, item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for jobs in [1, 3] {
            let made = map(
                NonZeroUsize::new(jobs).unwrap(),
                &items,
                || 0,
                |sum, number, item| {
                    *sum += item;
                    assert_eq!(number, *item);
                    2 * item
                },
            );
            assert_eq!(made, (0..100).map(|item| 2 * item).collect::<Vec<_>>());
        }
    }
}
