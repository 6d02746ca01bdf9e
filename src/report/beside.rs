//! Files that belong to a disk without being one: change tracking, replica logs, VHD sets.

use std::path::Path;

use crate::store::{DiskId, Forest};

/// The files beside a disk that are named after it, each with what it is, in the order of their names.
pub fn beside(forest: &Forest, id: DiskId) -> impl Iterator<Item = (&Path, &'static str)> {
    let disk = forest.disk(id).map(|disk| disk.path.as_path());
    let folder = disk.and_then(Path::parent).unwrap_or(Path::new(""));
    // They are ordered by path, so that one folder's are found without a look at all of them.
    let all = &forest.companions;
    let first = all.partition_point(|(path, _)| path.as_path() < folder);
    all.iter()
        .skip(first)
        .take_while(move |(path, _)| path.starts_with(folder))
        .filter(move |(path, _)| disk.is_some_and(|disk| is_beside(path, disk)))
        .map(|(path, what)| (path.as_path(), *what))
}

/// True if a file of the disk's folder is named after the disk: `a.vhdx.rct` or `a.hrl` beside `a.vhdx`.
fn is_beside(path: &Path, disk: &Path) -> bool {
    let named_after = path.file_stem() == disk.file_name() || path.file_stem() == disk.file_stem();
    path.parent() == disk.parent() && named_after
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::store::{Disk, FileFacts, Liveness, Node};

    #[test]
    fn only_files_of_the_same_folder_and_name_are_beside_a_disk() {
        let disk = |path: &str| {
            Arc::new(Disk {
                path: PathBuf::from(path),
                file: FileFacts::default(),
                header: None,
                counts: None,
                findings: Vec::new(),
                liveness: Liveness::Still,
            })
        };
        let mut forest = Forest {
            disks: vec![disk("/s/m/a.vhdx"), disk("/s/m/b.vhdx")],
            nodes: vec![Node::default(), Node::default()],
            companions: [
                "/s/a.vhdx.rct",
                "/s/m/a.vhdx.rct",
                "/s/m/a.hrl",
                "/s/m/a.vhdx.mrt",
                "/s/m/ab.hrl",
                "/s/m/deep/a.hrl",
                "/s/n/a.hrl",
            ]
            .map(|path| (PathBuf::from(path), "change tracking"))
            .to_vec(),
            ..Forest::default()
        };
        forest.companions.sort();
        let names = |id| -> Vec<String> {
            beside(&forest, DiskId(id))
                .map(|(path, _)| path.display().to_string())
                .collect()
        };
        assert_eq!(
            names(0),
            ["/s/m/a.hrl", "/s/m/a.vhdx.mrt", "/s/m/a.vhdx.rct"]
        );
        assert!(names(1).is_empty());
        assert!(names(2).is_empty(), "no such disk");
    }
}
