//! The demo: the story as a real store of real disk files.

pub mod fat;
pub mod guest;
