//! Shapes on the screen. They know [`Buffer`](ratatui::buffer::Buffer), roles and signs, not what a disk is.

pub mod bar;
pub mod blockmap;
pub mod popup;
pub mod prompt;
pub mod rows;
pub mod text;
