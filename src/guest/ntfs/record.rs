//! Records of the master file table, and their attributes.

use crate::format::bytes::{u16_at, u32_at, u64_at};
use crate::guest::filesystem::FileId;

pub(super) const STANDARD_INFORMATION: u32 = 0x10;
pub(super) const ATTRIBUTE_LIST: u32 = 0x20;
pub(super) const FILE_NAME: u32 = 0x30;
pub(super) const VOLUME_NAME: u32 = 0x60;
pub(super) const VOLUME_INFORMATION: u32 = 0x70;
pub(super) const DATA: u32 = 0x80;
pub(super) const INDEX_ROOT: u32 = 0x90;
pub(super) const INDEX_ALLOCATION: u32 = 0xa0;
pub(super) const BITMAP: u32 = 0xb0;
pub(super) const REPARSE_POINT: u32 = 0xc0;
const END: u32 = 0xffff_ffff;

/// Puts the last two bytes of each stride back in their place, and clears the array they were kept in together with the
/// number of the last write, so that two records of one content are equal. `None` if the record was written only in part.
pub(super) fn fix_up(record: &mut [u8]) -> Option<()> {
    let at = usize::from(u16_at(record, 4)?);
    let entries = usize::from(u16_at(record, 6)?);
    let strides = entries.checked_sub(1).filter(|strides| *strides > 0)?;
    let stride = record.len().checked_div(strides)?;
    let end = at.checked_add(entries.checked_mul(2)?)?;
    let array = record.get(at..end)?.to_vec();
    if stride < 256
        || record.len() != stride.checked_mul(strides)?
        || end > stride.checked_sub(2)?
    {
        return None;
    }
    let (number, kept) = array.split_at_checked(2)?;
    for (part, kept) in record.chunks_exact_mut(stride).zip(kept.chunks_exact(2)) {
        let last = part.get_mut(stride.checked_sub(2)?..)?;
        if last != number {
            return None;
        }
        last.copy_from_slice(kept);
    }
    record.get_mut(at..end)?.fill(0);
    Some(())
}

/// A file reference: record number and sequence number.
pub(super) fn reference(bytes: &[u8], at: usize) -> Option<FileId> {
    let value = u64_at(bytes, at)?;
    Some(FileId {
        number: value & 0xffff_ffff_ffff,
        generation: value >> 48,
    })
}

/// A record that was fixed up.
#[derive(Debug, Clone, Copy)]
pub(super) struct MftRecord<'a>(&'a [u8]);

impl<'a> MftRecord<'a> {
    /// `None` if it never was a record.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.get(..4)? == b"FILE").then_some(Self(bytes))
    }

    pub(super) fn is_in_use(self) -> bool {
        u16_at(self.0, 22).is_some_and(|flags| flags & 1 != 0)
    }

    pub(super) fn is_directory(self) -> bool {
        u16_at(self.0, 22).is_some_and(|flags| flags & 2 != 0)
    }

    pub(super) fn sequence(self) -> u64 {
        u16_at(self.0, 16).unwrap_or(0).into()
    }

    /// The file it carries on, if it is no file's first record.
    pub(super) fn base(self) -> Option<FileId> {
        let base = reference(self.0, 32)?;
        (base.number != 0 || base.generation != 0).then_some(base)
    }

    /// Its attributes, up to the first that makes no sense.
    pub(super) fn attributes(self) -> impl Iterator<Item = Attribute<'a>> {
        let bytes = self.0;
        let used = u32_at(bytes, 24).and_then(|used| usize::try_from(used).ok());
        let bytes = bytes.get(..used.unwrap_or(0)).unwrap_or(bytes);
        let mut at = usize::from(u16_at(bytes, 20).unwrap_or(u16::MAX));
        std::iter::from_fn(move || {
            let kind = u32_at(bytes, at)?;
            let len = usize::try_from(u32_at(bytes, at.checked_add(4)?)?).ok()?;
            let end = at.checked_add(len)?;
            if kind == END || len < 24 {
                return None;
            }
            let found = Attribute::parse(bytes.get(at..end)?);
            at = end;
            found
        })
    }
}

/// Whether two records of one number say the same; the number of the last log entry aside.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.get(..8) == other.get(..8) && one.get(16..) == other.get(16..)
}

/// An attribute of a record, or the part of one that a record holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) kind: u32,
    pub(super) flags: u16,
    name: &'a [u8],
    pub(super) form: AttributeForm<'a>,
}

/// Where an attribute's value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum AttributeForm<'a> {
    Resident(&'a [u8]),
    Extern {
        first_vcn: u64,
        /// Sizes are said by the first part alone.
        bytes: u64,
        valid_bytes: u64,
        /// Clusters of a compressed unit as a power of two; 0 = not compressed.
        unit_power: u16,
        pairs: &'a [u8],
    },
}

pub(super) const COMPRESSED: u16 = 0x00ff;
pub(super) const ENCRYPTED: u16 = 0x4000;

impl<'a> Attribute<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let name_units = usize::from(*bytes.get(9)?);
        let name_at = usize::from(u16_at(bytes, 10)?);
        let name_end = name_at.checked_add(name_units.checked_mul(2)?)?;
        let form = if *bytes.get(8)? == 0 {
            let len = usize::try_from(u32_at(bytes, 16)?).ok()?;
            let at = usize::from(u16_at(bytes, 20)?);
            AttributeForm::Resident(bytes.get(at..at.checked_add(len)?)?)
        } else {
            let first_vcn = u64_at(bytes, 16)?;
            let pairs_at = usize::from(u16_at(bytes, 32)?);
            AttributeForm::Extern {
                first_vcn,
                bytes: u64_at(bytes, 48).unwrap_or(0),
                valid_bytes: u64_at(bytes, 56).unwrap_or(0),
                unit_power: u16_at(bytes, 34)?,
                pairs: bytes.get(pairs_at..)?,
            }
        };
        Some(Self {
            kind: u32_at(bytes, 0)?,
            flags: u16_at(bytes, 12)?,
            name: match name_units {
                0 => &[],
                _ => bytes.get(name_at..name_end)?,
            },
            form,
        })
    }

    pub(super) fn name(&self) -> String {
        utf16(self.name)
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        if name.is_empty() {
            self.name.is_empty()
        } else {
            self.name() == name
        }
    }

    pub(super) fn resident(&self) -> Option<&'a [u8]> {
        match self.form {
            AttributeForm::Resident(value) => Some(value),
            AttributeForm::Extern { .. } => None,
        }
    }
}

/// UTF-16 as NTFS keeps it, lone surrogates replaced.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|unit| u16_at(unit, 0));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_written_in_part_is_refused_and_equal_ones_are_equal() {
        let mut record = vec![7; 1_024];
        record[4..8].copy_from_slice(&[48, 0, 3, 0]);
        record[48..54].copy_from_slice(&[9, 1, 0xaa, 0xbb, 0xcc, 0xdd]);
        for last in [510, 1_022] {
            record[last..last + 2].copy_from_slice(&[9, 1]);
        }
        let mut other = record.clone();
        other[1_023] = 2;
        assert_eq!(fix_up(&mut other), None);
        fix_up(&mut record).unwrap();
        assert_eq!(record[510..512], [0xaa, 0xbb]);
        assert_eq!(record[1_022..], [0xcc, 0xdd]);
        let mut later = record.clone();
        later[8] = 1;
        assert!(is_same(&record, &later));
        later[20] = 1;
        assert!(!is_same(&record, &later));
        assert_eq!(fix_up(&mut [0; 16]), None);
    }
}
