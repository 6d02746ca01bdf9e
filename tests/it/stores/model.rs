//! Plans of stores: what is chosen at random, before anything is written.

use proptest::prelude::*;
use vhdtree::build::vhdx::Payload;

use crate::model::Make;

/// The folder of the Windows host that stands for the store's root.
pub const WINDOWS_ROOT: &str = r"D:\VMs";

/// Folders of a store.
pub const FOLDERS: [&str; 5] = ["", "VMs", "VMs/検証 用", "Sub Folder/Deep", "ÜBER"];
/// Beginnings of names.
pub const NAMES: [&str; 6] = [
    "WIN7x64_Diff",
    "検証用 ディスク",
    "My Disk (2)",
    "UPPER",
    "a.b.c",
    "데이터 é",
];

/// How a child's paths lead to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the child's folder.
    Relative,
    /// A folder of the host that is not here, and the parent's name.
    SameFolder,
    /// A folder of the host that a map leads here.
    Absolute,
    /// To nothing: the id alone tells.
    Id,
}

/// In which locators of a VHD the path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locators {
    /// UTF-16, Windows.
    Wide,
    /// Eight bits, Windows, if the path is ASCII.
    Narrow,
    /// Only the name in the dynamic header.
    Header,
    /// A URL, as XenServer writes it.
    Url,
}

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its file is taken away.
    Removed,
    /// It wants an id that no disk has.
    WrongId,
}

/// One disk.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark of its own, and any may come with any"
)]
#[derive(Debug, Clone)]
pub struct DiskPlan {
    /// Its parent, scaled to the disks before it.
    pub parent: u16,
    pub folder: usize,
    pub name: usize,
    pub way: Way,
    pub locators: Locators,
    /// Paths are written in capitals.
    pub capitals: bool,
    pub flaw: Flaw,
    /// Which of the format's block sizes.
    pub block: usize,
    /// Sectors more, or fewer, than the base has.
    pub grown: i64,
    /// Seconds since 2000.
    pub created: u32,
    pub creator: usize,
    /// A base holds all sectors in order.
    pub fixed: bool,
    pub hidden: bool,
    pub saved_state: bool,
    pub batmap: bool,
    /// The table is left in the log.
    pub dirty_log: bool,
    /// Runs of sectors, scaled to the disk.
    pub writes: Vec<(u16, u64)>,
    /// Whole blocks, scaled to the disk.
    pub states: Vec<(u16, Payload)>,
}

/// Where it is said which disks a machine uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nowhere.
    Nowhere,
    /// In configurations of 2008 to 2012 R2.
    Xml,
    /// In configurations of 2016 and later.
    Vmcx,
    /// In labels.
    Labels,
}

/// A base with everything above it, and its machine.
#[derive(Debug, Clone)]
pub struct TreePlan {
    pub make: Make,
    pub sectors: u64,
    /// A VHDX of more than two chunks: gibibytes, of which next to nothing is written.
    pub huge: bool,
    /// The base first.
    pub disks: Vec<DiskPlan>,
    pub told: Told,
    /// Which leaf the machine uses, scaled.
    pub leaf: u16,
    /// Which disks below it are frozen, as bits from the parent down.
    pub frozen: u8,
}

/// A store.
#[derive(Debug, Clone)]
pub struct StorePlan {
    pub trees: Vec<TreePlan>,
}

/// Every word a plan can have.
pub const WORDS: [&str; 31] = [
    "vhd",
    "vhdx 512",
    "vhdx 4096",
    "fixed",
    "relative",
    "same folder",
    "absolute",
    "id",
    "wide",
    "narrow",
    "header",
    "url",
    "capitals",
    "removed",
    "wrong id",
    "hidden",
    "saved state",
    "batmap",
    "dirty log",
    "zero",
    "unmapped",
    "undefined",
    "full",
    "larger",
    "smaller",
    "xml",
    "vmcx",
    "labels",
    "frozen",
    "huge",
    "4 levels",
];

impl StorePlan {
    /// The words this plan has.
    pub fn words(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        for tree in &self.trees {
            words.push(match tree.make {
                Make::Vhd => "vhd",
                Make::Vhdx(512) => "vhdx 512",
                Make::Vhdx(_) => "vhdx 4096",
            });
            let told = match tree.told {
                Told::Nowhere => None,
                Told::Xml => Some("xml"),
                Told::Vmcx => Some("vmcx"),
                Told::Labels => Some("labels"),
            };
            words.extend(told);
            let is_vhd = tree.make == Make::Vhd;
            for (at, disk) in tree.disks.iter().enumerate() {
                words.push(match disk.way {
                    Way::Relative => "relative",
                    Way::SameFolder => "same folder",
                    Way::Absolute => "absolute",
                    Way::Id => "id",
                });
                words.push(match disk.locators {
                    Locators::Wide => "wide",
                    Locators::Narrow => "narrow",
                    Locators::Header => "header",
                    Locators::Url => "url",
                });
                words.extend(match disk.flaw {
                    Flaw::None => None,
                    Flaw::Removed => Some("removed"),
                    Flaw::WrongId => Some("wrong id"),
                });
                for (is_so, word) in [
                    (disk.capitals, "capitals"),
                    (disk.fixed && at == 0, "fixed"),
                    (disk.hidden && is_vhd, "hidden"),
                    (disk.saved_state && is_vhd, "saved state"),
                    (disk.batmap && is_vhd, "batmap"),
                    (disk.dirty_log && !is_vhd, "dirty log"),
                    (disk.grown > 0, "larger"),
                    (disk.grown < 0, "smaller"),
                ] {
                    words.extend(is_so.then_some(word));
                }
                words.extend(disk.states.iter().filter(|_| !is_vhd).map(
                    |(_, state)| match state {
                        Payload::Zero => "zero",
                        Payload::Unmapped => "unmapped",
                        Payload::Undefined => "undefined",
                        _ => "full",
                    },
                ));
            }
            let line = tree.line(tree.leaf());
            if line.len() > 3 {
                words.push("4 levels");
            }
            words.extend((!tree.frozen().is_empty()).then_some("frozen"));
            words.extend((tree.huge && !is_vhd).then_some("huge"));
        }
        words
    }
}

impl TreePlan {
    pub fn parent(&self, disk: usize) -> Option<usize> {
        (disk > 0).then(|| usize::from(self.disks[disk].parent) * disk / 65_536)
    }

    /// A disk and those below it.
    pub fn line(&self, disk: usize) -> Vec<usize> {
        std::iter::successors(Some(disk), |disk| self.parent(*disk)).collect()
    }

    /// The disk the machine uses.
    pub fn leaf(&self) -> usize {
        let has_children = |disk| (0..self.disks.len()).any(|of| self.parent(of) == Some(disk));
        let leaves: Vec<_> = (0..self.disks.len())
            .filter(|disk| !has_children(*disk))
            .collect();
        leaves[usize::from(self.leaf) * leaves.len() / 65_536]
    }

    /// The disks that snapshots froze.
    pub fn frozen(&self) -> Vec<usize> {
        let below = self.line(self.leaf()).into_iter().skip(1).enumerate();
        below
            .filter(|(at, _)| *at < 8 && self.frozen >> at & 1 == 1)
            .map(|(_, disk)| disk)
            .collect()
    }
}

fn flaws() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        12 => Just(Flaw::None),
        1 => Just(Flaw::Removed),
        1 => Just(Flaw::WrongId),
    ]
}

fn seldom() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

fn disk_plans() -> impl Strategy<Value = DiskPlan> {
    let places = (
        any::<u16>(),
        0..FOLDERS.len(),
        0..NAMES.len(),
        prop::sample::select(&[Way::Relative, Way::SameFolder, Way::Absolute, Way::Id][..]),
        prop::sample::select(
            &[
                Locators::Wide,
                Locators::Narrow,
                Locators::Header,
                Locators::Url,
            ][..],
        ),
        seldom(),
        flaws(),
    );
    let looks = (
        0..3_usize,
        prop_oneof![3 => Just(0_i64), 1 => -60..60_i64],
        50_000_000..800_000_000_u32,
        0..4_usize,
        prop::bool::ANY,
        seldom(),
        seldom(),
        prop::bool::ANY,
        seldom(),
    );
    let states = prop::sample::select(
        &[
            Payload::Zero,
            Payload::Unmapped,
            Payload::Undefined,
            Payload::Full,
        ][..],
    );
    let content = (
        prop::collection::vec(
            (any::<u16>(), prop_oneof![3 => 1..=7_u64, 1 => 8..=300_u64]),
            0..6,
        ),
        prop::collection::vec((any::<u16>(), states), 0..2),
    );
    (places, looks, content).prop_map(|(places, looks, (writes, states))| {
        let (parent, folder, name, way, locators, capitals, flaw) = places;
        let (block, grown, created, creator, fixed, hidden, saved_state, batmap, dirty_log) = looks;
        DiskPlan {
            parent,
            folder,
            name,
            way,
            locators,
            capitals,
            flaw,
            block,
            grown,
            created,
            creator,
            fixed,
            hidden,
            saved_state,
            batmap,
            dirty_log,
            writes,
            states,
        }
    })
}

fn tree_plans() -> impl Strategy<Value = TreePlan> {
    let makes = [Make::Vhd, Make::Vhd, Make::Vhdx(512), Make::Vhdx(4096)];
    (
        prop::sample::select(makes.to_vec()),
        100..3_000_u64,
        seldom(),
        prop::collection::vec(disk_plans(), 1..7),
        prop::sample::select(&[Told::Nowhere, Told::Xml, Told::Vmcx, Told::Labels][..]),
        any::<u16>(),
        any::<u8>(),
    )
        .prop_map(
            |(make, sectors, huge, disks, told, leaf, frozen)| TreePlan {
                make,
                sectors,
                huge,
                disks,
                told,
                leaf,
                frozen,
            },
        )
}

/// Stores of up to three trees of up to six disks.
pub fn store_plans() -> impl Strategy<Value = StorePlan> {
    prop::collection::vec(tree_plans(), 1..4).prop_map(|trees| StorePlan { trees })
}
