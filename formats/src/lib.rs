//! What the tools of reenact share.
//!
//! - [`model`]: the vocabulary: an [`Exchange`](model::Exchange) is what was asked and what answered it.
//! - [`wire`]: codecs without I/O, used by capture and by the replay driver.
//! - [`content`]: what stands inside a message: codings, leaves with paths, rewriting by span.
//! - [`disk`]: the versioned files: recordings, runs, snapshots.
//! - [`config`]: what people write: policies, objectives, entities.
//! - [`selection`]: which exchanges are meant, in the words of SQL.
//! - [`seam`]: the traits by which the root hands one tool's work to another.
//!
//! This crate is synchronous, knows no async runtime, prints nothing, and depends on no other crate of the workspace.

#![forbid(unsafe_code)]

pub mod config;
pub mod content;
pub mod disk;
pub mod model;
pub mod seam;
pub mod selection;
pub mod wire;
