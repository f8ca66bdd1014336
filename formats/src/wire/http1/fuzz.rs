//! The entry point of the fuzzer. Any bytes flow in; nothing flows out but the certainty that the decoder keeps its promises.

use bytes::Bytes;

use super::{Accounting, Decoded, Decoder, Event, Limits, RequestContext, encode_body, encode_head};
use crate::model::{BodyFraming, Completeness, Message, Side, Timestamp};

/// Reads `data` as both directions of a connection, whole and in pieces, with a hole, cut or closed.
///
/// The first byte says where the hole stands and whether there is one, the second what the responses answer, the third how
/// long the pieces are and how the stream ends; the rest is the stream.
///
/// # Panics
///
/// If the decoder panics, finds something else in pieces than in one, loses count of a byte, or gives out a message that does
/// not encode to what stood on the wire.
pub fn fuzz(data: &[u8]) {
    let [hole, answers, manner, data @ ..] = data else { return };
    let is = |bit: u8| answers & bit != 0;
    let connection = Connection {
        data,
        hole: usize::from(*hole).min(data.len()),
        missing: if hole.is_multiple_of(3) { u64::from(*hole) + 1 } else { 0 },
        context: RequestContext { head: is(1), connect: is(2), upgrade: is(4), http09: is(8), unseen: is(16) },
        announced: is(32),
        upgrades: is(64),
        orderly: manner & 1 == 0,
    };
    for side in [Side::Request, Side::Response] {
        let whole = connection.run(side, usize::MAX);
        for piece in [1, 2 + usize::from(manner >> 1)] {
            let pieces = connection.run(side, piece);
            assert_eq!(whole.account, pieces.account, "{side}s in pieces of {piece}");
            assert!(whole.events == pieces.events, "{side}s in pieces of {piece}: {:?} is not {:?}", pieces.events, whole.events);
        }
        for event in &whole.events {
            if let Told::Message(decoded) = event {
                connection.encodes(side, decoded);
            }
        }
    }
}

struct Connection<'a> {
    data: &'a [u8],
    /// Where bytes are missing, and how many.
    hole: usize,
    missing: u64,
    /// What every response answers.
    context: RequestContext,
    /// The requests are announced before their responses come.
    announced: bool,
    /// The connection leaves HTTP at the hole, whatever was being read.
    upgrades: bool,
    orderly: bool,
}

#[derive(Debug, PartialEq)]
enum Told {
    Begun { context: RequestContext, start: u64 },
    Unclaimed { start: u64 },
    Interim { head: Bytes, start: u64 },
    Message(Box<Decoded>),
    Upgraded,
    Lost,
}

struct Run {
    events: Vec<Told>,
    account: Accounting,
}

impl Connection<'_> {
    fn run(&self, side: Side, piece: usize) -> Run {
        let mut decoder = Decoder::new(side, LIMITS);
        if side == Side::Response && self.announced {
            decoder.expect(self.context);
        }
        let mut events = Vec::new();
        let now = Timestamp::default();
        let (before, after) = self.data.split_at(self.hole);
        for piece in before.chunks(piece) {
            decoder.feed(Bytes::copy_from_slice(piece), now);
            self.drain(&mut decoder, &mut events);
            decoder.settle();
        }
        if self.upgrades {
            decoder.upgrade();
        }
        decoder.gap(self.missing, now);
        self.drain(&mut decoder, &mut events);
        for piece in after.chunks(piece) {
            decoder.feed(Bytes::copy_from_slice(piece), now);
            self.drain(&mut decoder, &mut events);
            assert!(decoder.held() <= 64 * (1 + self.data.len()) as u64, "more is held than was ever fed");
        }
        if self.orderly {
            decoder.close(now)
        } else {
            decoder.cut(now)
        }
        self.drain(&mut decoder, &mut events);
        let account = decoder.accounting();
        let Accounting { recorded, missing, resync, unparsable, upgraded, over_limit, .. } = account;
        assert_eq!(recorded + missing + resync + unparsable + upgraded + over_limit, self.data.len() as u64 + self.missing, "{account:?}");
        Run { events, account }
    }

    fn drain(&self, decoder: &mut Decoder, events: &mut Vec<Told>) {
        while let Some(event) = decoder.next() {
            if let Event::Unclaimed { .. } = event {
                decoder.expect(self.context);
            }
            if decoder.awaits_upgrade() {
                if self.context.upgrade { decoder.upgrade() } else { decoder.resume() }
            }
            events.push(match event {
                Event::Begun { context, start, .. } => Told::Begun { context, start },
                Event::Unclaimed { start } => Told::Unclaimed { start },
                Event::Interim { head, start } => Told::Interim { head: head.raw().clone(), start },
                Event::Message(decoded) => Told::Message(decoded),
                Event::Upgraded => Told::Upgraded,
                Event::Lost => Told::Lost,
            });
        }
    }

    /// A whole message encodes to the bytes that it was read from, or, in chunks, to bytes that read the same.
    fn encodes(&self, side: Side, decoded: &Decoded) {
        let message = &decoded.message;
        if message.body.completeness != Completeness::Whole {
            return;
        }
        let mut wire = Vec::new();
        encode_head(message, &mut wire);
        encode_body(message, &mut wire);
        if !matches!(message.body.framing, BodyFraming::Chunked(_)) {
            assert_eq!(wire, self.between(decoded.span.start, decoded.span.end), "{side} at {:?}", decoded.span);
        }
        // Alone, an answer to a request that was not seen does not tell whether it has a body.
        if !self.context.unseen {
            assert!(self.read_again(side, wire).as_ref() == Some(message), "{side} at {:?} reads otherwise once it was encoded", decoded.span);
        }
    }

    /// What was fed between two offsets that have no hole between them.
    fn between(&self, start: u64, end: u64) -> &[u8] {
        let index = |offset: u64| {
            let fed = if start >= self.hole as u64 + self.missing { offset - self.missing } else { offset };
            usize::try_from(fed).expect("what was fed is in memory")
        };
        &self.data[index(start)..index(end)]
    }

    fn read_again(&self, side: Side, wire: Vec<u8>) -> Option<Message> {
        let mut decoder = Decoder::new(side, LIMITS);
        if side == Side::Response {
            decoder.expect(self.context);
        }
        decoder.feed(Bytes::from(wire), Timestamp::default());
        decoder.close(Timestamp::default());
        std::iter::from_fn(|| decoder.next()).find_map(|event| if let Event::Message(decoded) = event { Some(decoded.message) } else { None })
    }
}

/// Small, so that they are reached.
const LIMITS: Limits = Limits { max_head: 256, max_body: 128 };

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn seeds_and_what_the_fuzzer_found() {
        let seeds = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/http1")).expect("the seeds are there");
        let run = seeds.map(|seed| super::fuzz(&fs::read(seed.expect("listed").path()).expect("readable"))).count();
        assert!(run > 40, "only {run} seeds");
    }
}
