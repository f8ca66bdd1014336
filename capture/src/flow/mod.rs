//! Connections.
//!
//! Segments flow in, exchanges flow out. A [`Shard`] finds the connection of each segment, opens and closes connections, and lets
//! time pass for them. It owns all that its connections need (table, timers, its share of every cap) and shares nothing, so that
//! shards can run on any number of threads: what one does depends on its own segments and on the time that they carry, never on
//! how far another has come. Nothing here knows of packets or files.

mod connection;
mod recent;
mod shards;

use std::cmp::Reverse;
#[expect(clippy::disallowed_types, reason = "looked up for each packet; never iterated without sorting")]
use std::collections::HashMap;
use std::collections::{BinaryHeap, VecDeque};

use bytes::Bytes;
use foldhash::fast::RandomState;
use reenact_formats::model::{ConnectionId, Exchange, LossCause, LossLedger, Timestamp};

use self::connection::Connection;
pub(crate) use self::shards::{Found, Lane, SHARDS, Shards, Sorted};
use crate::packet::Segment;
pub(crate) use crate::packet::{Direction, FlowKey};
use crate::{Consent, Limits};

/// What a connection writes to while it works.
pub(crate) struct Output<'a> {
    pub(crate) ledger: &'a mut LossLedger,
    pub(crate) exchanges: &'a mut Vec<Exchange>,
    pub(crate) limits: &'a Limits,
    pub(crate) consent: &'a Consent,
}

/// A connection is boxed: a table that grows moves keys and pointers only.
#[expect(clippy::disallowed_types, reason = "see the import")]
type Connections = HashMap<FlowKey, Box<Connection>, RandomState>;

type Timers = BinaryHeap<Reverse<(Timestamp, ConnectionId, FlowKey)>>;

#[derive(Default)]
struct Shard {
    connections: Connections,
    /// Before this time none of the three below has anything to say.
    due: Option<Timestamp>,
    /// Each connection stands here once, at or before the time at which it will have been silent for too long.
    silent: Timers,
    /// Those that have ended, until what was still under way has come.
    closed: VecDeque<(Timestamp, ConnectionId, FlowKey)>,
    /// Connections with a hole stand here, at the time at which it is declared lost.
    holes: Timers,
    /// Connections that began to hold slices in the batch before the present one, and in the present one.
    holding: [Vec<FlowKey>; 2],
    /// Bytes in memory for all connections.
    held: u64,
}

impl Shard {
    /// Takes a segment, which is the capture's packet number `ordinal`; `now` is the time to which all packets have come.
    fn segment(&mut self, segment: &Segment, ordinal: u64, now: Timestamp, block: &Bytes, batch: u64, output: &mut Output<'_>) {
        self.advance(now, output);
        self.take(segment, ordinal, now, block, batch, output);
    }

    fn take(&mut self, segment: &Segment, ordinal: u64, now: Timestamp, block: &Bytes, batch: u64, output: &mut Output<'_>) {
        let key = segment.flow;
        let at = segment.at;
        if segment.syn && self.connections.get(&key).is_some_and(|connection| connection.is_reopened_by(segment)) {
            self.close(&key, at, output);
        }
        let Some(connection) = self.connections.get_mut(&key) else {
            // An acknowledgment or the end of something that was never seen opens nothing.
            if segment.syn || !segment.payload.is_empty() || segment.cut > 0 {
                self.open(key, ConnectionId(ordinal), at, now, output);
                // No time passes in between: at the end of time it would be closed as soon as it is opened.
                self.take(segment, ordinal, now, block, batch, output);
            }
            return;
        };
        weighing(&mut self.held, connection, |connection| connection.segment(segment, block, batch, now, output));
        if connection.holds() {
            if connection.held_since.is_none() {
                connection.held_since = Some(batch);
                self.holding[1].push(key);
            }
        } else {
            connection.held_since = None;
        }
        let id = connection.id();
        let due = connection.newly_due();
        let gone = connection.is_newly_closed().then(|| connection.silent_until(output.limits));
        if let Some(due) = due {
            self.holes.push(Reverse((due, id, key)));
            self.look_at(due);
        }
        if let Some(gone) = gone {
            self.closed.push_back((gone, id, key));
            self.look_at(gone);
        }
    }

    fn open(&mut self, key: FlowKey, id: ConnectionId, at: Timestamp, now: Timestamp, output: &mut Output<'_>) {
        self.make_room(at, output);
        output.ledger.connections += 1;
        let connection = Box::new(Connection::new(id, key.ends(), now));
        let silent = connection.silent_until(output.limits);
        self.connections.insert(key, connection);
        self.silent.push(Reverse((silent, id, key)));
        self.look_at(silent);
    }

    /// Something will be due at `due`.
    fn look_at(&mut self, due: Timestamp) {
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// Lets time pass to `now`.
    fn advance(&mut self, now: Timestamp, output: &mut Output<'_>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        while let Some(Reverse((due, id, key))) = self.holes.peek().copied()
            && due <= now
        {
            self.holes.pop();
            let Some(connection) = self.connections.get_mut(&key).filter(|connection| connection.id() == id) else { continue };
            weighing(&mut self.held, connection, |connection| connection.expire(now, output));
            if let Some(due) = connection.newly_due() {
                self.holes.push(Reverse((due, id, key)));
            }
        }
        while let Some((due, id, key)) = self.closed.front().copied()
            && due <= now
        {
            self.closed.pop_front();
            match self.connections.get(&key).filter(|connection| connection.id() == id).map(|connection| connection.silent_until(output.limits)) {
                Some(due) if due > now => self.closed.push_back((due, id, key)),
                Some(_) => self.close(&key, now, output),
                None => {}
            }
        }
        while self.silent.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            if let Some(key) = self.take_silent(output.limits) {
                self.close(&key, now, output);
            }
        }
        let first = |timers: &Timers| timers.peek().map(|Reverse((due, ..))| *due);
        self.due = [first(&self.holes), self.closed.front().map(|(due, ..)| *due), first(&self.silent)].into_iter().flatten().min();
    }

    /// Takes the first of the silent, if its time stands: one that has been seen since is put where it belongs, one that is gone
    /// is dropped.
    fn take_silent(&mut self, limits: &Limits) -> Option<FlowKey> {
        let Reverse((noted, id, key)) = self.silent.pop()?;
        let connection = self.connections.get(&key).filter(|connection| connection.id() == id)?;
        let due = connection.silent_until(limits);
        if due > noted {
            self.silent.push(Reverse((due, id, key)));
            return None;
        }
        Some(key)
    }

    /// A batch has ended: what is held of the block before its own is copied out, so that the block can be freed.
    fn settle(&mut self, batch: u64) {
        let [before, present] = &mut self.holding;
        std::mem::swap(before, present);
        for key in present.drain(..) {
            if let Some(connection) = self.connections.get_mut(&key).filter(|connection| connection.held_since.is_some_and(|since| since < batch)) {
                weighing(&mut self.held, connection, Connection::settle);
                // Its next segment lists it again.
                connection.held_since = None;
            }
        }
    }

    /// There is too much in memory: the connections that hold most let go of it, until the shard holds no more than `share`.
    fn relieve(&mut self, share: u64, now: Timestamp, output: &mut Output<'_>) {
        if self.held <= share {
            return;
        }
        let mut holders: Vec<(Reverse<u64>, ConnectionId, FlowKey)> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.held() > 0)
            .map(|(key, connection)| (Reverse(connection.held()), connection.id(), *key))
            .collect();
        holders.sort_unstable();
        for (_, _, key) in holders {
            let Some(connection) = self.connections.get_mut(&key) else { continue };
            weighing(&mut self.held, connection, |connection| connection.relieve(now, output));
            if self.held <= share {
                break;
            }
        }
    }

    /// Nothing more will come.
    fn finish(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let mut keys: Vec<(ConnectionId, FlowKey)> = self.connections.iter().map(|(key, connection)| (connection.id(), *key)).collect();
        keys.sort_unstable();
        for (_, key) in keys {
            self.close(&key, now, output);
        }
    }

    fn close(&mut self, key: &FlowKey, now: Timestamp, output: &mut Output<'_>) {
        let Some(connection) = self.connections.remove(key) else { return };
        self.held -= connection.held();
        connection.finish(now, output);
        // Of what is gone, notes stay behind; they are not let pile up, not even if time stands still.
        if self.silent.len() + self.closed.len() + self.holes.len() > 4 * self.connections.len() + LEFT_BEHIND {
            let connections = &self.connections;
            let is_there = |id: ConnectionId, key: &FlowKey| connections.get(key).is_some_and(|connection| connection.id() == id);
            self.silent.retain(|Reverse((_, id, key))| is_there(*id, key));
            self.closed.retain(|(_, id, key)| is_there(*id, key));
            self.holes.retain(|Reverse((_, id, key))| is_there(*id, key));
        }
    }

    /// Not all can be followed any longer: those that are not among the `kept` end here, with what is known of them.
    fn shed(&mut self, kept: u32, now: Timestamp, output: &mut Output<'_>) {
        let mut gone: Vec<_> = self.connections.iter().filter(|(key, _)| !key.is_among(kept)).map(|(key, connection)| (connection.id(), *key)).collect();
        gone.sort_unstable();
        output.ledger.lose(LossCause::ShedConnection, gone.len() as u64);
        for (_, key) in gone {
            self.close(&key, now, output);
        }
    }

    /// Too many connections: the one that would be given up first anyway is let go.
    fn make_room(&mut self, now: Timestamp, output: &mut Output<'_>) {
        let share = output.limits.max_flows.div_ceil(SHARDS as u64).max(1);
        while self.connections.len() as u64 >= share && !self.silent.is_empty() {
            if let Some(key) = self.take_silent(output.limits) {
                output.ledger.lose(LossCause::FlowCap, 1);
                self.close(&key, now, output);
            }
        }
    }
}

/// Does something with a connection; `held` follows what it holds.
fn weighing(held: &mut u64, connection: &mut Connection, work: impl FnOnce(&mut Connection)) {
    let before = connection.held();
    work(connection);
    *held = *held - before + connection.held();
}

/// How many notes of connections that are gone a shard may always have.
const LEFT_BEHIND: usize = 64;
