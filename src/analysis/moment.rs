//! One state of the files, or two: what is read for minutes is true of a moment only if the files held still.

use std::path::PathBuf;

use crate::image::Header;
use crate::store::containers::Containers;
use crate::store::pulse::{Pulse, pulse};
use crate::store::{DiskId, Forest};

/// How files looked before they were read. Taken before they are opened, so that nothing falls between.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Of the store: containers are looked for among them.
    roots: Vec<PathBuf>,
    seen: Vec<(PathBuf, Option<Header>, Option<Pulse>)>,
}

impl Moment {
    /// Of some disks of a forest and everything their content hangs on.
    pub fn of_lines(forest: &Forest, disks: impl IntoIterator<Item = DiskId>) -> Self {
        let mut line: Vec<DiskId> = disks.into_iter().flat_map(|id| forest.line(id)).collect();
        line.sort_unstable();
        line.dedup();
        let files = line.into_iter().filter_map(|id| forest.disk(id));
        let files = files.map(|disk| (disk.path.clone(), disk.header.clone()));
        Self::of_files(&forest.roots, files)
    }

    /// Of files, with what their disks say of themselves as far as it is known.
    pub fn of_files(
        roots: &[PathBuf],
        files: impl IntoIterator<Item = (PathBuf, Option<Header>)>,
    ) -> Self {
        let containers = Containers::among(roots);
        let seen = files.into_iter().map(|(path, header)| {
            let now = pulse(&path, header.as_ref(), &containers);
            (path, header, now)
        });
        Self {
            roots: roots.to_vec(),
            seen: seen.collect(),
        }
    }

    /// The files that look otherwise now, or are gone.
    pub fn changed(&self) -> Vec<PathBuf> {
        let containers = Containers::among(&self.roots);
        let changed = self
            .seen
            .iter()
            .filter(|(path, header, before)| {
                let both = before.zip(pulse(path, header.as_ref(), &containers));
                both.is_none_or(|(before, now)| now.is_other_than(before))
            })
            .map(|(path, ..)| path.clone());
        changed.collect()
    }
}
