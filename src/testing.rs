//! Fakes that only tests need, a folder for a store that a test writes, and what they ask of a volume.

pub mod faulty;
pub mod folder;
pub mod volume;
