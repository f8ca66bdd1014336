//! `reenact capture`: from packets to a recording.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use clap::{Args, ValueHint};
use reenact::pipeline::{self, CaptureJob};
use reenact_capture::{CaptureOptions, Control, Limits, Source};
use serde_json::json;

use super::exit::Exit;
use super::progress::Progress;
use super::redaction::RedactionArgs;
use super::{InvalidArgument, output, report, signals};

const EXAMPLES: &str = "\
Examples:
  reenact capture -i eth0 -o rec/ --key-file key.txt tcp port 8080
  reenact capture -r traffic.pcapng -o rec/ --key-file key.txt
  tcpdump -w - port 8080 | reenact capture -r - -o rec/ --key-file key.txt";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CaptureArgs {
    /// Capture live from this network interface
    #[arg(short, long, value_name = "IFACE", conflicts_with = "read")]
    interface: Option<String>,
    /// Read packets from a pcap or pcapng file; - is stdin
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    read: Option<PathBuf>,
    /// The folder that the recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// List the network interfaces and end
    #[arg(short = 'D', long, conflicts_with_all = ["interface", "read", "output"])]
    list_interfaces: bool,
    /// Keep at most this many bytes of each packet (live)
    #[arg(short, long, value_name = "BYTES", default_value_t = 262_144)]
    snap_length: u32,
    /// Stop after this many packets
    #[arg(short, long, value_name = "PACKETS")]
    count: Option<u64>,
    /// The kernel's capture buffer in KiB (live)
    #[arg(short = 'B', long, value_name = "KIB")]
    buffer_size: Option<u32>,
    /// Drop bodies over this many bytes and keep their length
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    max_body: u64,
    /// Write without any redaction: the recording holds personal data and secrets, and cannot be replayed
    #[arg(long, conflicts_with_all = ["key_file", "policy"])]
    danger_raw: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
    /// Keep only packets that match this filter, in the words of tcpdump
    #[arg(value_name = "FILTER", trailing_var_arg = true)]
    filter: Vec<String>,
}

pub(crate) fn run(args: CaptureArgs) -> anyhow::Result<Exit> {
    if args.list_interfaces {
        return list_interfaces(args.json);
    }
    let as_json = args.json;
    let job = job(args)?;
    let runtime = signals::runtime()?;
    let stop = runtime.block_on(async { signals::stop_flag() })?;
    let total = match &job.source {
        Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        Source::Stdin | Source::Interface(_) => None,
    };
    let progress = Progress::start("capturing", total);
    let (damage, is_stopped) = (Arc::new(OnceLock::new()), Arc::clone(&stop));
    let seen = Arc::clone(&damage);
    let control = Control {
        stop,
        progress: Some(Box::new(move |now| if total.is_some() { progress.at(now.bytes, "bytes") } else { progress.at(now.packets, "packets") })),
        // What a source warns of is where its file is damaged. The recording of what came before is finished first.
        warning: Some(Box::new(move |text: &str| drop(seen.set(text.to_owned())))),
    };
    let recorded = pipeline::capture(&job, &control)?;
    drop(control);
    let exit = report::recorded(&job.output, &recorded, as_json)?;
    match damage.get() {
        // A stop that falls into the middle of a packet cuts what it reads; that is no fault of the source.
        Some(text) if !is_stopped.load(Ordering::SeqCst) => {
            Err(InvalidArgument::new(text, "the recording of what came before can be used as it is; for the rest make or copy the file again").into())
        }
        _ => Ok(exit),
    }
}

/// What was typed, checked.
fn job(args: CaptureArgs) -> anyhow::Result<CaptureJob> {
    let source = match (args.interface, args.read) {
        (Some(name), _) => Source::Interface(name),
        (None, Some(path)) if path.as_os_str() == "-" => Source::Stdin,
        (None, Some(path)) => Source::File(path),
        (None, None) => return Err(InvalidArgument::new("nothing to capture from", "name an interface (-i IFACE) or a file (-r FILE, -r - for stdin)").into()),
    };
    let output = args.output.ok_or_else(|| InvalidArgument::new("no output folder", "name one: -o DIR"))?;
    let redaction = if args.danger_raw {
        output::warning("the recording is written raw: it will hold personal data and secrets as they were sent, and cannot be replayed");
        None
    } else {
        Some(args.redaction.load()?)
    };
    let defaults = CaptureOptions::default();
    let options = CaptureOptions {
        filter: (!args.filter.is_empty()).then(|| args.filter.join(" ")),
        limits: Limits { max_body: args.max_body, ..defaults.limits },
        snap_length: args.snap_length,
        kernel_buffer: args.buffer_size.map_or(defaults.kernel_buffer, |kib| kib.saturating_mul(1024)),
        count: args.count,
        ..defaults
    };
    Ok(CaptureJob { source, options, output, redaction })
}

fn list_interfaces(as_json: bool) -> anyhow::Result<Exit> {
    let interfaces = reenact_capture::interfaces()?;
    if as_json {
        let list: Vec<_> = interfaces.iter().map(|interface| json!({ "name": interface.name, "description": interface.description })).collect();
        output::json(&json!({ "interfaces": list }))?;
    } else {
        let lines = interfaces.iter().map(|interface| format!("{:<16} {}\n", interface.name, interface.description.as_deref().unwrap_or_default()));
        output::data(&lines.collect::<String>())?;
    }
    Ok(Exit::Pass)
}
