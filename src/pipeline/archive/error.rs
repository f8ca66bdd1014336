//! Why a recording cannot be made of others.

use std::path::PathBuf;

use reenact_formats::model::Timestamp;
use reenact_formats::seam::{Blame, Explain};

/// What was given does not go together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What is written would stand in the middle of what is read.
    #[error("output {} lies within recording {}", output.display(), input.display())]
    OutputWithin {
        /// Where the output should go.
        output: PathBuf,
        /// What is read.
        input: PathBuf,
    },
    /// Recordings that were written under different keys or policies.
    #[error("recordings {} and {} were written under different {what}: {of_one} and {of_other}", one.display(), other.display())]
    Differ {
        /// `keys` or `policies`.
        what: &'static str,
        /// The first recording.
        one: PathBuf,
        /// What it was written under.
        of_one: String,
        /// The other.
        other: PathBuf,
        /// What that was written under.
        of_other: String,
    },
    /// A raw recording and a redacted one.
    #[error("recording {} is raw, and {} is redacted: together they would be neither", raw.display(), redacted.display())]
    RawAndRedacted {
        /// The raw one.
        raw: PathBuf,
        /// The other.
        redacted: PathBuf,
    },
    /// A machine that is called as a person is.
    #[error("the name that was given to recording {} holds what rule {rule} redacts", recording.display())]
    TellingName {
        /// The recording.
        recording: PathBuf,
        /// The rule.
        rule: String,
    },
    /// Two machines with one name.
    #[error("both {} and {} are called {name:?}", one.display(), other.display())]
    SameName {
        /// The name.
        name: String,
        /// The one recording.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// One recording, given twice.
    #[error("{} and {} are the same recording", one.display(), other.display())]
    Twice {
        /// How it was named first.
        one: PathBuf,
        /// How it was named again.
        other: PathBuf,
    },
    /// An offset of a machine that has no recording here.
    #[error("no recording is called {name:?}; there are {}", names.join(", "))]
    NoSuchNode {
        /// The name.
        name: String,
        /// Those that are known.
        names: Vec<String>,
    },
    /// What was to be erased from a recording may be in it still.
    #[error("an erasure of recording {} was stopped, and {} is left of it", recording.display(), left.display())]
    HalfErased {
        /// The recording.
        recording: PathBuf,
        /// What stands beside it.
        left: PathBuf,
    },
    /// Numbers of connections that no number can tell apart any more.
    #[error("the connections of recording {} have numbers that are too large to be told apart from others", recording.display())]
    TooManyConnections {
        /// The recording.
        recording: PathBuf,
    },
    /// A window in which a recording has nothing.
    #[error("recording {} has nothing in that time: its first exchange starts at {first}, its last at {last}", recording.display())]
    Outside {
        /// The recording.
        recording: PathBuf,
        /// Its first start.
        first: Timestamp,
        /// Its last start.
        last: Timestamp,
    },
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        Blame::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OutputWithin { .. } => "name a folder beside it".to_owned(),
            Self::Differ { .. } => {
                "write one of them anew under the key and the policy of the other: reenact sanitize REC -o CLEAN --key-file FILE --policy FILE".to_owned()
            }
            Self::RawAndRedacted { .. } => "redact it first: reenact sanitize REC -o CLEAN".to_owned(),
            Self::TellingName { .. } => "the name stands in each row: give it one that tells of no one, as in web1=RECORDING".to_owned(),
            Self::SameName { .. } => "give each a name of its own: NAME=RECORDING".to_owned(),
            Self::Twice { .. } => "name each recording once".to_owned(),
            Self::NoSuchNode { .. } => "NAME=RECORDING says what a machine is called; without it they are node1, node2 and so on".to_owned(),
            Self::HalfErased { .. } => "run that `reenact erase` again".to_owned(),
            Self::TooManyConnections { .. } => "merge the recordings of all machines at once, not one after the other".to_owned(),
            Self::Outside { .. } => "times are in UTC; `reenact inspect` shows which a recording has".to_owned(),
        })
    }
}
