//! From a plan to files, and to what must be read from them: known from the plan alone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::{Payload, VhdxBuilder};

use super::facts::{Facts, Link};
use super::model::{
    DiskPlan, FOLDERS, Flaw, Locators, NAMES, StorePlan, Told, TreePlan, WINDOWS_ROOT, Way,
};
use crate::model::Make;

const VHD_BLOCKS: [u32; 3] = [4096, 64 << 10, 2 << 20];
const VHDX_BLOCKS: [u32; 3] = [1 << 20, 2 << 20, 4 << 20];
const HUGE_BLOCKS: [u32; 3] = [64 << 20, 128 << 20, 256 << 20];
/// Sectors of two chunks of any VHDX.
const TWO_CHUNKS: u64 = 2 << 23;
const VHD_CREATORS: [&[u8; 4]; 4] = [b"win ", b"tap\0", b"qem2", b"vbox"];
const VHDX_CREATORS: [&str; 4] = ["Microsoft Windows 10.0.14393.0", "QEMU v6.2.0", "検証", ""];

/// A disk on its way into a file.
struct Draft<'a> {
    tree: &'a TreePlan,
    plan: &'a DiskPlan,
    /// Number in the store.
    number: usize,
    parent: Option<usize>,
    sectors: u64,
    block_size: u32,
    /// The sectors written.
    written: BTreeSet<u64>,
    /// By block: what the table is to say.
    states: BTreeMap<u64, Payload>,
}

impl<'a> Draft<'a> {
    fn new(tree: &'a TreePlan, first: usize, at: usize) -> Self {
        let plan = &tree.disks[at];
        let huge = if tree.huge && tree.make != Make::Vhd {
            TWO_CHUNKS
        } else {
            0
        };
        let sectors = huge + tree.sectors.saturating_add_signed(plan.grown).max(1);
        let block_size = match tree.make {
            Make::Vhd => VHD_BLOCKS[plan.block],
            Make::Vhdx(_) if huge > 0 => HUGE_BLOCKS[plan.block],
            Make::Vhdx(_) => VHDX_BLOCKS[plan.block],
        };
        let mut draft = Self {
            tree,
            plan,
            number: first + at,
            parent: tree.parent(at).map(|parent| first + parent),
            sectors,
            block_size,
            written: BTreeSet::new(),
            states: BTreeMap::new(),
        };
        for (at, count) in &plan.writes {
            let start = u64::from(*at) * sectors / 65_536;
            draft.written.extend(start..(start + count).min(sectors));
        }
        if draft.is_vhdx() && !draft.is_fixed() {
            for (at, state) in &plan.states {
                let block = u64::from(*at) * draft.blocks() / 65_536;
                draft.states.insert(block, *state);
            }
        }
        draft
    }

    fn is_vhdx(&self) -> bool {
        self.tree.make != Make::Vhd
    }

    fn is_fixed(&self) -> bool {
        self.parent.is_none() && self.plan.fixed
    }

    fn sector_size(&self) -> u32 {
        match self.tree.make {
            Make::Vhd => 512,
            Make::Vhdx(size) => size,
        }
    }

    fn size(&self) -> u64 {
        self.sectors * u64::from(self.sector_size())
    }

    fn per_block(&self) -> u64 {
        u64::from(self.block_size / self.sector_size())
    }

    fn blocks(&self) -> u64 {
        self.sectors.div_ceil(self.per_block())
    }

    fn name(&self) -> String {
        let ending = match (self.is_vhdx(), self.parent.is_some()) {
            (false, false) => "vhd",
            (false, true) => "AVHD",
            (true, false) => "VHDX",
            (true, true) => "avhdx",
        };
        format!("{}-{}.{ending}", NAMES[self.plan.name], self.number)
    }

    fn path(&self) -> String {
        match FOLDERS[self.plan.folder] {
            "" => self.name(),
            folder => format!("{folder}/{}", self.name()),
        }
    }

    /// The id by which children know it.
    fn link_id(&self) -> Uuid {
        Uuid::from_u128(0x0102_0304_0506_4708_890a_0b0c_0d0e_0000 + self.number as u128)
    }

    fn id(&self) -> Uuid {
        if self.is_vhdx() {
            Uuid::from_u128(0x0909_0304_0506_4708_890a_0b0c_0d0e_0000 + self.number as u128)
        } else {
            self.link_id()
        }
    }

    fn id_wanted(&self, parent: &Draft<'_>) -> Uuid {
        match self.plan.flaw {
            Flaw::WrongId => {
                Uuid::from_u128(0xdead_0304_0506_4708_890a_0b0c_0d0e_0000 + self.number as u128)
            }
            Flaw::None | Flaw::Removed => parent.link_id(),
        }
    }

    /// The path to the parent as the child stores it, in Windows' form.
    fn stored_path(&self, parent: &Draft<'_>) -> String {
        let path = match self.plan.way {
            Way::Relative => {
                let up = FOLDERS[self.plan.folder]
                    .split('/')
                    .filter(|name| !name.is_empty());
                if self.plan.folder == parent.plan.folder {
                    format!(r".\{}", parent.name())
                } else {
                    r"..\".repeat(up.count()) + &parent.path().replace('/', r"\")
                }
            }
            Way::SameFolder => format!(r"D:\not here\{}", parent.name()),
            Way::Absolute => format!(r"{WINDOWS_ROOT}\{}", parent.path().replace('/', r"\")),
            Way::Id => format!(r"D:\not here\nothing-{}.vhd", self.number),
        };
        if self.plan.capitals {
            path.to_uppercase()
        } else {
            path
        }
    }

    /// By which rule the parent is found; `None` if by none.
    fn found_by(&self, parent: &Draft<'_>) -> Option<&'static str> {
        let is_beside = self.plan.folder == parent.plan.folder;
        let by_path = match self.plan.way {
            Way::Relative => Some("relative"),
            Way::SameFolder | Way::Absolute if is_beside => Some("same-folder"),
            Way::Absolute => Some("absolute"),
            Way::SameFolder | Way::Id => None,
        };
        by_path.or((self.plan.flaw != Flaw::WrongId).then_some("id"))
    }

    fn write(&self, root: &Path, parent: Option<&Draft<'_>>) {
        let path = root.join(self.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if self.is_vhdx() {
            self.vhdx(parent).build_to(&path).unwrap();
        } else {
            self.vhd(parent).build_to(&path).unwrap();
        }
    }

    fn vhd(&self, parent: Option<&Draft<'_>>) -> VhdBuilder {
        let mut disk = match parent {
            Some(parent) => {
                let path = self.stored_path(parent);
                let disk = VhdBuilder::differencing(self.size());
                let wanted = self.id_wanted(parent).as_u128();
                let is_relative = self.plan.way == Way::Relative;
                let (wide, narrow) = if is_relative {
                    (*b"W2ru", *b"Wi2r")
                } else {
                    (*b"W2ku", *b"Wi2k")
                };
                let nowhere = r"C:\not here\at all.vhd";
                match self.plan.locators {
                    Locators::Narrow if path.is_ascii() => disk
                        .parent(wanted, nowhere)
                        .locator(Locator::new(narrow, path.into_bytes())),
                    Locators::Header => disk.parent(wanted, &path),
                    Locators::Url if is_relative && VHD_CREATORS[self.plan.creator] == b"tap\0" => {
                        let url = format!(
                            "file://./{}",
                            path.replace('\\', "/").trim_start_matches("./")
                        );
                        disk.parent(wanted, nowhere).locator(Locator::url(&url))
                    }
                    Locators::Wide | Locators::Narrow | Locators::Url => {
                        let units: Vec<u8> =
                            path.encode_utf16().flat_map(u16::to_le_bytes).collect();
                        disk.parent(wanted, nowhere)
                            .locator(Locator::new(wide, units))
                    }
                }
            }
            None if self.plan.fixed => VhdBuilder::fixed(self.size()),
            None => VhdBuilder::dynamic(self.size()),
        };
        if !self.is_fixed() {
            disk = disk.block_size(self.block_size as usize);
        }
        disk = disk
            .id(self.id().as_u128())
            .created(self.plan.created)
            .creator(*VHD_CREATORS[self.plan.creator], 0x0001_0003, [0; 4]);
        if self.plan.hidden {
            disk = disk.hidden();
        }
        if self.plan.saved_state {
            disk = disk.saved_state();
        }
        if self.plan.batmap && !self.is_fixed() {
            disk = disk.batmap();
        }
        for sector in &self.written {
            disk.write_more(*sector, &[7; 512]);
        }
        disk
    }

    fn vhdx(&self, parent: Option<&Draft<'_>>) -> VhdxBuilder {
        let mut disk = match parent {
            Some(parent) => {
                let key = match self.plan.way {
                    Way::Relative => "relative_path",
                    Way::SameFolder | Way::Absolute | Way::Id => "absolute_win32_path",
                };
                let path = self.stored_path(parent);
                VhdxBuilder::differencing(self.size())
                    .parent(self.id_wanted(parent), &[(key, &path)])
            }
            None if self.plan.fixed => VhdxBuilder::fixed(self.size()),
            None => VhdxBuilder::dynamic(self.size()),
        };
        disk = disk
            .block_size(self.block_size)
            .sector_size(self.sector_size())
            .creator(VHDX_CREATORS[self.plan.creator])
            .disk_id(self.id())
            .data_write_id(self.link_id());
        for sector in &self.written {
            disk = disk.write(*sector, &vec![7; self.sector_size() as usize]);
        }
        for (block, state) in &self.states {
            disk = disk.state(*block, *state);
        }
        if self.plan.dirty_log && !self.is_fixed() {
            disk = disk.leave_table_in_log();
        }
        disk
    }

    /// Blocks by state (all, full, partial, zero, unmapped, absent, wrong) and dirty sectors.
    fn counts(&self) -> ([u64; 7], Option<u64>) {
        let [mut full, mut partial, mut zero, mut unmapped, mut absent] = [0; 5];
        let mut dirty = 0;
        if self.is_fixed() {
            let all = if self.is_vhdx() { self.blocks() } else { 0 };
            return ([all, all, 0, 0, 0, 0, 0], None);
        }
        for block in 0..self.blocks() {
            let sectors =
                block * self.per_block()..((block + 1) * self.per_block()).min(self.sectors);
            let all = sectors.end - sectors.start;
            let held = self.written.range(sectors).count() as u64;
            let is_whole = self.parent.is_none() || held == all;
            let (of_state, sectors) = match self.states.get(&block) {
                Some(Payload::Zero | Payload::Undefined) => (&mut zero, all),
                Some(Payload::Unmapped) => (&mut unmapped, all),
                None if held == 0 => (&mut absent, 0),
                None if !is_whole => (&mut partial, held),
                _ => (&mut full, all),
            };
            *of_state += 1;
            dirty += sectors;
        }
        (
            [self.blocks(), full, partial, zero, unmapped, absent, 0],
            self.parent.map(|_| dirty),
        )
    }

    fn facts(&self, root: &Path) -> Facts {
        let (blocks, dirty_sectors) = self.counts();
        let kind = match (self.parent, self.plan.fixed) {
            (Some(_), _) => "differencing",
            (None, true) => "fixed",
            (None, false) => "dynamic",
        };
        let epoch: Timestamp = "2000-01-01T00:00:00Z".parse().unwrap();
        let created = epoch + SignedDuration::from_secs(self.plan.created.into());
        let vhd_creator = String::from_utf8_lossy(VHD_CREATORS[self.plan.creator]);
        Facts {
            format: if self.is_vhdx() { "vhdx" } else { "vhd" }.to_owned(),
            kind: kind.to_owned(),
            virtual_size: self.size(),
            file_size: fs::metadata(root.join(self.path())).unwrap().len(),
            block_size: (!self.is_fixed()).then_some(self.block_size),
            sector_size: self.sector_size(),
            blocks,
            dirty_sectors,
            id: self.id().to_string(),
            data_write_id: self.is_vhdx().then(|| self.link_id().to_string()),
            creator: if self.is_vhdx() {
                VHDX_CREATORS[self.plan.creator].to_owned()
            } else {
                vhd_creator.trim_end_matches(['\0', ' ']).to_owned()
            },
            created: (!self.is_vhdx()).then(|| created.to_string()),
            ..Facts::default()
        }
    }
}

/// Writes the store and gives what must be read of it, by path.
pub fn write(plan: &StorePlan, root: &Path) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    let mut first = 0;
    let mut labels = Vec::new();
    for tree in &plan.trees {
        let drafts: Vec<_> = (0..tree.disks.len())
            .map(|at| Draft::new(tree, first, at))
            .collect();
        let parent_of = |draft: &Draft<'_>| draft.parent.map(|number| &drafts[number - first]);
        for draft in &drafts {
            draft.write(root, parent_of(draft));
        }
        let mut facts: Vec<_> = drafts.iter().map(|draft| draft.facts(root)).collect();
        for (at, draft) in drafts.iter().enumerate() {
            if let Some(parent) = parent_of(draft) {
                facts[at].parent = Some(link(draft, parent));
            }
        }
        hang(&drafts, first, &mut facts);
        tell(&drafts, first, &mut facts, root, &mut labels);
        for (draft, facts) in drafts.iter().zip(facts) {
            if draft.plan.flaw == Flaw::Removed {
                fs::remove_file(root.join(draft.path())).unwrap();
            } else {
                all.insert(draft.path(), facts);
            }
        }
        first += drafts.len();
    }
    if !labels.is_empty() {
        let text = serde_json::to_string(&labels).unwrap();
        fs::write(root.join("labels.json"), text).unwrap();
    }
    // What one machine uses is known: of all others it is known that nothing says so.
    if all.values().any(|facts| facts.in_use_by.is_some())
        || plan.trees.iter().any(|tree| tree.told != Told::Nowhere)
    {
        for facts in all.values_mut() {
            facts.in_use_by.get_or_insert_default();
        }
    }
    all
}

fn link(draft: &Draft<'_>, parent: &Draft<'_>) -> Link {
    let id_wanted = Some(draft.id_wanted(parent).to_string());
    let is_there = parent.plan.flaw != Flaw::Removed;
    let by = draft.found_by(parent).filter(|_| is_there);
    let state = match (by, draft.plan.flaw) {
        (None, _) => "missing",
        (Some(_), Flaw::WrongId) => "id-mismatch",
        (Some(_), _) => "ok",
    };
    Link {
        id_wanted,
        resolved: by.map(|_| parent.path()),
        by: by.map(str::to_owned),
        state: state.to_owned(),
    }
}

/// Children, depths and the errors of links.
fn hang(drafts: &[Draft<'_>], first: usize, facts: &mut [Facts]) {
    for at in 0..drafts.len() {
        let Some(link) = facts[at].parent.clone() else {
            continue;
        };
        let error = match link.state.as_str() {
            "missing" => Some("parent-missing"),
            "id-mismatch" => Some("parent-id-mismatch"),
            _ => None,
        };
        facts[at].errors = error.map(str::to_owned).into_iter().collect();
        if link.state == "missing" {
            continue;
        }
        let parent = drafts[at].parent.unwrap() - first;
        let (of_child, of_parent) = (drafts[at].size(), drafts[parent].size());
        let error = match of_child.cmp(&of_parent) {
            Ordering::Less => Some("parent-enlarged"),
            Ordering::Equal => None,
            Ordering::Greater => Some("child-enlarged"),
        };
        let error = error.filter(|_| !is_by_xcpng(drafts, first, facts, at));
        facts[at].errors.extend(error.map(str::to_owned));
        // Parents come first, so theirs are known.
        facts[at].depth = facts[parent].depth + 1;
        if drafts[at].plan.flaw != Flaw::Removed {
            let path = drafts[at].path();
            facts[parent].children.push(path);
            facts[parent].children.sort();
        }
    }
}

/// Whoever made one disk of what hangs together works on all of it.
fn is_by_xcpng(drafts: &[Draft<'_>], first: usize, facts: &[Facts], at: usize) -> bool {
    let top = |mut at: usize| {
        while let Some(link) = &facts[at].parent
            && link.state != "missing"
        {
            at = drafts[at].parent.unwrap() - first;
        }
        at
    };
    let is_by_tap = |draft: &Draft<'_>| {
        !draft.is_vhdx()
            && draft.plan.flaw != Flaw::Removed
            && VHD_CREATORS[draft.plan.creator] == b"tap\0"
    };
    (0..drafts.len()).any(|other| is_by_tap(&drafts[other]) && top(other) == top(at))
}

fn is_sound(facts: &Facts) -> bool {
    facts.parent.as_ref().is_none_or(|link| link.state == "ok")
}

/// Writes who uses what, and notes it.
fn tell(
    drafts: &[Draft<'_>],
    first: usize,
    facts: &mut [Facts],
    root: &Path,
    labels: &mut Vec<serde_json::Value>,
) {
    let tree = drafts[0].tree;
    if tree.told == Told::Nowhere {
        return;
    }
    let machine = format!("TestWin7 検証 {first}");
    let leaf = tree.leaf();
    let on_host = |at: usize| format!(r"{WINDOWS_ROOT}\{}", drafts[at].path().replace('/', r"\"));
    facts[leaf].in_use_by = Some(BTreeSet::from([machine.clone()]));
    let id =
        |number: usize| Uuid::from_u128(0x5a5a_0304_0506_4708_890a_0b0c_0d0e_0000 + number as u128);
    let put = |folder: &str, config: &HypervConfig| {
        let (ending, bytes) = match tree.told {
            Told::Xml => ("xml", config.xml()),
            _ => ("vmcx", config.vmcx()),
        };
        let folder = root.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.{ending}", config.id)), bytes).unwrap();
    };
    if tree.told == Told::Labels {
        labels.push(serde_json::json!({ "Name": machine, "Disks": on_host(leaf) }));
    } else {
        let config = HypervConfig::new(id(first * 100), &machine, &on_host(leaf));
        put("Virtual Machines", &config);
    }
    for at in tree.frozen() {
        // What is nobody's parent for sure is not frozen; XCP-ng's rules would look for what is.
        let is_sound_child = |of: usize| {
            drafts[of].parent == Some(first + at)
                && drafts[of].plan.flaw != Flaw::Removed
                && is_sound(&facts[of])
        };
        if !(0..drafts.len()).any(is_sound_child) {
            continue;
        }
        let name = format!("before 更新 {}", first + at);
        // Labels name the machine; a configuration's is found along sound links.
        let mut way = tree.line(leaf).into_iter().take_while(|disk| *disk != at);
        let is_there = drafts[leaf].plan.flaw != Flaw::Removed;
        let is_led_to = is_there && way.all(|disk| is_sound(&facts[disk]));
        let is_known = tree.told == Told::Labels || is_led_to;
        let of = is_known.then(|| machine.clone());
        facts[at].snapshots.insert((name.clone(), of));
        if tree.told == Told::Labels {
            labels.push(serde_json::json!({
                "VMName": machine,
                "Name": name,
                "CreationTime": "2015-04-01T10:00:00Z",
                "Disks": [on_host(at)],
            }));
        } else {
            let config = HypervConfig::new(id(first * 100 + at + 1), &name, &on_host(at));
            put("Snapshots", &config);
        }
    }
}
