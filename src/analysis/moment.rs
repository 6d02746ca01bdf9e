//! One state of the files, or two: what is read for minutes is true of a moment only if the files held still.

use std::path::PathBuf;

use crate::image::Header;
use crate::store::pulse::{Pulse, pulse};
use crate::store::{DiskId, Forest};

/// How files looked before they were read. Taken before they are opened, so that nothing falls between.
#[derive(Debug, Clone)]
pub struct Moment {
    seen: Vec<(PathBuf, Option<Header>, Option<Pulse>)>,
}

impl Moment {
    /// Of some disks of a forest and everything their content hangs on.
    pub fn of_lines(forest: &Forest, disks: impl IntoIterator<Item = DiskId>) -> Self {
        let mut line: Vec<DiskId> = disks.into_iter().flat_map(|id| forest.line(id)).collect();
        line.sort_unstable();
        line.dedup();
        let files = line.into_iter().filter_map(|id| forest.disk(id));
        Self::of_files(files.map(|disk| (disk.path.clone(), disk.header.clone())))
    }

    /// Of files, with what their disks say of themselves as far as it is known.
    pub fn of_files(files: impl IntoIterator<Item = (PathBuf, Option<Header>)>) -> Self {
        let seen = files.into_iter().map(|(path, header)| {
            let now = pulse(&path, header.as_ref());
            (path, header, now)
        });
        Self {
            seen: seen.collect(),
        }
    }

    /// The files that look otherwise now, or are gone.
    pub fn changed(&self) -> Vec<PathBuf> {
        let changed = self
            .seen
            .iter()
            .filter(|(path, header, before)| {
                let both = before.zip(pulse(path, header.as_ref()));
                both.is_none_or(|(before, now)| now.is_other_than(before))
            })
            .map(|(path, ..)| path.clone());
        changed.collect()
    }
}
