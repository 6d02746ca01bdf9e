//! Writers of real disk files, configurations and volume groups: for the demo's store and for tests. Everything built is
//! deterministic.

pub mod hyperv;
#[cfg(any(test, feature = "testing"))]
pub mod lvm;
pub mod vhd;
pub mod vhdx;
pub mod vmcx;
