//! A forest made by hand, for tests of the browser: the story's VM, a broken chain, a fresh VM, a branch, wide and
//! hostile names. No file is behind it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::analysis::assessment::{AssessedSnapshot, DiskAssessment};
use crate::analysis::evidence::{Of, Says};
use crate::analysis::{Assessment, Interval, Reverted, Rule, Verdict};
use crate::finding::Finding;
use crate::format::BlockNo;
use crate::image::{
    BlockState, Counts, Format, Header, Kind, ParentRef, PathKind, Specific, StateRun, StoredPath,
    VhdSpecific,
};
use crate::store::{
    Disk, DiskId, DiskUse, FileFacts, Forest, LinkState, Machine, MachineId, Node, ParentLink,
    ResolvedBy, Snapshot, SnapshotId, SnapshotKind, Taken, TakenSource, Tried,
};
use crate::tui::message::BlockTable;
use crate::tui::prepared;

crate::catalogue! {
    FOOTER = "footer-after-snapshot", Info, "creation of the disk above, by its footer",
        why: "The time stamp is inside the file.", action: "Nothing.";
    MISSING = "parent-missing", Error, "the parent is not in the store",
        why: "Nothing above it can be opened.", action: "Find the file, or add its folder with --parent-root.";
    MOVED = "parent-moved", Info, "the parent lies elsewhere than the child says",
        why: "The chain still opens here.", action: "Nothing.";
    /// A time stamp that is odd.
    STAMP = "vhd-time-stamp", Warning, "the time stamp is not believable",
        why: "Verdicts by footer need it.", action: "Bring another witness with --facts.";
}

/// The time of a text like `2009-05-02T14:10:00Z`; the epoch if it is none.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A forest under construction.
#[derive(Debug, Default)]
pub struct Sample {
    pub forest: Forest,
    pub assessment: Assessment,
}

impl Sample {
    /// As a message brings it.
    pub fn snapshot(self) -> prepared::PreparedStore {
        prepared::PreparedStore {
            forest: Arc::new(self.forest),
            assessment: Arc::new(self.assessment),
        }
    }

    /// Adds a disk of 2 MiB blocks.
    pub fn disk(
        &mut self,
        path: &str,
        kind: Kind,
        file_size: u64,
        dirty_sectors: u64,
        created: &str,
    ) -> DiskId {
        let id = DiskId(u32::try_from(self.forest.disks.len()).unwrap_or(u32::MAX));
        let virtual_size = 64 << 30;
        let blocks = virtual_size / (2 << 20);
        let full = dirty_sectors / 4096;
        let partial = u64::from(!dirty_sectors.is_multiple_of(4096));
        let dynamic = kind == Kind::Dynamic;
        self.forest.disks.push(Arc::new(Disk {
            path: PathBuf::from(path),
            file: FileFacts {
                len: file_size,
                allocated: Some(file_size),
                modified: Some(at("2026-11-22T19:41:00Z")),
                ..FileFacts::default()
            },
            header: Some(Header {
                format: Format::Vhd,
                kind,
                virtual_size,
                stored_size: virtual_size,
                file_size,
                block_size: (kind != Kind::Fixed).then_some(2 << 20),
                sector_size: 512,
                blocks: if kind == Kind::Fixed { 0 } else { blocks },
                id: Uuid::from_u128(0x91aa_3c5e_0000_4000_8000_0000_0000_0000 + u128::from(id.0)),
                data_write_id: None,
                creator: "win ".to_owned(),
                created: Some(at(created)),
                parent: None,
                specific: Specific::Vhd(VhdSpecific::default()),
            }),
            counts: Some(Counts {
                total: blocks,
                full: if dynamic { 1024 } else { full },
                partial: if dynamic { 0 } else { partial },
                absent: blocks - if dynamic { 1024 } else { full + partial },
                dirty_sectors: if dynamic { 0 } else { dirty_sectors },
                complete: true,
                ..Counts::default()
            }),
            findings: Vec::new(),
            liveness: crate::store::Liveness::Still,
        }));
        self.forest.nodes.push(Node::default());
        self.forest.tops.push(id);
        self.forest.free_bytes.push(Some(211 << 30));
        self.assessment.disks.push(DiskAssessment::default());
        id
    }

    /// Hangs a child under a parent.
    pub fn link(&mut self, child: DiskId, parent: DiskId) {
        let path = self
            .forest
            .disk(parent)
            .map(|disk| disk.path.clone())
            .unwrap_or_default();
        self.forest.tops.retain(|top| *top != child);
        let depth = self.forest.node(parent).map_or(0, |node| node.depth) + 1;
        if let Some(node) = self.forest.nodes.get_mut(parent.0 as usize) {
            node.children.push(child);
        }
        self.name_parent(child, &path.to_string_lossy());
        if let Some(node) = self.forest.nodes.get_mut(child.0 as usize) {
            node.depth = depth;
            node.parent = Some(ParentLink {
                state: LinkState::Ok,
                disk: Some(parent),
                resolved: Some(path),
                by: Some(ResolvedBy::SameFolder),
                tried: Vec::new(),
            });
        }
    }

    /// Lets a child name a parent that is not there.
    pub fn orphan(&mut self, child: DiskId, parent: &str) {
        self.name_parent(child, parent);
        if let Some(node) = self.forest.nodes.get_mut(child.0 as usize) {
            node.parent = Some(ParentLink {
                state: LinkState::Missing,
                disk: None,
                resolved: None,
                by: None,
                tried: vec![Tried {
                    by: ResolvedBy::SameFolder,
                    what: parent.to_owned(),
                    outcome: "no such file",
                }],
            });
            node.findings.push(Finding::new(
                &MISSING,
                format!("names {parent}, which is not there"),
            ));
        }
    }

    fn name_parent(&mut self, child: DiskId, path: &str) {
        let disk = self.forest.disks.get_mut(child.0 as usize);
        if let Some(header) = disk.and_then(|disk| Arc::make_mut(disk).header.as_mut()) {
            header.parent = Some(ParentRef {
                id_wanted: Some(Uuid::from_u128(0x91aa_3c5e_0000_4000_8000_0000_0000_0000)),
                second_id_wanted: None,
                paths: vec![StoredPath {
                    kind: PathKind::Absolute,
                    field: "W2ku",
                    text: path.to_owned(),
                }],
                raw: false,
            });
        }
    }

    /// Adds a machine that uses a disk now.
    pub fn machine(&mut self, name: &str, disk: DiskId) -> MachineId {
        let id = MachineId(u32::try_from(self.forest.machines.len()).unwrap_or(u32::MAX));
        self.forest.machines.push(Machine {
            name: name.to_owned(),
            disks: Some(vec![DiskUse {
                path: String::new(),
                disk: Some(disk),
                slot: None,
            }]),
            source: "/s/Virtual Machines/7E57AB1E-0D0C-4B0A-9080-706050403020.vmcx".into(),
            ..Machine::default()
        });
        if let Some(node) = self.forest.nodes.get_mut(disk.0 as usize) {
            node.in_use_by.push(id);
        }
        id
    }

    /// Adds a named snapshot of a frozen disk and a verdict about the disk above it.
    pub fn taken(
        &mut self,
        (name, when): (&str, &str),
        machine: MachineId,
        frozen: DiskId,
        above: DiskId,
        reverted: Reverted,
        summary: &str,
    ) {
        let id = SnapshotId(u32::try_from(self.forest.snapshots.len()).unwrap_or(u32::MAX));
        let taken = Taken {
            at: at(when),
            source: TakenSource::Config,
        };
        self.forest.snapshots.push(Snapshot {
            name: Some(name.to_owned()),
            machine: Some(machine),
            taken: vec![taken],
            kind: SnapshotKind::Standard,
            disks: vec![DiskUse {
                path: String::new(),
                disk: Some(frozen),
                slot: None,
            }],
            ..Snapshot::default()
        });
        let index = self.assessment.snapshots.len();
        let likely = matches!(reverted, Reverted::Likely | Reverted::Certain);
        let made = self
            .forest
            .disk(above)
            .and_then(crate::store::Disk::created)
            .map(|(at, _)| at);
        self.assessment.snapshots.push(AssessedSnapshot {
            snapshot: Some(id),
            machine: Some(machine),
            now_known: true,
            frozen: vec![frozen],
            taken: Some(taken),
            verdict: Verdict {
                reverted,
                rule: if likely { Rule::AboveYounger } else { Rule::AsOld },
                applied_at: made.filter(|_| likely),
                snapshot: Interval::at(taken.at),
                disk_above: made.map(Interval::at).unwrap_or_default(),
                above: Some(above),
                stands_at_snapshot: Some(false),
                evidence: vec![
                    Of::DiskAbove.says(&FOOTER, Says::At(made.unwrap_or_default()),
                        "the disk above was made 2009-06-30 09:41:00Z; the snapshot was taken 2009-05-02 14:10:00Z",
                        "footer, offset 0x18",
                    ),
                    Of::DiskAbove.missing(&FOOTER, "no generation id: Hyper-V 2008 R2 has none",
                    ),
                ],
                summary: summary.to_owned(),
                would_settle: None,
            },
            stopped_by: None,
        });
        if let Some(node) = self.forest.nodes.get_mut(frozen.0 as usize) {
            node.snapshots.push(id);
        }
        if let Some(disk) = self.assessment.disks.get_mut(frozen.0 as usize) {
            disk.snapshots.push(index);
        }
        if let Some(disk) = self.assessment.disks.get_mut(above.0 as usize) {
            disk.made_by_revert = Some(reverted);
            disk.above_of = Some(index);
        }
    }
}

/// The usual sample: four machines and a folder.
#[expect(
    clippy::too_many_lines,
    reason = "a list of disks, as flat as the store it stands for"
)]
pub fn store() -> Sample {
    let mut s = Sample::default();
    s.forest.roots.push(PathBuf::from("/vmstore"));
    s.forest.complete = true;

    let base = s.disk(
        "/vmstore/TestWin7/WIN7x64_Diff.vhd",
        Kind::Dynamic,
        4_500_000_000,
        0,
        "2009-01-10T08:00:00Z",
    );
    let now = s.disk(
        "/vmstore/TestWin7/WIN7x64_Diff_7C44D1AA-1BD2-4A4E-9C01-93B8AE2D7F10.avhd",
        Kind::Differencing,
        90_177_536,
        16_588,
        "2009-06-30T09:41:00Z",
    );
    s.link(now, base);
    let win7 = s.machine("TestWin7", now);
    s.taken(
        ("before 検証", "2009-05-02T14:10:00Z"),
        win7,
        base,
        now,
        Reverted::Likely,
        "TestWin7 was reverted to \"before 検証\" (taken 2009-05-02), last on 2009-06-30 09:41Z.",
    );

    let base = s.disk(
        "/vmstore/build/build-agent.vhd",
        Kind::Dynamic,
        103_200_000_000,
        0,
        "2025-03-02T09:14:00Z",
    );
    let now = s.disk(
        "/vmstore/build/build-agent_6B1F4D7C-0A0A-4B4B-8C8C-0123456789AB.avhd",
        Kind::Differencing,
        6_700_000_000,
        12_400_003,
        "2025-03-03T02:00:04Z",
    );
    s.link(now, base);
    let build = s.machine("build-agent", now);
    s.taken(
        ("nightly", "2025-03-03T02:00:00Z"),
        build,
        base,
        now,
        Reverted::NoSign,
        "Nothing shows that build-agent was reverted to \"nightly\" (taken 2025-03-03).",
    );

    let lost = s.disk(
        "/vmstore/db02/db02_1C9E0A44-0000-4000-8000-000000000001.avhdx",
        Kind::Differencing,
        32_800_000_000,
        60_000_001,
        "2026-11-02T04:11:00Z",
    );
    s.orphan(lost, "D:\\VMs\\db02\\db02_base.vhdx");
    let now = s.disk(
        "/vmstore/db02/db02_77AB01D3-0000-4000-8000-000000000002.avhdx",
        Kind::Differencing,
        2_800_000_000,
        5_000_001,
        "2026-11-03T04:11:00Z",
    );
    s.link(now, lost);
    s.machine("db02", now);

    let base = s.disk(
        "/vmstore/web01/web01.vhdx",
        Kind::Dynamic,
        408_200_000_000,
        0,
        "2025-03-02T10:02:00Z",
    );
    let mid = s.disk(
        "/vmstore/web01/web01_3A55E0B1-0000-4000-8000-000000000003.avhdx",
        Kind::Differencing,
        33_900_000_000,
        60_600_007,
        "2026-09-12T07:30:00Z",
    );
    let now = s.disk(
        "/vmstore/web01/web01_A02E91B3-0000-4000-8000-000000000004.avhdx",
        Kind::Differencing,
        90_177_536,
        16_588,
        "2026-11-20T08:12:44Z",
    );
    let dead = s.disk(
        "/vmstore/web01/web01_77C0D1AA-0000-4000-8000-000000000005.avhdx",
        Kind::Differencing,
        12_700_000_000,
        19_300_001,
        "2026-10-01T21:04:11Z",
    );
    s.link(mid, base);
    s.link(now, mid);
    s.link(dead, mid);
    let web = s.machine("web01", now);
    s.taken(("pre-patch", "2026-10-01T21:04:00Z"), web, mid, now, Reverted::Certain,
        "web01 was reverted to \"pre-patch\" (taken 2026-10-01) on 2026-11-20 08:12Z: another branch is older.");

    let odd = s.disk(
        "/vmstore/lab/evil\u{1b}[31m\u{202e}name.vhd",
        Kind::Fixed,
        1_048_576,
        0,
        "1980-01-01T00:00:00Z",
    );
    if let Some(disk) = s.forest.disks.get_mut(odd.0 as usize).map(Arc::make_mut) {
        disk.findings.push(
            Finding::new(&STAMP, "made 1980-01-01, before the format existed")
                .at(24)
                .values("after 2003", "1980-01-01"),
        );
    }
    s
}

/// A machine whose base is frozen for two snapshots, one of them reverted to.
pub fn twice_frozen() -> Sample {
    let mut s = Sample::default();
    s.forest.roots.push(PathBuf::from("/vmstore"));
    s.forest.complete = true;
    let base = s.disk(
        "/vmstore/mail/mail_base.vhd",
        Kind::Dynamic,
        9_100_000_000,
        0,
        "2024-01-04T11:00:00Z",
    );
    let first = s.disk(
        "/vmstore/mail/mail_11111111-0000-4000-8000-000000000001.avhd",
        Kind::Differencing,
        700_000_000,
        60_003,
        "2024-02-01T03:00:00Z",
    );
    let now = s.disk(
        "/vmstore/mail/mail_22222222-0000-4000-8000-000000000002.avhd",
        Kind::Differencing,
        90_000_000,
        4_099,
        "2024-05-09T10:30:00Z",
    );
    s.link(first, base);
    s.link(now, base);
    let mail = s.machine("mail", now);
    s.taken(
        ("February", "2024-02-01T03:00:00Z"),
        mail,
        base,
        first,
        Reverted::NoSign,
        "Nothing shows that mail was reverted to \"February\" (taken 2024-02-01).",
    );
    s.taken(
        ("before the move", "2024-02-01T03:10:00Z"),
        mail,
        base,
        now,
        Reverted::Likely,
        "mail was reverted to \"before the move\" (taken 2024-02-01), last on 2024-05-09 10:30Z.",
    );
    s
}

/// A store of `count` machines with a base and a child each, for budgets.
pub fn many(count: usize) -> Sample {
    let mut s = Sample::default();
    s.forest.roots.push(PathBuf::from("/vmstore"));
    s.forest.complete = true;
    for index in 0..count {
        let base = s.disk(
            &format!("/vmstore/vm{index:05}/vm{index:05}.vhd"),
            Kind::Dynamic,
            1 << 30,
            0,
            "2025-03-02T10:02:00Z",
        );
        let child = s.disk(
            &format!(
                "/vmstore/vm{index:05}/vm{index:05}_{index:08X}-0000-4000-8000-000000000005.avhd"
            ),
            Kind::Differencing,
            1 << 28,
            index as u64 * 7,
            "2025-04-02T10:02:00Z",
        );
        s.link(child, base);
        s.machine(&format!("vm{index:05}"), child);
    }
    s
}

/// Blocks of a disk of 1,048,576 blocks with one changed block, one error, and a filled start.
pub fn block_table(path: &str) -> BlockTable {
    let total = 1_048_576;
    let mut runs = Vec::new();
    let mut next = 0;
    let mut run = |until: u64, state: BlockState| {
        if until > next {
            runs.push(StateRun {
                first: BlockNo(next),
                count: until - next,
                state,
            });
            next = until;
        }
    };
    run(70_000, BlockState::Full);
    run(70_100, BlockState::Partial);
    run(400_000, BlockState::Zero);
    run(543_210, BlockState::Absent);
    run(543_211, BlockState::Partial);
    run(800_000, BlockState::Absent);
    run(800_001, BlockState::Error);
    run(900_000, BlockState::Unmapped);
    run(total, BlockState::Absent);
    BlockTable {
        path: PathBuf::from(path),
        block_bytes: 2 << 20,
        sector_bytes: 512,
        counts: Counts {
            total,
            full: 70_000,
            partial: 101,
            zero: 329_900,
            unmapped: 99_999,
            error: 1,
            absent: total - 70_000 - 101 - 329_900 - 99_999 - 1,
            complete: true,
            ..Counts::default()
        },
        runs,
    }
}
