//! Everything that is tested from outside, in one binary.

mod architecture;
mod cli;
mod damage;
mod faults;
mod fixtures;
mod model;
mod oracle;
mod properties;
mod store;
mod truth;
