//! `reenact check`: is it whole, valid, free of residue?

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use reenact::pipeline::{self, Kind};

use reenact_verify::is_server_address;
use serde_json::json;

use super::exit::{self, Exit};
use super::redaction::RedactionArgs;
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact check rec/
  reenact check rec/ --policy policy.yaml --json
  reenact check policy.yaml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// A recording, a run, a snapshot, or a policy, entities or objectives file
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    path: PathBuf,
    /// The policy that it was redacted under; without it the built-in one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    // Its address may hold a password: it is not repeated.
    if args.path.to_str().is_some_and(is_server_address) && !args.path.exists() {
        return Err(
            InvalidArgument::new("a database was given, not a file or folder of reenact's", "take its state with `reenact snapshot`, and check that").into()
        );
    }
    let policy = RedactionArgs::policy_in(args.policy.as_deref())?;
    if let Some(kind) = Kind::of(&args.path) {
        return check_other(&args.path, kind, args.json);
    }
    let report = pipeline::check(&args.path, &policy)?;
    if args.json {
        output::json(&report.json())?
    } else {
        output::data(&report.text())?
    }
    Ok(if report.passed() { Exit::Pass } else { Exit::Fail })
}

/// Checks what is no recording, and reports in the same words.
fn check_other(path: &Path, kind: Kind, as_json: bool) -> anyhow::Result<Exit> {
    let problem = pipeline::check_other(path, kind).err().map(anyhow::Error::from);
    let hint = problem.as_ref().and_then(exit::hint);
    let what = problem.as_ref().map(output::chain);
    if as_json {
        let problems: Vec<_> = what.iter().map(|what| json!({ "what": what, "hint": hint })).collect();
        output::json(&json!({ "path": path, "kind": kind.word(), "passed": problem.is_none(), "problems": problems }))?;
    } else {
        let mut text = format!("{}: {}\n  {}\n", path.display(), if problem.is_none() { "passed" } else { "failed" }, kind.word());
        text.extend(what.map(|what| format!("  wrong: {what}\n")));
        text.extend(hint.map(|hint| format!("    hint: {hint}\n")));
        output::data(&text)?;
    }
    Ok(if problem.is_none() { Exit::Pass } else { Exit::Fail })
}
