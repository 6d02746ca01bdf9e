//! The replay log: changes that were not yet written to their place, applied in memory.
//!
//! | offset | size | header, 34 bytes |
//! | --- | --- | --- |
//! | 0 | 4 | signature, 0x01110003 |
//! | 4 | 4 | CRC-32 of the header, this field as zero |
//! | 8 | 4 | entries that wait; older ones behind them stay in the file and do not count |
//! | 13 | 4 | entries there is room for |
//!
//! Entries have 28 bytes with destination offset (8), destination size (4), offset inside the log (8), CRC-32 of the entry
//! and CRC-32 of the data. The public sources differ in their order: `OpenVMM` has the entry's checksum first,
//! dissect.hypervisor has it at 20. Neither has a file with a waiting entry, nor says from where the offset inside the log
//! counts. So both orders and every base are tried, and the two checksums decide: an entry is used only if both fit.

use super::super::{CappedFindings, MAX_BYTES, codes};
use super::header::VmcxHeader;
use super::{checksum, slice, u32_at, u64_at};
use crate::finding::Finding;

const SIGNATURE: u32 = 0x0111_0003;
const HEADER_LEN: u64 = 34;
const ENTRY_LEN: u64 = 28;

/// One waiting change.
struct PendingChange<'a> {
    to: u64,
    data: &'a [u8],
}

/// The file with the waiting changes in their place. All are applied or, if one is damaged, none.
pub fn apply(bytes: Vec<u8>, header: &VmcxHeader, faults: &mut CappedFindings) -> Vec<u8> {
    if header.log_offset == 0 {
        return bytes;
    }
    let entries = match waiting(&bytes, header) {
        Ok(entries) => entries,
        Err(finding) => {
            faults.push(finding);
            return bytes;
        }
    };
    if entries.is_empty() {
        return bytes;
    }
    let mut replayed = bytes.clone();
    for entry in &entries {
        let Some(end) = usize::try_from(entry.to)
            .ok()
            .and_then(|to| to.checked_add(entry.data.len()))
            .filter(|end| *end as u64 <= MAX_BYTES)
        else {
            faults.push(damaged(
                header.log_offset,
                "A change in the log would be written past any sensible end of the file.",
            ));
            return bytes;
        };
        if replayed.len() < end {
            replayed.resize(end, 0);
        }
        let start = end.saturating_sub(entry.data.len());
        if let Some(place) = replayed.get_mut(start..end) {
            place.copy_from_slice(entry.data);
        }
    }
    faults.push(
        Finding::new(
            &codes::VMCX_REPLAYED,
            format!("{} waiting changes were applied in memory.", entries.len()),
        )
        .at(header.log_offset),
    );
    replayed
}

fn damaged(at: u64, text: impl Into<String>) -> Finding {
    Finding::new(&codes::VMCX_LOG, text).at(at)
}

fn waiting<'a>(bytes: &'a [u8], header: &VmcxHeader) -> Result<Vec<PendingChange<'a>>, Finding> {
    let at = header.log_offset;
    let head = slice(bytes, at, HEADER_LEN)
        .ok_or_else(|| damaged(at, "The log lies past the end of the file."))?;
    if u32_at(head, 0) != Some(SIGNATURE) {
        return Err(damaged(at, "The log has not the signature of one."));
    }
    let count = u32_at(head, 8).unwrap_or_default();
    if u32_at(head, 4) != Some(checksum(head, 4)) {
        return Err(damaged(at, "The checksum of the log's header is wrong."));
    }
    let mut entries: Vec<PendingChange> = Vec::new();
    let mut total = 0_u64;
    for number in 0..u64::from(count) {
        let entry_at = number
            .checked_mul(ENTRY_LEN)
            .and_then(|offset| offset.checked_add(HEADER_LEN))
            .and_then(|offset| offset.checked_add(at));
        let entry = entry_at
            .and_then(|entry_at| slice(bytes, entry_at, ENTRY_LEN))
            .and_then(|raw| entry(bytes, header, raw))
            .ok_or_else(|| {
                damaged(
                    entry_at.unwrap_or(at),
                    format!(
                        "Entry {number} of {count} in the log, or its data, fails its checksum."
                    ),
                )
            })?;
        // Data of sound entries does not overlap; this bounds what forged ones could make the reader copy.
        total = total.saturating_add(entry.data.len() as u64);
        if total > MAX_BYTES {
            return Err(damaged(at, "The log claims more data than the file has."));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry<'a>(bytes: &'a [u8], header: &VmcxHeader, raw: &[u8]) -> Option<PendingChange<'a>> {
    // (checksum, destination, size, offset inside the log), each as an offset in the entry.
    const ORDERS: [(usize, usize, usize, usize); 2] = [(0, 4, 12, 16), (20, 0, 8, 12)];
    let data_checksum = u32_at(raw, 24)?;
    ORDERS
        .into_iter()
        .filter(|order| u32_at(raw, order.0) == Some(checksum(raw, order.0)))
        .find_map(|(_, to, size, inside)| {
            let inside = u64_at(raw, inside)?;
            let size = u64::from(u32_at(raw, size)?);
            let bases = [
                header.log_offset,
                header
                    .log_offset
                    .saturating_add(u64::from(header.log_header_len)),
                0,
            ];
            let data = bases
                .into_iter()
                .filter_map(|base| slice(bytes, base.checked_add(inside)?, size))
                .find(|data| crc32fast::hash(data) == data_checksum)?;
            Some(PendingChange {
                to: u64_at(raw, to)?,
                data,
            })
        })
}
