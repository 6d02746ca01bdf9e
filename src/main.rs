//! The `vhdtree` program.

fn main() {}
