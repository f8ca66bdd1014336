//! Wire codecs without I/O.
//!
//! Bytes and the times at which they were seen flow in, messages flow out. Nothing here opens a socket, reads a clock, knows
//! of TCP, or fails on bad traffic: what cannot be read is counted and marked.

pub mod http1;
