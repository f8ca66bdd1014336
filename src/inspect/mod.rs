//! What is in a recording, for a person or for a script.
//!
//! In: a recording. Out: a [`Summary`] of all of it, or a view of one exchange, as text or as JSON. What never happens here: a control
//! byte of the recorded traffic reaches a terminal, or a row is read of a part that its manifest does not vouch for: a summary comes from footers,
//! whose counts the manifest vouches for.

mod exchange;
mod figures;
mod redactions;
mod summary;
mod text;

pub use exchange::{exchange_json, exchange_text};
pub(crate) use figures::counted;
pub use figures::{bytes, count, duration, printable, share};
pub use redactions::{audit, audit_json, audit_text};
pub use summary::{Endpoint, Summary, summarize, survey_json};
