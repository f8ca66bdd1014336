//! One connection: two streams, handed on in causal order.
//!
//! Segments of both directions flow in; each direction is put in order; bytes flow on to the conversation. A chunk waits until
//! everything that its sender had acknowledged was handed on: so the conversation sees a question before its answer, however
//! the capture shuffled the packets. It waits no longer than until the missing bytes are declared lost.

use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::{ConnectionId, LossCause, Notice, Timestamp};

use super::recent::Recent;
use super::{Direction, Output};
use crate::Limits;
use crate::packet::{Meeting, Payload, Segment};
use crate::proto::{Conversation, Flow, Placed};
use crate::tcp::{Chunk, Content, Piece, Queue, Reassembler, Tally};

pub(super) struct Connection {
    flow: Flow,
    streams: [Stream; 2],
    conversation: Conversation,
    meeting: Meeting,
    recent: Option<Box<Recent>>,
    last_seen: Timestamp,
    reset: bool,
    /// When its shard will look for holes that are due, if it will.
    noted: Option<Timestamp>,
    /// Whether its shard knows that it has ended.
    noted_closed: bool,
    /// The batch since which it may hold slices of blocks.
    pub(super) held_since: Option<u64>,
    /// Bytes in memory for it.
    held: u64,
}

#[derive(Default)]
struct Stream {
    reassembler: Reassembler,
    /// In order, and not handed on yet.
    queue: Queue,
    /// Offset of the next byte to hand on.
    handed: u64,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, ends: [SocketAddr; 2], now: Timestamp) -> Self {
        Self {
            flow: Flow { id, ends, opener: None, midstream: false },
            streams: Default::default(),
            conversation: Conversation::default(),
            meeting: Meeting::default(),
            recent: None,
            last_seen: now,
            reset: false,
            noted: None,
            noted_closed: false,
            held_since: None,
            held: 0,
        }
    }

    pub(super) const fn id(&self) -> ConnectionId {
        self.flow.id
    }

    /// Bytes in memory for it.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    fn weigh(&mut self) {
        self.held = self.streams.iter().map(|stream| stream.reassembler.held_bytes() + stream.queue.size()).sum::<u64>() + self.conversation.held();
    }

    /// Whether it holds anything that may be a slice of a block.
    pub(super) fn holds(&self) -> bool {
        self.held > 0 || self.conversation.waits()
    }

    /// Whether `segment` opens another connection between the same two ends (ports are reused).
    pub(super) fn is_reopened_by(&self, segment: &Segment) -> bool {
        segment.syn && self.streams[segment.direction].reassembler.is_other_origin(segment.sequence.wrapping_add(1))
    }

    pub(super) fn segment(&mut self, segment: &Segment, block: &Bytes, batch: u64, now: Timestamp, output: &mut Output<'_>) {
        self.last_seen = self.last_seen.max(now);
        let Segment { flow: _, direction, tags, at, sequence, acknowledgment, syn, fin, rst, ref payload, cut } = *segment;
        self.meeting.saw(direction, tags);
        let mut tally = Tally::default();
        if syn {
            self.flow.opener.get_or_insert(if acknowledgment.is_some() { 1 - direction } else { direction });
            self.begin(direction, sequence.wrapping_add(1), &mut tally);
            if let Some(acknowledgment) = acknowledgment {
                self.begin(1 - direction, acknowledgment, &mut tally);
            }
        }
        if let Some(acknowledgment) = acknowledgment {
            self.streams[1 - direction].reassembler.acknowledge(acknowledgment, now);
        }
        let is_plain = !(syn || fin || rst) && cut == 0;
        if is_plain && payload.is_empty() && self.streams[direction].reassembler.is_placed() {
            // A bare acknowledgment brings nothing on.
            return;
        }
        let first = if syn { sequence.wrapping_add(1) } else { sequence };
        if !self.conversation.is_deaf() {
            self.compare(direction, first, payload, block, batch, output);
        }
        let payload = if self.conversation.is_deaf() { Content::Passed(payload.length()) } else { Content::Data(payload.bytes(block)) };
        let stream = &self.streams[direction];
        if is_plain && stream.reassembler.is_next(sequence) && stream.queue.is_empty() && self.waits_for(direction, acknowledgment).is_none() {
            // Nearly all segments: the next bytes, and nothing to wait for.
            self.streams[direction].reassembler.pass(payload.length());
            self.hand_over(direction, Chunk { content: payload, at, acknowledged: acknowledgment, conflicting: false }, output);
            if !self.streams[1 - direction].queue.is_empty() {
                self.hand_on(output);
            }
            self.weigh();
            return;
        }
        let stream = &mut self.streams[direction];
        if rst {
            self.reset |= stream.reassembler.may_reset(sequence);
        }
        if !rst || payload.length() > 0 {
            let piece = Piece { sequence: first, payload, cut, fin, acknowledged: acknowledgment, at };
            stream.reassembler.push(piece, &mut stream.queue, &mut tally);
        }
        output.ledger.retransmitted_bytes += tally.retransmitted;
        output.ledger.stream_bytes += tally.rejected;
        output.ledger.lose(LossCause::Unparsable, tally.rejected);
        self.hand_on(output);
        self.weigh();
    }

    /// Remembers what will be handed on, and holds what was handed on before against it.
    fn compare(&mut self, direction: Direction, first: u32, payload: &Payload, block: &Bytes, batch: u64, output: &mut Output<'_>) {
        let reassembler = &self.streams[direction].reassembler;
        let (Payload::Within(place), Some(offset)) = (payload, reassembler.place_of(first)) else { return };
        let next = reassembler.offset();
        if offset == next {
            self.recent.get_or_insert_default().note(direction, offset, place, batch);
        } else if let Some(recent) = self.recent.as_ref().filter(|_| offset + PROBE < next) {
            let bytes = &block[place.start as usize..place.end as usize];
            if let Some(offset) = recent.difference(direction, offset, bytes, block, batch) {
                self.conversation.conflict(direction, offset, output);
            }
        }
    }

    fn begin(&mut self, direction: Direction, first: u32, tally: &mut Tally) {
        let stream = &mut self.streams[direction];
        stream.reassembler.begin(first, &mut stream.queue, tally);
    }

    /// When a hole is to be declared lost, if its shard does not know yet.
    pub(super) fn newly_due(&mut self) -> Option<Timestamp> {
        let due = self.streams.iter().filter_map(|stream| stream.reassembler.due()).min()?;
        if self.noted.is_some_and(|noted| noted <= due) {
            return None;
        }
        self.noted = Some(due);
        Some(due)
    }

    /// When it will have been silent for too long.
    pub(super) fn silent_until(&self, limits: &Limits) -> Timestamp {
        self.last_seen.saturating_add(self.patience(limits))
    }

    /// Whether it has ended, if its shard does not know yet.
    pub(super) fn is_newly_closed(&mut self) -> bool {
        let is_closed = self.is_closed();
        is_closed && !mem::replace(&mut self.noted_closed, is_closed)
    }

    fn is_closed(&self) -> bool {
        self.reset || self.streams.iter().all(|stream| stream.reassembler.is_ended())
    }

    fn patience(&self, limits: &Limits) -> Duration {
        let has_spoken = self.streams.iter().any(|stream| stream.reassembler.offset() > 0);
        match () {
            () if self.is_closed() => LINGER,
            () if has_spoken => limits.idle,
            () => limits.idle.min(MUTE),
        }
    }

    /// Declares lost what is due.
    pub(super) fn expire(&mut self, now: Timestamp, output: &mut Output<'_>) {
        self.noted = None;
        for stream in &mut self.streams {
            stream.reassembler.expire(now, &mut stream.queue);
        }
        self.hand_on(output);
        self.weigh();
    }

    /// A cap was hit: nothing is waited for any longer.
    pub(super) fn relieve(&mut self, at: Timestamp, output: &mut Output<'_>) {
        for stream in &mut self.streams {
            stream.reassembler.relieve(at, &mut stream.queue);
        }
        self.hand_on_all(output);
        self.conversation.shed(&self.flow, output);
        self.weigh();
    }

    pub(super) fn settle(&mut self) {
        for stream in &mut self.streams {
            stream.reassembler.settle();
            stream.queue.settle();
        }
        self.conversation.settle();
        self.weigh();
    }

    pub(super) fn finish(mut self, now: Timestamp, output: &mut Output<'_>) {
        for stream in &mut self.streams {
            stream.reassembler.finish(now.min(self.last_seen), &mut stream.queue);
        }
        self.hand_on_all(output);
        output.ledger.notice(Notice::PairedAcrossTags, u64::from(self.meeting.is_across()));
        self.conversation.finish(&self.flow, output);
    }

    /// Hands on what may be, in causal order.
    fn hand_on(&mut self, output: &mut Output<'_>) {
        self.flow.midstream = self.streams.iter().any(|stream| stream.reassembler.is_placed() && !stream.reassembler.had_handshake());
        loop {
            let mut moved = false;
            for direction in [0, 1] {
                while self.may_go(direction) {
                    self.hand_on_one(direction, output);
                    moved = true;
                }
            }
            if !moved {
                match self.knot() {
                    Some(direction) => self.hand_on_one(direction, output),
                    None => break,
                }
            }
        }
        for stream in &mut self.streams {
            stream.queue.rest();
        }
    }

    /// Hands on all there is, the older first.
    fn hand_on_all(&mut self, output: &mut Output<'_>) {
        self.hand_on(output);
        while let Some(direction) = self.older() {
            self.hand_on_one(direction, output);
            self.hand_on(output);
        }
    }

    fn may_go(&self, direction: Direction) -> bool {
        self.streams[direction].queue.first().is_some_and(|chunk| self.waits_for(direction, chunk.acknowledged).is_none())
    }

    /// The offset up to which the other direction must have been handed on before a chunk whose sender had `acknowledged` so much
    /// of it, if it has not.
    fn waits_for(&self, direction: Direction, acknowledged: Option<u32>) -> Option<u64> {
        let other = &self.streams[1 - direction];
        if !other.reassembler.is_seen() || self.conversation.is_deaf() {
            return None;
        }
        let acknowledged = acknowledged?;
        match other.reassembler.offset_of(acknowledged) {
            Some(offset) => (offset > other.handed && offset - other.handed < PLAUSIBLE).then_some(offset),
            None => Some(u64::MAX),
        }
    }

    /// If both directions wait for bytes that are here, and so for each other: the one whose bytes are older.
    fn knot(&self) -> Option<Direction> {
        let waits_for_queued = |direction: Direction| {
            let other = &self.streams[1 - direction];
            let first = self.streams[direction].queue.first();
            first
                .and_then(|chunk| self.waits_for(direction, chunk.acknowledged))
                .is_some_and(|offset| offset <= other.reassembler.offset() && !other.queue.is_empty())
        };
        (waits_for_queued(0) && waits_for_queued(1)).then(|| self.older()).flatten()
    }

    fn older(&self) -> Option<Direction> {
        let front = |direction: Direction| self.streams[direction].queue.first().map(|chunk| (chunk.at, direction));
        match (front(0), front(1)) {
            (Some(one), Some(other)) => Some(one.min(other).1),
            (one, other) => one.or(other).map(|(_, direction)| direction),
        }
    }

    fn hand_on_one(&mut self, direction: Direction, output: &mut Output<'_>) {
        if let Some(chunk) = self.streams[direction].queue.pop() {
            self.hand_over(direction, chunk, output);
        }
    }

    fn hand_over(&mut self, direction: Direction, chunk: Chunk, output: &mut Output<'_>) {
        let length = chunk.content.length();
        let offset = self.streams[direction].handed;
        self.streams[direction].handed += length;
        output.ledger.stream_bytes += length;
        if let Content::Gap(missing, cause) = &chunk.content {
            output.ledger.lose(*cause, *missing);
        }
        let acknowledged = chunk.acknowledged.and_then(|acknowledged| self.streams[1 - direction].reassembler.offset_of(acknowledged));
        self.conversation.take(Placed { direction, chunk, offset, acknowledged }, &self.flow, output);
    }
}

/// How long a closed connection is remembered, for what was still under way.
const LINGER: Duration = Duration::from_secs(2);
/// How long a connection is remembered on which nothing was said: they cost an attacker nothing.
const MUTE: Duration = Duration::from_secs(60);
/// A keep-alive probe begins so far before the next byte, and what it says is of no meaning.
const PROBE: u64 = 1;
/// An acknowledgment further ahead says nothing.
const PLAUSIBLE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::Connection;

    #[test]
    fn a_connection_on_which_nothing_was_said_is_small() {
        // A million of them stay below 600 MB, with their places in the table and among the timers.
        assert!(size_of::<Connection>() <= 480, "{}", size_of::<Connection>());
    }
}
