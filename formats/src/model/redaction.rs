//! What was taken out, and where. Never a value.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::Side;
use super::exchange::words;

words! {
    /// The part of a message in which a redaction stands; its span counts in that part's redacted bytes.
    Part {
        /// The raw head, start line included.
        Head = "head",
        /// The body after its content coding is undone.
        Body = "body",
        /// The raw trailer section.
        Trailers = "trailers",
        /// A metadata column (an address); the span is empty.
        Metadata = "metadata",
    }
}

words! {
    /// What was done with a value.
    Action {
        /// A keyed pseudonym of the same form stands in its place.
        Pseudonym = "pseudonym",
        /// A constant stands in its place.
        Mask = "mask",
        /// It was removed.
        Drop = "drop",
        /// A keyed hash stands in its place.
        Hash = "hash",
        /// The same with less in it stands in its place.
        Generalise = "generalise",
        /// The policy keeps it on purpose; recorded so that the residue check knows.
        Keep = "keep",
    }
}

impl Action {
    /// Whether what stands there now was made by the key.
    pub const fn is_keyed(self) -> bool {
        matches!(self, Self::Pseudonym | Self::Hash)
    }
}

/// One value that was redacted (or deliberately kept).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// The message it stands in.
    pub side: Side,
    /// The part of that message.
    pub part: Part,
    /// Where the new value stands, in bytes of that part after redaction.
    pub span: Range<u64>,
    /// The rule that found it, e.g. `email`.
    pub rule: String,
    /// The domain whose key made the pseudonym, e.g. `email`, `opaque`.
    pub domain: String,
    /// What was done.
    pub action: Action,
    /// The path of the leaf with ids templated, e.g. `body:/customer/email`, `header:authorization`. No value.
    pub path: String,
}

/// Names a key without telling anything of it: sixteen hexadecimal digits, derived one way from the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// From the first eight bytes of a one-way derivation of the key.
    pub fn from_digest(digest: [u8; 8]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is not a key id of sixteen hexadecimal digits"))
        }
    }
}
