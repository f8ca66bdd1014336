//! `reenact policy`: proposes a policy from a recording.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use reenact::pipeline;

use super::exit::Exit;
use super::output;
use super::redaction::RedactionArgs;

const EXAMPLES: &str = "\
Examples:
  reenact policy init rec/ > policy.yaml
  reenact policy init raw/ --policy company.yaml > policy.yaml";

#[derive(Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand)]
enum PolicyCommand {
    /// Propose a policy from a recording, on stdout: what is found, what stays, and the fields that no rule touches; never a value
    #[command(after_help = EXAMPLES)]
    Init {
        /// The recording; a raw one is redacted in memory first
        #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
        recording: PathBuf,
        /// The policy to begin from, for a raw recording; without it the built-in one
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        policy: Option<PathBuf>,
    },
}

pub(crate) fn run(args: PolicyArgs) -> anyhow::Result<Exit> {
    let PolicyCommand::Init { recording, policy } = args.command;
    let policy = RedactionArgs::policy_in(policy.as_deref())?;
    output::data(&pipeline::propose(&recording, &policy)?)?;
    Ok(Exit::Pass)
}
