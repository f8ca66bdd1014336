//! `reenact capture`: from packets to a recording.

mod consent;
mod ending;
mod live;
mod metrics;
mod statistics;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use reenact::pipeline::{self, CaptureJob, DiskRoom, Watch};
use reenact_capture::{CaptureOptions, Checksums, Control, FlowKeying, Limits, OnProgress, Service, Source, Tap};
use reenact_formats::disk::recording::PART_BYTES;

use self::consent::ConsentArgs;
use self::ending::EndingArgs;
use self::live::LiveArgs;
use self::statistics::Statistics;
use super::exit::Exit;
use super::progress::{Progress, now};
use super::redaction::{ExpiryArgs, KnownValuesArgs, RedactionArgs, of_recording};
use super::size::{Size, size_within};
use super::threads::ThreadArgs;
use super::{InvalidArgument, output, privileges, report, signals};

const EXAMPLES: &str = "\
Examples:
  reenact capture -i eth0 -o rec/ --key-file key.txt tcp port 8080
  reenact capture -i any -o rec/ --key-file key.txt --cpu-limit 50 --memory-limit 512MiB --metrics 127.0.0.1:9469 tcp port 8080
  reenact capture -r traffic.pcapng -o rec/ --key-file key.txt
  reenact capture -r traffic.pcapng -o rec/ --key-file key.txt --known-values customers.csv
  reenact capture -i eth0 -o rec/ --key-file key.txt --include 'host=api.*' --exclude 'path=/health*' --opt-out-header x-no-recording
  reenact capture -r traffic.pcapng --discard
  tcpdump -w - port 8080 | reenact capture -r - -o rec/ --key-file key.txt";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CaptureArgs {
    /// Read packets from a pcap or pcapng file; - is stdin
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    read: Option<PathBuf>,
    /// The folder that the recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// Write nothing: print the account alone, of what is there and what is missing
    #[arg(long, conflicts_with_all = ["output", "key_file", "policy", "known_values", "danger_raw", "part_size"])]
    discard: bool,
    /// Stop after this many packets
    #[arg(short, long, value_name = "PACKETS")]
    count: Option<u64>,
    /// What tells connections apart; with the tags where networks reuse each other's addresses
    #[arg(long, value_name = "KEY", value_enum, default_value = "tuple")]
    flow_key: FlowKey,
    /// The service that is recorded, as HOST:PORT, HOST or :PORT; repeat for more. What is asked of any other is marked as outbound, to a dependency, and is not replayed. Without it the listening side tells
    #[arg(long = "service", value_name = "HOST:PORT")]
    services: Vec<String>,
    /// Leave out packets whose IPv4 or TCP checksum is wrong. Without it wrong IPv4 headers are counted and nothing is left out: what this machine sends has none yet
    #[arg(long)]
    verify_checksums: bool,
    /// Write without any redaction: the recording holds personal data and secrets, and cannot be replayed
    #[arg(long, conflicts_with_all = ["key_file", "policy", "known_values"])]
    danger_raw: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    consent: ConsentArgs,
    #[command(flatten)]
    ending: EndingArgs,
    #[command(flatten)]
    redaction: RedactionArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    known_values: KnownValuesArgs,
    /// Keep only packets that match this filter, in the words of tcpdump
    #[arg(value_name = "FILTER", trailing_var_arg = true)]
    filter: Vec<String>,
}

/// How much a capture holds at once. What goes beyond is let go and stands in the account.
#[derive(Args)]
#[command(next_help_heading = "Memory")]
struct MemoryArgs {
    /// Connections followed at once; the one that was silent longest makes room
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_flows, value_parser = clap::value_parser!(u64).range(1..=MOST_FLOWS))]
    max_flows: u64,
    /// Bytes of all streams held until their exchange is whole: out of order, in unfinished messages, waiting for an answer
    #[arg(long, value_name = "SIZE", default_value_t = Size(Limits::default().max_buffered), value_parser = size_within(1 << 20, 1 << 40))]
    max_buffered: Size,
    /// Drop bodies over this size and keep their length; 0 keeps none
    #[arg(long, value_name = "SIZE", default_value_t = Size(Limits::default().max_body), value_parser = size_within(0, 256 << 20))]
    max_body: Size,
    /// What a part of the recording holds before compression; one and a quarter are held while one is written
    #[arg(long, value_name = "SIZE", default_value_t = Size(PART_BYTES), value_parser = size_within(4 << 10, 4 << 30))]
    part_size: Size,
}

/// As `--flow-key` takes it.
#[derive(Clone, Copy, ValueEnum)]
enum FlowKey {
    /// Addresses and ports
    Tuple,
    /// The same within one VLAN, VXLAN or Geneve network
    #[value(name = "tuple+vlan")]
    TupleAndTags,
}

pub(crate) fn run(args: CaptureArgs) -> anyhow::Result<Exit> {
    if args.live.list_interfaces {
        return live::list_interfaces(args.json);
    }
    let (as_json, format, address, user) = (args.json, args.live.stats, args.live.metrics, args.live.user.clone());
    let is_live = !args.live.interfaces.is_empty();
    if is_live {
        privileges::forbid_new()?;
    }
    let mut work = work(args)?;
    let statistics = Arc::new(Statistics::new(format));
    if is_live {
        let statistics = Arc::clone(&statistics);
        work.watch().figures = Some(Arc::new(move |figures| statistics.tell(figures)));
    }
    let output = work.output().map(ToOwned::to_owned);
    let listener = address.map(metrics::bind).transpose()?;
    let stop = Arc::<AtomicBool>::default();
    let start = || {
        let runtime = signals::runtime()?;
        runtime.block_on(async {
            listener.map_or(Ok(()), |listener| metrics::serve(listener, Arc::clone(&statistics)))?;
            signals::set_on_stop(&stop, move || stop_at_once(output.as_deref()))
        })?;
        anyhow::Ok(runtime)
    };
    // What opening an interface has needed is given up before there is a second thread; opening a pipe may take until it is told to stop.
    let (tap, _runtime) = if is_live {
        let tap = work.open(&stop)?;
        privileges::give_up(user.as_deref(), work.new_output())?;
        (tap, start()?)
    } else {
        let runtime = start()?;
        (work.open(&stop)?, runtime)
    };
    let total = match work.source() {
        Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        Source::Stdin | Source::Interfaces(_) => None,
    };
    let progress = (!is_live).then(|| Arc::new(Progress::start("capturing", total)));
    let warn: Arc<dyn Fn(&str) + Send + Sync> = match &progress {
        None => Arc::new({
            let statistics = Arc::clone(&statistics);
            move |text| statistics.warn(text)
        }),
        // It is gone from the terminal before the job is.
        Some(progress) => Arc::new({
            let progress = Arc::downgrade(progress);
            move |text| progress.upgrade().iter().for_each(|progress| progress.note(&format!("warning: {text}")))
        }),
    };
    work.watch().room = Some(Arc::new(move |room| {
        warn(match room {
            DiskRoom::Gone => "the disk is full: what there is no room for is counted, and not stored",
            DiskRoom::Back => "there is room on the disk again: exchanges are stored from here on",
        });
    }));
    let (damage, is_stopped) = (Arc::new(OnceLock::new()), Arc::clone(&stop));
    let seen = Arc::clone(&damage);
    let control = Control {
        stop,
        progress: progress.map(|progress| -> OnProgress {
            Box::new(move |now| if total.is_some() { progress.at(now.bytes, "bytes") } else { progress.at(now.packets, "packets") })
        }),
        gauge: Arc::default(),
        // What a source warns of is where its file is damaged. The recording of what came before is finished first.
        warning: Some(Box::new(move |text: &str| drop(seen.set(text.to_owned())))),
    };
    let exit = work.run(tap, control, &statistics, as_json)?;
    match damage.get() {
        // Of several interfaces, one that fails ends alone.
        Some(text) if is_live => {
            Err(InvalidArgument::new(text, "see whether the interface is still there; what was recorded until then, and from others, is whole").into())
        }
        // A stop that falls into the middle of a packet cuts what it reads; that is no fault of the source.
        Some(text) if !is_stopped.load(Ordering::SeqCst) => {
            Err(InvalidArgument::new(text, "the account of what came before, and its recording, are whole; for the rest make or copy the file again").into())
        }
        _ => Ok(exit),
    }
}

/// Whoever stops a capture a second time does not want to wait for what is under way: what was published stays, and nothing else does.
#[expect(clippy::disallowed_methods, reason = "nothing is to be waited for; what would be dropped is removed here")]
fn stop_at_once(output: Option<&Path>) {
    let (end, ended) = mpsc::channel::<()>();
    let output = output.map(ToOwned::to_owned);
    // Neither a disk that hangs nor a reader of stderr that has stopped is waited for longer than this.
    let last = thread::Builder::new().name("abandon".to_owned()).spawn(move || {
        let _end = end;
        output.as_deref().into_iter().for_each(pipeline::abandon);
        output::warning("stopped at once: what was not published yet is lost, and what was published was not looked through for residue");
    });
    if last.is_ok() {
        let _ = ended.recv_timeout(LAST_WORDS);
    }
    std::process::exit(Exit::Stopped as i32);
}

/// What was typed, checked.
enum Work {
    /// Into a recording.
    Record(Box<CaptureJob>),
    /// For the account alone.
    Survey(Source, Box<CaptureOptions>, Watch),
}

impl Work {
    fn source(&self) -> &Source {
        match self {
            Self::Record(job) => &job.source,
            Self::Survey(source, ..) => source,
        }
    }

    fn output(&self) -> Option<&Path> {
        match self {
            Self::Record(job) => Some(&job.output),
            Self::Survey(..) => None,
        }
    }

    /// The same, unless a series goes on in it: then it is what an earlier start has made of it.
    fn new_output(&self) -> Option<&Path> {
        let goes_on = |output: &Path| std::fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some());
        let is_series = matches!(self, Self::Record(job) if job.rotation.is_some());
        self.output().filter(|output| !is_series || !goes_on(output))
    }

    const fn watch(&mut self) -> &mut Watch {
        match self {
            Self::Record(job) => &mut job.watch,
            Self::Survey(_, _, watch) => watch,
        }
    }

    /// Opens the source.
    fn open(&self, stop: &Arc<AtomicBool>) -> anyhow::Result<Tap> {
        let (source, options) = match self {
            Self::Record(job) => (&job.source, &job.options),
            Self::Survey(source, options, _) => (source, &**options),
        };
        Ok(Tap::open(source, options, &Control { stop: Arc::clone(stop), ..Control::default() })?)
    }

    /// Does it, and reports once the progress that `control` shows is gone.
    fn run(&self, tap: Tap, control: Control, statistics: &Statistics, as_json: bool) -> anyhow::Result<Exit> {
        match self {
            Self::Record(job) => {
                let began = now();
                let written = pipeline::capture(job, tap, &control);
                statistics.end();
                let written = written.inspect_err(|error| match error {
                    pipeline::Error::Untold { ledger, unstored, .. } => report::untold(ledger, *unstored),
                    // What the gauge shows now, not what was told a second ago.
                    _ => live::told_before(&control.gauge.reading()),
                })?;
                drop(control);
                let unstored = written.iter().map(|written| written.unstored).sum();
                let exit = if job.rotation.is_some() {
                    report::series(&job.output, written, began, as_json)?
                } else {
                    let only = written.into_iter().next().ok_or_else(|| anyhow::anyhow!("nothing was recorded"))?;
                    report::recorded(&job.output, only, began, as_json)?
                };
                // Whoever asked for all of it has to know, also where the account says so.
                if unstored > 0 {
                    return Err(pipeline::Error::Unstored { path: job.output.clone(), exchanges: unstored }.into());
                }
                Ok(exit)
            }
            Self::Survey(source, _, watch) => {
                let survey = pipeline::survey(source, tap, watch, &control);
                statistics.end();
                drop(control);
                let survey = survey?;
                report::surveyed(&survey, as_json)
            }
        }
    }
}

fn work(args: CaptureArgs) -> anyhow::Result<Work> {
    let source = match args.read {
        Some(path) if path.as_os_str() == "-" => Source::Stdin,
        Some(path) => Source::File(path),
        None if !args.live.interfaces.is_empty() => Source::Interfaces(args.live.interfaces.clone()),
        None => return Err(InvalidArgument::new("nothing to capture from", "name an interface (-i IFACE) or a file (-r FILE, -r - for stdin)").into()),
    };
    let MemoryArgs { max_flows, max_buffered, max_body, part_size } = args.memory;
    let watch = Watch { limits: args.live.limits(), figures: None, room: None };
    let most = watch.limits.share_of_memory().unwrap_or(u64::MAX);
    let options = CaptureOptions {
        filter: (!args.filter.is_empty()).then(|| args.filter.join(" ")),
        limits: Limits { max_body: max_body.0, max_flows, max_buffered: max_buffered.0.min(most), ..Limits::default() },
        count: args.count,
        duration: args.ending.duration,
        threads: args.threads.count(),
        flow_key: match args.flow_key {
            FlowKey::Tuple => FlowKeying::Tuple,
            FlowKey::TupleAndTags => FlowKeying::TupleAndTags,
        },
        services: args.services.iter().map(|text| Service::resolve(text)).collect::<Result<_, _>>()?,
        checksums: if args.verify_checksums { Checksums::Verify } else { Checksums::Count },
        consent: args.consent.consent(),
        ..args.live.options()
    };
    if args.discard {
        return Ok(Work::Survey(source, Box::new(options), watch));
    }
    let output = args.output.ok_or_else(|| InvalidArgument::new("no output folder", "name one: -o DIR; or --discard, for the account alone"))?;
    let redaction = of_recording(args.danger_raw, &args.redaction, &args.known_values)?;
    let rotation = args.ending.rotation();
    if rotation.is_some() && redaction.as_ref().is_some_and(|redaction| redaction.policy.is_unlinkable()) {
        let hint = "leave out --rotate-every and --rotate-size: a policy that forbids links gives each recording a key of its own";
        return Err(InvalidArgument::new("recordings that follow one another have one key, and the policy says that no two may", hint).into());
    }
    let expires = args.expiry.expires(redaction.as_ref().map(|redaction| &redaction.policy));
    let part_age = args.ending.part_age(!matches!(source, Source::File(_)));
    let (retention, max_bytes) = (args.ending.retention(), args.ending.max_bytes());
    let part_bytes = part_size.0.min(most);
    Ok(Work::Record(Box::new(CaptureJob { source, options, output, part_bytes, part_age, rotation, retention, max_bytes, watch, redaction, expires })))
}

/// How long the last that is done may take where nothing is to be waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Beyond this the table alone would fill any machine.
const MOST_FLOWS: u64 = 1 << 28;
