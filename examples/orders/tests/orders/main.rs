//! The service through its own library: as a client sees it, and through its migration on each database.
//!
//! The modules are marked as tests, because clippy lets only tests unwrap.

#[cfg(test)]
mod migration;
#[cfg(test)]
mod program;
#[cfg(test)]
mod service;
#[cfg(test)]
mod support;
