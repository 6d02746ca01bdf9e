//! Entries of a directory of ext. The blocks of its hash tree look like blocks of one unused entry, so all blocks are
//! read alike (kernel documentation, `directory.rst`).

use std::ops::ControlFlow;

use crate::format::bytes::{u16_at, u32_at};
use crate::guest::inodes::entry::{BadEntry, EntryKinds, NamedInode, kind_of_entry};

/// Bytes of an entry before its name.
const ENTRY_BYTES: usize = 8;

/// Goes through a block's entries, `.` and `..` too; stops at a break.
pub fn entries<'b>(
    block: &'b [u8],
    kinds: EntryKinds,
    each: &mut dyn FnMut(NamedInode<'b>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, BadEntry> {
    let mut at = 0usize;
    while at.saturating_add(ENTRY_BYTES) <= block.len() {
        let bad = BadEntry { at };
        let entry = block.get(at..).ok_or(bad)?;
        let length = record_length(u16_at(entry, 4).ok_or(bad)?, block.len());
        let lengths = u16_at(entry, 6).ok_or(bad)?;
        let [name_bytes, kind] = lengths.to_le_bytes();
        let (name_bytes, kind) = match kinds {
            EntryKinds::Told => (usize::from(name_bytes), kind_of_entry(kind)),
            EntryKinds::Untold => (usize::from(lengths), None),
        };
        let name_end = ENTRY_BYTES.saturating_add(name_bytes);
        let inode = u32_at(entry, 0).ok_or(bad)?;
        if length < ENTRY_BYTES
            || !length.is_multiple_of(4)
            || length > entry.len()
            || (inode != 0 && name_end > length)
        {
            return Err(bad);
        }
        let name = entry.get(ENTRY_BYTES..name_end).unwrap_or_default();
        if inode != 0
            && !name.is_empty()
            && each(NamedInode {
                inode: inode.into(),
                name,
                kind,
            })
            .is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        at = at.saturating_add(length);
    }
    Ok(ControlFlow::Continue(()))
}

/// In blocks of 64 KiB a record may be longer than its 16 bits say.
fn record_length(stored: u16, block_bytes: usize) -> usize {
    match stored {
        0 | u16::MAX if block_bytes >= 1 << 16 => block_bytes,
        _ if block_bytes >= 1 << 16 => usize::from(stored & 0xfffc) | usize::from(stored & 3) << 16,
        _ => usize::from(stored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(inode: u32, length: u16, kind: u8, name: &str) -> Vec<u8> {
        let mut bytes = inode.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend([u8::try_from(name.len()).expect("short"), kind]);
        bytes.extend(name.as_bytes());
        bytes.resize(usize::from(length), 0);
        bytes
    }

    fn list(block: &[u8]) -> Result<Vec<(u64, String)>, BadEntry> {
        let mut found = Vec::new();
        let listed = entries(block, EntryKinds::Told, &mut |entry| {
            let name = String::from_utf8_lossy(entry.name).into_owned();
            found.push((entry.inode, name));
            ControlFlow::Continue(())
        });
        listed.map(|_| found)
    }

    #[test]
    fn unused_entries_and_the_checksum_at_the_end_are_passed_over() {
        let mut block = entry(12, 12, 1, "a");
        block.extend(entry(0, 16, 0, "gone"));
        block.extend(entry(13, 24, 2, "folder"));
        block.extend(entry(0, 12, 0xde, ""));
        let names = list(&block).expect("right");
        assert_eq!(names, [(12, "a".to_owned()), (13, "folder".to_owned())]);
    }

    #[test]
    fn records_that_cannot_be_right_end_a_block() {
        let good = entry(12, 12, 1, "a");
        for length in [0, 4, 10, 16, 4096] {
            let mut bad = good.clone();
            bad.extend(entry(13, 12, 1, "b"));
            bad[16..18].copy_from_slice(&u16::to_le_bytes(length));
            assert_eq!(list(&bad), Err(BadEntry { at: 12 }), "{length}");
        }
        let mut long = good;
        long[6] = 5;
        assert_eq!(list(&long), Err(BadEntry { at: 0 }));
    }

    #[test]
    fn blocks_of_64_kib_write_their_length_otherwise() {
        assert_eq!(record_length(u16::MAX, 1 << 16), 1 << 16);
        assert_eq!(record_length(0, 1 << 16), 1 << 16);
        assert_eq!(record_length(12, 1 << 16), 12);
        assert_eq!(record_length(12, 4096), 12);
    }
}
