//! Bytes in memory as a source.

use std::io;

use super::Source;

/// A source over bytes that are already in memory.
#[derive(Debug, Clone)]
pub struct MemorySource(pub Vec<u8>);

impl Source for MemorySource {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let found = usize::try_from(offset_bytes)
            .ok()
            .and_then(|start| self.0.get(start..start.checked_add(buf.len())?));
        match found {
            Some(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
