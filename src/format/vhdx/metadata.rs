//! Metadata table and items: sizes, ids, flags ([MS-VHDX] 2.6).

use uuid::{Uuid, uuid};

use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::parent::ParentRef;
use crate::format::vhdx::region::Region;
use crate::format::vhdx::{MAX_VIRTUAL_SIZE, MIB, codes, guid_at, locator, u16_at, u32_at, u64_at};
use crate::source::{Source, read_up_to};

/// Length of the table, in bytes; items lie behind it.
pub const TABLE_BYTES: u32 = 64 << 10;

/// Id of the item with block size and flags.
pub const FILE_PARAMETERS: Uuid = uuid!("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
/// Id of the item with the virtual size.
pub const VIRTUAL_SIZE: Uuid = uuid!("2fa54224-cd1b-4876-b211-5dbed83bf4b8");
/// Id of the item with the virtual disk id.
pub const DISK_ID: Uuid = uuid!("beca12ab-b2e6-4523-93ef-c309e000c746");
/// Id of the item with the logical sector size.
pub const LOGICAL_SECTOR: Uuid = uuid!("8141bf1d-a96f-4709-ba47-f233a8faab5f");
/// Id of the item with the physical sector size.
pub const PHYSICAL_SECTOR: Uuid = uuid!("cda348c7-445d-4471-9cc9-e9885251c556");
/// Id of the parent locator.
pub const PARENT_LOCATOR: Uuid = uuid!("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");

const MAX_ENTRIES: u16 = 2047;
const ENTRY_BYTES: usize = 32;

/// The table of every file seen, in bytes; one with more entries costs a further read.
const TABLE_READ_BYTES: usize = 4 << 10;
/// Items that lie within so many bytes are read at once.
const ITEMS_READ_BYTES: u32 = 16 << 10;

/// What the metadata says of a disk; sizes are within the format's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdxMetadata {
    /// Payload block size in bytes: a power of two, 1 to 256 MiB.
    pub block_size: u32,
    /// File parameters bit 0: blocks stay allocated.
    pub leave_blocks_allocated: bool,
    /// File parameters bit 1: the disk has a parent.
    pub has_parent: bool,
    /// Virtual size in bytes, at most 64 TiB.
    pub virtual_size: u64,
    /// Virtual disk id, the same in a whole chain; nil if missing.
    pub disk_id: Uuid,
    /// Logical sector size in bytes: 512 or 4096.
    pub logical_sector: u32,
    /// Physical sector size in bytes; 0 if missing.
    pub physical_sector: u32,
    /// The parent, of a disk that has one.
    pub parent: Option<ParentRef>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    id: Uuid,
    offset: u32,
    length: u32,
    user: bool,
    required: bool,
    entry_at: u64,
}

/// One known item and what it is called.
struct KnownItem(Uuid, &'static str);

const KNOWN: [KnownItem; 6] = [
    KnownItem(FILE_PARAMETERS, "the file parameters"),
    KnownItem(VIRTUAL_SIZE, "the virtual size"),
    KnownItem(DISK_ID, "the virtual disk id"),
    KnownItem(LOGICAL_SECTOR, "the logical sector size"),
    KnownItem(PHYSICAL_SECTOR, "the physical sector size"),
    KnownItem(PARENT_LOCATOR, "the parent locator"),
];

struct Items<'a> {
    source: &'a dyn Source,
    region: Region,
    /// Bytes of the items that lie together, from this place in the region on.
    window: (u32, Vec<u8>),
    listed: Vec<Item>,
    /// Known items that were not admitted because of their place, with what is wrong; that is why they are missing.
    misplaced: Vec<(Uuid, Finding)>,
}

/// Reads table and items from the metadata region; two reads for files as they are written in practice.
///
/// # Errors
/// When the region cannot be read, the table is damaged, an unknown item is required, or a size that everything else
/// hangs on (block, logical sector, disk) is missing or not allowed.
pub fn read(
    source: &dyn Source,
    region: Region,
    findings: &mut Vec<Finding>,
) -> Result<VhdxMetadata, FormatError> {
    let at = region.offset_bytes;
    let length = usize::try_from(region.length_bytes).unwrap_or(usize::MAX);
    let take = |bytes: usize| {
        read_up_to(source, at, length.min(bytes)).map_err(FormatError::read("metadata", at))
    };
    let mut table = take(TABLE_READ_BYTES)?;
    let entries = usize::from(u16_at(&table, 10).unwrap_or(0).min(MAX_ENTRIES));
    let whole = entries.saturating_add(1).saturating_mul(ENTRY_BYTES);
    if whole > TABLE_READ_BYTES {
        table = take(whole)?;
    }
    let mut misplaced = Vec::new();
    let listed = parse_table(&table, region, &mut misplaced, findings)?;
    let items = Items {
        source,
        region,
        window: items_together(source, region, &listed)?,
        listed,
        misplaced,
    };
    items.decode(findings)
}

/// Reads the known items at once if they lie near each other, as in every file seen.
fn items_together(
    source: &dyn Source,
    region: Region,
    listed: &[Item],
) -> Result<(u32, Vec<u8>), FormatError> {
    let known = || {
        listed
            .iter()
            .filter(|item| !item.user && item.length > 0 && name(item.id).is_some())
    };
    let start = known().map(|item| item.offset).min().unwrap_or(0);
    let end = known()
        .map(|item| item.offset.saturating_add(item.length))
        .max();
    let length = end.unwrap_or(0).saturating_sub(start);
    if length == 0 || length > ITEMS_READ_BYTES {
        return Ok((0, Vec::new()));
    }
    let at = region.offset_bytes.saturating_add(u64::from(start));
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = read_up_to(source, at, length).map_err(FormatError::read("metadata items", at))?;
    Ok((start, bytes))
}

fn parse_table(
    window: &[u8],
    region: Region,
    misplaced: &mut Vec<(Uuid, Finding)>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Item>, FormatError> {
    let at = region.offset_bytes;
    let damaged = |text: String| FormatError::from(Finding::new(&codes::METADATA, text).at(at));
    if !window.starts_with(b"metadata") {
        return Err(damaged(
            "the metadata table does not start with `metadata`".to_owned(),
        ));
    }
    let count = u16_at(window, 10).unwrap_or(0);
    if count > MAX_ENTRIES {
        return Err(damaged(format!(
            "the metadata table claims {count} entries, of at most {MAX_ENTRIES}"
        )));
    }
    let entries = window
        .get(32..)
        .unwrap_or_default()
        .chunks_exact(ENTRY_BYTES);
    if entries.len() < usize::from(count) {
        return Err(damaged(
            "the file ends inside the metadata table".to_owned(),
        ));
    }
    let mut items: Vec<Item> = Vec::new();
    let mut into = 32u64;
    for entry in entries.take(usize::from(count)) {
        let item = || {
            let flags = u32_at(entry, 24)?;
            Some(Item {
                id: guid_at(entry, 0)?,
                offset: u32_at(entry, 16)?,
                length: u32_at(entry, 20)?,
                user: flags & 1 != 0,
                required: flags & 4 != 0,
                entry_at: at.saturating_add(into),
            })
        };
        if let Some(item) = item() {
            admit(item, region, &mut items, misplaced, findings)?;
        }
        into = into.saturating_add(32);
    }
    overlaps(&items, region, findings);
    Ok(items)
}

fn admit(
    item: Item,
    region: Region,
    items: &mut Vec<Item>,
    misplaced: &mut Vec<(Uuid, Finding)>,
    findings: &mut Vec<Finding>,
) -> Result<(), FormatError> {
    let name = name(item.id);
    let is_known = name.is_some() && !item.user;
    if item.required && (item.user || name.is_none()) {
        return Err(Finding::new(
            &codes::METADATA_UNKNOWN,
            format!(
                "metadata item {} is required and of an unknown kind",
                item.id
            ),
        )
        .at(item.entry_at)
        .into());
    }
    let name = name.map_or_else(|| format!("metadata item {}", item.id), str::to_owned);
    if items
        .iter()
        .any(|known| known.id == item.id && known.user == item.user)
    {
        findings.push(
            Finding::new(
                &codes::METADATA_TWICE,
                format!("{name} is listed twice; the first was used"),
            )
            .at(item.entry_at),
        );
        return Ok(());
    }
    let end = u64::from(item.offset).saturating_add(u64::from(item.length));
    let empty = item.length == 0 && item.offset == 0;
    if !empty
        && (item.offset < TABLE_BYTES
            || u64::from(item.length) > MIB
            || end > u64::from(region.length_bytes))
    {
        let fault = Finding::new(
            &codes::METADATA_PLACE,
            format!("{name} lies outside the metadata region or is too long"),
        )
        .at(item.entry_at)
        .values(
            format!("{TABLE_BYTES} to {} in the region", region.length_bytes),
            format!("{} to {end}", item.offset),
        );
        if is_known {
            misplaced.push((item.id, fault));
        } else {
            findings.push(fault);
        }
        return Ok(());
    }
    items.push(item);
    Ok(())
}

fn overlaps(items: &[Item], region: Region, findings: &mut Vec<Finding>) {
    let mut placed: Vec<&Item> = items.iter().filter(|item| item.length > 0).collect();
    placed.sort_by_key(|item| item.offset);
    for pair in placed.windows(2) {
        let [one, two] = pair else { continue };
        if one.offset.saturating_add(one.length) > two.offset {
            let name = |id| name(id).map_or_else(|| format!("metadata item {id}"), str::to_owned);
            findings.push(
                Finding::new(
                    &codes::METADATA_OVERLAP,
                    format!("{} and {} overlap", name(one.id), name(two.id)),
                )
                .at(region.offset_bytes.saturating_add(u64::from(two.offset))),
            );
        }
    }
}

fn name(id: Uuid) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|known| known.0 == id)
        .map(|known| known.1)
}

impl Items<'_> {
    fn decode(&self, findings: &mut Vec<Finding>) -> Result<VhdxMetadata, FormatError> {
        let parameters = self.need(FILE_PARAMETERS, 8)?;
        let block_size = u32_at(&parameters, 0).unwrap_or(0);
        let flags = u32_at(&parameters, 4).unwrap_or(0);
        if !block_size.is_power_of_two() || !(1 << 20..=256 << 20).contains(&block_size) {
            return Err(self
                .value(
                    FILE_PARAMETERS,
                    "a power of two, 1 to 256 MiB",
                    u64::from(block_size),
                )
                .into());
        }
        let logical_sector = u32_at(&self.need(LOGICAL_SECTOR, 4)?, 0).unwrap_or(0);
        if !matches!(logical_sector, 512 | 4096) {
            return Err(self
                .value(LOGICAL_SECTOR, "512 or 4096", u64::from(logical_sector))
                .into());
        }
        let virtual_size = u64_at(&self.need(VIRTUAL_SIZE, 8)?, 0).unwrap_or(0);
        if virtual_size > MAX_VIRTUAL_SIZE {
            return Err(self
                .value(VIRTUAL_SIZE, "at most 64 TiB", virtual_size)
                .into());
        }
        if virtual_size == 0 || !virtual_size.is_multiple_of(u64::from(logical_sector)) {
            findings.push(self.value(VIRTUAL_SIZE, "whole sectors, at least one", virtual_size));
        }
        let physical_sector = self
            .want(PHYSICAL_SECTOR, 4, findings)?
            .and_then(|bytes| u32_at(&bytes, 0));
        if let Some(size) = physical_sector.filter(|size| !matches!(size, 512 | 4096)) {
            findings.push(self.value(PHYSICAL_SECTOR, "512 or 4096", u64::from(size)));
        }
        let disk_id = self
            .want(DISK_ID, 16, findings)?
            .and_then(|bytes| guid_at(&bytes, 0));
        let has_parent = flags & 2 != 0;
        Ok(VhdxMetadata {
            block_size,
            leave_blocks_allocated: flags & 1 != 0,
            has_parent,
            virtual_size,
            disk_id: disk_id.unwrap_or_default(),
            logical_sector,
            physical_sector: physical_sector.unwrap_or(0),
            parent: self.parent(has_parent, findings)?,
        })
    }

    fn parent(
        &self,
        has_parent: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<ParentRef>, FormatError> {
        match (has_parent, self.find(PARENT_LOCATOR)) {
            (false, None) => {
                findings.extend(self.misplaced(PARENT_LOCATOR).cloned());
                Ok(None)
            }
            (false, Some(item)) => {
                findings.push(
                    Finding::new(
                        &codes::LOCATOR_UNUSED,
                        "the disk is said to have no parent and names one",
                    )
                    .at(self.position(item)),
                );
                Ok(None)
            }
            (true, None) => {
                findings.push(self.missing(PARENT_LOCATOR));
                Ok(Some(ParentRef::default()))
            }
            (true, Some(item)) => {
                let bytes = self.bytes(item)?;
                Ok(Some(locator::parse(&bytes, self.position(item), findings)))
            }
        }
    }

    fn find(&self, id: Uuid) -> Option<&Item> {
        self.listed.iter().find(|item| item.id == id && !item.user)
    }

    fn position(&self, item: &Item) -> u64 {
        self.region
            .offset_bytes
            .saturating_add(u64::from(item.offset))
    }

    fn bytes(&self, item: &Item) -> Result<Vec<u8>, FormatError> {
        let length = usize::try_from(item.length).unwrap_or(usize::MAX);
        let (window_at, window) = &self.window;
        let start = item.offset.checked_sub(*window_at);
        let start = start.and_then(|start| usize::try_from(start).ok());
        if let Some(bytes) = start.and_then(|start| window.get(start..start.saturating_add(length)))
        {
            return Ok(bytes.to_vec());
        }
        let at = self.position(item);
        read_up_to(self.source, at, length).map_err(FormatError::read("metadata item", at))
    }

    /// An item's bytes; a finding if it is missing or shorter than `length`.
    fn want(
        &self,
        id: Uuid,
        length: usize,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Vec<u8>>, FormatError> {
        match self.need(id, length) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(FormatError::Invalid(refusal)) => {
                findings.push(refusal.finding);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn need(&self, id: Uuid, length: usize) -> Result<Vec<u8>, FormatError> {
        let item = self.find(id).ok_or_else(|| self.missing(id))?;
        let bytes = self.bytes(item)?;
        if bytes.len() < length || usize::try_from(item.length) != Ok(length) {
            return Err(Finding::new(
                &codes::METADATA_PLACE,
                format!("{} has the wrong length", name(id).unwrap_or("an item")),
            )
            .at(self.position(item))
            .values(
                length.to_string(),
                bytes
                    .len()
                    .min(usize::try_from(item.length).unwrap_or(usize::MAX))
                    .to_string(),
            )
            .into());
        }
        Ok(bytes)
    }

    fn misplaced(&self, id: Uuid) -> Option<&Finding> {
        let mut found = self.misplaced.iter().filter(|(item, _)| *item == id);
        found.next().map(|(_, fault)| fault)
    }

    /// Why there is no such item: it is listed at an impossible place, or not listed.
    fn missing(&self, id: Uuid) -> Finding {
        self.misplaced(id).cloned().unwrap_or_else(|| {
            Finding::new(
                &codes::METADATA_MISSING,
                format!("the metadata lacks {}", name(id).unwrap_or("an item")),
            )
            .at(self.region.offset_bytes)
        })
    }

    fn value(&self, id: Uuid, expected: &str, actual: u64) -> Finding {
        let at = self
            .find(id)
            .map_or(self.region.offset_bytes, |item| self.position(item));
        let name = name(id).unwrap_or("an item");
        Finding::new(
            &codes::METADATA_VALUE,
            format!("{name}: the format does not allow {actual}"),
        )
        .at(at)
        .values(expected, actual.to_string())
    }
}

#[cfg(test)]
mod tests;
