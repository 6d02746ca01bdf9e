//! Hyper-V machines, their disks and snapshots, and what is done to them: the truth, and every trace it leaves.
//!
//! Times are what the host's clock showed: a clock may be stepped, and then so are they.

use super::random::Random;

/// How a disk came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// With its machine.
    Base,
    /// By this snapshot.
    Snapshot(usize),
    /// By applying this snapshot.
    Apply(usize),
    /// By a backup, which left it behind.
    Backup,
}

#[derive(Debug, Clone)]
pub struct SimDisk {
    pub name: String,
    pub parent: Option<usize>,
    pub origin: Origin,
    /// Footer stamp, UTC by the host's clock.
    pub stamp: i64,
    /// Birth on the host's file system.
    pub born: i64,
    /// Last write.
    pub written: i64,
    pub holds_data: bool,
    pub alive: bool,
    /// Its age is that of a conversion of the whole chain, not of its making.
    pub converted: bool,
}

#[derive(Debug, Clone)]
pub struct SimSnapshot {
    pub name: String,
    pub machine: usize,
    pub disks: Vec<usize>,
    /// When the host says it was taken.
    pub taken: i64,
    /// Last write of its memory file, if the machine ran.
    pub memory: Option<i64>,
    pub config_born: i64,
    pub config_written: i64,
    pub generation: u64,
    pub parent: Option<usize>,
    pub alive: bool,
}

#[derive(Debug, Clone)]
pub struct SimMachine {
    pub name: String,
    pub now: Vec<usize>,
    pub running: bool,
    pub generation: u64,
    /// Applied, and not started since: the id is the snapshot's still.
    pub stale_generation: bool,
    pub under: Option<usize>,
    /// Snapshots deleted while the machine ran, where that only merges once it is off.
    pub pending: Vec<usize>,
    pub config_written: i64,
}

/// What became of the files' times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copied {
    #[default]
    Never,
    WithTimes,
    WithoutTimes,
}

#[derive(Debug, Clone)]
pub struct World {
    pub random_id: u64,
    /// What the host's clock shows.
    pub clock: i64,
    pub disks: Vec<SimDisk>,
    pub snapshots: Vec<SimSnapshot>,
    pub machines: Vec<SimMachine>,
    pub copied: Copied,
    /// 2008 and 2008 R2: a merge waits until the machine is off.
    pub merges_when_off: bool,
    /// Acts, for a person who reads a failure.
    pub story: Vec<String>,
}

impl World {
    pub fn new(random: &mut Random, merges_when_off: bool) -> Self {
        // 2009 to 2021: all within the lives of the formats.
        let clock = 1_230_800_000 + random.range(0, 12 * 365 * 86_400);
        Self {
            random_id: random.next(),
            clock,
            disks: Vec::new(),
            snapshots: Vec::new(),
            machines: Vec::new(),
            copied: Copied::Never,
            merges_when_off,
            story: Vec::new(),
        }
    }

    fn tell(&mut self, what: &str) {
        self.story.push(format!(
            "{} {what}",
            jiff::Timestamp::from_second(self.clock).unwrap()
        ));
    }

    pub fn disk(&mut self, name: String, parent: Option<usize>, origin: Origin) -> usize {
        self.disks.push(SimDisk {
            name,
            parent,
            origin,
            stamp: self.clock,
            born: self.clock,
            written: self.clock,
            holds_data: parent.is_none(),
            alive: true,
            converted: false,
        });
        self.disks.len() - 1
    }

    pub fn machine(&mut self, name: &str, disks: Vec<usize>) -> usize {
        let generation = self.new_generation();
        self.machines.push(SimMachine {
            name: name.to_owned(),
            now: disks,
            running: true,
            generation,
            stale_generation: false,
            under: None,
            pending: Vec::new(),
            config_written: self.clock,
        });
        self.tell(&format!("{name} is made"));
        self.machines.len() - 1
    }

    fn new_generation(&mut self) -> u64 {
        self.random_id = self
            .random_id
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.random_id
    }

    fn child(&mut self, parent: usize, origin: Origin) -> usize {
        let id = self.new_generation();
        let stem = self.disks[self.base_of(parent)].name.clone();
        self.disk(
            format!("{stem}_{id:08X}-0000-4000-8000-{:012X}", id >> 20),
            Some(parent),
            origin,
        )
    }

    pub fn base_of(&self, disk: usize) -> usize {
        let mut at = disk;
        while let Some(parent) = self.disks[at].parent {
            at = parent;
        }
        at
    }

    /// From a disk down to its base.
    pub fn line(&self, disk: usize) -> Vec<usize> {
        let mut line = vec![disk];
        while let Some(parent) = self.disks[*line.last().unwrap()].parent {
            line.push(parent);
        }
        line
    }

    pub fn children(&self, disk: usize) -> Vec<usize> {
        (0..self.disks.len())
            .filter(|at| self.disks[*at].alive && self.disks[*at].parent == Some(disk))
            .collect()
    }

    /// Time passes; what runs writes on.
    pub fn pass(&mut self, seconds: i64) {
        self.clock += seconds;
        for machine in 0..self.machines.len() {
            if self.machines[machine].running {
                self.write(machine);
            }
        }
    }

    fn write(&mut self, machine: usize) {
        for disk in self.machines[machine].now.clone() {
            self.disks[disk].written = self.clock;
            self.disks[disk].holds_data = true;
        }
    }

    pub fn switch(&mut self, machine: usize) {
        if self.machines[machine].running {
            self.machines[machine].running = false;
            self.tell(&format!(
                "{} is switched off",
                self.machines[machine].name.clone()
            ));
            for snapshot in std::mem::take(&mut self.machines[machine].pending) {
                self.merge(machine, snapshot);
            }
        } else {
            self.machines[machine].running = true;
            if self.machines[machine].stale_generation {
                self.machines[machine].generation = self.new_generation();
                self.machines[machine].stale_generation = false;
            }
            self.tell(&format!(
                "{} is started",
                self.machines[machine].name.clone()
            ));
            self.write(machine);
        }
        self.machines[machine].config_written = self.clock;
    }

    pub fn snapshot(&mut self, random: &mut Random, machine: usize, name: String) -> usize {
        let frozen = self.machines[machine].now.clone();
        let at = self.snapshots.len();
        let running = self.machines[machine].running;
        self.tell(&format!(
            "{} takes {name:?}{}",
            self.machines[machine].name,
            if running { ", running" } else { "" }
        ));
        let taken = self.clock;
        let now: Vec<usize> = frozen
            .iter()
            .map(|disk| self.child(*disk, Origin::Snapshot(at)))
            .collect();
        self.clock += random.range(0, 1);
        for disk in &now {
            self.disks[*disk].stamp = self.clock;
            self.disks[*disk].born = self.clock;
            self.disks[*disk].written = self.clock;
        }
        let memory = running.then(|| self.clock + random.range(1, 100));
        self.snapshots.push(SimSnapshot {
            name,
            machine,
            disks: frozen,
            taken,
            memory,
            config_born: self.clock,
            config_written: self.clock,
            generation: self.machines[machine].generation,
            parent: self.machines[machine].under,
            alive: true,
        });
        self.machines[machine].now = now;
        self.machines[machine].under = Some(at);
        self.machines[machine].config_written = self.clock;
        at
    }

    pub fn apply(&mut self, machine: usize, snapshot: usize) {
        self.tell(&format!(
            "{} is set back to {:?}",
            self.machines[machine].name, self.snapshots[snapshot].name
        ));
        for disk in self.machines[machine].now.clone() {
            if self.children(disk).is_empty() && self.owners(disk) == 0 {
                self.disks[disk].alive = false;
            }
        }
        let frozen = self.snapshots[snapshot].disks.clone();
        let now: Vec<usize> = frozen
            .iter()
            .map(|disk| self.child(*disk, Origin::Apply(snapshot)))
            .collect();
        let with_memory = self.snapshots[snapshot].memory.is_some();
        let machine = &mut self.machines[machine];
        machine.now = now;
        machine.under = Some(snapshot);
        machine.generation = self.snapshots[snapshot].generation;
        machine.stale_generation = true;
        machine.config_written = self.clock;
        // Saved with memory, off without: somebody starts it, or does not.
        machine.running = false;
        let _ = with_memory;
    }

    /// Snapshots that name a disk.
    pub fn owners(&self, disk: usize) -> usize {
        let named = self
            .snapshots
            .iter()
            .filter(|snapshot| snapshot.alive && snapshot.disks.contains(&disk));
        named.count()
    }

    pub fn delete(&mut self, snapshot: usize) {
        let machine = self.snapshots[snapshot].machine;
        self.tell(&format!(
            "{:?} is deleted",
            self.snapshots[snapshot].name.clone()
        ));
        self.snapshots[snapshot].alive = false;
        let parent = self.snapshots[snapshot].parent;
        for other in &mut self.snapshots {
            if other.parent == Some(snapshot) {
                other.parent = parent;
            }
        }
        if self.machines[machine].under == Some(snapshot) {
            self.machines[machine].under = parent;
        }
        if self.merges_when_off && self.machines[machine].running {
            self.machines[machine].pending.push(snapshot);
        } else {
            self.merge(machine, snapshot);
        }
        self.machines[machine].config_written = self.clock;
    }

    fn merge(&mut self, machine: usize, snapshot: usize) {
        for disk in self.snapshots[snapshot].disks.clone() {
            if !self.disks[disk].alive || self.owners(disk) > 0 {
                continue;
            }
            match self.children(disk).as_slice() {
                [] if self
                    .machines
                    .iter()
                    .all(|machine| !machine.now.contains(&disk)) =>
                {
                    self.disks[disk].alive = false;
                }
                [child] => self.merge_child(machine, *child, disk),
                _ => {}
            }
        }
    }

    fn merge_child(&mut self, _machine: usize, child: usize, into: usize) {
        self.disks[into].written = self.clock;
        self.disks[into].holds_data |= self.disks[child].holds_data;
        self.disks[child].alive = false;
        for grandchild in 0..self.disks.len() {
            if self.disks[grandchild].alive && self.disks[grandchild].parent == Some(child) {
                self.disks[grandchild].parent = Some(into);
                // Its header is written anew.
                self.disks[grandchild].written = self.disks[grandchild].written.max(self.clock);
            }
        }
        let clock = self.clock;
        for snapshot in &mut self.snapshots {
            if snapshot.alive && snapshot.disks.contains(&child) {
                snapshot.config_written = clock;
            }
            for disk in &mut snapshot.disks {
                if *disk == child {
                    *disk = into;
                }
            }
        }
        for machine in &mut self.machines {
            for disk in &mut machine.now {
                if *disk == child {
                    *disk = into;
                }
            }
        }
    }

    pub fn rename(&mut self, snapshot: usize, name: String) {
        self.tell(&format!(
            "{:?} is renamed {name:?}",
            self.snapshots[snapshot].name
        ));
        self.snapshots[snapshot].name = name;
        self.snapshots[snapshot].config_written = self.clock;
    }

    pub fn step_clock(&mut self, by: i64) {
        self.tell(&format!("the clock is stepped by {by} s"));
        self.clock += by;
    }

    /// The machine is imported, restored or failed over: a new id, and nothing else.
    pub fn import(&mut self, machine: usize) {
        self.tell(&format!(
            "{} is imported in place",
            self.machines[machine].name
        ));
        self.machines[machine].generation = self.new_generation();
    }

    /// Every disk of every machine is made anew, from the base up, each child as its parent is done.
    pub fn convert(&mut self, random: &mut Random) {
        self.tell("all disks are converted");
        let mut order: Vec<usize> = (0..self.disks.len())
            .filter(|at| self.disks[*at].alive)
            .collect();
        order.sort_by_key(|at| self.line(*at).len());
        for disk in order {
            self.disks[disk].stamp = self.clock;
            self.disks[disk].born = self.clock;
            self.clock += random.range(1, 600);
            self.disks[disk].written = self.clock;
            self.disks[disk].converted = true;
        }
    }

    /// All files are copied to another place, where the machines go on; or that is where the story ends.
    pub fn copy(&mut self, random: &mut Random, with_times: bool) {
        self.tell(if with_times {
            "all files are copied, with their times"
        } else {
            "all files are copied, without their times"
        });
        let copied = if with_times {
            Copied::WithTimes
        } else {
            Copied::WithoutTimes
        };
        self.copied = self.copied.max(copied);
        for disk in 0..self.disks.len() {
            if self.disks[disk].alive {
                self.clock += random.range(0, 1);
                self.disks[disk].born = self.clock;
                if !with_times {
                    self.disks[disk].written = self.clock;
                }
            }
        }
        for snapshot in &mut self.snapshots {
            snapshot.config_born = self.clock;
            if !with_times {
                snapshot.config_written = self.clock;
                snapshot.memory = snapshot.memory.map(|_| self.clock);
            }
        }
        if !with_times {
            for machine in &mut self.machines {
                machine.config_written = self.clock;
            }
        }
    }

    /// A backup makes a disk on top and leaves it there.
    pub fn backup(&mut self, machine: usize) {
        self.tell(&format!(
            "a backup of {} leaves its disk behind",
            self.machines[machine].name
        ));
        let now: Vec<usize> = self.machines[machine].now.clone();
        let new: Vec<usize> = now
            .iter()
            .map(|disk| {
                let child = self.child(*disk, Origin::Backup);
                self.disks[child].name.push_str("-AutoRecovery");
                child
            })
            .collect();
        self.machines[machine].now = new;
    }
}
