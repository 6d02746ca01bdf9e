//! What is wrong or notable about the links themselves.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::Stage;
use super::index::Index;
use super::shape::around;
use crate::finding::Finding;
use crate::image::Header;
use crate::job::par_map;
use crate::store::{BornSource, Disk, DiskId, LinkState, Node, Product, assign, codes, virtualpc};

/// Disks below one before a chain counts as deep.
const DEEP: u32 = 10;
/// The longest chain XCP-ng supports, in disks.
const XCP_LONGEST: u32 = 30;
/// A parent may be written this long after a snapshot was asked for, while the machine still runs on it.
const FREEZE_TIME: SignedDuration = SignedDuration::from_hours(1);
/// A file written this long after it was born here was written here, not just copied here.
const COPY_TIME: SignedDuration = SignedDuration::from_hours(24);

/// Adds product, role and findings to every node.
pub(super) fn check(index: &Index<'_>, nodes: &mut [Node], stage: Stage) {
    assign::assign(nodes, |id| index.entry(id).map(|entry| &*entry.disk));
    let found = par_map(nodes, |at, node| {
        let id = DiskId(u32::try_from(at).unwrap_or(u32::MAX));
        index.entry(id).map_or_else(Vec::new, |entry| {
            of_disk(index, nodes, id, node, &entry.disk, stage)
        })
    });
    for (node, findings) in nodes.iter_mut().zip(found) {
        node.findings.extend(findings);
    }
    duplicates(index, nodes);
}

fn of_disk(
    index: &Index<'_>,
    nodes: &[Node],
    id: DiskId,
    node: &Node,
    disk: &Disk,
    stage: Stage,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(cycle(index, nodes, id, node));
    findings.extend(pair(index, node, disk));
    findings.extend(depth(node));
    findings.extend(virtualpc::undo_time(disk));
    if stage == Stage::Whole {
        findings.extend(touched(index, node, disk));
        findings.extend(family(index, node, id, disk));
    }
    findings
}

fn name(index: &Index<'_>, id: DiskId) -> String {
    index
        .entry(id)
        .map(|entry| entry.disk.path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn cycle(index: &Index<'_>, nodes: &[Node], id: DiskId, node: &Node) -> Option<Finding> {
    node.parent
        .as_ref()
        .filter(|link| link.state == LinkState::Cycle)?;
    let ring = around(nodes, id);
    let text = match ring.as_slice() {
        [_] => "It names itself as its parent.".to_owned(),
        [_, others @ ..] => {
            let shown: Vec<String> = others.iter().take(3).map(|id| name(index, *id)).collect();
            let more = if others.len() > shown.len() {
                ", …"
            } else {
                ""
            };
            format!(
                "Its parents come back to it through {}{more}.",
                shown.join(", ")
            )
        }
        [] => return None,
    };
    Some(Finding::new(&codes::PARENT_CYCLE, text).values("", format!("{} disks", ring.len())))
}

/// What must agree between child and parent.
fn pair(index: &Index<'_>, node: &Node, disk: &Disk) -> Vec<Finding> {
    let mut findings = Vec::new();
    let linked = node
        .parent
        .as_ref()
        .filter(|link| matches!(link.state, LinkState::Ok | LinkState::IdMismatch));
    let parent = linked
        .and_then(|link| link.disk)
        .and_then(|id| index.header(id).map(|header| (id, header)));
    let (Some((id, parent)), Some(child)) = (parent, disk.header.as_ref()) else {
        return findings;
    };
    findings.extend(sizes(node.product, child, parent, &name(index, id)));
    if parent.sector_size != child.sector_size {
        let text = format!(
            "Its sectors have {} bytes, those of its parent {} have {}.",
            child.sector_size,
            name(index, id),
            parent.sector_size
        );
        findings.push(Finding::new(&codes::SECTOR_SIZE_DIFFERS, text).values(
            parent.sector_size.to_string(),
            child.sector_size.to_string(),
        ));
    }
    findings
}

/// XCP-ng enlarges a disk above its snapshots, and its merges enlarge the parent; Hyper-V opens no chain of unequal sizes.
fn sizes(product: Product, child: &Header, parent: &Header, name: &str) -> Option<Finding> {
    let (of_child, of_parent) = (child.stored_size, parent.stored_size);
    let code = match (product, of_child.cmp(&of_parent)) {
        (_, Ordering::Equal) | (Product::XcpNg, Ordering::Greater) => return None,
        (Product::XcpNg, Ordering::Less) => &codes::SIZE_DIFFERS,
        (_, Ordering::Less) => &codes::PARENT_ENLARGED,
        (_, Ordering::Greater) => &codes::CHILD_ENLARGED,
    };
    let text = format!("It is {of_child} bytes large, its parent {name} is {of_parent}.");
    Some(Finding::new(code, text).values(of_parent.to_string(), of_child.to_string()))
}

/// Told once a chain, at its end.
fn depth(node: &Node) -> Option<Finding> {
    // A backup repository keeps as many as its job says, and no machine reads through them.
    let is_kept = node.product == Product::XenOrchestra;
    if !node.children.is_empty() || node.depth <= DEEP || is_kept {
        return None;
    }
    let disks = node.depth.saturating_add(1);
    let text = format!("Its chain has {disks} disks.");
    let finding = if node.product == Product::XcpNg && disks > XCP_LONGEST {
        Finding::new(&codes::CHAIN_TOO_DEEP, text)
            .values(format!("at most {XCP_LONGEST}"), disks.to_string())
    } else {
        Finding::new(&codes::CHAIN_DEEP, text).values(
            format!("at most {}", DEEP.saturating_add(1)),
            disks.to_string(),
        )
    };
    Some(finding)
}

/// A parent whose last write is later than the making of every child. The parent time stamp inside a VHD is no help
/// (Windows leaves it 0), and a VHDX says the same by its data write id; so this goes by VHD footers and file times, and
/// only by times that a copy did not make.
fn touched(index: &Index<'_>, node: &Node, parent: &Disk) -> Option<Finding> {
    let written = believable_write(parent)?;
    let mut made = Vec::new();
    for child in &node.children {
        let header = index.header(*child)?;
        made.push(header.created?);
    }
    let last = made.into_iter().max()?;
    (written.duration_since(last) > FREEZE_TIME).then(|| {
        let text = format!("It was written at {written}; its last child was made at {last}.");
        Finding::new(&codes::PARENT_TOUCHED, text)
            .values(format!("not after {last}"), written.to_string())
    })
}

fn believable_write(disk: &Disk) -> Option<Timestamp> {
    let (written, born) = (disk.file.modified?, disk.file.born?);
    let here = written.duration_since(born.at);
    let is_believable = match born.source {
        BornSource::Host | BornSource::WindowsFileSystem | BornSource::Lvm => true,
        // Older than its birth here: the copy kept the time. Much younger: written here.
        BornSource::OtherFileSystem => here < -COPY_TIME || here > COPY_TIME,
    };
    is_believable.then_some(written)
}

/// A VHDX without its parent still tells whose family it is.
fn family(index: &Index<'_>, node: &Node, id: DiskId, disk: &Disk) -> Option<Finding> {
    node.parent.as_ref().filter(|link| {
        matches!(
            link.state,
            LinkState::Missing | LinkState::OutsideRoots | LinkState::Unreadable
        )
    })?;
    let family = disk.header.as_ref()?.family_id()?;
    let mut others = index.family(family).filter(|other| *other != id);
    let first = name(index, others.next()?);
    let more = others.count();
    let text = match more {
        0 => format!("It belongs to the same virtual disk as {first}."),
        more => format!("It belongs to the same virtual disk as {first} and {more} more."),
    };
    Some(Finding::new(&codes::ORPHAN_FAMILY, text).values(family.to_string(), ""))
}

fn duplicates(index: &Index<'_>, nodes: &mut [Node]) {
    for (id, disks) in index.shared_ids() {
        // Each names the next, so that n copies cost n findings and all of them can be followed.
        let next = disks.iter().cycle().skip(1);
        for (disk, other) in disks.iter().zip(next) {
            if let Some(node) = nodes.get_mut(disk.0 as usize) {
                let more = disks.len().saturating_sub(2);
                let others = match more {
                    0 => name(index, *other),
                    more => format!("{} and {more} more", name(index, *other)),
                };
                let text = format!("Its id {id} is also that of {others}.");
                node.findings
                    .push(Finding::new(&codes::DUPLICATE_ID, text).values("", id.to_string()));
            }
        }
    }
}
