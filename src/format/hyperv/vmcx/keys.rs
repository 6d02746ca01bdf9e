//! Key tables: names, types and values.
//!
//! A table has a header of 10 bytes: signature 0x0002 (2), table index from 1 (2), sequence (2), CRC-32 of the header (4).
//! Then entries up to its end, each with a header of 21 bytes:
//!
//! | offset | size | field |
//! | --- | --- | --- |
//! | 0 | 1 | type: 1 free, 3 int, 4 uint, 5 double, 6 string, 7 array, 8 bool, 9 node |
//! | 1 | 1 | flags: 1 = the value lies in a file object |
//! | 2 | 4 | size of the whole entry |
//! | 6 | 2 | parent's table index, 0 = child of the root |
//! | 8 | 4 | parent's offset in its table |
//! | 12 | 4 | CRC-32 of header (this field as zero), name and value |
//! | 16 | 4 | order among siblings |
//! | 20 | 1 | length of the name in bytes, NUL included |
//!
//! then the name (UTF-8), then the value: 8 bytes for numbers, 4 for a bool, a length (4) and data for strings (UTF-16LE)
//! and arrays, 12 for a node; or size (4) and offset (8) of a file object.

use std::collections::{HashMap, HashSet};

use super::super::{CappedFindings, ConfigTree, ConfigValue, MAX_DEPTH, MAX_KEYS, codes};
use super::objects::{ObjectExtent, Objects};
use super::{checksum, is_after, slice, u16_at, u32_at, u64_at};
use crate::finding::Finding;
use crate::format::text;

const SIGNATURE: u16 = 0x0002;
const HEADER_LEN: usize = 10;
const ENTRY_LEN: usize = 21;
const FREE: u8 = 1;
const NODE: u8 = 9;
const FLAG_FILE_OBJECT: u8 = 1;

/// Where an entry lies: table index, offset in the table.
type EntryPlace = (u16, u32);

/// An entry as it stands in its table.
struct KeyEntry<'a> {
    place: EntryPlace,
    parent: EntryPlace,
    kind: u8,
    flags: u8,
    name: String,
    data: &'a [u8],
    at: u64,
}

pub fn read(bytes: &[u8], objects: &Objects, faults: &mut CappedFindings) -> ConfigTree {
    let mut keys = Vec::new();
    for (index, extent) in current_tables(bytes, objects, faults) {
        if let Some(table) = slice(bytes, extent.at, extent.len) {
            entries(table, index, extent.at, &mut keys, faults);
        }
    }
    let by_place: HashMap<EntryPlace, &KeyEntry> =
        keys.iter().map(|key| (key.place, key)).collect();
    let files: HashSet<u64> = objects.files.iter().map(|extent| extent.at).collect();
    let mut values = Values {
        bytes,
        files,
        left: (bytes.len() as u64).saturating_mul(2),
    };
    let mut tree = ConfigTree::default();
    for key in &keys {
        let Some(path) = path(key, &by_place) else {
            faults.push(damaged(
                key.at,
                format!(
                    "The key {} hangs below no key that leads to the root.",
                    key.name
                ),
            ));
            continue;
        };
        let Some(value) = values.read(key, faults) else {
            continue;
        };
        if tree.push(path, value).is_err() {
            faults.full();
        }
    }
    tree
}

/// One table for each index: of two with one index the later counts. In all they are no longer than the file.
fn current_tables(
    bytes: &[u8],
    objects: &Objects,
    faults: &mut CappedFindings,
) -> Vec<(u16, ObjectExtent)> {
    let mut order: Vec<u16> = Vec::new();
    let mut best: HashMap<u16, (u16, ObjectExtent)> = HashMap::new();
    for extent in &objects.key_tables {
        let header = slice(bytes, extent.at, extent.len.min(HEADER_LEN as u64));
        let Some((raw, index, sequence)) = header
            .filter(|raw| u16_at(raw, 0) == Some(SIGNATURE))
            .and_then(|raw| Some((raw, u16_at(raw, 2)?, u16_at(raw, 4)?)))
        else {
            faults.push(object(extent.at, "There is no key table at this place."));
            continue;
        };
        if u32_at(raw, 6) != Some(checksum(raw, 6)) {
            faults.push(object(
                extent.at,
                "The checksum of this key table's header is wrong; it is used as it is.",
            ));
        }
        match best.get(&index) {
            Some((known, _)) if !is_after(sequence, *known) => continue,
            Some(_) => {}
            None => order.push(index),
        }
        best.insert(index, (sequence, *extent));
    }
    let mut left = bytes.len() as u64;
    let mut tables = Vec::new();
    for index in order {
        let Some((_, extent)) = best.get(&index) else {
            continue;
        };
        let Some(rest) = left.checked_sub(extent.len) else {
            faults.push(object(
                extent.at,
                "Key tables overlap; the rest is not read.",
            ));
            break;
        };
        left = rest;
        tables.push((index, *extent));
    }
    tables
}

fn entries<'a>(
    table: &'a [u8],
    index: u16,
    table_at: u64,
    keys: &mut Vec<KeyEntry<'a>>,
    faults: &mut CappedFindings,
) {
    let mut offset = HEADER_LEN;
    while let Some(rest) = table.get(offset..).filter(|rest| rest.len() >= ENTRY_LEN) {
        let at = table_at.saturating_add(offset as u64);
        let size = u32_at(rest, 2).unwrap_or_default();
        // A gap at the end of the table.
        if size == 0 {
            break;
        }
        let entry = usize::try_from(size).ok().and_then(|size| rest.get(..size));
        let Some(entry) = entry.filter(|entry| entry.len() >= ENTRY_LEN) else {
            faults.push(
                damaged(
                    at,
                    "The entry's size does not fit its table; the rest of the table is not read.",
                )
                .values(format!("{ENTRY_LEN} to {}", rest.len()), size.to_string()),
            );
            break;
        };
        if keys.len() >= MAX_KEYS {
            faults.full();
            return;
        }
        if entry.first() != Some(&FREE) {
            match key(entry, index, offset, at) {
                Some(key) => {
                    if !checksum_fits(entry, &key) {
                        faults.push(damaged(
                            at,
                            format!(
                                "The checksum of the key {} is wrong; it is used as it is.",
                                key.name
                            ),
                        ));
                    }
                    keys.push(key);
                }
                None => faults.push(damaged(at, "The entry's name is longer than the entry.")),
            }
        }
        offset = offset.saturating_add(entry.len());
    }
}

fn key(entry: &[u8], index: u16, offset: usize, at: u64) -> Option<KeyEntry<'_>> {
    let name_end = ENTRY_LEN.checked_add(usize::from(*entry.get(20)?))?;
    Some(KeyEntry {
        place: (index, u32::try_from(offset).ok()?),
        parent: (u16_at(entry, 6)?, u32_at(entry, 8)?),
        kind: *entry.first()?,
        flags: *entry.get(1)?,
        name: text::utf8(entry.get(ENTRY_LEN..name_end)?).text,
        data: entry.get(name_end..)?,
        at,
    })
}

/// Whether the entry's checksum fits. Slack behind the value does not count, and what is told of nodes, strings and arrays
/// differs by source (with or without counters and length): any of these spans passes.
fn checksum_fits(entry: &[u8], key: &KeyEntry) -> bool {
    let Some(stored) = u32_at(entry, 12) else {
        return false;
    };
    let data_len = key.data.len();
    let spans: [usize; 2] = match key.kind {
        _ if key.flags & FLAG_FILE_OBJECT != 0 => [12, data_len],
        3..=5 => [8, data_len],
        8 => [4, data_len],
        NODE => [12, 8],
        _ => {
            let len = u32_at(key.data, 0).and_then(|len| usize::try_from(len).ok());
            let len = len.unwrap_or(usize::MAX);
            [len.saturating_add(4), len]
        }
    };
    let head = entry.len().saturating_sub(data_len);
    spans
        .into_iter()
        .chain([data_len])
        .filter_map(|span| entry.get(..head.checked_add(span)?))
        .any(|covered| checksum(covered, 12) == stored)
}

/// Names from the root; `None` if the parents run in a circle, too deep, or to no key.
fn path(key: &KeyEntry, by_place: &HashMap<EntryPlace, &KeyEntry>) -> Option<String> {
    let mut names = vec![key.name.as_str()];
    let mut parent = key.parent;
    while parent.0 != 0 {
        let above = by_place.get(&parent).filter(|above| above.kind == NODE)?;
        names.push(&above.name);
        if names.len() > MAX_DEPTH {
            return None;
        }
        parent = above.parent;
    }
    let mut path = String::new();
    for name in names.into_iter().rev() {
        path.push('/');
        path.push_str(name);
    }
    Some(path)
}

/// Reads values, and keeps count of their bytes: many keys may point at one large object.
struct Values<'a> {
    bytes: &'a [u8],
    files: HashSet<u64>,
    left: u64,
}

impl<'a> Values<'a> {
    fn read(&mut self, key: &KeyEntry<'a>, faults: &mut CappedFindings) -> Option<ConfigValue> {
        let value = match key.kind {
            3 => u64_at(key.data, 0).map(|bits| ConfigValue::Integer(bits.cast_signed())),
            4 => u64_at(key.data, 0).map(ConfigValue::Unsigned),
            5 => u64_at(key.data, 0).map(|bits| ConfigValue::Double(f64::from_bits(bits))),
            6 => self
                .counted(key, faults)
                .map(|bytes| ConfigValue::String(text::utf16le(bytes).text)),
            7 => self
                .counted(key, faults)
                .map(|bytes| ConfigValue::Bytes(bytes.to_vec())),
            8 => u32_at(key.data, 0).map(|bits| ConfigValue::Bool(bits != 0)),
            NODE => Some(ConfigValue::Node),
            _ => None,
        };
        if value.is_none() {
            faults.push(damaged(
                key.at,
                format!(
                    "The value of the key {} (type {}) cannot be read.",
                    key.name, key.kind
                ),
            ));
        }
        value
    }

    fn counted(&mut self, key: &KeyEntry<'a>, faults: &mut CappedFindings) -> Option<&'a [u8]> {
        let bytes = self.located(key, faults)?;
        self.left = self.left.checked_sub(bytes.len() as u64)?;
        Some(bytes)
    }

    /// The bytes of a string or an array, in the entry or in a file object.
    fn located(&self, key: &KeyEntry<'a>, faults: &mut CappedFindings) -> Option<&'a [u8]> {
        let len = u32_at(key.data, 0)?;
        if key.flags & FLAG_FILE_OBJECT == 0 {
            return slice(key.data, 4, u64::from(len));
        }
        let at = u64_at(key.data, 4)?;
        if !self.files.contains(&at) {
            faults.push(damaged(
                key.at,
                format!("The value of the key {} lies at {at}, where no object table has a file object.", key.name),
            ));
        }
        slice(self.bytes, at, u64::from(len))
    }
}

fn damaged(at: u64, text: impl Into<String>) -> Finding {
    Finding::new(&codes::VMCX_KEY, text).at(at)
}

fn object(at: u64, text: impl Into<String>) -> Finding {
    Finding::new(&codes::VMCX_OBJECT, text).at(at)
}
