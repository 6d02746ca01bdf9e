//! Fakes that only tests need, and a folder for a store that a test writes.

pub mod faulty;
pub mod folder;
