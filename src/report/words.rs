//! Words of states, for screen, text and JSON alike, so that they never drift apart.

use crate::analysis::Reverted;
use crate::image::{BlockState, Format, Kind};
use crate::store::{
    BornSource, DiskId, Forest, LinkState, Product, ResolvedBy, SnapshotKind, Taken, TakenSource,
};
use crate::text::{Clock, escape, file_name};

/// `vhd` or `vhdx`.
pub fn format(format: Format) -> &'static str {
    match format {
        Format::Vhd => "vhd",
        Format::Vhdx => "vhdx",
    }
}

/// `fixed`, `dynamic` or `differencing`.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Fixed => "fixed",
        Kind::Dynamic => "dynamic",
        Kind::Differencing => "differencing",
    }
}

/// Three letters for a column: `fix`, `dyn`, `dif`.
pub fn short_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Fixed => "fix",
        Kind::Dynamic => "dyn",
        Kind::Differencing => "dif",
    }
}

/// The word of a block state.
pub fn block_state(state: BlockState) -> &'static str {
    match state {
        BlockState::Absent => "absent",
        BlockState::Full => "full",
        BlockState::Partial => "partial",
        BlockState::Zero => "zero",
        BlockState::Unmapped => "unmapped",
        BlockState::Error => "error",
    }
}

/// The word of a parent link's state.
pub fn link_state(state: LinkState) -> &'static str {
    match state {
        LinkState::Ok => "ok",
        LinkState::Missing => "missing",
        LinkState::IdMismatch => "id-mismatch",
        LinkState::Cycle => "cycle",
        LinkState::OutsideRoots => "outside-roots",
        LinkState::Unreadable => "unreadable",
    }
}

/// The word of the rule by which a parent was found.
pub fn resolved_by(by: ResolvedBy) -> &'static str {
    match by {
        ResolvedBy::Relative => "relative",
        ResolvedBy::SameFolder => "same-folder",
        ResolvedBy::Absolute => "absolute",
        ResolvedBy::Id => "id",
    }
}

/// The word of a product, as `--as` takes it.
pub fn product(product: Product) -> &'static str {
    match product {
        Product::HyperV => "hyperv",
        Product::HyperV2008 => "hyperv-2008",
        Product::XcpNg => "xcpng",
        Product::VirtualPc => "virtualpc",
    }
}

/// The name of a product as its maker writes it.
pub fn product_name(product: Product) -> &'static str {
    match product {
        Product::HyperV => "Hyper-V",
        Product::HyperV2008 => "Hyper-V 2008",
        Product::XcpNg => "XCP-ng",
        Product::VirtualPc => "Virtual PC",
    }
}

/// What a plan did not check, by its codes, as questions for whoever is about to delete.
pub fn unchecked(codes: &[&'static str]) -> String {
    let question = |code: &&'static str| match *code {
        "vm-power-state" => "is the VM on?",
        "running-jobs" => "does a backup or a merge run?",
        "disks-elsewhere" => "do disks in other places need these?",
        "free-space" => "is there room for the merge?",
        "guest-content" => "what does the guest keep in them?",
        other => other,
    };
    codes.iter().map(question).collect::<Vec<_>>().join(" ")
}

/// The word of the source of a creation time that is no footer.
pub fn born_source(source: BornSource) -> &'static str {
    match source {
        BornSource::WindowsFileSystem | BornSource::OtherFileSystem => "filesystem",
        BornSource::Host => "host",
        BornSource::Lvm => "lvm",
    }
}

/// When a snapshot was taken: `taken 2009-05-02 14:10:00Z`, or `not taken before ...` where only that is known.
pub fn taken(taken: &Taken, clock: &Clock) -> String {
    let start = match taken.source {
        TakenSource::FrozenWrite => "not taken before",
        _ => "taken",
    };
    format!("{start} {}", clock.second(taken.at))
}

/// The word of the source of a snapshot's time.
pub fn taken_source(source: TakenSource) -> &'static str {
    match source {
        TakenSource::Config => "config",
        TakenSource::Label => "label",
        TakenSource::LabelLocal => "label-local",
        TakenSource::Name => "name",
        TakenSource::MemoryFile => "memory-file",
        TakenSource::ConfigBirth => "config-birth",
        TakenSource::ConfigWrite => "config-write",
        TakenSource::FrozenWriteRunning => "frozen-write-running",
        TakenSource::FrozenWrite => "frozen-write",
    }
}

/// The word of a kind of snapshot; `None` where nothing says.
pub fn snapshot_kind(kind: SnapshotKind) -> Option<&'static str> {
    match kind {
        SnapshotKind::Unknown => None,
        SnapshotKind::Standard => Some("standard"),
        SnapshotKind::Production => Some("production"),
        SnapshotKind::Automatic => Some("automatic"),
        SnapshotKind::Recovery => Some("recovery"),
        SnapshotKind::Replica => Some("replica"),
        SnapshotKind::Other => Some("other"),
    }
}

/// What a person reads for a step of the verdict's scale.
pub fn reverted(reverted: Reverted) -> &'static str {
    match reverted {
        Reverted::Certain => "Reverted: certain",
        Reverted::Likely => "Reverted: likely",
        Reverted::NoSign => "No sign of a revert",
        Reverted::NotReverted => "Not reverted",
        Reverted::CannotTell => "Cannot tell",
    }
}

/// What a disk's name or place can say it is: every text a node's role can have.
pub const ROLES: [&str; 4] = [
    "hidden base copy",
    "undo disk",
    "backup's recovery checkpoint",
    "data disk of a VHD set",
];

/// The name of a disk's parent: the file found, else the name stored; escaped.
pub fn parent_name(forest: &Forest, child: DiskId) -> String {
    let link = forest.node(child).and_then(|node| node.parent.as_ref());
    if let Some(parent) = link.and_then(|link| forest.disk(link.disk?)) {
        return file_name(&parent.path);
    }
    let header = forest.disk(child).and_then(|disk| disk.header.as_ref());
    let stored = header.and_then(|header| header.parent.as_ref()?.paths.first());
    let text = stored.map_or("(no name stored)", |path| path.text.as_str());
    escape(text.rsplit(['\\', '/']).next().unwrap_or(text))
}
