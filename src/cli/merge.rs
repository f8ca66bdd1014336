//! `reenact merge`: the recordings of several machines as one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};
use reenact::inspect::{count, duration};
use reenact::pipeline::archive::{self, Clock, Lead, MergeJob, Merged, Node};
use reenact_formats::disk::recording::Recording;
use reenact_replay::At;
use serde_json::{Value, json};

use super::exit::Exit;
use super::progress::Progress;
use super::report;
use super::threads::ThreadArgs;
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact merge day1/ day2/ -o all/
  reenact merge web1=/mnt/a/rec web2=/mnt/b/rec -o all/ --offset web2=+12ms

All must be redacted under one key and one policy. The clock of the first machine is the one that holds. Those of the others are set by it: by
--offset, else by the exchanges that both machines saw, else they are taken as they are. What two machines saw of one request, between the same
two ends, becomes one exchange.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    /// The recordings, each as NAME=FOLDER with the name of its machine, or as a folder; without names machines are node1, node2 and so on
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath, num_args = 2.., required = true)]
    recordings: Vec<PathBuf>,
    /// The folder that the one recording is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    /// How far the clock of a machine is ahead (+) or behind (-), as in web2=+12ms; repeat for more. Without it that is estimated
    #[arg(long = "offset", value_name = "NODE=TIME")]
    offsets: Vec<String>,
    /// How far apart two machines may have seen the same request, once their clocks agree
    #[arg(long, value_name = "TIME", default_value = "1s")]
    tolerance: String,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub(crate) fn run(args: MergeArgs) -> anyhow::Result<Exit> {
    let recordings: Vec<_> = (1..).zip(&args.recordings).map(|(number, text)| named(number, text)).collect::<Result<_, _>>()?;
    let mut offsets = BTreeMap::new();
    for text in &args.offsets {
        let (name, nanos) = offset(text)?;
        if offsets.insert(name, nanos).is_some() {
            return Err(InvalidArgument::new(format!("--offset {text:?} is the second one of that machine"), "give each machine one").into());
        }
    }
    let tolerance =
        time(&args.tolerance).ok_or_else(|| InvalidArgument::new(format!("--tolerance {:?} is no time", args.tolerance), "write it as in 200ms or 1s"))?;
    let mut total = 0;
    for (_, path) in &recordings {
        total += Recording::open(path)?.manifest().exchanges;
    }
    let job = MergeJob { recordings, offsets, tolerance, output: args.output, threads: args.threads.count() };
    let progress = Progress::start("merging", Some(total));
    let merged = archive::merge(&job, &mut |done| progress.at(done, "exchanges"))?;
    drop(progress);
    tell(&job.output, &merged, args.json)?;
    Ok(Exit::Pass)
}

/// A recording, and what its machine is called: never as its folder is, which may be called after someone.
fn named(number: usize, text: &Path) -> Result<(String, PathBuf), InvalidArgument> {
    let pair = text.to_str().filter(|_| !text.exists()).and_then(|text| text.split_once('='));
    let (name, path) = match pair {
        Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
        None => (format!("node{number}"), text.to_owned()),
    };
    if path.as_os_str().is_empty() {
        return Err(InvalidArgument::new(format!("{text:?} names no recording"), "write NAME=RECORDING, or the recording alone"));
    }
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(InvalidArgument::new(format!("recording {} has no name that a machine can have", path.display()), "give it one: NAME=RECORDING"));
    }
    Ok((name, path))
}

/// How far the clock of a machine is ahead.
fn offset(text: &str) -> Result<(String, i64), InvalidArgument> {
    let wrong = || InvalidArgument::new(format!("--offset {text:?} says no offset"), "write NODE=TIME, as in web2=+12ms or web2=-1.5s");
    let (name, lead) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (is_behind, lead) = match lead.strip_prefix('-') {
        Some(lead) => (true, lead),
        None => (false, lead.strip_prefix('+').unwrap_or(lead)),
    };
    let nanos = if lead == "0" { Some(0) } else { time(lead).and_then(|lead| i64::try_from(lead.as_nanos()).ok()) };
    let nanos = nanos.ok_or_else(wrong)?;
    Ok((name.to_owned(), if is_behind { -nanos } else { nanos }))
}

/// A time as hooks have it.
fn time(text: &str) -> Option<Duration> {
    match text.parse::<At>() {
        Ok(At::Time(time)) => Some(time),
        _ => None,
    }
}

fn tell(recording: &Path, merged: &Merged, as_json: bool) -> anyhow::Result<()> {
    let Merged { manifest, joined, nodes } = merged;
    if as_json {
        output::json(&json!({
            "recording": recording,
            "exchanges": manifest.exchanges,
            "joined": joined,
            "from": manifest.from.map(|time| time.to_string()),
            "to": manifest.to.map(|time| time.to_string()),
            "state": manifest.state.word(),
            "nodes": nodes.iter().map(node_json).collect::<Vec<_>>(),
        }))?;
    }
    let parts = if manifest.parts.len() == 1 { "part" } else { "parts" };
    output::note(&format!("recording {}: {} exchanges in {} {parts}", recording.display(), count(manifest.exchanges), manifest.parts.len()));
    for (number, node) in nodes.iter().enumerate() {
        output::note(&format!("  {:<13} {} exchanges; {}", node.name, count(node.exchanges), clock_words(&node.lead, number == 0)));
    }
    output::note(&format!("  joined        {} that two machines saw", count(*joined)));
    output::note(&format!("  state         {}", manifest.state));
    nodes.iter().for_each(|node| report::missing(&format!("the recording of {}", node.name), node.parts_missing));
    Ok(())
}

fn node_json(node: &Node) -> Value {
    let (clock, exchanges, spread) = match node.lead.clock {
        Clock::Kept => ("kept", None, None),
        Clock::Given => ("given", None, None),
        Clock::Estimated { exchanges, spread } => ("estimated", Some(exchanges), Some(spread.as_secs_f64() * 1e3)),
    };
    json!({
        "name": node.name,
        "exchanges": node.exchanges,
        "parts_missing": node.parts_missing,
        "offset_ms": node.lead.nanos as f64 / 1e6,
        "clock": clock,
        "estimated_from": exchanges,
        "spread_ms": spread,
    })
}

fn clock_words(lead: &Lead, is_first: bool) -> String {
    let nanos = Duration::from_nanos(lead.nanos.unsigned_abs());
    let apart = match lead.nanos {
        0 => "as the first one's".to_owned(),
        1.. => format!("{} ahead", duration(nanos)),
        _ => format!("{} behind", duration(nanos)),
    };
    match lead.clock {
        Clock::Kept if is_first => "its clock holds".to_owned(),
        Clock::Kept => "its clock is taken as it is: too few exchanges that another machine saw too".to_owned(),
        Clock::Given => format!("its clock was {apart}, as was said"),
        Clock::Estimated { exchanges, spread } => {
            format!("its clock was {apart}, by {} exchanges that another machine saw too, half of them within {}", count(exchanges), duration(spread))
        }
    }
}

/// A name of a machine has no more bytes.
const LONGEST_NAME: usize = 255;
