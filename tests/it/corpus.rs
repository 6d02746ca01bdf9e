//! Kept inputs of the fuzzer, replayed through the code of its targets: each found a fault once, or leads deep into a
//! parser. See `tests/fuzz/run`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use exercise::TARGETS;

#[path = "../fuzz/exercise/lib.rs"]
mod exercise;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn replay(name: &str) {
    let target = exercise::target(name).unwrap_or_else(|| panic!("no target {name}"));
    let kept = entries(&corpus().join(name));
    assert!(!kept.is_empty(), "no input is kept for {name}");
    for path in kept {
        // A panic below says what failed, and this for which input.
        eprintln!("{}", path.display());
        (target.run)(&fs::read(path).unwrap());
    }
    for seed in (target.seeds)() {
        eprintln!("a seed of {name}: {}", seed.escape_ascii());
        (target.run)(&seed);
    }
}

/// A test for each target.
macro_rules! replays {
    ($($name:ident),* $(,)?) => {
        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*
    };
}

replays!(
    chain, database, ext, facts, fat, locators, log, lvm, ntfs, orchestra, partitions, records,
    saved, settings, store, text, times, tui, vhd, vhdx, virtualbox, vmcx, xfs, xml, xo,
);

#[test]
fn every_target_is_replayed_and_every_folder_has_a_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|of| of.name.to_owned()).collect();
    let replayed: BTreeSet<String> = REPLAYED.iter().map(|name| (*name).to_owned()).collect();
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let folders: BTreeSet<String> = entries(&corpus()).into_iter().map(name).collect();
    assert_eq!(replayed, targets);
    assert_eq!(folders, targets);
}
