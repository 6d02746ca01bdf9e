//! A line of reused slots: planned in order, worked on by a few threads, taken in order.
//!
//! ```text
//!   free slots ─► plan (one at a time, in order) ─► work (threads) ─► put in order ─► take (the caller's thread) ─┐
//!        ▲                                                                                                        │
//!        └────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

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
pub(crate) fn run_pipeline<S, P, W, T>(slots: Vec<S>, threads: usize, plan: P, work: W, mut take: T)
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
                    work(&mut slot);
                    if done.send((number, slot)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut waiting = BTreeMap::new();
        let mut due = 0_u64;
        'taking: for (number, slot) in &done_slots {
            waiting.insert(number, slot);
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
    });
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
}
