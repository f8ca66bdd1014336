//! `reenact demo`: tells what the demo does while it does it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueHint};
use reenact::demo::{self, Event, Play};
use reenact::inspect::{bytes, count, duration};
use reenact::planted::{Scan, Survivor};
use reenact_formats::disk::verdict::Verdict;
use reenact_replay::RunSummary;

use super::exit::Exit;
use super::progress::Progress;
use super::{output, report, signals};

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// The folder that everything is written to; one of an earlier demo is replaced
    #[arg(short, long, value_name = "DIR", default_value = "demo-out", value_hint = ValueHint::DirPath)]
    output: PathBuf,
}

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut story = Story::default();
    let told = signals::runtime()?.block_on(demo::run(&program, &args.output, &mut |event| story.tell(event)))?;
    story.end_progress();
    story.closed?;
    output::data(&format!("\nReport: {}\n", told.report.display()))?;
    if !told.as_expected {
        output::note("the demo did not end as it should");
        return Ok(Exit::Fail);
    }
    Ok(Exit::Pass)
}

/// What was told so far.
struct Story {
    stage: u32,
    progress: Option<Progress>,
    /// Whether stdout still takes what is told.
    closed: anyhow::Result<()>,
}

impl Default for Story {
    fn default() -> Self {
        Self { stage: 0, progress: None, closed: Ok(()) }
    }
}

impl Story {
    fn tell(&mut self, event: Event<'_>) {
        if let Event::Progress { done, total } = event {
            self.progress.get_or_insert_with(|| Progress::start("  replaying", Some(total))).at(done, "exchanges");
            return;
        }
        self.end_progress();
        let text = match event {
            Event::Stage { title } => {
                self.stage += 1;
                format!("\n{}. {title}\n", self.stage)
            }
            Event::Recorded(recorded) => report::account(recorded),
            Event::Example(example) => {
                let lines = |mark: char, lines: &[String]| lines.iter().map(|line| format!("  {mark} {line}\n")).collect::<String>();
                format!("{}\n{}", lines('-', &example.before), lines('+', &example.after))
            }
            Event::Scanned { planted, scan } => scanned(planted, scan),
            Event::Replayed(summary) => replayed(summary),
            Event::Judged { play, verdict } => judged(play, verdict),
            _ => return,
        };
        if self.closed.is_ok() {
            self.closed = output::data(&text);
        }
    }

    fn end_progress(&mut self) {
        self.progress = None;
    }
}

/// What was looked for, and by file and kind what is still there.
fn scanned(planted: usize, scan: &Scan) -> String {
    let found = if scan.survivors.is_empty() { "none is there" } else { "some are still there" };
    let (read, files) = (bytes(scan.bytes), count(scan.files));
    let mut text = format!("  {} values, plain and encoded, looked for in {read} of {files} files: {found}\n", count(planted as u64));
    let mut survivors: BTreeMap<_, u64> = BTreeMap::new();
    for Survivor { file, place, kind, .. } in &scan.survivors {
        *survivors.entry((file, place, kind)).or_default() += 1;
    }
    for ((file, place, kind), times) in survivors {
        text.push_str(&format!("    {times} of kind {kind} in {}, {place}\n", file.display()));
    }
    text
}

fn replayed(summary: &RunSummary) -> String {
    let (answered, all) = (count(summary.answered), count(summary.outcomes));
    let (took, lag) = (duration(summary.ended.since(summary.started)), duration(summary.lag.max));
    let mut text = format!("  {answered} of {all} exchanges answered in {took}; the sender was at most {lag} late\n");
    for hook in &summary.timeline {
        let result = if hook.result.is_success() { "done" } else { "FAILED" };
        let (at, took) = (duration(hook.at.since(summary.started)), duration(hook.duration));
        text.push_str(&format!("  migrated under traffic, {at} after the start: {result} in {took}\n"));
    }
    text
}

/// A verdict with its reasons, and the first of the rows that differ.
fn judged(play: Play, verdict: &Verdict) -> String {
    let expected = if verdict.judgement == play.expected { "" } else { "   (not what it should be)" };
    let mut text = format!("  verdict: {}{expected}\n", verdict.judgement.word());
    for reason in verdict.reasons.iter().take(MOST_REASONS) {
        text.push_str(&format!("    {}: {}\n", reason.place, reason.text));
    }
    if let Some(more) = verdict.reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        text.push_str(&format!("    and {more} more reasons\n"));
    }
    for entity in verdict.state.iter().flat_map(|state| &state.entities) {
        for row in entity.rows.iter().take(MOST_ROWS) {
            let key = entity.key.iter().zip(&row.key).map(|(column, value)| format!("{column} = {}", value.as_deref().unwrap_or("null")));
            let wrote = if row.exchanges.is_empty() { String::new() } else { format!(", written by exchange {}", row.exchanges.join(", ")) };
            text.push_str(&format!("    {} row of {}: {}{wrote}\n", row.kind.word(), entity.name, key.collect::<Vec<_>>().join(", ")));
        }
    }
    text
}

const MOST_REASONS: usize = 6;
const MOST_ROWS: usize = 3;
