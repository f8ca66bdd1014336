//! The vocabulary.
//!
//! Domain types that all tools speak. They are not `Serialize`: each file format under `disk` has wire types of its own,
//! with a version, so that a file's layout never changes by accident. Nothing here reads, writes or allocates behind the
//! caller's back; no `Debug` prints a payload byte.

#[cfg(test)]
pub(crate) mod arbitrary;
mod exchange;
mod head;
mod ledger;
mod message;
mod origin;
mod outcome;
mod redaction;
mod time;

pub(crate) use exchange::words;
pub(crate) use head::{Oddities, token_length};

pub use exchange::{Anomaly, ConnectionId, Exchange, ExchangeId, Initiator, InvalidExchangeId, Protocol, Role, Shape, Side, Timing};
pub use head::{Head, Header, InvalidHead, StartLine, is_token};
pub use ledger::{FilterCause, FilteredTraffic, ForeignTraffic, LossCause, LossLedger, LossUnit, Notice, PacketAccount, Unreadable};
pub use message::{Body, BodyFraming, Completeness, DropReason, Message};
pub use origin::{Origin, Unknown};
pub use outcome::{Failure, Outcome, OutcomeTiming, Reply};
pub use redaction::{Action, KeyId, Part, Redaction};
pub use time::{InvalidTimestamp, Timestamp};
