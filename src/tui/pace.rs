//! When to draw: never without a change, never more than 60 times a second, and less often on a slow line.

use std::time::{Duration, Instant};

/// The least time between two frames.
const MIN_GAP: Duration = Duration::from_millis(16);
/// The longest time a change may wait.
const MAX_GAP: Duration = Duration::from_millis(250);
/// How much longer than its sending a frame's pause is: the line stays free for keys most of the time.
const REST: u32 = 4;

/// Says when the next frame may be drawn. The clock is handed in, so that tests need none.
#[derive(Debug, Default)]
pub struct Pace {
    dirty: bool,
    last: Option<Instant>,
    gap: Duration,
}

impl Pace {
    /// Something on the screen changed.
    pub fn mark(&mut self) {
        self.dirty = true;
    }

    /// How long to wait for the next frame: `None` = no frame is due, wait for a message as long as it takes.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        if !self.dirty {
            return None;
        }
        let due = self.last.map_or(now, |last| last + self.gap.max(MIN_GAP));
        Some(due.saturating_duration_since(now))
    }

    /// A frame was drawn and sent between `started` and `ended`.
    pub fn drawn(&mut self, started: Instant, ended: Instant) {
        self.dirty = false;
        self.last = Some(ended);
        self.gap = (ended.saturating_duration_since(started) * REST).clamp(MIN_GAP, MAX_GAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_is_due_without_a_change() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.wait(now), None);
        pace.mark();
        assert_eq!(pace.wait(now), Some(Duration::ZERO));
        pace.drawn(now, now);
        assert_eq!(pace.wait(now), None);
    }

    #[test]
    fn sixty_frames_a_second_at_most() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(now, now);
        pace.mark();
        assert_eq!(pace.wait(now), Some(MIN_GAP));
        assert_eq!(pace.wait(now + MIN_GAP), Some(Duration::ZERO));
    }

    #[test]
    fn a_slow_line_slows_the_frames_up_to_a_limit() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(now, now + Duration::from_millis(20));
        pace.mark();
        assert_eq!(
            pace.wait(now + Duration::from_millis(20)),
            Some(Duration::from_millis(80))
        );
        pace.drawn(now, now + Duration::from_secs(3));
        pace.mark();
        assert_eq!(pace.wait(now + Duration::from_secs(3)), Some(MAX_GAP));
    }
}
