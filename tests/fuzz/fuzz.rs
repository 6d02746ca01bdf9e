//! The fuzzer: one program for all targets. `VHDTREE_FUZZ` names the target; `./run` sets it.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use exercise::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

/// Finds the target and writes its own seeds into the folder that `VHDTREE_SEEDS` names, if it does.
fn choose() {
    let name = std::env::var("VHDTREE_FUZZ").unwrap_or_default();
    let target = exercise::target(&name).expect("VHDTREE_FUZZ names a target");
    if let Some(folder) = std::env::var_os("VHDTREE_SEEDS").map(PathBuf::from) {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)
                .expect("seeds can be written");
        }
    }
    TARGET.get_or_init(|| target);
}

fuzz_target!(init: choose(), |input: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(input);
    }
});
