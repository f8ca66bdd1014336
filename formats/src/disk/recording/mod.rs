//! A recording: a folder of Parquet parts and a `manifest.json`.
//!
//! In: exchanges, already redacted, and the loss ledger. Out: parts that open as they are in DuckDB and pandas, and the same
//! exchanges again, merged in order of time. One row is one exchange: plain columns for what people query, beside the raw
//! heads and bodies; `docs/formats.md` describes each. What never happens here: a part is changed after it was published, or more
//! than a part's worth of exchanges is held.
//!
//! ```text
//!  RecordingWriter ──► part-000001.parquet ┐
//!        │             part-000002.parquet ├──► Recording::open ──► exchanges(window): parts merged by start
//!        │             …                   ┘        ▲
//!        └──────────► manifest.json ────────────────┘  or, where it is missing, the footers of the parts
//! ```
//!
//! The manifest is a summary. All that it says, digests and the *checked* state apart, stands in the parts' footers too, so a
//! capture that was killed opens up to its last part.
//!
//! ```
//! use reenact_formats::disk::recording::{Recording, RecordingWriter, Window, WriterOptions};
//! use reenact_formats::model::LossLedger;
//!
//! # let root = tempfile::tempdir()?;
//! # let dir = root.path().join("rec");
//! let writer = RecordingWriter::create(&dir, WriterOptions { source: "file shop.pcap".to_owned(), ..WriterOptions::default() })?;
//! // Here each exchange is written, and each tick of packet time told.
//! let manifest = writer.finish(&LossLedger::default())?;
//!
//! let recording = Recording::open(&dir)?;
//! assert_eq!(recording.manifest(), &manifest);
//! assert_eq!(recording.exchanges(&Window::ALL)?.count() as u64, manifest.exchanges);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod columns;
mod erase;
mod figures;
mod manifest;
mod part;
mod reader;
mod retention;
mod standing;
#[cfg(test)]
mod tests;
mod wire;
mod writer;

pub use audit::{Audit, AuditRow};
pub use erase::{Erasure, erase, left_by_erasure};
pub use figures::{EndpointFigures, Endpoints, Figures, Rate};
pub use manifest::{Counts, Gone, Manifest, Part};
pub use reader::{Digests, Exchanges, ReadAccount, Recording};
pub use retention::{Retention, Retired};
pub use standing::WhenFull;
pub use writer::{PART_BYTES, RecordingWriter, Sanitized, WriterOptions};

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Error;
use super::publish::{Folder, Publish as _};
use super::version::{Format, FormatVersion};
use crate::model::Timestamp;
use crate::selection::Where;

/// The format of a recording: its manifest and its parts.
pub const RECORDING: Format = Format { name: "recording", version: FormatVersion { major: 1, minor: 2 } };

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";

/// What has been done for the people in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing: it may hold anything that was on the wire.
    Raw,
    /// Redacted before it was written.
    Redacted,
    /// Redacted, and a residue check of the written files found nothing.
    Checked,
}

impl State {
    /// The word that stands in files and in output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Redacted => "redacted",
            Self::Checked => "checked",
        }
    }

    /// The value that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Raw, Self::Redacted, Self::Checked].into_iter().find(|state| state.word() == word)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Who has the key of a recording's pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyScope {
    /// Whoever gave it: what else is written under it joins.
    #[default]
    Shared,
    /// No one: it was made for this recording, and is kept nowhere.
    Recording,
}

impl KeyScope {
    /// The word that stands in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Recording => "recording",
        }
    }

    /// The value that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Shared, Self::Recording].into_iter().find(|scope| scope.word() == word)
    }
}

/// How much of a capture is in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// Some of it: others were written before or after. What was on its way from one to the next is in the account of the one in which
    /// it ended, so that the accounts balance together.
    Piece,
}

impl Extent {
    /// The word that stands in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Piece => "piece",
        }
    }

    /// The value that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Whole, Self::Piece].into_iter().find(|extent| extent.word() == word)
    }
}

/// Now, by the wall clock.
#[expect(clippy::disallowed_methods, reason = "how long people may keep a recording is told in their time; nothing in it depends on it")]
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().saturating_add(since)
}

/// A span of time: exchanges that start at `from` or later, and before `to`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment within; open where there is none.
    pub from: Option<Timestamp>,
    /// The first moment after; open where there is none.
    pub to: Option<Timestamp>,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether `time` lies within.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }

    /// Whether any time of `first..=last` lies within.
    pub fn touches(&self, first: Timestamp, last: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= last) && self.to.is_none_or(|to| first < to)
    }
}

/// The exchanges of a recording that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// When they start.
    pub window: Window,
    /// What else is asked of them.
    pub condition: Option<Where>,
}

impl From<Window> for Selection {
    fn from(window: Window) -> Self {
        Self { window, condition: None }
    }
}

/// Writes into the manifest that a residue check of all parts found nothing.
pub fn mark_checked(dir: &Path) -> Result<(), Error> {
    // A file system without such locks cannot swap folders either: there, no one erases.
    let _alone = fs::canonicalize(dir).ok().and_then(|dir| erase::alone(&dir).ok());
    let recording = Recording::open(dir)?;
    let mut manifest = recording.into_manifest();
    if manifest.state == State::Raw {
        return Err(Error::NotRedacted { path: dir.to_owned() });
    }
    manifest.state = State::Checked;
    manifest.publish(&Folder::existing(dir))?;
    Ok(())
}

/// Takes away the recording in `dir`, and nothing else that may be there.
pub fn discard(dir: &Path) -> Result<(), Error> {
    let place = Folder::existing(dir);
    // First the manifest: without it no one misses a part.
    place.remove(MANIFEST)?;
    for entry in fs::read_dir(dir).map_err(Error::read(dir))? {
        let name = entry.map_err(Error::read(dir))?.file_name();
        name.to_str().filter(|name| part_number(name).is_some()).map_or(Ok(()), |name| place.remove(name))?;
    }
    Ok(())
}

/// The file name of the part with this number, from 1.
fn part_name(number: u64) -> String {
    format!("part-{number:06}.parquet")
}

/// The number in a part's file name.
fn part_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()?;
    (part_name(number) == name).then_some(number)
}
