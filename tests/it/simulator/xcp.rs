//! A random history of one disk in an XCP-ng storage repository of files, without any word from its pool.
//!
//! Stamps are by the host's clock (once by its local time), last writes by the file server's. A snapshot makes the disk in use a
//! hidden base with two new children; a revert makes both children again (the old way) or the one in use (in place).

use std::path::Path;

use jiff::Timestamp;
use vhdtree::build::vhd::{Locator, VhdBuilder};

use super::hyperv::{Truth, What};
use super::random::Random;
use super::write::touch;

const SIZE: u64 = 4 << 20;
const EPOCH_2000: i64 = 946_684_800;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Base,
    BySnapshot,
    ByRevert,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own")]
#[derive(Debug, Clone)]
pub struct Vdi {
    pub name: u64,
    id: u64,
    parent: Option<usize>,
    made: i64,
    how: Made,
    written: i64,
    parent_written: i64,
    hidden: bool,
    holds_data: bool,
    /// A snapshot's own disk.
    is_snapshot: bool,
    /// Made by a snapshot of a disk that held nothing: it stands on the base of the snapshot before.
    shares_base: bool,
    alive: bool,
}

pub struct Repository {
    pub vdis: Vec<Vdi>,
    active: usize,
    clock: i64,
    /// The host's clock against the file server's, in seconds.
    ahead: i64,
    /// The host stamped its local time.
    local: bool,
    running: bool,
    copied_without_times: bool,
    names: u64,
    pub story: Vec<String>,
}

impl Repository {
    pub fn random(random: &mut Random) -> Self {
        let clock = 1_262_304_000 + random.range(0, 11 * 365 * 86_400);
        let local = random.percent(12);
        let ahead = match random.below(4) {
            _ if local => *random.pick(&[9 * 3_600, -5 * 3_600, 3_600, 5 * 3_600 + 1_800]),
            0 => random.range(3, 4_000),
            _ => 0,
        };
        let mut all = Self {
            vdis: Vec::new(),
            active: 0,
            clock,
            ahead,
            local,
            running: true,
            copied_without_times: false,
            names: random.next(),
            story: Vec::new(),
        };
        all.active = all.vdi(None, Made::Base);
        let seconds = random.range(600, 40 * 86_400);
        all.pass(seconds);
        for _ in 0..random.range(2, 11) {
            let pause = random.pause();
            all.pass(pause);
            all.act(random);
        }
        if !all.vdis.iter().any(|vdi| vdi.alive && vdi.is_snapshot) {
            all.snapshot();
        }
        let pause = random.pause();
        all.pass(pause);
        if random.percent(20) {
            let with_times = random.percent(50);
            all.copy(with_times);
        }
        all
    }

    fn tell(&mut self, what: &str) {
        let at = Timestamp::from_second(self.clock).unwrap();
        self.story.push(format!("{at} {what}"));
    }

    fn new_name(&mut self) -> u64 {
        self.names = self
            .names
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.names
    }

    fn vdi(&mut self, parent: Option<usize>, how: Made) -> usize {
        let name = self.new_name();
        let id = self.new_name();
        let parent_written = parent.map_or(0, |parent| self.vdis[parent].written);
        self.vdis.push(Vdi {
            name,
            id,
            parent,
            made: self.clock,
            how,
            written: self.clock,
            parent_written,
            hidden: false,
            holds_data: false,
            is_snapshot: false,
            shares_base: false,
            alive: true,
        });
        self.vdis.len() - 1
    }

    fn pass(&mut self, seconds: i64) {
        self.clock += seconds;
        if self.running {
            self.vdis[self.active].written = self.clock;
            self.vdis[self.active].holds_data = true;
        }
    }

    fn children(&self, base: usize) -> Vec<usize> {
        (0..self.vdis.len())
            .filter(|at| self.vdis[*at].alive && self.vdis[*at].parent == Some(base))
            .collect()
    }

    fn act(&mut self, random: &mut Random) {
        let snapshots: Vec<usize> = (0..self.vdis.len())
            .filter(|at| self.vdis[*at].alive && self.vdis[*at].is_snapshot)
            .collect();
        match random.below(100) {
            0..20 => {
                self.running = !self.running;
                self.tell(if self.running {
                    "started"
                } else {
                    "switched off"
                });
                self.pass(0);
            }
            20..55 if snapshots.len() < 4 => self.snapshot(),
            55..80 if !snapshots.is_empty() => {
                let to = *random.pick(&snapshots);
                let in_place = random.percent(30);
                self.revert(to, in_place);
                self.running = random.percent(70);
                let seconds = random.range(0, 300);
                self.pass(seconds);
            }
            80..95 if !snapshots.is_empty() => {
                let gone = *random.pick(&snapshots);
                self.delete(gone, random);
            }
            _ => {}
        }
    }

    fn snapshot(&mut self) {
        self.tell("snapshot");
        let old = self.active;
        // One that holds nothing vanishes: its children stand on what it stood on.
        let base = match self.vdis[old].parent {
            Some(parent) if !self.vdis[old].holds_data => {
                self.vdis[old].alive = false;
                parent
            }
            _ => {
                self.vdis[old].hidden = true;
                old
            }
        };
        let in_use = self.vdi(Some(base), Made::BySnapshot);
        let leaf = self.vdi(Some(base), Made::BySnapshot);
        self.vdis[in_use].name = self.vdis[old].name;
        self.vdis[in_use].shares_base = base != old;
        if base == old {
            // Both children are made first, then the mark is set.
            self.vdis[old].name = self.new_name();
            self.clock += 1;
            self.vdis[old].written = self.clock;
        }
        self.vdis[leaf].is_snapshot = true;
        self.active = in_use;
        self.pass(0);
    }

    fn revert(&mut self, to: usize, in_place: bool) {
        self.tell(if in_place {
            "revert, in place"
        } else {
            "revert"
        });
        let base = self.vdis[to].parent.unwrap();
        let name = self.vdis[self.active].name;
        self.vdis[self.active].alive = false;
        self.active = self.vdi(Some(base), Made::ByRevert);
        if in_place {
            self.vdis[self.active].name = name;
        } else {
            let leaf = self.vdi(Some(base), Made::ByRevert);
            self.vdis[leaf].is_snapshot = true;
            self.vdis[leaf].name = self.vdis[to].name;
            self.vdis[to].alive = false;
        }
        self.collect();
    }

    fn delete(&mut self, snapshot: usize, random: &mut Random) {
        self.tell("a snapshot is deleted");
        self.vdis[snapshot].alive = false;
        // The collector comes by in its own time.
        let seconds = random.range(5, 4_000);
        self.pass(seconds);
        self.collect();
    }

    /// Bases with one child are coalesced; those with none are removed.
    fn collect(&mut self) {
        loop {
            let next = (0..self.vdis.len()).find_map(|base| {
                if !self.vdis[base].alive || !self.vdis[base].hidden {
                    return None;
                }
                match self.children(base).as_slice() {
                    [] => Some((base, None)),
                    [child] if self.vdis[*child].hidden || *child == self.active => {
                        Some((base, Some(*child)))
                    }
                    _ => None,
                }
            });
            match next {
                None => return,
                Some((base, None)) => self.vdis[base].alive = false,
                Some((base, Some(child))) => self.coalesce(base, child),
            }
        }
    }

    fn coalesce(&mut self, base: usize, child: usize) {
        self.vdis[base].written = self.clock;
        self.vdis[base].holds_data |= self.vdis[child].holds_data;
        self.vdis[child].alive = false;
        if child == self.active {
            // The base takes the place and the name of the leaf.
            self.vdis[base].hidden = false;
            self.vdis[base].name = self.vdis[child].name;
            self.active = base;
            return;
        }
        for grandchild in self.children(child) {
            self.vdis[grandchild].parent = Some(base);
            self.vdis[grandchild].parent_written = self.clock;
            self.vdis[grandchild].written = self.vdis[grandchild].written.max(self.clock);
        }
    }

    fn copy(&mut self, with_times: bool) {
        self.tell(if with_times {
            "copied, with times"
        } else {
            "copied, without times"
        });
        if !with_times {
            self.copied_without_times = true;
            for vdi in self.vdis.iter_mut().filter(|vdi| vdi.alive) {
                vdi.written = self.clock;
            }
        }
    }

    pub fn kind(&self) -> &'static str {
        match (self.local, self.ahead != 0, self.copied_without_times) {
            (true, _, false) => "xcp local stamps",
            (false, true, false) => "xcp clocks differ",
            (false, false, false) => "xcp",
            (_, _, true) => "xcp copied-no-times",
        }
    }

    pub fn file_name(&self, vdi: usize) -> String {
        let name = self.vdis[vdi].name;
        format!(
            "{:08x}-0000-4000-8000-{:012x}.vhd",
            name >> 32,
            name & 0xffff_ffff_ffff
        )
    }

    pub fn write(&self, root: &Path) {
        for at in (0..self.vdis.len()).filter(|at| self.vdis[*at].alive) {
            let vdi = &self.vdis[at];
            let builder = match vdi.parent {
                None => VhdBuilder::dynamic(SIZE),
                Some(parent) => {
                    let name = self.file_name(parent);
                    let seconds = u32::try_from(vdi.parent_written - EPOCH_2000).unwrap();
                    VhdBuilder::differencing(SIZE)
                        .parent(u128::from(self.vdis[parent].id), &name)
                        .parent_timestamp(seconds)
                        .locator(Locator::relative(&format!("./{name}")))
                }
            };
            let mut builder = builder
                .by_xenserver()
                .block_size(512 << 10)
                .id(u128::from(vdi.id))
                .created_at(Timestamp::from_second(vdi.made + self.ahead).unwrap());
            if vdi.hidden {
                builder = builder.hidden();
            }
            if vdi.holds_data {
                builder = builder.write(5 + at as u64 * 9, &[7; 2 * 512]);
            }
            let path = root.join(self.file_name(at));
            builder.build_to(&path).unwrap();
            touch(&path, vdi.written);
        }
    }

    /// Bases below the disk in use that a snapshot stands on: base, and what is true of it.
    pub fn asked(&self) -> Vec<(usize, Truth)> {
        let mut asked = Vec::new();
        let mut above = self.active;
        while let Some(base) = self.vdis[above].parent {
            let has_snapshot = self
                .children(base)
                .iter()
                .any(|at| self.vdis[*at].is_snapshot);
            if has_snapshot {
                let what = if self.vdis[above].how == Made::ByRevert {
                    self.hidden(base, above)
                        .map_or(What::Reverted, What::Hidden)
                } else if self.vdis[above].shares_base && self.children(base).len() == 2 {
                    What::LooksReverted
                } else {
                    What::Never
                };
                asked.push((base, Truth { what, loses: false }));
            }
            above = base;
        }
        asked
    }

    fn hidden(&self, base: usize, above: usize) -> Option<&'static str> {
        let near = |a: i64, b: i64| (a - b).abs() <= 5 * 60;
        let made = self.vdis[above].made;
        if near(made, self.vdis[base].written) && !self.copied_without_times {
            return Some("within the slack");
        }
        if near(made, self.vdis[above].parent_written) {
            return Some("within the slack");
        }
        None
    }
}
