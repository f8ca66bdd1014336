//! What people write: policies, rule packs, objectives, entities.
//!
//! YAML flows in, serde types that mirror the files flow out, each with a JSON Schema of its own. An unknown key is an error
//! that names its line and the nearest known key. The checked domain types live with their users; nothing here interprets.

pub mod database;
pub mod entities;
pub mod objectives;
pub mod policy;
pub mod rules;
mod yaml;

pub use yaml::{Error, Word, load, nearest, parse};
