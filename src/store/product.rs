//! Whose naming and rules a disk follows, guessed from creator, name and place; and what its name says it is.

use std::collections::HashSet;
use std::path::Path;

use crate::format::guid;
use crate::image::{Header, Kind, Specific};
use crate::job::par_map;
use crate::store::containers::{VolumeName, lvm_name, xo};
use crate::store::names::{has_extension, is_auto_recovery};
use crate::store::{Disk, DiskId, Forest, Node, Product, pvs};

/// Gives every node its product and role. Whoever made one disk of a tree works on all of it, so a tree has one product.
pub(super) fn assign<'a>(nodes: &mut [Node], disk: impl Fn(DiskId) -> Option<&'a Disk> + Sync) {
    let signs = par_map(nodes, |at, _| {
        let disk = u32::try_from(at).ok().and_then(|at| disk(DiskId(at)));
        disk.map_or((Sign::None, None), |disk| (sign(disk), role(disk)))
    });
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| nodes.get(*at).map_or(0, |node| node.depth));
    // The top of each disk's tree: a parent comes before its children in the order of depth.
    let mut top: Vec<usize> = (0..nodes.len()).collect();
    for at in &order {
        let own = top.get(*at).copied().unwrap_or(*at);
        for child in nodes.get(*at).map_or(&[][..], |node| &node.children) {
            if let Some(of_child) = top.get_mut(child.0 as usize) {
                *of_child = own;
            }
        }
    }
    let mut of_top = vec![Sign::None; nodes.len()];
    for (top, (sign, _)) in top.iter().zip(&signs) {
        if let Some(best) = of_top.get_mut(*top) {
            *best = (*best).max(*sign);
        }
    }
    for ((node, top), (_, role)) in nodes.iter_mut().zip(&top).zip(signs) {
        let sign = of_top.get(*top).copied();
        node.product = sign.unwrap_or(Sign::None).product();
        node.role = role;
    }
}

/// Virtual PC's disks are told from others of their creator by the machine's configuration (`.vmc`) beside them: takes
/// trees that nothing else is known of.
pub(super) fn assign_by_companions(forest: &mut Forest) {
    let folders: HashSet<&Path> = forest
        .companions
        .iter()
        .filter(|(path, _)| has_extension(path, "vmc"))
        .filter_map(|(path, _)| path.parent())
        .collect();
    if folders.is_empty() {
        return;
    }
    let is_sign = |disk: &Disk| {
        let header = disk.header.as_ref();
        header.is_some_and(|header| creator(header) == "vpc")
            && disk.path.parent().is_some_and(|it| folders.contains(it))
    };
    let mut stack: Vec<DiskId> = forest
        .ids()
        .filter(|id| forest.disk(*id).is_some_and(is_sign))
        .filter(|id| forest.node(*id).map(|node| node.product) == Some(Product::HyperV))
        .filter_map(|id| forest.line(id).last())
        .collect();
    while let Some(id) = stack.pop() {
        if let Some(node) = forest.nodes.get_mut(id.0 as usize)
            && node.product == Product::HyperV
        {
            node.product = Product::VirtualPc;
            stack.extend(&node.children);
        }
    }
}

/// Signs of a product, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    None,
    Avhd,
    VirtualPc,
    XcpNg,
    Vhdx,
    XenOrchestra,
    CitrixPvs,
}

impl Sign {
    fn product(self) -> Product {
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

fn sign(disk: &Disk) -> Sign {
    let Some(header) = &disk.header else {
        return Sign::None;
    };
    if pvs::is_version(&disk.path) {
        return Sign::CitrixPvs;
    }
    if header.format.is_hyperv_2012() {
        return Sign::Vhdx;
    }
    let creator = creator(header);
    if creator == "xo" || xo::is_in_repository(&disk.path) {
        Sign::XenOrchestra
    } else if matches!(creator, "tap" | "CTXS" | "CXS") || is_vdi_name(&disk.path) {
        Sign::XcpNg
    } else if has_extension(&disk.path, "vud") || creator == "vs" {
        Sign::VirtualPc
    } else if has_extension(&disk.path, "avhd") {
        Sign::Avhd
    } else {
        Sign::None
    }
}

fn creator(header: &Header) -> &str {
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

/// XCP-ng: what holds the content of snapshots; no tool of it shows such a disk.
pub const HIDDEN_BASE: &str = "hidden base copy";

/// What name and flags say the disk is.
fn role(disk: &Disk) -> Option<&'static str> {
    let header = disk.header.as_ref();
    let is_own = header.is_some_and(|header| header.kind != Kind::Differencing);
    if header.is_some_and(is_hidden) {
        Some(HIDDEN_BASE)
    } else if has_extension(&disk.path, "vud") {
        Some("undo disk")
    } else if is_auto_recovery(&disk.path) {
        Some("backup's recovery checkpoint")
    } else if is_own && has_extension(&disk.path, "avhdx") {
        // Hyper-V gives an `.avhdx` without a parent to VHD sets only.
        Some("data disk of a VHD set")
    } else {
        None
    }
}

fn is_hidden(header: &Header) -> bool {
    matches!(&header.specific, Specific::Vhd(vhd) if vhd.hidden)
}
