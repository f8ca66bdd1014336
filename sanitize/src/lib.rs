//! Finds people and secrets in exchanges and puts keyed pseudonyms in their place.
//!
//! The way of one exchange: the leaf visitor of `reenact-formats` hands out every value with a path; [`detect`](crate) looks at
//! each; the [`Redactor`] makes a [pseudonym](Pseudonyms) of what was found and rewrites the bytes in place, by span. What
//! cannot be looked into is dropped. Afterwards a [`ResidueCheck`] looks at everything anew.
//!
//! No payload byte, no personal value and no secret is in an error, a log line, a `Debug` or the audit. Pseudonymous data is
//! still personal data where the law says so; nothing here makes data anonymous.
//!
//! ```
//! use reenact_formats::seam::Redact;
//! use reenact_sanitize::{Key, Policy, Redactor};
//!
//! let mut redactor = Redactor::new(&Policy::default(), &Key::generate()?);
//! let redacted = redactor.value("customers.email", "alice@shop.example");
//! assert!(redacted.contains("@example.") && redacted != "alice@shop.example");
//! assert_eq!(redacted, redactor.value("orders.contact", "alice@shop.example"));
//! # Ok::<(), reenact_sanitize::Error>(())
//! ```

#![forbid(unsafe_code)]

mod collisions;
mod detect;
mod digest;
mod error;
mod explain;
mod fuzz;
mod generalise;
mod key;
mod known;
mod known_values;
mod locations;
mod memo;
mod owner;
mod plan;
mod policy;
mod pseudonym;
mod recall;
mod recurrence;
mod redactor;
mod residue;
mod rewritten;
mod rules;
mod signatures;
mod subject;

pub use collisions::Collisions;
pub use error::Error;
pub use explain::{Evidence, Explained};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use key::Key;
pub use known::KnownPseudonyms;
pub use known_values::{KnownValues, KnownValuesBuilder};
pub use owner::login_rank;
pub use policy::Policy;
pub use pseudonym::{Domain, Pseudonyms};
pub use redactor::{Cell, CellKind, Redactor};
pub use residue::{Finding, Originals, ResidueCheck};
pub use subject::Subject;
