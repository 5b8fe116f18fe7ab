//! The `sexton` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sexton::cli::main()
}
