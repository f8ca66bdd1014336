//! What stands on disk: versioned formats of our own, and how they get there.
//!
//! In: the vocabulary of [`model`](crate::model). Out: folders of Parquet files and JSON documents that open as they are in other tools, and
//! the vocabulary again. Each format has wire types of its own, so that a file's layout never changes by accident. What
//! never happens here: a reader sees half a file ([`publish`]), a file of an unknown major version is read as if it were
//! known ([`version`]), or an error quotes what was recorded.

mod error;
mod holder;
pub mod publish;
pub mod recording;
pub mod run;
pub mod snapshot;
pub mod table;
pub mod verdict;
pub mod version;

pub use error::Error;
pub use holder::{Holder, holder};
