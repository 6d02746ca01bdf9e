//! A bounded pool: many inputs, a few threads, results handed over in the order of the inputs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use super::CancelToken;

/// Runs `work` over `inputs` on at most `threads` threads and hands each result to `take` in input order.
///
/// At most a few results per thread wait to be taken, so memory stays bounded. After a cancel no further input is
/// started; what was started is still handed over. Returns the number of inputs that were done.
pub fn run_ordered<I, O, W, T>(
    inputs: &[I],
    threads: usize,
    cancel: &CancelToken,
    work: W,
    mut take: T,
) -> usize
where
    I: Sync,
    O: Send,
    W: Fn(usize, &I) -> O + Sync,
    T: FnMut(usize, O),
{
    let threads = threads.clamp(1, inputs.len().max(1));
    let next = AtomicUsize::new(0);
    let mut taken = 0_usize;
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(threads.saturating_mul(4));
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while !cancel.is_cancelled() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(input) = inputs.get(index) else {
                        break;
                    };
                    if sender.send((index, work(index, input))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        for (index, output) in receiver {
            waiting.insert(index, output);
            while let Some(output) = waiting.remove(&taken) {
                take(taken, output);
                taken = taken.saturating_add(1);
            }
        }
        // A cancel may leave gaps in the order; what was done is still handed over.
        for (index, output) in waiting {
            take(index, output);
            taken = taken.saturating_add(1);
        }
    });
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_input_order() {
        let inputs: Vec<u32> = (0..1000).collect();
        let mut seen = Vec::new();
        let done = run_ordered(
            &inputs,
            4,
            &CancelToken::default(),
            |_, input| input * 2,
            |_, output| seen.push(output),
        );
        assert_eq!(done, 1000);
        assert!(seen.iter().zip(0..).all(|(seen, index)| *seen == index * 2));
    }

    #[test]
    fn a_cancel_stops_new_work() {
        let inputs: Vec<u32> = (0..1000).collect();
        let cancel = CancelToken::default();
        let mut seen = 0;
        run_ordered(
            &inputs,
            2,
            &cancel,
            |_, input| *input,
            |_, _| {
                seen += 1;
                cancel.cancel();
            },
        );
        assert!(seen < 100);
    }
}
