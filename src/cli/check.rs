//! `reenact check`: is it whole, valid, free of residue?

use std::path::PathBuf;

use clap::{Args, ValueHint};
use reenact::pipeline;

use reenact_sanitize::Policy;

use super::exit::Exit;
use super::output;

const EXAMPLES: &str = "\
Examples:
  reenact check rec/
  reenact check rec/ --policy policy.yaml --json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The recording
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    path: PathBuf,
    /// The policy that it was redacted under; without it the built-in one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let policy = match &args.policy {
        Some(file) => Policy::load(file)?,
        None => Policy::default(),
    };
    let report = pipeline::check(&args.path, &policy)?;
    if args.json {
        output::json(&report.json())?
    } else {
        output::data(&report.text())?
    }
    Ok(if report.passed() { Exit::Pass } else { Exit::Fail })
}
