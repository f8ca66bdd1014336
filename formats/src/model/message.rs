//! One message: a head and a body.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::Head;
use super::exchange::words;

/// A request or a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The raw head with spans into it.
    pub head: Head,
    /// The body, freed of its transfer coding; content codings stand as they were on the wire.
    pub body: Body,
    /// The trailer section, if one followed a chunked body: raw bytes with spans, no start line.
    pub trailers: Option<Head>,
}

impl Message {
    /// Copies its bytes out of the larger blocks of which they may be slices.
    pub fn settle(&mut self) {
        self.head.settle();
        self.trailers.iter_mut().for_each(Head::settle);
        self.body.slices.iter_mut().for_each(|slice| *slice = Bytes::copy_from_slice(slice));
    }
}

/// How the body's end was marked on the wire (RFC 9112, section 6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFraming {
    /// There was none, by the status or the method, or because nothing announced one.
    Empty,
    /// By `Content-Length`.
    Length,
    /// By the chunked coding; the payload lengths of the chunks in order, the closing empty one left out.
    Chunked(Vec<u64>),
    /// By the end of the connection.
    Close,
}

words! {
    /// Why a body was not kept.
    DropReason {
        /// It was longer than the limit on bodies held in memory.
        OverLimit = "over_limit",
        /// Its content coding could not be undone.
        Undecodable = "undecodable",
        /// Its bytes were not all seen, so that it could not be decoded and scanned as a whole.
        Incomplete = "incomplete",
        /// Its kind is opaque (media, archive, unknown), which the policy drops.
        Opaque = "opaque",
        /// A rule of the policy says so.
        Policy = "policy",
        /// What was imported did not hold it.
        NotRecorded = "not_recorded",
    }
}

/// How much of a body is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All of it.
    Whole,
    /// It was cut after this many bytes: the connection, the capture or a snap length ended.
    TruncatedAt(u64),
    /// This many bytes are missing from its middle; what is here is what stood around the hole.
    Gap(u64),
    /// It was seen, whole or not, and deliberately not kept.
    Dropped {
        /// Why.
        reason: DropReason,
        /// Whether all of it had been seen.
        seen_whole: bool,
    },
}

impl Completeness {
    /// Whether every byte was seen on the wire, kept or not.
    pub const fn was_seen_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Dropped { seen_whole: true, .. })
    }
}

/// A body: what stood between the head and the trailers, without its transfer coding.
#[derive(Clone)]
pub struct Body {
    /// Its bytes in order; where one slice ends and the next begins says nothing.
    pub slices: Vec<Bytes>,
    /// How long it was on the wire, in bytes, transfer coding aside; kept also when the bytes were dropped.
    pub wire_length: u64,
    /// How much of it is here.
    pub completeness: Completeness,
    /// How its end was marked.
    pub framing: BodyFraming,
}

impl Body {
    /// No body at all.
    pub const fn empty() -> Self {
        Self { slices: Vec::new(), wire_length: 0, completeness: Completeness::Whole, framing: BodyFraming::Empty }
    }

    /// How many bytes are here.
    pub fn kept_length(&self) -> u64 {
        self.slices.iter().map(|slice| slice.len() as u64).sum()
    }

    /// Its bytes as one piece; borrowed if it came in one.
    pub fn contiguous(&self) -> Cow<'_, [u8]> {
        match self.slices.as_slice() {
            [] => Cow::Borrowed(&[]),
            [one] => Cow::Borrowed(one),
            many => Cow::Owned(many.concat()),
        }
    }

    /// Puts other bytes in place of these. Chunk boundaries are laid out anew when the length has changed: all payload stands
    /// in the first chunks as far as they reach, and the last one takes the rest.
    pub fn replace(&mut self, bytes: Bytes) {
        let length = bytes.len() as u64;
        if let BodyFraming::Chunked(chunks) = &mut self.framing
            && chunks.iter().sum::<u64>() != length
        {
            *chunks = relaid(chunks, length);
        }
        self.slices = if bytes.is_empty() { Vec::new() } else { vec![bytes] };
    }
}

fn relaid(chunks: &[u64], mut length: u64) -> Vec<u64> {
    let mut laid = Vec::with_capacity(chunks.len());
    for (position, chunk) in chunks.iter().enumerate() {
        let last = position + 1 == chunks.len();
        let taken = if last { length } else { length.min(*chunk) };
        if taken > 0 {
            laid.push(taken);
        }
        length -= taken;
    }
    if length > 0 {
        laid.push(length);
    }
    laid
}

impl PartialEq for Body {
    /// By what it holds, however it is sliced.
    fn eq(&self, other: &Self) -> bool {
        let told = |body: &Self| (body.wire_length, body.completeness, body.kept_length());
        told(self) == told(other) && self.framing == other.framing && self.slices.iter().flatten().eq(other.slices.iter().flatten())
    }
}

impl fmt::Debug for Body {
    /// Lengths only: a payload never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("kept", &self.kept_length())
            .field("wire_length", &self.wire_length)
            .field("completeness", &self.completeness)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_lays_chunks_out_anew() {
        let mut body =
            Body { slices: vec![Bytes::from_static(b"abcdef")], wire_length: 6, completeness: Completeness::Whole, framing: BodyFraming::Chunked(vec![2, 4]) };
        for (bytes, expected) in [("abc", vec![2, 1]), ("a", vec![1]), ("abcdefgh", vec![8]), ("", vec![])] {
            body.replace(Bytes::copy_from_slice(bytes.as_bytes()));
            assert_eq!(body.framing, BodyFraming::Chunked(expected));
            assert_eq!(body.contiguous().as_ref(), bytes.as_bytes());
        }
    }

    #[test]
    fn debug_shows_no_payload() {
        let body = Body { slices: vec![Bytes::from_static(b"secret")], ..Body::empty() };
        assert!(!format!("{body:?}").contains("secret"));
    }
}
