//! LVM2: physical volumes, what their metadata say of a volume group, and logical volumes as sources.
//!
//! ```text
//!  Source ─► label ─► areas ─► text of the highest number ─► map: VolumeGroup ─► VolumeLayout (one more Source)
//! ```
//!
//! Read as `lib/format_text` of LVM2 writes it; nothing is activated, and no tool of the host is asked. The reader serves
//! guests (a volume in a partition) and stores (the volumes of an XCP-ng SR) alike.

mod label;
mod map;
#[cfg(test)]
mod oracle;
mod ring;
#[cfg(test)]
mod tests;
mod text;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::source::{Source, error_words, read_up_to};

pub use map::{LogicalVolume, Unread, VolumeGroup};
pub use ring::{VolumeChange, VolumeChangeKind};

/// The longest text that is read, in bytes: an area of the usual 10 MiB has room for two texts of 5 MiB, as LVM demands.
const TEXT_MAX: u64 = 8 << 20;

/// Why a physical volume says nothing of its group.
#[derive(Debug, Error)]
pub enum LvmError {
    #[error("cannot read {what} at byte {at_bytes}: {}", error_words(source))]
    Read {
        what: &'static str,
        at_bytes: u64,
        source: io::Error,
    },
    #[error("{what} at byte {at_bytes}: expected {expected}, found {found}")]
    Damaged {
        what: &'static str,
        at_bytes: u64,
        expected: String,
        found: String,
    },
    /// A member of a group whose metadata lie on other members only.
    #[error("the physical volume holds no metadata of its group")]
    NoMetadata,
}

impl LvmError {
    fn read(what: &'static str, at_bytes: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            what,
            at_bytes,
            source,
        }
    }

    fn damaged(
        what: &'static str,
        at_bytes: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Damaged {
            what,
            at_bytes,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// A source that is a physical volume.
#[derive(Debug, Clone)]
pub struct PhysicalVolume {
    /// Its id as metadata write it: `AAAAAA-BBBB-BBBB-BBBB-BBBB-BBBB-CCCCCC`.
    pub id: String,
    areas: Vec<label::Area>,
    source: Arc<dyn Source>,
}

/// A group's metadata as one physical volume holds them.
#[derive(Debug)]
pub struct LvmMetadata {
    pub group: VolumeGroup,
    /// Where the texts in use lay, as [`PhysicalVolume::mark`] says it.
    pub mark: u64,
    /// What was wrong with other copies on the same physical volume.
    pub faults: Vec<LvmError>,
}

impl PhysicalVolume {
    /// `None` if the source has no label, which is no fault: one read.
    ///
    /// # Errors
    /// When the label cannot be read, or is one and damaged.
    pub fn find(source: Arc<dyn Source>) -> Result<Option<Self>, LvmError> {
        let head = read_up_to(&source, 0, label::SEARCHED_BYTES)
            .map_err(LvmError::read("LVM label", 0))?;
        let Some(label) = label::find(&head)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: label.id,
            areas: label.areas,
            source,
        }))
    }

    /// The group by the metadata with the highest number in this physical volume's areas: two reads an area.
    ///
    /// # Errors
    /// When no area can be used: what was wrong with the first. [`LvmError::NoMetadata`] if there is none in use.
    pub fn metadata(&self) -> Result<LvmMetadata, LvmError> {
        let mut best: Option<VolumeGroup> = None;
        let mut mark = DefaultHasher::new();
        let mut faults = Vec::new();
        for area in &self.areas {
            match self.group_in(area, &mut mark) {
                Ok(Some(group)) if best.as_ref().is_none_or(|best| best.seqno < group.seqno) => {
                    best = Some(group);
                }
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        match best {
            Some(group) => Ok(LvmMetadata {
                group,
                mark: mark.finish(),
                faults,
            }),
            None if faults.is_empty() => Err(LvmError::NoMetadata),
            None => Err(faults.swap_remove(0)),
        }
    }

    /// Where the texts in use lie, and their checksums, as one number that is another after each change of the group: one
    /// read of a sector an area.
    ///
    /// # Errors
    /// When an area cannot be read.
    pub fn mark(&self) -> Result<u64, LvmError> {
        let mut mark = DefaultHasher::new();
        for area in &self.areas {
            let header = read_up_to(&self.source, area.offset, label::AREA_HEADER_BYTES)
                .map_err(LvmError::read("LVM metadata area", area.offset))?;
            header.hash(&mut mark);
        }
        Ok(mark.finish())
    }

    /// `None` if the area is not in use.
    fn group_in(
        &self,
        area: &label::Area,
        mark: &mut DefaultHasher,
    ) -> Result<Option<VolumeGroup>, LvmError> {
        let what = "LVM metadata area";
        let at = area.offset;
        let header = read_up_to(&self.source, at, label::AREA_HEADER_BYTES)
            .map_err(LvmError::read(what, at))?;
        header.hash(mark);
        let Some(place) = label::text_place(&header, area, self.source.len())? else {
            return Ok(None);
        };
        if place.len > TEXT_MAX {
            let most = format!("at most {TEXT_MAX} bytes of text");
            return Err(LvmError::damaged(what, at, most, place.len.to_string()));
        }
        let mut bytes = Vec::new();
        for (from, len) in place.pieces(area) {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let piece = read_up_to(&self.source, from, len)
                .map_err(LvmError::read("LVM metadata", from))?;
            bytes.extend(piece);
        }
        let text_at = area.offset.saturating_add(place.offset);
        let found = label::checksum(&bytes);
        if found != place.checksum {
            return Err(LvmError::damaged(
                "the checksum of LVM metadata",
                text_at,
                format!("{:#010x}", place.checksum),
                format!("{found:#010x}"),
            ));
        }
        map::parse(&bytes, text_at).map(Some)
    }
}
