//! Everything that is tested from outside, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, whether it says so or not"
)]

mod architecture;
mod cli;
mod faults;
mod model;
mod oracle;
mod properties;
mod store;
mod truth;
