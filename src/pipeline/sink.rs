//! Where the exchanges of a recording go: through the redactor, into the writer.
//!
//! In: exchanges, several at once, in the order in which they were completed. Out: parts. Redaction runs on all threads, and so
//! does the writing of one part while the next is gathered. What never happens here: what is written depends on how many threads
//! there are, or an exchange that is to be redacted passes by the redactor.

use std::path::Path;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use reenact_formats::disk::recording::{Manifest, RecordingWriter, Sanitized, WriterOptions};
use reenact_formats::model::{ConnectionId, Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink, Redact};
use reenact_sanitize::{Originals, Redactor};

use super::Error;

/// Writes a recording, redacted or raw.
pub(super) struct RecordingSink {
    redaction: Option<Lanes>,
    writer: RecordingWriter,
    /// Who redacts, if not the caller's thread.
    pool: Option<Arc<ThreadPool>>,
}

impl RecordingSink {
    /// Begins a recording in a folder that does not exist yet or is empty; raw without a redactor.
    pub(super) fn create(output: &Path, redactor: Option<&Redactor>, options: WriterOptions, pool: Option<Arc<ThreadPool>>) -> Result<Self, Error> {
        let sanitized = redactor.map(|redactor| Sanitized { key_id: redactor.key_id(), policy_digest: redactor.policy_digest() });
        let writer = RecordingWriter::create(output, WriterOptions { sanitized, ..options })?;
        Ok(Self { redaction: redactor.map(Lanes::new), writer, pool })
    }

    /// Takes exchanges that were completed one after the other.
    pub(super) fn take(&mut self, mut exchanges: Vec<Exchange>) -> Result<(), Error> {
        if let Some(lanes) = &mut self.redaction {
            lanes.redact(&mut exchanges, self.pool.as_deref());
        }
        Ok(exchanges.iter().try_for_each(|exchange| self.writer.write(exchange))?)
    }

    /// Publishes what is left. The originals are those that were replaced, if any were to be.
    pub(super) fn finish(self, ledger: &LossLedger) -> Result<(Manifest, Option<Originals>), Error> {
        Ok((self.writer.finish(ledger)?, self.redaction.map(Lanes::originals)))
    }
}

impl ExchangeSink for RecordingSink {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        Ok(self.take(vec![exchange])?)
    }

    fn exchanges(&mut self, exchanges: Vec<Exchange>) -> Result<(), BoxError> {
        Ok(self.take(exchanges)?)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        Ok(self.writer.tick(now, ledger)?)
    }
}

/// Redactors that work at once, each on connections of its own: always as many, so that what they make of an exchange does
/// not depend on how many threads there are.
struct Lanes(Vec<Redactor>);

impl Lanes {
    fn new(redactor: &Redactor) -> Self {
        Self((0..LANES).map(|_| redactor.lane()).collect())
    }

    /// Redacts in place. The exchanges of a connection meet one redactor, in order.
    fn redact(&mut self, exchanges: &mut [Exchange], pool: Option<&ThreadPool>) {
        let mut queues: Vec<(&mut Redactor, Vec<&mut Exchange>)> = self.0.iter_mut().map(|redactor| (redactor, Vec::new())).collect();
        for exchange in exchanges {
            queues[lane_of(exchange.id.connection)].1.push(exchange);
        }
        let redact = |(redactor, queue): (&mut Redactor, Vec<&mut Exchange>)| queue.into_iter().for_each(|exchange| redactor.exchange(exchange));
        match pool {
            Some(pool) => pool.install(|| queues.into_par_iter().for_each(redact)),
            None => queues.into_iter().for_each(redact),
        }
    }

    /// What all of them have replaced.
    fn originals(self) -> Originals {
        let mut lanes = self.0.into_iter().map(Redactor::into_originals);
        let first = lanes.next().unwrap_or_default();
        lanes.fold(first, Originals::merged)
    }
}

/// Neighbouring connections, and those that began at regular distances, go to different lanes.
const fn lane_of(connection: ConnectionId) -> usize {
    (connection.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - LANES.ilog2())) as usize
}

/// More than most machines have processors; a power of two.
const LANES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_spread_over_the_lanes() {
        for step in [1, 2, 16, 64, 1000] {
            let mut counts = [0_u32; LANES];
            (0..1600).for_each(|n| counts[lane_of(ConnectionId(n * step))] += 1);
            assert!(counts.iter().all(|count| (50..200).contains(count)), "{step}: {counts:?}");
        }
    }
}
