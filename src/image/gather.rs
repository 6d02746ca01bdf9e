//! Sector bitmaps of many blocks in few reads: neighbours together, and many reads in flight where there are many.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::format::block::{BlockEntry, BlockState};
use crate::job::{CancelToken, Slowness, processors, start_some};
use crate::source::Source;

/// Bitmaps with at most this between them are read as one, in bytes: a few pages cost about as much as one.
const GAP: u64 = 16 << 10;
/// Longest joined read, in bytes; longer than any one bitmap, which is 64 KiB at most.
const JOINED_MAX: u64 = 256 << 10;
/// From this many reads on every core takes part, even if all of them are answered from memory.
const MANY: usize = 1024;
/// Reads in flight at most, once they prove slow. Storage answers scattered reads faster together; more than this gains little.
const IN_FLIGHT: usize = 16;
/// A read that takes longer than this on average waits for storage; one from memory takes a hundredth.
const SLOW: Duration = Duration::from_micros(40);
/// Reads a thread takes at a time.
const PORTION: usize = 8;

/// One read: a range of the file with the bitmaps of some entries in it.
#[derive(Debug)]
struct ReadGroup {
    start: u64,
    end: u64,
    /// Range of `Plan::wanted`.
    members: Range<usize>,
}

/// Which reads bring the bitmaps of all partial entries.
#[derive(Debug)]
struct ReadPlan {
    /// Position of a bitmap, and index of its entry; by position.
    wanted: Vec<(u64, usize)>,
    groups: Vec<ReadGroup>,
    bitmap_bytes: u64,
}

impl ReadPlan {
    fn new<'a>(entries: impl Iterator<Item = &'a BlockEntry>, bitmap_bytes: u64) -> Self {
        let mut wanted: Vec<(u64, usize)> = entries
            .enumerate()
            .filter(|(_, entry)| entry.state == BlockState::Partial)
            .map(|(index, entry)| (entry.bitmap_offset, index))
            .collect();
        wanted.sort_unstable();
        let mut groups: Vec<ReadGroup> = Vec::new();
        for (position, (start, _)) in wanted.iter().enumerate() {
            let end = start.saturating_add(bitmap_bytes);
            let next = position.saturating_add(1);
            match groups.last_mut() {
                Some(group)
                    if *start <= group.end.saturating_add(GAP)
                        && end.saturating_sub(group.start) <= JOINED_MAX =>
                {
                    group.end = group.end.max(end);
                    group.members.end = next;
                }
                _ => groups.push(ReadGroup {
                    start: *start,
                    end,
                    members: position..next,
                }),
            }
        }
        Self {
            wanted,
            groups,
            bitmap_bytes,
        }
    }

    /// Reads one group and hands each of its bitmaps to `work`; `None` for those that could not be read.
    fn read<R>(
        &self,
        source: &dyn Source,
        group: &ReadGroup,
        buffer: &mut Vec<u8>,
        work: &impl Fn(usize, Option<&[u8]>) -> R,
        done: &mut Vec<(usize, R)>,
    ) {
        let members = self.wanted.get(group.members.clone()).unwrap_or_default();
        // A file that shrinks must not take a whole group with it, so a failed joined read is tried one by one.
        let joined = read_range(source, group.start, group.end, buffer);
        for (start, index) in members {
            let end = start.saturating_add(self.bitmap_bytes);
            let bytes = if joined {
                let from = usize::try_from(start.saturating_sub(group.start)).ok();
                let to = usize::try_from(end.saturating_sub(group.start)).ok();
                from.zip(to).and_then(|(from, to)| buffer.get(from..to))
            } else if members.len() > 1 && read_range(source, *start, end, buffer) {
                Some(buffer.as_slice())
            } else {
                None
            };
            done.push((*index, work(*index, bytes)));
        }
    }
}

fn read_range(source: &dyn Source, start: u64, end: u64, buffer: &mut Vec<u8>) -> bool {
    if end > source.len() {
        return false;
    }
    let Ok(length) = usize::try_from(end.saturating_sub(start)) else {
        return false;
    };
    buffer.resize(length, 0);
    source.read_exact_at(buffer, start).is_ok()
}

/// Reads the bitmaps, `bitmap_bytes` each, of all partial `entries`, and hands each with the index of its entry to `work`;
/// `None` stands for a bitmap that could not be read. Returns what `work` gave, by index; fewer after a cancel.
///
/// Memory: one result per partial entry, and 256 KiB per read in flight.
pub(super) fn bitmaps<'a, R: Send>(
    source: &dyn Source,
    entries: impl Iterator<Item = &'a BlockEntry>,
    bitmap_bytes: u64,
    cancel: &CancelToken,
    work: impl Fn(usize, Option<&[u8]>) -> R + Sync,
) -> Vec<(usize, R)> {
    let plan = ReadPlan::new(entries, bitmap_bytes);
    let next = AtomicUsize::new(0);
    // One portion into `done`; false when there is nothing left to do.
    let portion = |done: &mut Vec<(usize, R)>, buffer: &mut Vec<u8>| {
        let from = next.fetch_add(PORTION, Ordering::Relaxed);
        let to = from.saturating_add(PORTION).min(plan.groups.len());
        let groups = plan.groups.get(from..to).unwrap_or_default();
        for group in groups {
            plan.read(source, group, buffer, &work, done);
        }
        !groups.is_empty() && !cancel.is_cancelled()
    };
    let help = || {
        let (mut done, mut buffer) = (Vec::new(), Vec::new());
        while portion(&mut done, &mut buffer) {}
        done
    };
    let mut done = Vec::new();
    if plan.groups.len() <= PORTION {
        // So few are not worth the means to call for help.
        portion(&mut done, &mut Vec::new());
    } else {
        std::thread::scope(|scope| {
            let mut helpers = Vec::new();
            if plan.groups.len() >= MANY {
                let count = processors().min(IN_FLIGHT).saturating_sub(1);
                helpers = start_some(scope, count, help);
            }
            let mut buffer = Vec::new();
            let (mut slowness, mut started) = (Slowness::new(SLOW), Instant::now());
            while !cancel.is_cancelled() && portion(&mut done, &mut buffer) {
                let now = Instant::now();
                if slowness.note(PORTION, now.duration_since(started)) {
                    let more = IN_FLIGHT.saturating_sub(1).saturating_sub(helpers.len());
                    helpers.extend(start_some(scope, more, help));
                }
                started = now;
            }
            for helper in helpers {
                done.extend(helper.join().unwrap_or_default());
            }
        });
    }
    done.sort_unstable_by_key(|(index, _)| *index);
    done
}
