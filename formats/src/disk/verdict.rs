//! A verdict: the judgement on a run, with its reasons and everything that a report shows of it.
//!
//! One versioned JSON document, `verdict.json`. These are wire types on purpose: a report is drawn from the document alone, so
//! that one which was kept can be drawn again. Times are milliseconds, shares are numbers from 0 to 1, exchanges are written
//! as in `12.3`. What never happens here: a value stands in it that was not redacted before.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use super::version::{Format, FormatVersion};

/// The format of `verdict.json`.
pub const FORMAT: Format = Format { name: "verdict", version: FormatVersion { major: 1, minor: 0 } };

/// A closed vocabulary whose words are written to the document and printed.
macro_rules! judged_words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that stands in the document and in reports.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    )+ };
}

judged_words! {
    /// The judgement.
    Judgement {
        /// Nothing was breached, and enough was seen to say so.
        Pass = "pass",
        /// Something was breached.
        Fail = "fail",
        /// Nothing was breached, and not enough was seen to say that all is well.
        Inconclusive = "inconclusive",
    }

    /// What a reason means for the judgement.
    Weight {
        /// It makes the verdict fail.
        Breach = "breach",
        /// It makes a verdict inconclusive that would have passed.
        Doubt = "doubt",
    }

    /// What a reason is about.
    ReasonKind {
        /// An objective was missed.
        Objective = "objective",
        /// Answers differ from the baseline's.
        Response = "response",
        /// Requests failed that did not fail in the baseline.
        Failure = "failure",
        /// Rows differ from the baseline's.
        State = "state",
        /// Too few samples for a judged figure.
        Samples = "samples",
        /// Requests of the baseline have no counterpart in the run, or the reverse.
        Missing = "missing",
        /// A run was stopped before its end.
        Stopped = "stopped",
        /// The sender itself was late by more than an objective leaves room for.
        SenderLag = "sender_lag",
        /// Something that was to happen during a run went wrong, a hook say.
        Event = "event",
        /// The recording has holes: requests that could not be replayed.
        Hole = "hole",
    }

    /// What a set of figures is taken over.
    ScopeKind {
        /// Every request.
        All = "all",
        /// The requests of one endpoint.
        Endpoint = "endpoint",
        /// The requests sent in one phase.
        Phase = "phase",
    }

    /// Where a latency begins.
    Measure {
        /// When the request was due.
        Response = "response",
        /// When it was sent.
        Service = "service",
    }

    /// What became of an objective.
    ObjectiveResult {
        /// It was met.
        Met = "met",
        /// It was missed.
        Missed = "missed",
        /// It cannot be told.
        Unknown = "unknown",
    }

    /// How two answers differ.
    DifferenceKind {
        /// By their status.
        Status = "status",
        /// The baseline answered, the run did not.
        Failed = "failed",
        /// The run answered, the baseline did not.
        Recovered = "recovered",
        /// Something is in the baseline's answer only.
        Missing = "missing",
        /// Something is in the run's answer only.
        Extra = "extra",
        /// A value changed.
        Value = "value",
        /// A value changed its type.
        Type = "type",
        /// The bodies could not be taken apart, and their bytes differ.
        Body = "body",
    }

    /// How a row differs.
    RowDifferenceKind {
        /// It is in the baseline's state only.
        Missing = "missing",
        /// It is in the run's state only.
        Extra = "extra",
        /// It is in both, with different values.
        Changed = "changed",
    }

    /// Which of the two runs.
    Which {
        /// The one that is judged.
        Run = "run",
        /// The one that it is compared with.
        Baseline = "baseline",
    }
}

/// The judgement on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The judgement. It follows from the reasons alone.
    pub judgement: Judgement,
    /// Why, breaches first. None for a pass.
    pub reasons: Vec<Reason>,
    /// What a reader should know and what judges nothing.
    pub notes: Vec<String>,
    /// The run that was judged.
    pub run: RunFacts,
    /// The run that it was compared with.
    pub baseline: RunFacts,
    /// What had to be reached.
    pub objectives: Vec<Objective>,
    /// The figures: over all requests first, then endpoints, worst first, then phases in order.
    pub slis: Vec<Sli>,
    /// Endpoints that were left out of `slis` to keep it short.
    pub endpoints_left_out: u64,
    /// How the answers compare.
    pub responses: Responses,
    /// How the states compare, if snapshots were given.
    pub state: Option<State>,
    /// What the charts show.
    pub charts: Charts,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// What it means for the judgement.
    pub weight: Weight,
    /// What it is about.
    pub kind: ReasonKind,
    /// Where, e.g. `POST /orders`, `address.street`.
    pub place: String,
    /// One sentence for people, numbers included.
    pub text: String,
    /// How many requests or rows it concerns.
    pub count: u64,
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// The folder that it was read from.
    pub path: String,
    /// What it was sent to.
    pub target: String,
    /// The recording that was replayed.
    pub recording: String,
    /// SHA-256 of that recording's manifest, or the like.
    pub recording_digest: String,
    /// When it began.
    pub started: String,
    /// How long it took, from the first request due to the last answer.
    pub duration_ms: f64,
    /// Time was compressed by this factor.
    pub speed: f64,
    /// Whether it reached its end.
    pub complete: bool,
    /// The key under which its answers were redacted.
    pub key_id: String,
    /// The policy under which they were.
    pub policy_digest: String,
    /// The plan's seed.
    pub seed: u64,
    /// What makes a session.
    pub session: String,
    /// Its tags, as `key=value`.
    pub tags: Vec<String>,
}

/// What became of one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The objective in words, e.g. `p95 response time of POST /orders at most 200 ms`.
    pub text: String,
    /// Whether it was met.
    pub result: ObjectiveResult,
    /// What was measured, in words.
    pub measured: String,
}

/// The figures over one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sli {
    /// What they are taken over.
    pub scope: ScopeKind,
    /// The endpoint or the phase; empty for all.
    pub name: String,
    /// Those of the run.
    pub run: Figures,
    /// Those of the baseline.
    pub baseline: Figures,
    /// The latencies of both.
    pub latencies: Vec<Latency>,
}

/// What was counted over one scope of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Requests that the target was, or should have been, asked. Those that no target could have been asked (not whole in the
    /// recording, or stopped with the run) do not count.
    pub requests: u64,
    /// Those of them that were answered.
    pub answered: u64,
    /// Those of them that were answered with a status below 500.
    pub succeeded: u64,
    /// `succeeded / requests`.
    pub success: Option<f64>,
    /// Answers in a second, over the run's duration; for a phase, over the phase's.
    pub throughput: Option<f64>,
}

/// One latency percentile of both runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Where it begins.
    pub measure: Measure,
    /// Which percentile, e.g. 95.
    pub percentile: f64,
    /// That of the run.
    pub run: Option<Quantile>,
    /// That of the baseline.
    pub baseline: Option<Quantile>,
    /// Run over baseline, with a 95 % interval: 1.1 is ten percent more.
    pub ratio: Option<Estimate>,
}

/// A percentile with a 95 % interval that assumes nothing of the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// The percentile itself, in milliseconds.
    pub ms: f64,
    /// The lower end of its interval.
    pub low_ms: f64,
    /// The upper end of its interval; the largest sample where there are too few for a true one.
    pub high_ms: f64,
    /// Over how many samples.
    pub samples: u64,
}

/// A number with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How the answers compare.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Responses {
    /// Requests that both runs know.
    pub pairs: u64,
    /// Pairs whose answers are equal, what the target makes anew aside.
    pub equal: u64,
    /// Pairs whose answers differ.
    pub differing: u64,
    /// Pairs of which status and head were compared and bodies were not kept.
    pub without_body: u64,
    /// The differences by fingerprint, breaches first, then by count.
    pub groups: Vec<ResponseGroup>,
    /// Groups that were left out to keep the list short.
    pub groups_left_out: u64,
    /// Places whose values the target makes anew; compared by presence and type.
    pub made_anew: Vec<MadeAnew>,
}

/// Differences of one kind in one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseGroup {
    /// Names the group from run to run: derived from endpoint, kind and path.
    pub fingerprint: String,
    /// Whether it makes the verdict fail.
    pub breach: bool,
    /// Method and templated path.
    pub endpoint: String,
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The templated place in the answer, e.g. `body:/items/*/price`; for a status, from what to what.
    pub path: String,
    /// Pairs that differ so.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<ResponseExample>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseExample {
    /// The exchange.
    pub exchange: String,
    /// The synthetic copy, from 0.
    pub copy: u32,
    /// The exact place in the answer.
    pub path: String,
    /// What the baseline has there, redacted.
    pub baseline: Option<String>,
    /// What the run has there, redacted.
    pub run: Option<String>,
}

/// A place whose values the target makes anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAnew {
    /// Method and templated path.
    pub endpoint: String,
    /// The templated place.
    pub path: String,
    /// How it was told: `bound later`, `redacted as opaque`, `clock time`, `differs from the recording`, `identifier`.
    pub told_by: String,
    /// Pairs in which it differed.
    pub count: u64,
}

/// How two states compare.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The kind of database of the run, e.g. `sqlite`.
    pub database: String,
    /// The schema version of the run's projections.
    pub schema: String,
    /// The kind of database of the baseline.
    pub baseline_database: String,
    /// The schema version of the baseline's projections.
    pub baseline_schema: String,
    /// The entities by name.
    pub entities: Vec<EntityComparison>,
}

/// How the rows of one entity compare.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EntityComparison {
    /// Its name.
    pub name: String,
    /// The columns that tell its rows apart.
    pub key: Vec<String>,
    /// Columns that only one of the two has, or only one has in the key; nothing was compared row by row then.
    pub columns_apart: Vec<String>,
    /// Rows in the run's state.
    pub run_rows: u64,
    /// Rows in the baseline's state.
    pub baseline_rows: u64,
    /// The root of the hash tree over the run's rows.
    pub run_root: String,
    /// The root of the hash tree over the baseline's rows.
    pub baseline_root: String,
    /// Rows that are equal.
    pub equal: u64,
    /// Rows of the baseline that the run lacks.
    pub missing: u64,
    /// Rows of the run that the baseline lacks.
    pub extra: u64,
    /// Rows whose values differ.
    pub changed: u64,
    /// In which columns, and how often.
    pub changed_columns: Vec<ColumnCount>,
    /// The first of the differing rows, in the order of their keys.
    pub rows: Vec<RowDifference>,
}

/// How often a column differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnCount {
    /// The column.
    pub column: String,
    /// Rows in which it differs.
    pub count: u64,
}

/// One row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    /// How.
    pub kind: RowDifferenceKind,
    /// Its key, a value for each key column, redacted.
    pub key: Vec<Option<String>>,
    /// The columns that differ; for a missing or an extra row, all but the key.
    pub columns: Vec<ColumnDifference>,
    /// The exchanges that most likely wrote it.
    pub exchanges: Vec<String>,
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// What the baseline has there, redacted; none is a null, or no row.
    pub baseline: Option<String>,
    /// What the run has there, redacted; none is a null, or no row.
    pub run: Option<String>,
}

/// What the charts show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Charts {
    /// How long a slice of `run` and `baseline` is.
    pub slice_ms: f64,
    /// The run in slices of time, by when requests were due.
    pub run: Vec<Slice>,
    /// The baseline in slices of time.
    pub baseline: Vec<Slice>,
    /// How response times are distributed.
    pub distribution: Vec<Bucket>,
    /// What happened when.
    pub events: Vec<Event>,
}

/// A slice of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Requests that were due in it and were answered.
    pub answers: u64,
    /// Requests that were due in it and failed, or were answered with a status of 500 or more.
    pub errors: u64,
    /// The median response time.
    pub p50_ms: Option<f64>,
    /// The 95th percentile.
    pub p95_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
}

/// Response times from `from_ms` up to `to_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The lower end.
    pub from_ms: f64,
    /// The upper end, which belongs to the next bucket.
    pub to_ms: f64,
    /// Answers of the run.
    pub run: u64,
    /// Answers of the baseline.
    pub baseline: u64,
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// In which run.
    pub which: Which,
    /// When, from the run's beginning.
    pub at_ms: f64,
    /// How long it took, if it took time.
    pub took_ms: Option<f64>,
    /// What it was, in a few words.
    pub text: String,
}

impl Verdict {
    /// The document's bytes.
    pub fn to_document(&self) -> Vec<u8> {
        FORMAT.document(self)
    }

    /// Reads the document at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        FORMAT.read_document(path)
    }
}
