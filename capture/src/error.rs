//! What can go wrong on our own side: a device, a file, a disk. Bad traffic is data, never an error.

use std::io;
use std::path::PathBuf;

use reenact_formats::seam::{Blame, BoxError, Explain};

/// Why a capture did not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A folder where a file is needed.
    #[error("{} is a directory, not a packet capture", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing in it.
    #[error("{name} is empty: not even the header of a packet capture is there")]
    Empty {
        /// The file, or `standard input`.
        name: String,
    },
    /// Its first bytes are of something else.
    #[error("{name} is not a packet capture: at byte 0 stands {found}")]
    NotACapture {
        /// The file, or `standard input`.
        name: String,
        /// What the first bytes look like.
        found: String,
    },
    /// The device under the file failed.
    #[error("cannot read {name} at byte {at}")]
    Read {
        /// The file, or `standard input`.
        name: String,
        /// How far it was read.
        at: u64,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The filter words are not understood.
    #[error("cannot use the filter `{words}`: {reason}")]
    Filter {
        /// The words.
        words: String,
        /// What libpcap says.
        reason: String,
    },
    /// What is to be recorded is not named in a way that can be found.
    #[error("cannot find the service {text:?}: {reason}")]
    Service {
        /// What was given.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A rule of what may be kept is not understood.
    #[error("cannot use the rule `{text}`: {reason}")]
    Rule {
        /// The rule.
        text: String,
        /// Why.
        reason: &'static str,
    },
    /// It is not understood what makes a session.
    #[error("{text:?} makes no session; connection, client, cookie:NAME and header:NAME do")]
    Session {
        /// What was asked for.
        text: String,
    },
    /// No interface has this name.
    #[error("no interface {name:?}; there are {}", known.join(", "))]
    NoInterface {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The interface exists, and may not be listened to.
    #[error("no permission to capture on {name}")]
    NotPermitted {
        /// The interface.
        name: String,
    },
    /// The interface failed.
    #[error("cannot capture on {name}: {reason}")]
    Live {
        /// The interface.
        name: String,
        /// What libpcap says.
        reason: String,
    },
    /// There is nothing in a file that is to be imported.
    #[error("{name} is empty")]
    NothingToImport {
        /// The file, or `standard input`.
        name: String,
    },
    /// A file that is to be imported is of no known format.
    #[error("{name} is of no format that can be imported: it looks like {found}")]
    NotTraffic {
        /// The file, or `standard input`.
        name: String,
        /// What its first bytes look like.
        found: &'static str,
    },
    /// A file that is to be imported is not of the format that was told, or seen.
    #[error("{name} cannot be imported as {format}: {found}")]
    NotAnImport {
        /// The file, or `standard input`.
        name: String,
        /// The format.
        format: &'static str,
        /// Why not.
        found: String,
    },
    /// What takes the exchanges failed.
    #[error("the exchanges could not be kept")]
    Sink(#[source] BoxError),
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Sink(_) | Self::Read { .. } | Self::Live { .. } => Blame::Ours,
            _ => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Directory { .. } => "name a file inside of it",
            Self::Empty { .. } => "was the program that writes it stopped before its first packet?",
            Self::NotACapture { found, .. } if found.contains("compressed") => "unpack it first; a pipe will do: zcat FILE | reenact capture -r - -o REC",
            Self::NotACapture { .. } => "pcap and pcapng are read, as tcpdump and Wireshark write them",
            Self::Filter { .. } => "the words are those of tcpdump, e.g. `tcp port 8080`; see `man pcap-filter`",
            Self::Service { .. } => "write it as HOST:PORT, HOST or :PORT, as in 10.0.0.5:8080",
            Self::Rule { .. } => "rules are host=api.*, path=/health*, method=OPTIONS, header:x-tenant=acme*; * stands for anything, ? for one character",
            Self::NotPermitted { .. } => "run as root, or grant the binary the capability: setcap cap_net_raw=ep $(command -v reenact)",
            Self::NothingToImport { .. } => "was the program that writes it stopped before its first entry?",
            Self::NotTraffic { found, .. } if *found == crate::import::PACKETS => "packets are read with `reenact capture -r FILE`",
            Self::NotTraffic { .. } => "--from says what it is; `reenact import --help` lists what can be imported",
            Self::NotAnImport { .. } => "--from says what it is; without it the first bytes tell",
            Self::NoInterface { .. } => "`reenact capture -D` lists them; `any` is all of them",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
