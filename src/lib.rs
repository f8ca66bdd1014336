//! Records production traffic, takes the people and the secrets out of it, plays it again, and proves what it did.
//!
//! This is the library behind the `reenact` binary: it joins the tools, which never import one another. The way of one
//! exchange: `capture` finds it in packets, `sanitize` redacts it, `formats::disk` writes it into a recording, `replay` sends
//! it to a sandbox and writes what came of it into a run, `verify` judges runs and database states.

#![forbid(unsafe_code)]

pub mod check;
pub mod database;
pub mod demo;
pub mod explain;
pub mod export;
pub mod inspect;
pub mod pipeline;
pub mod planted;
pub mod propose;
