//! The formats, a row of answers each: what differs between them is asked here, and told by the format's own file.

use strum::VariantArray as _;
use uuid::Uuid;

use super::growth::Needed;
use super::pieces::Pieces;
use super::{BitOrder, Header, Image, Specific, raw, vhd, vhdx};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::source::Source;

/// The file format of a disk.
#[derive(strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// VHD, AVHD, VUD: the format of Virtual PC, Hyper-V to 2008 R2, XenServer.
    Vhd,
    /// VHDX, AVHDX: the format of Hyper-V since 2012.
    Vhdx,
    /// No format: the file is the disk's content. Only a child says so of its parent.
    Raw,
}

crate::worded!(Format);

/// By which of its ids a disk is known again after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastingId {
    Link,
    Family,
    None,
}

/// Who else may use the format, as far as that tells whose a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatUsers {
    Many,
    /// Only Hyper-V, and only since 2012.
    HyperV2012,
}

/// What a format answers for itself.
pub struct FormatRules {
    /// Extensions of names of its disks, in lower case.
    pub extensions: &'static [&'static str],
    /// Whether a file that begins so is of the format, whatever its end.
    pub(super) begins: fn(&[u8]) -> bool,
    /// Whether a file that begins and ends so is.
    pub(super) encloses: fn(&[u8], &[u8]) -> bool,
    /// Whether a file of which neither is known is what is left of one. It may read.
    pub(super) remains: fn(&dyn Source) -> bool,
    /// Opens a file of the format, whose ends are among the pieces.
    pub(super) open: fn(Pieces) -> Result<Image, FormatError>,
    /// Order of the bits in a sector bitmap.
    pub(super) bit_order: BitOrder,
    /// What is wrong with copies that opening does not look at.
    pub(super) copies: fn(&dyn Source) -> Option<Finding>,
    /// The number by which the headers count their own writes; it changes before the file's times tell of a write.
    pub write_counter: Option<fn(&dyn Source) -> Option<u64>>,
    /// The id by which children know the disk.
    pub(super) link_id: fn(&Header) -> Option<Uuid>,
    /// The id that all files of one virtual disk share, whatever was written since.
    pub(super) family_id: fn(&Header) -> Option<Uuid>,
    pub lasting_id: LastingId,
    pub users: FormatUsers,
    /// What a header says of its own format where nothing else is known, as of a disk in a saved scan.
    pub unknown: fn() -> Specific,
    /// Bytes by which a file that is not fixed grows at most when it receives a merge.
    pub(super) growth: fn(&Needed<'_>) -> u64,
}

impl Format {
    pub fn rules(self) -> &'static FormatRules {
        match self {
            Self::Vhd => &vhd::RULES,
            Self::Vhdx => &vhdx::RULES,
            Self::Raw => &raw::RULES,
        }
    }

    /// The format of whose files the rules say so.
    pub(super) fn find(is: impl Fn(&FormatRules) -> bool) -> Option<Self> {
        Self::VARIANTS
            .iter()
            .copied()
            .find(|format| is(format.rules()))
    }

    /// The format whose disks have names that end so, in lower case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::find(|rules| rules.extensions.contains(&extension))
    }
}

impl Header {
    /// The id by which children know the disk: of a VHD its unique id, of a VHDX its data write id. Nil ids are none.
    pub fn link_id(&self) -> Option<Uuid> {
        (self.format.rules().link_id)(self).filter(|id| !id.is_nil())
    }

    /// The id that all files of one virtual disk share, whatever was written since; a VHD has none.
    pub fn family_id(&self) -> Option<Uuid> {
        (self.format.rules().family_id)(self).filter(|id| !id.is_nil())
    }
}
