//! Texts that several commands print.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use reenact::inspect::{count as n, duration, summarize, survey_json};
use reenact::pipeline::{Findings, Recorded, Survey, Written};
use reenact_formats::disk::recording::{Counts, Manifest};
use reenact_formats::model::{LossLedger, Unreadable};
use serde_json::json;

use super::exit::Exit;
use super::output;
use super::progress::now;

/// Checks a recording that was written since `began`, and reports it: on stdout as `inspect` would with `--json`, and how long it
/// took; a short account on stderr.
pub(crate) fn recorded(output: &Path, written: Written, began: Instant, as_json: bool) -> anyhow::Result<Exit> {
    let is_checked = written.is_checkable();
    let took = now().duration_since(began);
    let mut recorded = written.check()?;
    let failed = recorded.failed.take();
    let recorded = &recorded;
    let checking = now().duration_since(began).saturating_sub(took);
    if as_json {
        let mut summary = summarize(output)?.json();
        summary["seconds"] = json!({ "written": took.as_secs_f64(), "residue_check": is_checked.then_some(checking.as_secs_f64()) });
        output::json(&summary)?;
    }
    let manifest = &recorded.manifest;
    let parts = if manifest.parts.len() == 1 { "part" } else { "parts" };
    output::note(&format!("recording {}: {} exchanges in {} {parts}", output.display(), n(manifest.exchanges), manifest.parts.len()));
    output::note(account(recorded).trim_end());
    let apart = if is_checked { format!(", and {} to look for residue", duration(checking)) } else { String::new() };
    output::note(&format!("  {:<13} {}{apart}", "took", duration(took)));
    let exit = residue(&recorded.findings);
    failed.map_or(Ok(exit), |error| Err(error.into()))
}

/// What could not be stored, as a line; nothing if all was.
fn unstored_line(unstored: &Counts) -> String {
    let Counts { exchanges, requests, responses, .. } = unstored;
    let line = || format!("  {:<13} {} exchanges ({} requests, {} responses): the disk was full\n", "not stored", n(*exchanges), n(*requests), n(*responses));
    if *exchanges == 0 { String::new() } else { line() }
}

/// Warns where a recording that another is made of has lost parts.
pub(crate) fn missing(recording: &str, parts: u64) {
    if parts > 0 {
        output::warning(&format!(
            "{recording} has no manifest, and {} of its parts {} missing: what was in them is not here",
            n(parts),
            if parts == 1 { "is" } else { "are" }
        ));
    }
}

/// Tells what the residue check has found, if anything.
pub(crate) fn residue(findings: &Findings) -> Exit {
    if findings.is_empty() {
        return Exit::Pass;
    }
    output::note(&format!("residue: {} values look as if they should have been redacted, so the recording is not marked as checked", n(findings.count)));
    for finding in &findings.first {
        output::note(&format!("  exchange {}: {} at {}", finding.exchange, finding.rule, finding.path));
    }
    Exit::Fail
}

/// Checks recordings that were written one after the other since `began`, and reports them: on stdout what `inspect` would say of each, under
/// `recordings`; on stderr a line for each, and one account of all of them. One that cannot be checked does not keep the others from it: the first
/// error is what comes of it all.
pub(crate) fn series(folder: &Path, written: Vec<Written>, began: Instant, as_json: bool) -> anyhow::Result<Exit> {
    let took = now().duration_since(began);
    let (mut account, mut unstored, mut summaries, mut exit) = (LossLedger::default(), Counts::default(), Vec::new(), Exit::Pass);
    let mut first = None;
    output::note(&format!("recordings in {}: {}", folder.display(), n(written.len() as u64)));
    for written in written {
        let path = written.output.clone();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut failed = |error: anyhow::Error| {
            let why = output::chain(&error);
            first.get_or_insert(error);
            why
        };
        let recorded = match written.check() {
            Ok(recorded) => recorded,
            Err(error) => {
                output::note(&format!("  {name}  not in the account: {}", failed(error.into())));
                continue;
            }
        };
        let Recorded { manifest, findings, failed: unchecked } = recorded;
        account.add(&manifest.ledger);
        unstored.add(&manifest.gone.unstored);
        let residue = if findings.is_empty() { String::new() } else { format!(", {} values look as if they should have been redacted", n(findings.count)) };
        let unchecked = unchecked.map_or_else(String::new, |error| format!(", not checked: {}", failed(error.into())));
        output::note(&format!("  {name}  {} exchanges, {}{residue}{unchecked}", n(manifest.exchanges), manifest.state));
        if !findings.is_empty() {
            exit = Exit::Fail;
        }
        if as_json {
            match summarize(&path) {
                Ok(summary) => summaries.push(summary.json()),
                Err(error) => output::note(&format!("  {name}  {}", failed(error.into()))),
            }
        }
    }
    output::note(format!("{}{}", ledger(&account, unstored.exchanges), unstored_line(&unstored)).trim_end());
    output::note(&format!("  {:<13} {}", "took", duration(took)));
    if as_json {
        output::json(&json!({ "recordings": summaries, "seconds": { "written": took.as_secs_f64() } }))?;
    }
    first.map_or(Ok(exit), Err)
}

/// Reports what a capture has seen that kept nothing, in the words of [`recorded`].
pub(crate) fn surveyed(survey: &Survey, as_json: bool) -> anyhow::Result<Exit> {
    if as_json {
        output::json(&survey_json(survey))?;
    }
    output::note(&format!("nothing is kept: {} exchanges seen", n(survey.counts.exchanges)));
    output::note(ledger(&survey.ledger, 0).trim_end());
    Ok(Exit::Pass)
}

/// Reports what a capture has seen whose recording could not tell it.
pub(crate) fn untold(account: &LossLedger, unstored: u64) {
    output::note("the recording does not hold this account, nor all that it counts:");
    output::note(ledger(account, unstored).trim_end());
    if unstored > 0 {
        output::note(&format!("  {:<13} {} exchanges, and what came last: the disk was full", "not stored", n(unstored)));
    }
}

/// What entered, what became of it, and what was taken out, as lines.
pub(crate) fn account(recorded: &Recorded) -> String {
    let redactions = listed(recorded.manifest.redactions.iter().map(|(rule, count)| format!("{rule} {}", n(*count))));
    let Manifest { ledger: account, gone, state, .. } = &recorded.manifest;
    format!("{}{}  {:<13} {redactions}\n  {:<13} {state}\n", ledger(account, gone.unstored.exchanges), unstored_line(&gone.unstored), "redacted", "state")
}

/// How many places are listed.
const MOST_PLACES: usize = 20;

/// The account of a capture, as lines: what entered, what was recorded, what was lost and why, and that so many exchanges were not stored.
fn ledger(ledger: &LossLedger, unstored: u64) -> String {
    let LossLedger {
        packets,
        connections,
        stream_bytes,
        recorded_bytes,
        foreign,
        filtered,
        retransmitted_bytes,
        requests,
        responses,
        complete,
        lost,
        anomalies,
        notices,
        entries,
        unreadable,
        ..
    } = ledger;
    let entered = if *entries > 0 {
        ("entries", format!("{} read", n(*entries)))
    } else {
        let [tcp, others, filtered, lost] = [packets.tcp, packets.others(), packets.filtered, packets.lost].map(n);
        ("packets", format!("{} seen: {tcp} TCP, {others} other, {filtered} filtered, {lost} lost", n(packets.seen)))
    };
    // Of what was not stored the exchanges are counted, and not the bytes.
    let not_stored = if unstored == 0 { String::new() } else { format!(" with those of {} exchanges not stored", n(unstored)) };
    let mut lines = vec![
        entered,
        ("connections", n(*connections)),
        ("messages", format!("{} requests, {} responses, {} complete exchanges", n(*requests), n(*responses), n(*complete))),
        ("stream bytes", format!("{} seen, {} recorded{not_stored}, {} retransmitted", n(*stream_bytes), n(*recorded_bytes), n(*retransmitted_bytes))),
    ];
    let foreign = foreign.iter().map(|(name, traffic)| format!("{name} ({} connections, {} bytes)", n(traffic.connections), n(traffic.bytes)));
    lines.push(("not parsed", listed(foreign)));
    let left_out = filtered.iter().map(|(cause, traffic)| format!("{cause} {} ({} bytes)", n(traffic.exchanges), n(traffic.bytes)));
    if !filtered.is_empty() {
        lines.push(("left out", listed(left_out)));
    }
    let unstored = (unstored > 0).then(|| format!("{} exchanges not stored", n(unstored)));
    lines.push(("lost", listed(lost.iter().map(|(cause, amount)| format!("{cause} {}", n(*amount))).chain(unstored))));
    if !unreadable.is_empty() {
        lines.push(("unreadable", listed_places(unreadable)));
    }
    let odd = anomalies.iter().map(|(anomaly, count)| (anomaly.word(), count)).chain(notices.iter().map(|(notice, count)| (notice.word(), count)));
    lines.push(("odd", listed(odd.map(|(word, count)| format!("{word} {}", n(*count))))));
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "  {name:<13} {value}");
        text
    })
}

/// Entries that could not be read, by number.
fn listed_places(unreadable: &BTreeMap<u64, Unreadable>) -> String {
    let more = if unreadable.len() > MOST_PLACES { ", …" } else { "" };
    listed(unreadable.iter().take(MOST_PLACES).map(|(entry, why)| format!("entry {entry} ({why})"))) + more
}

/// A list for people; `nothing` if it is empty.
fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use reenact_formats::model::LossCause;

    use super::*;

    #[test]
    fn a_ledger_says_what_was_lost() {
        let mut account = LossLedger { connections: 2, ..LossLedger::default() };
        assert!(ledger(&account, 0).contains("lost          nothing"));
        let unstored = ledger(&account, 2000);
        assert!(
            unstored.contains("recorded with those of 2,000 exchanges not stored,") && unstored.contains("lost          2,000 exchanges not stored"),
            "{unstored}"
        );
        account.lose(LossCause::Gap, 1234);
        assert!(ledger(&account, 0).contains("lost          gap 1,234"));
    }
}
