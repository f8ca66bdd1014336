//! From another tool's file to a recording.
//!
//! In: a file, and how it is redacted. Out: a recording, as from packets, through the same redactor and writer. What never happens here: an exchange
//! reaches the disk unredacted without having been asked for.

use std::num::NonZero;
use std::path::PathBuf;

use reenact_capture::{Control, ImportOptions, ImportSource, Imported, Importer};
use reenact_formats::disk::recording::WriterOptions;
use reenact_formats::model::{Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink, Redact as _};

use super::record::{Pools, SOURCE};
use super::sink::RecordingSink;
use super::{Error, Redaction, Written};

/// From another tool's file to a recording.
#[derive(Debug)]
pub struct ImportJob {
    /// The file.
    pub source: ImportSource,
    /// How it is read.
    pub options: ImportOptions,
    /// The folder of the recording.
    pub output: PathBuf,
    /// How many bytes a part of it holds before compression.
    pub part_bytes: u64,
    /// Without it the recording is raw.
    pub redaction: Option<Redaction>,
    /// When the recording may be read no longer.
    pub expires: Option<Timestamp>,
    /// How many threads redact and encode.
    pub threads: NonZero<usize>,
}

/// Imports until the file ends or `control` says stop. Beside the recording, what there is to tell of the file.
pub fn import(job: &ImportJob, control: &Control) -> Result<(Written, Imported), Error> {
    // A file that cannot be read leaves no folder behind.
    let importer = Importer::open(&job.source, &job.options)?;
    let format = importer.format();
    let Pools { work, writers } = Pools::of(job.threads)?;
    let mut redactor = job.redaction.as_ref().map(Redaction::recorder).transpose()?;
    let source = match &job.source {
        ImportSource::File(path) => format!("{} file {}", format.word(), path.display()),
        ImportSource::Stdin => format!("{} on stdin", format.word()),
    };
    let source = redactor.as_mut().map_or(source.clone(), |redactor| redactor.value(SOURCE, &source));
    let options =
        WriterOptions { part_bytes: job.part_bytes, source, origin: format.origin(), expires: job.expires, pool: writers, ..WriterOptions::default() };
    let create = || RecordingSink::create(&job.output, redactor.as_ref(), options.clone(), work.clone());
    let mut sink = OnceNeeded { create, sink: None };
    let imported = importer.run(&mut sink, control)?;
    Ok((Written::new(sink.begun()?, job.redaction.as_ref(), &imported.ledger, work)?, imported))
}

/// A recording that is begun when there is something to write: a file of which nothing can be read leaves none behind.
struct OnceNeeded<F> {
    create: F,
    sink: Option<RecordingSink>,
}

impl<F: Fn() -> Result<RecordingSink, Error>> OnceNeeded<F> {
    fn sink(&mut self) -> Result<&mut RecordingSink, Error> {
        match &mut self.sink {
            Some(sink) => Ok(sink),
            none => Ok(none.insert((self.create)()?)),
        }
    }

    fn begun(self) -> Result<RecordingSink, Error> {
        self.sink.map_or_else(self.create, Ok)
    }
}

impl<F: Fn() -> Result<RecordingSink, Error>> ExchangeSink for OnceNeeded<F> {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.sink()?.exchange(exchange)
    }

    fn exchanges(&mut self, exchanges: Vec<Exchange>) -> Result<(), BoxError> {
        self.sink()?.exchanges(exchanges)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        self.sink()?.tick(now, ledger)
    }
}
