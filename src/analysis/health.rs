//! Health: everything that is wrong or notable in a forest, file by file.
pub mod codes;
