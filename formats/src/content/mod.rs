//! What stands inside a message.
//!
//! In: heads and bodies as they were on the wire. Out: [`Leaf`]s, each a value with its path, its place in the raw bytes and
//! the [`Surface`] that a new value must wear there; and messages [rewritten](rewrite) by span, in which every byte that no
//! edit names is what it was. Redaction, correlation and response comparison all stand on this one visitor, so that they
//! agree on what a value is and where it stands. Nothing here decides what a value means, fails on odd traffic, recurses
//! without a bound, or inflates a body beyond a limit.
//!
//! ```
//! use bytes::Bytes;
//! use reenact_formats::content::{visit_body, visit_head};
//! use reenact_formats::model::Head;
//!
//! let head = Head::request(Bytes::from_static(b"POST /users/17?full=1 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"))?;
//! let mut seen = Vec::new();
//! visit_head(&head, &mut |leaf| seen.push(leaf.path.to_owned()));
//! visit_body(&head, br#"{"tags":["a","b"]}"#, &mut |leaf| seen.push(leaf.path.to_owned()));
//! assert_eq!(seen, ["target:/0", "target:/1", "query:full", "header:content-type", "body:/tags~key", "body:/tags/0", "body:/tags/1"]);
//! # Ok::<(), reenact_formats::model::InvalidHead>(())
//! ```

mod body;
mod charset;
pub mod coding;
mod endpoint;
mod entries;
mod events;
mod form;
mod fuzz;
mod graphql;
mod head;
mod json;
mod leaf;
mod markup;
mod multipart;
mod nested;
mod path;
mod rewrite;
mod table;
mod target;
mod url;
mod visitor;

pub use body::{Content, Fault, Visited, visit_body, visit_body_with};
pub use coding::{CodingError, decoded_body, encoded_body};
pub use endpoint::{endpoint_template, is_fixed_segment};
#[doc(hidden)]
pub use fuzz::{fuzz_codings, fuzz_visitor};
pub use head::visit_head;
pub use leaf::{Leaf, LeafKind, Surface};
pub use nested::visit_nested;
pub use rewrite::{Edit, Edits, MAX_DECODED, Placed, apply, placed, rewrite, rewrite_decoded};
pub use target::{Absolute, split_absolute};
pub use visitor::{Container, Entry, Visitor};

/// To whom a visit hands out what it finds.
type Visit<'v> = &'v mut dyn Visitor;

#[cfg(test)]
mod tests;
