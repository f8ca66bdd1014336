//! Connections.
//!
//! Segments flow in, exchanges flow out. A [`FlowTable`] finds the connection of each segment, opens and closes connections, and
//! lets time pass for them. It is one shard: it owns all that its connections need (table, timers, ledger, its share of every
//! cap) and shares nothing, so that several can run on threads of their own. Nothing here knows of packets or files.

mod connection;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
#[expect(clippy::disallowed_types, reason = "looked up for each packet; never iterated without sorting")]
use std::collections::HashMap;

use bytes::Bytes;
use reenact_formats::model::{ConnectionId, Exchange, LossCause, LossLedger, Timestamp};

use self::connection::Connection;
use crate::Limits;
use crate::packet::Segment;
pub(crate) use crate::packet::{Direction, FlowKey};

/// What a connection writes to while it works.
pub(crate) struct Output<'a> {
    pub(crate) ledger: &'a mut LossLedger,
    pub(crate) exchanges: &'a mut Vec<Exchange>,
    pub(crate) limits: &'a Limits,
}

#[expect(clippy::disallowed_types, reason = "see the import")]
type Connections = HashMap<FlowKey, Connection>;

pub(crate) struct FlowTable {
    limits: Limits,
    connections: Connections,
    /// Each connection stands here at least once, at or before the time at which it next needs attention.
    timers: BinaryHeap<Reverse<(Timestamp, ConnectionId, FlowKey)>>,
    /// Connections that may hold slices of the block that is being read.
    touched: Vec<FlowKey>,
    opened: u64,
    held: u64,
    ledger: LossLedger,
    /// Completed, in order of completion, not fetched yet.
    exchanges: Vec<Exchange>,
}

impl FlowTable {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            connections: Connections::default(),
            timers: BinaryHeap::new(),
            touched: Vec::new(),
            opened: 0,
            held: 0,
            ledger: LossLedger::default(),
            exchanges: Vec::new(),
        }
    }

    /// What became of the streams so far.
    pub(crate) const fn ledger(&self) -> &LossLedger {
        &self.ledger
    }

    /// The exchanges that were completed since this was last asked.
    pub(crate) fn take_exchanges(&mut self) -> std::vec::Drain<'_, Exchange> {
        self.exchanges.drain(..)
    }

    /// Takes a segment of a batch's `block`; `now` is the time to which all packets have come.
    pub(crate) fn segment(&mut self, segment: Segment, block: &Bytes, now: Timestamp) {
        let (key, at) = (segment.flow, segment.at);
        if self.connections.get(&key).is_some_and(|connection| connection.is_reopened_by(&segment)) {
            self.close(&key, at);
        }
        if !self.connections.contains_key(&key) {
            // An acknowledgment or the end of something that was never seen opens nothing.
            if !segment.syn && segment.payload.is_empty() && segment.cut == 0 {
                return;
            }
            self.make_room(at);
            self.opened += 1;
            self.ledger.connections += 1;
            self.connections.insert(key, Connection::new(ConnectionId(self.opened), key.ends()));
        }
        let connection = self.connections.get_mut(&key).expect("found or inserted above");
        let mut output = Output { ledger: &mut self.ledger, exchanges: &mut self.exchanges, limits: &self.limits };
        let before = connection.held();
        connection.segment(segment, block, now, &mut output);
        if self.held - before + connection.held() > self.limits.max_buffered {
            connection.relieve(at, &mut output);
        }
        self.held = self.held - before + connection.held();
        if connection.holds() && !std::mem::replace(&mut connection.touched, true) {
            self.touched.push(key);
        }
        let due = connection.due(&self.limits);
        if connection.timer.is_none_or(|timer| due < timer) {
            connection.timer = Some(due);
            self.timers.push(Reverse((due, connection.id(), key)));
        }
    }

    /// Lets time pass to `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(Reverse((due, id, key))) = self.timers.peek().copied()
            && due <= now
        {
            self.timers.pop();
            let Some(connection) = self.connections.get_mut(&key).filter(|connection| connection.id() == id && connection.timer == Some(due)) else {
                continue;
            };
            if connection.is_over(now, &self.limits) {
                self.close(&key, now);
                continue;
            }
            let mut output = Output { ledger: &mut self.ledger, exchanges: &mut self.exchanges, limits: &self.limits };
            let before = connection.held();
            connection.expire(now, &mut output);
            self.held = self.held - before + connection.held();
            let due = connection.due(&self.limits);
            connection.timer = Some(due);
            self.timers.push(Reverse((due, id, key)));
        }
    }

    /// The block that was being read is done with: what is still held of it is copied out, so that it can be freed.
    pub(crate) fn settle(&mut self) {
        for key in self.touched.drain(..) {
            if let Some(connection) = self.connections.get_mut(&key) {
                connection.touched = false;
                connection.settle();
            }
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, now: Timestamp) {
        let mut keys: Vec<(ConnectionId, FlowKey)> = self.connections.iter().map(|(key, connection)| (connection.id(), *key)).collect();
        keys.sort_unstable();
        for (_, key) in keys {
            self.close(&key, now);
        }
    }

    fn close(&mut self, key: &FlowKey, now: Timestamp) {
        let Some(connection) = self.connections.remove(key) else { return };
        self.held -= connection.held();
        connection.finish(now, &mut Output { ledger: &mut self.ledger, exchanges: &mut self.exchanges, limits: &self.limits });
    }

    /// Too many connections: the one that has waited longest is let go.
    fn make_room(&mut self, now: Timestamp) {
        while self.connections.len() as u64 >= self.limits.max_flows
            && let Some(Reverse((_, id, key))) = self.timers.pop()
        {
            if self.connections.get(&key).is_some_and(|connection| connection.id() == id) {
                self.ledger.lose(LossCause::FlowCap, 1);
                self.close(&key, now);
            }
        }
    }
}
