//! A directory's index: the names in it. Every block of it is gone through, in the order of the volume.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::NtfsVolume;
use super::file::{NtfsFile, file_name};
use super::record::{fix_up, reference};
use super::reparse::kind_of;
use super::stream::AttributeValue;
use crate::format::bytes::{u32_at, u64_at};
use crate::guest::filesystem::{DIRECTORY_BYTES_MAX, DirectoryEntry, FileId, FileKind, GuestError};

const DOS: u8 = 2;
const DIRECTORY: u64 = 0x1000_0000;
const REPARSE: u64 = 0x400;
/// Where the list of entries begins in a root, and in a block.
const ROOT_HEAD: usize = 16;
const BLOCK_HEAD: usize = 24;

pub(super) fn list(
    volume: &NtfsVolume,
    directory: &NtfsFile,
    each: &mut dyn FnMut(DirectoryEntry) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut seen = HashSet::new();
    let mut tell = |bytes: &[u8], head: usize| {
        for entry in entries(bytes, head) {
            // A tree that is being changed may show an entry twice.
            if seen.insert((entry.id, entry.name.clone())) {
                each(entry)?;
            }
        }
        ControlFlow::Continue(())
    };
    if tell(&directory.index_root, ROOT_HEAD).is_break() {
        return Ok(());
    }
    let Some(index) = directory.index.first() else {
        return Ok(());
    };
    let AttributeValue::Runs { runs, .. } = &index.value else {
        return Ok(());
    };
    let boot = &volume.boot;
    let block_len = usize::try_from(boot.index_bytes)
        .unwrap_or(usize::MAX)
        .max(1);
    let mut left = index.bytes.min(DIRECTORY_BYTES_MAX);
    // A block may be larger than a cluster, so that it may lie in two runs.
    let mut carried: Vec<u8> = Vec::new();
    for run in runs {
        let Some(lcn) = run.lcn else { continue };
        let mut at = lcn.saturating_mul(boot.cluster_bytes);
        let mut run_left = run.clusters.saturating_mul(boot.cluster_bytes).min(left);
        left = left.saturating_sub(run_left);
        while run_left > 0 {
            let len = run_left.min(1 << 20);
            let from = carried.len();
            carried.resize(from.saturating_add(usize::try_from(len).unwrap_or(0)), 0);
            volume
                .source
                .read_exact_at(carried.get_mut(from..).unwrap_or_default(), at)
                .map_err(GuestError::read("a directory's index", at))?;
            at = at.saturating_add(len);
            run_left = run_left.saturating_sub(len);
            let mut blocks = carried.chunks_exact_mut(block_len);
            for block in blocks.by_ref() {
                // Blocks that were freed stay as they were, without entries or without their mark.
                let is_block = block.get(..4) == Some(b"INDX") && fix_up(block).is_some();
                if is_block && tell(block, BLOCK_HEAD).is_break() {
                    return Ok(());
                }
            }
            carried = blocks.into_remainder().to_vec();
        }
    }
    if index.bytes > DIRECTORY_BYTES_MAX {
        return Err(GuestError::TooLarge {
            what: "a directory",
            limit: DIRECTORY_BYTES_MAX,
        });
    }
    Ok(())
}

/// The entries of a node, up to its last or the first that makes no sense.
fn entries(node: &[u8], head: usize) -> impl Iterator<Item = DirectoryEntry> {
    const LAST: u32 = 2;
    let number = |at: usize| usize::try_from(u32_at(node, at)?).ok();
    let range = || {
        let first = head.checked_add(number(head)?)?;
        let end = head.checked_add(number(head.checked_add(4)?)?)?;
        Some((first, end))
    };
    let (mut at, end) = range().unwrap_or((0, 0));
    let node = node.get(..end).unwrap_or(node);
    std::iter::from_fn(move || {
        loop {
            let entry = node.get(at..)?;
            let len = usize::from(crate::format::bytes::u16_at(entry, 8)?);
            let flags = u32_at(entry, 12)?;
            if flags & LAST != 0 || len < 16 {
                return None;
            }
            at = at.checked_add(len)?;
            let key_len = usize::from(crate::format::bytes::u16_at(entry, 10)?);
            let key = entry.get(16..key_len.checked_add(16)?);
            if let Some(found) = key.and_then(|key| parse(entry, key)) {
                return Some(found);
            }
        }
    })
}

fn parse(entry: &[u8], key: &[u8]) -> Option<DirectoryEntry> {
    let id: FileId = reference(entry, 0)?;
    let name = file_name(key)?;
    // The root names itself.
    if *key.get(65)? == DOS || name == "." {
        return None;
    }
    let flags = u64_at(key, 56)?;
    let tag = (flags >> 32) as u32;
    let by_tag = Some(tag).filter(|_| flags & REPARSE != 0).and_then(kind_of);
    let kind = by_tag.unwrap_or(if flags & DIRECTORY != 0 {
        FileKind::Directory
    } else {
        FileKind::File
    });
    Some(DirectoryEntry { id, name, kind })
}
