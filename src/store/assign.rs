//! Gives the disks of each tree their product, and each disk the role that its name says it has.

use std::collections::HashSet;
use std::path::Path;

use crate::image::{Header, Kind, Specific};
use crate::job::par_map;
use crate::store::names::{has_extension, is_auto_recovery};
use crate::store::product::{Sign, creator};
use crate::store::{Disk, DiskId, Forest, Node, Product};

/// Gives every node its product and role. Whoever made one disk of a tree works on all of it, so a tree has one product.
pub(super) fn assign<'a>(nodes: &mut [Node], disk: impl Fn(DiskId) -> Option<&'a Disk> + Sync) {
    let signs = par_map(nodes, |at, _| {
        let disk = u32::try_from(at).ok().and_then(|at| disk(DiskId(at)));
        disk.map_or((Sign::None, None), |disk| {
            (Sign::of(disk.header.as_ref(), &disk.path), role(disk))
        })
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
