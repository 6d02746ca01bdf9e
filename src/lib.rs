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

//! # Words
//!
//! One word for one thing, and one thing for one word; a test holds that no type name means two.
//!
//! | word | meaning |
//! | --- | --- |
//! | disk | one file, volume or folder of a store that is a virtual disk: *fixed*, *dynamic*, *differencing* or *raw* |
//! | base, leaf, parent, child, chain | as in the formats' specifications; a chain runs from a leaf to its base |
//! | family | the disks that share a base |
//! | snapshot s (Hyper-V: checkpoint) | a kept point in time |
//! | D(s), the snapshot's disk | the disk that was in use before the snapshot was taken; *frozen* in names and JSON |
//! | Now | what a machine uses at present; a leaf |
//! | X(s), the disk above | the disk directly above D(s) on the way to Now |
//! | dirty block, sector (shown: changed) | what a differencing disk holds itself; zero and unmapped are told apart |
//! | diff | the dirty sectors held against what the parent's chain has there: `same`, `changed`, `zeroed` |
//! | finding | something wrong or notable, as data: stable code, severity, where, expected, actual |
//! | witness, bound | one observed fact, and what it says of the time of s or of X(s): at, not before, not after |
//! | verdict | whether s was reverted, by the one [rule](analysis::rules) that its bounds meet |
//! | reason | why the gate refuses a delete, or cannot tell |
//! | facts | what a host says of its machines, snapshots, disks and files |
//! | home | how one product names and lays out its stores |
//! | guest | what is inside a disk: partitions, volumes, file systems, files |
//! | row, page, screen | a line of the tree; the text of one thing in both faces; what the browser shows at a time |

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
