//! Assesses a forest: judges every snapshot, and asks the gate about those that the verdict lets pass.

use crate::analysis::assessment::{AssessedSnapshot, Assessment, DiskAssessment};
use crate::analysis::facts::{Gatherer, Subject};
use crate::analysis::judge::{Judged, judge};
use crate::analysis::plan;
use crate::analysis::rules::Reverted;
use crate::analysis::survey::{Compared, Survey};
use crate::store::Forest;

/// Assesses a forest. Pure: no clock, no I/O; cheap enough for every new forest of a scan.
pub fn assess(forest: &Forest, compared: &Compared) -> Assessment {
    assess_by(forest, compared, &|gatherer, subject| {
        judge(gatherer, subject, &[])
    })
}

/// As [`assess`], each snapshot judged by `judged`.
pub(super) fn assess_by(
    forest: &Forest,
    compared: &Compared,
    judged: &dyn Fn(&Gatherer<'_>, Subject) -> Judged,
) -> Assessment {
    let gatherer = Gatherer::new(Survey::new(forest, compared));
    let mut assessment = Assessment {
        snapshots: Vec::new(),
        disks: (0..forest.disks.len())
            .map(|disk| DiskAssessment {
                equals_parent: compared.equals_parent.get(disk).copied().flatten(),
                ..DiskAssessment::default()
            })
            .collect(),
    };
    let gate = plan::GateIndex::new(forest);
    for subject in gatherer.subjects() {
        let judged = judged(&gatherer, subject);
        let index = assessment.snapshots.len();
        for frozen in &judged.frozen {
            if let Some(disk) = assessment.disks.get_mut(frozen.0 as usize) {
                disk.snapshots.push(index);
            }
        }
        let reverted = judged.verdict.reverted;
        for above in judged.above {
            let Some(disk) = assessment.disks.get_mut(above.0 as usize) else {
                continue;
            };
            // The worst of several snapshots on one frozen disk is what the flag shows.
            if disk.made_by_revert.is_none_or(|known| reverted < known) {
                disk.made_by_revert = Some(reverted);
                disk.above_of = Some(index);
            }
            if disk.equals_parent.is_none() {
                disk.equals_parent = gatherer.survey.equals_parent(above);
            }
        }
        let mut assessed = AssessedSnapshot {
            snapshot: match subject {
                Subject::Named(id) => Some(id),
                Subject::Unnamed(..) => None,
            },
            machine: judged.machine,
            now_known: judged.now_known,
            frozen: judged.frozen,
            taken: judged.taken,
            verdict: judged.verdict,
            stopped_by: None,
        };
        if reverted > Reverted::CannotTell {
            let topology = &gatherer.survey.topology;
            assessed.stopped_by = plan::stopped_by(forest, topology, &assessed, &gate);
        }
        assessment.snapshots.push(assessed);
    }
    assessment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{Plain, at, branched, story};
    use crate::store::{DiskId, MachineId, SnapshotKind, Taken, TakenSource};

    fn rows(store: &Plain) -> Vec<(&'static str, Reverted)> {
        let assessment = assess(&store.forest, &Compared::default());
        assessment
            .snapshots
            .iter()
            .map(|one| (one.verdict.rule.code().id, one.verdict.reverted))
            .collect()
    }

    #[test]
    fn the_story_is_seen_from_disks_and_one_date() {
        let reverted = story("2009-06-30T09:41:00Z");
        let assessment = assess(&reverted.forest, &Compared::default());
        let verdict = &assessment.snapshots[0].verdict;
        assert_eq!(
            (verdict.rule.code().id, verdict.reverted),
            ("disk-above-younger", Reverted::Likely)
        );
        assert_eq!(verdict.gap_seconds().map(|gap| gap / 86_400), Some(58));
        for part in [
            "TestWin7",
            "2009-05-02 14:10Z",
            "2009-06-30 09:41Z",
            "at least once",
        ] {
            assert!(verdict.summary.contains(part), "{}", verdict.summary);
        }
        assert_eq!(assessment.disks[0].snapshots, [0]);
        assert_eq!(assessment.disks[1].made_by_revert, Some(Reverted::Likely));
        assert_eq!(assessment.disks[1].above_of, Some(0));
        assert_eq!(
            rows(&story("2009-05-02T14:10:01Z")),
            [("as-old", Reverted::NoSign)]
        );
    }

    #[test]
    fn without_any_date_of_the_snapshot_it_cannot_be_told() {
        let mut store = story("2009-06-30T09:41:00Z");
        store.forest.snapshots.clear();
        store.node("/s/WIN7x64_Diff.vhd").snapshots.clear();
        let assessment = assess(&store.forest, &Compared::default());
        assert_eq!(assessment.snapshots[0].snapshot, None);
        assert_eq!(assessment.snapshots[0].machine, Some(MachineId(0)));
        assert_eq!(rows(&store), [("bounds-open", Reverted::CannotTell)]);
        store.forest.machines.clear();
        store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
        assert_eq!(rows(&store), [("bounds-open", Reverted::CannotTell)]);
    }

    #[test]
    fn a_memory_files_last_write_is_a_date() {
        let mut store = story("2009-06-30T09:41:00Z");
        store.forest.snapshots[0].taken.clear();
        assert_eq!(rows(&store), [("bounds-open", Reverted::CannotTell)]);
        store.forest.snapshots[0].taken = vec![Taken {
            at: at("2009-05-02T14:10:40Z"),
            source: TakenSource::MemoryFile,
        }];
        assert_eq!(rows(&store), [("disk-above-younger", Reverted::Likely)]);
    }

    #[test]
    fn a_branch_proves_an_apply_and_a_snapshot_of_that_moment_kept_the_state() {
        let kept = branched("2009-06-30T09:41:00Z", "2009-06-30T09:40:30Z");
        assert_eq!(
            rows(&kept),
            [
                ("branch-kept", Reverted::Certain),
                ("off-line", Reverted::NoSign)
            ]
        );
        let mut applied = branched("2009-06-30T09:41:00Z", "2009-05-20T09:40:30Z");
        applied.disk_mut("/s/a.avhd").file.modified = Some(at("2009-05-20T09:40:30Z"));
        assert_eq!(rows(&applied)[0], ("branch-younger", Reverted::Certain));
        let mut first = branched("2009-05-02T14:10:00Z", "2009-05-20T09:40:30Z");
        assert_eq!(rows(&first)[0], ("as-old", Reverted::NoSign));
        first.forest.snapshots[1].disks.clear();
        first.node("/s/a.avhd").snapshots.clear();
        assert_eq!(
            rows(&first)[0],
            ("as-old", Reverted::NoSign),
            "a hand-made sibling is no branch"
        );
    }

    #[test]
    fn what_stops_the_gate_is_known_where_no_revert_shows() {
        let store = branched("2009-06-30T09:41:00Z", "2009-06-30T09:40:30Z");
        let stops = |store: &Plain| -> Vec<_> {
            let assessment = assess(&store.forest, &Compared::default());
            let snapshots = assessment.snapshots.iter();
            snapshots
                .map(|one| one.stopped_by.map(|code| code.id))
                .collect()
        };
        assert_eq!(stops(&store), [None, Some("dead-end")]);
        let mut sound = story("2009-05-02T14:10:01Z");
        assert_eq!(stops(&sound), [None]);
        sound.forest.machines[0].merge_pending = Some(true);
        assert_eq!(stops(&sound), [Some("merge-unfinished")]);
    }

    #[test]
    fn a_golden_image_is_no_snapshot() {
        let mut store = Plain::new();
        store.vhd(
            "/s/golden.vhd",
            "",
            "2009-01-10T09:00:00Z",
            "2009-05-02T14:10:00Z",
        );
        for n in 0..10 {
            let child = format!("/s/vm{n}.vhd");
            store.vhd(
                &child,
                "/s/golden.vhd",
                "2012-01-10T09:00:00Z",
                "2013-05-02T14:10:00Z",
            );
            store.machine(&format!("vm{n}"), &[&child]);
        }
        assert_eq!(rows(&store), [("shared-parent", Reverted::CannotTell)]);
        let assessment = assess(&store.forest, &Compared::default());
        assert!(
            assessment
                .disks
                .iter()
                .all(|disk| disk.made_by_revert.is_none())
        );
        assert!(
            assessment.snapshots[0]
                .verdict
                .summary
                .contains("shared parent")
        );
    }

    #[test]
    fn births_are_believed_only_where_the_chain_holds_together() {
        let mut store = Plain::new();
        store.vhdx(
            "/s/base.vhdx",
            "",
            "2019-01-10T09:00:00Z",
            "2019-05-02T14:10:00Z",
        );
        store.vhdx(
            "/s/x.avhdx",
            "/s/base.vhdx",
            "2019-06-30T09:41:00Z",
            "2020-01-03T18:00:00Z",
        );
        let vm = store.machine("web01", &["/s/x.avhdx"]);
        let s = store.snapshot(vm, "s", &["/s/base.vhdx"], "2019-05-02T14:10:00Z");
        assert_eq!(rows(&store), [("disk-above-younger", Reverted::Likely)]);
        store.snapshot_mut(s).generation_id = Some("A1".to_owned());
        store.forest.machines[0].generation_id = Some("a1".to_owned());
        assert_eq!(
            rows(&store),
            [("younger-but-generation-same", Reverted::CannotTell)]
        );
        store.forest.machines[0].generation_id = Some("b2".to_owned());
        assert_eq!(rows(&store), [("disk-above-younger", Reverted::Likely)]);
        // Copied: born after its last write.
        for (path, born) in [
            ("/s/base.vhdx", "2024-03-01T00:00:00Z"),
            ("/s/x.avhdx", "2024-03-01T00:20:00Z"),
        ] {
            let file = &mut store.disk_mut(path).file;
            file.born.as_mut().unwrap().at = at(born);
            file.modified = file
                .modified
                .max(Some(at("2024-03-02T00:00:00Z")))
                .filter(|_| path.ends_with("x.avhdx"))
                .or(file.modified);
        }
        assert_eq!(rows(&store), [("no-age", Reverted::CannotTell)]);
    }

    #[test]
    fn a_later_snapshots_generation_id_stands_before_the_machines() {
        let mut store = story("2009-05-02T14:10:01Z");
        store.vhd(
            "/s/top.avhd",
            "/s/WIN7x64_Diff_7C.avhd",
            "2009-07-01T00:00:05Z",
            "2010-01-03T18:00:00Z",
        );
        store.forest.machines.clear();
        let vm = store.machine("TestWin7", &["/s/top.avhd"]);
        let second = store.snapshot(
            vm,
            "s2",
            &["/s/WIN7x64_Diff_7C.avhd"],
            "2009-07-01T00:00:00Z",
        );
        store.forest.snapshots[0].generation_id = Some("a".to_owned());
        store.forest.machines[0].generation_id = Some("b".to_owned());
        assert_eq!(
            rows(&store)[0],
            ("as-old", Reverted::NoSign),
            "the change may be the later snapshot's"
        );
        store.snapshot_mut(second).generation_id = Some("a".to_owned());
        assert_eq!(
            rows(&store),
            [
                ("as-old-and-generation-same", Reverted::NotReverted),
                ("as-old-but-generation-differs", Reverted::CannotTell)
            ]
        );
    }

    #[test]
    fn files_on_top_that_nobody_owns_do_not_hide_the_disk_above() {
        let mut store = story("2009-06-30T09:41:00Z");
        store.vhd(
            "/s/WIN7-AutoRecovery.avhd",
            "/s/WIN7x64_Diff_7C.avhd",
            "2009-12-01T00:00:00Z",
            "2010-01-03T18:00:00Z",
        );
        store.forest.machines.clear();
        store.machine("TestWin7", &["/s/WIN7-AutoRecovery.avhd"]);
        store.forest.snapshots[0].kind = SnapshotKind::Automatic;
        let assessment = assess(&store.forest, &Compared::default());
        let verdict = &assessment.snapshots[0].verdict;
        assert_eq!(
            (verdict.rule.code().id, verdict.above),
            ("disk-above-younger", Some(DiskId(1)))
        );
        let codes: Vec<&str> = verdict
            .evidence
            .iter()
            .map(|evidence| evidence.code.id)
            .collect();
        assert!(
            codes.contains(&"lingering-above") && codes.contains(&"checkpoint-kind"),
            "{codes:?}"
        );
        assert_eq!(
            assessment.snapshots[1].taken.map(|taken| taken.source),
            None,
            "the disk was written after the one above it was made"
        );
    }

    #[test]
    fn a_disk_that_holds_nothing_stands_at_the_snapshot() {
        let store = story("2009-05-02T14:10:01Z");
        let compared = Compared {
            equals_parent: vec![None, Some(true)],
            ..Compared::default()
        };
        let assessment = assess(&store.forest, &compared);
        assert_eq!(
            assessment.snapshots[0].verdict.stands_at_snapshot,
            Some(true)
        );
        assert_eq!(assessment.disks[1].equals_parent, Some(true));
        assert_eq!(
            assess(&store.forest, &Compared::default()).snapshots[0]
                .verdict
                .stands_at_snapshot,
            None
        );
    }
}
