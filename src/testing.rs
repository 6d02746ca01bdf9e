//! Builders of real disk files and configurations, for tests and for the demo's store. Everything built is deterministic.

#[cfg(any(test, feature = "testing"))]
pub mod faulty;
pub mod hyperv;
#[cfg(any(test, feature = "testing"))]
pub mod lvm;
pub mod vhd;
pub mod vhdx;
pub mod vmcx;
