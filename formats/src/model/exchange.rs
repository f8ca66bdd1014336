//! The exchange: what was asked and what answered it, as seen on the wire.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::{Message, Redaction, Timestamp};
use crate::model::Head;

/// One connection of a capture: the number, from 1, of the packet that opened it. So it is the same however the work was divided,
/// and other tools find the packet by it. Never derived from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An exchange within a recording: the number of the packet that opened its connection, and its index there, from 1. Written `12.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId {
    /// The connection it was seen on.
    pub connection: ConnectionId,
    /// Its ordinal on that connection.
    pub index: u32,
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.connection, self.index)
    }
}

/// A text that is no exchange id.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not an exchange id; it is written CONNECTION.INDEX, as in 12.3")]
pub struct InvalidExchangeId {
    text: String,
}

impl FromStr for ExchangeId {
    type Err = InvalidExchangeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('.')
            .and_then(|(connection, index)| Some(Self { connection: ConnectionId(connection.parse().ok()?), index: index.parse().ok()? }))
            .ok_or_else(|| InvalidExchangeId { text: text.to_owned() })
    }
}

/// A closed vocabulary whose words are written to files and printed.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that stands in files and in output.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value that `word` names, if any.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The application protocol of an exchange.
    Protocol {
        /// HTTP/0.9, 1.0 or 1.1 (RFC 9112).
        Http1 = "http/1",
    }
}

words! {
    /// Which way the connection goes, seen from the recorded service.
    Role {
        /// To the recorded service.
        Inbound = "inbound",
        /// From the recorded service to one of its dependencies.
        Outbound = "outbound",
    }
}

words! {
    /// Who spoke first.
    Initiator {
        /// The side that opened the connection.
        Client = "client",
        /// The side that accepted it.
        Server = "server",
    }
}

words! {
    /// How many messages go each way.
    Shape {
        /// One request, one response.
        Unary = "unary",
        /// Many requests, one response.
        ClientStream = "client_stream",
        /// One request, many responses.
        ServerStream = "server_stream",
        /// Many each way.
        Duplex = "duplex",
        /// A request that expects no answer.
        OneWay = "one_way",
        /// Negotiation that opens or changes a protocol.
        Handshake = "handshake",
    }
}

words! {
    /// One of the two messages of an exchange.
    Side {
        /// What was asked.
        Request = "request",
        /// What answered it.
        Response = "response",
    }
}

words! {
    /// What was odd about an exchange. Odd traffic is data, never an error: it is counted and kept beside what could be read.
    Anomaly {
        /// Bytes are missing from the request or the response.
        Gap = "gap",
        /// The connection ended, or the capture did, before the message did.
        Truncated = "truncated",
        /// The capture began in the middle of the connection.
        Midstream = "midstream",
        /// Two copies of the same stream bytes differed; the first was kept.
        ConflictingOverlap = "conflicting_overlap",
        /// The message's length can be read in two ways (RFC 9112, section 6.3); kept raw, never repaired.
        AmbiguousFraming = "ambiguous_framing",
        /// The head breaks the grammar but could be read.
        MalformedHead = "malformed_head",
        /// A chunk header could not be read; the body ends before it.
        MalformedChunk = "malformed_chunk",
        /// A response was seen whose request was not.
        MissingRequest = "missing_request",
        /// A request was seen whose response was not.
        MissingResponse = "missing_response",
        /// The response began before its request had ended.
        EarlyResponse = "early_response",
        /// A body was over the limit and was dropped with its length kept.
        BodyOverLimit = "body_over_limit",
        /// The connection left HTTP/1 after this exchange (Upgrade or CONNECT); what followed is counted by length only.
        Upgraded = "upgraded",
        /// HTTP/0.9: a request line without a version, a response without a head.
        Http09 = "http_09",
    }
}

/// When the parts of an exchange were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// The last byte of the request.
    pub request_end: Option<Timestamp>,
    /// The first byte of the (final) response.
    pub first_byte: Option<Timestamp>,
    /// The last byte of the response.
    pub end: Option<Timestamp>,
}

/// What was asked and what answered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Connection ordinal and index.
    pub id: ExchangeId,
    /// The stream within the connection; 0 where the protocol has none.
    pub stream: u64,
    /// The application protocol.
    pub protocol: Protocol,
    /// Inbound to the recorded service, or outbound to a dependency.
    pub role: Role,
    /// The machine that recorded it, where several did.
    pub node: Option<Arc<str>>,
    /// Who spoke first.
    pub initiator: Initiator,
    /// How many messages go each way.
    pub shape: Shape,
    /// The address that opened the connection.
    pub client: SocketAddr,
    /// The address that accepted it.
    pub server: SocketAddr,
    /// The first byte of the request; of the response if no request was seen.
    pub start: Timestamp,
    /// When its parts were seen.
    pub timing: Timing,
    /// What was asked.
    pub request: Option<Message>,
    /// Heads of the informational (1xx) responses that came before the final one; 101 is final.
    pub interim: Vec<Head>,
    /// The final answer.
    pub response: Option<Message>,
    /// What was odd.
    pub anomalies: BTreeSet<Anomaly>,
    /// What was redacted, in the coordinates of the redacted bytes.
    pub redactions: Vec<Redaction>,
}

impl Exchange {
    /// The first exchange of a connection between these ends, in HTTP/1, with nothing said yet: for what was made, and not seen.
    pub fn between(client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            id: ExchangeId { connection: ConnectionId(1), index: 1 },
            stream: 0,
            protocol: Protocol::Http1,
            role: Role::Inbound,
            node: None,
            initiator: Initiator::Client,
            shape: Shape::Unary,
            client,
            server,
            start: Timestamp::default(),
            timing: Timing::default(),
            request: None,
            interim: Vec::new(),
            response: None,
            anomalies: BTreeSet::new(),
            redactions: Vec::new(),
        }
    }

    /// Whether both sides were seen and are whole.
    pub fn is_complete(&self) -> bool {
        [&self.request, &self.response].into_iter().all(|side| side.as_ref().is_some_and(|message| message.body.completeness.was_seen_whole()))
            && !self.anomalies.contains(&Anomaly::Gap)
            && !self.anomalies.contains(&Anomaly::Truncated)
    }

    /// Copies its bytes out of the larger blocks of which they may be slices: so it keeps nothing else in memory while it waits.
    pub fn settle(&mut self) {
        [&mut self.request, &mut self.response].into_iter().flatten().for_each(Message::settle);
        self.interim.iter_mut().for_each(Head::settle);
    }

    /// One of the two messages.
    pub fn message(&self, side: Side) -> Option<&Message> {
        match side {
            Side::Request => self.request.as_ref(),
            Side::Response => self.response.as_ref(),
        }
    }

    /// One of the two messages, to change it.
    pub fn message_mut(&mut self, side: Side) -> Option<&mut Message> {
        match side {
            Side::Request => self.request.as_mut(),
            Side::Response => self.response.as_mut(),
        }
    }

    /// The request method, e.g. `GET`, if a request was seen and its method is text.
    pub fn method(&self) -> Option<&str> {
        self.request.as_ref().and_then(|message| std::str::from_utf8(message.head.method()?).ok())
    }

    /// The request target as it stands in the request line.
    pub fn target(&self) -> Option<&[u8]> {
        self.request.as_ref().and_then(|message| message.head.target())
    }

    /// The final status code.
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().and_then(|message| message.head.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip() {
        let id: ExchangeId = "12.3".parse().expect("valid");
        assert_eq!(id, ExchangeId { connection: ConnectionId(12), index: 3 });
        assert_eq!(id.to_string(), "12.3");
        for bad in ["", "12", "12.", ".3", "a.b", "1.2.3"] {
            assert!(bad.parse::<ExchangeId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn words_are_unique_and_round_trip() {
        for anomaly in Anomaly::ALL {
            assert_eq!(Anomaly::from_word(anomaly.word()), Some(*anomaly));
        }
        assert_eq!(Role::from_word("sideways"), None);
    }
}
