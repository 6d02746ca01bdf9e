//! Seeds that a target builds itself, so that none is kept as a file.

use std::path::PathBuf;

/// Writes `seeds` into the folder that `VHDTREE_SEEDS` names, if it does.
pub fn write(seeds: &[Vec<u8>]) {
    if let Some(folder) = std::env::var_os("VHDTREE_SEEDS").map(PathBuf::from) {
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).expect("seeds can be written");
        }
    }
}
