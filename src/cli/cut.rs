//! `reenact cut`: a window out of a long recording.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use reenact::inspect::{bytes, count};
use reenact::pipeline::archive::{self, Cut, CutJob};
use reenact_formats::disk::recording::{Digests, Selection};
use reenact_formats::selection::Where;
use serde_json::json;

use super::exit::Exit;
use super::progress::Progress;
use super::redaction::RedactionArgs;
use super::report;
use super::threads::ThreadArgs;
use super::window::WindowArgs;
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact cut archive/ --from 2026-11-20T12:03:00Z --to 2026-11-20T12:17:00Z -o incident/
  reenact cut archive/ --where \"method in ('GET', 'POST') and path like '/api/%'\" -o api/
  reenact cut archive/ --where \"node = 'web2' and status >= 500\" -o failed/

A condition is in the words of SQL: =, <>, <, <=, >, >=, in, like, between, is null, not, and, or. Its columns are those that other tools see in a
part: method, host, path, endpoint, status, duration_ns, role, node, client_ip and more.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CutArgs {
    /// The recording
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// The folder that the shorter recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    #[command(flatten)]
    window: WindowArgs,
    /// Only exchanges of which this is true
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Compare the digests of parts before anything of them is taken; for that all of a part is read. Without it what is cut out of a checked
    /// recording is checked anew
    #[arg(long)]
    verify: bool,
    /// The policy that it was redacted under; without it the built-in one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub(crate) fn run(args: CutArgs) -> anyhow::Result<Exit> {
    let window = args.window.window()?;
    let condition = args.condition.as_deref().map(condition).transpose()?;
    let job = CutJob {
        recording: args.recording,
        selection: Selection { window, condition },
        digests: if args.verify { Digests::Compare } else { Digests::Skip },
        policy: RedactionArgs::policy_in(args.policy.as_deref())?,
        output: args.output,
        threads: args.threads.count(),
    };
    let progress = Progress::start("cutting", None);
    let done = archive::cut(&job, &mut |done| progress.at(done, "exchanges"))?;
    drop(progress);
    tell(&job, &done, args.json)?;
    Ok(report::residue(&done.findings))
}

fn condition(text: &str) -> Result<Where, InvalidArgument> {
    text.parse::<Where>()
        .map_err(|error| InvalidArgument::new(format!("--where: {error}"), "write it as in \"method in ('GET', 'POST') and path like '/api/%'\""))
}

fn tell(job: &CutJob, done: &Cut, as_json: bool) -> anyhow::Result<()> {
    let Cut { manifest, read, bytes_there, exchanges_there, parts_missing, is_under_another_policy, findings } = done;
    let parts_there = read.parts + read.parts_skipped;
    if as_json {
        output::json(&json!({
            "recording": job.output,
            "exchanges": manifest.exchanges,
            "from": manifest.from.map(|time| time.to_string()),
            "to": manifest.to.map(|time| time.to_string()),
            "state": manifest.state.word(),
            "residue": findings.count,
            "of": { "exchanges": exchanges_there, "parts": parts_there, "parts_missing": parts_missing, "bytes": bytes_there },
            "read": { "parts": read.parts, "row_groups": read.row_groups, "bytes": read.bytes },
        }))?;
    }
    let parts = if manifest.parts.len() == 1 { "part" } else { "parts" };
    output::note(&format!(
        "recording {}: {} of {} exchanges in {} {parts}",
        job.output.display(),
        count(manifest.exchanges),
        count(*exchanges_there),
        manifest.parts.len()
    ));
    output::note(&format!("  read          {} of {}, in {} of {} parts", bytes(read.bytes), bytes(*bytes_there), count(read.parts), count(parts_there)));
    output::note(&format!("  state         {}", manifest.state));
    report::missing(&format!("recording {}", job.recording.display()), *parts_missing);
    if *is_under_another_policy {
        output::warning("it is not marked as checked: no digest was compared (--verify), and it was redacted under another policy than this (--policy FILE)");
    }
    if manifest.exchanges == 0 {
        output::warning("no exchange is as asked for; the recording is empty");
    }
    Ok(())
}
