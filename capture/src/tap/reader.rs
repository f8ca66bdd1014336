//! From a source to the lanes of the threads.
//!
//! Batches of packets flow in, and a token for each: how much was in memory some batches ago. Loads flow out: the segments of the
//! batch, one lane for each thread, and what goes with them past the threads. The reader alone says what time it is and how much
//! may be held; so whatever the threads do, they do it at the same point of the capture. No stream is looked into here.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::{LossCause, LossLedger, Notice, PacketAccount, Side, Timestamp};
use reenact_formats::wire::http1::{Opening, opening};

use super::{CaptureOptions, Progress};
use crate::Error;
use crate::flow::{Lane, SHARDS, Sorted};
use crate::packet::{Decoder, Segment};
use crate::source::{Batch, Filter, Next, Packet, PacketClock, PacketSource};
use crate::tap::Gauge;

/// Permission to read one batch more. There are as many as there may be batches under way.
#[derive(Default)]
pub(super) struct Token {
    /// Bytes that were in memory when the batch that this token was for before had been worked off.
    pub(super) held: u64,
    /// Its lanes, to be filled again.
    pub(super) spent: Vec<Vec<Sorted>>,
}

/// One batch, sorted.
pub(super) struct Load {
    /// One for each thread.
    pub(super) lanes: Vec<Lane>,
    pub(super) milestone: Milestone,
}

/// What is known at the end of a batch.
pub(super) struct Milestone {
    /// Where the sink is to be told: the packets' part of the account, and how far the source was read.
    pub(super) tick: Option<(LossLedger, Progress)>,
    /// Nothing comes after it.
    pub(super) is_last: bool,
    /// What the user should know of.
    pub(super) warning: Option<String>,
}

pub(super) struct Reader {
    source: Box<dyn PacketSource>,
    filter: Option<Filter>,
    decoder: Decoder,
    /// What came and what the filter left out; the decoder keeps the rest of the packets' account, the shards that of the streams.
    passed: PacketAccount,
    /// How many packets may still pass.
    limit: Option<u64>,
    /// How long packets are taken, and when that began.
    duration: Option<Duration>,
    began: Option<Timestamp>,
    max_buffered: u64,
    threads: usize,
    stop: Arc<AtomicBool>,
    clock: PacketClock,
    last_tick: Timestamp,
    batch: Batch,
    /// How many batches were given out.
    batches: u64,
    gauge: Arc<Gauge>,
    /// When the gauge was told last, in packet time.
    looked: Timestamp,
    shed: Shed,
}

/// What was passed over because not all could be followed.
struct Shed {
    /// How many of [`Gauge::WHOLE`] are followed in this batch.
    kept: u32,
    /// How many there were at least in all batches since the shards were told.
    least: u32,
    /// How many they were told.
    told: u32,
    packets: u64,
    connections: u64,
    requests: u64,
}

impl Reader {
    pub(super) fn new(
        source: Box<dyn PacketSource>,
        filter: Option<Filter>,
        options: &CaptureOptions,
        threads: usize,
        stop: Arc<AtomicBool>,
        gauge: Arc<Gauge>,
    ) -> Self {
        Self {
            source,
            filter,
            decoder: Decoder::new(options),
            passed: PacketAccount::default(),
            limit: options.count,
            duration: options.duration,
            began: None,
            max_buffered: options.limits.max_buffered,
            threads,
            stop,
            clock: PacketClock::default(),
            last_tick: Timestamp::from_nanos(i64::MIN),
            batch: Batch::default(),
            batches: 0,
            gauge,
            looked: Timestamp::from_nanos(i64::MIN),
            shed: Shed { kept: Gauge::WHOLE, least: Gauge::WHOLE, told: Gauge::WHOLE, packets: 0, connections: 0, requests: 0 },
        }
    }

    /// Reads the next batch.
    pub(super) fn next(&mut self, token: Token) -> Load {
        let mut lanes = token.spent;
        lanes.resize_with(self.threads, Vec::new);
        let before = self.passed.seen;
        let mut warning = None;
        self.shed.follow(self.gauge.followed());
        let is_last = match self.fill(&mut lanes) {
            Ok(is_last) => is_last,
            Err(error) => {
                // What came before is kept, and the recording of it ended in order.
                warning = Some(tell(&error));
                true
            }
        };
        if is_last {
            self.decoder.finish();
            warning = warning.or_else(|| self.source.warning());
        }
        self.show();
        let is_due = self.clock.now().since(self.last_tick) >= TICK;
        let tick = (is_last || is_due).then(|| self.tick());
        let batch = self.batches;
        self.batches += 1;
        let share = (token.held > self.max_buffered).then_some(self.max_buffered / SHARDS as u64);
        let block = mem::take(&mut self.batch.block);
        let shed = self.shed.tell();
        let wants_account = tick.is_some();
        let lanes = lanes
            .into_iter()
            .map(|segments| {
                // A count of references for each thread: they do not wait for one another over it.
                let block = if self.threads == 1 { block.clone() } else { Bytes::from_owner(block.clone()) };
                Lane { batch, before, block, segments, now: self.clock.now(), share, shed, wants_account, is_last }
            })
            .collect();
        Load { lanes, milestone: Milestone { tick, is_last, warning } }
    }

    /// Reads a batch and passes over all of it; says whether there may be another. What is wrong then will be so again.
    pub(super) fn pass_over(&mut self) -> bool {
        self.shed.follow(0);
        self.gauge.strain();
        let goes_on = matches!(self.fill(&mut []), Ok(false));
        self.show();
        goes_on
    }

    /// Tells the gauge; what the source has lost, once a second.
    fn show(&mut self) {
        self.gauge.read(self.passed.seen, self.source.bytes_read(), [self.shed.packets, self.shed.connections]);
        if self.clock.now().since(self.looked) < TICK || !self.source.is_live() {
            return;
        }
        self.looked = self.clock.now();
        let losses = self.source.losses();
        let lost = |cause| losses.lost.get(&cause).copied().unwrap_or_default();
        self.gauge.lost(lost(LossCause::KernelDrop), lost(LossCause::InterfaceDrop), self.source.ring_use());
    }

    /// Reads and sorts a batch; says whether it is the last.
    fn fill(&mut self, lanes: &mut [Vec<Sorted>]) -> Result<bool, Error> {
        if self.stop.load(Ordering::Relaxed) || self.limit == Some(0) {
            return Ok(true);
        }
        match self.source.next(&mut self.batch)? {
            Next::Packets => self.sort(lanes)?,
            Next::Tick(now) => {
                self.clock.tick(now);
                return Ok(self.is_over());
            }
            Next::End => return Ok(true),
        }
        Ok(false)
    }

    fn sort(&mut self, lanes: &mut [Vec<Sorted>]) -> Result<(), Error> {
        let batch = mem::take(&mut self.batch);
        let sorted = (0..).zip(&batch.packets).try_for_each(|(position, packet)| self.sort_packet(position, packet, &batch, lanes));
        // Also after an error: what was sorted lies in it.
        self.batch = batch;
        sorted
    }

    fn sort_packet(&mut self, position: u32, packet: &Packet, batch: &Batch, lanes: &mut [Vec<Sorted>]) -> Result<(), Error> {
        if self.limit == Some(0) {
            return Ok(());
        }
        let now = self.clock.packet(packet.at);
        if self.is_over() {
            self.limit = Some(0);
            return Ok(());
        }
        self.passed.seen += 1;
        if let Some(filter) = &mut self.filter
            && !self.source.filters()
        {
            let passes = filter.passes(packet.link, batch.data(packet));
            if !matches!(passes, Ok(true)) {
                self.passed.filtered += 1;
                return passes.map(drop);
            }
        }
        self.limit = self.limit.map(|left| left - 1);
        if let Some(segment) = self.decoder.decode(&batch.block, packet) {
            if !segment.flow.is_among(self.shed.kept) {
                self.shed.count(&segment, &batch.block);
                return Ok(());
            }
            let shard = segment.flow.shard() % SHARDS as u64;
            #[expect(clippy::cast_possible_truncation, reason = "there are 64 shards")]
            let (lane, shard) = (shard as usize % self.threads, shard as u8);
            lanes[lane].push(Sorted { segment, shard, position, now });
        }
        Ok(())
    }

    /// Whether packets have been taken for as long as was asked for.
    fn is_over(&mut self) -> bool {
        let Some(duration) = self.duration else { return false };
        let now = self.clock.now();
        // The first packet may have strayed into the future.
        let began = self.began.map_or(now, |began| began.min(now));
        self.began = Some(began);
        now.since(began) >= duration
    }

    fn tick(&mut self) -> (LossLedger, Progress) {
        self.last_tick = self.clock.now();
        let mut ledger = LossLedger { packets: self.passed.clone(), ..LossLedger::default() };
        ledger.add(&self.decoder.ledger());
        self.shed.account(&mut ledger);
        ledger.add(&self.source.losses());
        ledger.notice(Notice::StrayTime, self.clock.strays());
        let (bytes, total_bytes) = (self.source.bytes_read(), self.source.total_bytes());
        let progress = Progress { bytes, total_bytes, packets: ledger.packets.seen, exchanges: 0, now: self.last_tick };
        (ledger, progress)
    }
}

impl Shed {
    /// From here on so many are followed.
    fn follow(&mut self, kept: u32) {
        self.kept = kept;
        self.least = self.least.min(kept);
    }

    /// What the shards have to be told: how many are still followed, if some that they follow are not.
    fn tell(&mut self) -> Option<u32> {
        let least = mem::replace(&mut self.least, self.kept);
        let is_less = least < mem::replace(&mut self.told, self.kept);
        is_less.then_some(least)
    }

    fn count(&mut self, segment: &Segment, block: &Bytes) {
        self.packets += 1;
        self.connections += u64::from(segment.syn && segment.acknowledgment.is_none());
        self.requests += u64::from(!segment.payload.is_empty() && opening(Side::Request, &segment.payload.bytes(block)) == Opening::Message);
    }

    /// They were taken for TCP of connections when they were decoded.
    fn account(&self, ledger: &mut LossLedger) {
        ledger.packets.tcp = ledger.packets.tcp.saturating_sub(self.packets);
        ledger.packets.lost += self.packets;
        for (cause, amount) in [(LossCause::Shed, self.packets), (LossCause::ShedConnection, self.connections), (LossCause::ShedRequest, self.requests)] {
            ledger.lose(cause, amount);
        }
    }
}

/// An error with its causes, in one line.
fn tell(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    format!("{text}; what came before was kept")
}

/// How often, in packet time, the sink is told the time.
const TICK: Duration = Duration::from_secs(1);
