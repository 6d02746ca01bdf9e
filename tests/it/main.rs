//! Everything that is tested from outside, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, whether it says so or not"
)]

mod architecture;
mod backups;
mod bounds;
mod budgets;
mod cases;
mod changes;
mod cli;
mod confine;
mod containers;
mod contradictions;
mod corpus;
mod damage;
mod damage_vhdx;
mod faces;
mod facts;
mod faults;
mod files_screen;
mod fixtures;
mod guest;
mod histories;
mod journeys;
mod merges;
mod model;
mod oracle;
mod pictures;
mod properties;
mod provisioning;
mod qemu;
mod readme;
mod reported;
mod runner;
mod saved;
mod screens;
mod screenshots;
mod simulator;
mod store;
mod stores;
mod truth;
mod waiting;
