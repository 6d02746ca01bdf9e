//! What each fuzz target does with an input. Stronger than "does not panic": the parts must agree with each other.
//!
//! The fuzzer and the test that replays kept inputs (`tests/it/corpus.rs`) include these files alike.

mod bytes;
mod chain;
mod disk;
mod guest;
mod locators;
mod log;
mod lvm;
mod partitions;
mod patched;
mod saved;
mod settings;
mod sheets;
mod store;
mod text;
mod tui;
mod vhd;
mod vhdx;
mod vmcx;
mod xml;
mod xo;

/// One fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What `./run` and the folders of kept inputs call it.
    pub name: &'static str,
    /// Takes any bytes; panics where something that must hold does not.
    pub run: fn(&[u8]),
    /// Inputs to start from, built so that none need be kept as files.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "chain",
        run: chain::run,
        seeds: chain::seeds,
    },
    Target {
        name: "database",
        run: sheets::run_facts,
        seeds: sheets::database_seeds,
    },
    Target {
        name: "ext",
        run: guest::run_ext,
        seeds: guest::seeds,
    },
    Target {
        name: "facts",
        run: sheets::run_facts,
        seeds: sheets::fact_seeds,
    },
    Target {
        name: "fat",
        run: guest::run_fat,
        seeds: guest::seeds,
    },
    Target {
        name: "locators",
        run: locators::run,
        seeds: locators::seeds,
    },
    Target {
        name: "log",
        run: log::run,
        seeds: log::seeds,
    },
    Target {
        name: "lvm",
        run: lvm::run,
        seeds: lvm::seeds,
    },
    Target {
        name: "ntfs",
        run: guest::run_ntfs,
        seeds: guest::seeds,
    },
    Target {
        name: "orchestra",
        run: sheets::run_facts,
        seeds: sheets::orchestra_seeds,
    },
    Target {
        name: "partitions",
        run: partitions::run,
        seeds: partitions::seeds,
    },
    Target {
        name: "records",
        run: sheets::run_facts,
        seeds: sheets::record_seeds,
    },
    Target {
        name: "saved",
        run: saved::run,
        seeds: saved::seeds,
    },
    Target {
        name: "settings",
        run: settings::run,
        seeds: settings::seeds,
    },
    Target {
        name: "store",
        run: store::run,
        seeds: store::seeds,
    },
    Target {
        name: "text",
        run: text::run,
        seeds: text::seeds,
    },
    Target {
        name: "times",
        run: sheets::run_times,
        seeds: sheets::time_seeds,
    },
    Target {
        name: "tui",
        run: tui::run,
        seeds: tui::seeds,
    },
    Target {
        name: "vhd",
        run: vhd::run,
        seeds: vhd::seeds,
    },
    Target {
        name: "vhdx",
        run: vhdx::run,
        seeds: vhdx::seeds,
    },
    Target {
        name: "virtualbox",
        run: sheets::run_facts,
        seeds: sheets::virtualbox_seeds,
    },
    Target {
        name: "vmcx",
        run: vmcx::run,
        seeds: vmcx::seeds,
    },
    Target {
        name: "xfs",
        run: guest::run_xfs,
        seeds: guest::seeds,
    },
    Target {
        name: "xml",
        run: xml::run,
        seeds: xml::seeds,
    },
    Target {
        name: "xo",
        run: xo::run,
        seeds: xo::seeds,
    },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
