//! Everything that is tested from outside, in one binary.

mod architecture;
mod cli;
mod model;
mod oracle;
mod properties;
mod store;
mod truth;
