//! One direction of a connection, put in order.
//!
//! ```text
//!   origin              next                acked
//!     │ given out, in order │   hole  │ held │ hole │ held │ end (FIN)
//!     ├─────────────────────┼─────────┼──────┼──────┼──────┤
//! ```
//!
//! `origin ≤ next`; all of `held` lies at or after `next`, in pieces that do not overlap; what begins at `next` is given out at
//! once. Sequence numbers are extended to 64 bits, so that a stream of any length is one line. The first copy of a byte wins.
//!
//! A hole is declared once the peer has acknowledged past it and a grace has passed without progress (mirrors reorder: the
//! acknowledgment may be seen first), or when the caller says so because a cap was hit or the flow has ended. A stream that is
//! joined in the middle waits for the same grace before it settles where it begins.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use reenact_formats::model::{LossCause, Timestamp};

use super::{Chunk, Content, Queue};

/// What one segment brings.
pub(crate) struct Piece {
    pub(crate) sequence: u32,
    pub(crate) payload: Content,
    /// Bytes behind the payload that were on the wire and not captured.
    pub(crate) cut: u32,
    pub(crate) fin: bool,
    pub(crate) acknowledged: Option<u32>,
    pub(crate) at: Timestamp,
}

/// Payload that does not become part of the stream.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Seen before.
    pub(crate) retransmitted: u64,
    /// So far from the stream that it cannot be part of it, or behind its end.
    pub(crate) rejected: u64,
}

#[derive(Default)]
pub(crate) struct Reassembler {
    /// Extended sequence number of the stream's first byte, once it is known.
    origin: Option<u64>,
    /// Extended sequence number of the next byte to give out. Before `origin` is known: of the first packet, to extend by.
    next: u64,
    /// The highest extended sequence number that the peer has acknowledged.
    acked: u64,
    /// Extended sequence number of the FIN.
    end: Option<u64>,
    end_at: Timestamp,
    ended: bool,
    /// Whether a SYN told the origin.
    handshake: bool,
    /// What is not simply the next byte after the last; nearly always nothing.
    disorder: Option<Box<Disorder>>,
}

#[derive(Default)]
struct Disorder {
    /// The lowest sequence number seen while `origin` is unknown, and when that began.
    joining: Option<(u64, Timestamp)>,
    held: BTreeMap<u64, Held>,
    held_bytes: u64,
    /// Where given out bytes stopped while the peer had more, and since when.
    hole: Option<(u64, Timestamp)>,
    /// An acknowledgment of one more than was ever seen: that of a FIN that the capture missed.
    fin_missed: Option<u64>,
}

struct Held {
    content: Content,
    at: Timestamp,
    acknowledged: Option<u32>,
    conflicting: bool,
    /// Whether it is known not to be a slice of a block.
    settled: bool,
}

impl Disorder {
    fn is_over(&self) -> bool {
        self.joining.is_none() && self.held.is_empty() && self.hole.is_none() && self.fin_missed.is_none()
    }
}

impl Reassembler {
    /// Whether any packet of this direction was seen.
    pub(crate) const fn is_seen(&self) -> bool {
        self.origin.is_some() || self.disorder.is_some()
    }

    /// Whether where it begins is known.
    pub(crate) const fn is_placed(&self) -> bool {
        self.origin.is_some()
    }

    /// Whether its SYN, or the answer to it, was seen.
    pub(crate) const fn had_handshake(&self) -> bool {
        self.handshake
    }

    /// Whether everything up to its FIN was given out.
    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Bytes in memory for what is out of order.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.disorder.as_ref().map_or(0, |disorder| disorder.held_bytes)
    }

    /// Whether what a segment without flags brings at `sequence` is simply what comes next.
    pub(crate) const fn is_next(&self, sequence: u32) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what the wire has")]
        let next = self.next as u32;
        self.disorder.is_none() && self.origin.is_some() && self.end.is_none() && sequence == next
    }

    /// The next `length` bytes go past it.
    pub(crate) const fn pass(&mut self, length: u64) {
        self.next += length;
    }

    /// Whether an RST with this sequence number may come from this sender (RFC 9293, section 3.5.3): in the window, as far as
    /// that is known here, and not far behind what the peer has had.
    pub(crate) fn may_reset(&self, sequence: u32) -> bool {
        let known = self.held().last_key_value().map_or(self.next, |(at, held)| at + held.content.length()).max(self.acked);
        let sequence = self.extend(sequence);
        self.origin.is_none() || (sequence + LARGEST_WINDOW >= self.next && sequence <= known + LARGEST_WINDOW)
    }

    /// The offset in the stream that an acknowledgment speaks of.
    pub(crate) fn offset_of(&self, acknowledged: u32) -> Option<u64> {
        let origin = self.origin?;
        // A FIN has a sequence number, and is no byte.
        let acknowledged = self.extend(acknowledged);
        let bytes = if self.fin_missed() == Some(acknowledged) { acknowledged - 1 } else { acknowledged.min(self.end.unwrap_or(u64::MAX)) };
        Some(bytes.saturating_sub(origin))
    }

    /// The offset in the stream at which a segment begins.
    pub(crate) fn place_of(&self, sequence: u32) -> Option<u64> {
        self.extend(sequence).checked_sub(self.origin?)
    }

    /// The offset of the next byte to give out.
    pub(crate) fn offset(&self) -> u64 {
        self.next - self.origin.unwrap_or(self.next)
    }

    /// Whether a SYN with this first sequence number opens another connection than this one.
    pub(crate) fn is_other_origin(&self, first: u32) -> bool {
        match self.origin {
            Some(origin) if self.handshake => self.extend(first) != origin,
            // Joined in the middle: the SYN may just be late.
            Some(origin) => !(self.extend(first) <= origin && origin - self.extend(first) < LATE_SYN),
            None => false,
        }
    }

    /// The stream begins at `first`: its own SYN, or the acknowledgment in the peer's, says so.
    pub(crate) fn begin(&mut self, first: u32, out: &mut Queue, tally: &mut Tally) {
        if self.origin.is_some() {
            return;
        }
        if !self.is_seen() {
            self.next = EXTENSION + u64::from(first);
        }
        let origin = self.extend(first);
        self.handshake = true;
        self.place(origin, tally);
        self.give(out);
    }

    /// The peer has received everything before `acknowledged`.
    pub(crate) fn acknowledge(&mut self, acknowledged: u32, at: Timestamp) {
        if !self.is_seen() {
            return;
        }
        let acknowledged = self.extend(acknowledged);
        if acknowledged > self.acked && acknowledged.saturating_sub(self.next) < WINDOW {
            self.acked = acknowledged;
            if acknowledged > self.next || self.disorder.is_some() {
                self.watch(at);
            }
        }
    }

    /// Takes what a segment brings.
    pub(crate) fn push(&mut self, piece: Piece, out: &mut Queue, tally: &mut Tally) {
        let Piece { sequence, payload, cut, fin, acknowledged, at } = piece;
        if !self.is_seen() {
            self.next = EXTENSION + u64::from(sequence);
            self.disorder().joining = Some((self.next, at));
        }
        let start = self.extend(sequence);
        if let Some((lowest, _)) = self.disorder.as_mut().and_then(|disorder| disorder.joining.as_mut()) {
            *lowest = start.min(*lowest);
        }
        let length = payload.length() + u64::from(cut);
        if start > self.next + WINDOW || self.end.is_some_and(|end| start + length > end) {
            tally.rejected += payload.length();
            return;
        }
        // A FIN before bytes that were seen is none of this stream.
        let known = self.held().last_key_value().map_or(0, |(at, held)| at + held.content.length()).max(self.origin.map_or(0, |_| self.next));
        if fin && self.end.is_none() && start + length >= known {
            self.end = Some(start + length);
            self.end_at = at;
        }
        if self.held().is_empty() && self.origin.is_some() && start == self.next && cut == 0 {
            if length > 0 {
                self.next += length;
                out.push(Chunk { content: payload, at, acknowledged, conflicting: false });
            }
        } else {
            if cut > 0 {
                let content = Content::Gap(u64::from(cut), LossCause::SnapLength);
                self.hold(start + payload.length(), Held { content, at, acknowledged, conflicting: false, settled: true }, tally);
            }
            if payload.length() > 0 {
                self.hold(start, Held { content: payload, at, acknowledged, conflicting: false, settled: false }, tally);
            }
        }
        self.give(out);
        self.watch(at);
    }

    /// When a hole is to be declared, or the beginning settled.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let Disorder { joining, hole, .. } = &**self.disorder.as_ref()?;
        (*joining).or(*hole).map(|(_, since)| since.saturating_add(GRACE))
    }

    /// Declares what is due at `now`.
    pub(crate) fn expire(&mut self, now: Timestamp, out: &mut Queue) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        if self.origin.is_none() {
            self.settle_origin(out);
            self.watch(now);
        } else if self.may_be_fin() {
            self.disorder().fin_missed = Some(self.acked);
            self.watch(now);
        } else {
            self.declare(self.acked, LossCause::Gap, now, out);
        }
    }

    /// Gives out all that is held, with gaps for the holes: a cap was hit.
    pub(crate) fn relieve(&mut self, at: Timestamp, out: &mut Queue) {
        self.settle_origin(out);
        self.declare_all(LossCause::BufferCap, at, out);
    }

    /// Gives out all that is held and the end: nothing more will be seen.
    pub(crate) fn finish(&mut self, at: Timestamp, out: &mut Queue) {
        self.settle_origin(out);
        self.declare_all(LossCause::Gap, at, out);
        if self.lacks_acked() && !self.may_be_fin() {
            self.declare(self.acked, LossCause::Gap, at, out);
        }
        if let Some(end) = self.end {
            self.declare(end, LossCause::Gap, at, out);
        }
        if !self.ended {
            self.ended = true;
            out.push(Chunk { content: Content::Cut, at, acknowledged: None, conflicting: false });
        }
    }

    /// Copies what is held out of the blocks in which it was received.
    pub(crate) fn settle(&mut self) {
        for held in self.disorder.iter_mut().flat_map(|disorder| disorder.held.values_mut()) {
            if !mem::replace(&mut held.settled, true) {
                held.content.settle();
            }
        }
    }

    fn disorder(&mut self) -> &mut Disorder {
        self.disorder.get_or_insert_default()
    }

    fn held(&self) -> &BTreeMap<u64, Held> {
        self.disorder.as_ref().map_or(&NOTHING, |disorder| &disorder.held)
    }

    fn fin_missed(&self) -> Option<u64> {
        self.disorder.as_ref()?.fin_missed
    }

    fn extend(&self, sequence: u32) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what the wire has")]
        let distance = sequence.wrapping_sub(self.next as u32).cast_signed();
        self.next.wrapping_add_signed(i64::from(distance))
    }

    fn settle_origin(&mut self, out: &mut Queue) {
        if let Some((lowest, _)) = self.disorder.as_ref().and_then(|disorder| disorder.joining) {
            // Nothing stands before the lowest.
            self.place(lowest, &mut Tally::default());
            self.give(out);
        }
    }

    fn place(&mut self, origin: u64, tally: &mut Tally) {
        self.origin = Some(origin);
        self.next = origin;
        let Some(disorder) = &mut self.disorder else { return };
        disorder.joining = None;
        // What was seen before the origin belongs to nothing.
        let after = disorder.held.split_off(&origin);
        for held in mem::replace(&mut disorder.held, after).values() {
            disorder.held_bytes -= held.content.size();
            tally.rejected += held.content.seen();
        }
    }

    /// Holds the parts of a piece that are not held yet, and were not given out yet.
    ///
    /// A gap is as long as a header says, not as long as what was read: it ends where something held begins, so that no packet
    /// takes more time than its bytes are worth. What it leaves open is a hole like any other.
    fn hold(&mut self, mut start: u64, mut piece: Held, tally: &mut Tally) {
        if self.origin.is_some() && start < self.next {
            let seen = (self.next - start).min(piece.content.length());
            tally.retransmitted += piece.cut_front(seen);
            start += seen;
        }
        let once = matches!(piece.content, Content::Gap(..));
        while piece.content.length() > 0 {
            let end = start + piece.content.length();
            let disorder = self.disorder.get_or_insert_default();
            let before = disorder.held.range_mut(..=start).next_back().filter(|(at, held)| **at + held.content.length() > start);
            if let Some((at, held)) = before {
                // Held already: the first copy stays.
                let shared = (*at + held.content.length()).min(end) - start;
                let offset = start - *at;
                held.conflicting |= differ(&held.content, offset, &piece.content, shared);
                tally.retransmitted += piece.cut_front(shared);
                start += shared;
            } else {
                let until = disorder.held.range(start..end).next().map_or(end, |(at, _)| *at);
                let part = piece.split_front(until - start);
                disorder.held_bytes += part.content.size();
                disorder.held.insert(start, part);
                start = until;
            }
            if once {
                return;
            }
        }
    }

    /// Gives out what now stands in order.
    fn give(&mut self, out: &mut Queue) {
        if self.origin.is_none() {
            return;
        }
        while let Some(disorder) = &mut self.disorder
            && let Some(entry) = disorder.held.first_entry()
        {
            debug_assert!(*entry.key() >= self.next, "nothing that was given out is held");
            if *entry.key() != self.next {
                break;
            }
            let Held { content, at, acknowledged, conflicting, .. } = entry.remove();
            disorder.held_bytes -= content.size();
            self.next += content.length();
            out.push(Chunk { content, at, acknowledged, conflicting });
        }
        if self.end.is_some_and(|end| self.next >= end) && !self.ended {
            self.ended = true;
            out.push(Chunk { content: Content::End, at: self.end_at, acknowledged: None, conflicting: false });
        }
    }

    /// Begins or ends the wait for a hole. Progress begins it anew.
    fn watch(&mut self, at: Timestamp) {
        let next = self.next;
        if self.lacks_acked() {
            let hole = &mut self.disorder().hole;
            *hole = hole.filter(|(before, _)| *before == next).or(Some((next, at)));
        } else if let Some(disorder) = &mut self.disorder {
            disorder.hole = None;
        }
        if self.origin.is_some() && self.disorder.as_ref().is_some_and(|disorder| disorder.is_over()) {
            self.disorder = None;
        }
    }

    /// Whether the peer has had bytes that were not seen here.
    fn lacks_acked(&self) -> bool {
        let acked = self.acked.min(self.end.unwrap_or(u64::MAX));
        self.origin.is_some() && acked > self.next && self.fin_missed() != Some(acked)
    }

    /// Whether all that the peer has had besides is one sequence number: a FIN rather than a byte.
    fn may_be_fin(&self) -> bool {
        self.end.is_none() && self.held().is_empty() && self.acked == self.next + 1
    }

    fn declare_all(&mut self, cause: LossCause, at: Timestamp, out: &mut Queue) {
        while let Some((start, _)) = self.held().first_key_value() {
            let start = *start;
            self.declare(start, cause, at, out);
        }
    }

    /// Declares holes lost up to `until`, and gives out what stood behind each.
    fn declare(&mut self, until: u64, cause: LossCause, at: Timestamp, out: &mut Queue) {
        let until = until.min(self.end.unwrap_or(u64::MAX));
        while self.next < until {
            let hole_end = self.held().first_key_value().map_or(until, |(start, _)| (*start).min(until));
            out.push(Chunk { content: Content::Gap(hole_end - self.next, cause), at, acknowledged: None, conflicting: false });
            self.next = hole_end;
            self.give(out);
        }
        self.give(out);
        self.watch(at);
    }
}

impl Held {
    /// Drops the first `length` bytes and says how many of them had been seen.
    fn cut_front(&mut self, length: u64) -> u64 {
        self.split_front(length).content.seen()
    }

    /// Takes the first `length` bytes off.
    fn split_front(&mut self, length: u64) -> Self {
        let content = match &mut self.content {
            Content::Data(data) => Content::Data(data.split_to(usize::try_from(length).map_or(data.len(), |length| length.min(data.len())))),
            Content::Gap(missing, cause) => {
                *missing -= length;
                Content::Gap(length, *cause)
            }
            Content::Passed(passed) => {
                *passed -= length;
                Content::Passed(length)
            }
            Content::End | Content::Cut => Content::Cut,
        };
        Self { content, ..*self }
    }
}

/// Whether two copies of the same bytes say different things.
fn differ(held: &Content, offset: u64, other: &Content, shared: u64) -> bool {
    let (Content::Data(held), Content::Data(other)) = (held, other) else { return false };
    let (Ok(offset), Ok(shared)) = (usize::try_from(offset), usize::try_from(shared)) else { return false };
    held.get(offset..offset + shared) != other.get(..shared)
}

static NOTHING: BTreeMap<u64, Held> = BTreeMap::new();
/// How long the peer's acknowledgment may be ahead of the bytes: mirrors and queues reorder packets.
const GRACE: Duration = Duration::from_millis(250);
/// A segment further ahead than the largest window that TCP can open is of no use.
const WINDOW: u64 = 1 << 30;
/// An RST further away than a window without scaling is none of this connection.
const LARGEST_WINDOW: u64 = 1 << 16;
/// A SYN this far before a stream that was joined in the middle is its own, seen late.
const LATE_SYN: u64 = 1 << 20;
/// Sequence numbers are extended from here, so that what lies before the first one seen is positive too.
const EXTENSION: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_gap_ends_where_something_is_held() {
        let (mut stream, mut out, mut tally, at) = (Reassembler::default(), Queue::default(), Tally::default(), Timestamp::default());
        stream.begin(100, &mut out, &mut tally);
        let byte = || Content::Data(Bytes::from_static(b"x"));
        let nothing = || Content::Data(Bytes::new());
        for (sequence, payload, cut) in [(110, byte(), 0), (112, byte(), 0), (105, nothing(), 1 << 24), (110, nothing(), 1 << 24)] {
            stream.push(Piece { sequence, payload, cut, fin: false, acknowledged: None, at }, &mut out, &mut tally);
        }
        stream.finish(at, &mut out);
        let given: Vec<Content> = std::iter::from_fn(|| out.pop()).map(|chunk| chunk.content).collect();
        let missed = |length| Content::Gap(length, LossCause::Gap);
        assert_eq!(given, [missed(5), Content::Gap(5, LossCause::SnapLength), byte(), missed(1), byte(), Content::Cut]);
    }
}
