//! The shards that one thread works.
//!
//! One lane of each batch flows in: the segments of these shards, in the order of the capture. What was found flows out: each
//! exchange with its place, so that the findings of several threads are put into one order, that of the capture, whatever the
//! number of threads. Memory is shared out here: each batch says how much a shard may hold.

use bytes::Bytes;
use reenact_formats::model::{Exchange, LossLedger, Timestamp};

use super::{Output, Shard};
use crate::packet::Segment;
use crate::{Consent, Limits};

/// How many shards there are, whatever the number of threads: a connection's shard never depends on it.
pub(crate) const SHARDS: usize = 64;

/// A segment on the way to its shard.
pub(crate) struct Sorted {
    pub(crate) segment: Segment,
    pub(crate) shard: u8,
    /// Which packet of the batch it was, from 0.
    pub(crate) position: u32,
    /// The time to which all packets have come.
    pub(crate) now: Timestamp,
}

/// What one thread has to do for a batch.
pub(crate) struct Lane {
    /// Number of the batch, from 0.
    pub(crate) batch: u64,
    /// How many packets the capture has had before this batch.
    pub(crate) before: u64,
    /// What payloads are slices of.
    pub(crate) block: Bytes,
    pub(crate) segments: Vec<Sorted>,
    /// The time to which all packets have come at the end of the batch.
    pub(crate) now: Timestamp,
    /// How many bytes a shard may hold, if there is too much in memory.
    pub(crate) share: Option<u64>,
    /// Packets have been passed over since the last batch: only so many of [`Gauge::WHOLE`](crate::Gauge::WHOLE) of the connections are
    /// still followed.
    pub(crate) shed: Option<u32>,
    /// Whether the account is wanted.
    pub(crate) wants_account: bool,
    /// Nothing more will come.
    pub(crate) is_last: bool,
}

/// Where an exchange was completed: at which packet of the batch, in which shard. What ended with the batch stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    position: u32,
    shard: u8,
}

/// What a batch has brought.
#[derive(Default)]
pub(crate) struct Found {
    /// In the order of their places.
    pub(crate) exchanges: Vec<Exchange>,
    /// One for each.
    pub(crate) places: Vec<Place>,
    /// Bytes in memory.
    pub(crate) held: u64,
    /// Connections that are followed.
    pub(crate) open: u64,
    /// The account so far, if it was wanted.
    pub(crate) ledger: Option<LossLedger>,
    /// Done with; to be filled again.
    pub(crate) spent: Vec<Sorted>,
}

impl Found {
    fn mark(&mut self, position: u32, shard: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "there are 64")]
        self.places.resize(self.exchanges.len(), Place { position, shard: shard as u8 });
    }
}

/// Every `threads`-th shard.
pub(crate) struct Shards {
    limits: Limits,
    consent: Consent,
    shards: Vec<Shard>,
    first: usize,
    threads: usize,
    ledger: LossLedger,
    /// How many exchanges a batch had at most so far: room for so many is made at once.
    most: usize,
}

impl Shards {
    /// Those of the thread `number` (from 0) of `threads`.
    pub(crate) fn of(number: usize, threads: usize, limits: Limits, consent: Consent) -> Self {
        let shards = (number..SHARDS).step_by(threads).map(|_| Shard::default()).collect();
        Self { limits, consent, shards, first: number, threads, ledger: LossLedger::default(), most: 0 }
    }

    /// Works off one lane.
    pub(crate) fn work(&mut self, lane: Lane) -> Found {
        let Lane { batch, before, block, mut segments, now, share, shed, wants_account, is_last } = lane;
        let room = if segments.is_empty() { 0 } else { self.most };
        let mut found = Found { exchanges: Vec::with_capacity(room), places: Vec::with_capacity(room), ..Found::default() };
        if let Some(kept) = shed {
            let began = segments.first().map_or(now, |first| first.now);
            for (index, shard) in self.shards.iter_mut().enumerate() {
                let mut output = Output { ledger: &mut self.ledger, exchanges: &mut found.exchanges, limits: &self.limits, consent: &self.consent };
                shard.shed(kept, began, &mut output);
                found.mark(0, self.first + index * self.threads);
            }
        }
        for Sorted { segment, shard, position, now } in &segments {
            let shard = usize::from(*shard);
            let mut output = Output { ledger: &mut self.ledger, exchanges: &mut found.exchanges, limits: &self.limits, consent: &self.consent };
            let ordinal = before + u64::from(*position) + 1;
            self.shards[shard / self.threads].segment(segment, ordinal, *now, &block, batch, &mut output);
            found.mark(*position, shard);
        }
        segments.clear();
        for (index, shard) in self.shards.iter_mut().enumerate() {
            let mut output = Output { ledger: &mut self.ledger, exchanges: &mut found.exchanges, limits: &self.limits, consent: &self.consent };
            shard.advance(now, &mut output);
            if let Some(share) = share {
                shard.relieve(share, now, &mut output);
            }
            if is_last {
                shard.finish(now, &mut output);
            }
            shard.settle(batch);
            found.held += shard.held;
            found.open += shard.connections.len() as u64;
            found.mark(u32::MAX, self.first + index * self.threads);
        }
        self.most = self.most.max(found.exchanges.len()).min(MOST);
        found.spent = segments;
        found.ledger = wants_account.then(|| self.ledger.clone());
        found
    }
}

/// Room that is made beforehand at most.
const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CaptureOptions;
    use crate::packet::Decoder;
    use crate::source::{Link, Packet};

    /// A TCP segment from a client, in an IPv4 packet without a link header.
    fn packet(sequence: u32, payload: &[u8]) -> Vec<u8> {
        const ACK: u8 = 0x10;
        const SYN: u8 = 0x02;
        let flags = if payload.is_empty() { SYN } else { ACK };
        let length = u16::try_from(40 + payload.len()).expect("short").to_be_bytes();
        let ip = [0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        let tcp = [&[0x9c, 0x40, 0x1f, 0x90][..], &sequence.to_be_bytes(), &[0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]].concat();
        [&ip, tcp.as_slice(), payload].concat()
    }

    #[test]
    fn what_a_shard_holds_is_what_its_connections_hold() {
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n";
        let body = 1 + u32::try_from(head.len()).expect("short");
        let mut batches: Vec<Vec<Vec<u8>>> = vec![vec![packet(0, b""), packet(1, head)]];
        batches[0].extend((0..4).map(|piece| packet(body + piece * 100, &[b'x'; 100])));
        // The pieces are copied out of their block, and into one, in a batch without any.
        batches.extend([vec![], vec![packet(body + 400, &[b'x'; 100])], vec![]]);

        let (mut decoder, mut shards) = (Decoder::new(&CaptureOptions::default()), Shards::of(0, 1, Limits::default(), Consent::default()));
        let mut held = Vec::new();
        for (batch, packets) in (0..).zip(&batches) {
            let block = Bytes::from(packets.concat());
            let mut start = 0;
            let segments = (0..).zip(packets).map(|(position, packet)| {
                let end = start + u32::try_from(packet.len()).expect("short");
                let packet = Packet { link: Link(101), at: Timestamp::default(), data: start..end, wire_length: end - start };
                start = end;
                let segment = decoder.decode(&block, &packet).expect("TCP");
                Sorted { segment, shard: 0, position, now: Timestamp::default() }
            });
            let segments = segments.collect();
            let lane =
                Lane { batch, before: 0, block, segments, now: Timestamp::default(), share: None, shed: None, wants_account: false, is_last: batch == 3 };
            held.push(shards.work(lane).held);
        }
        assert!(held[0] > 400 && held[0] > held[1] && held[1] > 400, "pieces weigh more than one: {held:?}");
        assert_eq!(held[3], 0, "{held:?}");
    }
}
