//! `reenact erase`: takes a person's exchanges out of a recording.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};
use reenact::inspect::count;
use reenact::pipeline;
use serde_json::json;

use super::exit::Exit;
use super::redaction::{KEY_VARIABLE, given_key};
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact erase rec/ --subject-file - --key-file key.txt < address.txt
  reenact erase rec/ --subject ada@shop.example --key-file key.txt --search run/ --search state/

The person is found by the pseudonyms that the key makes of the value: of an e-mail address, a name, a phone number, an account. Give each value that
they are known by, one after the other. What was masked or dropped names no one, and is not found. Runs, snapshots and reports that were made of
the recording are not touched: delete them, or ask with --search which runs and snapshots hold something of theirs, and delete those.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EraseArgs {
    /// The recording; it must be redacted and finished, and alone in its folder
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// What the person is known by, as it was sent; others on this machine may see it in the list of processes
    #[arg(long, value_name = "VALUE", conflicts_with = "subject_file", required_unless_present = "subject_file")]
    subject: Option<String>,
    /// A file that holds it and nothing else; `-` for stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    subject_file: Option<PathBuf>,
    /// A run or a snapshot that was made of the recording: look whether it holds something of theirs, too; again for each. Nothing in it is changed
    #[arg(long, value_name = "RUN|SNAPSHOT", value_hint = ValueHint::DirPath)]
    search: Vec<PathBuf>,
    /// The key that the recording was redacted under; without it the environment variable REENACT_KEY
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &EraseArgs) -> anyhow::Result<Exit> {
    let key = given_key(args.key_file.as_deref())?;
    let key = key.ok_or_else(|| {
        InvalidArgument::new("no key was given", format!("give the one that the recording was redacted under: --key-file, or {KEY_VARIABLE}"))
    })?;
    let subject = match (&args.subject, &args.subject_file) {
        (Some(subject), _) => subject.clone(),
        (None, Some(file)) => read(file)?,
        (None, None) => String::new(),
    };
    if subject.trim().is_empty() {
        return Err(InvalidArgument::new("no subject was given", "say what the person is known by: --subject VALUE, or --subject-file FILE").into());
    }
    // What cannot be searched is told before anything is changed.
    let mut holding = Vec::new();
    for folder in &args.search {
        if pipeline::holds(folder, &key, subject.trim())? {
            holding.push(folder);
        }
    }
    let done = pipeline::erase(&args.recording, &key, subject.trim())?;
    if args.json {
        output::json(
            &json!({ "recording": args.recording, "erased": done.erased.exchanges, "parts_rewritten": done.parts, "searched": args.search, "to_delete": holding }),
        )?;
    } else if done.erased.exchanges == 0 {
        output::note(&format!("recording {}: no exchange holds a pseudonym of it; nothing was changed", args.recording.display()));
    } else {
        let parts = if done.parts == 1 { "part" } else { "parts" };
        output::note(&format!(
            "recording {}: {} exchanges erased, {} {parts} written anew",
            args.recording.display(),
            count(done.erased.exchanges),
            done.parts
        ));
    }
    for folder in &holding {
        output::warning(&format!("{} holds something of theirs: delete it", folder.display()));
    }
    if args.search.is_empty() && done.erased.exchanges > 0 {
        output::warning("runs and snapshots that were made of the recording may hold something of theirs: delete them, or name them with --search");
    }
    Ok(if holding.is_empty() { Exit::Pass } else { Exit::Fail })
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}
