//! The `vhdtree` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    vhdtree::cli::run(std::env::args_os())
}
