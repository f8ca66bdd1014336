//! Judges a run.
//!
//! What flows in: a [`Run`](reenact_formats::disk::run::Run) and its baseline, two
//! [`StateSnapshot`](reenact_formats::disk::snapshot::StateSnapshot)s, the recording, [`Objectives`]. What flows out: one
//! [`Verdict`](reenact_formats::disk::verdict::Verdict), and [reports](report) of it. Four independent judgements make it:
//!
//! 1. figures against objectives and against the baseline,
//! 2. failures: what the baseline answered and the run did not,
//! 3. answers, compared value by value, what the target makes anew aside,
//! 4. [state]: rows under keys that clients know, down to row and column.
//!
//! Any breach makes it fail; it is inconclusive only if nothing was breached and not enough was seen. What never happens here:
//! a request is sent, a database is written to, a value is kept that was not redacted.

#![forbid(unsafe_code)]

mod charts;
mod error;
mod figures;
mod judge;
mod objectives;
pub mod report;
mod responses;
mod state;
#[cfg(test)]
mod test_data;
mod words;

pub use error::Error;
pub use judge::{Inputs, verify};
pub use objectives::Objectives;
pub use state::{Address, Entities, compare, is_server_address, reason, select, shown_address, snapshot};
