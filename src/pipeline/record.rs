//! From packets, or from another recording, to a recording.
//!
//! In: a source of exchanges. Out: parts and a manifest, and what the residue check found in them; or, where nothing is to be
//! written, the account alone. What never happens here: an exchange reaches the disk unredacted without having been asked for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reenact_capture::{CaptureOptions, Control, Source, Tap};
use reenact_formats::disk::recording::{Counts, Manifest, Recording, RecordingWriter, Sanitized, Window, WriterOptions, mark_checked};
use reenact_formats::model::{Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink, Redact};
use reenact_sanitize::{Finding, Redactor, ResidueCheck};

use super::{Error, Redaction};

/// How long a live capture holds exchanges back before it publishes them.
const LIVE_PART_AGE: Duration = Duration::from_secs(30);

/// From packets to a recording.
#[derive(Debug)]
pub struct CaptureJob {
    /// Where packets come from.
    pub source: Source,
    /// What is captured, within which limits.
    pub options: CaptureOptions,
    /// The folder of the recording.
    pub output: PathBuf,
    /// How many bytes a part of it holds before compression.
    pub part_bytes: u64,
    /// Without it the recording is raw.
    pub redaction: Option<Redaction>,
}

/// A recording that was written.
#[derive(Debug)]
pub struct Recorded {
    /// What is in it.
    pub manifest: Manifest,
    /// What the residue check found in it; nothing, or it is not *checked*.
    pub findings: Vec<Finding>,
}

/// What a capture that keeps nothing has seen.
#[derive(Debug)]
pub struct Survey {
    /// Where the traffic came from, in words.
    pub source: String,
    /// The exchanges that a recording would hold, by count.
    pub counts: Counts,
    /// What entered, and what became of it.
    pub ledger: LossLedger,
}

/// Captures until the source ends or `control` says stop.
pub fn capture(job: &CaptureJob, control: &Control) -> Result<Recorded, Error> {
    // A source that cannot be read leaves no folder behind.
    let tap = Tap::open(&job.source, &job.options, control)?;
    let part_age = match &job.source {
        Source::File(_) => None,
        Source::Stdin | Source::Interface(_) => Some(LIVE_PART_AGE),
    };
    let options = WriterOptions { part_age, part_bytes: job.part_bytes, source: in_words(&job.source), ..WriterOptions::default() };
    let mut sink = RecordingSink::create(&job.output, job.redaction.as_ref(), options)?;
    let ledger = tap.run(&mut sink, control)?;
    sink.finish(&job.output, job.redaction.as_ref(), &ledger)
}

/// Captures likewise, and keeps nothing but the account.
pub fn survey(source: &Source, options: &CaptureOptions, control: &Control) -> Result<Survey, Error> {
    let mut tally = Tally(Counts::default());
    let ledger = Tap::open(source, options, control)?.run(&mut tally, control)?;
    Ok(Survey { source: in_words(source), counts: tally.0, ledger })
}

fn in_words(source: &Source) -> String {
    match source {
        Source::File(path) => format!("file {}", path.display()),
        Source::Stdin => "stdin".to_owned(),
        Source::Interface(name) => format!("interface {name}"),
    }
}

/// Counts exchanges, and lets them go.
struct Tally(Counts);

impl ExchangeSink for Tally {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.0.count(&exchange);
        Ok(())
    }
}

/// Writes the recording `input` anew into `output`, redacted.
pub fn sanitize(input: &Path, output: &Path, redaction: &Redaction, progress: &mut dyn FnMut(u64)) -> Result<Recorded, Error> {
    let recording = Recording::open(input)?;
    recording.verify_digests()?;
    let manifest = recording.manifest();
    let options = WriterOptions { source: manifest.source.clone(), ..WriterOptions::default() };
    let mut sink = RecordingSink::create(output, Some(redaction), options)?;
    if let Some(key) = &manifest.key_id {
        sink.redactor = sink.redactor.map(|redactor| redactor.with_recorded_key(key));
    }
    for (done, exchange) in (1..).zip(recording.exchanges(&Window::ALL)?) {
        sink.write(exchange?)?;
        progress(done);
    }
    sink.finish(output, Some(redaction), &manifest.ledger)
}

/// Where exchanges go: through the redactor, into the writer.
struct RecordingSink {
    redactor: Option<Redactor>,
    writer: RecordingWriter,
}

impl RecordingSink {
    fn create(output: &Path, redaction: Option<&Redaction>, options: WriterOptions) -> Result<Self, Error> {
        let redactor = redaction.map(|redaction| Redactor::new(&redaction.policy, &redaction.key));
        let sanitized = redactor.as_ref().map(|redactor| Sanitized { key_id: redactor.key_id(), policy_digest: redactor.policy_digest() });
        let writer = RecordingWriter::create(output, WriterOptions { sanitized, ..options })?;
        Ok(Self { redactor, writer })
    }

    fn write(&mut self, mut exchange: Exchange) -> Result<(), Error> {
        if let Some(redactor) = &mut self.redactor {
            redactor.exchange(&mut exchange);
        }
        Ok(self.writer.write(exchange)?)
    }

    /// Publishes what is left, then reads everything again to see whether anything was overlooked.
    fn finish(self, output: &Path, redaction: Option<&Redaction>, ledger: &LossLedger) -> Result<Recorded, Error> {
        let manifest = self.writer.finish(ledger)?;
        let (Some(redactor), Some(redaction)) = (self.redactor, redaction) else {
            return Ok(Recorded { manifest, findings: Vec::new() });
        };
        let check = ResidueCheck::new(&redaction.policy, Some(redactor.originals()));
        let recording = Recording::open(output)?;
        let mut findings = Vec::new();
        for exchange in recording.exchanges(&Window::ALL)? {
            findings.extend(check.exchange(&exchange?));
        }
        if findings.is_empty() {
            mark_checked(output)?;
        }
        let manifest = Recording::open(output)?.into_manifest();
        Ok(Recorded { manifest, findings })
    }
}

impl ExchangeSink for RecordingSink {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        Ok(self.write(exchange)?)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        Ok(self.writer.tick(now, ledger)?)
    }
}
