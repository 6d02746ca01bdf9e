//! Dates without a zone: which offsets of the host's clock fit everything the files say.
//!
//! A list made by Windows PowerShell, and a default name, give the host's local time. Zones lie whole quarters of an hour from
//! UTC, a snapshot is taken between its disk's last write and the birth of the oldest disk above that, and one host has one
//! zone (two in a year, an hour apart). So every such date of the store narrows the zones of all others.

pub mod name;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::analysis::interval::{
    DAY_SECONDS, HOUR_SECONDS, Interval, QUARTER_SECONDS, moved, seconds_between,
};
use crate::analysis::survey::{GRAIN_SECONDS, Survey};
use crate::store::{DiskId, MachineId, Snapshot, TakenSource};

/// The date is the request's; the disk is frozen a moment later.
pub const FREEZE_SECONDS: i64 = 60;
/// The oldest disk above may bear a time this much earlier than the date.
pub const ABOVE_SECONDS: i64 = 5;

/// Offsets from UTC in seconds, east positive, that a host's clock may have had.
#[derive(Debug, Clone)]
pub struct Zones {
    summer: Vec<i64>,
    winter: Vec<i64>,
}

impl Zones {
    pub fn learn(survey: &Survey<'_>) -> Self {
        let mut zones = Self {
            summer: every_offset(),
            winter: every_offset(),
        };
        let mut told = (false, false);
        for snapshot in &survey.forest.snapshots {
            let fitting = fitting(survey, snapshot).filter(|(_, fits)| !fits.is_empty());
            let Some((local, fits)) = fitting else {
                continue;
            };
            let (offsets, told) = if is_summer(local) {
                (&mut zones.summer, &mut told.0)
            } else {
                (&mut zones.winter, &mut told.1)
            };
            offsets.retain(|offset| fits.contains(offset));
            *told = true;
        }
        // Summer time moves a clock by an hour, or there is none.
        let near = |offsets: &[i64], offset: i64| {
            let mut apart = offsets.iter().map(|other| (offset - other).abs());
            apart.any(|apart| apart == 0 || apart == HOUR_SECONDS)
        };
        if told.0 || told.1 {
            let winter = zones.winter.clone();
            zones.winter.retain(|offset| near(&zones.summer, *offset));
            zones.summer.retain(|offset| near(&winter, *offset));
        }
        zones
    }

    /// The moments a local time may stand for, earliest first.
    pub fn moments(&self, local: Timestamp) -> Vec<Timestamp> {
        let offsets = if is_summer(local) {
            &self.summer
        } else {
            &self.winter
        };
        let moments = offsets
            .iter()
            .map(|offset| moved(local, offset.saturating_neg()));
        let mut all: Vec<Timestamp> = moments.collect();
        all.sort_unstable();
        all
    }
}

fn every_offset() -> Vec<i64> {
    let quarters = -48..=56;
    quarters.map(|quarter| quarter * QUARTER_SECONDS).collect()
}

/// Roughly: the changes lie in March and October, November.
fn is_summer(local: Timestamp) -> bool {
    (4..=10).contains(&Offset::UTC.to_datetime(local).month())
}

/// The date of a list without a zone, or else the readings of the date in a default name, as if local time were UTC.
pub fn local_dates(snapshot: &Snapshot) -> Vec<Timestamp> {
    match snapshot.claim(TakenSource::LabelLocal) {
        Some(taken) => vec![taken.at],
        None => name::readings(snapshot.name.as_deref().unwrap_or_default()),
    }
}

pub fn zoned_date(snapshot: &Snapshot) -> Option<Timestamp> {
    use TakenSource::{Config, Label, Management};
    let zoned = |source: TakenSource| matches!(source, Config | Label | Management);
    let mut zoned = snapshot.taken.iter().filter(|taken| zoned(taken.source));
    zoned.next().map(|taken| taken.at)
}

/// A local date of a snapshot, and the offsets that fit it; `None` if it has none, or reads in several ways.
fn fitting(survey: &Survey<'_>, snapshot: &Snapshot) -> Option<(Timestamp, Vec<i64>)> {
    let dates = local_dates(snapshot);
    let [local] = dates.as_slice() else {
        return None;
    };
    if let Some(zoned) = zoned_date(snapshot) {
        let apart = seconds_between(zoned, *local);
        let halfway = apart.saturating_add(QUARTER_SECONDS / 2);
        let offset = halfway.div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS;
        let fits = (apart - offset).abs() <= FREEZE_SECONDS;
        return fits.then(|| (*local, vec![offset]));
    }
    if is_clock_wrong(survey, snapshot) {
        return None;
    }
    let limits = limits(survey, snapshot);
    let fits = every_offset().into_iter().filter(|offset| {
        let at = moved(*local, offset.saturating_neg());
        is_within(at, limits)
    });
    Some((*local, fits.collect()))
}

/// A disk above was last written before it was made: its clock went back, or it is a copy, and its times teach nothing.
fn is_clock_wrong(survey: &Survey<'_>, snapshot: &Snapshot) -> bool {
    let children = |disk| survey.topology.children(disk);
    let mut above = snapshot.disk_ids().flat_map(children);
    above.any(|child| {
        let is_wrong = |disk| match survey.stamp(disk) {
            Ok(stamp) => stamp.is_none() && survey.birth(disk).is_err(),
            Err(_) => true,
        };
        survey.forest.disk(child).is_some_and(is_wrong)
    })
}

/// Whether a snapshot can have been taken then, by its disks.
pub fn is_within(at: Timestamp, limits: Interval) -> bool {
    let first = limits.not_before;
    first.is_none_or(|first| seconds_between(at, first) <= FREEZE_SECONDS)
        && is_before_above(at, limits)
}

/// Whether no disk stood on the snapshot's then.
pub fn is_before_above(at: Timestamp, limits: Interval) -> bool {
    let last = limits.not_after;
    last.is_none_or(|last| seconds_between(last, at) <= ABOVE_SECONDS)
}

/// Between what its disks allow: not before their last writes, not after the oldest disk above each.
pub fn limits(survey: &Survey<'_>, snapshot: &Snapshot) -> Interval {
    let mut limits = Interval::default();
    for disk in snapshot.disk_ids() {
        limits_of(survey, snapshot.machine, disk, &mut limits);
    }
    limits
}

fn limits_of(
    survey: &Survey<'_>,
    machine: Option<MachineId>,
    frozen: DiskId,
    limits: &mut Interval,
) {
    let (forest, topology) = (survey.forest, &survey.topology);
    let children = topology.children(frozen);
    let children = children.filter(|child| !topology.is_backup(*child));
    let mut children: Vec<DiskId> = children.collect();
    let is_own = |child: &DiskId| topology.is_kept(machine, frozen, *child);
    if children.iter().any(is_own) {
        children.retain(is_own);
    }
    for write in children.iter().filter_map(|child| forest.modified(*child)) {
        limits.lower(write);
    }
    let ages = children.iter().filter_map(|child| survey.age(*child));
    let Some(oldest) = ages.map(|age| age.at).min() else {
        return;
    };
    limits.lower(oldest);
    // A conversion makes disks anew from the base up, each as its parent ends: neither age nor last write is old then.
    let born = survey.age(frozen).map(|age| age.at);
    if let Some(born) = born.filter(|born| seconds_between(*born, oldest) > DAY_SECONDS) {
        limits.raise(born);
        // A later write came after the freeze: a merge, a mount, a copy.
        let write = forest.modified(frozen);
        let write = write.filter(|write| seconds_between(oldest, *write) <= GRAIN_SECONDS);
        limits.raise(write.unwrap_or(born));
    }
}
