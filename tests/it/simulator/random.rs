//! A small generator of random numbers: the same seed gives the same history on every machine.

/// Splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.next() % span).unwrap()
    }

    /// An index below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    /// Seconds between two acts: each order of magnitude from a second to months as likely as the others.
    pub fn pause(&mut self) -> i64 {
        const STEPS: [(i64, i64); 6] = [
            (1, 20),
            (20, 400),
            (400, 7_200),
            (7_200, 86_400),
            (86_400, 20 * 86_400),
            (20 * 86_400, 120 * 86_400),
        ];
        let (low, high) = STEPS[self.below(STEPS.len())];
        self.range(low, high)
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
