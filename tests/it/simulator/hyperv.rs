//! A random history of one or two machines, and what is true of each snapshot at its end.

use super::random::Random;
use super::world::{Copied, Origin, World};
use super::write::{Dates, DiskFormat, Shown};

/// A history and how it is shown.
pub struct History {
    pub world: World,
    pub shown: Shown,
}

/// What is true of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    pub what: What,
    /// A delete would lose data that is nowhere else, or break another machine.
    pub loses: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The disk above is the snapshot's own, and no other child of its disk shows an apply.
    Never,
    /// The disk above is the snapshot's own; another branch shows that it was applied once.
    OnAnotherBranch,
    /// The disk above was made by applying it, and the store shows that.
    Reverted,
    /// The same, but an innocent history would have left the very same traces: why.
    Hidden(&'static str),
    /// It never was, but a revert in place would have left the very same files.
    LooksReverted,
    /// What the machine uses now does not come from it.
    OffLine,
}

const SLACK: i64 = 5 * 60;

pub fn history(random: &mut Random) -> History {
    let format = *random.pick(&[DiskFormat::Vhd, DiskFormat::Vhdx]);
    let dates = *random.pick(&[
        Dates::Zoned,
        Dates::Zoned,
        Dates::ZoneLess,
        Dates::Undated,
        Dates::Configs {
            memory: true,
            default_names: false,
        },
        Dates::Configs {
            memory: false,
            default_names: true,
        },
        Dates::Configs {
            memory: true,
            default_names: true,
        },
        Dates::DatedConfigs,
    ]);
    let shown = Shown {
        format,
        dates,
        listing: random.percent(60),
        zone: *random.pick(&[
            0,
            3_600,
            -5 * 3_600,
            9 * 3_600,
            5 * 3_600 + 1_800,
            5 * 3_600 + 2_700,
            -8 * 3_600,
        ]),
        summer: random.percent(50),
        generations: format == DiskFormat::Vhdx || random.percent(30),
    };
    let old = format == DiskFormat::Vhd && !shown.generations;
    let waits = old && random.percent(70);
    let mut world = World::new(random, waits);
    populate(random, &mut world);
    let acts = random.range(3, 14);
    for _ in 0..acts {
        let pause = random.pause();
        world.pass(pause);
        act(random, &mut world, &shown);
    }
    if world.snapshots.iter().all(|snapshot| !snapshot.alive) {
        let name = new_name(&world, &shown, 0);
        world.snapshot(random, 0, name);
    }
    let pause = random.pause();
    world.pass(pause);
    if random.percent(15) {
        let with_times = random.percent(60);
        world.copy(random, with_times);
    }
    History { world, shown }
}

fn populate(random: &mut Random, world: &mut World) {
    let base = world.disk("web01".to_owned(), None, Origin::Base);
    let mut disks = vec![base];
    if random.percent(30) {
        disks.push(world.disk("web01-data".to_owned(), None, Origin::Base));
    }
    world.pass(random.range(3_600, 90 * 86_400));
    let clones = random.percent(15);
    if clones {
        // Linked clones: each machine on a child of its own, made by hand; or one of them on the image itself.
        let first = world.disk("clone-a".to_owned(), Some(base), Origin::Base);
        world.machine("web01", vec![first]);
        world.pass(random.range(60, 86_400));
        let second = if random.percent(50) {
            world.disk("clone-b".to_owned(), Some(base), Origin::Base)
        } else {
            base
        };
        let other = world.machine("web02", vec![second]);
        world.machines[other].running = false;
    } else {
        world.machine("web01", disks);
    }
}

fn new_name(world: &World, shown: &Shown, machine: usize) -> String {
    let number = world.snapshots.len();
    if !matches!(
        shown.dates,
        Dates::Configs {
            default_names: true,
            ..
        }
    ) {
        return format!("s{number}");
    }
    let local = jiff::Timestamp::from_second(shown.local(world.clock))
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC);
    let (half, hour) = match local.hour() {
        0 => ("AM", 12),
        hour @ 1..12 => ("AM", hour),
        12 => ("PM", 12),
        hour => ("PM", hour - 12),
    };
    // As Hyper-V names one in the United States.
    format!(
        "{} ({}/{}/{} - {hour}:{:02}:{:02} {half})",
        world.machines[machine].name,
        local.month(),
        local.day(),
        local.year(),
        local.minute(),
        local.second()
    )
}

fn stands_alone(world: &World, machine: usize) -> bool {
    let mut now = world.machines[machine].now.iter();
    now.all(|disk| world.children(*disk).is_empty())
}

fn act(random: &mut Random, world: &mut World, shown: &Shown) {
    let machine = random.below(world.machines.len());
    let own: Vec<usize> = (0..world.snapshots.len())
        .filter(|at| world.snapshots[*at].alive && world.snapshots[*at].machine == machine)
        .collect();
    match random.below(100) {
        0..20 => world.switch(machine),
        // On the image itself nobody takes a snapshot while others stand on it.
        20..48 if own.len() < 5 && stands_alone(world, machine) => {
            let name = new_name(world, shown, machine);
            world.snapshot(random, machine, name);
        }
        48..68 if !own.is_empty() => {
            // Most often a plain revert; else any snapshot, the state before kept or not.
            let under = world.machines[machine]
                .under
                .filter(|under| own.contains(under));
            let target = match under {
                Some(under) if random.percent(65) => under,
                _ => *random.pick(&own),
            };
            if random.percent(15) {
                let name = new_name(world, shown, machine);
                world.snapshot(random, machine, name);
                let seconds = random.range(1, 60);
                world.pass(seconds);
            }
            world.apply(machine, target);
            if random.percent(70) {
                let seconds = random.range(0, 600);
                world.pass(seconds);
                if !world.machines[machine].running {
                    world.switch(machine);
                }
            }
        }
        68..80 if !own.is_empty() => {
            let target = *random.pick(&own);
            world.delete(target);
        }
        80..85
            if !own.is_empty()
                && !matches!(
                    shown.dates,
                    Dates::Configs {
                        default_names: true,
                        ..
                    }
                ) =>
        {
            let target = *random.pick(&own);
            world.rename(target, format!("renamed{target}"));
        }
        85..89 => {
            let by = random.range(-2 * 86_400, 2 * 86_400);
            world.step_clock(if random.percent(50) { by } else { by / 1_000 });
        }
        89..92 if world.machines.iter().all(|machine| !machine.running) => world.convert(random),
        92..95 => world.import(machine),
        95..97 => {
            let with_times = random.percent(70);
            world.copy(random, with_times);
        }
        97..98 => world.backup(machine),
        _ => {}
    }
}

impl History {
    /// What is true of a living snapshot.
    pub fn truth(&self, at: usize) -> Truth {
        let world = &self.world;
        let snapshot = &world.snapshots[at];
        let machine = &world.machines[snapshot.machine];
        let mut what = What::OffLine;
        let mut loses = false;
        for disk in &snapshot.disks {
            let above = machine.now.iter().find_map(|now| {
                let line = world.line(*now);
                let place = line.iter().position(|at| at == disk)?;
                place.checked_sub(1).map(|above| line[above])
            });
            let here = above.map_or(What::OffLine, |above| self.what(at, *disk, above));
            what = worse(what, here);
            loses |= self.loses(at, *disk, above);
        }
        Truth { what, loses }
    }

    fn what(&self, at: usize, disk: usize, above: usize) -> What {
        let world = &self.world;
        if matches!(world.disks[above].origin, Origin::Apply(_)) {
            return match self.hidden(at, above) {
                Some(why) => What::Hidden(why),
                None => What::Reverted,
            };
        }
        let applied = world
            .children(disk)
            .into_iter()
            .any(|child| child != above && matches!(world.disks[child].origin, Origin::Apply(_)));
        if applied {
            What::OnAnotherBranch
        } else {
            What::Never
        }
    }

    /// A delete would take data that is nowhere else, or the ground from under another machine.
    fn loses(&self, at: usize, disk: usize, above: Option<usize>) -> bool {
        let world = &self.world;
        let machine = world.snapshots[at].machine;
        let children = world.children(disk);
        // Nothing stands on it, and it goes with all that it holds.
        let dead_end = above.is_none()
            && children.is_empty()
            && world.disks[disk].holds_data
            && world.owners(disk) == 1
            && !world.machines[machine].now.contains(&disk);
        let others = world
            .machines
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != machine);
        let breaks = others.into_iter().any(|(_, other)| {
            other.now.iter().any(|now| {
                // The engine merges for the machine it is asked about, and knows nothing of the other.
                world.line(*now).contains(&disk) && above.is_some()
            })
        });
        dead_end || breaks
    }

    /// Why nothing in the store tells this revert from an innocent history, if nothing does.
    fn hidden(&self, at: usize, above: usize) -> Option<&'static str> {
        let world = &self.world;
        let snapshot = &world.snapshots[at];
        let x = &world.disks[above];
        let age_shown = !x.converted
            && match self.shown.format {
                DiskFormat::Vhd => true,
                DiskFormat::Vhdx => self.shown.listing && x.born == x.stamp,
            };
        if !age_shown {
            return Some("the age of the disk above is lost");
        }
        let made = x.stamp;
        let gap = made - snapshot.taken;
        if gap.abs() <= SLACK {
            return Some("within the slack");
        }
        // A memory file is written up to minutes after the pause, and that is what the date is then.
        if let Dates::Configs {
            memory: true,
            default_names,
        } = self.shown.dates
            && world.copied != Copied::WithoutTimes
            && (!default_names || is_a_zone(gap))
            && snapshot.memory.is_some_and(|memory| made - memory <= SLACK)
        {
            return Some("within the slack");
        }
        // What follows asks: could a snapshot taken when the disk above was made have left the same dates?
        let rewritten = |limit: i64| made - limit <= SLACK;
        let lost = world.copied == Copied::WithoutTimes;
        match self.shown.dates {
            Dates::Zoned | Dates::DatedConfigs => None,
            Dates::ZoneLess => is_a_zone(gap).then_some("a time zone explains it"),
            Dates::Undated => Some("nothing says when it was taken"),
            Dates::Configs {
                memory,
                default_names,
            } => {
                let by_memory =
                    memory && !lost && snapshot.memory.is_some_and(|memory| !rewritten(memory));
                let by_config = !lost && !rewritten(snapshot.config_written);
                let by_name = default_names && !is_a_zone(gap);
                (!by_memory && !by_config && !by_name)
                    .then_some("nothing says that it was taken before")
            }
        }
    }

    /// The innocent history that leaves the very same files: the snapshot taken when the disk above was made, by a host in
    /// another zone where that is what hides it. `None` if this history is not hidden that way.
    pub fn twin(&self, at: usize) -> Option<Self> {
        let What::Hidden(why) = self.truth(at).what else {
            return None;
        };
        if why == "within the slack" {
            return None;
        }
        let mut world = self.world.clone();
        let mut shown = self.shown;
        let snapshot = world.snapshots[at].clone();
        let now = world.machines[snapshot.machine].now.clone();
        let above: Vec<usize> = now
            .iter()
            .flat_map(|now| {
                let line = world.line(*now);
                let pairs = line
                    .windows(2)
                    .filter(|pair| snapshot.disks.contains(&pair[1]));
                pairs.map(|pair| pair[0]).collect::<Vec<_>>()
            })
            .collect();
        let made = world.disks[*above.first()?].stamp;
        for disk in above {
            world.disks[disk].origin = Origin::Snapshot(at);
        }
        match why {
            "the age of the disk above is lost" => {}
            "a time zone explains it" => {
                let later = (made - snapshot.taken + 450).div_euclid(900) * 900;
                shown.zone -= later;
                for snapshot in &mut world.snapshots {
                    snapshot.taken += later;
                }
            }
            _ => world.snapshots[at].taken = made,
        }
        Some(Self { world, shown })
    }

    pub fn kind(&self) -> String {
        let dates = match self.shown.dates {
            Dates::Zoned => "list",
            Dates::ZoneLess => "list-no-zone",
            Dates::Undated => "list-no-dates",
            Dates::Configs { memory: true, .. } => "configs-memory",
            Dates::Configs { .. } => "configs",
            Dates::DatedConfigs => "configs-dated",
        };
        let format = match self.shown.format {
            DiskFormat::Vhd => "vhd",
            DiskFormat::Vhdx => "vhdx",
        };
        let copied = match self.world.copied {
            Copied::Never => "",
            Copied::WithTimes => " copied",
            Copied::WithoutTimes => " copied-no-times",
        };
        let listing = if self.shown.listing { " +times" } else { "" };
        format!("{format} {dates}{listing}{copied}")
    }
}

/// A date without a zone and a disk made so much later can be one moment.
fn is_a_zone(gap: i64) -> bool {
    let quarter = gap.rem_euclid(900).min(900 - gap.rem_euclid(900));
    gap.abs() <= 26 * 3_600 && quarter <= SLACK
}

fn worse(a: What, b: What) -> What {
    let rank = |what| match what {
        What::OffLine => 0,
        What::Never => 1,
        What::OnAnotherBranch | What::LooksReverted => 2,
        What::Hidden(_) => 3,
        What::Reverted => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}
