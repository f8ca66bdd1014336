//! From another tool's file to a recording.
//!
//! In: a file, and how it is redacted. Out: a recording, as from packets, through the same redactor and writer. What never happens here: an exchange
//! reaches the disk unredacted without having been asked for.

use std::num::NonZero;
use std::path::PathBuf;

use reenact_capture::{Control, ImportOptions, ImportSource, Imported, Importer};
use reenact_formats::disk::recording::WriterOptions;
use reenact_formats::model::Timestamp;
use reenact_formats::seam::Redact as _;

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
    let mut sink = RecordingSink::create(&job.output, redactor.as_ref(), options, work.clone())?;
    let imported = importer.run(&mut sink, control)?;
    Ok((Written::new(sink, job.redaction.as_ref(), &imported.ledger, work)?, imported))
}
