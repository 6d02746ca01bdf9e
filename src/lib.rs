//! vhdtree reads stores of virtual disks (VHD, AVHD, VUD, VHDX, AVHDX) and says what their snapshot trees really are.
//!
//! It never writes to a store. The rooms below are listed from the bottom up; a room uses only rooms listed before it. Each
//! room's own head says which of its files does what.
//!
//! ```text
//!  finding   what is wrong or notable, as data: stable code, severity, where, expected, actual
//!  job       cancel token, progress counters; the threads that work: ordered, in parallel, growing
//!  text      sizes, times, counts, escapes, widths, signs as text: each in one way
//!  source    positioned, read-only access: the only door to disk bytes
//!  format    bytes -> struct + findings, one file per on-disk structure: vhd, vhdx, hyperv (XML and VMCX containers)
//!  image     one face over the formats: header, block table, sector runs, counts
//!  chain     leaf..base: who owns a sector, merged reads
//!  guest     partition tables inside a disk: where a sector lies
//!  store     walk, path gate, probe (a file that changes meanwhile is read twice), link, forest; each product's naming;
//!            what configurations (hyperv), labels and times say; stored Windows paths (winpath)
//!  analysis  usage, diff, facts -> judge -> verdict, plan and its gate (refuse, cannot tell, pass), health
//!  report    rows, columns, words, units, JSON
//!  config    the config file
//!  cli, tui  the two faces: one command a file, one screen a file
//!  build     writers of disks and configurations; demo: the story's store; testing: fakes
//! ```
//!
//! ```text
//!  folders ─► store::walk ─► readers{ store::probe } ──► store::ScanEvent ─┐      keys, resize ─► tui::input ─┐
//!                 ▲ store::gate                                            ▼                                  ▼
//!           job::CancelToken ◄──────┐                      one bounded inbox: tui::Message { Scan, Job, Input, Signal }
//!                                   │                                      │
//!  cli: scan to the end             │                                      ▼
//!    │                              │           tui::update(&mut App, Message) -> Vec<Effect>     (no I/O, no clock)
//!    ▼                              │               │ dirty                   │
//!  store::Forest ─► analysis ─► report ─► App.rows ◄┘                         └─► tui::runtime: jobs, copy, quit
//!              │                    │        ▼
//!              ▼                    └── tui::view paint(&App, &mut Buffer) ─► tui::depth ─► one buffered write
//!    text │ table │ JSON
//! ```

// Numbers and texts from disks must not be able to stop the program, so what could panic is denied in every room. The
// rooms above `store` may count: they work on what was bounded below, and every build checks for overflow.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod finding;
pub mod job;
pub mod source;

// Counts columns and digits of strings that are in memory.
#[allow(clippy::arithmetic_side_effects)]
pub mod text;

pub mod format;

pub mod image;

pub mod chain;

pub mod guest;

pub mod store;

#[allow(clippy::arithmetic_side_effects)]
pub mod analysis;

#[allow(clippy::arithmetic_side_effects)]
pub mod report;

#[allow(clippy::arithmetic_side_effects)]
pub mod cli;

#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod tui;

#[allow(clippy::arithmetic_side_effects)]
pub mod config;

// These three make disks and read none.
#[allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing
)]
pub mod build;

#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
pub mod demo;

#[allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing
)]
#[cfg(any(test, feature = "testing"))]
pub mod testing;
