//! Everything that is tested from outside, in one binary.

mod architecture;
mod cli;
mod damage;
mod damage_vhdx;
mod faults;
mod fixtures;
mod model;
mod oracle;
mod properties;
mod runner;
mod store;
mod truth;
