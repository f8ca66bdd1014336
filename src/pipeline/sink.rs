//! Where the exchanges of a recording go: through the redactor, into the writer.
//!
//! In: exchanges, several at once, in the order in which they were completed. Out: parts. Redaction runs on all threads while what
//! is redacted is gathered for the next part, and what is gathered is written. What never happens here: what is written depends on how many threads
//! there are, or an exchange that is to be redacted passes by the redactor.

use std::cmp::Reverse;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rayon::ThreadPool;
use rayon::prelude::*;
use reenact_formats::disk::recording::{Gone, KeyScope, Sanitized, WriterOptions};
use reenact_formats::model::{ConnectionId, Exchange, Head, LossLedger, Side, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink, Redact};
use reenact_sanitize::{Originals, Redactor};

use super::Error;
use super::recorder::{Ended, Recorder, Rotation, Signals};
use super::residue::Checker;

/// Writes a recording, or several that follow one another, redacted or raw.
pub(super) struct RecordingSink {
    redaction: Option<Redaction>,
    writer: Recorder,
}

impl RecordingSink {
    /// Begins a recording in a folder that does not exist yet or is empty; raw without a redactor.
    pub(super) fn create(output: &Path, redactor: Option<&Redactor>, options: WriterOptions, pool: Option<Arc<ThreadPool>>) -> Result<Self, Error> {
        Self::create_series(output, redactor, options, None, None, pool)
    }

    /// The same, with recordings that follow one another as `rotation` says, while a capture is told by `signals` how it goes.
    pub(super) fn create_series(
        output: &Path,
        redactor: Option<&Redactor>,
        options: WriterOptions,
        rotation: Option<(Rotation, Option<Checker>)>,
        signals: Option<Signals>,
        pool: Option<Arc<ThreadPool>>,
    ) -> Result<Self, Error> {
        let sanitized = redactor.map(|redactor| Sanitized {
            key_id: redactor.key_id(),
            key_scope: if redactor.policy().is_unlinkable() { KeyScope::Recording } else { KeyScope::Shared },
            policy_digest: redactor.policy_digest(),
            severities: redactor.policy().severities(),
        });
        let writer = Recorder::create(output, WriterOptions { sanitized, ..options }, rotation, signals)?;
        Ok(Self { redaction: redactor.map(|redactor| Redaction::new(Lanes::new(redactor), pool)), writer })
    }

    /// Takes exchanges that were completed one after the other.
    pub(super) fn take(&mut self, exchanges: Vec<Exchange>) -> Result<(), Error> {
        let Some(redaction) = &mut self.redaction else { return write(&mut self.writer, &exchanges) };
        redaction.waiting_bytes += exchanges.iter().map(bytes_of).sum::<u64>();
        redaction.waiting.extend(exchanges);
        if redaction.waiting_bytes < BATCH_BYTES { Ok(()) } else { redaction.turn(&mut self.writer) }
    }

    /// The account will count what is not here: it is that of the recording that this one is made of.
    pub(super) fn miss(&mut self, gone: &Gone) {
        self.writer.miss(gone);
    }

    /// Publishes what is left. The originals are those that were replaced, if any were to be; not those of
    /// recordings that were looked through, but for the last of them.
    pub(super) fn finish(mut self, ledger: &LossLedger) -> Result<(Vec<Ended>, Option<Originals>), Error> {
        let made = self.redaction.map(|redaction| redaction.finish(&mut self.writer)).transpose()?;
        let originals = made.map(|(originals, collisions)| {
            self.writer.tally(COLLISION, collisions);
            originals
        });
        let (recordings, before) = self.writer.finish(ledger)?;
        let originals = originals.map(|originals| before.into_iter().fold(originals, Originals::merged));
        Ok((recordings, originals))
    }
}

fn write(writer: &mut Recorder, exchanges: &[Exchange]) -> Result<(), Error> {
    Ok(exchanges.iter().try_for_each(|exchange| writer.write(exchange))?)
}

/// About how many bytes an exchange takes.
pub(super) fn bytes_of(exchange: &Exchange) -> u64 {
    let messages = || SIDES.iter().filter_map(|side| exchange.message(*side));
    let heads = messages().flat_map(|message| message.trailers.iter().chain([&message.head])).chain(&exchange.interim);
    messages().map(|message| message.body.kept_length()).sum::<u64>() + heads.map(Head::memory).sum::<u64>() + ROW_BYTES
}

impl ExchangeSink for RecordingSink {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        Ok(self.take(vec![exchange])?)
    }

    fn exchanges(&mut self, exchanges: Vec<Exchange>) -> Result<(), BoxError> {
        Ok(self.take(exchanges)?)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        match &mut self.redaction {
            Some(redaction) => redaction.tick(now, ledger, &mut self.writer)?,
            None => self.writer.tick(now, ledger)?,
        }
        Ok(())
    }
}

/// A batch that was redacted, and those who did it; or their panic.
type Redacted = thread::Result<(Lanes, Vec<Exchange>)>;

/// One batch is redacted while the one before it is written and the one after it is gathered.
struct Redaction {
    /// Back from who redacts, where a batch is under way.
    lanes: Option<Lanes>,
    /// Who redacts, if not the caller's thread.
    pool: Option<Arc<ThreadPool>>,
    waiting: Vec<Exchange>,
    waiting_bytes: u64,
    under_way: Option<Receiver<Redacted>>,
    /// What the writer is to be told once it has what is under way: it hears of everything in one order, however many threads there are.
    ticks: Vec<(Timestamp, LossLedger)>,
}

impl Redaction {
    const fn new(lanes: Lanes, pool: Option<Arc<ThreadPool>>) -> Self {
        Self { lanes: Some(lanes), pool, waiting: Vec::new(), waiting_bytes: 0, under_way: None, ticks: Vec::new() }
    }

    /// Sends off what is waiting, and writes what was under way.
    fn turn(&mut self, writer: &mut Recorder) -> Result<(), Error> {
        let mut done = Vec::new();
        if let Some(under_way) = self.under_way.take() {
            let redacted = under_way.recv().expect("who redacts answers, and be it with a panic");
            let (lanes, exchanges) = redacted.unwrap_or_else(|panic| panic::resume_unwind(panic));
            self.lanes = Some(lanes);
            done = exchanges;
        }
        let ticks = std::mem::take(&mut self.ticks);
        let mut waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        // Without them nothing may be written: what is waiting is raw.
        let mut lanes = self.lanes.take().expect("they came back with what was under way");
        writer.look_through(&mut || lanes.replaced())?;
        match &self.pool {
            Some(pool) if !waiting.is_empty() => {
                let (give, under_way) = mpsc::sync_channel(1);
                self.under_way = Some(under_way);
                let mut batch = std::mem::take(&mut waiting);
                let redact = move || {
                    lanes.redact(&mut batch, true);
                    (lanes, batch)
                };
                // Whoever does not wait for it any more has another error to tell. A panic is the waiting thread's.
                pool.spawn(move || drop(give.send(panic::catch_unwind(AssertUnwindSafe(redact)))));
            }
            Some(_) => self.lanes = Some(lanes),
            None => {
                lanes.redact(&mut waiting, false);
                self.lanes = Some(lanes);
            }
        }
        write(writer, &done)?;
        for (now, ledger) in ticks {
            writer.tick(now, &ledger)?;
        }
        write(writer, &waiting)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger, writer: &mut Recorder) -> Result<(), Error> {
        // Also where nothing is waiting: on a link that has fallen silent no one else asks for what is under way.
        if !self.waiting.is_empty() || self.under_way.is_some() {
            self.turn(writer)?;
        }
        if self.under_way.is_some() {
            self.ticks.push((now, ledger.clone()));
            return Ok(());
        }
        writer.tick(now, ledger)?;
        // With nothing under way they are here.
        self.lanes.as_mut().map_or(Ok(()), |lanes| writer.look_through(&mut || lanes.replaced()))
    }

    /// Writes all that is left. The originals are those that were replaced; so many values have met.
    fn finish(mut self, writer: &mut Recorder) -> Result<(Originals, u64), Error> {
        while !self.waiting.is_empty() || self.under_way.is_some() {
            self.turn(writer)?;
        }
        Ok(self.lanes.map(Lanes::finish).unwrap_or_default())
    }
}

/// Redactors that work at once, each on connections of its own: always as many, so that what they make of an exchange does
/// not depend on how many threads there are.
struct Lanes(Vec<Redactor>);

impl Lanes {
    fn new(redactor: &Redactor) -> Self {
        Self((0..LANES).map(|_| redactor.lane()).collect())
    }

    /// Redacts in place, on the threads of the pool that this one is of, or on this one alone. The exchanges of a connection meet one
    /// redactor, in order.
    fn redact(&mut self, exchanges: &mut [Exchange], is_shared: bool) {
        let mut queues: Vec<(&mut Redactor, Vec<&mut Exchange>)> = self.0.iter_mut().map(|redactor| (redactor, Vec::new())).collect();
        for exchange in exchanges {
            queues[lane_of(exchange.id.connection)].1.push(exchange);
        }
        let redact = |(redactor, queue): (&mut Redactor, Vec<&mut Exchange>)| queue.into_iter().for_each(|exchange| redactor.exchange(exchange));
        if is_shared {
            // They are few, and not alike: whoever is done takes the longest that is left, so that all are done at about the same time.
            queues.sort_by_cached_key(|(_, queue)| Reverse(queue.iter().map(|exchange| bytes_of(exchange)).sum::<u64>()));
            queues.into_iter().par_bridge().for_each(redact);
        } else {
            queues.into_iter().for_each(redact);
        }
    }

    /// What each of them has replaced since this was asked last.
    fn replaced(&mut self) -> Vec<Originals> {
        self.0.iter_mut().map(Redactor::take_originals).collect()
    }

    /// What all of them have replaced since, and how many values have met, in whichever of them.
    fn finish(self) -> (Originals, u64) {
        let made = self.0.into_iter().map(Redactor::into_originals);
        let all = made.reduce(|(originals, collisions), (more, others)| (originals.merged(more), collisions.merged(others)));
        all.map(|(originals, collisions)| (originals, collisions.count())).unwrap_or_default()
    }
}

/// Neighbouring connections, and those that began at regular distances, go to different lanes.
const fn lane_of(connection: ConnectionId) -> usize {
    (connection.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - LANES.ilog2())) as usize
}

/// The rule that values which have met are on record under.
const COLLISION: &str = "collision";
/// As much as is worth sharing out.
const BATCH_BYTES: u64 = 1 << 20;
/// What an exchange takes beside its heads and bodies.
const ROW_BYTES: u64 = 2048;
const SIDES: [Side; 2] = [Side::Request, Side::Response];
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
