//! The command `dormer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(dormer::cli::main())
}
