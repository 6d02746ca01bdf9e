//! The footer: 512 bytes (or 511) at the end of the file, with a copy at the start of dynamic and differencing disks.

use jiff::Timestamp;
use uuid::Uuid;

use super::{SECTOR_BYTES, checksum, codes};
use crate::finding::Finding;
use crate::format::bytes::{array_at, be16_at, be32_at, be64_at};
use crate::format::{FormatError, guid};
use crate::source::{Source, fill_up_to};

/// Length of a footer in bytes.
pub const FOOTER_BYTES: usize = 512;
/// Length of the footers of Virtual PC before 2004.
const SHORT_FOOTER_BYTES: usize = 511;
/// 2000-01-01 00:00:00 UTC, the zero of every time stamp in a VHD, in Unix seconds.
pub const EPOCH_UNIX_SECONDS: i64 = 946_684_800;
/// Believable time stamps: from 2001, before which nothing wrote the format, up to 2100, seconds since 2000.
const BELIEVABLE: std::ops::Range<u32> = 31_622_400..3_155_760_000;
/// Cylinders, heads and sectors per track at their maximum: the geometry then says nothing of the size.
const GEOMETRY_MAX: (u16, u8, u8) = (u16::MAX, 16, 255);
/// The largest size 32-bit sector numbers reach, in bytes.
pub const SIZE_MAX: u64 = (u32::MAX as u64) * (SECTOR_BYTES as u64);

/// Where the fields lie in a footer, in bytes.
pub mod field {
    pub const FEATURES: usize = 8;
    pub const VERSION: usize = 12;
    pub const DATA_OFFSET: usize = 16;
    pub const TIMESTAMP: usize = 24;
    pub const CREATOR: usize = 28;
    pub const CREATOR_VERSION: usize = 32;
    pub const CREATOR_OS: usize = 36;
    pub const ORIGINAL_SIZE: usize = 40;
    pub const CURRENT_SIZE: usize = 48;
    pub const GEOMETRY: usize = 56;
    pub const DISK_TYPE: usize = 60;
    pub const CHECKSUM: usize = 64;
    pub const ID: usize = 68;
    pub const SAVED_STATE: usize = 84;
    /// XenServer only.
    pub const HIDDEN: usize = 85;
}

/// How a footer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// `conectix`.
    Conectix,
    /// `v_poison`: disabled on purpose by XenServer.
    Poison,
}

impl Cookie {
    /// The cookie at the start of `bytes`, if there is one.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes.first_chunk::<8>() {
            Some(b"conectix") => Some(Self::Conectix),
            Some(b"v_poison") => Some(Self::Poison),
            _ => None,
        }
    }
}

/// What the checksum says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Right,
    /// Right but for the hidden byte, which early XenServer tools set without renewing the checksum (creator versions 0.1 and 1.1).
    HiddenQuirk,
    Wrong {
        /// What it should be.
        expected: u32,
    },
}

/// How a VHD holds its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskType {
    /// 2.
    Fixed,
    /// 3.
    Dynamic,
    /// 4.
    Differencing,
}

/// A footer's fields as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    pub cookie: Cookie,
    /// Feature bits: 0 temporary, 1 reserved and always set.
    pub features: u32,
    /// Format version, major in the high half: 0x00010000.
    pub version: u32,
    /// Position of the dynamic header in bytes; all ones for a fixed disk.
    pub data_offset: u64,
    /// Seconds since 2000-01-01 00:00:00 UTC.
    pub timestamp: u32,
    /// Creator application, four bytes as they stand.
    pub creator: [u8; 4],
    /// Creator version, major in the high half.
    pub creator_version: u32,
    /// Creator host OS, four bytes as they stand.
    pub creator_os: [u8; 4],
    /// Size when it was made, in bytes.
    pub original_size: u64,
    /// Size now, in bytes.
    pub current_size: u64,
    /// Cylinders, heads, sectors per track.
    pub geometry: (u16, u8, u8),
    /// Disk type as stored.
    pub disk_type: u32,
    pub checksum: u32,
    /// What the checksum says.
    pub sum: Sum,
    /// Unique id, in file order.
    pub id: Uuid,
    /// Byte 0x54.
    pub saved_state: u8,
    /// Byte 0x55, XenServer only.
    pub hidden: u8,
}

impl Footer {
    /// Reads a footer from 512 or 511 bytes; `None` without one of the two cookies or with fewer bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let cookie = Cookie::sniff(bytes)?;
        let bytes = bytes
            .get(..FOOTER_BYTES)
            .or_else(|| bytes.get(..SHORT_FOOTER_BYTES))?;
        let [_, _, heads, sectors] = array_at(bytes, field::GEOMETRY)?;
        let mut footer = Self {
            cookie,
            features: be32_at(bytes, field::FEATURES)?,
            version: be32_at(bytes, field::VERSION)?,
            data_offset: be64_at(bytes, field::DATA_OFFSET)?,
            timestamp: be32_at(bytes, field::TIMESTAMP)?,
            creator: array_at(bytes, field::CREATOR)?,
            creator_version: be32_at(bytes, field::CREATOR_VERSION)?,
            creator_os: array_at(bytes, field::CREATOR_OS)?,
            original_size: be64_at(bytes, field::ORIGINAL_SIZE)?,
            current_size: be64_at(bytes, field::CURRENT_SIZE)?,
            geometry: (be16_at(bytes, field::GEOMETRY)?, heads, sectors),
            disk_type: be32_at(bytes, field::DISK_TYPE)?,
            checksum: be32_at(bytes, field::CHECKSUM)?,
            sum: Sum::Right,
            id: guid::from_file_order(array_at(bytes, field::ID)?),
            saved_state: *bytes.get(field::SAVED_STATE)?,
            hidden: *bytes.get(field::HIDDEN)?,
        };
        footer.sum = footer.judge_sum(checksum(bytes, field::CHECKSUM));
        Some(footer)
    }

    fn judge_sum(&self, expected: u32) -> Sum {
        let early_xen =
            self.is_by_blktap() && matches!(self.creator_version, 0x0000_0001 | 0x0001_0001);
        if expected == self.checksum {
            Sum::Right
        } else if early_xen
            && self.hidden != 0
            // Without the hidden byte the sum is smaller and its complement larger by that byte.
            && expected.wrapping_add(u32::from(self.hidden)) == self.checksum
        {
            Sum::HiddenQuirk
        } else {
            Sum::Wrong { expected }
        }
    }

    /// True unless the checksum is wrong.
    pub fn is_sound(&self) -> bool {
        !matches!(self.sum, Sum::Wrong { .. })
    }

    /// True if XenServer's blktap made it.
    pub fn is_by_blktap(&self) -> bool {
        self.creator.starts_with(b"tap")
    }

    /// The disk type, if it is a known one.
    pub fn kind(&self) -> Option<DiskType> {
        match self.disk_type {
            2 => Some(DiskType::Fixed),
            3 => Some(DiskType::Dynamic),
            4 => Some(DiskType::Differencing),
            _ => None,
        }
    }

    /// Size by the geometry, in bytes.
    pub fn geometry_size(&self) -> u64 {
        let (cylinders, heads, sectors) = self.geometry;
        [
            u64::from(heads),
            u64::from(sectors),
            u64::from(SECTOR_BYTES),
        ]
        .into_iter()
        .fold(u64::from(cylinders), u64::saturating_mul)
    }

    /// Size the guest sees, in bytes, by the rule of the creator: Virtual PC (`vpc `) and early qemu (`qemu`) mean the
    /// geometry, as qemu's `block/vpc.c` has it; all others the current size. A geometry at its maximum or of size
    /// zero says nothing, and a differencing disk takes the current size, since its parent's geometry may be another's.
    pub fn virtual_size(&self) -> u64 {
        let means_geometry = matches!(&self.creator, b"vpc " | b"qemu")
            && self.geometry != GEOMETRY_MAX
            && self.geometry_size() != 0
            && self.kind() != Some(DiskType::Differencing);
        if means_geometry {
            self.geometry_size()
        } else {
            self.current_size
        }
    }

    /// Size by which chains are read and compared, in bytes: the current size, which a child takes over from its parent
    /// whoever made it. Where that cannot be, what the geometry says.
    pub fn stored_size(&self) -> u64 {
        if (1..=SIZE_MAX).contains(&self.current_size) {
            self.current_size
        } else {
            self.virtual_size()
        }
    }

    /// When the disk was made; `None` if the time stamp is zero or outside of 2001 to 2099.
    pub fn created(&self) -> Option<Timestamp> {
        BELIEVABLE
            .contains(&self.timestamp)
            .then(|| EPOCH_UNIX_SECONDS.saturating_add(i64::from(self.timestamp)))
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
    }

    /// What is odd about the fields themselves, wherever the footer was found.
    fn note(&self, at: u64, findings: &mut Vec<Finding>) {
        match self.sum {
            Sum::Right => {}
            Sum::HiddenQuirk => findings.push(
                Finding::new(
                    &codes::FOOTER_HIDDEN_QUIRK,
                    "the hidden mark was set without renewing the footer's checksum, as early XenServer tools did",
                )
                .at(at.saturating_add(field::HIDDEN as u64)),
            ),
            Sum::Wrong { expected } => findings.push(
                Finding::new(&codes::FOOTER_CHECKSUM, "the checksum of the footer is wrong")
                    .at(at.saturating_add(field::CHECKSUM as u64))
                    .values(format!("{expected:#010x}"), format!("{:#010x}", self.checksum)),
            ),
        }
        if self.cookie == Cookie::Poison {
            findings.push(
                Finding::new(
                    &codes::POISONED,
                    "the footer's cookie says v_poison: disabled on purpose",
                )
                .at(at)
                .values("conectix", "v_poison"),
            );
        }
        if self.version != 0x0001_0000 {
            findings.push(
                Finding::new(
                    &codes::VERSION,
                    "the footer names an unknown format version",
                )
                .at(at.saturating_add(field::VERSION as u64))
                .values("0x00010000", format!("{:#010x}", self.version)),
            );
        }
        if self.features & 2 == 0 {
            findings.push(
                Finding::new(&codes::FEATURES, "the reserved feature bit is not set")
                    .at(at.saturating_add(field::FEATURES as u64))
                    .values("bit 1 set", format!("{:#010x}", self.features)),
            );
        }
        if self.features & 1 != 0 {
            findings.push(
                Finding::new(&codes::TEMPORARY, "the disk is marked as temporary")
                    .at(at.saturating_add(field::FEATURES as u64)),
            );
        }
        if self.created().is_none() {
            findings.push(
                Finding::new(
                    &codes::TIMESTAMP,
                    "the footer's time stamp cannot be the time the disk was made",
                )
                .at(at.saturating_add(field::TIMESTAMP as u64))
                .values("a time from 2001 to 2099", self.timestamp.to_string()),
            );
        }
    }
}

/// A footer and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFooter {
    /// The footer in use.
    pub footer: Footer,
    /// Position in the file, in bytes.
    pub at: u64,
    /// True if it is the copy at the start.
    pub is_copy: bool,
    /// End of what may hold blocks: where the footer at the end begins, or the file's end without one.
    pub data_end: u64,
}

/// Finds the footer to use: the one at the end if it is sound, else the copy at the start, else whichever has a cookie.
/// The two reads are the last 512 bytes and the first 512.
///
/// # Errors
/// [`codes::NO_FOOTER`] if neither end has one; [`codes::DISK_TYPE`] if the disk type is none the format knows; the reads' own.
pub fn find(source: &dyn Source, findings: &mut Vec<Finding>) -> Result<FoundFooter, FormatError> {
    let len = source.len();
    let tail_at = len.saturating_sub(FOOTER_BYTES as u64);
    let mut buffers = [[0_u8; FOOTER_BYTES]; 2];
    let [tail, head] = &mut buffers;
    let tail = fill_up_to(source, tail_at, tail).map_err(FormatError::read("footer", tail_at))?;
    let head = fill_up_to(source, 0, head).map_err(FormatError::read("footer copy", 0))?;

    let end = end_footer(tail, tail_at, len);
    let copy = match &end {
        // Of most disks they are the same.
        Some((end, at)) if *at == tail_at && head == tail => Some(end.clone()),
        _ => Footer::parse(head),
    };
    // A copy that says "fixed" is the guest's own first sector or a leftover: fixed disks have no copy.
    let copy = copy
        .filter(|copy| copy.kind() != Some(DiskType::Fixed))
        .filter(|_| len > FOOTER_BYTES as u64);
    let data_end = end.as_ref().map_or(len, |(_, at)| *at);

    let (footer, at, is_copy) = match (end, copy) {
        (Some((end, at)), Some(copy)) if end.is_sound() || !copy.is_sound() => {
            if end.is_sound() && end.kind() != Some(DiskType::Fixed) {
                compare_copy(&end, &copy, findings);
            }
            (end, at, false)
        }
        (Some((end, at)), None) => {
            if matches!(end.kind(), Some(DiskType::Dynamic | DiskType::Differencing)) {
                findings.push(
                    Finding::new(
                        &codes::FOOTER_COPY_DAMAGED,
                        "there is no copy of the footer at the start of the file",
                    )
                    .at(0)
                    .values("conectix", "something else"),
                );
            }
            (end, at, false)
        }
        (end, Some(copy)) => {
            let actual = match &end {
                Some(_) => "a footer with a wrong checksum",
                None if tail.iter().all(|byte| *byte == 0) => "zeros",
                None => "something else",
            };
            findings.push(
                Finding::new(&codes::FOOTER_END_DAMAGED, "the footer at the end of the file is damaged or missing; its copy at the start is used")
                    .at(tail_at)
                    .values("a sound footer", actual),
            );
            (copy, 0, true)
        }
        (None, None) => {
            return Err(Finding::new(
                &codes::NO_FOOTER,
                "there is no footer at the end of the file and no copy at its start",
            )
            .at(tail_at)
            .values("conectix", "something else")
            .into());
        }
    };
    footer.note(at, findings);
    if footer.kind().is_none() {
        return Err(Finding::new(
            &codes::DISK_TYPE,
            format!("disk type {} is none the format knows", footer.disk_type),
        )
        .at(at.saturating_add(field::DISK_TYPE as u64))
        .values("2, 3 or 4", footer.disk_type.to_string())
        .into());
    }
    if !is_copy && at.saturating_add(FOOTER_BYTES as u64) > len {
        findings.push(
            Finding::new(
                &codes::FOOTER_SHORT,
                "the footer is 511 bytes long, as Virtual PC wrote it before 2004",
            )
            .at(at),
        );
    }
    Ok(FoundFooter {
        footer,
        at,
        is_copy,
        data_end,
    })
}

/// The footer at the end: of 512 bytes, or of 511 in the files of Virtual PC before 2004.
fn end_footer(tail: &[u8], tail_at: u64, len: u64) -> Option<(Footer, u64)> {
    let whole = Footer::parse(tail).map(|footer| (footer, tail_at));
    let short = || {
        let skip = tail.len().checked_sub(SHORT_FOOTER_BYTES)?;
        let footer = Footer::parse(tail.get(skip..)?)?;
        Some((footer, len.checked_sub(SHORT_FOOTER_BYTES as u64)?))
    };
    whole.or_else(short)
}

fn compare_copy(end: &Footer, copy: &Footer, findings: &mut Vec<Finding>) {
    if !copy.is_sound() {
        findings.push(
            Finding::new(
                &codes::FOOTER_COPY_DAMAGED,
                "the copy of the footer at the start of the file has a wrong checksum",
            )
            .at(field::CHECKSUM as u64)
            .values(
                "a sound footer",
                format!("checksum {:#010x}", copy.checksum),
            ),
        );
    } else if end != copy {
        let field = if end.current_size != copy.current_size {
            "size"
        } else if end.hidden != copy.hidden || end.saved_state != copy.saved_state {
            "state"
        } else {
            "details"
        };
        if end.id != copy.id {
            findings.push(
                Finding::new(
                    &codes::FOOTER_IDS,
                    "the footer at the end and its copy at the start have different ids",
                )
                .at(0)
                .values(end.id.to_string(), copy.id.to_string()),
            );
            return;
        }
        findings.push(
            Finding::new(&codes::FOOTER_COPY_DIFFERS, format!("the footer at the end and its copy at the start differ ({field}); the one at the end is used"))
                .at(0),
        );
    }
}
