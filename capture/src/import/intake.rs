//! What all importers do with what they find: number it, count it, hand it on.
//!
//! Exchanges flow in, batches of them flow out to the sink; entries are counted. Connections are numbered by the entry that opened
//! them, as those of a capture are by the packet.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use reenact_formats::model::{Anomaly, ConnectionId, Exchange, ExchangeId, LossCause, LossLedger, Message, Notice, Timestamp, Unreadable};
use reenact_formats::seam::ExchangeSink;
use reenact_formats::wire::http1::Limits;
use sha2::{Digest as _, Sha256};

use super::ImportOptions;
use super::input::Input;
use crate::{Control, Error, Progress};

pub(super) struct Intake<'a> {
    sink: &'a mut dyn ExchangeSink,
    control: &'a Control,
    pub(super) limits: Limits,
    pub(super) ledger: LossLedger,
    notes: Vec<String>,
    batch: Vec<Exchange>,
    batch_bytes: u64,
    given: u64,
    now: Timestamp,
    connections: Connections,
}

impl<'a> Intake<'a> {
    pub(super) fn new(sink: &'a mut dyn ExchangeSink, control: &'a Control, options: &ImportOptions) -> Self {
        Self {
            sink,
            control,
            limits: Limits { max_body: options.max_body, ..Limits::default() },
            ledger: LossLedger::default(),
            notes: Vec::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            given: 0,
            now: Timestamp::from_nanos(i64::MIN),
            connections: Connections::default(),
        }
    }

    /// Another entry begins.
    pub(super) const fn begin_entry(&mut self) {
        self.ledger.entries += 1;
    }

    /// The entry that was begun last cannot be read.
    pub(super) fn cannot_read(&mut self, why: Unreadable) {
        self.ledger.cannot_read(self.ledger.entries, why);
    }

    /// The entry that was begun last is no recorded traffic.
    pub(super) fn pass_over(&mut self) {
        self.ledger.notice(Notice::PassedOver, 1);
    }

    /// Its user should know.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Whether to stop here.
    pub(super) fn is_stopped(&self) -> bool {
        self.control.stop.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// The id of an exchange that the entry that was begun last begins, on the connection that its source calls `key`, or on one of its own.
    pub(super) fn place(&mut self, key: Option<&[u8]>) -> ExchangeId {
        let entry = self.ledger.entries;
        let (opened, index) = key.map_or((entry, 1), |key| self.connections.next(key, entry));
        self.ledger.connections += u64::from(opened == entry);
        ExchangeId { connection: ConnectionId(opened), index }
    }

    /// Hands an exchange on.
    pub(super) fn give(&mut self, mut exchange: Exchange, input: &Input) -> Result<(), Error> {
        for (is_missing, anomaly, cause) in [
            (exchange.request.is_none(), Anomaly::MissingRequest, LossCause::MissingRequest),
            (exchange.response.is_none(), Anomaly::MissingResponse, LossCause::MissingResponse),
        ] {
            if is_missing {
                exchange.anomalies.insert(anomaly);
                self.ledger.lose(cause, 1);
            }
        }
        self.ledger.requests += u64::from(exchange.request.is_some());
        self.ledger.responses += u64::from(exchange.response.is_some());
        self.ledger.interim += exchange.interim.len() as u64;
        self.ledger.complete += u64::from(exchange.is_complete());
        for anomaly in &exchange.anomalies {
            *self.ledger.anomalies.entry(*anomaly).or_default() += 1;
        }
        self.now = self.now.max(exchange.timing.end.unwrap_or(exchange.start));
        self.batch_bytes += EXCHANGE_BYTES + [&exchange.request, &exchange.response].into_iter().flatten().map(size).sum::<u64>();
        self.batch.push(exchange);
        if self.batch_bytes >= BATCH_BYTES { self.hand_on(input) } else { Ok(()) }
    }

    fn hand_on(&mut self, input: &Input) -> Result<(), Error> {
        self.given += self.batch.len() as u64;
        self.batch_bytes = 0;
        self.sink.exchanges(std::mem::take(&mut self.batch)).map_err(Error::Sink)?;
        self.sink.tick(self.now, &self.ledger).map_err(Error::Sink)?;
        if let Some(progress) = &self.control.progress {
            let (bytes, total_bytes) = input.progress();
            progress(&Progress { bytes, total_bytes, packets: self.ledger.entries, exchanges: self.given, now: self.now });
        }
        Ok(())
    }

    /// Hands on what is left. The account, and what is to be told.
    pub(super) fn finish(mut self, input: &Input) -> Result<(LossLedger, Vec<String>), Error> {
        if self.is_stopped() {
            let read = self.ledger.entries;
            self.note(format!("stopped behind entry {read} of {}: what follows is not imported", input.name()));
        }
        if !self.batch.is_empty() {
            self.hand_on(input)?;
        }
        Ok((self.ledger, self.notes))
    }
}

fn size(message: &Message) -> u64 {
    message.head.raw().len() as u64 + message.body.kept_length()
}

/// An exchange of which nothing is known but its id and when it began.
pub(super) fn exchange(id: ExchangeId, start: Timestamp) -> Exchange {
    Exchange { id, start, ..Exchange::between(NOWHERE, NOWHERE) }
}

/// The connections that were seen lately: who is not seen among as many others is forgotten, and opens a new one when it comes again.
#[derive(Default)]
struct Connections {
    young: BTreeMap<Key, Known>,
    old: BTreeMap<Key, Known>,
}

/// What a connection is called, as a digest: names may be long, and made to fill memory.
type Key = [u8; 32];

#[derive(Clone, Copy)]
struct Known {
    opened: u64,
    exchanges: u32,
}

impl Connections {
    /// The entry that opened a connection, and the index of the next exchange on it.
    fn next(&mut self, key: &[u8], entry: u64) -> (u64, u32) {
        let key: Key = Sha256::digest(key).into();
        if let Some(known) = self.young.get_mut(&key) {
            known.exchanges += 1;
            return (known.opened, known.exchanges);
        }
        let before = self.old.remove(&key).unwrap_or(Known { opened: entry, exchanges: 0 });
        let known = Known { exchanges: before.exchanges + 1, ..before };
        if self.young.len() == MOST_CONNECTIONS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known);
        (known.opened, known.exchanges)
    }
}

/// An address that is not known.
pub(super) const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Half of as many connections as are known at once.
const MOST_CONNECTIONS: usize = 1 << 16;
/// What is handed on at once.
const BATCH_BYTES: u64 = 1 << 20;
/// What an exchange takes beside its messages.
const EXCHANGE_BYTES: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_of_connections_are_told_apart() {
        let mut connections = Connections::default();
        let names = ["a".repeat(5000), "a".repeat(4999) + "b"];
        let mut next = |name: usize, entry| connections.next(names[name].as_bytes(), entry);
        assert_eq!([next(0, 1), next(1, 2), next(0, 3), next(1, 4)], [(1, 1), (2, 1), (1, 2), (2, 2)]);
    }
}
