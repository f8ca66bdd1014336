//! Joins the tools: what each command does, one function for each.
//!
//! In: jobs, that is paths and options already checked. Out: files, and a summary of what was done. The four tools never see one
//! another; here capture is given a sink of redactor and writer, replay and verify are given a redactor. What never happens
//! here: anything is printed, or an exchange reaches the disk unredacted without having been asked for in so many words.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rayon::ThreadPoolBuildError;
use reenact_formats::disk;
use reenact_formats::disk::publish::Digest;
use reenact_formats::disk::recording::{self, Erasure, KeyScope, MANIFEST, Recording, State, Window, wall_clock};
use reenact_formats::disk::run::{RecordingRef, Run};
use reenact_formats::disk::snapshot::{self, Entity, Row, StateSnapshot};
use reenact_formats::disk::verdict::Verdict;
use reenact_formats::model::{Exchange, ExchangeId, KeyId, LossLedger, Reply};
use reenact_formats::seam::{Blame, Explain, Redact as _};
use reenact_replay::{Hook, Permissions, Plan, PlanOptions, RunOptions, RunSummary, Targets};
use reenact_sanitize::{Explained, Key, KnownPseudonyms, KnownValues, KnownValuesBuilder, Policy, Redactor, ResidueCheck, Subject};
use reenact_verify::{Entities, Inputs, Objectives};

use crate::check;
use crate::propose::Proposal;

pub mod archive;
mod import;
mod live;
mod record;
mod recorder;
mod residue;
mod room;
mod sink;

pub use import::{ImportJob, import};
pub use live::{Figures, LiveLimits, OnFigures, Watch};
pub use record::{CaptureJob, Recorded, Survey, Written, capture, sanitize, survey};
pub use recorder::{Rotation, abandon};
pub use residue::Findings;
pub use room::{DiskRoom, OnRoom};

/// What went wrong while tools worked together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The capture failed.
    #[error(transparent)]
    Capture(#[from] reenact_capture::Error),
    /// A file of ours failed.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// A policy cannot be used.
    #[error(transparent)]
    Sanitize(#[from] reenact_sanitize::Error),
    /// The replay was refused or failed.
    #[error(transparent)]
    Replay(#[from] reenact_replay::Error),
    /// A snapshot or a verdict could not be made.
    #[error(transparent)]
    Verify(#[from] reenact_verify::Error),
    /// A recording could not be made of others.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// The system does not give as many threads.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many were asked for.
        threads: NonZero<usize>,
        /// Why not.
        source: ThreadPoolBuildError,
    },
    /// The system does not give another thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A limit on memory, and nothing that says how much is in use.
    #[error("this system does not say how much memory is in use")]
    MemoryUnknown,
    /// Before the first packet there is no memory left.
    #[error("the capture may take {limit} bytes of memory, and takes {taken} before the first packet")]
    MemoryTaken {
        /// What it may take.
        limit: u64,
        /// What it takes.
        taken: u64,
    },
    /// Recordings are there with their account, and not all of what they count.
    #[error("{exchanges} exchanges are not in {}: the disk was full when they were seen", path.display())]
    Unstored {
        /// The recording, or the folder of several.
        path: PathBuf,
        /// How many are counted, and were not stored.
        exchanges: u64,
    },
    /// A capture came to its end, and its recording did not: the account is here alone.
    #[error("{source}")]
    Untold {
        /// What entered, and what became of it.
        ledger: Box<LossLedger>,
        /// How many exchanges could not be stored until shortly before the end.
        unstored: u64,
        /// Why it could not be written.
        source: Box<Error>,
    },
    /// A key or a policy was given, and what is to be joined was written under another.
    #[error("the given {kind} is {given}, and run {} was written under {kind} {expected}", run.display())]
    OtherRedaction {
        /// `key` or `policy`.
        kind: &'static str,
        /// The id of the given key, the digest of the given policy.
        given: String,
        /// What was written under another.
        run: PathBuf,
        /// The id or the digest of that one.
        expected: String,
    },
    /// A key was given, and the recording was redacted under another.
    #[error("the given key is {given}, and recording {} was redacted under key {expected}", recording.display())]
    OtherKey {
        /// The id of the given key.
        given: String,
        /// The recording.
        recording: PathBuf,
        /// The id of its key.
        expected: String,
    },
    /// No pseudonym in the recording can be made again.
    #[error("no one can be found in recording {}: its key was made for it, and is kept nowhere", recording.display())]
    NoOneToFind {
        /// The recording.
        recording: PathBuf,
    },
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Capture(error) => error.blame(),
            Self::Disk(error) => error.blame(),
            Self::Sanitize(error) => error.blame(),
            Self::Replay(error) => error.blame(),
            Self::Verify(error) => error.blame(),
            Self::Archive(error) => error.blame(),
            Self::Untold { source, .. } => source.blame(),
            Self::OtherRedaction { .. } | Self::OtherKey { .. } | Self::NoOneToFind { .. } | Self::MemoryUnknown | Self::MemoryTaken { .. } => Blame::Input,
            Self::Threads { .. } | Self::Thread(_) | Self::Unstored { .. } => Blame::Ours,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Capture(error) => error.hint(),
            Self::Disk(error) => error.hint(),
            Self::Sanitize(error) => error.hint(),
            Self::Replay(error) => error.hint(),
            Self::Verify(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Untold { source, .. } => source.hint(),
            Self::Threads { .. } => Some("ask for fewer (--threads N), or raise the limit on processes".to_owned()),
            Self::Unstored { .. } => {
                Some("free some space, or write to another disk; what is there is whole, and its account counts the rest as unstored".to_owned())
            }
            Self::Thread(_) => Some("raise the limit on processes".to_owned()),
            Self::MemoryUnknown => Some("leave out --memory-limit".to_owned()),
            Self::MemoryTaken { .. } => Some("raise --memory-limit, give fewer --known-values, or listen on fewer interfaces".to_owned()),
            Self::OtherKey { .. } => Some("give that key; `reenact key id FILE` names a key".to_owned()),
            Self::NoOneToFind { .. } => Some("delete the recording, and make another without the person".to_owned()),
            Self::OtherRedaction { kind, .. } => Some(format!("give the {kind} that it was written under, or none; `reenact key id FILE` names a key")),
        }
    }
}

/// The key and the policy that something is redacted under.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The key of the pseudonyms.
    pub key: Key,
    /// What is redacted, and how.
    pub policy: Policy,
    /// What is redacted wherever it stands in traffic.
    pub known_values: Option<Arc<KnownValues>>,
}

/// The values that a query gives, as a set for redaction: each is digested as it comes, and none is kept.
pub async fn known_values(database: &str, query: &str) -> Result<KnownValues, Error> {
    let mut builder: Option<KnownValuesBuilder> = None;
    let mut add = |columns: &[String], place: usize, value: &str| builder.get_or_insert_with(|| KnownValuesBuilder::new(columns.to_vec())).add(place, value);
    reenact_verify::select(database, query, &mut add).await?;
    let known = builder.map(KnownValuesBuilder::finish).filter(|known| known.count() > 0);
    Ok(known.ok_or_else(|| reenact_sanitize::Error::NoKnownValues { from: reenact_verify::shown_address(database) })?)
}

/// Takes the exchanges out of the recording `path` that hold a pseudonym of `subject` under `key`.
pub fn erase(path: &Path, key: &Key, subject: &str) -> Result<Erasure, Error> {
    let recording = Recording::open(path)?;
    let manifest = recording.manifest();
    let given = key.id();
    match &manifest.key_id {
        None => return Err(disk::Error::NotRedacted { path: path.to_owned() }.into()),
        Some(_) if manifest.key_scope == KeyScope::Recording => return Err(Error::NoOneToFind { recording: path.to_owned() }),
        Some(expected) if *expected != given => {
            return Err(Error::OtherKey { given: given.to_string(), recording: path.to_owned(), expected: expected.to_string() });
        }
        Some(_) => {}
    }
    let subject = Subject::new(key, subject);
    Ok(recording::erase(path, &mut |exchange| subject.is_in(exchange))?)
}

/// Whether the run or the snapshot in `path` holds a pseudonym of `subject` under `key`.
pub fn holds(path: &Path, key: &Key, subject: &str) -> Result<bool, Error> {
    let given = key.id();
    let other_key = |expected: &KeyId| Error::OtherKey { given: given.to_string(), recording: path.to_owned(), expected: expected.to_string() };
    let subject = Subject::new(key, subject);
    if path.join(snapshot::DOCUMENT).exists() {
        let snapshot = StateSnapshot::open(path)?;
        if snapshot.key_id != given {
            return Err(other_key(&snapshot.key_id));
        }
        let mut cells = snapshot.entities.iter().flat_map(Entity::rows).flat_map(Row::cells).flatten();
        return Ok(cells.any(|cell| subject.is_in_value(cell)));
    }
    let run = Run::open(path)?;
    if let Some(expected) = run.header().key_id.as_ref().filter(|expected| **expected != given) {
        return Err(other_key(expected));
    }
    for outcome in run.outcomes() {
        if let Reply::Answered { response: Some(response), redactions, .. } = outcome?.reply
            && subject.is_in_answer(&response, &redactions)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A policy for the recording `path`, beginning from `policy`: what is found in it, what stays, and what no rule touches.
pub fn propose(path: &Path, policy: &Policy) -> Result<String, Error> {
    let recording = Recording::open(path)?;
    // Under a key that no one needs: no pseudonym is told.
    let mut redactor = Redactor::new(policy, &Key::generate()?);
    Ok(Proposal::of(&recording, &mut redactor)?.yaml(&path.display().to_string()))
}

/// What becomes of an exchange under a redaction, and why; those before it on its connection are looked at first.
pub fn explain(recording: Option<(&Recording, ExchangeId)>, mut exchange: Exchange, redaction: &Redaction) -> Result<Vec<Explained>, Error> {
    let mut redactor = redaction.recorder()?;
    if let Some((recording, id)) = recording {
        for before in recording.exchanges(&Window::ALL)? {
            let mut before = before?;
            if before.id.connection == id.connection && before.id.index < id.index {
                redactor.exchange(&mut before);
            }
        }
    }
    Ok(redactor.explain(&mut exchange))
}

/// Is the recording `path` whole, valid, and free of residue under `policy`? A raw one is not searched for residue.
pub fn check(path: &Path, policy: &Policy) -> Result<check::Report, Error> {
    let residue = ResidueCheck::new(policy, None);
    let mut find = |exchange: &Exchange| {
        let found = residue.exchange(exchange).into_iter();
        found.map(|finding| check::Finding { exchange: finding.exchange, rule: finding.rule, path: finding.path }).collect()
    };
    let is_raw = Recording::open_partial(path)?.manifest().state == State::Raw;
    Ok(check::check_recording(path, if is_raw { None } else { Some(&mut find) })?)
}

/// What [`check_other`] can look at beside recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a replay did.
    Run,
    /// The state of a database.
    Snapshot,
    /// What belongs to a state.
    Entities,
    /// What a run must reach.
    Objectives,
    /// What is redacted, and how.
    Policy,
}

impl Kind {
    /// What `path` seems to be, if it is no recording: told by its files, or by the first words of its lines.
    pub fn of(path: &Path) -> Option<Self> {
        if path.join("run.json").is_file() {
            return Some(Self::Run);
        }
        if path.join("snapshot.json").is_file() {
            return Some(Self::Snapshot);
        }
        if !path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            return None;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        Some(if has("entities:") {
            Self::Entities
        } else if has("slo:") || has("responses:") {
            Self::Objectives
        } else {
            Self::Policy
        })
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Snapshot => "snapshot",
            Self::Entities => "entities",
            Self::Objectives => "objectives",
            Self::Policy => "policy",
        }
    }
}

/// Is what `path` holds whole and valid?
pub fn check_other(path: &Path, kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::Run => {
            let run = Run::open(path)?;
            run.verify_digests()?;
            for outcome in run.outcomes() {
                outcome?;
            }
        }
        Kind::Snapshot => drop(StateSnapshot::open(path)?),
        Kind::Entities => drop(Entities::load(path)?),
        Kind::Objectives => drop(Objectives::load(path)?),
        Kind::Policy => drop(Policy::load(path)?),
    }
    Ok(())
}

/// From a recording to a run.
#[derive(Debug)]
pub struct ReplayJob {
    /// The recording; it must not be raw.
    pub recording: PathBuf,
    /// The exchanges to play.
    pub window: Window,
    /// What is made of them.
    pub plan: PlanOptions,
    /// Where requests go.
    pub targets: Targets,
    /// What the operator allows.
    pub permissions: Permissions,
    /// On the run and on each outcome.
    pub tags: Vec<(String, String)>,
    /// Commands that run beside the requests.
    pub hooks: Vec<Hook>,
    /// How long one of them may take.
    pub hook_timeout: Duration,
    /// How many requests may be under way at once.
    pub max_in_flight: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// Whether answers are kept, redacted.
    pub keep_responses: bool,
    /// The folder of the run.
    pub output: PathBuf,
    /// What the target's answers are redacted under.
    pub redaction: Redaction,
}

/// A plan that is ready to be sent, and all that sending it needs.
pub struct Prepared {
    /// What will be sent.
    pub plan: Plan,
    /// Where it will be sent to.
    pub targets: Targets,
    options: RunOptions,
    redactor: Redactor,
    output: PathBuf,
}

impl ReplayJob {
    /// Reads the recording, vouched for by its digests, and plans it.
    pub fn prepare(self) -> Result<Prepared, Error> {
        let recording = open_redacted(&self.recording)?;
        let plan = Plan::build(recording.exchanges(&self.window)?, &self.plan)?;
        let redactor = self.redaction.redactor(Some(&recording))?;
        let reference = RecordingRef {
            path: self.recording.display().to_string(),
            digest: Digest::of_file(&self.recording.join(MANIFEST))?.to_string(),
            expires: recording.manifest().expires,
        };
        let options = RunOptions {
            plan: self.plan,
            permissions: self.permissions,
            tags: self.tags.into_iter().collect(),
            hooks: self.hooks,
            hook_timeout: self.hook_timeout,
            max_in_flight: self.max_in_flight,
            timeout: self.timeout,
            keep_responses: self.keep_responses,
            ..RunOptions::new(reference, self.targets.clone())
        };
        Ok(Prepared { plan, targets: self.targets, options, redactor, output: self.output })
    }
}

impl Prepared {
    /// Sends it, and writes what comes of it.
    pub async fn run(self, control: reenact_replay::Control) -> Result<RunSummary, Error> {
        Ok(reenact_replay::run(self.plan, &self.options, Box::new(self.redactor), &self.output, control).await?)
    }
}

/// From a database to a snapshot.
#[derive(Debug)]
pub struct SnapshotJob {
    /// The database's URL.
    pub database: String,
    /// What belongs to its state.
    pub entities: Entities,
    /// Which projections of it are taken.
    pub schema: String,
    /// The recording that was played: its pseudonyms stay as they are.
    pub recording: Option<PathBuf>,
    /// The folder of the snapshot.
    pub output: PathBuf,
    /// What values are redacted under.
    pub redaction: Redaction,
}

/// Takes the state of a database, redacted.
pub async fn snapshot(job: &SnapshotJob) -> Result<StateSnapshot, Error> {
    let recording = job.recording.as_deref().map(open_redacted).transpose()?;
    let mut redactor = job.redaction.redactor(recording.as_ref())?;
    let mut snapshot = reenact_verify::snapshot(&job.database, &job.entities, &job.schema, &mut redactor).await?;
    let lifetime = job.redaction.policy.lifetime().map(|lifetime| wall_clock().saturating_add(lifetime.duration()));
    snapshot.expires = lifetime.into_iter().chain(recording.as_ref().and_then(|recording| recording.manifest().expires)).min();
    snapshot.write(&job.output)?;
    Ok(snapshot)
}

/// From two runs to a verdict.
#[derive(Debug)]
pub struct VerifyJob {
    /// The run to judge.
    pub run: PathBuf,
    /// The run that it is held against.
    pub baseline: PathBuf,
    /// The state that the run left, and the one that the baseline left.
    pub states: Option<(PathBuf, PathBuf)>,
    /// The recording that both played.
    pub recording: Option<PathBuf>,
    /// What the run must reach.
    pub objectives: Objectives,
    /// The key that all of it must have been written under, if one is named.
    pub key: Option<Key>,
    /// The policy likewise.
    pub policy: Option<Policy>,
}

/// Judges a run.
pub fn verify(job: &VerifyJob) -> Result<Verdict, Error> {
    let (run, baseline) = (Run::open(&job.run)?, Run::open(&job.baseline)?);
    let states = job.states.as_ref().map(|(state, baseline)| Ok::<_, Error>((StateSnapshot::open(state)?, StateSnapshot::open(baseline)?))).transpose()?;
    let recording = job.recording.as_deref().map(Recording::open).transpose()?;
    let key = job.key.as_ref().map(|key| key.id().to_string());
    let policy = job.policy.as_ref().map(Policy::digest);
    for (path, header) in [(&job.run, run.header()), (&job.baseline, baseline.header())] {
        let key_id = header.key_id.as_ref().map(ToString::to_string);
        for (kind, given, written) in [("key", &key, &key_id), ("policy", &policy, &header.policy_digest)] {
            if let (Some(given), Some(expected)) = (given, written)
                && given != expected
            {
                return Err(Error::OtherRedaction { kind, given: given.clone(), run: path.clone(), expected: expected.clone() });
            }
        }
    }
    let (state, baseline_state) = states.as_ref().map(|(state, baseline)| (state, baseline)).unzip();
    let inputs = Inputs { run: &run, baseline: &baseline, state, baseline_state, recording: recording.as_ref() };
    Ok(reenact_verify::verify(inputs, &job.objectives)?)
}

impl Redaction {
    /// A redactor for a recording; under a policy that says so, with a key that no other one has.
    pub(crate) fn recorder(&self) -> Result<Redactor, Error> {
        let redactor = if self.policy.is_unlinkable() { Redactor::new(&self.policy, &self.key.once()?) } else { Redactor::new(&self.policy, &self.key) };
        Ok(match &self.known_values {
            Some(known) => redactor.with_known_values(Arc::clone(known)),
            None => redactor,
        })
    }

    /// A redactor for what a sandbox answers: values that `recording` names as pseudonyms already stay.
    fn redactor(&self, recording: Option<&Recording>) -> Result<Redactor, Error> {
        let redactor = Redactor::new(&self.policy, &self.key);
        let Some(recording) = recording else { return Ok(redactor) };
        let mut known = KnownPseudonyms::default();
        for exchange in recording.exchanges(&Window::ALL)? {
            known.add(&exchange?);
        }
        Ok(redactor.with_known(known))
    }
}

/// Opens a recording that may be replayed: not raw, nothing left of an erasure, and every part as the manifest vouches for it.
fn open_redacted(path: &Path) -> Result<Recording, Error> {
    let recording = Recording::open(path)?;
    if recording.manifest().state == State::Raw {
        return Err(reenact_replay::Error::RawRecording.into());
    }
    archive::refuse_half_erased(path)?;
    recording.verify_digests()?;
    Ok(recording)
}
