//! From packets, or from another recording, to a recording.
//!
//! In: a source of exchanges. Out: parts and a manifest, and what the residue check found in them; or, where nothing is to be
//! written, the account alone. What never happens here: an exchange reaches the disk unredacted without having been asked for.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use reenact_capture::{CaptureOptions, Control, Source, Tap};
use reenact_formats::disk::recording::{Counts, Manifest, Recording, Retention, State, Window, WriterOptions, mark_checked};
use reenact_formats::model::{Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink, Redact};
use reenact_sanitize::Originals;

use super::live::{self, Watch};
use super::recorder::{Ended, Rotation, Signals};
use super::residue::{Checker, Findings, Wanted, batches, look_through};
use super::room::RoomWatch;
use super::sink::RecordingSink;
use super::{Error, Redaction};

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
    /// How long after it was seen an exchange is in a part, by the time of packets; none where that may take for ever, as with a file.
    pub part_age: Option<Duration>,
    /// Whether recordings follow one another in the folder.
    pub rotation: Option<Rotation>,
    /// How many parts stay; with a rotation, how many recordings.
    pub retention: Retention,
    /// Stop once there are so many bytes before compression.
    pub max_bytes: Option<u64>,
    /// Without it the recording is raw.
    pub redaction: Option<Redaction>,
    /// When the recording may be read no longer.
    pub expires: Option<Timestamp>,
    /// What a live capture may take, and who watches it.
    pub watch: Watch,
}

/// A recording that was written, and perhaps not looked at again yet.
#[derive(Debug)]
#[must_use = "a redacted recording is to be checked"]
pub struct Written {
    /// Where it is.
    pub output: PathBuf,
    /// How many exchanges it counts that there was no room for.
    pub unstored: u64,
    /// What was found in it, if it was looked at already.
    findings: Option<Result<Findings, Error>>,
    /// What the residue check needs; nothing if the recording is raw.
    residue: Option<Arc<Residue>>,
    pool: Option<Arc<ThreadPool>>,
}

/// What must not be left.
#[derive(Debug)]
struct Residue {
    wanted: Wanted,
    originals: Originals,
}

/// A recording that was written, and checked if it is a redacted one.
#[derive(Debug)]
pub struct Recorded {
    /// What is in it.
    pub manifest: Manifest,
    /// What the residue check found in it.
    pub findings: Findings,
    /// Why it is not marked as checked, where that is not what was found: it could not be read to its end, or not be marked.
    pub failed: Option<Error>,
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

/// Captures from `tap`, which was opened as the job says, until it ends or `control` says stop. Without a rotation there is one recording. A source
/// that cannot be opened leaves no folder behind, and who has opened one may give up the right to.
pub fn capture(job: &CaptureJob, tap: Tap, control: &Control) -> Result<Vec<Written>, Error> {
    // The rest of that time is for what is before and after it: blocks that fill, redaction, the disk.
    let part_age = job.part_age.map(|age| age * 2 / 3);
    let Pools { work, writers } = Pools::of(job.options.threads)?;
    let mut redactor = job.redaction.as_ref().map(Redaction::recorder).transpose()?;
    let source = in_words(&job.source);
    let source = redactor.as_mut().map_or(source.clone(), |redactor| redactor.value(SOURCE, &source));
    let (part_bytes, retention, expires) = (job.part_bytes, job.retention, job.expires);
    let options = WriterOptions { part_age, part_bytes, retention, source, expires, pool: writers, ..WriterOptions::default() };
    let unstored = Arc::<AtomicU64>::default();
    let (stop, room) = (Arc::clone(&control.stop), RoomWatch::new(job.watch.room.clone()));
    let signals = Signals { stop, most_bytes: job.max_bytes, unstored: Arc::clone(&unstored), room };
    let share = job.watch.limits.processor.map(|hundredths| f64::from(hundredths) / 100.0);
    let checker = || job.redaction.as_ref().map(|redaction| Checker::new(Wanted::of(redaction), share));
    let rotation = job.rotation.map(|rotation| (rotation, checker()));
    let sink = RecordingSink::create_series(&job.output, redactor.as_ref(), options, rotation, Some(signals), work.clone())?;
    let (sink, ledger) = run(tap, sink, &job.source, &job.watch, control, &unstored)?;
    Written::all(sink, job.redaction.as_ref(), &ledger, work).map_err(|error| {
        let unstored = unstored.load(Ordering::Relaxed);
        Error::Untold { ledger: Box::new(ledger), unstored, source: Box::new(error) }
    })
}

/// Captures likewise, and keeps nothing but the account.
pub fn survey(source: &Source, tap: Tap, watch: &Watch, control: &Control) -> Result<Survey, Error> {
    let (tally, ledger) = run(tap, Tally(Counts::default()), source, watch, control, &AtomicU64::default())?;
    Ok(Survey { source: in_words(source), counts: tally.0, ledger })
}

/// Captures into `sink`, which waits for no one if the source is live; it counts what it cannot store in `unstored`.
fn run<S: ExchangeSink + Send>(
    tap: Tap,
    mut sink: S,
    source: &Source,
    watch: &Watch,
    control: &Control,
    unstored: &AtomicU64,
) -> Result<(S, LossLedger), Error> {
    match source {
        Source::Interfaces(_) => live::run(tap, sink, watch, control, unstored),
        Source::File(_) | Source::Stdin => {
            let ledger = tap.run(&mut sink, control)?;
            Ok((sink, ledger))
        }
    }
}

fn in_words(source: &Source) -> String {
    match source {
        Source::File(path) => format!("file {}", path.display()),
        Source::Stdin => "stdin".to_owned(),
        Source::Interfaces(names) => format!("{} {}", if names.len() == 1 { "interface" } else { "interfaces" }, names.join(", ")),
    }
}

/// What a recording says of where it came from is redacted, too: a folder may be called after someone.
pub(super) const SOURCE: &str = "recording.source";

/// Counts exchanges, and lets them go.
struct Tally(Counts);

impl ExchangeSink for Tally {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.0.count(&exchange);
        Ok(())
    }
}

/// Writes the recording `input` anew into `output`, redacted. It expires no later than the one that it is made of.
pub fn sanitize(
    input: &Path,
    output: &Path,
    redaction: &Redaction,
    expires: Option<Timestamp>,
    threads: NonZero<usize>,
    progress: &mut dyn FnMut(u64),
) -> Result<Written, Error> {
    let recording = Recording::open(input)?;
    recording.verify_digests()?;
    let manifest = recording.manifest();
    let Pools { work, writers } = Pools::of(threads)?;
    let mut redactor = redaction.recorder()?;
    let expires = expires.into_iter().chain(manifest.expires).min();
    let source = redactor.value(SOURCE, &manifest.source);
    let options = WriterOptions { source, origin: manifest.origin.clone(), extent: manifest.extent, expires, pool: writers, ..WriterOptions::default() };
    if let Some(key) = &manifest.key_id {
        redactor = redactor.with_recorded_key(key);
    }
    let mut sink = RecordingSink::create(output, Some(&redactor), options, work.clone())?;
    sink.miss(&manifest.absent());
    let mut done = 0;
    for exchanges in batches(recording.exchanges(&Window::ALL)?) {
        let exchanges = exchanges?;
        done += exchanges.len() as u64;
        sink.take(exchanges)?;
        progress(done);
    }
    Written::new(sink, Some(redaction), &manifest.ledger, work)
}

impl Written {
    /// What a sink has written that writes one recording.
    pub(super) fn new(sink: RecordingSink, redaction: Option<&Redaction>, ledger: &LossLedger, pool: Option<Arc<ThreadPool>>) -> Result<Self, Error> {
        Ok(Self::all(sink, redaction, ledger, pool)?.pop().expect("without a rotation there is one recording"))
    }

    fn all(sink: RecordingSink, redaction: Option<&Redaction>, ledger: &LossLedger, pool: Option<Arc<ThreadPool>>) -> Result<Vec<Self>, Error> {
        let (recordings, originals) = sink.finish(ledger)?;
        let residue = redaction.zip(originals).map(|(redaction, originals)| Arc::new(Residue { wanted: Wanted::of(redaction), originals }));
        let written = |Ended { path, unstored, findings }| Self { output: path, unstored, findings, residue: residue.clone(), pool: pool.clone() };
        Ok(recordings.into_iter().map(written).collect())
    }

    /// Whether there is anything to check: a raw recording is what it is.
    pub const fn is_checkable(&self) -> bool {
        self.residue.is_some()
    }

    /// Reads everything again to see whether redaction has overlooked anything, unless that was done. A raw recording is not read: all of it would be.
    pub fn check(self) -> Result<Recorded, Error> {
        let looked = match (self.findings, self.residue.as_deref()) {
            (None, Some(Residue { wanted, originals })) => look_through(&self.output, &wanted.check(originals), self.pool.as_deref(), &mut || ()),
            (findings, _) => findings.unwrap_or_else(|| Ok(Findings::default())),
        };
        let mut manifest = Recording::open(&self.output)?.into_manifest();
        let is_to_be_marked = self.residue.is_some() && manifest.state == State::Redacted && looked.as_ref().is_ok_and(Findings::is_empty);
        let marked = if is_to_be_marked { mark_checked(&self.output) } else { Ok(()) };
        if is_to_be_marked && marked.is_ok() {
            manifest.state = State::Checked;
        }
        let (findings, failed) = looked.map_or_else(|error| (Findings::default(), Some(error)), |findings| (findings, marked.err().map(Error::from)));
        Ok(Recorded { manifest, findings, failed })
    }
}

/// Threads beside the caller's; none where that is enough.
pub(super) struct Pools {
    /// For redaction, and for the check after it.
    pub(super) work: Option<Arc<ThreadPool>>,
    /// For encoding and compression.
    pub(super) writers: Option<Arc<ThreadPool>>,
}

impl Pools {
    pub(super) fn of(threads: NonZero<usize>) -> Result<Self, Error> {
        let pool = |name: &'static str, count: usize| {
            let builder = ThreadPoolBuilder::new().num_threads(count).thread_name(move |index| format!("{name}-{index}"));
            builder.build().map(|pool| Some(Arc::new(pool))).map_err(|source| Error::Threads { threads, source })
        };
        if threads.get() == 1 {
            return Ok(Self { work: None, writers: None });
        }
        Ok(Self { work: pool("redact", threads.get())?, writers: pool("encode", threads.get().min(WRITERS))? })
    }
}

/// Each takes tens of megabytes, which do not come back, and two of them keep up with a gigabit a second many times over.
const WRITERS: usize = 2;
