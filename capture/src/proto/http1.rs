//! HTTP/1 on a connection: a decoder for each direction, and the pairing of what they find.
//!
//! Chunks flow in, exchanges flow out.

use std::collections::VecDeque;

use reenact_formats::model::{Anomaly, LossCause, Side};
use reenact_formats::wire::http1::{Accounting, Decoder, Event, Limits, RequestContext};

use super::{Flow, Placed};
use crate::flow::{Direction, Output};
use crate::pair::{Kept, Pairs, Sent};
use crate::tcp::Content;

pub(crate) struct Http1 {
    /// The direction in which requests go.
    requests: Direction,
    ways: [Way; 2],
    pairs: Pairs,
}

struct Way {
    decoder: Decoder,
    /// Offset of this way at which its decoder began.
    base: u64,
    /// From which offset on the sender had acknowledged how much of the other way.
    acknowledged: Heard,
    /// Offset of the next byte to come.
    end: u64,
    /// What came last is a hole.
    holed: bool,
    conflicting: bool,
    /// Offset at which the last message ended that was found.
    finished: u64,
    counted: Accounting,
}

/// From which offset of a way on its sender had acknowledged how much of the other. Only the last two are of use in nearly all traffic.
#[derive(Default)]
struct Heard {
    earlier: VecDeque<(u64, u64)>,
    /// The last but one, and the last.
    latest: [Option<(u64, u64)>; 2],
}

impl Heard {
    /// From `offset` on its sender had received `acknowledged`.
    fn note(&mut self, offset: u64, acknowledged: u64) {
        if self.latest[1].is_some_and(|(_, last)| last == acknowledged) {
            return;
        }
        let [earlier, last] = self.latest;
        self.earlier.extend(earlier);
        if self.earlier.len() + 2 > MAX_ACKNOWLEDGED {
            self.earlier.pop_front();
        }
        self.latest = [last, Some((offset, acknowledged))];
    }

    /// How much it had received when it sent the last byte before `offset`.
    fn before(&self, offset: u64) -> Option<u64> {
        let latest = self.latest.iter().rev().flatten();
        latest.chain(self.earlier.iter().rev()).find(|(from, _)| *from < offset).map(|(_, acknowledged)| *acknowledged)
    }

    /// How much it had received when it sent the byte at `offset`; what it had received before that is not asked for any more.
    fn at(&mut self, offset: u64) -> Option<u64> {
        let is_known = |heard: Option<(u64, u64)>| heard.filter(|(from, _)| *from <= offset);
        if let Some(last) = is_known(self.latest[1]) {
            *self = Self { latest: [None, Some(last)], ..Self::default() };
            return Some(last.1);
        }
        if let Some(before) = is_known(self.latest[0]) {
            self.earlier.clear();
            return Some(before.1);
        }
        while self.earlier.get(1).is_some_and(|(from, _)| *from <= offset) {
            self.earlier.pop_front();
        }
        is_known(self.earlier.front().copied()).map(|(_, acknowledged)| acknowledged)
    }
}

impl Http1 {
    pub(super) fn new(requests: Direction, joined: [bool; 2], flow: &Flow, limits: &crate::Limits) -> Self {
        let limits = Limits { max_body: limits.max_body, ..Limits::default() };
        let way = |direction: Direction| {
            let side = if direction == requests { Side::Request } else { Side::Response };
            let decoder = if joined[direction] { Decoder::midstream(side, limits) } else { Decoder::new(side, limits) };
            Way { decoder, base: 0, acknowledged: Heard::default(), end: 0, holed: false, conflicting: false, finished: 0, counted: Accounting::default() }
        };
        Self { requests, ways: [way(0), way(1)], pairs: Pairs::new(requests, flow.midstream) }
    }

    /// Takes the first chunk of a connection of which earlier bytes were counted elsewhere.
    pub(super) fn take_first(&mut self, placed: Placed, flow: &Flow, output: &mut Output<'_>) {
        self.ways[placed.direction].base = placed.offset;
        // Where the other way stands is what this one's sender has received of it, as far as anyone can tell.
        self.ways[1 - placed.direction].base = placed.acknowledged.unwrap_or_default();
        self.take(placed, flow, output);
    }

    pub(super) fn take(&mut self, placed: Placed, flow: &Flow, output: &mut Output<'_>) {
        let Placed { direction, chunk, offset, acknowledged } = placed;
        let way = &mut self.ways[direction];
        if let Some(acknowledged) = acknowledged {
            way.acknowledged.note(offset, acknowledged);
        }
        way.end = offset + chunk.content.length();
        way.holed = matches!(chunk.content, Content::Gap(..));
        way.conflicting |= chunk.conflicting;
        match chunk.content {
            Content::Data(data) => way.decoder.feed(data, chunk.at),
            Content::Gap(missing, _) | Content::Passed(missing) => way.decoder.gap(missing, chunk.at),
            Content::End => way.decoder.close(chunk.at),
            Content::Cut => way.decoder.cut(chunk.at),
        }
        if !way.decoder.is_quiet() {
            self.drain(flow, output);
        }
    }

    /// Another copy of the byte at `offset`, which was taken before, said something else.
    pub(super) fn conflict(&mut self, direction: Direction, offset: u64, output: &mut Output<'_>) {
        let side = if direction == self.requests { Side::Request } else { Side::Response };
        let way = &mut self.ways[direction];
        if offset >= way.finished {
            way.conflicting = true;
        } else if !self.pairs.mark_conflict(side, offset) {
            // What it belongs to was given out.
            *output.ledger.anomalies.entry(Anomaly::ConflictingOverlap).or_default() += 1;
        }
    }

    pub(super) fn held(&self) -> u64 {
        self.ways.iter().map(|way| way.decoder.held()).sum::<u64>() + self.pairs.held()
    }

    pub(super) fn waits(&self) -> bool {
        self.pairs.waits()
    }

    pub(super) fn settle(&mut self) {
        for way in &mut self.ways {
            way.decoder.settle();
        }
        self.pairs.settle();
    }

    pub(super) fn shed(&mut self, flow: &Flow, output: &mut Output<'_>) {
        for way in &mut self.ways {
            way.decoder.shed();
        }
        self.pairs.shed(flow, output);
        self.count(output);
    }

    pub(super) fn finish(&mut self, flow: &Flow, output: &mut Output<'_>) {
        while self.ways[self.requests].decoder.awaits_upgrade() {
            self.decide_upgrade();
            self.drain(flow, output);
        }
        self.pairs.finish(flow, output);
        self.count(output);
    }

    /// Takes from both decoders what they have found, until neither finds more.
    fn drain(&mut self, flow: &Flow, output: &mut Output<'_>) {
        let responses = 1 - self.requests;
        let mut found = false;
        loop {
            if let Some(event) = self.ways[self.requests].decoder.next() {
                self.take_request_event(event, flow, output);
                found = true;
            } else if let Some(event) = self.ways[responses].decoder.next() {
                self.take_response_event(event, flow, output);
                found = true;
            } else if self.ways[self.requests].decoder.awaits_upgrade() && self.ways[self.requests].decoder.held() > MAX_UPGRADE_WAIT {
                self.decide_upgrade();
            } else {
                break;
            }
        }
        // In the middle of a message nothing is known that the account needs.
        if found {
            self.count(output);
        }
    }

    fn take_request_event(&mut self, event: Event, flow: &Flow, output: &mut Output<'_>) {
        match event {
            Event::Begun { context, start, at } => {
                if context.http09 {
                    self.ways[1 - self.requests].decoder.allow_headless();
                }
                let (start, acknowledged) = self.place(self.requests, start);
                let decoder = &mut self.ways[self.requests].decoder;
                let unwanted = decoder.head().is_some_and(|head| output.consent.refuses(head, flow.client_and_server(self.requests)));
                if unwanted {
                    decoder.forgo_body();
                }
                let answered_until = acknowledged.and_then(|heard| self.ways[1 - self.requests].acknowledged.before(heard));
                self.pairs.begin(context, unwanted, Sent::new(start, acknowledged, answered_until, at), flow, output);
            }
            Event::Message(mut decoded) => {
                self.mark_conflict(self.requests, &mut decoded.anomalies);
                let end = self.ways[self.requests].base + decoded.span.end;
                self.ways[self.requests].finished = end;
                self.pairs.request(decoded, end, flow, output);
            }
            Event::Lost => {
                let way = &self.ways[self.requests];
                self.pairs.lose_place(Side::Request, way.end, way.holed, output);
            }
            Event::Unclaimed { .. } | Event::Interim { .. } | Event::Upgraded | _ => {}
        }
    }

    fn take_response_event(&mut self, event: Event, flow: &Flow, output: &mut Output<'_>) {
        let responses = 1 - self.requests;
        match event {
            Event::Unclaimed { start } => {
                let (start, acknowledged) = self.place(responses, start);
                let context: RequestContext = self.pairs.claim(start, acknowledged, flow, output);
                let decoder = &mut self.ways[responses].decoder;
                decoder.expect(context);
                // If it has no body there is nothing to let go.
                if decoder.head().is_some_and(|head| self.pairs.claimed_is_unwanted() || output.consent.is_opted_out(head)) {
                    decoder.forgo_body();
                    self.pairs.forgo_claimed();
                }
            }
            Event::Interim { head, .. } => {
                let length = head.raw().len() as u64;
                if self.pairs.interim(*head) == Kept::No {
                    // The decoder has taken it for recorded, and that was not counted yet.
                    self.ways[responses].counted.recorded += length;
                    output.ledger.lose(LossCause::BufferCap, length);
                }
            }
            Event::Message(mut decoded) => {
                self.mark_conflict(responses, &mut decoded.anomalies);
                let answers_last = self.pairs.claimed_is_last();
                let upgrades = self.pairs.claimed_upgrades(&decoded);
                if upgrades {
                    decoded.anomalies.insert(Anomaly::Upgraded);
                }
                let end = self.ways[responses].base + decoded.span.end;
                self.ways[responses].finished = end;
                self.pairs.response(decoded, end, flow, output);
                if answers_last && !upgrades {
                    self.ways[self.requests].decoder.resume();
                }
            }
            Event::Upgraded => self.ways[self.requests].decoder.upgrade(),
            Event::Lost => {
                let way = &self.ways[responses];
                self.pairs.lose_place(Side::Response, way.end, way.holed, output);
            }
            Event::Begun { .. } | _ => {}
        }
    }

    /// The answer was not seen: what follows a CONNECT is another protocol, what follows an ignored wish is not.
    fn decide_upgrade(&mut self) {
        let requests = &mut self.ways[self.requests].decoder;
        if self.pairs.last_request_is_connect() { requests.upgrade() } else { requests.resume() }
    }

    /// The offset in the stream of what a decoder calls `start`, and how much of the other way its sender had received by then.
    fn place(&mut self, direction: Direction, start: u64) -> (u64, Option<u64>) {
        let way = &mut self.ways[direction];
        let start = way.base + start;
        (start, way.acknowledged.at(start))
    }

    fn mark_conflict(&mut self, direction: Direction, anomalies: &mut std::collections::BTreeSet<Anomaly>) {
        if std::mem::take(&mut self.ways[direction].conflicting) {
            anomalies.insert(Anomaly::ConflictingOverlap);
        }
    }

    /// Carries what the decoders have accounted for since the last time to the ledger.
    fn count(&mut self, output: &mut Output<'_>) {
        for way in &mut self.ways {
            let (now, before) = (way.decoder.accounting(), way.counted);
            if now == before {
                continue;
            }
            way.counted = now;
            output.ledger.recorded_bytes += now.recorded - before.recorded;
            for (cause, now, before) in [
                (LossCause::Resync, now.resync, before.resync),
                (LossCause::Unparsable, now.unparsable, before.unparsable),
                (LossCause::Upgraded, now.upgraded, before.upgraded),
                (LossCause::BodyOverLimit, now.over_limit, before.over_limit),
                (LossCause::IncompleteMessage, now.incomplete_messages, before.incomplete_messages),
            ] {
                output.ledger.lose(cause, now - before);
            }
        }
        // What is left out was counted, now or before: a message is given out after the decoder has accounted for it.
        output.ledger.recorded_bytes -= self.pairs.take_filtered();
    }
}

/// In a long message both ways, the beginning's acknowledgments are of no use any more.
const MAX_ACKNOWLEDGED: usize = 64;
/// How many bytes may wait for the answer to an upgrade.
const MAX_UPGRADE_WAIT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{Heard, MAX_ACKNOWLEDGED};

    #[test]
    fn what_was_heard_when_is_what_a_list_of_all_says() {
        // Now and then a message begins; in between, the other way's bytes are acknowledged once, twice, or a hundred times.
        for notes in [1, 2, 3, 5, 100] {
            for (before, behind) in [(0, 0), (1, 0), (7, 3), (400, 399)] {
                let (mut heard, mut list) = (Heard::default(), Vec::new());
                for step in 1..=600_u64 {
                    let (offset, acknowledged) = (step * 10, step / 2 * 7);
                    heard.note(offset, acknowledged);
                    if list.last().is_none_or(|(_, last)| *last != acknowledged) {
                        list.push((offset, acknowledged));
                    }
                    let first = list.len().saturating_sub(MAX_ACKNOWLEDGED);
                    list.drain(..first);
                    let sought = (offset + 5).saturating_sub(before * 10);
                    let last = list.iter().rev().find(|(from, _)| *from < sought).map(|(_, acknowledged)| *acknowledged);
                    assert_eq!(heard.before(sought), last, "before {sought}");
                    if step % notes == 0 {
                        let begun = (offset + 5).saturating_sub(behind * 10);
                        let known = list.iter().rposition(|(from, _)| *from <= begun);
                        list.drain(..known.unwrap_or_default());
                        assert_eq!(heard.at(begun), known.map(|_| list[0].1), "at {begun}");
                    }
                }
            }
        }
    }
}
