//! Many inputs, a few threads, results in order: a line of reused slots, planned in order, worked on, taken in order.
//!
//! ```text
//!   free slots ─► plan (one at a time, in order) ─► work (threads) ─► put in order ─► take (the caller's thread) ─┐
//!        ▲                                                                                                        │
//!        └────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use super::CancelToken;

struct Front<S, P> {
    free: Receiver<S>,
    plan: P,
    next: u64,
}

/// Runs until `plan` says there is no more, or `take` breaks.
///
/// `plan` makes a free slot ready and returns false at the end; it is never called at once by two threads, nor after it said so.
/// `work` does what can be done beside others. `take` gets the slots in the order in which they were planned. Memory is that of
/// `slots`; there should be a few more than threads.
///
/// # Panics
/// When `plan`, `work` or `take` does.
pub fn run_pipeline<S, P, W, T>(slots: Vec<S>, threads: usize, plan: P, work: W, mut take: T)
where
    S: Send,
    P: FnMut(&mut S) -> bool + Send,
    W: Fn(&mut S) + Sync,
    T: FnMut(&mut S) -> ControlFlow<()>,
{
    let (free, free_slots) = channel();
    for slot in slots {
        // The receiver is in this scope, so this cannot fail.
        let _ = free.send(slot);
    }
    let front = Mutex::new(Some(Front {
        free: free_slots,
        plan,
        next: 0,
    }));
    std::thread::scope(|scope| {
        let (done, done_slots) = channel();
        for _ in 0..threads.max(1) {
            let done = done.clone();
            let (front, work) = (&front, &work);
            scope.spawn(move || {
                while let Some((number, mut slot)) = next_planned(front) {
                    // Whoever waits for this slot would wait for ever.
                    let result = catch_unwind(AssertUnwindSafe(|| work(&mut slot)));
                    if done.send((number, result.map(|()| slot))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut waiting = BTreeMap::new();
        let mut due = 0_u64;
        let mut panic = None;
        'taking: for (number, result) in &done_slots {
            match result {
                Ok(slot) => waiting.insert(number, slot),
                Err(payload) => {
                    panic = Some(payload);
                    break;
                }
            };
            while let Some(mut slot) = waiting.remove(&due) {
                due = due.saturating_add(1);
                if take(&mut slot).is_break() {
                    break 'taking;
                }
                // Fails only when nothing is left to plan.
                let _ = free.send(slot);
            }
        }
        // Both ends closed, a thread that waits for a slot or hands one over stops.
        drop((free, done_slots));
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    });
}

/// Runs `work` over `inputs` on at most `threads` threads and hands each result to `take` in input order.
///
/// At most a few results per thread wait to be taken, so memory stays bounded. After a cancel no further input is
/// started; what was started is still handed over. Returns the number of inputs that were done.
///
/// # Panics
/// When `work` or `take` does.
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
    let mut slots = Vec::new();
    slots.resize_with(threads.saturating_mul(4), || (0_usize, None));
    let (mut next, mut taken) = (0_usize, 0_usize);
    run_pipeline(
        slots,
        threads,
        |slot| {
            slot.0 = next;
            next = next.saturating_add(1);
            slot.0 < inputs.len() && !cancel.is_cancelled()
        },
        |(at, output)| *output = inputs.get(*at).map(|input| work(*at, input)),
        |(at, output)| {
            if let Some(output) = output.take() {
                take(*at, output);
                taken = taken.saturating_add(1);
            }
            ControlFlow::Continue(())
        },
    );
    taken
}

/// Waits for a free slot and plans it. The slot is had before the number is given, so the lowest number at work always has one.
fn next_planned<S, P: FnMut(&mut S) -> bool>(
    front: &Mutex<Option<Front<S, P>>>,
) -> Option<(u64, S)> {
    let mut guard = front.lock().ok()?;
    let state = guard.as_mut()?;
    let mut slot = state.free.recv().ok()?;
    if (state.plan)(&mut slot) {
        let number = state.next;
        state.next = number.saturating_add(1);
        Some((number, slot))
    } else {
        *guard = None;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_taken_in_the_order_they_were_planned() {
        let mut planned = 0_u64;
        let mut taken = Vec::new();
        run_pipeline(
            vec![0_u64; 5],
            3,
            |slot| {
                *slot = planned;
                planned += 1;
                planned <= 1000
            },
            |slot| *slot *= 2,
            |slot| {
                taken.push(*slot);
                ControlFlow::Continue(())
            },
        );
        assert!(taken.iter().copied().eq((0..1000).map(|number| number * 2)));
    }

    #[test]
    fn a_taker_that_has_enough_stops_everything() {
        let mut taken = 0;
        run_pipeline(
            vec![(); 4],
            2,
            |()| true,
            |()| (),
            |()| {
                taken += 1;
                if taken < 10 {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        assert_eq!(taken, 10);
    }

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

    #[test]
    fn a_panic_in_one_thread_ends_the_others_and_is_the_callers() {
        let inputs: Vec<u32> = (0..1000).collect();
        let work = |_, input: &u32| assert_ne!(*input, 7, "seven");
        let run = || run_ordered(&inputs, 3, &CancelToken::default(), work, |_, ()| ());
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
