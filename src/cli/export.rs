//! `reenact export`: from a redacted recording to another tool's file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use reenact::export::{self, ExportFormat, Exported};
use reenact::inspect::count;
use reenact_formats::disk::publish::{Folder, Publish as _};
use reenact_formats::disk::recording::Recording;
use serde_json::json;

use super::exit::Exit;
use super::progress::Progress;
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact export rec/ --to har -o checkout.har
  reenact export rec/ --to gor -o requests.gor
  reenact export rec/ --to pcap -o - | wireshark -k -i -
  reenact export rec/ --to curl -o requests.sh && sh requests.sh http://127.0.0.1:8080
  reenact export rec/ --to k6 -o load.js && BASE_URL=http://127.0.0.1:8080 k6 run load.js
  reenact export rec/ --to jsonl -o - | jq -r .request.target

docs/import-export.md says what each format can say, and what is left out.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// The recording; it must not be raw
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// What is made of it
    #[arg(long, value_name = "FORMAT", value_enum)]
    to: To,
    /// The file; it must not exist. - is stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: PathBuf,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

/// As `--to` takes it.
#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// HAR 1.2, as browsers show it
    Har,
    /// What GoReplay reads
    Gor,
    /// Packets, as they might have been: for Wireshark, and for whatever else reads pcap
    Pcap,
    /// A shell script, one curl for each request; it is told where to send to
    Curl,
    /// A script for k6, with the recorded sessions and the times between their requests
    K6,
    /// An object a line; `reenact schema exchange` describes it
    Jsonl,
}

impl To {
    const fn format(self) -> ExportFormat {
        match self {
            Self::Har => ExportFormat::Har,
            Self::Gor => ExportFormat::Gor,
            Self::Pcap => ExportFormat::Pcap,
            Self::Curl => ExportFormat::Curl,
            Self::K6 => ExportFormat::K6,
            Self::Jsonl => ExportFormat::JsonLines,
        }
    }
}

pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<Exit> {
    let is_stdout = args.output.as_os_str() == "-";
    if is_stdout && args.json {
        return Err(InvalidArgument::new("--json and the file cannot both go to stdout", "write the file to another place: -o FILE").into());
    }
    let recording = export::open(&args.recording)?;
    let progress = Progress::start("exporting", Some(recording.manifest().exchanges));
    let mut report = |done| progress.at(done, "exchanges");
    let exported = if is_stdout {
        let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
        match export::export(&recording, args.to.format(), &mut out, &mut report) {
            Err(export::Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Err(output::StdoutClosed.into()),
            exported => exported?,
        }
    } else {
        to_file(&recording, args.to.format(), &args.output, &mut report)?
    };
    drop(progress);
    let left_out: Vec<_> = exported.left_out.iter().map(|(why, number)| (why.word(), *number)).collect();
    if args.json {
        let left_out: serde_json::Map<_, _> = left_out.iter().map(|(why, number)| ((*why).to_owned(), json!(number))).collect();
        output::json(&json!({ "exchanges": exported.exchanges, "left_out": left_out }))?;
    }
    output::note(&format!("{} exchanges exported", count(exported.exchanges)));
    for (why, number) in left_out {
        output::note(&format!("  left out: {} ({why})", count(number)));
    }
    Ok(Exit::Pass)
}

/// All of the file at once, or nothing of it.
fn to_file(recording: &Recording, format: ExportFormat, path: &Path, report: &mut dyn FnMut(u64)) -> anyhow::Result<Exported> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(InvalidArgument::new(format!("{} is no name for a file", path.display()), "say which file is to be written: -o FILE").into());
    };
    if path.exists() {
        return Err(
            InvalidArgument::new(format!("output {} exists", path.display()), "name a file that does not exist yet; nothing is ever overwritten").into()
        );
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = Folder::existing(folder).begin(name)?;
    let exported = export::export(recording, format, &mut file as &mut dyn Write, report).map_err(|error| match error {
        export::Error::Write(source) => anyhow::Error::from(reenact_formats::disk::Error::Write { path: path.to_owned(), source }),
        error => error.into(),
    })?;
    file.publish()?;
    Ok(exported)
}
