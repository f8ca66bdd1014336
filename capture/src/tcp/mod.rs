//! TCP: from segments to bytes in order.
//!
//! The segments of one direction flow in, [`Chunk`]s in stream order flow out. Nothing here knows what the bytes say.

mod reassembler;

use bytes::Bytes;
use reenact_formats::model::{LossCause, Timestamp};

pub(crate) use reassembler::{Piece, Reassembler, Tally};

/// The next thing in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) content: Content,
    pub(crate) at: Timestamp,
    /// What the sender had acknowledged of the other direction when it sent this; raw.
    pub(crate) acknowledged: Option<u32>,
    /// Another copy of some of these bytes said something else.
    pub(crate) conflicting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Data(Bytes),
    /// So many bytes will never come.
    Gap(u64, LossCause),
    /// The sender has closed.
    End,
    /// Nothing more was seen.
    Cut,
}

impl Content {
    /// How far it moves the stream on.
    pub(crate) const fn length(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Gap(missing, _) => *missing,
            Self::End | Self::Cut => 0,
        }
    }
}
