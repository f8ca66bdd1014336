//! Reads a run back.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::columns::{Damage, View};
use super::wire::{PublishedPart, WireRun};
use super::writer::{RUN_FILE, part_name, part_number};
use super::{FORMAT, RunEnd, RunHeader};
use crate::disk::Error;
use crate::disk::publish::Digest;
use crate::disk::recording::wall_clock;
use crate::disk::table::Table;
use crate::model::Outcome;

/// A run, opened.
#[derive(Debug)]
pub struct Run {
    path: PathBuf,
    header: RunHeader,
    end: Option<RunEnd>,
    published: Vec<PublishedPart>,
    parts: Vec<PathBuf>,
}

impl Run {
    /// Opens the folder at `path`. A run that was killed opens too: it has no end.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.join(RUN_FILE);
        if path.exists() && !file.exists() {
            return Err(Error::NotOurs { path: path.to_owned(), format: FORMAT.name, why: format!("it has no {RUN_FILE}") });
        }
        let (header, end) = FORMAT.read_document::<WireRun>(&file)?.read(&file)?;
        if let Some(expired) = header.recording.expires.filter(|time| *time <= wall_clock()) {
            return Err(Error::Expired { path: path.to_owned(), expired });
        }
        let (end, published) = end.map_or_else(|| (None, Vec::new()), |(end, parts)| (Some(end), parts));
        let parts = parts(path)?;
        let last = parts.len().max(published.len());
        if let Some(missing) = (1..=last).map(|number| path.join(part_name(number))).find(|part| !parts.contains(part)) {
            return Err(Error::MissingPart { path: missing });
        }
        if let Some(foreign) = parts.get(published.len()).filter(|_| end.is_some()) {
            return Err(Error::Foreign { path: foreign.clone(), why: format!("{RUN_FILE} does not list it") });
        }
        Ok(Self { path: path.to_owned(), header, end, published, parts })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was known at its beginning.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// How it ended; none if it was killed, or is still running.
    pub const fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref()
    }

    /// Its outcomes, in the order in which they were known.
    pub fn outcomes(&self) -> Outcomes {
        Outcomes { parts: self.parts.clone().into(), reader: None, batch: None }
    }

    /// Whether every part is the one that `run.json` lists. A run without an end lists none.
    pub fn verify_digests(&self) -> Result<(), Error> {
        for part in &self.published {
            let path = self.path.join(&part.file);
            let found = Digest::of_file(&path)?;
            if found != part.sha256 {
                return Err(Error::Altered { path, expected: part.sha256, found });
            }
        }
        Ok(())
    }
}

/// The parts in the folder, in order.
fn parts(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::read(path))? {
        let name = entry.map_err(Error::read(path))?.file_name();
        numbers.extend(name.to_str().and_then(part_number));
    }
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|number| path.join(part_name(number))).collect())
}

/// The outcomes of a run, read batch by batch.
pub struct Outcomes {
    parts: VecDeque<PathBuf>,
    reader: Option<(PathBuf, ParquetRecordBatchReader)>,
    batch: Option<(PathBuf, View, usize)>,
}

impl Outcomes {
    fn advance(&mut self) -> Result<Option<Outcome>, Error> {
        loop {
            if let Some((path, view, row)) = &mut self.batch {
                let at = *row;
                if at < view.rows() {
                    *row += 1;
                    let damaged = |damage| damaged(path, &format!("row {at} of a batch, column"), &damage);
                    return view.outcome(at).map(Some).map_err(damaged);
                }
                self.batch = None;
            }
            if let Some((path, reader)) = &mut self.reader {
                match reader.next() {
                    Some(batch) => {
                        let batch = batch.map_err(|source| Error::parquet_read(path)(source.into()))?;
                        let view = View::new(&batch).map_err(|damage| damaged(path, "column", &damage))?;
                        self.batch = Some((path.clone(), view, 0));
                        continue;
                    }
                    None => self.reader = None,
                }
            }
            let Some(path) = self.parts.pop_front() else { return Ok(None) };
            let reader = Table::open(&path, &FORMAT)?.reader().with_batch_size(BATCH_ROWS).build().map_err(Error::parquet_read(&path))?;
            self.reader = Some((path, reader));
        }
    }
}

fn damaged(path: &Path, place: &str, damage: &Damage) -> Error {
    Error::Damaged { path: path.to_owned(), place: format!("{place} {}", damage.column), why: damage.why.to_owned() }
}

impl Iterator for Outcomes {
    type Item = Result<Outcome, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if matches!(next, Some(Err(_))) {
            // Nothing after an error can be trusted to follow on from what came before it.
            *self = Self { parts: VecDeque::new(), reader: None, batch: None };
        }
        next
    }
}

const BATCH_ROWS: usize = 512;
