//! A file of mebibytes made of a sound one and a few changed bytes, without a copy of the mebibytes for each input.

use std::io;
use std::sync::Arc;

use vhdtree::source::Source;

/// A sound file under pages of its own.
#[derive(Debug, Clone)]
pub struct Patched {
    below: Arc<Vec<u8>>,
    len: usize,
    /// Changed stretches, later ones over earlier ones.
    patches: Vec<(usize, Vec<u8>)>,
}

impl Patched {
    /// The file as it is.
    pub fn new(below: Arc<Vec<u8>>) -> Self {
        let len = below.len();
        Self {
            below,
            len,
            patches: Vec::new(),
        }
    }

    /// Changes bytes from `at` on; what lies past the end is left out.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len()).min(self.len);
        if at < end {
            self.patches.push((at, bytes[..end - at].to_vec()));
        }
    }

    /// Cuts the end off.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Bytes as they are now; fewer past the end.
    pub fn get(&self, at: usize, len: usize) -> Vec<u8> {
        let at = at.min(self.len);
        let mut bytes = vec![0; len.min(self.len - at)];
        self.read_exact_at(&mut bytes, at as u64)
            .expect("inside the file");
        bytes
    }

    /// The changed stretches, as they were put.
    pub fn changes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.patches.iter().map(|(at, bytes)| (*at, bytes.len()))
    }

    /// True if anything of the stretch was changed.
    pub fn is_changed(&self, at: usize, len: usize) -> bool {
        self.changes()
            .any(|(start, length)| start < at.saturating_add(len) && at < start + length)
    }
}

impl Source for Patched {
    fn len(&self) -> u64 {
        self.len as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.len as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let at = usize::try_from(offset_bytes).expect("inside the file");
        let end = at + buf.len();
        buf.copy_from_slice(&self.below[at..end]);
        for (start, bytes) in &self.patches {
            let (from, to) = ((*start).max(at), (start + bytes.len()).min(end));
            if from < to {
                buf[from - at..to - at].copy_from_slice(&bytes[from - start..to - start]);
            }
        }
        Ok(())
    }
}
