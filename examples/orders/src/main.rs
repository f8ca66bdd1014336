//! The demo service as a program of its own.

use std::process::ExitCode;

use clap::Parser;

/// A small shop over HTTP/1.1: customers, addresses, orders, payments.
#[derive(Parser)]
#[command(name = "orders", version)]
struct Arguments {
    #[command(subcommand)]
    command: reenact_orders::cli::Command,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match reenact_orders::cli::run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain on one line: this is all that a script sees.
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
