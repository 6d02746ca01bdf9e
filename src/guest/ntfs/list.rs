//! Attribute lists: which records hold the attributes of a file that has more than fit into one.

use super::boot::Boot;
use super::record::{Attribute, AttributeForm, reference, utf16};
use super::runs;
use crate::format::bytes::{u16_at, u32_at, u64_at};
use crate::guest::filesystem::{FileId, GuestError};
use crate::source::Source;

/// Longest list, in bytes. Windows stops at 256 KiB.
const LIST_BYTES_MAX: u64 = 1 << 20;

/// An attribute, or a part of one, and the record it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListEntry {
    pub(super) kind: u32,
    pub(super) name: String,
    pub(super) first_vcn: u64,
    pub(super) id: FileId,
}

/// The bytes of a list, wherever it is.
pub(super) fn read(
    source: &dyn Source,
    attribute: &Attribute<'_>,
    boot: &Boot,
) -> Result<Vec<u8>, GuestError> {
    let AttributeForm::Extern { bytes, pairs, .. } = attribute.form else {
        return Ok(attribute.resident().unwrap_or_default().to_vec());
    };
    if bytes > LIST_BYTES_MAX {
        return Err(GuestError::TooLarge {
            what: "an attribute list",
            limit: LIST_BYTES_MAX,
        });
    }
    let mut list = Vec::new();
    for run in runs::parse(pairs, 0, boot.clusters).unwrap_or_default() {
        let left = bytes.saturating_sub(list.len() as u64);
        let len = run.clusters.saturating_mul(boot.cluster_bytes).min(left);
        let at = run.lcn.unwrap_or(0).saturating_mul(boot.cluster_bytes);
        let from = list.len();
        list.resize(from.saturating_add(usize::try_from(len).unwrap_or(0)), 0);
        source
            .read_exact_at(list.get_mut(from..).unwrap_or_default(), at)
            .map_err(GuestError::read("an attribute list", at))?;
    }
    Ok(list)
}

/// The entries, up to the first that makes no sense.
pub(super) fn parse(list: &[u8]) -> impl Iterator<Item = ListEntry> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(rest, 4)?);
        let entry = rest.get(..len).filter(|_| len >= 26)?;
        rest = rest.get(len..)?;
        let name_at = usize::from(*entry.get(7)?);
        let name_bytes = usize::from(*entry.get(6)?).checked_mul(2)?;
        let name = entry.get(name_at..name_at.checked_add(name_bytes)?)?;
        Some(ListEntry {
            kind: u32_at(entry, 0)?,
            name: utf16(name),
            first_vcn: u64_at(entry, 8)?,
            id: reference(entry, 16)?,
        })
    })
}
