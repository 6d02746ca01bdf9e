//! Reparse points: links, what Windows' subsystem for Linux makes, and files whose content a filter keeps elsewhere.
//! Source: \[MS-FSCC\] 2.1.2.

use std::ops::ControlFlow;

use super::record::utf16;
use super::stream::Stream;
use super::{NtfsVolume, data};
use crate::format::bytes::{u16_at, u32_at};
use crate::guest::content::RunReader;
use crate::guest::filesystem::{ClosedContent, FileKind};

const MOUNT_POINT: u32 = 0xa000_0003;
const SYMBOLIC_LINK: u32 = 0xa000_000c;
const LINUX_LINK: u32 = 0xa000_001d;
/// Sockets, pipes, devices.
const LINUX_SPECIAL: std::ops::RangeInclusive<u32> = 0x8000_0023..=0x8000_0026;
const DEDUPLICATED: u32 = 0x8000_0013;
const OVERLAY: u32 = 0x8000_0017;
/// No reparse point has this tag.
const UNREADABLE: u32 = 0;

/// Largest value. Source: `MAXIMUM_REPARSE_DATA_BUFFER_SIZE`.
const BYTES_MAX: u64 = 16 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReparsePoint {
    tag: u32,
    value: Vec<u8>,
}

impl ReparsePoint {
    pub(super) fn read(volume: &NtfsVolume, place: &Stream) -> Self {
        let value = whole(volume, place).unwrap_or_default();
        Self {
            tag: u32_at(&value, 0).unwrap_or(UNREADABLE),
            value,
        }
    }

    pub(super) fn kind(&self) -> Option<FileKind> {
        kind_of(self.tag)
    }

    /// Why the file's content is not where a file's content is.
    pub(super) fn closed(&self) -> Option<ClosedContent> {
        match self.tag {
            OVERLAY => Some(ClosedContent::OverlayCompressed),
            DEDUPLICATED => Some(ClosedContent::Deduplicated),
            UNREADABLE => Some(ClosedContent::UnknownLayout),
            _ => None,
        }
    }

    /// Where a link leads, as its system shows it.
    pub(super) fn target(&self) -> Option<String> {
        let value = &self.value;
        let names_at = match self.tag {
            SYMBOLIC_LINK => 20_usize,
            MOUNT_POINT => 16,
            // Behind a version, in UTF-8.
            LINUX_LINK => {
                return value
                    .get(12..)
                    .map(|target| String::from_utf8_lossy(target).into());
            }
            _ => return None,
        };
        let part = |at: usize| {
            let start = names_at.checked_add(u16_at(value, at)?.into())?;
            let end = start.checked_add(u16_at(value, at.checked_add(2)?)?.into())?;
            value.get(start..end).filter(|name| !name.is_empty())
        };
        part(12).or_else(|| part(8)).map(utf16)
    }
}

/// What a file is for the tag of its reparse point alone.
pub(super) fn kind_of(tag: u32) -> Option<FileKind> {
    match tag {
        SYMBOLIC_LINK | MOUNT_POINT | LINUX_LINK => Some(FileKind::Link),
        tag if LINUX_SPECIAL.contains(&tag) => Some(FileKind::Special),
        _ => None,
    }
}

/// All of a small value, wherever it is; `None` if it cannot be read.
fn whole(volume: &NtfsVolume, of: &Stream) -> Option<Vec<u8>> {
    if of.bytes > BYTES_MAX {
        return None;
    }
    let mut value = Vec::new();
    let mut reader = RunReader::new(&*volume.source);
    let ended = data::runs(
        volume,
        of,
        &mut |run| match reader.read(&run, 0, run.bytes) {
            Ok(bytes) => {
                value.extend_from_slice(bytes);
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(()),
        },
    );
    ended.is_continue().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_say_where_they_lead() {
        let mut link = vec![0x1d, 0, 0, 0xa0, 9, 0, 0, 0, 2, 0, 0, 0];
        link.extend_from_slice(b"../x");
        let point = |tag, value| ReparsePoint { tag, value };
        let found = point(LINUX_LINK, link);
        assert_eq!(found.kind(), Some(FileKind::Link));
        assert_eq!(found.target().unwrap(), "../x");
        let mut junction = vec![0; 16];
        // No shown name: the one that the system follows.
        junction[8..12].copy_from_slice(&[0, 0, 8, 0]);
        junction.extend("C:\\x".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(point(MOUNT_POINT, junction).target().unwrap(), "C:\\x");
        let cut = point(SYMBOLIC_LINK, vec![0; 13]);
        assert_eq!((cut.kind(), cut.target()), (Some(FileKind::Link), None));
        let unread = point(UNREADABLE, Vec::new());
        assert_eq!(unread.closed(), Some(ClosedContent::UnknownLayout));
        assert_eq!(kind_of(0x8000_0024), Some(FileKind::Special));
    }
}
