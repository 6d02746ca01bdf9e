//! Inputs of known names that lie above the folders that are read: they hold for those too, and are told of, as nobody asked
//! for what lies there.

use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::store::facts::Files;
use crate::store::place::real_path;
use crate::store::{ScanOptions, codes};

/// Folders above a root that are looked at: a disk's machine, and the store of the machines.
const LEVELS: usize = 2;
/// Names that only files of this kind have.
const NAMES: [&str; 4] = [
    "vhdtree-host.json",
    "vhdtree-host.xe",
    "labels.json",
    "times.csv",
];

/// Those that are neither read with a root nor named.
pub(in crate::store) fn above(files: &dyn Files, options: &ScanOptions) -> Vec<(PathBuf, Finding)> {
    let real = |paths: &[PathBuf]| -> Vec<PathBuf> {
        let real = paths.iter().filter_map(|path| real_path(path).ok());
        real.collect()
    };
    let (roots, named) = (real(&options.roots), real(&options.facts));
    let mut found: Vec<(PathBuf, Finding)> = Vec::new();
    for root in &roots {
        for folder in root.ancestors().skip(1).take(LEVELS) {
            if roots.iter().any(|root| folder.starts_with(root)) {
                continue;
            }
            for name in NAMES {
                let path = folder.join(name);
                let is_known = named.contains(&path) || found.iter().any(|(of, _)| *of == path);
                if !is_known && files.facts(&path).is_ok() {
                    let finding = Finding::new(&codes::FACTS_ABOVE, told(root));
                    found.push((path, finding));
                }
            }
        }
    }
    found
}

fn told(root: &Path) -> String {
    format!(
        "It is not read, for it lies above {}: give it with --facts, or open its own folder.",
        root.display()
    )
}
