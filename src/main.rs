//! The `reenact` binary: does what was typed and turns what came of it into an exit code. All of it stands in [`cli`].

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
