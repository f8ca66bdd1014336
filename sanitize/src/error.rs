//! What can go wrong in this crate: keys and policies. Traffic never can.

use std::path::PathBuf;

use reenact_formats::seam::{Blame, Explain};

/// A key or a policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system gave no randomness.
    #[error("no randomness for a new key")]
    Randomness,
    /// The key file cannot be read.
    #[error("cannot read key file {}", crate::key::shown(path))]
    ReadKey {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file cannot be written.
    #[error("cannot write key file {}", crate::key::shown(path))]
    WriteKey {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is a key file already.
    #[error("key file {} exists", crate::key::shown(path))]
    KeyExists {
        /// Which.
        path: PathBuf,
    },
    /// The key would go wherever what was made under it goes.
    #[error("key file {} lies in {format} {}", crate::key::shown(path), folder.display())]
    KeyInside {
        /// Which.
        path: PathBuf,
        /// `recording`, `run` or `snapshot`.
        format: &'static str,
        /// The folder of that.
        folder: PathBuf,
    },
    /// The file holds no key.
    #[error("key file {} holds no key of 32 bytes in base64", crate::key::shown(path))]
    KeyFile {
        /// Which.
        path: PathBuf,
    },
    /// The text is no key.
    #[error("the key is not 32 bytes in base64")]
    KeyText,
    /// The file of known values cannot be read.
    #[error("cannot read known values {}", path.display())]
    ReadKnownValues {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a file of known values is not as it must be.
    #[error("known values {}, line {line}: {what}", path.display())]
    KnownValues {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is nothing to know.
    #[error("known values {from}: no value of four letters and digits or more")]
    NoKnownValues {
        /// A file, or a database without its password.
        from: String,
    },
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] reenact_formats::config::Error),
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Randomness | Self::WriteKey { .. } => Blame::Ours,
            Self::ReadKey { .. } | Self::KeyExists { .. } | Self::KeyInside { .. } | Self::KeyFile { .. } | Self::KeyText | Self::Policy(_) => Blame::Input,
            Self::ReadKnownValues { .. } | Self::KnownValues { .. } | Self::NoKnownValues { .. } => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ReadKey { .. } | Self::KeyFile { .. } | Self::KeyText => Some("make one with `reenact key new FILE`".to_owned()),
            Self::KeyExists { .. } => Some("a key is never overwritten: what it made would join with nothing any more; choose another file".to_owned()),
            Self::KeyInside { format, .. } => {
                Some(format!("whoever gets the {format} would get the key with it, and could test who is in it; keep the key somewhere else"))
            }
            Self::Policy(error) => error.hint(),
            Self::KnownValues { .. } | Self::NoKnownValues { .. } => {
                Some("a value a line, or a .csv or .tsv with the names of its columns in the first row; UTF-8".to_owned())
            }
            Self::ReadKnownValues { .. } => None,
            Self::Randomness | Self::WriteKey { .. } => None,
        }
    }
}
