//! Witnesses beside the ages: generation ids, and the Windows builds that made the disks.

use crate::analysis::facts::belief::seconds_between;
use crate::analysis::facts::gather::Gatherer;
use crate::analysis::facts::{Builds, Claim, Generation, Line, Way, taken};
use crate::store::{Disk, DiskId, MachineId, Snapshot};
use crate::text::file_name;

impl Gatherer<'_> {
    pub(super) fn generation(
        &self,
        snapshot: Option<&Snapshot>,
        machine: Option<MachineId>,
        lines: &[Line],
    ) -> Generation {
        let Some(then) = snapshot
            .and_then(|snapshot| snapshot.generation_id.as_deref())
            .and_then(generation_id)
        else {
            return Generation::Unknown;
        };
        let above = lines.iter().find_map(|line| match &line.way {
            Way::Above(above) => Some(above.disk),
            _ => None,
        });
        let mut skipped = false;
        for disk in above
            .map(|above| self.topology.way_up(machine, above))
            .unwrap_or_default()
        {
            let named = self
                .forest
                .node(disk)
                .map(|node| node.snapshots.as_slice())
                .unwrap_or_default();
            for next in named
                .iter()
                .filter_map(|id| self.forest.snapshot(*id))
                .filter(|next| next.machine == machine)
            {
                match next.generation_id.as_deref().and_then(generation_id) {
                    Some(id) => return compare(then, id, next.source.display().to_string()),
                    None => skipped = true,
                }
            }
        }
        let vm = machine.and_then(|machine| self.forest.machine(machine));
        match vm
            .and_then(|vm| vm.generation_id.as_deref())
            .and_then(generation_id)
        {
            // A later snapshot without an id lies between: the change may be that one's.
            Some(id) if skipped && id != then => Generation::Unknown,
            Some(id) => compare(
                then,
                id,
                vm.map(|vm| vm.source.display().to_string())
                    .unwrap_or_default(),
            ),
            None => Generation::Unknown,
        }
    }

    pub(super) fn builds(
        &self,
        frozen: &Disk,
        above: DiskId,
        snapshot: Option<&Snapshot>,
        machine: Option<MachineId>,
        taken: &Claim,
    ) -> Option<Builds> {
        let creator = |disk: &Disk| disk.header.as_ref().map(|header| header.creator.clone());
        let (frozen, above_creator) = (creator(frozen)?, creator(self.forest.disk(above)?)?);
        let made_by = windows_build(&above_creator)?;
        if windows_build(&frozen)? >= made_by {
            return None;
        }
        let since = taken::tolerance(taken.source).filter(|_| snapshot.is_some());
        let older_later = self
            .forest
            .snapshots
            .iter()
            .filter(|other| other.machine == machine)
            .find_map(|other| {
                let dated = taken::dated(other)?;
                if seconds_between(taken.at, dated.at) <= since? + taken::tolerance(dated.source)? {
                    return None;
                }
                let at = other.disks.iter().find_map(|used| used.disk)?;
                let later = machine.and_then(|machine| self.topology.next(machine, at))??;
                let disk = self.forest.disk(later)?;
                let by = creator(disk)?;
                (windows_build(&by)? < made_by).then(|| (file_name(&disk.path), by))
            });
        Some(Builds {
            frozen,
            above: above_creator,
            older_later,
        })
    }
}

/// A generation id without what writers dress it in; `None` for an empty or all-zero one, which names no generation.
fn generation_id(text: &str) -> Option<String> {
    let id: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    id.bytes().any(|byte| byte != b'0').then_some(id)
}

fn compare(then: String, id: String, later: String) -> Generation {
    if then == id {
        Generation::Same { id, later }
    } else {
        Generation::Different {
            then,
            later_id: id,
            later,
        }
    }
}

/// The numbers of a creator string like `Microsoft Windows 10.0.17763.0`.
fn windows_build(creator: &str) -> Option<Vec<u32>> {
    let version = creator
        .trim_matches('\0')
        .trim()
        .strip_prefix("Microsoft Windows ")?;
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_all_zero_generation_id_names_no_generation() {
        for text in [
            "",
            "  ",
            "0",
            "00000000000000000000000000000000",
            "{0000-0000}",
        ] {
            assert_eq!(generation_id(text), None, "{text}");
        }
        assert_eq!(
            generation_id("{B7CA8A6A-B91A}"),
            Some("b7ca8a6ab91a".to_owned())
        );
    }

    #[test]
    fn builds_of_windows_are_read_from_creator_strings_only() {
        assert_eq!(
            windows_build("Microsoft Windows 10.0.17763.0"),
            Some(vec![10, 0, 17_763, 0])
        );
        assert_eq!(windows_build("QEMU v8.2.0"), None);
        assert!(
            windows_build("Microsoft Windows 10.0.9.0")
                < windows_build("Microsoft Windows 10.0.10.0")
        );
    }
}
