//! `reenact sanitize`: a redacted recording from another one, or a sandbox copy of a database rewritten.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueHint};

use reenact::database::DatabaseJob;
use reenact::explain::{exchange_of, explained_json, explained_text, recorded_json, recorded_text};
use reenact::pipeline::{self, Redaction};
use reenact_formats::disk::recording::{Recording, State};
use reenact_formats::model::ExchangeId;
use reenact_sanitize::{Key, Redactor};
use serde::Deserialize;
use serde_json::Value;

use super::exit::Exit;
use super::progress::{Progress, now};
use super::redaction::{ExpiryArgs, KnownValuesArgs, RedactionArgs};
use super::threads::ThreadArgs;
use super::{InvalidArgument, database, output, report};

const EXAMPLES: &str = "\
Examples:
  reenact sanitize raw/ -o clean/ --key-file key.txt
  reenact sanitize clean/ -o cleaner/ --key-file key.txt --policy stricter.yaml
  reenact sanitize raw/ --explain 12.3 --policy policy.yaml
  curl -si https://shop.example/cart | reenact sanitize --explain -
  reenact sanitize raw/ -o clean/ --key-file key.txt --known-values customers.csv
  reenact sanitize raw/ -o clean/ --key-file key.txt --known-values postgres://reader@db/shop --query 'select email, name from customers'
  reenact sanitize postgres://app@127.0.0.1/orders_copy --key-file key.txt --policy policy.yaml --dry-run
  reenact sanitize postgres://app@127.0.0.1/orders_copy --key-file key.txt --policy policy.yaml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SanitizeArgs {
    /// The recording to read, raw or redacted; or a sandbox copy of a database to rewrite: postgres://…, mysql://… or sqlite:FILE, marked by
    /// `reenact sandbox mark`
    #[arg(value_name = "RECORDING|DATABASE", value_hint = ValueHint::DirPath, required_unless_present_any = ["spans", "explain"])]
    recording: Option<PathBuf>,
    /// The folder that the redacted recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// Rewrite nothing: say for each column of the database what would be done, and what its first rows say to that
    #[arg(long, conflicts_with = "spans")]
    dry_run: bool,
    /// Redact nothing: read lines {"text":…,"content_type":…} and print for each a line of [start, end, "rule"], in bytes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["recording", "output", "json"])]
    spans: Option<PathBuf>,
    /// Write nothing: say of each value of an exchange of the recording (12.3), or of HTTP messages on stdin (-), why it is redacted and what it
    /// becomes. Values are shown as they are given; of a redacted recording only rules, places and actions
    #[arg(long, value_name = "EXCHANGE|-", conflicts_with_all = ["output", "spans"])]
    explain: Option<String>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    redaction: RedactionArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    known_values: KnownValuesArgs,
}

pub(crate) fn run(args: &SanitizeArgs) -> anyhow::Result<Exit> {
    if let Some(which) = &args.explain {
        return explain(args, which);
    }
    let Some(input) = &args.recording else { return spans(args) };
    if let Some(database) = input.to_str().filter(|text| database::is_database(text)) {
        return rewrite(args, database);
    }
    if args.dry_run {
        return Err(InvalidArgument::new("--dry-run goes with a database", "for texts of your own there is --spans FILE").into());
    }
    let output = args.output.as_ref().ok_or_else(|| InvalidArgument::new("no output", "say where the redacted recording is to be written: -o DIR"))?;
    let redaction = Redaction { known_values: args.known_values.load()?, ..args.redaction.load()? };
    let total = Recording::open(input)?.manifest().exchanges;
    let progress = Progress::start("redacting", Some(total));
    let began = now();
    let expires = args.expiry.expires(Some(&redaction.policy));
    let written = pipeline::sanitize(input, output, &redaction, expires, args.threads.count(), &mut |done| progress.at(done, "exchanges"))?;
    drop(progress);
    report::recorded(output, written, began, args.json)
}

/// A sandbox copy of a database, rewritten where it is.
fn rewrite(args: &SanitizeArgs, database: &str) -> anyhow::Result<Exit> {
    if args.output.is_some() {
        return Err(InvalidArgument::new("a database is rewritten where it is: -o goes with a recording", "make a copy, and name it").into());
    }
    if !args.dry_run && !args.redaction.has_key() {
        let hint = "give the key of the recording that it goes with: --key-file FILE, or REENACT_KEY";
        return Err(InvalidArgument::new("no key was given, and under a random one a database joins with nothing", hint).into());
    }
    let redaction = Redaction { known_values: args.known_values.load()?, ..args.redaction.load()? };
    let job = DatabaseJob { database: database.to_owned(), redaction, threads: args.threads.count().get() };
    if args.dry_run { database::plan(&job, args.json) } else { database::run(&job, args.json) }
}

/// What becomes of an exchange, and why.
fn explain(args: &SanitizeArgs, which: &str) -> anyhow::Result<Exit> {
    let (recording, exchange) = if which == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).context("cannot read stdin")?;
        let what = "stdin holds no HTTP message";
        let exchange = exchange_of(&text).ok_or_else(|| {
            InvalidArgument::new(what, "give a request, a response, or one behind the other, each as it is sent: a head, an empty line, a body")
        })?;
        (None, exchange)
    } else {
        let wrong = |what: String| InvalidArgument::new(what, "name one as `reenact inspect` does, as in 12.3, or - for stdin");
        let id: ExchangeId = which.parse().map_err(|_| wrong(format!("`{which}` is no exchange")))?;
        let path = args.recording.as_deref().ok_or_else(|| wrong(format!("exchange {id} of which recording?")))?;
        let recording = Recording::open(path)?;
        let exchange = recording.exchange(id)?.ok_or_else(|| wrong(format!("recording {} has no exchange {id}", path.display())))?;
        if recording.manifest().state != State::Raw {
            // What is not raw has no values to show.
            return shown(args.json, || recorded_json(&exchange), || recorded_text(&exchange));
        }
        (Some((recording, id)), exchange)
    };
    let redaction = Redaction { known_values: args.known_values.load()?, ..args.redaction.load()? };
    let told = pipeline::explain(recording.as_ref().map(|(recording, id)| (recording, *id)), exchange, &redaction)?;
    shown(args.json, || explained_json(&told), || explained_text(&told))
}

fn shown(as_json: bool, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> anyhow::Result<Exit> {
    if as_json {
        output::json(&json())?
    } else {
        output::data(&text())?
    }
    Ok(Exit::Pass)
}

/// A text as it stands in a message, and what a `Content-Type` would call it.
#[derive(Deserialize)]
struct Sample {
    text: String,
    #[serde(default)]
    content_type: String,
}

/// What would be redacted in each text: detection, measured from outside.
fn spans(args: &SanitizeArgs) -> anyhow::Result<Exit> {
    let file = args.spans.as_deref().ok_or_else(|| InvalidArgument::new("nothing to redact", "name a recording and -o DIR"))?;
    // No pseudonym is made, so that any key does.
    let mut redactor = Redactor::new(&args.redaction.policy()?, &Key::generate()?);
    if let Some(known) = args.known_values.load()? {
        redactor = redactor.with_known_values(known);
    }
    let lines = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?).lines();
    for (number, line) in (1..).zip(lines) {
        let line = line.with_context(|| format!("cannot read {}", file.display()))?;
        // What serde says of a wrong line may quote it.
        let sample: Sample = serde_json::from_str(&line).map_err(|error| {
            let what = format!("{}: line {number}, column {} is no sample", file.display(), error.column());
            InvalidArgument::new(what, "each line is a JSON object with `text`, and `content_type` if it is known")
        })?;
        let found: Vec<_> = redactor.spans(&sample.content_type, sample.text.as_bytes()).into_iter().map(|(span, rule)| (span.start, span.end, rule)).collect();
        output::data(&format!("{}\n", serde_json::to_string(&found)?))?;
    }
    Ok(Exit::Pass)
}
