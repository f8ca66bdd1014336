//! The traits between the tools.
//!
//! The crates `capture`, `sanitize`, `replay` and `verify` never import one another. Where one needs another's work, the
//! trait stands here and the root hands in the implementation: capture pushes into an [`ExchangeSink`] that the root fills
//! with redactor and writer; replay and verify are given a [`Redact`].

use crate::model::{Exchange, KeyId, LossLedger, Message, Redaction, Timestamp};

/// An error of whatever stands behind a seam.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Takes the exchanges that a capture or an importer finds, in the order in which they were completed.
pub trait ExchangeSink {
    /// Takes one exchange. It may be incomplete: its anomalies and the completeness of its bodies say so.
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError>;

    /// Takes several at once, in order. What can work on more than one at a time does it here.
    fn exchanges(&mut self, exchanges: Vec<Exchange>) -> Result<(), BoxError> {
        exchanges.into_iter().try_for_each(|exchange| self.exchange(exchange))
    }

    /// Packet time has reached `now`; `ledger` is the account so far (cumulative). A live writer publishes by it.
    fn tick(&mut self, _now: Timestamp, _ledger: &LossLedger) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Takes people and secrets out of what a sandbox answers, under the policy and the key of the recording.
///
/// An implementation never fails open: what it cannot parse it drops, and says so in the message's completeness.
pub trait Redact: Send {
    /// Redacts a recorded exchange in place and appends what was done to `exchange.redactions`.
    fn exchange(&mut self, exchange: &mut Exchange);

    /// Redacts a live answer in place. `request` is what was sent for it, already redacted. Values that the recording's own
    /// redactions name are pseudonyms already and stay as they are.
    fn response(&mut self, request: Option<&Message>, response: &mut Message) -> Vec<Redaction>;

    /// Redacts one database value. `location` is `entity.column`.
    fn value(&mut self, location: &str, value: &str) -> String;

    /// The key in use. Runs and snapshots that were written under different keys cannot be compared.
    fn key_id(&self) -> KeyId;

    /// SHA-256 over the canonical policy, hexadecimal.
    fn policy_digest(&self) -> String;
}

/// Who has to act on an error. The command line derives its exit code from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// What was given is wrong: arguments, files, policy, an unreachable target or database. Exit code 2.
    Input,
    /// Stopped by a safety rule or by a signal. Exit code 3.
    Safety,
    /// Our own side: disk, memory, a defect. Exit code 5.
    Ours,
}

/// What every crate's error type says of itself, beyond its text.
pub trait Explain: std::error::Error {
    /// Who has to act.
    fn blame(&self) -> Blame;

    /// What to do about it, as one fragment; printed after `hint:`.
    fn hint(&self) -> Option<String> {
        None
    }
}
