//! Short work on many items in memory, spread over the processors.

/// Items from which a second thread is worth its start: some hundred microseconds of the shortest work done this way.
const MANY: usize = 1024;
/// Threads at most.
const THREADS_MAX: usize = 8;

/// Works on every item, by its place and value; results in the order of the items. Few items are worked on right here.
///
/// # Panics
/// When `work` does.
pub fn spread<I, O, W>(items: &[I], work: W) -> Vec<O>
where
    I: Sync,
    O: Send,
    W: Fn(usize, &I) -> O + Sync,
{
    let one = |(at, item): (usize, &I)| work(at, item);
    let threads = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(THREADS_MAX);
    if items.len() < MANY || threads < 2 {
        return items.iter().enumerate().map(one).collect();
    }
    let share = items.len().div_ceil(threads);
    let some = |first: usize, share: &[I]| -> Vec<O> { (first..).zip(share).map(one).collect() };
    let mut all = Vec::with_capacity(items.len());
    std::thread::scope(|scope| {
        let mut shares = (0..).step_by(share).zip(items.chunks(share));
        let own = shares.next();
        let others: Vec<_> = shares
            .map(|(first, share)| {
                let thread = std::thread::Builder::new();
                // A thread that cannot be had is done without.
                match thread.spawn_scoped(scope, move || some(first, share)) {
                    Ok(thread) => Share::Elsewhere(thread),
                    Err(_) => Share::Here(first, share),
                }
            })
            .collect();
        if let Some((first, share)) = own {
            all.extend(some(first, share));
        }
        for other in others {
            match other {
                Share::Here(first, share) => all.extend(some(first, share)),
                Share::Elsewhere(thread) => match thread.join() {
                    Ok(results) => all.extend(results),
                    Err(panic) => std::panic::resume_unwind(panic),
                },
            }
        }
    });
    all
}

/// Who works on a share of the items.
enum Share<'scope, 'items, I, O> {
    Here(usize, &'items [I]),
    Elsewhere(std::thread::ScopedJoinHandle<'scope, Vec<O>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_many() {
        for count in [0, 1, MANY - 1, MANY, 10_001] {
            let items: Vec<usize> = (0..count).map(|item| item * 3).collect();
            let results = spread(&items, |at, item| (at, item + 1));
            let wanted: Vec<_> = (0..count).map(|at| (at, at * 3 + 1)).collect();
            assert_eq!(results, wanted);
        }
    }
}
