//! A comparison of two disks: its runs, its sums, and what it came to.

use super::{Line, Role};
use crate::analysis::diff::{DiffKind, DiffSummary};
use crate::report::placed::{DiskPlaces, PlacedRun, owner_words};
use crate::text::{self, Units};

/// Columns for a place before an owner.
const PLACE: usize = 16;

/// Below this width a run has no size, offset and partition: where and what must stay.
const NARROW: usize = 66;

/// How the lines of a comparison look.
#[derive(Debug, Clone, Copy)]
pub struct DiffPage<'a> {
    /// Bytes in a sector.
    pub sector_size: u64,
    /// What is known of the child's content.
    pub places: DiskPlaces<'a>,
    pub units: Units,
    pub width: usize,
}

/// The sign and role of a kind of run.
fn sign(kind: DiffKind) -> (&'static str, Role) {
    match kind {
        DiffKind::Same => ("=", Role::Same),
        DiffKind::Changed => ("#", Role::Changed),
        DiffKind::Zeroed => ("0", Role::Zeroed),
        DiffKind::Unreadable => ("!", Role::Error),
    }
}

impl DiffPage<'_> {
    fn size(&self, sectors: u64) -> String {
        self.units.size(sectors.saturating_mul(self.sector_size))
    }

    /// Columns that a size and an offset take.
    fn columns(&self) -> (usize, usize) {
        match self.units {
            Units::Human => (9, 9),
            Units::Bytes => (14, 15),
        }
    }

    /// The names of a run's columns.
    pub fn heading(&self) -> Line {
        let (size, at) = self.columns();
        let names = if self.width < NARROW {
            format!("{:>14} {:>9}  KIND", "SECTOR", "COUNT")
        } else {
            let names = ("SECTOR", "COUNT", "BYTES", "KIND", "OFFSET");
            let (sector, count, bytes, kind, offset) = names;
            format!("{sector:>14} {count:>9} {bytes:>size$}  {kind:<12} {offset:<at$}")
        };
        let mut line = Line::of(Role::Heading, names);
        if self.width < NARROW {
            return line;
        }
        let DiskPlaces { partitions, owners } = self.places;
        match (partitions.is_some(), owners.is_some()) {
            (true, true) => line.push(Role::Heading, format!(" {:<PLACE$} OWNER", "WHERE")),
            (true, false) => line.push(Role::Heading, " WHERE"),
            (false, true) => line.push(Role::Heading, " OWNER"),
            (false, false) => {}
        }
        line
    }

    /// A run of sectors of one kind.
    pub fn run(&self, part: &PlacedRun<'_>) -> Line {
        let run = part.run;
        let (sign, role) = sign(run.kind);
        let kind = format!("{sign} {:<10} ", run.kind.word());
        let (sector, count) = (self.units.count(run.sector.0), self.units.count(run.count));
        if self.width < NARROW {
            return Line::of(Role::Text, format!("{sector:>14} {count:>9}  ")).with(role, kind);
        }
        let at = run.sector.0.saturating_mul(self.sector_size);
        let at = self.units.place(at);
        let (size, place) = self.columns();
        let bytes = self.size(run.count);
        let mut line = Line::of(
            Role::Text,
            format!("{sector:>14} {count:>9} {bytes:>size$}  "),
        )
        .with(role, kind)
        .with(Role::Dim, format!("{at:<place$}"));
        if let Some(place) = &part.place {
            let width = part.owner.map_or(0, |_| PLACE);
            line.push(Role::Text, format!(" {place:<width$}"));
        }
        if let Some(owner) = part.owner {
            let role = owner.map_or(Role::Unsure, |_| Role::Text);
            line.push(role, format!(" {}", owner_words(owner)));
        }
        line
    }

    /// The sums by kind: all of them, or where there is no room those that are not zero.
    pub fn totals(&self, summary: &DiffSummary, runs: u64) -> Line {
        let totals = summary.totals;
        let wide = self.width >= NARROW;
        let mut line = Line::of(Role::Text, " ");
        for (kind, sectors) in [
            (DiffKind::Unreadable, totals.unreadable),
            (DiffKind::Changed, totals.changed),
            (DiffKind::Zeroed, totals.zeroed),
            (DiffKind::Same, totals.same),
        ] {
            let (sign, role) = sign(kind);
            let bytes = self.size(sectors);
            if wide && (sectors > 0 || kind != DiffKind::Unreadable) {
                line.push(role, format!("{sign} {} {bytes}  ", kind.word()));
            } else if sectors > 0 {
                line.push(role, format!("{sign}: {bytes}  "));
            }
        }
        if wide {
            line.push(Role::Text, format!("in {}", text::many(runs, "run")));
        }
        if !summary.complete {
            line.push(Role::Unsure, "  ~ partial");
        }
        let compared = format!(", {} compared", self.size(totals.compared));
        if wide && line.width() + compared.len() <= self.width {
            line.push(Role::Text, compared);
        }
        line
    }
}

/// What a comparison came to.
pub fn outcome(summary: &DiffSummary, child: &str, with: &str) -> String {
    if !summary.complete {
        "not everything was compared".to_owned()
    } else if summary.totals.compared == 0 {
        format!("{child} holds no sector of its own: it equals {with}")
    } else if summary.equal {
        format!("{child} equals {with}")
    } else {
        format!("{child} differs from {with}")
    }
}
