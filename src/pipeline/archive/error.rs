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
            Self::Outside { .. } => "times are in UTC; `reenact inspect` shows which a recording has".to_owned(),
        })
    }
}
