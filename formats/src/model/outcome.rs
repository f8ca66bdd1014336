//! What a replay did with one exchange.

use std::collections::BTreeMap;

use super::exchange::words;
use super::{ExchangeId, Message, Redaction, Timestamp};

words! {
    /// Why no whole answer came.
    Failure {
        /// The connection was refused or could not be made.
        Connect = "connect",
        /// The connection ended before the answer did.
        Closed = "closed",
        /// No whole answer within the time limit.
        Timeout = "timeout",
        /// What came back was not HTTP.
        Protocol = "protocol",
        /// It was never sent: a value that it needs was not issued by the target.
        Unbound = "unbound",
        /// It was never sent: the recorded request was not whole, or its body had been dropped.
        NotReplayable = "not_replayable",
        /// It was never sent: the run was stopped.
        Stopped = "stopped",
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are answered")]
pub enum Reply {
    /// A whole answer, redacted before it is written; its body is empty when responses are not kept.
    Answered {
        /// The status code.
        status: u16,
        /// The redacted answer, if answers are kept.
        response: Option<Message>,
        /// What was redacted in it.
        redactions: Vec<Redaction>,
    },
    /// No whole answer.
    Failed(Failure),
}

/// The times of one request on the way: response time is `done - due`, service time is `done - sent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeTiming {
    /// When the absolute schedule wanted it sent.
    pub due: Timestamp,
    /// When its predecessors and the values that it needs were there.
    pub ready: Option<Timestamp>,
    /// When it also had a slot and a connection.
    pub sendable: Option<Timestamp>,
    /// When its first byte left.
    pub sent: Option<Timestamp>,
    /// When the first byte of the answer came.
    pub first_byte: Option<Timestamp>,
    /// When the last one did, or the failure was known.
    pub done: Option<Timestamp>,
}

/// One exchange of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The recorded exchange.
    pub exchange: ExchangeId,
    /// The synthetic copy, from 0.
    pub copy: u32,
    /// The session as an ordinal of the plan.
    pub session: u64,
    /// The request method.
    pub method: String,
    /// The templated path, e.g. `/orders/{}`.
    pub endpoint: String,
    /// The phase of the timeline it was sent in.
    pub phase: String,
    /// The run's tags.
    pub tags: BTreeMap<String, String>,
    /// When things happened.
    pub timing: OutcomeTiming,
    /// The status in the recording, if a response was recorded.
    pub recorded_status: Option<u16>,
    /// Bytes sent, head and body.
    pub request_bytes: u64,
    /// Bytes received, head and body.
    pub response_bytes: u64,
    /// Names of the bindings that put a live value into the request, e.g. `POST /login body:/token -> header:authorization`. Never a value.
    pub bound: Vec<String>,
    /// Paths of leaves of the response that the plan takes values from; the target makes these anew.
    pub produced: Vec<String>,
    /// What came of it.
    pub reply: Reply,
}
