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

impl Flow {
    /// Who opened it, and who accepted; where that was not seen, requests tell.
    pub(crate) fn client_and_server(&self, requests: Direction) -> (SocketAddr, SocketAddr) {
        let opener = self.opener.unwrap_or(requests);
        (self.ends[opener], self.ends[1 - opener])
    }
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
            Self::Probing(probing) => probing.held(),
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

    /// Gives up bodies in memory, what waits for others, and what is not known yet: a cap was hit.
    pub(crate) fn shed(&mut self, flow: &Flow, output: &mut Output<'_>) {
        match self {
            Self::Probing(_) => self.become_foreign("other", true, output),
            Self::Http1(http1) => http1.shed(flow, output),
            Self::Silent | Self::Foreign { .. } => {}
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reenact_formats::model::{Exchange, LossCause, LossLedger, Timestamp};

    use super::*;
    use crate::{Consent, Limits};

    /// A conversation by itself: its chunks are slices of blocks, which it must not pin for long.
    struct Talk {
        conversation: Conversation,
        flow: Flow,
        offsets: [u64; 2],
        blocks: Vec<Bytes>,
        ledger: LossLedger,
        exchanges: Vec<Exchange>,
        consent: Consent,
    }

    impl Talk {
        fn new(midstream: bool) -> Self {
            let ends = [([10, 0, 0, 1], 4000).into(), ([10, 0, 0, 2], 80).into()];
            let flow = Flow { id: ConnectionId(1), ends, opener: Some(0), midstream };
            let (ledger, exchanges) = (LossLedger::default(), Vec::new());
            Self { conversation: Conversation::default(), flow, offsets: [0; 2], blocks: Vec::new(), ledger, exchanges, consent: Consent::default() }
        }

        fn say(&mut self, direction: Direction, data: impl AsRef<[u8]>) {
            let block = Bytes::copy_from_slice(data.as_ref());
            self.blocks.push(block.clone());
            self.take(direction, Content::Data(block));
        }

        fn take(&mut self, direction: Direction, content: Content) {
            let (offset, acknowledged) = (self.offsets[direction], Some(self.offsets[1 - direction]));
            self.offsets[direction] += content.length();
            self.ledger.stream_bytes += content.length();
            let chunk = Chunk { content, at: Timestamp::default(), acknowledged: None, conflicting: false };
            self.with(|conversation, flow, output| conversation.take(Placed { direction, chunk, offset, acknowledged }, flow, output));
        }

        fn with(&mut self, act: impl FnOnce(&mut Conversation, &Flow, &mut Output<'_>)) {
            let limits = Limits::default();
            let mut output = Output { ledger: &mut self.ledger, exchanges: &mut self.exchanges, limits: &limits, consent: &self.consent };
            act(&mut self.conversation, &self.flow, &mut output);
        }

        fn shed(&mut self) {
            self.with(Conversation::shed);
        }

        fn finish(&mut self) {
            self.take(0, Content::Cut);
            self.take(1, Content::Cut);
            self.with(|conversation, flow, output| std::mem::take(conversation).finish(flow, output));
            assert!(self.ledger.is_balanced(), "{:#?}", self.ledger);
        }

        fn is_free_of_blocks(&self) -> bool {
            self.blocks.iter().all(Bytes::is_unique)
        }
    }

    #[test]
    fn informational_responses_are_few_and_weighed_and_pin_nothing() {
        let mut talk = Talk::new(false);
        talk.say(0, "GET /a HTTP/1.1\r\n\r\n");
        let before = talk.conversation.held();
        for _ in 0..100 {
            talk.say(1, "HTTP/1.1 100 \r\n\r\n");
        }
        let held = talk.conversation.held();
        assert!(held - before > 64 * 17, "{held} after {before}");
        talk.conversation.settle();
        assert!(talk.is_free_of_blocks());
        assert_eq!(talk.ledger.lost, [(LossCause::BufferCap, 36 * 17)].into());
        talk.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((talk.conversation.held(), talk.exchanges[0].interim.len()), (0, 64));
        talk.finish();
    }

    #[test]
    fn informational_responses_are_shed_before_and_within_an_answer() {
        for begun in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"] {
            let mut talk = Talk::new(false);
            talk.say(0, "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
            let field = format!("X: {}", "x".repeat(1000));
            talk.say(1, format!("HTTP/1.1 103 Early\r\n{field}\r\n\r\n{begun}"));
            let before = talk.conversation.held();
            talk.shed();
            assert!(before - talk.conversation.held() > 1000, "{begun:?}");
            assert_eq!(talk.ledger.lost, [(LossCause::IncompleteMessage, 1)].into(), "{begun:?}");
            talk.finish();
        }
    }

    #[test]
    fn trailers_are_weighed_and_pin_nothing() {
        let mut talk = Talk::new(false);
        talk.say(0, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n");
        talk.say(0, format!("X: {}\r\n\r\n", "x".repeat(4000)));
        assert!(talk.conversation.held() > 4000);
        talk.conversation.settle();
        assert!(talk.is_free_of_blocks());
        talk.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(talk.conversation.held(), 0);
        talk.finish();
    }

    #[test]
    fn bodies_of_what_will_be_left_out_are_not_gathered() {
        let rule = |text: &str| vec![text.parse().expect("a rule")];
        let consent = Consent { exclude: rule("path=/secret"), opt_out: rule("header:x-no-recording"), ..Consent::default() };
        let mut talk = Talk { consent, ..Talk::new(false) };
        let body = [b'x'; 10_000];
        let is_small = |talk: &Talk| talk.conversation.held() < 2000;
        // The request alone says it: neither its body nor that of the answer is kept.
        talk.say(0, "POST /secret HTTP/1.1\r\nContent-Length: 20000\r\n\r\n");
        talk.say(0, body);
        assert!(is_small(&talk) && talk.blocks.last().is_some_and(Bytes::is_unique), "{}", talk.conversation.held());
        talk.say(0, body);
        talk.say(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n");
        talk.say(1, body);
        assert!(is_small(&talk), "{}", talk.conversation.held());
        talk.say(1, body);
        talk.say(1, "\r\n0\r\n\r\n");
        // The answer says it: the request's body goes, too.
        talk.say(0, "POST /open HTTP/1.1\r\nContent-Length: 10000\r\n\r\n");
        talk.say(0, body);
        assert!(!is_small(&talk));
        talk.say(1, "HTTP/1.1 200 OK\r\nX-No-Recording: 1\r\nContent-Length: 20000\r\n\r\n");
        talk.say(1, body);
        assert!(is_small(&talk), "{}", talk.conversation.held());
        talk.say(1, body);
        talk.say(0, "POST /open HTTP/1.1\r\nContent-Length: 10000\r\n\r\n");
        talk.say(0, body);
        talk.say(1, "HTTP/1.1 204 No\r\n\r\n");
        talk.finish();
        let bytes: Vec<u64> = talk.ledger.filtered.values().map(|traffic| traffic.bytes).collect();
        assert!(bytes.len() == 2 && bytes[0] > 40_000 && bytes[1] > 30_000, "{:?}", talk.ledger.filtered);
        assert_eq!((talk.exchanges.len(), talk.ledger.lost.is_empty()), (1, true), "{:?}", talk.ledger);
        assert_eq!(talk.exchanges[0].request.as_ref().map(|request| request.body.kept_length()), Some(10_000));
    }

    #[test]
    fn requests_behind_an_answer_without_end_do_not_wait_for_ever() {
        let mut talk = Talk::new(false);
        talk.say(0, "GET /endless HTTP/1.1\r\n\r\n");
        talk.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        for _ in 0..1000 {
            talk.say(0, "GET / HTTP/1.1\r\n\r\n");
        }
        assert_eq!(talk.exchanges.len(), 1001 - 256);
        talk.shed();
        assert_eq!(talk.exchanges.len(), 1000);
        // What was given out is not taken for anything else when the answers come.
        talk.say(1, "fiveb");
        talk.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
        talk.say(0, "GET /last HTTP/1.1\r\n\r\n");
        talk.finish();
        let paired: Vec<_> = talk.exchanges.iter().filter(|exchange| exchange.is_complete()).filter_map(Exchange::target).collect();
        assert_eq!(paired, [b"/endless"]);
        assert_eq!((talk.ledger.requests, talk.ledger.responses), (1002, 2));
    }

    #[test]
    fn what_is_not_known_yet_is_weighed_and_shed() {
        let mut talk = Talk::new(true);
        for _ in 0..1000 {
            talk.say(0, [0xf7]);
        }
        assert!(talk.conversation.held() > 1000 * size_of::<Placed>() as u64);
        talk.conversation.settle();
        assert!(talk.is_free_of_blocks());
        talk.shed();
        assert_eq!(talk.conversation.held(), 0);
        assert_eq!(talk.ledger.foreign["other"].bytes, 1000);
        // It may still turn out to be HTTP.
        talk.say(0, "GET /a HTTP/1.1\r\n\r\n");
        talk.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        talk.finish();
        assert_eq!(talk.ledger.complete, 1);
    }
}
