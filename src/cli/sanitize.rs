//! `reenact sanitize`: a redacted recording from another one.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use reenact::pipeline;
use reenact_formats::disk::recording::Recording;

use super::exit::Exit;
use super::progress::Progress;
use super::redaction::RedactionArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  reenact sanitize raw/ -o clean/ --key-file key.txt
  reenact sanitize clean/ -o cleaner/ --key-file key.txt --policy stricter.yaml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SanitizeArgs {
    /// The recording to read, raw or redacted
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// The folder that the redacted recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
}

pub(crate) fn run(args: &SanitizeArgs) -> anyhow::Result<Exit> {
    let redaction = args.redaction.load()?;
    let total = Recording::open(&args.recording)?.manifest().exchanges;
    let progress = Progress::start("redacting", Some(total));
    let recorded = pipeline::sanitize(&args.recording, &args.output, &redaction, &mut |done| progress.at(done, "exchanges"))?;
    drop(progress);
    report::recorded(&args.output, &recorded, args.json)
}
