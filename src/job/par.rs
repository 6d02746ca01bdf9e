//! Short work on many items in memory, on all processors.

use super::processors;

/// Items from which a second thread is worth its start: some hundred microseconds of the shortest work done this way.
const MANY: usize = 1024;
/// Threads at most.
const THREADS_MAX: usize = 8;

/// Works on every item, by its place and value; results in the order of the items. Few items are worked on right here.
///
/// # Panics
/// When `work` does.
pub fn par_map<I, O, W>(items: &[I], work: W) -> Vec<O>
where
    I: Sync,
    O: Send,
    W: Fn(usize, &I) -> O + Sync,
{
    let each = |first: usize, share: &[I]| -> Vec<O> {
        let placed = (first..).zip(share);
        placed.map(|(at, item)| work(at, item)).collect()
    };
    let mut shares = par_chunks(items, each).into_iter();
    let mut all = shares.next().unwrap_or_default();
    all.reserve_exact(items.len().saturating_sub(all.len()));
    all.extend(shares.flatten());
    all
}

/// Works on shares of the items, each given by the place of its first item and its items; results in their order. Few
/// items are one share, worked on right here; no items are none.
///
/// # Panics
/// When `work` does.
pub fn par_chunks<I, O, W>(items: &[I], work: W) -> Vec<O>
where
    I: Sync,
    O: Send,
    W: Fn(usize, &[I]) -> O + Sync,
{
    let threads = processors().min(THREADS_MAX);
    if items.is_empty() {
        return Vec::new();
    }
    if items.len() < MANY || threads < 2 {
        return vec![work(0, items)];
    }
    let share = items.len().div_ceil(threads);
    let work = &work;
    std::thread::scope(|scope| {
        let mut shares = (0..).step_by(share).zip(items.chunks(share));
        let own = shares.next();
        let others: Vec<_> = shares
            .map(|(first, share)| {
                let thread = std::thread::Builder::new();
                // A thread that cannot be had is done without.
                match thread.spawn_scoped(scope, move || work(first, share)) {
                    Ok(thread) => Share::Elsewhere(thread),
                    Err(_) => Share::Here(first, share),
                }
            })
            .collect();
        let own = own.map(|(first, share)| work(first, share));
        let others = others.into_iter().map(|other| match other {
            Share::Here(first, share) => work(first, share),
            Share::Elsewhere(thread) => match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            },
        });
        own.into_iter().chain(others).collect()
    })
}

/// Who works on a share of the items.
enum Share<'scope, 'items, I, O> {
    Here(usize, &'items [I]),
    Elsewhere(std::thread::ScopedJoinHandle<'scope, O>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_many() {
        for count in [0, 1, MANY - 1, MANY, 10_001] {
            let items: Vec<usize> = (0..count).map(|item| item * 3).collect();
            let results = par_map(&items, |at, item| (at, item + 1));
            let wanted: Vec<_> = (0..count).map(|at| (at, at * 3 + 1)).collect();
            assert_eq!(results, wanted);
            let shares = par_chunks(&items, |first, share| (first, share.len()));
            let mut next = 0;
            for (first, len) in shares {
                assert_eq!(first, next);
                next += len;
            }
            assert_eq!(next, count);
        }
    }
}
