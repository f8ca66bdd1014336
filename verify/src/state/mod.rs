//! State: what stands in a database, and how two databases differ.
//!
//! In: a database's address, entities, a [`Redact`](reenact_formats::seam::Redact). Out: a
//! [`StateSnapshot`](reenact_formats::disk::snapshot::StateSnapshot), and of two of them the rows that differ. What never
//! happens here: a write to the database (the transaction is read-only), or a value that is kept before it was redacted.

mod attribute;
mod canonical;
mod compare;
mod database;
mod engines;
mod entities;

pub(crate) use attribute::Attribution;
pub use compare::compare;
pub use database::{Address, is_server_address, reason, select, shown as shown_address, snapshot};
pub use entities::Entities;
