//! TCP: from segments to bytes in order.
//!
//! The segments of one direction flow in, [`Chunk`]s in stream order flow out. Nothing here knows what the bytes say.

mod reassembler;

use std::collections::VecDeque;
use std::fmt;

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

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Data(Bytes),
    /// So many bytes were seen, and are of no interest.
    Passed(u64),
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
            Self::Passed(length) | Self::Gap(length, _) => *length,
            Self::End | Self::Cut => 0,
        }
    }

    /// Bytes that were seen.
    const fn seen(&self) -> u64 {
        match self {
            Self::Data(_) | Self::Passed(_) => self.length(),
            Self::Gap(..) | Self::End | Self::Cut => 0,
        }
    }

    /// Bytes in memory, those that it takes to keep it included: a million pieces of one byte are a million pieces.
    const fn size(&self) -> u64 {
        match self {
            Self::Data(data) => PIECE + data.len() as u64,
            _ => PIECE,
        }
    }

    /// Copies it out of the block of which it is a slice.
    pub(crate) fn settle(&mut self) {
        if let Self::Data(data) = self {
            *data = Bytes::copy_from_slice(data);
        }
    }
}

impl fmt::Debug for Content {
    /// Lengths only: a payload never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write!(f, "Data({})", data.len()),
            Self::Passed(length) => write!(f, "Passed({length})"),
            Self::Gap(length, cause) => write!(f, "Gap({length}, {})", cause.word()),
            Self::End => f.write_str("End"),
            Self::Cut => f.write_str("Cut"),
        }
    }
}

/// Chunks in order that cannot be handed on yet.
#[derive(Default)]
pub(crate) struct Queue {
    chunks: VecDeque<Chunk>,
    size: u64,
    /// How many of the first are known not to be slices of a block.
    settled: usize,
}

impl Queue {
    pub(crate) fn push(&mut self, chunk: Chunk) {
        self.size += chunk.content.size();
        self.chunks.push_back(chunk);
    }

    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        self.size -= chunk.content.size();
        self.settled = self.settled.saturating_sub(1);
        Some(chunk)
    }

    pub(crate) fn first(&self) -> Option<&Chunk> {
        self.chunks.front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Bytes in memory.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn settle(&mut self) {
        for chunk in self.chunks.range_mut(self.settled..) {
            chunk.content.settle();
        }
        self.settled = self.chunks.len();
    }

    /// Gives back memory that an empty queue does not need.
    pub(crate) fn rest(&mut self) {
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
    }
}

/// What it takes to keep a piece, besides its bytes: an entry of a map and an allocation, and once it is given out an entry of a
/// queue that grows by doubling, beside that of the hole before it.
const PIECE: u64 = 5 * size_of::<Chunk>() as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_payload() {
        let content = Content::Data(Bytes::from_static(b"secret"));
        let chunk = Chunk { content, at: Timestamp::default(), acknowledged: None, conflicting: false };
        assert!(!format!("{chunk:?}").contains("secret"));
    }
}
