//! What a recording was made of, and what that could not tell.

use std::collections::BTreeSet;

use super::exchange::words;

words! {
    /// Something that packets tell of traffic, and some files of other tools do not. Where it is unknown, what stands in a recording is made up or empty.
    Unknown {
        /// Who spoke with whom: an address that is not known is all zeros.
        Addresses = "addresses",
        /// What stood in bodies.
        Bodies = "bodies",
        /// Which exchanges shared a connection: each has one of its own.
        Connections = "connections",
        /// How bodies were coded and framed: their length is given.
        Framing = "framing",
        /// All header fields: only those that are known are there.
        Headers = "headers",
        /// Times finer than a microsecond; some sources know seconds only.
        Nanoseconds = "nanoseconds",
        /// The version of HTTP on the wire: everything is written as HTTP/1.
        Protocol = "protocol",
        /// When the parts of an exchange were seen; the start may be its end.
        Timing = "timing",
    }
}

/// What a recording was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The kind of source: `packets`, or the format of an imported file.
    pub kind: String,
    /// What it could not tell.
    pub unknown: BTreeSet<Unknown>,
}

impl Origin {
    /// An imported file of this kind.
    pub fn new(kind: &str, unknown: impl IntoIterator<Item = Unknown>) -> Self {
        Self { kind: kind.to_owned(), unknown: unknown.into_iter().collect() }
    }
}

impl Default for Origin {
    /// Packets, which tell everything.
    fn default() -> Self {
        Self::new("packets", [])
    }
}
