//! Fakes that only tests need.

pub mod faulty;
