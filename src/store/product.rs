//! The products: whose naming and rules a disk follows, one row each; and by which signs it is told.

use std::path::Path;

use crate::format::guid;
use crate::image::{FormatUsers, Header};
use crate::store::containers::{VolumeName, lvm_name, xo};
use crate::store::names::has_extension;
use crate::store::pvs;

/// Whose naming and rules a disk follows.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Product {
    /// Hyper-V 2012 and later.
    #[default]
    #[strum(to_string = "hyperv")]
    HyperV,
    /// Hyper-V 2008 and 2008 R2: merges when the VM is off.
    #[strum(to_string = "hyperv-2008")]
    HyperV2008,
    /// XCP-ng, XenServer.
    #[strum(to_string = "xcpng")]
    XcpNg,
    /// Virtual PC, Virtual Server.
    #[strum(to_string = "virtualpc")]
    VirtualPc,
    /// A backup repository of Xen Orchestra: its chains are restore points, and no machine runs on them.
    #[strum(to_string = "xo")]
    XenOrchestra,
    /// Citrix Provisioning: versions of a disk that target devices stream.
    #[strum(to_string = "pvs")]
    CitrixPvs,
}

crate::worded!(Product);

/// What becomes of a chain when a point in time is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeModel {
    /// The disk above is merged into the snapshot's.
    Chain,
    /// The snapshot's own leaf goes; a base left with one child takes that child in.
    Coalesced,
    /// A chain of restore points; no machine runs on it and nothing is applied.
    RestorePoints,
    /// A chain of versions: a delete takes the file away, whatever stands on it.
    Versions,
}

/// What is a product's own.
#[derive(Debug, Clone, Copy)]
pub struct ProductRules {
    /// As its maker writes it.
    pub name: &'static str,
    /// With what its administrator deletes snapshots.
    pub manager: &'static str,
    /// The host whose script `collect` prints.
    pub collect: &'static str,
    pub merge: MergeModel,
    /// A point in time without a name, before the name of its disk.
    pub unnamed: &'static str,
    /// What is done to it: an order, and a noun.
    pub verb: (&'static str, &'static str),
    /// Where to get dates of snapshots.
    pub dates: &'static str,
    /// How it goes about a merge.
    pub notes: &'static [&'static str],
}

const HYPERV_DATES: &str = "Bring the host's list of snapshots: `vhdtree collect hyperv` prints a script that makes it, or Get-VMSnapshot -VMName ... | Select VMName,Name,Id,ParentSnapshotName,CreationTime,SnapshotType,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json, given with --facts.";
/// Where to get dates of an XCP-ng pool.
pub const POOL_DATES: &str = "Bring the snapshot's time from the pool with --facts: `vhdtree collect xcpng` prints what asks for it.";

const HYPERV: ProductRules = ProductRules {
    name: "Hyper-V",
    manager: "Hyper-V Manager",
    collect: "hyperv",
    merge: MergeModel::Chain,
    unnamed: "the unnamed snapshot on",
    verb: ("Delete", "deleting"),
    dates: HYPERV_DATES,
    notes: &["Hyper-V 2012 and later merges while the VM runs; the VM keeps writing meanwhile."],
};

const HYPERV_2008: ProductRules = ProductRules {
    name: "Hyper-V 2008",
    collect: "hyperv-2008",
    dates: "Bring the host's list of snapshots with --facts: `vhdtree collect hyperv-2008` prints a script that makes it (Get-VMSnapshot came with 2012).",
    notes: &[
        "Hyper-V 2008 and 2008 R2 merge only when the VM is switched off: not restarted, not saved.",
        "Starting the VM meanwhile cancels the merge; all its progress is lost and it begins again.",
    ],
    ..HYPERV
};

const XCP_NG: ProductRules = ProductRules {
    name: "XCP-ng",
    manager: "your XCP-ng tools",
    collect: "xcpng",
    merge: MergeModel::Coalesced,
    dates: POOL_DATES,
    notes: &[
        "XCP-ng coalesces later, in the background; the file is merged when the garbage collector comes to it.",
    ],
    ..HYPERV
};

const VIRTUAL_PC: ProductRules = ProductRules {
    name: "Virtual PC",
    manager: "Virtual PC",
    unnamed: "the undo disk of",
    verb: ("Commit", "committing"),
    dates: "Find out whether the undo disk was renamed, and the zone of the host.",
    notes: &[
        "Virtual PC commits the undo disk when the VM is shut down with that choice; choosing to discard throws the changes away instead.",
    ],
    ..HYPERV
};

const XEN_ORCHESTRA: ProductRules = ProductRules {
    name: "Xen Orchestra",
    manager: "Xen Orchestra",
    merge: MergeModel::RestorePoints,
    unnamed: "the backup",
    notes: &[
        "Xen Orchestra merges when the backup job runs again, or by its health page; nothing may be restored from the chain meanwhile.",
    ],
    ..HYPERV
};

const CITRIX_PVS: ProductRules = ProductRules {
    name: "Citrix Provisioning",
    manager: "the Provisioning console",
    merge: MergeModel::Versions,
    unnamed: "the version",
    // It merges by a command of its own.
    notes: &[],
    ..HYPERV
};

impl Product {
    pub fn rules(self) -> &'static ProductRules {
        match self {
            Self::HyperV => &HYPERV,
            Self::HyperV2008 => &HYPERV_2008,
            Self::XcpNg => &XCP_NG,
            Self::VirtualPc => &VIRTUAL_PC,
            Self::XenOrchestra => &XEN_ORCHESTRA,
            Self::CitrixPvs => &CITRIX_PVS,
        }
    }

    /// Whether its disks are machines' own, which can be set back to a snapshot. Backups and provisioned versions are not.
    pub fn has_snapshots(self) -> bool {
        matches!(
            self.rules().merge,
            MergeModel::Chain | MergeModel::Coalesced
        )
    }
}

/// Signs of a product, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    None,
    Avhd,
    VirtualPc,
    XcpNg,
    Vhdx,
    XenOrchestra,
    CitrixPvs,
}

impl Sign {
    /// What the header, the name and the place of a disk show.
    pub fn of(header: Option<&Header>, path: &Path) -> Self {
        let Some(header) = header else {
            return Self::None;
        };
        if pvs::is_version(path) {
            return Self::CitrixPvs;
        }
        if header.format.rules().users == FormatUsers::HyperV2012 {
            return Self::Vhdx;
        }
        let creator = creator(header);
        if creator == "xo" || xo::is_in_repository(path) {
            Self::XenOrchestra
        } else if matches!(creator, "tap" | "CTXS" | "CXS") || is_vdi_name(path) {
            Self::XcpNg
        } else if has_extension(path, "vud") || creator == "vs" {
            Self::VirtualPc
        } else if has_extension(path, "avhd") {
            Self::Avhd
        } else {
            Self::None
        }
    }

    pub fn product(self) -> Product {
        match self {
            Self::None | Self::Vhdx => Product::HyperV,
            Self::Avhd => Product::HyperV2008,
            Self::VirtualPc => Product::VirtualPc,
            Self::XcpNg => Product::XcpNg,
            Self::XenOrchestra => Product::XenOrchestra,
            Self::CitrixPvs => Product::CitrixPvs,
        }
    }
}

pub(super) fn creator(header: &Header) -> &str {
    header.creator.trim_end_matches(['\0', ' '])
}

/// XCP-ng names a disk by its VDI: `<uuid>.vhd`, or `VHD-<uuid>` as a volume.
fn is_vdi_name(path: &Path) -> bool {
    let is_volume = |name: &str| VolumeName::of(name).is_disk() || lvm_name(name).is_some();
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(is_volume)
        || has_extension(path, "vhd")
            && path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .map(|stem| stem.strip_prefix("OLD_").unwrap_or(stem))
                .is_some_and(|stem| stem.len() == 36 && guid::from_text(stem).is_some())
}
