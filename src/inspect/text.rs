//! A summary as a page of text.

use std::fmt::Write as _;
use std::time::Duration;

use reenact_formats::disk::recording::{KeyScope, Rate, Retired, State};
use reenact_formats::model::{FilterCause, LossCause, LossLedger, LossUnit, Notice, Unreadable};

use super::figures::{bytes, count, counted, duration, printable_line, share};
use super::summary::{Endpoint, Summary};

impl Summary {
    /// What is in it, for a person.
    pub fn text(&self) -> String {
        let manifest = &self.manifest;
        let mut page = Page::default();
        page.row("recording", &printable_line(&self.path));
        if !manifest.source.is_empty() {
            page.row("source", &printable_line(&manifest.source));
        }
        if !manifest.origin.unknown.is_empty() {
            let unknown: Vec<_> = manifest.origin.unknown.iter().map(|unknown| unknown.word()).collect();
            page.row("not told", &format!("{}: what {} does not say of traffic", unknown.join(", "), printable_line(&manifest.origin.kind)));
        }
        page.row("state", &self.state_words());
        page.row("time", &self.time_words());
        page.row("exchanges", &self.exchange_words());
        page.row("connections", &count(self.connections));
        let parts = counted(manifest.parts.len() as u64, "part");
        let stored = manifest.parts.iter().map(|part| part.bytes).sum();
        page.row("bytes", &format!("requests {}, responses {}; on disk {} in {parts}", bytes(self.request_bytes), bytes(self.response_bytes), bytes(stored)));
        if self.rebuilt {
            page.more("there is no manifest: all of this was read from the parts themselves");
        }
        if !manifest.missing.is_empty() {
            page.more(&format!("missing: {}", manifest.missing.join(", ")));
        }
        if !manifest.finished {
            page.more("its writer did not come to an end: what followed the last part is not here");
        }
        if let Some(time) = manifest.expires {
            page.section("expires", &time.to_string());
        }
        if manifest.retired.parts > 0 {
            let Retired { parts, counts, .. } = &manifest.retired;
            let until = counts.to.map(|to| format!(", the latest of {to}")).unwrap_or_default();
            page.section("retired", &format!("{} with {}{until}", counted(*parts, "part"), counted(counts.exchanges, "exchange")));
        }
        for (name, gone, why) in [
            ("erased", &manifest.gone.erased, ""),
            ("joined", &manifest.gone.joined, " seen by two machines: here once"),
            ("cut", &manifest.gone.cut, " of the longer recording left out; the account of the capture is that of all of it"),
            ("unstored", &manifest.gone.unstored, ": the disk was full when they were seen"),
        ] {
            if gone.exchanges > 0 {
                page.section(name, &format!("{}{why}", counted(gone.exchanges, "exchange")));
            }
        }
        // Of one service alone, seen by one machine, there is nothing to tell apart.
        if self.roles.len() > 1 {
            page.list("roles", self.roles.iter().map(|(role, count)| (*count, role.word().to_owned())));
        }
        page.list("nodes", self.nodes.iter().map(|(node, count)| (*count, printable_line(node))));
        self.rate_lines(&mut page);
        self.endpoint_lines(&mut page);
        page.list("statuses", self.statuses.iter().map(|(status, count)| (*count, status.to_string())));
        page.list("content", self.content_types.iter().map(|(media_type, count)| (*count, printable_line(media_type))));
        page.list("redactions", manifest.redactions.iter().map(|(rule, count)| (*count, printable_line(rule))));
        page.list("kept", manifest.kept.iter().map(|(rule, count)| (*count, printable_line(rule))));
        page.list("anomalies", self.anomalies.iter().map(|(anomaly, count)| (*count, anomaly.word().replace('_', " "))));
        ledger_lines(&manifest.ledger, manifest.gone.unstored.exchanges, &mut page);
        page.text
    }

    fn state_words(&self) -> String {
        let scope = if self.manifest.key_scope == KeyScope::Recording { ", made for it and kept nowhere" } else { "" };
        let key = self.manifest.key_id.as_ref().map_or_else(String::new, |id| format!(", key {id}{scope}"));
        match self.manifest.state {
            State::Raw => "raw: nothing was redacted".to_owned(),
            State::Redacted => format!("redacted{key}; not checked for residue"),
            State::Checked => format!("redacted and checked{key}"),
        }
    }

    fn time_words(&self) -> String {
        match self.from.zip(self.to) {
            Some((from, to)) => format!("{from} to {to}, {}", duration(to.since(from))),
            None => "no exchange".to_owned(),
        }
    }

    fn exchange_words(&self) -> String {
        let manifest = &self.manifest;
        let interim = if manifest.interim > 0 { format!(", {} informational", count(manifest.interim)) } else { String::new() };
        format!(
            "{} ({} complete): {}, {}{interim}",
            count(manifest.exchanges),
            share(manifest.complete, manifest.exchanges),
            counted(manifest.requests, "request"),
            counted(manifest.responses, "response"),
        )
    }

    fn rate_lines(&self, page: &mut Page) {
        let Some(rate) = &self.rate else { return };
        let peak = rate.counts.iter().copied().max().unwrap_or(0);
        let a_second = |count: u64, span: Duration| format!("{:.1}/s", count as f64 / span.as_secs_f64());
        let span = rate.step * u32::try_from(rate.counts.len()).unwrap_or(u32::MAX);
        page.section("rate", &format!("peak {}, mean {}", a_second(peak, rate.step), a_second(rate.counts.iter().sum(), span)));
        for line in chart(rate) {
            page.line(&format!("  │{line}"));
        }
        page.line(&format!("  └{}", "─".repeat(rate.counts.len())));
        page.line(&format!("   from {}, a column is {}", rate.from, duration(rate.step)));
    }

    fn endpoint_lines(&self, page: &mut Page) {
        if self.endpoints.is_empty() {
            return;
        }
        page.section("endpoints", &count(self.endpoints.len() as u64));
        let names: Vec<_> = self.endpoints.iter().take(SHOWN).map(Endpoint::name).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(8, 60);
        page.line(&format!("  {:<width$} {:>9}  {:<28} {:>10} {:>10}", "", "count", "status", "bytes in", "bytes out"));
        for (name, endpoint) in names.iter().zip(&self.endpoints) {
            page.line(&format!(
                "  {:<width$} {:>9}  {:<28} {:>10} {:>10}",
                cut(name, width),
                count(endpoint.figures.exchanges),
                endpoint.class_words(),
                bytes(endpoint.figures.request_bytes),
                bytes(endpoint.figures.response_bytes),
            ));
        }
        if let Some(more) = self.endpoints.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            page.line(&format!("  and {} more; --json lists them all", count(more as u64)));
        }
    }
}

/// A chart of some lines, the highest first.
fn chart(rate: &Rate) -> Vec<String> {
    let peak = rate.counts.iter().copied().max().unwrap_or(0).max(1);
    (0..CHART_LINES)
        .rev()
        .map(|line| {
            let columns = rate.counts.iter().map(|count| {
                // In eighths of a line; what is not nothing is seen.
                let eighths = (count * CHART_LINES * 8).div_ceil(peak);
                BLOCKS[usize::try_from(eighths.saturating_sub(line * 8).min(8)).unwrap_or(8)]
            });
            columns.collect::<String>().trim_end().to_owned()
        })
        .collect()
}

impl Endpoint {
    fn name(&self) -> String {
        match (self.method.as_str(), self.path.as_str()) {
            ("", "") => "(no request seen)".to_owned(),
            ("", path) => printable_line(path),
            (method, path) => format!("{} {}", printable_line(method), printable_line(path)),
        }
    }

    fn class_words(&self) -> String {
        let mut words: Vec<_> = self.figures.classes.iter().map(|(class, seen)| format!("{class}xx {}", count(*seen))).collect();
        if self.figures.unanswered > 0 {
            words.push(format!("none {}", count(self.figures.unanswered)));
        }
        words.join("  ")
    }
}

/// The loss ledger in words.
fn ledger_lines(ledger: &LossLedger, unstored: u64, page: &mut Page) {
    if *ledger == LossLedger::default() {
        return;
    }
    page.section("capture", "every packet, byte and message that entered");
    let packets = &ledger.packets;
    if packets.seen > 0 {
        let mut fates = vec![format!("{} TCP", count(packets.tcp))];
        let others = packets.others();
        if others > 0 {
            let names: Vec<_> = packets.other.iter().map(|(name, seen)| format!("{} {}", printable_line(name), count(*seen))).collect();
            fates.push(format!("{} of other protocols ({})", count(others), names.join(", ")));
        }
        if packets.filtered > 0 {
            fates.push(format!("{} filtered out", count(packets.filtered)));
        }
        fates.push(if packets.lost > 0 { format!("{} lost", count(packets.lost)) } else { "none lost".to_owned() });
        page.line(&format!("  {} packets: {}", count(packets.seen), fates.join(", ")));
    }
    if ledger.entries > 0 {
        page.line(&format!("  {} of an imported file", entries(ledger.entries)));
    }
    if ledger.stream_bytes > 0 {
        let again = if ledger.retransmitted_bytes > 0 { format!("; {} came twice", bytes(ledger.retransmitted_bytes)) } else { String::new() };
        // Of what was not stored the exchanges are counted, and not the bytes.
        let recorded = match unstored {
            0 => format!("recorded ({})", share(ledger.recorded_bytes, ledger.stream_bytes)),
            _ => format!("recorded, with those of {} not stored: the disk was full", counted(unstored, "exchange")),
        };
        page.line(&format!("  {} of streams: {} {recorded}{again}", bytes(ledger.stream_bytes), bytes(ledger.recorded_bytes)));
    }
    for (notice, amount) in &ledger.notices {
        page.line(&format!("  {}", notice_words(*notice, *amount)));
    }
    for (name, traffic) in &ledger.foreign {
        let connections = counted(traffic.connections, "connection");
        page.line(&format!("  {connections} spoke {}: {}, counted and not kept", printable_line(name), bytes(traffic.bytes)));
    }
    for (cause, traffic) in &ledger.filtered {
        page.line(&format!("  {} left out, {}: {}", counted(traffic.exchanges, "exchange"), filter_words(*cause), bytes(traffic.bytes)));
    }
    if ledger.lost.is_empty() && unstored == 0 {
        page.line("  nothing was lost");
    }
    for (cause, amount) in &ledger.lost {
        page.line(&format!("  lost {}", loss_words(*cause, *amount)));
    }
    for (entry, why) in &ledger.unreadable {
        page.line(&format!("    entry {entry}: {}", unreadable_words(*why)));
    }
}

fn notice_words(notice: Notice, amount: u64) -> String {
    match notice {
        Notice::BadIpChecksum => format!("{} with a wrong header checksum, taken all the same", counted(amount, "packet")),
        Notice::PairedAcrossTags => format!("{} whose two directions were seen in different VLANs or tunnels", counted(amount, "connection")),
        Notice::SkippedBlock => format!("{} of the file without a packet, passed over", counted(amount, "block")),
        Notice::StrayTime => format!("{} with a time far ahead of all others", counted(amount, "packet")),
        Notice::PassedOver => format!("{} of the file that are no traffic of the service, passed over", entries(amount)),
        other => format!("{other} {}", count(amount)),
    }
}

fn filter_words(cause: FilterCause) -> &'static str {
    match cause {
        FilterCause::Excluded => "as a rule excludes",
        FilterCause::NotIncluded => "that no rule includes",
        FilterCause::OptedOut => "as the client or the service had asked",
        FilterCause::NotSampled => "outside of the sample",
        FilterCause::Unjudged => "whose request was not seen",
        other => other.word(),
    }
}

fn entries(number: u64) -> String {
    counted(number, "entry")
}

fn unreadable_words(why: Unreadable) -> &'static str {
    match why {
        Unreadable::Form => "it is not of the form that its format asks for",
        Unreadable::Time => "its time is no time",
        Unreadable::Request => "there is no request in it that HTTP could send",
        Unreadable::Response => "its response is no response",
        Unreadable::Length => "it is longer than anything that is read",
        other => other.word(),
    }
}

/// A loss in words: how much, and by what.
fn loss_words(cause: LossCause, amount: u64) -> String {
    let why = match cause {
        LossCause::KernelDrop => "the kernel dropped them before we saw them",
        LossCause::InterfaceDrop => "the interface dropped them",
        LossCause::SnapLength => "the capture holds less of a packet than was on the wire",
        LossCause::Gap => "holes in streams: the peer had them, the capture does not",
        LossCause::Resync => "around holes, of no readable message",
        LossCause::BufferCap => "out of order beyond the buffer",
        LossCause::BodyOverLimit => "bodies over the limit; their exchanges are kept",
        LossCause::Unparsable => "no parser could read them",
        LossCause::Upgraded => "after an upgrade or a CONNECT",
        LossCause::FragmentIncomplete => "fragments of packets that were never completed",
        LossCause::UndecodablePacket => "their headers could not be read",
        LossCause::BadChecksum => "their checksums are wrong",
        LossCause::TruncatedFile => "the file ended inside of them",
        LossCause::IncompleteMessage => "their ends were not seen",
        LossCause::MissingRequest => "responses whose requests were not seen",
        LossCause::MissingResponse => "requests whose responses were not seen",
        LossCause::FlowCap => "too many at once",
        LossCause::UnreadableEntry => "they could not be read",
        LossCause::Shed => "of connections that were let go, since not all could be followed",
        LossCause::ShedConnection => "let go, since not all could be followed",
        LossCause::ShedRequest => "requests that began on connections that were let go",
        // One that this view has no words for yet.
        other => other.word(),
    };
    let amount = match cause.unit() {
        LossUnit::Bytes => bytes(amount),
        LossUnit::Entries => entries(amount),
        unit => counted(amount, unit.word().trim_end_matches('s')),
    };
    format!("{amount}: {why}")
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn row(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "{name:<NAME_WIDTH$}{value}");
    }

    fn more(&mut self, value: &str) {
        self.row("", value);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, name: &str, value: &str) {
        self.text.push('\n');
        self.row(name, value);
    }

    /// Kinds by count, the most first.
    fn list(&mut self, name: &str, items: impl Iterator<Item = (u64, String)>) {
        let mut items: Vec<_> = items.collect();
        if items.is_empty() {
            return;
        }
        items.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        self.section(name, &count(items.iter().map(|(seen, _)| seen).sum()));
        let width = items.iter().take(SHOWN).map(|(_, name)| name.chars().count()).max().unwrap_or(0).min(60);
        for (seen, name) in items.iter().take(SHOWN) {
            self.line(&format!("  {:<width$} {:>9}", cut(name, width), count(*seen)));
        }
        if items.len() > SHOWN {
            self.line(&format!("  and {} more; --json lists them all", items.len() - SHOWN));
        }
    }
}

/// `text` in at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width - 1).chain(['…']).collect() }
}

const NAME_WIDTH: usize = 13;
/// How many lines of a kind are shown.
const SHOWN: usize = 40;
const CHART_LINES: u64 = 4;
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
