//! Builders of real disk files, for tests and for the demo's store. Everything built is deterministic.

pub mod vhd;
pub mod vhdx;
