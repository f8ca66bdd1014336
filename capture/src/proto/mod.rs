//! What the bytes of a connection say.
//!
//! The chunks of both directions flow in, in causal order; exchanges flow out. The protocol is told by content, in the first few
//! bytes, never by port. What has no parser here is counted by length under its name, and not kept. A parser is fed at any cut,
//! told of gaps, and never fails.

mod http1;
mod probe;

use std::net::SocketAddr;

use reenact_formats::model::ConnectionId;

use self::http1::Http1;
use self::probe::{Probing, Verdict};
use crate::flow::{Direction, Output};
use crate::tcp::{Chunk, Content};

/// What is known of a connection besides its bytes.
pub(crate) struct Flow {
    pub(crate) id: ConnectionId,
    /// The source of direction 0 and of direction 1.
    pub(crate) ends: [SocketAddr; 2],
    /// The direction of the side that opened it, if that was seen.
    pub(crate) opener: Option<Direction>,
    /// A direction was joined after its beginning.
    pub(crate) midstream: bool,
}

/// A chunk with its place in both streams.
pub(crate) struct Placed {
    pub(crate) direction: Direction,
    pub(crate) chunk: Chunk,
    /// Where it begins in its own stream.
    pub(crate) offset: u64,
    /// How much of the other stream its sender had received.
    pub(crate) acknowledged: Option<u64>,
}

/// A connection's protocol, and the state of its parser.
#[derive(Default)]
pub(crate) enum Conversation {
    /// Nothing was said yet.
    #[default]
    Silent,
    /// Not known yet.
    Probing(Box<Probing>),
    /// HTTP/0.9 to 1.1.
    Http1(Box<Http1>),
    /// Something that has no parser here.
    Foreign {
        /// Its name in the ledger.
        name: &'static str,
        /// Whether it may yet turn out to be HTTP that was joined in the middle of a body.
        open: bool,
    },
}

impl Conversation {
    /// Takes the next chunk.
    pub(crate) fn take(&mut self, placed: Placed, flow: &Flow, output: &mut Output<'_>) {
        match self {
            Self::Silent => {
                *self = Self::Probing(Box::default());
                self.take(placed, flow, output);
            }
            Self::Probing(probing) => match probing.take(placed, flow) {
                Verdict::Undecided => {}
                Verdict::Http1 { requests } => self.become_http1(requests, flow, output),
                Verdict::Foreign { name, open } => self.become_foreign(name, open, output),
            },
            Self::Http1(http1) => http1.take(placed, flow, output),
            Self::Foreign { open: true, .. } if probe::requests_of(&placed).is_some() => {
                let requests = probe::requests_of(&placed).unwrap_or(placed.direction);
                let mut http1 = Box::new(Http1::new(requests, [true, true], flow, output.limits));
                http1.take_first(placed, flow, output);
                *self = Self::Http1(http1);
            }
            Self::Foreign { name, .. } => count_foreign(name, &placed.chunk.content, output),
        }
    }

    /// Bytes in memory for it.
    pub(crate) fn held(&self) -> u64 {
        match self {
            Self::Probing(probing) => probing.held_bytes(),
            Self::Http1(http1) => http1.held(),
            Self::Silent | Self::Foreign { .. } => 0,
        }
    }

    /// Whether nothing that is said from now on is of interest, but how much it is.
    pub(crate) const fn is_deaf(&self) -> bool {
        matches!(self, Self::Foreign { open: false, .. })
    }

    /// Whether it holds finished messages that wait for others.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Self::Http1(http1) if http1.waits())
    }

    /// Copies what is held out of the blocks in which it was received.
    pub(crate) fn settle(&mut self) {
        match self {
            Self::Probing(probing) => probing.settle(),
            Self::Http1(http1) => http1.settle(),
            Self::Silent | Self::Foreign { .. } => {}
        }
    }

    /// Another copy of the byte at `offset`, which was taken before, said something else.
    pub(crate) fn conflict(&mut self, direction: Direction, offset: u64, output: &mut Output<'_>) {
        if let Self::Http1(http1) = self {
            http1.conflict(direction, offset, output);
        }
    }

    /// Gives up bodies in memory, and what waits for others: a cap was hit.
    pub(crate) fn shed(&mut self, flow: &Flow, output: &mut Output<'_>) {
        if let Self::Http1(http1) = self {
            http1.shed(flow, output);
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(mut self, flow: &Flow, output: &mut Output<'_>) {
        if let Self::Probing(probing) = &self
            && probing.has_bytes()
        {
            self.become_foreign("other", false, output);
        }
        if let Self::Http1(http1) = &mut self {
            http1.finish(flow, output);
        }
    }

    fn become_http1(&mut self, requests: Direction, flow: &Flow, output: &mut Output<'_>) {
        let Self::Probing(probing) = self else { return };
        let joined = [0, 1].map(|direction| probing.begins_amid(direction, requests, flow));
        let mut http1 = Box::new(Http1::new(requests, joined, flow, output.limits));
        for placed in probing.release() {
            http1.take(placed, flow, output);
        }
        *self = Self::Http1(http1);
    }

    fn become_foreign(&mut self, name: &'static str, open: bool, output: &mut Output<'_>) {
        let Self::Probing(probing) = self else { return };
        output.ledger.foreign.entry(name.to_owned()).or_default().connections += 1;
        for placed in probing.release() {
            count_foreign(name, &placed.chunk.content, output);
        }
        *self = Self::Foreign { name, open };
    }
}

fn count_foreign(name: &str, content: &Content, output: &mut Output<'_>) {
    let (Content::Data(_) | Content::Passed(_)) = content else { return };
    if let Some(traffic) = output.ledger.foreign.get_mut(name) {
        traffic.bytes += content.length();
    }
}
