//! What XCP-ng's storage manager leaves beside disks while it works on them, and takes away at the end (`journaler.py`,
//! `cleanup.py`): a volume `TYPE_<uuid>_<value>`, a file `TYPE_<uuid>`. One that is there means work that was not finished.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::finding::Finding;
use crate::format::guid;
use crate::format::vhd::codes::FOOTER_END_DAMAGED;
use crate::store::containers::VolumeName;
use crate::store::{DiskId, Forest};

crate::catalogue! {
    /// A merge of a disk into its parent was not finished.
    JOURNAL_COALESCE = "journal-coalesce", Warning, "a merge into the parent was begun and not finished",
        why: "The parent may hold a part of this disk's blocks already. Through this disk everything reads right; the parent alone may not.",
        action: "Let the storage manager finish: attach or scan the repository on its host. Do not delete, copy or merge these disks by hand meanwhile.";
    /// Children of a merged disk get their new parent.
    JOURNAL_RELINK = "journal-relink", Warning, "children are being given a new parent",
        why: "The disk was merged into its parent; some of its children may name the one, some the other.",
        action: "Let the storage manager finish: attach or scan the repository on its host. Delete no snapshot of these disks before.";
    /// A leaf is merged into its parent, which then takes its name.
    JOURNAL_LEAF = "journal-leaf", Warning, "a machine's disk is being merged into its parent",
        why: "Parent and disk change names at the end. Until then the parent may hold a part of the disk's blocks.",
        action: "Let the storage manager finish: attach or scan the repository on its host, before the machine is started.";
    JOURNAL_CLONE = "journal-clone", Warning, "a snapshot or clone was begun and not finished",
        why: "The disk was renamed to a base copy; the disks above it may not have been made yet.",
        action: "Let the storage manager undo or finish it: attach or scan the repository on its host.";
    JOURNAL_INFLATE = "journal-inflate", Warning, "the volume was being enlarged",
        why: "The footer moves to the new end last, so the end may be zeros: that is no damage of the disk.",
        action: "Let the storage manager finish: attach or scan the repository on its host.";
    JOURNAL_ZERO = "journal-zero", Warning, "the volume was being cleared",
        why: "A new raw volume is filled with zeros before it is used; behind a certain place it may hold old data.",
        action: "Let the storage manager finish: attach or scan the repository on its host.";
    JOURNAL_OLD = "journal-old-leaf", Warning, "a disk was put aside while it was merged",
        why: "Its blocks were being merged into the disk that takes its place. If that was not finished, this is the whole one.",
        action: "Let the storage manager finish: attach or scan the repository on its host. Keep this disk until then.";
    /// libvhd's own journal.
    JOURNAL_VHD = "journal-vhd", Warning, "the disk's header was being changed",
        why: "libvhd keeps the old bytes of a VHD in its journal while it changes its size; without them the disk may be half changed.",
        action: "Let the storage manager finish (vhd-util revert): attach or scan the repository on its host.";
}

/// What a journal is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Coalesce,
    Relink,
    Leaf,
    Clone,
    Inflate,
    Zero,
    /// The disk itself, put aside.
    OldLeaf,
    Header,
}

/// A journal, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal {
    pub work: Work,
    /// The disk it is about.
    pub disk: Uuid,
}

impl Journal {
    /// `None` for any other name.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (work, rest) = [
            ("coalesce_", Work::Coalesce),
            ("relink_", Work::Relink),
            ("leaf_", Work::Leaf),
            ("clone_", Work::Clone),
            ("inflate_", Work::Inflate),
            ("zero_", Work::Zero),
            ("OLD_", Work::OldLeaf),
            ("VHD-OLD_", Work::OldLeaf),
            ("jvhd_", Work::Header),
        ]
        .into_iter()
        .find_map(|(prefix, work)| Some((work, name.strip_prefix(prefix)?)))?;
        let disk = guid::from_text(rest.get(..36)?)?;
        let value = rest.get(36..)?;
        let is_value = value.is_empty() || value.starts_with('_') || value == ".vhd";
        is_value.then_some(Self { work, disk })
    }

    /// What a file or volume of this name is.
    pub fn what(self) -> &'static str {
        match self.work {
            Work::Coalesce => "journal of a merge into the parent that is not finished",
            Work::Relink => "journal of children that get a new parent",
            Work::Leaf => "journal of a machine's disk that is merged into its parent",
            Work::Clone => "journal of a snapshot or clone that is not finished",
            Work::Inflate => "journal of a volume that is enlarged",
            Work::Zero => "journal of a volume that is cleared",
            Work::OldLeaf => "a disk put aside while it was merged",
            Work::Header => "libvhd's journal of a header that is changed",
        }
    }

    fn finding(self, name: &str) -> Finding {
        let code = match self.work {
            Work::Coalesce => &JOURNAL_COALESCE,
            Work::Relink => &JOURNAL_RELINK,
            Work::Leaf => &JOURNAL_LEAF,
            Work::Clone => &JOURNAL_CLONE,
            Work::Inflate => &JOURNAL_INFLATE,
            Work::Zero => &JOURNAL_ZERO,
            Work::OldLeaf => &JOURNAL_OLD,
            Work::Header => &JOURNAL_VHD,
        };
        Finding::new(code, format!("{name} lies beside it: {}.", self.what()))
    }
}

/// The id that the storage manager has given a disk, by its name.
pub fn vdi_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    let volume = VolumeName::of(name).disk();
    volume.or_else(|| {
        let stem = name.strip_suffix(".vhd")?;
        guid::from_text(stem).filter(|_| stem.len() == 36)
    })
}

/// Tells of each journal at the disk it is about, or beside it if there is no such disk.
pub(super) fn tell(forest: &mut Forest) {
    let put_aside = forest.disks.iter().map(|disk| disk.path.clone());
    let left = forest.companions.iter().map(|(path, _)| path.clone());
    let journals: Vec<_> = left
        .chain(put_aside)
        .filter_map(|path| Some((Journal::of(&path)?, path)))
        .collect();
    if journals.is_empty() {
        return;
    }
    let place = |id: DiskId| forest.disk(id).map(|disk| disk.path.as_path());
    let folder = |path: &Path| path.parent().map(Path::to_path_buf);
    let mut about: HashMap<(Option<PathBuf>, Uuid), DiskId> = HashMap::new();
    let mut themselves: HashMap<PathBuf, DiskId> = HashMap::new();
    for (id, path) in forest.ids().filter_map(|id| Some((id, place(id)?))) {
        if let Some(vdi) = vdi_of(path) {
            about.entry((folder(path), vdi)).or_insert(id);
        } else if Journal::of(path).is_some_and(|of| of.work == Work::OldLeaf) {
            themselves.insert(path.to_path_buf(), id);
        }
    }
    for (journal, path) in journals {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let finding = journal.finding(&name);
        let itself = themselves.get(&path);
        let disk = itself.or_else(|| about.get(&(folder(&path), journal.disk)));
        let disk = disk.copied();
        if journal.work == Work::Inflate
            && let Some(disk) = disk.and_then(|id| forest.disks.get_mut(id.0 as usize))
        {
            // The new end is zeros until the footer is moved there.
            let is_of_end = |finding: &Finding| *finding.code == FOOTER_END_DAMAGED;
            if disk.findings.iter().any(is_of_end) {
                Arc::make_mut(disk).findings.retain(|of| !is_of_end(of));
            }
        }
        match disk.and_then(|id| forest.nodes.get_mut(id.0 as usize)) {
            Some(node) => node.findings.push(finding),
            None if forest.side_findings.iter().any(|known| known.1 == finding) => {}
            None => forest.side_findings.push((path, finding)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "88888888-0000-4000-8000-000000000008";

    #[test]
    fn journals_are_known_in_volumes_and_files() {
        for (name, work) in [
            ("coalesce_ID_1", Work::Coalesce),
            ("relink_ID", Work::Relink),
            ("leaf_ID_33333333-0000-4000-8000-000000000003", Work::Leaf),
            ("clone_ID_a_b", Work::Clone),
            ("inflate_ID_8388608", Work::Inflate),
            ("zero_ID_0", Work::Zero),
            ("OLD_ID", Work::OldLeaf),
            ("OLD_ID.vhd", Work::OldLeaf),
            ("VHD-OLD_ID", Work::OldLeaf),
            ("jvhd_ID", Work::Header),
        ] {
            let name = name.replace("ID", ID);
            let journal = Journal::of(Path::new(&name)).unwrap();
            assert_eq!(journal.work, work, "{name}");
            assert_eq!(Some(journal.disk), guid::from_text(ID));
        }
        for name in [
            "coalesce_",
            "coalesce_ID.txt",
            "relink_notes",
            "ID.vhd",
            "leaf_IDx",
        ] {
            let name = name.replace("ID", ID);
            assert_eq!(Journal::of(Path::new(&name)), None, "{name}");
        }
    }

    #[test]
    fn a_disk_has_its_managers_id_in_its_name() {
        for name in ["ID.vhd", "VHD-ID", "LV-ID"] {
            let name = name.replace("ID", ID);
            assert_eq!(vdi_of(Path::new(&name)), guid::from_text(ID), "{name}");
        }
        assert_eq!(vdi_of(Path::new("web.vhd")), None);
    }
}
