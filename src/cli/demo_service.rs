//! `reenact demo-service`: the service that the demo plays against, embedded. Hidden: it is nothing that users call.

use clap::Args;
use reenact_orders::cli::Command;

use super::exit::Exit;
use super::signals;

#[derive(Args)]
pub(crate) struct DemoServiceArgs {
    #[command(subcommand)]
    command: Command,
}

pub(crate) fn run(args: DemoServiceArgs) -> anyhow::Result<Exit> {
    signals::runtime()?.block_on(reenact_orders::cli::run(args.command))?;
    Ok(Exit::Pass)
}
