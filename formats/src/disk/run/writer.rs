//! Writes a run, part by part.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::columns::{self, Rows};
use super::wire::{PublishedPart, WireRun};
use super::{FORMAT, RunEnd, RunHeader};
use crate::disk::Error;
use crate::disk::publish::{Folder, Publish};
use crate::disk::table::{Footer, TableWriter, properties};
use crate::model::{Outcome, Timestamp};

/// Writes a run. A dropped writer, or a killed process, loses only the outcomes that were not published yet.
pub struct RunWriter {
    place: Folder,
    path: PathBuf,
    header: RunHeader,
    rows: Rows,
    /// When the oldest outcome of `rows` was known.
    oldest: Option<Timestamp>,
    parts: Vec<PublishedPart>,
}

impl RunWriter {
    /// Makes the folder, which must be new or empty, and writes `run.json` into it.
    pub fn create(path: &Path, header: RunHeader) -> Result<Self, Error> {
        let place = Folder::create(path)?;
        place.publish(RUN_FILE, &FORMAT.document(&WireRun::new(&header, None)))?;
        Ok(Self { place, path: path.to_owned(), header, rows: Rows::default(), oldest: None, parts: Vec::new() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was known at its beginning.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Writes one outcome, which comes redacted. The part is published once it is large enough.
    pub fn write(&mut self, outcome: &Outcome) -> Result<(), Error> {
        self.oldest.get_or_insert(outcome.timing.done.unwrap_or(outcome.timing.due));
        self.rows.push(outcome);
        if self.rows.len() >= PART_ROWS || self.rows.bytes() >= PART_BYTES { self.publish() } else { Ok(()) }
    }

    /// It is `now`: publishes the part if its oldest outcome has waited long enough.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.oldest.is_some_and(|oldest| now.since(oldest) >= PART_AGE) { self.publish() } else { Ok(()) }
    }

    /// Publishes what is left, and says in `run.json` how the run ended.
    pub fn finish(mut self, end: &RunEnd) -> Result<(), Error> {
        self.publish()?;
        self.place.publish(RUN_FILE, &FORMAT.document(&WireRun::new(&self.header, Some((end, &self.parts)))))?;
        Ok(())
    }

    fn publish(&mut self) -> Result<(), Error> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let file = part_name(self.parts.len() + 1);
        let outcomes = self.rows.len() as u64;
        let batch = self.rows.take();
        let mut table = TableWriter::begin(&self.place, &file, &FORMAT, columns::schema(), properties().build())?;
        table.row_group(&batch)?;
        let published = table.publish(Footer::new())?;
        self.parts.push(PublishedPart { file, outcomes, bytes: published.bytes, sha256: published.sha256 });
        self.oldest = None;
        Ok(())
    }
}

/// The name of part `number`, from 1.
pub(super) fn part_name(number: usize) -> String {
    format!("{PART_PREFIX}{number:06}{PART_SUFFIX}")
}

/// The number of the part called `name`, if it is one.
pub(super) fn part_number(name: &str) -> Option<usize> {
    name.strip_prefix(PART_PREFIX)?.strip_suffix(PART_SUFFIX)?.parse().ok().filter(|number| part_name(*number) == name)
}

pub(super) const RUN_FILE: &str = "run.json";
const PART_PREFIX: &str = "outcomes-";
const PART_SUFFIX: &str = ".parquet";
const PART_ROWS: usize = 4096;
const PART_BYTES: usize = 16 << 20;
const PART_AGE: Duration = Duration::from_secs(3);
