//! The run: what a replay did.
//!
//! In: a [`RunHeader`] before anything is sent, then one [`Outcome`] for each planned exchange in the order in which they were
//! known, then a [`RunEnd`]. Out: a folder with `run.json` and `outcomes-000001.parquet`, `outcomes-000002.parquet`, …
//!
//! Parts are published by atomic rename every few thousand outcomes or few seconds, and `run.json` is written before the
//! first request leaves and again at the end: a replay that was killed leaves a run that opens, has no end, and holds every
//! published outcome. What never happens here: redaction (outcomes come redacted), and reading the clock (the caller's times
//! are the only ones).
//!
//! Outcomes have plain columns for what people query (method, endpoint, phase, status, failure, times, durations, sizes) beside
//! the redacted response as raw bytes, so that a run opens as it is in DuckDB or pandas.

mod columns;
mod reader;
mod wire;
mod writer;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::disk::version::{Format, FormatVersion};
use crate::model::{KeyId, Timestamp, words};

pub use reader::{Outcomes, Run};
pub use wire::PublishedPart;
pub use writer::RunWriter;

/// The format of runs, as this release writes it.
pub const FORMAT: Format = Format { name: "run", version: FormatVersion { major: 1, minor: 1 } };

/// What is known before the first request leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHeader {
    /// When it was started, by the wall clock.
    pub started: Timestamp,
    /// What was replayed.
    pub recording: RecordingRef,
    /// Where it went: recorded host (`*` for every other host) to target URL.
    pub targets: BTreeMap<String, String>,
    /// The key that answers were redacted under; none if nothing was to be kept of them.
    pub key_id: Option<KeyId>,
    /// SHA-256 over the canonical policy, hexadecimal.
    pub policy_digest: Option<String>,
    /// Of everything that was drawn by chance.
    pub seed: u64,
    /// How much faster than recorded.
    pub speed: f64,
    /// How sessions were told apart: `connection`, `cookie:NAME`, `header:NAME`.
    pub session: String,
    /// The run's tags.
    pub tags: BTreeMap<String, String>,
    /// How many outcomes there will be if it is not stopped.
    pub planned: u64,
    /// From the first due time to the last.
    pub schedule: Duration,
}

/// The recording that was replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRef {
    /// The folder, as it was named.
    pub path: String,
    /// SHA-256 over its manifest, hexadecimal.
    pub digest: String,
    /// When it may be read no longer; the run neither.
    pub expires: Option<Timestamp>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// When, by the wall clock.
    pub ended: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// What else happened on the way, in order.
    pub timeline: Vec<TimelineEvent>,
}

words! {
    /// Why a run ended.
    EndReason {
        /// Every planned exchange has its outcome.
        Completed = "completed",
        /// It was told to stop; the exchanges that were not sent have the failure `stopped`.
        Stopped = "stopped",
    }
}

/// Something that happened during a run, beside its requests.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEvent {
    /// What it is called, e.g. `hook 1`; the phase of the requests that were sent meanwhile.
    pub name: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What came of it.
    pub result: EventResult,
}

/// What came of an event of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventResult {
    /// A command ended with this exit code.
    Exited(i32),
    /// A command was ended by a signal, could not be started, or was still running when the run was stopped; why, in a few words.
    Failed(String),
}

impl EventResult {
    /// Whether it went well.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

#[cfg(test)]
mod tests;
