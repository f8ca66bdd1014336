//! `reenact import`: from another tool's file to a recording.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use reenact::pipeline::{self, ImportJob};
use reenact_capture::{Control, FieldMap, ImportFormat, ImportOptions, ImportSource};
use reenact_formats::disk::recording::PART_BYTES;

use super::exit::Exit;
use super::progress::{Progress, now};
use super::redaction::{ExpiryArgs, KnownValuesArgs, RedactionArgs, of_recording};
use super::size::{Size, size_within};
use super::threads::ThreadArgs;
use super::{InvalidArgument, output, report, signals};

const EXAMPLES: &str = "\
Examples:
  reenact import access.log.1.gz -o rec/ --host shop.example --key-file key.txt
  reenact import requests.jsonl -o rec/ --field target=req.url --field time=at --key-file key.txt
  reenact import checkout.har -o rec/ --key-file key.txt
  reenact import requests.gor -o rec/ --key-file key.txt
  reenact import flows.mitm -o rec/ --key-file key.txt
  gunzip -c requests_*.gor.gz | reenact import - --from gor -o rec/ --key-file key.txt

docs/import-export.md says what each format tells, and what it does not.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The file, compressed with gzip or not; - is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The folder that the recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    /// What the file is; without it its first bytes tell
    #[arg(long, value_name = "FORMAT", value_enum)]
    from: Option<From>,
    /// The host that requests were sent to, where a log does not say
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Of JSON lines: which member says what, as in status=response.code; may be repeated. Without it the usual names are looked for
    #[arg(long = "field", value_name = "WHAT=MEMBER")]
    fields: Vec<FieldMap>,
    /// Write without any redaction: the recording holds personal data and secrets, and cannot be replayed
    #[arg(long, conflicts_with_all = ["key_file", "policy", "known_values"])]
    danger_raw: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    /// Drop bodies over this size and keep their length; 0 keeps none
    #[arg(long, value_name = "SIZE", default_value_t = Size(ImportOptions::default().max_body), value_parser = size_within(0, 256 << 20))]
    max_body: Size,
    /// What a part of the recording holds before compression; one and a quarter are held while one is written
    #[arg(long, value_name = "SIZE", default_value_t = Size(PART_BYTES), value_parser = size_within(4 << 10, 4 << 30))]
    part_size: Size,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    redaction: RedactionArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    known_values: KnownValuesArgs,
}

/// As `--from` takes it.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// HAR 1.2, as browsers and proxies save it
    Har,
    /// What GoReplay writes
    Gor,
    /// Flow files of mitmproxy
    Mitmproxy,
    /// Access logs of nginx and Apache, common or combined
    AccessLog,
    /// An object a line, as programs log requests
    Jsonl,
}

impl From {
    const fn format(self) -> ImportFormat {
        match self {
            Self::Har => ImportFormat::Har,
            Self::Gor => ImportFormat::Gor,
            Self::Mitmproxy => ImportFormat::Mitmproxy,
            Self::AccessLog => ImportFormat::AccessLog,
            Self::Jsonl => ImportFormat::JsonLines,
        }
    }
}

pub(crate) fn run(args: ImportArgs) -> anyhow::Result<Exit> {
    let source = if args.file.as_os_str() == "-" { ImportSource::Stdin } else { ImportSource::File(args.file) };
    let fields = args.fields.into_iter().fold(FieldMap::default(), FieldMap::with);
    let options = ImportOptions { format: args.from.map(From::format), max_body: args.max_body.0, host: args.host, fields };
    let redaction = of_recording(args.danger_raw, &args.redaction, &args.known_values)?;
    let expires = args.expiry.expires(redaction.as_ref().map(|redaction| &redaction.policy));
    let threads = args.threads.count();
    let job = ImportJob { source, options, output: args.output, part_bytes: args.part_size.0, redaction, expires, threads };

    let runtime = signals::runtime()?;
    let stop = runtime.block_on(async { signals::stop_flag() })?;
    let total = match &job.source {
        ImportSource::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        ImportSource::Stdin => None,
    };
    let progress = Progress::start("importing", total);
    let control = Control { stop, progress: Some(Box::new(move |now| progress.at(now.bytes, "bytes"))), ..Control::default() };
    let began = now();
    let (written, imported) = pipeline::import(&job, &control)?;
    drop(control);
    imported.notes.iter().for_each(|note| output::warning(note));
    let exit = report::recorded(&job.output, written, began, args.json)?;
    match imported.damage {
        Some(damage) => Err(InvalidArgument::new(damage, "what came before is imported; for the rest copy the file again").into()),
        None => Ok(exit),
    }
}
