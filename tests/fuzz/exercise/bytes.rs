//! Takes decisions out of an input, byte by byte; when it is used up, all that follows is 0.

/// What is left of an input.
#[derive(Debug, Clone)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// True if nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// The next two bytes as a number.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A number below `end`, from one byte.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// One of some.
    pub fn one_of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }

    /// A number that is small, or huge: the low bits and how far they are moved.
    pub fn scaled(&mut self, max_shift: u8) -> u64 {
        let low = u64::from(self.byte());
        low << (self.byte() % (max_shift + 1))
    }

    /// So many bytes; fewer at the end.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// So many bytes as text, what is no UTF-8 replaced; fewer at the end.
    pub fn text(&mut self, len: usize) -> String {
        String::from_utf8_lossy(self.take(len)).into_owned()
    }
}
