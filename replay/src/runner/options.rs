//! How a run is set up, watched and summed up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reenact_formats::disk::run::{EndReason, RecordingRef, TimelineEvent};
use reenact_formats::model::{Failure, Timestamp};
use tokio::sync::watch;

use crate::PlanOptions;
use crate::clock::{Clock, RealClock};
use crate::hooks::Hook;
use crate::safety::Permissions;
use crate::target::Targets;

/// How a plan is sent.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What is replayed, for the run's header.
    pub recording: RecordingRef,
    /// How it was planned, for the run's header.
    pub plan: PlanOptions,
    /// Where requests go.
    pub targets: Targets,
    /// What the operator allows.
    pub permissions: Permissions,
    /// On every outcome.
    pub tags: BTreeMap<String, String>,
    /// Commands that run beside the requests.
    pub hooks: Vec<Hook>,
    /// How long a hook may take; then it is ended.
    pub hook_timeout: Duration,
    /// How many requests may be under way at once.
    pub max_in_flight: usize,
    /// How long a request may take, connecting included.
    pub timeout: Duration,
    /// Whether answers are kept, redacted.
    pub keep_responses: bool,
}

impl RunOptions {
    /// The defaults for a recording and its targets.
    pub fn new(recording: RecordingRef, targets: Targets) -> Self {
        Self {
            recording,
            plan: PlanOptions::default(),
            targets,
            permissions: Permissions::default(),
            tags: BTreeMap::new(),
            hooks: Vec::new(),
            hook_timeout: Duration::from_secs(600),
            max_in_flight: 512,
            timeout: Duration::from_secs(30),
            keep_responses: true,
        }
    }
}

/// Tells a run to stop. Clones tell the same run.
#[derive(Debug, Clone)]
pub struct Stop(pub(super) Arc<watch::Sender<bool>>);

impl Stop {
    /// Nothing is to stop, yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// No further request is sent; those under way get a moment. What was done is kept.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// Looks at how far a run is.
pub type Watch = Box<dyn FnMut(&Progress) + Send>;

/// How a run is watched and stopped.
pub struct Control {
    /// Told to stop, the run stops.
    pub stop: Stop,
    /// Called some times a second, from the thread that sends: it must not block.
    pub progress: Option<Watch>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for Control {
    fn default() -> Self {
        Self { stop: Stop::new(), progress: None, clock: Arc::new(RealClock::start()) }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Outcomes that there will be.
    pub planned: u64,
    /// Those that are known.
    pub settled: u64,
    /// Of those, without a whole answer.
    pub failed: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Since the first due time.
    pub elapsed: Duration,
    /// From the first due time to the last.
    pub schedule: Duration,
    /// E.g. `main`.
    pub phase: String,
    /// The hooks that the run waits for, all requests being settled.
    pub waiting_for: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Why it ended.
    pub reason: EndReason,
    /// When its first request was due.
    pub started: Timestamp,
    /// When its last outcome was known.
    pub ended: Timestamp,
    /// How many outcomes there are.
    pub outcomes: u64,
    /// Of those, with a whole answer, whatever its status.
    pub answered: u64,
    /// The others, by cause.
    pub failures: BTreeMap<Failure, u64>,
    /// Answers whose status is not the recorded one.
    pub other_status: u64,
    /// How late the sender was.
    pub lag: Lag,
    /// What happened beside the requests.
    pub timeline: Vec<TimelineEvent>,
}

impl RunSummary {
    /// The hooks that did not end well.
    pub fn failed_hooks(&self) -> impl Iterator<Item = &TimelineEvent> {
        self.timeline.iter().filter(|event| !event.result.is_success())
    }
}

/// The sender's own lag: from when a request was due to when the loop took it up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Half were taken up within this.
    pub p50: Duration,
    /// 99 of a hundred were.
    pub p99: Duration,
    /// All were.
    pub max: Duration,
}
