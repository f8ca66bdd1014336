//! `reenact demo-service`: the service that the demo plays against, embedded. Hidden: it is nothing that users call.

use clap::Args;
use reenact_orders::cli::Command;

use super::exit::Exit;
use super::{InvalidArgument, output, signals};

#[derive(Args)]
pub(crate) struct DemoServiceArgs {
    #[command(subcommand)]
    command: Command,
}

pub(crate) fn run(args: DemoServiceArgs) -> anyhow::Result<Exit> {
    signals::runtime()?.block_on(reenact_orders::cli::run(args.command)).map_err(|error| explained(&error))?;
    Ok(Exit::Pass)
}

/// What ends the service is its database or its address. Both were given.
fn explained(error: &anyhow::Error) -> InvalidArgument {
    let hint = "see whether the database is up and its URL right, and whether the address to listen on is free";
    InvalidArgument::new(format!("the demo service ended: {}", output::chain(error)), hint)
}
