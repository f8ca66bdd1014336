//! `reenact replay`: plays a recording against a target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};
use reenact::inspect::{count, duration, printable};
use reenact::pipeline::{self, Prepared, ReplayJob};
use reenact_formats::disk::run::{EndReason, EventResult, TimelineEvent};
use reenact_replay::{At, Control, Difference, Hook, Permissions, PlanOptions, RunSummary, SessionBy, Stop, TargetUrl, Targets};
use serde_json::json;

use super::exit::Exit;
use super::progress::Progress;
use super::redaction::RedactionArgs;
use super::window::WindowArgs;
use super::{InvalidArgument, output, signals};

const EXAMPLES: &str = "\
Examples:
  reenact replay rec/ --target http://127.0.0.1:8080 -o run/ --key-file key.txt
  reenact replay rec/ --target http://127.0.0.1:8080 --speed 2 --session cookie:sid --tag scenario=peak -o run/
  reenact replay rec/ --target http://127.0.0.1:8080 --at 50% --exec './migrate.sh' -o run/";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// The recording; it must be redacted
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// Send every request to this base URL, save those of hosts that a --map names
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, required_unless_present = "map")]
    target: Option<String>,
    /// Send the requests of a host, as the recording names it, to this base URL; repeat for more
    #[arg(long, value_name = "HOST=URL")]
    map: Vec<String>,
    /// The folder that the run is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    /// Send nothing: say how each request would differ from the recorded one
    #[arg(long, conflicts_with_all = ["output", "at"])]
    dry_run: bool,
    /// Compress time: 2 plays an hour in half an hour
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,
    /// What makes a session, within which order holds: connection, cookie:NAME or header:NAME
    #[arg(long, value_name = "BY", default_value = "connection")]
    session: String,
    #[command(flatten)]
    window: WindowArgs,
    /// Put a tag on the run and on each outcome
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// When the command of the next --exec runs: a share of the schedule (50%) or a time into the run (30s)
    #[arg(long, value_name = "WHEN", requires = "exec")]
    at: Vec<String>,
    /// Run this shell command under traffic, at the time of the --at before it
    #[arg(long, value_name = "COMMAND", requires = "at")]
    exec: Vec<String>,
    /// End the command of an --exec that takes longer than this
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    hook_timeout: String,
    /// Give up on an answer after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// Have at most this many requests on their way at once
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_in_flight: usize,
    /// Keep no answers: times and statuses only
    #[arg(long)]
    no_responses: bool,
    /// Allow this target, which is not on this machine; it must be marked as a sandbox too
    #[arg(long, value_name = "URL", help_heading = "Safety")]
    allow: Vec<String>,
    /// Allow a loopback target that is not marked as a sandbox
    #[arg(long, help_heading = "Safety")]
    allow_unmarked: bool,
    /// Allow requests that write to a loopback target that is not marked as a sandbox
    #[arg(long, help_heading = "Safety")]
    allow_writes: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
}

pub(crate) fn run(args: ReplayArgs) -> anyhow::Result<Exit> {
    let (as_json, is_dry, output) = (args.json, args.dry_run, args.output.clone().unwrap_or_default());
    let prepared = job(args)?.prepare()?;
    if is_dry {
        return dry_run(&prepared, as_json);
    }
    let left_out = LeftOut { not_replayable: prepared.plan.not_replayable(), outbound: prepared.plan.outbound() };
    let progress = Progress::start("replaying", Some(prepared.plan.len() as u64));
    let summary = signals::runtime()?.block_on(async {
        let stop = Stop::new();
        signals::on_stop({
            let stop = stop.clone();
            move || stop.stop()
        })?;
        let mut said = Vec::new();
        let progress = Box::new(move |now: &reenact_replay::Progress| {
            progress.at(now.settled, "exchanges");
            if said != now.waiting_for {
                said.clone_from(&now.waiting_for);
                if !said.is_empty() {
                    progress.note(&format!("waiting for {}", said.join(", ")));
                }
            }
        });
        anyhow::Ok(prepared.run(Control { stop, progress: Some(progress), ..Control::default() }).await?)
    })?;
    report(&summary, &output, &left_out, as_json)?;
    // A migration that failed leaves a run that means something else than what was asked for.
    Ok(match summary.reason {
        EndReason::Completed if summary.failed_hooks().next().is_some() => Exit::Fail,
        EndReason::Completed => Exit::Pass,
        _ => Exit::Stopped,
    })
}

/// Exchanges of the recording for which no request is sent.
struct LeftOut {
    /// Their request, or some of it, was not recorded.
    not_replayable: u64,
    /// The recorded service was their client: it asks again.
    outbound: u64,
}

/// Says how each request would differ; where nothing would, nothing is said of it.
fn dry_run(prepared: &Prepared, as_json: bool) -> anyhow::Result<Exit> {
    let differences: Vec<Difference> = prepared.plan.dry_run(&prepared.targets).map_err(pipeline::Error::from)?.collect();
    if as_json {
        let requests: Vec<_> = differences
            .iter()
            .map(|request| {
                let lines: Vec<_> = request.lines.iter().map(|line| json!({ "recorded": line.recorded, "sent": line.sent })).collect();
                json!({
                    "exchange": request.exchange.to_string(),
                    "due_ms": request.due.as_secs_f64() * 1e3,
                    "target": request.target,
                    "not_sent": request.skipped,
                    "lines": lines,
                    "body": request.body,
                })
            })
            .collect();
        output::json(&json!({ "requests": requests }))?;
        return Ok(Exit::Pass);
    }
    let mut text = String::new();
    for request in differences.iter().filter(|request| !request.is_none()) {
        let what = request.skipped.map(|why| format!(": not sent, {why}")).unwrap_or_default();
        text.push_str(&format!("{} after {} to {}{what}\n", request.exchange, duration(request.due), request.target));
        for line in &request.lines {
            text.push_str(&format!("  - {}\n  + {}\n", printable(line.recorded.as_bytes()), printable(line.sent.as_bytes())));
        }
        for binding in &request.body {
            text.push_str(&format!("  body: {}\n", printable(binding.as_bytes())));
        }
    }
    output::data(&text)?;
    Ok(Exit::Pass)
}

/// What was typed, checked.
fn job(args: ReplayArgs) -> anyhow::Result<ReplayJob> {
    let mut targets = Targets { default: args.target.as_deref().map(str::parse).transpose()?, ..Targets::default() };
    for text in &args.map {
        targets.add(text)?;
    }
    if args.at.len() != args.exec.len() {
        let what = format!("{} --at and {} --exec were given", args.at.len(), args.exec.len());
        return Err(InvalidArgument::new(what, "each --at WHEN goes with one --exec COMMAND").into());
    }
    let hooks = args.at.iter().zip(args.exec).map(|(at, command)| Ok(Hook { at: at.parse::<At>()?, command })).collect::<anyhow::Result<_>>()?;
    let tags = args.tags.iter().map(|text| tag(text)).collect::<anyhow::Result<_>>()?;
    let window = args.window.window()?;
    let timeout = Duration::try_from_secs_f64(args.timeout)
        .map_err(|_| InvalidArgument::new(format!("--timeout {} is no time", args.timeout), "write seconds, as in 30 or 0.5"))?;
    let allow = args.allow.iter().map(|text| text.parse::<TargetUrl>()).collect::<Result<_, _>>()?;
    let plan = PlanOptions { speed: args.speed, session: args.session.parse::<SessionBy>()? };
    Ok(ReplayJob {
        recording: args.recording,
        window,
        plan,
        targets,
        permissions: Permissions { allow, allow_unmarked: args.allow_unmarked, allow_writes: args.allow_writes },
        tags,
        hooks,
        hook_timeout: hook_timeout(&args.hook_timeout)?,
        max_in_flight: args.max_in_flight,
        timeout,
        keep_responses: !args.no_responses,
        output: args.output.unwrap_or_default(),
        redaction: args.redaction.load()?,
    })
}

/// How long a hook may take, written as the times at which hooks run are.
fn hook_timeout(text: &str) -> anyhow::Result<Duration> {
    match text.parse::<At>() {
        Ok(At::Time(time)) if !time.is_zero() => Ok(time),
        _ => Err(InvalidArgument::new(format!("--hook-timeout {text:?} is no time"), "write a time as in 90s, 10m or 1h30m").into()),
    }
}

fn tag(text: &str) -> anyhow::Result<(String, String)> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| InvalidArgument::new(format!("{text:?} is not a tag"), "write --tag KEY=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn report(summary: &RunSummary, output: &Path, left_out: &LeftOut, as_json: bool) -> anyhow::Result<()> {
    let took = summary.ended.since(summary.started);
    if as_json {
        let failures: BTreeMap<_, _> = summary.failures.iter().map(|(failure, count)| (failure.word(), count)).collect();
        let timeline: Vec<_> = summary
            .timeline
            .iter()
            .map(|event| json!({ "name": event.name, "at": event.at.to_string(), "ok": event.result.is_success(), "result": told(event) }))
            .collect();
        return output::json(&json!({
            "run": output,
            "reason": summary.reason.word(),
            "started": summary.started.to_string(),
            "ended": summary.ended.to_string(),
            "outcomes": summary.outcomes,
            "answered": summary.answered,
            "failures": failures,
            "other_status": summary.other_status,
            "not_replayable": left_out.not_replayable,
            "outbound": left_out.outbound,
            "lag_p99_ms": summary.lag.p99.as_secs_f64() * 1e3,
            "timeline": timeline,
        }));
    }
    output::note(&format!("run {}: {} in {}", output.display(), summary.reason.word(), duration(took)));
    output::note(&format!(
        "  answered      {} of {} exchanges, {} with another status than recorded",
        count(summary.answered),
        count(summary.outcomes),
        count(summary.other_status)
    ));
    if left_out.outbound > 0 {
        output::note(&format!("  not sent      {} outbound exchanges: the recorded service asked them of its dependencies", count(left_out.outbound)));
    }
    for (failure, times) in &summary.failures {
        output::note(&format!("  {failure:<13} {}", count(*times)));
    }
    output::note(&format!("  sender lag    p50 {}, p99 {}, at most {}", duration(summary.lag.p50), duration(summary.lag.p99), duration(summary.lag.max)));
    for event in &summary.timeline {
        let result = if event.result.is_success() { "ended well" } else { "failed" };
        output::note(&format!("  {result:<13} {}: {}", event.name, told(event)));
    }
    Ok(())
}

/// How a hook ended. What it said itself went to stderr when it said it, and is kept nowhere.
fn told(event: &TimelineEvent) -> String {
    let after = duration(event.duration);
    match &event.result {
        EventResult::Exited(code) => format!("exit code {code} after {after}"),
        EventResult::Failed(why) => why.clone(),
        _ => format!("after {after}"),
    }
}
