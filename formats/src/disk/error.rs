//! Every way in which a file of ours can fail us, or we it.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use super::publish::Digest;
use super::version::FormatVersion;
use crate::model::Timestamp;
use crate::seam::{Blame, Explain};

/// What went wrong with a file. Names the file and the place, never a value that stands in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's word for it.
        source: io::Error,
    },
    /// A file could not be written in the middle of longer work; some of it is safe.
    #[error("cannot write {}, which needs about {needed} bytes; {kept}", path.display())]
    Interrupted {
        /// The file that could not be finished.
        path: PathBuf,
        /// How many bytes it would have held, before compression.
        needed: u64,
        /// What stays readable, as a fragment: `2 parts with 311 exchanges stay readable`.
        kept: String,
        /// What stopped it.
        source: Box<Error>,
    },
    /// The output folder holds something already.
    #[error("output folder {} exists and is not empty", path.display())]
    OutputNotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The output is something else than a folder.
    #[error("output {} exists and is not a folder", path.display())]
    OutputNotFolder {
        /// What is there.
        path: PathBuf,
    },
    /// What was given is no file or folder of the wanted format.
    #[error("{} is not a {format}: {why}", path.display())]
    NotOurs {
        /// What was given.
        path: PathBuf,
        /// The wanted format, e.g. `recording`.
        format: &'static str,
        /// How it was seen.
        why: String,
    },
    /// The file was written in a major version that this release does not know.
    #[error("{} has {format} format {found}, and this release reads {readable}; it was written by reenact {written_by}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The format, e.g. `recording`.
        format: &'static str,
        /// Its version.
        found: FormatVersion,
        /// The newest version of this release.
        readable: FormatVersion,
        /// The release that wrote it.
        written_by: String,
    },
    /// Its time is over.
    #[error("{} may be read no longer: it expired at {expired}", path.display())]
    Expired {
        /// The recording.
        path: PathBuf,
        /// When.
        expired: Timestamp,
    },
    /// A part that the manifest lists is not there.
    #[error("{} is missing", path.display())]
    MissingPart {
        /// Where it should be.
        path: PathBuf,
    },
    /// A part is not the one that the manifest lists.
    #[error("{} was altered: its SHA-256 is {found}, and the manifest says {expected}", path.display())]
    Altered {
        /// The part.
        path: PathBuf,
        /// What the manifest says.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// A part does not belong to this folder.
    #[error("{} does not belong here: {why}", path.display())]
    Foreign {
        /// The part.
        path: PathBuf,
        /// How it was seen.
        why: String,
    },
    /// A file is cut off, or its content cannot be.
    #[error("{} is damaged at {place}: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, e.g. `row 17, column request_head`.
        place: String,
        /// What is wrong, without any value.
        why: String,
    },
    /// A JSON file that is not as it should be.
    #[error("{} is damaged", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected.
        source: serde_json::Error,
    },
    /// A Parquet file that cannot be read.
    #[error("{} is damaged", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The library's word for it.
        source: ParquetError,
    },
    /// Something was asked of a raw recording that only a redacted one may do.
    #[error("{} is raw: nothing was redacted in it", path.display())]
    NotRedacted {
        /// The recording.
        path: PathBuf,
    },
    /// A recording whose writer has not come to its end was to be changed.
    #[error("recording {} is not finished: it is still written, or its writer was stopped", path.display())]
    Unfinished {
        /// The recording.
        path: PathBuf,
    },
    /// A folder and another cannot change places at once.
    #[error("the file system of {} cannot put another folder in its place at once; it is as it was", path.display())]
    NoExchange {
        /// The folder.
        path: PathBuf,
        /// The system's word for it.
        source: io::Error,
    },
    /// A row that no file can hold.
    #[error("exchange {exchange} holds {bytes} bytes, and a row holds at most {limit}")]
    RowTooLarge {
        /// The exchange.
        exchange: crate::model::ExchangeId,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}

impl Error {
    /// Reading `path` has failed.
    pub fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Read { path, source }
    }

    /// Writing `path` has failed.
    pub fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Write { path, source }
    }

    /// An error of the Parquet library while `path` was read. What the system said inside of it is brought out.
    pub(crate) fn parquet_read(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        |source| match io_error(source) {
            Ok(source) => Self::Read { path, source },
            Err(source) => Self::Parquet { path, source },
        }
    }

    /// Whether the disk, or the share of it that we may use, is full; or a file is as large as one may be.
    pub fn is_full_disk(&self) -> bool {
        match self {
            Self::Write { source, .. } => matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge),
            Self::Interrupted { source, .. } => source.is_full_disk(),
            _ => false,
        }
    }
}

/// The system's error inside of one of the library's, or the library's own.
fn io_error(error: ParquetError) -> Result<io::Error, ParquetError> {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => Ok(*source),
            Err(inner) => Err(ParquetError::External(inner)),
        },
        other => Err(other),
    }
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Write { source, .. } => match source.kind() {
                // Where we were told to write we may not, or cannot: a wrong argument.
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory | io::ErrorKind::ReadOnlyFilesystem => Blame::Input,
                _ => Blame::Ours,
            },
            Self::Interrupted { .. } | Self::RowTooLarge { .. } => Blame::Ours,
            Self::Read { .. }
            | Self::OutputNotEmpty { .. }
            | Self::OutputNotFolder { .. }
            | Self::NotOurs { .. }
            | Self::Unreadable { .. }
            | Self::MissingPart { .. }
            | Self::Expired { .. }
            | Self::Altered { .. }
            | Self::Foreign { .. }
            | Self::NotRedacted { .. }
            | Self::Unfinished { .. }
            | Self::NoExchange { .. }
            | Self::Damaged { .. }
            | Self::Json { .. }
            | Self::Parquet { .. } => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        if self.is_full_disk() {
            return Some("free some space, or write to another disk, and run it again".to_owned());
        }
        let text = match self {
            Self::OutputNotEmpty { .. } | Self::OutputNotFolder { .. } => "name a folder that does not exist yet; nothing is ever overwritten".to_owned(),
            Self::NotOurs { format: "recording", .. } => "a recording is a folder that `reenact capture` or `reenact sanitize` wrote".to_owned(),
            Self::NotOurs { format: "recording of this series", .. } => {
                "with a rotation, name a folder that does not exist yet, or one that holds nothing but an earlier series under the same key".to_owned()
            }
            Self::NotOurs { format, .. } => format!("give the folder that reenact wrote the {format} to"),
            Self::Unreadable { written_by, .. } => format!("read it with reenact {written_by} or later"),
            Self::MissingPart { .. } => {
                "put the file back from a copy; if there is none, remove manifest.json, and what is left will be read and the hole be reported".to_owned()
            }
            Self::Altered { .. } => "take an unaltered copy of the file, or write it anew from its source".to_owned(),
            Self::Expired { .. } => {
                "delete it, and record anew what is still needed; `expires` in the policy, or --expires, says how long one may be read".to_owned()
            }
            Self::NotRedacted { .. } => "run `reenact sanitize` on it first".to_owned(),
            Self::Unfinished { .. } => {
                "let the capture come to its end; if it was stopped, write what is there with `reenact sanitize` to a new recording, erase in that, and \
                 delete this one"
                    .to_owned()
            }
            Self::NoExchange { .. } => {
                "copy the recording to a file system that can (ext4, XFS, Btrfs, tmpfs), run it there, and put the result in the place of this one".to_owned()
            }
            Self::Foreign { .. } => "move the file out of the folder".to_owned(),
            Self::Damaged { .. } | Self::Parquet { .. } | Self::Json { .. } => "take a whole copy of the file; `reenact check` lists what is whole".to_owned(),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => "check the path".to_owned(),
            Self::Read { .. } | Self::Write { .. } | Self::Interrupted { .. } | Self::RowTooLarge { .. } => return None,
        };
        Some(text)
    }
}
