//! `reenact sandbox`: says that a database is a copy that may be rewritten.

use clap::{Args, Subcommand};

use reenact::database::{self, Consent};
use serde_json::json;

use super::exit::Exit;
use super::{output, signals};

#[derive(Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Mark a database as a sandbox copy: `reenact sanitize` rewrites no other
    Mark(MarkArgs),
}

const EXAMPLES: &str = "\
Examples:
  reenact sandbox mark postgres://app@127.0.0.1/orders_copy
  reenact sandbox mark sqlite:copy.db";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
struct MarkArgs {
    /// The database: postgres://…, mysql://… or sqlite:FILE
    #[arg(value_name = "DATABASE")]
    database: String,
    /// Mark it although others use it, or its address says that it is production
    #[arg(long)]
    yes: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: SandboxArgs) -> anyhow::Result<Exit> {
    let SandboxCommand::Mark(args) = args.command;
    let consent = if args.yes { Consent::Given } else { Consent::Asked };
    let marked = signals::runtime()?.block_on(database::mark(&args.database, consent))?;
    if args.json {
        output::json(&json!({ "database": marked.database, "user": marked.user, "token": marked.token }))?;
    } else {
        output::note(&format!("marked as a sandbox copy: {}, by {}, as {}", marked.database, marked.user, marked.token));
        output::note("every row of it may be rewritten now; drop the table reenact_sandbox to take the mark away");
    }
    Ok(Exit::Pass)
}
