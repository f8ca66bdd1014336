//! HTTP/1 (RFC 9112) and HTTP/0.9, one direction of a connection at a time.
//!
//! A [`Decoder`] takes the bytes of one direction, cut anywhere, and is told of holes and of the end; it gives [`Event`]s. It
//! reads what recorded traffic holds, not only what the grammar allows: oddities are marked as anomalies, a hole in a counted
//! body is skipped, a hole anywhere else makes it look for the next start of a message. It never panics, never repairs, and
//! never copies a body: that stays slices of what was fed. [`encode_head`] and [`encode_body`] are the way back.
//!
//! ```
//! use bytes::Bytes;
//! use reenact_formats::model::{Side, Timestamp};
//! use reenact_formats::wire::http1::{Decoder, Event, Limits, RequestContext};
//!
//! let mut responses = Decoder::new(Side::Response, Limits::default());
//! responses.expect(RequestContext::default());
//! responses.feed(Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), Timestamp::from_nanos(1));
//! let Some(Event::Message(decoded)) = responses.next() else { panic!("a whole message was fed") };
//! assert_eq!(decoded.message.head.status(), Some(200));
//! assert_eq!(decoded.message.body.contiguous().as_ref(), b"hi");
//! ```

mod decoder;
mod encode;
mod few;
mod framing;
mod fuzz;
mod start;

use std::collections::BTreeSet;
use std::ops::Range;

pub use decoder::Decoder;
pub use encode::{encode_body, encode_head};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use start::{Opening, opening, seek};

use crate::model::{Anomaly, Head, Message, Timestamp};

/// How much a [`Decoder`] holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head or a trailer section; beyond, it is given up as unreadable.
    pub max_head: usize,
    /// Bytes of a body; beyond, the body is dropped with its length kept.
    pub max_body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head: 256 << 10, max_body: 8 << 20 }
    }
}

/// What the framing of a response depends on: the request that it answers. The default is that of a plain `GET`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The method was `HEAD`: the response has no body, whatever it announces.
    pub head: bool,
    /// The method was `CONNECT`: a 2xx answer opens a tunnel.
    pub connect: bool,
    /// The request asked for another protocol (`Upgrade`).
    pub upgrade: bool,
    /// The request was of HTTP/0.9: the response is all body.
    pub http09: bool,
    /// The request was not seen. Should it have been `HEAD`, a status line stands where the body would.
    pub unseen: bool,
}

impl RequestContext {
    /// What matters of a request's head.
    pub fn of(head: &Head) -> Self {
        let method = head.method().unwrap_or_default();
        Self {
            head: method == b"HEAD",
            connect: method == b"CONNECT",
            upgrade: head.headers_named("upgrade").next().is_some(),
            unseen: false,
            http09: head.version().is_empty() && method == b"GET" && memchr::memchr_iter(b'\n', head.raw()).count() == 1,
        }
    }
}

/// What a [`Decoder`] has found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request's head was read; its body may still come. Responses never give this.
    Begun {
        /// What the response's framing will depend on.
        context: RequestContext,
        /// The offset of its first byte.
        start: u64,
        /// The time of its first byte.
        at: Timestamp,
    },
    /// A final response has begun for which no request was announced. The decoder waits for [`Decoder::expect`].
    Unclaimed {
        /// The offset of its first byte.
        start: u64,
    },
    /// An informational response (1xx, but not 101).
    Interim {
        /// Its head; it never has a body.
        head: Box<Head>,
        /// The offset of its first byte.
        start: u64,
    },
    /// A message, whole or as whole as it will get.
    Message(Box<Decoded>),
    /// A response opened a tunnel (101, or 2xx to CONNECT). What follows is counted by length only.
    Upgraded,
    /// Bytes are missing where a message could have begun or ended, so that any number of messages may be missing.
    Lost,
}

/// A message and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// The time of its first byte.
    pub start: Timestamp,
    /// The time of its last byte.
    pub end: Timestamp,
    /// Its offsets in the stream, holes included.
    pub span: Range<u64>,
    /// How many of its bytes are accounted for as recorded.
    pub recorded: u64,
    /// What was odd about it.
    pub anomalies: BTreeSet<Anomaly>,
}

/// What became of the bytes of a stream: every one of them is counted once, as soon as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accounting {
    /// In messages that were given out, framing included.
    pub recorded: u64,
    /// Missing: what the gaps added up to.
    pub missing: u64,
    /// Around a hole, in no readable message.
    pub resync: u64,
    /// In no readable message, without a hole nearby.
    pub unparsable: u64,
    /// After the protocol was left.
    pub upgraded: u64,
    /// Bodies over the limit.
    pub over_limit: u64,
    /// Messages (not bytes) that began but could not be given out.
    pub incomplete_messages: u64,
}

/// Whether the connection stays open after a message with this head (RFC 9112, section 9.3).
pub fn keeps_alive(head: &Head) -> bool {
    let says = |word: &str| framing::list_items(head, "connection").any(|item| item.eq_ignore_ascii_case(word.as_bytes()));
    match head.version() {
        b"HTTP/1.0" => says("keep-alive") && !says("close"),
        b"" => false,
        _ => !says("close"),
    }
}
