//! The `reenact` binary: does what was typed and turns what came of it into an exit code. All of it stands in [`cli`].

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Exchanges are taken in by one thread and let go by another, redacted ones in many small pieces. The system's allocator keeps
/// what each thread has let go for that thread: a redacted capture then takes four times the memory that it holds.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    cli::main()
}
