//! Is a recording whole, valid, and free of residue?
//!
//! In: a recording, and whoever looks for residue in an exchange. Out: a [`Report`] of everything that is wrong, by file and place,
//! and of what was looked at. What never happens here: the first thing that is wrong hides the next, or a value that was
//! found is repeated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Counts, Extent, Manifest, Part, Recording, State, Window, left_by_erasure};
use reenact_formats::model::{Action, Exchange, ExchangeId, LossLedger};
use reenact_formats::seam::Explain as _;
use serde_json::{Value, json};

use crate::inspect::{counted, printable};

/// A value that should not be in a redacted recording. Where it stands, never what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The exchange it stands in.
    pub exchange: ExchangeId,
    /// The rule that found it.
    pub rule: String,
    /// The path of the leaf, ids templated.
    pub path: String,
}

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with file and place.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    path: String,
    state: State,
    rebuilt: bool,
    parts: u64,
    exchanges: u64,
    looked_for_residue: bool,
    /// What is wrong with the files.
    pub problems: Vec<Problem>,
    /// Residue, the first of each rule and path with how often it was found.
    pub findings: BTreeMap<(String, String), (ExchangeId, u64)>,
}

/// Looks for residue in an exchange.
pub type Residue<'a> = &'a mut dyn FnMut(&Exchange) -> Vec<Finding>;

/// Checks the recording in `dir`: its parts by presence, digest and content, its account, and with `residue` every exchange.
///
/// An error means that nothing could be checked; what is wrong with a recording stands in the report.
pub fn check_recording(dir: &Path, residue: Option<Residue<'_>>) -> Result<Report, Error> {
    let recording = Recording::open_partial(dir)?;
    let manifest = recording.manifest();
    let mut report = Report {
        path: dir.display().to_string(),
        state: manifest.state,
        rebuilt: recording.is_rebuilt(),
        parts: manifest.parts.len() as u64,
        exchanges: 0,
        looked_for_residue: residue.is_some(),
        problems: Vec::new(),
        findings: BTreeMap::new(),
    };
    if let Some(left) = left_by_erasure(dir) {
        let hint = "if no `reenact erase` runs now, delete it, or run the one that was stopped again";
        report.problem(format!("{} was left by an erasure that was stopped: it may hold what was to be erased", left.display()), Some(hint.to_owned()));
    }
    let intact = report.check_files(&recording)?;
    report.check_rows(&recording, &intact, residue);
    report.check_account(manifest);
    Ok(report)
}

impl Report {
    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.findings.is_empty()
    }

    /// What was found, for a person.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}: {}", printable(self.path.as_bytes()), if self.passed() { "passed" } else { "failed" });
        let digests = if self.rebuilt { "no manifest vouches for their digests" } else { "their digests compared" };
        let _ = writeln!(out, "  {}, {digests}; {} read; state {}", counted(self.parts, "part"), counted(self.exchanges, "exchange"), self.state);
        let residue = match (self.looked_for_residue, self.state, self.findings.is_empty()) {
            (false, State::Raw, _) => "not looked for: the recording is raw",
            (false, ..) => "not looked for",
            (true, _, true) => "none found",
            (true, _, false) => "found",
        };
        let _ = writeln!(out, "  residue: {residue}");
        for ((rule, path), (first, times)) in &self.findings {
            let _ =
                writeln!(out, "    {} at {}: {}, first in exchange {first}", printable(rule.as_bytes()), printable(path.as_bytes()), counted(*times, "time"));
        }
        for problem in &self.problems {
            let _ = writeln!(out, "  wrong: {}", printable(problem.what.as_bytes()));
            if let Some(hint) = &problem.hint {
                let _ = writeln!(out, "    hint: {hint}");
            }
        }
        out
    }

    /// What was found, for a script.
    pub fn json(&self) -> Value {
        let findings =
            self.findings.iter().map(|((rule, path), (first, times))| json!({ "rule": rule, "path": path, "times": times, "first": first.to_string() }));
        let problems = self.problems.iter().map(|problem| json!({ "what": problem.what, "hint": problem.hint }));
        json!({
            "path": self.path,
            "kind": "recording",
            "passed": self.passed(),
            "state": self.state.word(),
            "rebuilt": self.rebuilt,
            "parts": self.parts,
            "exchanges": self.exchanges,
            "residue_checked": self.looked_for_residue,
            "findings": findings.collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
        })
    }

    /// Answers with the parts that are there and unaltered.
    fn check_files(&mut self, recording: &Recording) -> Result<Vec<Part>, Error> {
        let manifest = recording.manifest();
        for name in &manifest.missing {
            self.error(&Error::MissingPart { path: recording.path().join(name) });
        }
        for name in recording.strays()? {
            self.error(&Error::Foreign { path: recording.path().join(name), why: "the manifest does not list it".to_owned() });
        }
        let mut intact = Vec::new();
        for part in &manifest.parts {
            match recording.check_presence(part).and_then(|()| recording.check_digest(part)) {
                Ok(()) => intact.push(part.clone()),
                Err(error) => self.error(&error),
            }
        }
        Ok(intact)
    }

    /// Reads every row of the intact parts.
    fn check_rows(&mut self, recording: &Recording, intact: &[Part], mut residue: Option<Residue<'_>>) {
        let (mut redactions, mut kept) = (BTreeMap::new(), BTreeMap::new());
        let mut whole = intact.len() == recording.manifest().parts.len();
        for part in intact {
            let mut seen = Counts::default();
            let read = recording.part_exchanges(part, &Window::ALL).and_then(|mut rows| {
                rows.try_for_each(|exchange| {
                    let exchange = exchange?;
                    self.exchanges += 1;
                    seen.count(&exchange);
                    for redaction in &exchange.redactions {
                        let counts: &mut BTreeMap<String, u64> = if redaction.action == Action::Keep { &mut kept } else { &mut redactions };
                        *counts.entry(redaction.rule.clone()).or_default() += 1;
                    }
                    for finding in residue.as_mut().map(|residue| residue(&exchange)).unwrap_or_default() {
                        self.findings.entry((finding.rule, finding.path)).or_insert((finding.exchange, 0)).1 += 1;
                    }
                    Ok(())
                })
            });
            match read {
                Err(error) => {
                    whole = false;
                    self.error(&error);
                }
                Ok(()) if seen != part.counts => self.problem(format!("{}: its rows are not those that the manifest counts", part.name), None),
                Ok(()) => {}
            }
        }
        let manifest = recording.manifest();
        if whole && (redactions != manifest.redactions || kept != manifest.kept) {
            self.problem("the redactions of the rows are not those that the manifest counts", None);
        }
    }

    /// Does the account add up?
    fn check_account(&mut self, manifest: &Manifest) {
        let mut sum = Counts::default();
        for part in &manifest.parts {
            sum.exchanges = sum.exchanges.saturating_add(part.counts.exchanges);
            sum.requests = sum.requests.saturating_add(part.counts.requests);
            sum.responses = sum.responses.saturating_add(part.counts.responses);
            sum.interim = sum.interim.saturating_add(part.counts.interim);
            sum.complete = sum.complete.saturating_add(part.counts.complete);
        }
        for (what, of_parts, of_manifest) in [
            ("exchanges", sum.exchanges, manifest.exchanges),
            ("requests", sum.requests, manifest.requests),
            ("responses", sum.responses, manifest.responses),
            ("informational responses", sum.interim, manifest.interim),
            ("complete exchanges", sum.complete, manifest.complete),
        ] {
            if of_parts != of_manifest {
                self.problem(format!("the manifest counts {of_manifest} {what}, and its parts {of_parts}"), None);
            }
        }
        self.problems.extend(ledger_problems(manifest));
    }

    fn error(&mut self, error: &Error) {
        let mut what = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let _ = write!(what, ": {cause}");
            source = cause.source();
        }
        self.problem(what, error.hint());
    }

    fn problem(&mut self, what: impl Into<String>, hint: Option<String>) {
        self.problems.push(Problem { what: what.into(), hint });
    }
}

fn ledger_problems(manifest: &Manifest) -> Vec<Problem> {
    let ledger = &manifest.ledger;
    if *ledger == LossLedger::default() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut unequal = |what: &str, left: u64, right: u64| {
        if left != right {
            problems.push(Problem { what: format!("the account does not add up: {what} ({left} and {right})"), hint: None });
        }
    };
    // That of a capture that was cut off may be a tick behind its rows, with bytes on the way.
    if manifest.finished && manifest.extent == Extent::Whole {
        unequal("packets that entered, and what became of them", ledger.packets.seen, ledger.packets.accounted());
        unequal("bytes of streams, and what became of them", ledger.stream_bytes, ledger.accounted_bytes());
    }
    if manifest.finished {
        let (gone, retired) = (manifest.gone.all(), &manifest.retired.counts);
        for (what, of_ledger, figures) in [
            ("requests", ledger.requests, [manifest.requests, gone.requests, retired.requests]),
            ("responses", ledger.responses, [manifest.responses, gone.responses, retired.responses]),
            ("complete exchanges", ledger.complete, [manifest.complete, gone.complete, retired.complete]),
        ] {
            unequal(&format!("{what} of the capture, and of the rows"), of_ledger, figures.into_iter().fold(0, u64::saturating_add));
        }
    }
    problems
}
