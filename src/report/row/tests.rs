//! Tests of the rows as a whole, over forests put together by hand.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::*;
use unicode_width::UnicodeWidthStr as _;

use crate::analysis::Compared;
use crate::analysis::plain::{at, branched, story};
use crate::analysis::{Assessment, assess};
use crate::format::parent::{ParentRef, PathKind, StoredPath};
use crate::image::{Counts, Format, Header, Kind, Specific, VhdxSpecific};
use crate::report::columns::TimeForm;
use crate::report::tree_text::{Headings, lines};
use crate::report::{Column, ColumnStyle, rows};
use crate::store::{
    Disk, DiskUse, Forest, LinkState, Machine, MachineId, Node, ParentLink, Snapshot, SnapshotId,
};

fn id(of: usize) -> DiskId {
    DiskId(u32::try_from(of).unwrap())
}

/// Adds a disk; `parent`: its link.
fn add(forest: &mut Forest, path: &str, parent: Option<(LinkState, Option<usize>)>) -> usize {
    let at = forest.disks.len();
    let kind = if parent.is_some() {
        Kind::Differencing
    } else {
        Kind::Dynamic
    };
    forest.disks.push(Arc::new(Disk {
        path: PathBuf::from(path),
        file: crate::store::FileFacts {
            len: 1 << 20,
            ..Default::default()
        },
        header: Some(Header {
            format: Format::Vhdx,
            kind,
            virtual_size: 1 << 30,
            stored_size: 1 << 30,
            file_size: 1 << 20,
            block_size: Some(1 << 21),
            sector_size: 512,
            blocks: 512,
            id: Uuid::nil(),
            data_write_id: None,
            creator: String::new(),
            created: None,
            parent: parent.map(|_| ParentRef {
                paths: vec![StoredPath {
                    kind: PathKind::Relative,
                    field: "relative_path",
                    text: ".\\db02_1C9E0A44-0000-4000-8000-000000000001.avhdx".to_owned(),
                }],
                ..ParentRef::default()
            }),
            specific: Specific::Vhdx(VhdxSpecific::default()),
        }),
        counts: Some(Counts {
            total: 512,
            full: 3,
            partial: 1,
            absent: 508,
            dirty_sectors: 7,
            complete: true,
            ..Counts::default()
        }),
        findings: Vec::new(),
        liveness: crate::store::Liveness::Still,
    }));
    let mut node = Node::default();
    match parent {
        Some((state, disk)) => {
            node.parent = Some(ParentLink {
                state,
                disk: disk.map(id),
                resolved: None,
                by: None,
                tried: Vec::new(),
            });
            match disk.filter(|_| matches!(state, LinkState::Ok | LinkState::IdMismatch)) {
                Some(parent) => forest.nodes[parent].children.push(id(at)),
                None => forest.tops.push(id(at)),
            }
        }
        None => forest.tops.push(id(at)),
    }
    forest.nodes.push(node);
    forest.complete = true;
    forest.roots = vec![PathBuf::from("/s")];
    at
}

/// A sound link, as `add` takes it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where a disk may have no link"
)]
fn ok(parent: usize) -> Option<(LinkState, Option<usize>)> {
    Some((LinkState::Ok, Some(parent)))
}

fn text(forest: &Forest, assessment: &Assessment, options: &RowOptions) -> Vec<String> {
    let rows = rows(forest, assessment, options);
    lines(
        &rows,
        &[Column::Name, Column::Dirty, Column::Verdict],
        &ColumnStyle::default(),
        Headings::Hidden,
        None,
    )
    .collect()
}

fn use_now(forest: &mut Forest, machine: &str, disk: usize) -> MachineId {
    let id_of = MachineId(u32::try_from(forest.machines.len()).unwrap());
    forest.machines.push(Machine {
        name: machine.to_owned(),
        disks: Some(vec![DiskUse {
            path: "x".to_owned(),
            disk: Some(id(disk)),
            slot: None,
        }]),
        source: "/s/Virtual Machines/7E57AB1E-0D0C-4B0A-9080-706050403020.vmcx".into(),
        ..Machine::default()
    });
    forest.nodes[disk].in_use_by.push(id_of);
    id_of
}

/// A machine with a branch in no machine, and a chain whose parent is gone.
fn two_machines() -> (Forest, Assessment) {
    let mut forest = Forest::default();
    let base = add(&mut forest, "/s/web01.vhdx", None);
    let frozen = add(
        &mut forest,
        "/s/web01_3A55E0B1-0000-4000-8000-000000000001.avhdx",
        ok(base),
    );
    let now = add(
        &mut forest,
        "/s/web01_A02E91B3-0000-4000-8000-000000000001.avhdx",
        ok(frozen),
    );
    add(
        &mut forest,
        "/s/web01_77C0D1AA-0000-4000-8000-000000000001.avhdx",
        ok(frozen),
    );
    let web = use_now(&mut forest, "web01", now);
    forest.snapshots.push(Snapshot {
        name: Some("pre-patch\u{1b}".to_owned()),
        machine: Some(web),
        ..Snapshot::default()
    });
    forest.nodes[frozen].snapshots.push(SnapshotId(0));
    let broken = add(
        &mut forest,
        "/s/db02_77AB01D3-0000-4000-8000-000000000001.avhdx",
        Some((LinkState::Missing, None)),
    );
    use_now(&mut forest, "db02", broken);
    let assessment = assess(&forest, &Compared::default());
    (forest, assessment)
}

#[test]
fn machines_are_roots_and_every_state_shows() {
    let (forest, assessment) = two_machines();
    let lines = text(&forest, &assessment, &RowOptions::default());
    assert_eq!(
        lines,
        [
            "db02                                          ! BROKEN",
            "? 1C9E0A44.avhdx  not in store                ! MISSING",
            "● 77AB01D3.avhdx NOW                 3.5 KiB  ! BROKEN",
            "web01                                         ? ORPHAN",
            "  web01.vhdx                               -  ? age not known",
            "  3A55E0B1.avhdx  \"pre-patch\\u{1b}\"  3.5 KiB",
            "  ├ 77C0D1AA.avhdx  in no VM         3.5 KiB  ? ORPHAN",
            "● └ A02E91B3.avhdx NOW               3.5 KiB",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn a_base_that_nothing_names_joins_the_machine_whose_chain_is_cut_beside_it() {
    let (mut forest, _) = two_machines();
    add(&mut forest, "/s/db02.vhdx", None);
    add(&mut forest, "/other/alone.vhdx", None);
    let assessment = assess(&forest, &Compared::default());
    forest.machines[1].disks.as_mut().unwrap()[0].path =
        "D:\\db02_77AB01D3-0000-4000-8000-000000000001.avhdx".to_owned();
    let lines = text(&forest, &assessment, &RowOptions::default());
    assert_eq!(
        lines[..6],
        [
            "db02                                          ! BROKEN",
            "? 1C9E0A44.avhdx  not in store                ! MISSING",
            "● └ 77AB01D3.avhdx NOW               3.5 KiB  ! BROKEN",
            "  db02.vhdx  in no VM                      -  ? ORPHAN",
            "web01                                         ? ORPHAN",
            "  web01.vhdx                               -  ? age not known",
        ]
        .map(str::to_owned)
    );
    let built = rows(&forest, &assessment, &RowOptions::default());
    let said = why(
        &forest,
        &assessment,
        &built[3],
        &crate::text::Clock::default(),
    );
    assert!(
        said.contains("chain of db02 is cut below db02_77AB01D3"),
        "{said}"
    );
}

#[test]
fn without_machines_a_lone_leaf_is_probably_now_and_two_are_unsure() {
    let mut forest = Forest::default();
    let base = add(&mut forest, "/s/a.vhdx", None);
    add(&mut forest, "/s/a1.avhdx", ok(base));
    let other = add(&mut forest, "/s/sub/b.vhdx", None);
    add(&mut forest, "/s/sub/b1.avhdx", ok(other));
    add(&mut forest, "/s/sub/b2.avhdx", ok(other));
    let assessment = assess(&forest, &Compared::default());
    let built = rows(&forest, &assessment, &RowOptions::default());
    let now: Vec<_> = built
        .iter()
        .map(|row| (row.name.as_str(), row.now.word(), row.depth, row.last))
        .collect();
    assert_eq!(
        now,
        [
            ("/s", "", 0, false),
            ("a.vhdx", "", 1, true),
            ("a1.avhdx", "NOW?", 2, true),
            ("sub", "", 0, true),
            ("b.vhdx", "", 1, true),
            ("b1.avhdx", "?", 2, false),
            ("b2.avhdx", "?", 2, true),
        ]
    );
    assert_eq!(built[0].descendants, 2);
    assert_eq!(built[3].descendants, 3);
}

#[test]
fn a_filter_keeps_what_is_above_a_match_and_only_problems_keeps_problems() {
    let (forest, assessment) = two_machines();
    let filter = RowOptions {
        filter: "a02e".to_owned(),
        ..RowOptions::default()
    };
    let names: Vec<_> = rows(&forest, &assessment, &filter)
        .into_iter()
        .map(|row| (row.name, row.last))
        .collect();
    assert_eq!(
        names,
        ["web01", "web01.vhdx", "3A55E0B1.avhdx", "A02E91B3.avhdx"]
            .map(|name| (name.to_owned(), true))
    );
    let problems = RowOptions {
        only: Only::Problems,
        max_depth: Some(2),
        ..RowOptions::default()
    };
    let names: Vec<_> = rows(&forest, &assessment, &problems)
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(
        names,
        [
            "db02",
            "1C9E0A44.avhdx",
            "77AB01D3.avhdx",
            "web01",
            "web01.vhdx",
            "3A55E0B1.avhdx"
        ]
    );
}

#[test]
fn a_fold_hides_exactly_the_rows_below_it() {
    let (forest, assessment) = two_machines();
    let rows = rows(&forest, &assessment, &RowOptions::default());
    let folded = [rows[0].key.clone(), rows[5].key.clone()].into();
    assert_eq!(visible(&rows, &folded), [0, 3, 4, 5]);
    assert_eq!(visible(&rows, &std::collections::HashSet::new()).len(), 8);
}

#[test]
fn every_disk_has_a_row_even_where_links_form_a_ring() {
    let mut forest = Forest::default();
    add(&mut forest, "/s/a.avhdx", Some((LinkState::Cycle, Some(1))));
    add(&mut forest, "/s/b.avhdx", Some((LinkState::Cycle, Some(0))));
    forest.tops.clear();
    let assessment = assess(&forest, &Compared::default());
    let built = rows(&forest, &assessment, &RowOptions::default());
    let flags: Vec<_> = built.iter().map(|row| row.flag).collect();
    assert_eq!(flags, [Flag::Broken; 3]);
    let said = why(
        &forest,
        &assessment,
        &built[1],
        &crate::text::Clock::default(),
    );
    assert!(said.contains("comes back"), "{said}");
}

/// Each row's name, day of the snapshot, and state.
fn said(forest: &Forest, options: &RowOptions) -> Vec<String> {
    let assessment = assess(forest, &Compared::default());
    let rows = rows(forest, &assessment, options);
    let columns = [Column::Name, Column::Taken, Column::Verdict];
    let style = ColumnStyle {
        time: TimeForm::Date,
        ..ColumnStyle::default()
    };
    let lines = lines(&rows, &columns, &style, Headings::Hidden, None);
    let squeeze = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.map(squeeze).collect()
}

#[test]
fn a_terminal_gets_the_columns_for_which_it_has_room() {
    let forest = story("2009-06-30T09:41:00Z").forest;
    let rows = rows(
        &forest,
        &assess(&forest, &Compared::default()),
        &RowOptions::default(),
    );
    for room in 70..=180 {
        let style = ColumnStyle::default();
        let lines = lines(&rows, &Column::TREE, &style, Headings::Shown, Some(room));
        let lines: Vec<String> = lines.collect();
        let widest = lines.iter().map(|line| line.width()).max().unwrap_or(0);
        // At least a name, the day and the state stay, whatever the room.
        let fits = widest <= usize::from(room);
        assert!(fits || !lines[0].contains("CHANGED"), "{lines:#?}");
        assert!(lines[0].ends_with("STATUS") && lines[1].contains("REVERTED 2009-06-30"));
        assert!(room < 180 || lines[0].contains("LAST WRITE"), "{lines:#?}");
    }
}

#[test]
fn a_verdict_stands_on_the_snapshots_own_row_and_its_machines() {
    let forest = story("2009-06-30T09:41:00Z").forest;
    let lines = said(&forest, &RowOptions::default());
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "TestWin7 ↩ REVERTED 2009-06-30");
    assert!(
        lines[1].starts_with("WIN7x64_Diff.vhd")
            && lines[1].ends_with("2009-05-02 ↩ REVERTED 2009-06-30"),
        "{lines:?}"
    );
    assert!(lines[2].ends_with("NOW made by that revert"), "{lines:?}");
    let fine = said(
        &story("2009-05-02T14:10:01Z").forest,
        &RowOptions::default(),
    );
    assert_eq!(fine[0], "TestWin7 ok");
    assert!(fine[1].ends_with("2009-05-02 ok"), "{fine:?}");
}

#[test]
fn a_machine_found_by_its_name_is_whole_and_its_state_is_no_match() {
    let forest = story("2009-06-30T09:41:00Z").forest;
    let filtered = |filter: &str| {
        let options = RowOptions {
            filter: filter.to_owned(),
            ..RowOptions::default()
        };
        said(&forest, &options).len()
    };
    assert_eq!(filtered("testwin"), 3);
    assert_eq!(
        filtered("reverted"),
        2,
        "the snapshot's row and its machine"
    );
}

#[test]
fn a_chain_is_indented_where_it_branches() {
    let mut forest = Forest::default();
    let base = add(&mut forest, "/s/a.vhdx", None);
    let one = add(&mut forest, "/s/b.avhdx", ok(base));
    let first = add(&mut forest, "/s/c1.avhdx", ok(one));
    add(&mut forest, "/s/c2.avhdx", ok(one));
    let below = add(&mut forest, "/s/d.avhdx", ok(first));
    add(&mut forest, "/s/e1.avhdx", ok(below));
    add(&mut forest, "/s/e2.avhdx", ok(below));
    let assessment = assess(&forest, &Compared::default());
    let built = rows(&forest, &assessment, &RowOptions::default());
    let glyphs = crate::text::Charset::Unicode.glyphs();
    let lines: Vec<_> = (1..built.len())
        .map(|at| prefix(&built, at, glyphs, 10) + &built[at].name)
        .collect();
    assert_eq!(
        lines,
        [
            "a.vhdx",
            "b.avhdx",
            "├ c1.avhdx",
            "│ d.avhdx",
            "│ ├ e1.avhdx",
            "│ └ e2.avhdx",
            "└ c2.avhdx"
        ]
    );
}

#[test]
fn problems_come_first_and_numbers_count() {
    let mut forest = Forest::default();
    for name in ["vm10", "vm2", "vm1"] {
        let parent = (name == "vm10").then_some((LinkState::Missing, None));
        add(&mut forest, &format!("/s/{name}/disk.vhdx"), parent);
    }
    let assessment = assess(&forest, &Compared::default());
    let groups = |sort| -> Vec<String> {
        let options = RowOptions {
            sort,
            ..RowOptions::default()
        };
        let rows = rows(&forest, &assessment, &options);
        let groups = rows.into_iter().filter(|row| row.depth == 0);
        groups.map(|row| row.name).collect()
    };
    assert_eq!(groups(Sort::Problems), ["vm10", "vm1", "vm2"]);
    assert_eq!(groups(Sort::Name), ["vm1", "vm2", "vm10"]);
}

#[test]
fn levels_beyond_the_room_are_a_number() {
    let mut forest = Forest::default();
    let mut parent = add(&mut forest, "/s/d00.vhdx", None);
    for level in 1..30 {
        add(&mut forest, &format!("/s/a{level:02}.avhdx"), ok(parent));
        parent = add(&mut forest, &format!("/s/d{level:02}.avhdx"), ok(parent));
    }
    let assessment = assess(&forest, &Compared::default());
    let built = rows(&forest, &assessment, &RowOptions::default());
    let last = built
        .iter()
        .position(|row| row.name == "d29.avhdx")
        .unwrap();
    let glyphs = crate::text::Charset::Unicode.glyphs();
    assert_eq!(prefix(&built, last, glyphs, 10), "+19 └ ");
}

#[test]
fn forty_thousand_disks_become_rows_quickly() {
    let mut forest = Forest::default();
    for chain in 0..8_000 {
        let mut parent = add(&mut forest, &format!("/s/v{chain}/vm{chain}.vhdx"), None);
        for level in 0..4 {
            let name =
                format!("/s/v{chain}/vm{chain}_{level:08X}-0000-4000-8000-{chain:012}.avhdx");
            parent = add(&mut forest, &name, ok(parent));
        }
    }
    let assessment = assess(&forest, &Compared::default());
    let start = std::time::Instant::now();
    let built = rows(&forest, &assessment, &RowOptions::default());
    let took = start.elapsed();
    assert_eq!(built.len(), 48_000);
    println!("40,000 disks: {took:?}");
    // Unoptimised and on a busy machine; the budget of 100 ms is for a release build.
    assert!(took.as_secs_f64() < 5.0, "{took:?}");
}

#[test]
fn a_folder_of_which_files_may_be_missing_is_partial_once_the_scan_has_stopped() {
    let mut forest = Forest::default();
    add(&mut forest, "/s/a.vhdx", None);
    forest.complete = false;
    let assessment = assess(&forest, &Compared::default());
    let flags = |phase| {
        let options = RowOptions {
            phase,
            ..RowOptions::default()
        };
        let rows = rows(&forest, &assessment, &options);
        rows.iter().map(|row| row.flag).collect::<Vec<_>>()
    };
    assert_eq!(flags(Phase::Done), [Flag::Partial, Flag::Quiet]);
    assert_eq!(flags(Phase::Scanning), [Flag::Ok, Flag::Quiet]);
}

#[test]
fn children_of_a_parent_that_cannot_be_read_hang_under_it() {
    let mut forest = Forest {
        complete: true,
        ..Forest::default()
    };
    let name = "/s/db02_1C9E0A44-0000-4000-8000-000000000001.avhdx";
    let parent = add(&mut forest, name, None);
    let mut unreadable = (*forest.disks[parent]).clone();
    unreadable.header = None;
    forest.disks[parent] = Arc::new(unreadable);
    let link = Some((LinkState::Unreadable, None));
    add(
        &mut forest,
        "/s/db02_5C7E90B4-0000-4000-8000-000000000002.avhdx",
        link,
    );
    forest.tops = vec![id(0), id(1)];
    let rows = rows(&forest, &Assessment::default(), &RowOptions::default());
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.depth, row.disk, row.flag, row.now))
        .collect();
    assert_eq!(
        shown,
        [
            (0, None, Flag::Broken, Now::No),
            (1, Some(id(0)), Flag::Unreadable, Now::No),
            (2, Some(id(1)), Flag::Broken, Now::Alone),
        ]
    );
}

#[test]
fn what_another_branch_keeps_is_not_called_lost() {
    for (kept, words) in [
        ("2009-06-30T09:40:30Z", "kept as another snapshot"),
        (
            "2009-05-20T09:40:30Z",
            "The other branch keeps what was done until its last snapshot",
        ),
    ] {
        let mut store = branched("2009-06-30T09:41:00Z", kept);
        store.disk_mut("/s/a.avhd").file.modified = Some(at(kept));
        let assessment = assess(&store.forest, &Compared::default());
        let rows = rows(&store.forest, &assessment, &RowOptions::default());
        let mut rows = rows.iter();
        let row = rows.find(|row| row.disk.is_some() && row.flag == Flag::RevertedCertain);
        let said = why(
            &store.forest,
            &assessment,
            row.unwrap(),
            &crate::text::Clock::default(),
        );
        assert!(said.contains(words), "{said}");
    }
}
