//! Recordings that were written, looked at again: whether redaction has overlooked anything.
//!
//! In: recordings, and what was replaced in them. Out: what is still there, by count and a few places, and recordings that are marked as checked where
//! that is nothing. Of those that follow one another, each is looked at while the next is written, by one thread that leaves the processor to
//! the capture. What never happens here: a capture waits for it, or more is held of what was replaced than of the recordings that it looks at and those
//! right before them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use rayon::ThreadPool;
use rayon::prelude::*;
use reenact_formats::disk;
use reenact_formats::disk::recording::{Recording, Window, mark_checked};
use reenact_formats::model::Exchange;
use reenact_sanitize::{Finding, KnownValues, Originals, Policy, ResidueCheck};

use super::live::Pace;
use super::sink::bytes_of;
use super::{Error, Redaction};

/// What the residue check has found; nothing, or a recording is not *checked*.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many values.
    pub count: u64,
    /// Where the first of them are.
    pub first: Vec<Finding>,
}

impl Findings {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, found: Vec<Finding>) {
        self.count += found.len() as u64;
        self.first.extend(found.into_iter().take(MOST_FINDINGS.saturating_sub(self.first.len())));
    }
}

/// Reads all of a recording. Between one piece of work and the next it does as `rest` says.
pub(super) fn look_through(output: &Path, check: &ResidueCheck<'_>, pool: Option<&ThreadPool>, rest: &mut dyn FnMut()) -> Result<Findings, Error> {
    let recording = Recording::open(output)?;
    let mut batches = batches(recording.exchanges(&Window::ALL)?);
    let mut findings = Findings::default();
    let mut next = batches.next().transpose()?;
    // While one batch is looked at, the next is read.
    while let Some(exchanges) = next {
        let mut found = Vec::new();
        next = match pool {
            Some(pool) => {
                let look = || found = exchanges.par_iter().flat_map_iter(|exchange| check.exchange(exchange)).collect();
                pool.join(look, || batches.next().transpose()).1?
            }
            None => {
                found.extend(exchanges.iter().flat_map(|exchange| check.exchange(exchange)));
                batches.next().transpose()?
            }
        };
        findings.add(found);
        rest();
    }
    Ok(findings)
}

/// Exchanges in their order, as many at once as are worth sharing out.
pub(super) fn batches(mut exchanges: impl Iterator<Item = Result<Exchange, disk::Error>>) -> impl Iterator<Item = Result<Vec<Exchange>, disk::Error>> {
    std::iter::from_fn(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(exchange) = exchanges.next()
        {
            match exchange {
                Ok(exchange) => {
                    bytes += bytes_of(&exchange);
                    batch.push(exchange);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    })
}

/// What must not be left, whichever recording is looked at.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    policy: Policy,
    known_values: Option<Arc<KnownValues>>,
}

impl Wanted {
    pub(super) fn of(redaction: &Redaction) -> Self {
        Self { policy: redaction.policy.clone(), known_values: redaction.known_values.clone() }
    }

    pub(super) fn check<'a>(&'a self, originals: &'a Originals) -> ResidueCheck<'a> {
        ResidueCheck::new(&self.policy, Some(originals)).with_known_values(self.known_values.as_deref())
    }
}

/// Looks through recordings that were closed, while others are written.
pub(super) struct Checker {
    wanted: Arc<Wanted>,
    /// How much of a processor the capture may take, where that is limited.
    share: Option<f64>,
    waiting: Vec<PathBuf>,
    running: Option<Running>,
    /// What was replaced in those that were looked through last: a connection may go on in the next.
    before: Option<Originals>,
}

struct Running {
    thread: JoinHandle<(Vec<Looked>, Originals)>,
    /// Gone once nobody else needs the processor any more.
    _paced: Sender<()>,
}

/// A recording that was looked through, and what was found.
pub(super) type Looked = (PathBuf, Result<Findings, Error>);

impl Checker {
    pub(super) fn new(wanted: Wanted, share: Option<f64>) -> Self {
        Self { wanted: Arc::new(wanted), share, waiting: Vec::new(), running: None, before: None }
    }

    /// This one was closed.
    pub(super) fn add(&mut self, recording: PathBuf) {
        self.waiting.push(recording);
    }

    /// Goes on, if it can: `replaced` gives what was replaced since it was asked last, in several parts. What was looked through is told.
    pub(super) fn turn(&mut self, replaced: &mut dyn FnMut() -> Vec<Originals>) -> Result<Vec<Looked>, Error> {
        let is_running = self.running.as_ref().is_some_and(|running| !running.thread.is_finished());
        if is_running || (self.running.is_none() && self.waiting.is_empty()) {
            return Ok(Vec::new());
        }
        let looked = self.wait();
        if !self.waiting.is_empty() {
            let (paths, replaced, before) = (std::mem::take(&mut self.waiting), replaced(), self.before.take());
            let (wanted, share) = (Arc::clone(&self.wanted), self.share);
            let (paced, unpaced) = mpsc::channel();
            let look = move || look(paths, &wanted, replaced, before, share, &unpaced);
            let thread = thread::Builder::new().name("residue".to_owned()).spawn(look).map_err(Error::Thread)?;
            self.running = Some(Running { thread, _paced: paced });
        }
        Ok(looked)
    }

    /// Waits for what is being looked through; gives also what was replaced in it.
    pub(super) fn finish(mut self) -> (Vec<Looked>, Option<Originals>) {
        (self.wait(), self.before)
    }

    fn wait(&mut self) -> Vec<Looked> {
        let Some(Running { thread, _paced }) = self.running.take() else { return Vec::new() };
        drop(_paced);
        let (looked, replaced) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.before = Some(replaced);
        looked
    }
}

/// Looks through recordings, one after the other. Gives what was replaced in them.
fn look(
    paths: Vec<PathBuf>,
    wanted: &Wanted,
    replaced: Vec<Originals>,
    before: Option<Originals>,
    share: Option<f64>,
    unpaced: &Receiver<()>,
) -> (Vec<Looked>, Originals) {
    let replaced = replaced.into_iter().reduce(Originals::merged).unwrap_or_default();
    let originals = before.map_or_else(|| replaced.clone(), |before| before.merged(replaced.clone()));
    let check = wanted.check(&originals);
    let mut pace = share.map(|share| Pace::new(share * LEFT));
    let mut rest = || {
        while let Some(pause) = pace.as_mut().and_then(Pace::pause) {
            if unpaced.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                pace = None;
            }
        }
    };
    let mut looked = Vec::new();
    for path in paths {
        let findings = look_through(&path, &check, None, &mut rest);
        if findings.as_ref().is_ok_and(Findings::is_empty) {
            // Where a full disk has no room for that it is marked at the end, or told not to be.
            drop(mark_checked(&path));
        }
        // One that is old may go while it is looked through.
        if path.exists() {
            looked.push((path, findings));
        }
    }
    (looked, replaced)
}

const BATCH_BYTES: u64 = 4 << 20;
/// How many findings are listed; `reenact check` tells all.
const MOST_FINDINGS: usize = 20;
/// Of what the capture may take of a processor, what is beyond this is left to the capture itself.
const LEFT: f64 = 0.9;
