//! When a snapshot was taken: every claim at hand, best first.

use jiff::Timestamp;

use crate::analysis::facts::belief::{Belief, seconds_between};
use crate::analysis::facts::{Claim, name};
use crate::store::{BornSource, Disk, Snapshot, Taken, TakenSource};

/// Tolerance of a date that comes from the host itself: the disk is made at the pause, memory written after.
pub const CLOSE_SECONDS: i64 = 5 * 60;

/// Tolerance of a date without a zone.
pub const NO_ZONE_SECONDS: i64 = 26 * 3_600;

/// How far c(X) may lie from a claim and still be the same moment; `None` for a lower bound, which is no moment.
pub fn tolerance(source: TakenSource) -> Option<i64> {
    match source {
        TakenSource::FrozenWrite => None,
        TakenSource::Name | TakenSource::LabelLocal => Some(NO_ZONE_SECONDS),
        _ => Some(CLOSE_SECONDS),
    }
}

/// Whether a date without a zone and a moment `gap_seconds` after it (in UTC) can be the same moment: zones lie whole or half
/// hours from UTC, so anything else within the tolerance is a difference that no zone explains.
pub fn is_a_zone(gap_seconds: i64) -> bool {
    const HALF_HOUR: i64 = 1_800;
    const SLACK: i64 = 30;
    // East of Greenwich the clock shows more than UTC, so the gap is negative.
    let in_reach = (-14 * 3_600 - SLACK..=12 * 3_600 + SLACK).contains(&gap_seconds);
    let rest = gap_seconds.rem_euclid(HALF_HOUR);
    in_reach && rest.min(HALF_HOUR - rest) <= SLACK
}

/// The claims about one frozen disk of a snapshot, and the name if its date can be read in several ways.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Best first.
    pub claims: Vec<Claim>,
    /// A name whose date stays open.
    pub ambiguous: Option<String>,
}

/// The claims of a named snapshot that need no birth time, best first: what belief in births is checked against.
pub fn dated(snapshot: &Snapshot) -> Option<Taken> {
    snapshot
        .taken
        .iter()
        .filter(|taken| {
            !matches!(
                taken.source,
                TakenSource::ConfigBirth | TakenSource::ConfigWrite | TakenSource::FrozenWrite
            )
        })
        .min_by_key(|taken| taken.source)
        .copied()
}

/// Every claim about one frozen disk. `made_above` is c(X), which no snapshot can be younger than.
pub fn gather(
    snapshot: Option<&Snapshot>,
    frozen: &Disk,
    belief: &Belief,
    made_above: Option<Timestamp>,
) -> Claims {
    let mut all = Claims::default();
    let frozen_source = format!("{}: last write", frozen.path.display());
    if let Some(snapshot) = snapshot {
        let mut known = snapshot.taken.clone();
        if let Some(born) = snapshot.config_born
            && !known
                .iter()
                .any(|taken| taken.source == TakenSource::ConfigBirth)
        {
            known.push(Taken {
                at: born.at,
                source: TakenSource::ConfigBirth,
            });
        }
        known.retain(|taken| {
            taken.source != TakenSource::ConfigBirth || believes_config_birth(snapshot, belief)
        });
        all.claims.extend(known.into_iter().map(|taken| Claim {
            at: taken.at,
            source: taken.source,
            from: source_of(snapshot, taken.source),
        }));
        if !all
            .claims
            .iter()
            .any(|claim| claim.source == TakenSource::Name)
        {
            read_name(snapshot, frozen, made_above, &mut all);
        }
    }
    let running = snapshot.is_some_and(|snapshot| snapshot.memory == Some(true));
    if let Some(at) = frozen.file.modified {
        let source = if running {
            TakenSource::FrozenWriteRunning
        } else {
            TakenSource::FrozenWrite
        };
        if !all.claims.iter().any(|claim| claim.source == source) {
            all.claims.push(Claim {
                at,
                source,
                from: frozen_source,
            });
        }
    }
    all.claims.sort_by_key(|claim| claim.source);
    refine(&mut all.claims);
    all
}

/// A date without a zone gives way to a finer one that agrees with it.
fn refine(claims: &mut [Claim]) {
    let Some(best) = claims.first() else { return };
    if tolerance(best.source) != Some(NO_ZONE_SECONDS) {
        return;
    }
    let finer = claims.iter().position(|claim| {
        tolerance(claim.source) == Some(CLOSE_SECONDS)
            && seconds_between(best.at, claim.at).abs() <= NO_ZONE_SECONDS
    });
    if let Some(finer) = finer
        && let Some(front) = claims.get_mut(..=finer)
    {
        front.rotate_right(1);
    }
}

/// A configuration's birth is as good as the births of the chain, and as its own last write.
fn believes_config_birth(snapshot: &Snapshot, belief: &Belief) -> bool {
    let Some(born) = snapshot.config_born else {
        return belief.holds();
    };
    let copied = snapshot.taken.iter().any(|taken| {
        taken.source == TakenSource::ConfigWrite && seconds_between(taken.at, born.at) > 2
    });
    born.source != BornSource::OtherFileSystem && !copied && belief.holds()
}

fn read_name(snapshot: &Snapshot, frozen: &Disk, made_above: Option<Timestamp>, all: &mut Claims) {
    let Some(text) = snapshot.name.as_deref() else {
        return;
    };
    let mut readings = name::readings(text);
    if readings.len() > 1 {
        // Not before the frozen disk's last write, not after the disk above was made.
        readings.retain(|at| {
            frozen
                .file
                .modified
                .is_none_or(|write| seconds_between(*at, write) <= NO_ZONE_SECONDS)
                && made_above.is_none_or(|made| seconds_between(made, *at) <= NO_ZONE_SECONDS)
        });
    }
    match readings.as_slice() {
        [at] => all.claims.push(Claim {
            at: *at,
            source: TakenSource::Name,
            from: source_of(snapshot, TakenSource::Name),
        }),
        [] => {}
        _ => all.ambiguous = Some(text.to_owned()),
    }
}

fn source_of(snapshot: &Snapshot, source: TakenSource) -> String {
    let field = match source {
        TakenSource::Config => "creation_time",
        TakenSource::Label | TakenSource::LabelLocal => "CreationTime",
        TakenSource::Name => "name",
        TakenSource::MemoryFile => "memory file, last write",
        TakenSource::ConfigBirth => "birth",
        TakenSource::ConfigWrite => "last write",
        TakenSource::FrozenWriteRunning | TakenSource::FrozenWrite => "frozen disk, last write",
    };
    format!("{}: {field}", snapshot.source.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{self, at};

    fn best(snapshot: &Snapshot, frozen: &Disk) -> Option<(TakenSource, Timestamp)> {
        let claims = gather(Some(snapshot), frozen, &Belief::default(), None).claims;
        claims.first().map(|claim| (claim.source, claim.at))
    }

    #[test]
    fn a_date_in_a_name_gives_way_to_a_finer_one_that_agrees() {
        let frozen = plain::vhd("a.vhd", "2009-01-01T00:00:00Z", "2009-05-01T00:00:00Z");
        let mut snapshot = Snapshot {
            name: Some("x (2009/05/02 - 14:10:31)".to_owned()),
            ..Snapshot::default()
        };
        assert_eq!(
            best(&snapshot, &frozen),
            Some((TakenSource::Name, at("2009-05-02T14:10:31Z")))
        );
        let memory = at("2009-05-02T05:11:00Z");
        snapshot.taken.push(Taken {
            at: memory,
            source: TakenSource::MemoryFile,
        });
        assert_eq!(
            best(&snapshot, &frozen),
            Some((TakenSource::MemoryFile, memory))
        );
        snapshot.taken = vec![Taken {
            at: at("2009-09-02T05:11:00Z"),
            source: TakenSource::MemoryFile,
        }];
        assert_eq!(
            best(&snapshot, &frozen).map(|best| best.0),
            Some(TakenSource::Name)
        );
    }

    #[test]
    fn a_name_that_reads_two_ways_is_settled_by_the_files_or_left_open() {
        let frozen = plain::vhd("a.vhd", "2009-01-01T00:00:00Z", "2009-05-01T00:00:00Z");
        let snapshot = Snapshot {
            name: Some("x (5/2/2009 - 14:10:31)".to_owned()),
            ..Snapshot::default()
        };
        assert_eq!(
            best(&snapshot, &frozen),
            Some((TakenSource::Name, at("2009-05-02T14:10:31Z")))
        );
        let older = plain::vhd("a.vhd", "2009-01-01T00:00:00Z", "2009-01-02T00:00:00Z");
        let open = gather(Some(&snapshot), &older, &Belief::default(), None);
        assert!(open.ambiguous.is_some());
        assert_eq!(
            open.claims.first().map(|claim| claim.source),
            Some(TakenSource::FrozenWrite)
        );
        let closed = gather(
            Some(&snapshot),
            &older,
            &Belief::default(),
            Some(at("2009-03-01T00:00:00Z")),
        );
        assert_eq!(
            closed.claims.first().map(|claim| claim.at),
            Some(at("2009-02-05T14:10:31Z"))
        );
    }

    #[test]
    fn the_frozen_disks_write_is_a_date_only_if_the_vm_ran() {
        let frozen = plain::vhd("a.vhd", "2009-01-01T00:00:00Z", "2009-05-01T00:00:00Z");
        let mut snapshot = Snapshot::default();
        assert_eq!(
            best(&snapshot, &frozen).map(|best| best.0),
            Some(TakenSource::FrozenWrite)
        );
        snapshot.memory = Some(true);
        assert_eq!(
            best(&snapshot, &frozen).map(|best| best.0),
            Some(TakenSource::FrozenWriteRunning)
        );
        assert_eq!(tolerance(TakenSource::FrozenWrite), None);
    }
}
