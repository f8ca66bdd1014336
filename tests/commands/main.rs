//! Through the built binary, as a user runs it: what the commands do, end to end and on real servers, and what they refuse.

mod bad_input;
mod capture;
#[cfg(target_os = "linux")]
mod core_dumps;
mod database;
mod demo;
mod deploy;
mod end_to_end;
mod everyday;
mod in_and_out;
mod killed;
mod known_values;
mod live;
mod nodes;
#[path = "../packets/mod.rs"]
mod packets;
mod planted;
mod policies;
mod program;
mod schemas;
mod scratch;
mod servers;
mod service;
mod signals;
mod words;
