//! Object tables: what lies where in the file.
//!
//! A table has a signature (0x01110001) and a number of entries, 4 bytes each, then entries of 18 bytes: type (1), CRC-32
//! of the entry with this field as zero (4), offset (8), size (4), flags (1). Types: 0 empty, 1 object table, 2 key table,
//! 3 file object, 4 free. Tables are chained by entries of type 1.

use super::super::{CappedFindings, codes};
use super::{checksum, slice, u32_at, u64_at};
use crate::finding::Finding;

const FIRST_TABLE: u64 = 0x2000;
const SIGNATURE: u32 = 0x0111_0001;
const HEADER_LEN: u64 = 8;
const ENTRY_LEN: u64 = 18;

/// A part of the file that holds one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectExtent {
    /// Where it begins, in bytes.
    pub at: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// The objects a reader looks at.
#[derive(Debug, Default)]
pub struct Objects {
    /// Key tables, in the order of the object tables.
    pub key_tables: Vec<ObjectExtent>,
    pub files: Vec<ObjectExtent>,
}

/// Reads all object tables.
pub fn read(bytes: &[u8], faults: &mut CappedFindings) -> Objects {
    let mut objects = Objects::default();
    let mut tables = vec![FIRST_TABLE];
    // Tables that do not overlap cannot have more entries than this in all: the bound ends cycles too.
    let mut left = (bytes.len() as u64) / ENTRY_LEN;
    let mut next = 0;
    while let Some(table_at) = tables.get(next).copied() {
        next = next.saturating_add(1);
        let Some(count) = header(bytes, table_at) else {
            faults.push(damaged(table_at, "There is no object table at this place."));
            continue;
        };
        for number in 0..u64::from(count) {
            let entry_at = table_at
                .saturating_add(HEADER_LEN)
                .saturating_add(number.saturating_mul(ENTRY_LEN));
            let Some(raw) = slice(bytes, entry_at, ENTRY_LEN).filter(|_| left > 0) else {
                faults.push(damaged(
                    table_at,
                    format!(
                        "The object table claims {count} entries, more than the file has room for."
                    ),
                ));
                break;
            };
            left = left.saturating_sub(1);
            entry(
                raw,
                entry_at,
                bytes.len() as u64,
                &mut objects,
                &mut tables,
                faults,
            );
        }
    }
    objects
}

fn header(bytes: &[u8], at: u64) -> Option<u32> {
    let raw = slice(bytes, at, HEADER_LEN)?;
    (u32_at(raw, 0)? == SIGNATURE)
        .then(|| u32_at(raw, 4))
        .flatten()
}

fn entry(
    raw: &[u8],
    entry_at: u64,
    file_len: u64,
    objects: &mut Objects,
    tables: &mut Vec<u64>,
    faults: &mut CappedFindings,
) {
    let (Some(kind), Some(at), Some(len)) = (raw.first(), u64_at(raw, 5), u32_at(raw, 13)) else {
        return;
    };
    let is_used = matches!(kind, 1..=3);
    let is_never_written = raw.iter().all(|byte| *byte == 0);
    if !is_never_written && u32_at(raw, 1) != Some(checksum(raw, 1)) {
        let what_of_it = if is_used {
            "it is used as it is"
        } else {
            "by its type it holds nothing, which may be the damage"
        };
        faults.push(damaged(
            entry_at,
            format!("The checksum of this object table entry is wrong; {what_of_it}."),
        ));
    }
    if !is_used {
        return;
    }
    let extent = ObjectExtent {
        at,
        len: u64::from(len),
    };
    if at.checked_add(extent.len).is_none_or(|end| end > file_len) {
        faults.push(
            damaged(entry_at, "The object lies past the end of the file.")
                .values(format!("at most {file_len}"), format!("{at} + {len}")),
        );
        // A key table that is cut short still has its first keys.
        if *kind != 2 || at >= file_len {
            return;
        }
    }
    match kind {
        1 if tables.contains(&at) => {
            faults.push(damaged(entry_at, "The object tables run in a circle."));
        }
        1 => tables.push(at),
        2 => objects.key_tables.push(ObjectExtent {
            at,
            len: extent.len.min(file_len.saturating_sub(at)),
        }),
        _ => objects.files.push(extent),
    }
}

fn damaged(at: u64, text: impl Into<String>) -> Finding {
    Finding::new(&codes::VMCX_OBJECT, text).at(at)
}
