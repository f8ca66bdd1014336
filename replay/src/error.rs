//! Every way in which a replay can be refused or fail.

use std::io;

use reenact_formats::disk;
use reenact_formats::seam::{Blame, Explain};

/// Why a replay was refused, or could not go on. What goes wrong with single requests is no error: it stands in their outcomes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recording holds what people typed, as they typed it.
    #[error("the recording is raw: it was written without redaction")]
    RawRecording,
    /// The recording could not be read.
    #[error("cannot read the recording")]
    Recording(#[source] disk::Error),
    /// There is nothing to send.
    #[error("the recording holds no request that could be sent{}", if *outbound > 0 { format!(" to the recorded service, and {outbound} that it sent to others") } else { String::new() })]
    NothingToSend {
        /// How many exchanges were left out because the recorded service was their client.
        outbound: u64,
    },
    /// The speed is no positive number.
    #[error("the speed {speed} is not a positive number")]
    Speed {
        /// What was given.
        speed: f64,
    },
    /// A text that is no way to tell sessions apart.
    #[error("{text:?} is not a kind of session; known are connection, cookie:NAME and header:NAME")]
    Session {
        /// What was given.
        text: String,
    },
    /// A text that is no time of a hook.
    #[error("{text:?} is not a time of a hook; write a share of the run as 50%, or a time into it as 10s")]
    HookTime {
        /// What was given.
        text: String,
    },
    /// A target URL that cannot be used.
    #[error("the target {url:?} cannot be used: {why}")]
    Target {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A `--map` that is not `HOST=URL`.
    #[error("{text:?} is not a mapping; write HOST=URL")]
    Map {
        /// What was given.
        text: String,
    },
    /// Hosts of the recording that no mapping names, and no target for every other host.
    #[error("no target for {}", hosts.join(", "))]
    Unmapped {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// The target does not answer.
    #[error("the target {url} cannot be reached")]
    Unreachable {
        /// The target.
        url: String,
        /// The system's word for it.
        source: io::Error,
    },
    /// The target is neither marked as a sandbox nor allowed without a mark.
    #[error("the target {url} is not marked as a sandbox: it answered {answer} to GET {}", crate::safety::MARK)]
    Unmarked {
        /// The target.
        url: String,
        /// Its status, or what came instead.
        answer: String,
        /// Whether it is on this machine.
        loopback: bool,
    },
    /// The target is not on this machine, and nothing allows it.
    #[error("the target {url} is not on this machine ({address}), and it is not on the list of allowed targets")]
    NotAllowed {
        /// The target.
        url: String,
        /// What its name stands for.
        address: String,
    },
    /// The plan writes to an unmarked target.
    #[error("{writes} requests of the recording write, and the target {url} is not marked as a sandbox")]
    Writes {
        /// The target.
        url: String,
        /// How many requests are neither GET, HEAD nor OPTIONS.
        writes: u64,
    },
    /// The run could not be written.
    #[error("cannot write the run")]
    Run(#[source] disk::Error),
    /// The system refused a timer, a thread or a runtime.
    #[error("cannot start the replay")]
    Start(#[source] io::Error),
    /// A thread of ours ended before its work did.
    #[error("the {thread} thread ended before its work did")]
    Broken {
        /// Which one.
        thread: &'static str,
    },
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::RawRecording | Self::Unmarked { .. } | Self::NotAllowed { .. } | Self::Writes { .. } => Blame::Safety,
            Self::Recording(error) | Self::Run(error) => error.blame(),
            Self::Start(_) | Self::Broken { .. } => Blame::Ours,
            Self::NothingToSend { .. }
            | Self::Speed { .. }
            | Self::Session { .. }
            | Self::HookTime { .. }
            | Self::Target { .. }
            | Self::Map { .. }
            | Self::Unmapped { .. }
            | Self::Unreachable { .. } => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::RawRecording => "redact it first: reenact sanitize REC -o CLEAN",
            Self::Recording(error) | Self::Run(error) => return error.hint(),
            Self::NothingToSend { outbound: 1.. } => "say which service is recorded: reenact capture --service HOST:PORT",
            Self::NothingToSend { .. } => "look at what is in it: reenact inspect REC",
            Self::Unmapped { .. } => "give --map HOST=URL for each, or --target URL for every host that no mapping names",
            Self::Unreachable { .. } => "start it, and check host and port",
            Self::Unmarked { loopback: true, .. } => {
                "a sandbox answers that path with 200; for one on this machine that cannot, say --allow-unmarked, and --allow-writes if it may be written to"
            }
            Self::Unmarked { .. } => "a sandbox answers that path with 200; only then, and with --allow URL, may it stand on another machine",
            Self::NotAllowed { .. } => "if it is a sandbox, say --allow URL; it must also be marked as one",
            Self::Writes { .. } => "mark the target, or say --allow-writes if all that is in it may be lost",
            Self::Speed { .. }
            | Self::Session { .. }
            | Self::HookTime { .. }
            | Self::Target { .. }
            | Self::Map { .. }
            | Self::Start(_)
            | Self::Broken { .. } => return None,
        };
        Some(text.to_owned())
    }
}
