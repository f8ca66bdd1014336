//! The story of a capture.
//!
//! A source, options and a sink flow in; exchanges flow into the sink as they are completed; the loss ledger flows out. Each packet
//! is read, filtered, decoded and given to its connection; then time passes for all of them. Packet time is the only clock: the
//! largest seen so far. Bad traffic never stops a capture; a file that breaks off is read up to there.

use std::io::Read;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reenact_formats::model::{LossLedger, Timestamp};
use reenact_formats::seam::ExchangeSink;

use crate::flow::FlowTable;
use crate::packet::Decoder;
use crate::source::{Batch, Filter, Next, Packet, PacketSource};
use crate::{Error, Source, source};

/// How to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Filter words as tcpdump takes them, e.g. `tcp port 8080`.
    pub filter: Option<String>,
    /// How much is held in memory at most.
    pub limits: Limits,
    /// Live: how many bytes of a packet are captured.
    pub snap_length: u32,
    /// Live: the size of the kernel's buffer in bytes.
    pub kernel_buffer: u32,
    /// Live: whether packets for other machines are captured too.
    pub promiscuous: bool,
    /// Stop after so many packets that pass the filter.
    pub count: Option<u64>,
    /// How many threads work; with one, the caller's does everything. What comes out is the same with any number.
    pub threads: NonZero<usize>,
    /// What tells connections apart.
    pub flow_key: FlowKeying,
    /// What is done about checksums that are wrong.
    pub checksums: Checksums,
}

/// What tells connections apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FlowKeying {
    /// The two ends, addresses and ports. Directions that were mirrored from different VLANs or tunnels find each other.
    #[default]
    Tuple,
    /// The two ends within their VLAN, VXLAN or Geneve network: where networks reuse each other's addresses.
    TupleAndTags,
}

/// What is done about checksums that are wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Checksums {
    /// They are counted. A packet captured on the machine that sent it has not got its checksum yet.
    #[default]
    Count,
    /// A packet with a wrong one is left out, as the receiver's kernel does.
    Verify,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self {
            filter: None,
            limits: Limits::default(),
            snap_length: 262_144,
            kernel_buffer: 64 << 20,
            promiscuous: true,
            count: None,
            threads: NonZero::<usize>::MIN,
            flow_key: FlowKeying::default(),
            checksums: Checksums::default(),
        }
    }
}

/// How much a capture holds in memory at most. What goes beyond is let go and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body; beyond, it is dropped with its length kept.
    pub max_body: u64,
    /// Connections at once.
    pub max_flows: u64,
    /// Bytes of all streams that are not recorded yet: out of order, in unfinished messages, waiting for their answer.
    pub max_buffered: u64,
    /// How long a connection may be silent before it is taken for ended.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body: 8 << 20, max_flows: 1 << 18, max_buffered: 128 << 20, idle: Duration::from_secs(15 * 60) }
    }
}

/// Is told how far a capture has come.
pub type OnProgress = Box<dyn Fn(&Progress) + Send + Sync>;

/// Is told what the user of a capture should know of.
pub type OnWarning = Box<dyn Fn(&str) + Send + Sync>;

/// How a capture is watched and stopped from outside.
#[derive(Default)]
pub struct Control {
    /// Set it to stop: what is under way is finished and kept.
    pub stop: Arc<AtomicBool>,
    /// Called now and then.
    pub progress: Option<OnProgress>,
    /// Called with what the user should know of, one line each. Without it, warnings go to the log.
    pub warning: Option<OnWarning>,
}

/// How far a capture has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read from the source.
    pub bytes: u64,
    /// Bytes of the source, where that is known.
    pub total_bytes: Option<u64>,
    /// Packets seen.
    pub packets: u64,
    /// Exchanges given to the sink.
    pub exchanges: u64,
    /// Packet time.
    pub now: Timestamp,
}

/// Captures from `source` into `sink` until the source ends, `options.count` is reached, or `control` says stop.
pub fn capture(source: &Source, options: &CaptureOptions, sink: &mut dyn ExchangeSink, control: &Control) -> Result<LossLedger, Error> {
    Tap::open(source, options, control)?.run(sink, control)
}

/// The same from any reader; `name` stands for it in errors.
pub fn capture_from(
    name: &str,
    reader: Box<dyn Read + Send>,
    options: &CaptureOptions,
    sink: &mut dyn ExchangeSink,
    control: &Control,
) -> Result<LossLedger, Error> {
    let filter = options.filter.as_deref().map(Filter::new).transpose()?;
    let source = source::from_reader(name, reader)?;
    Tap::new(source, filter, options).run(sink, control)
}

/// A source that is open, and the way of its packets to exchanges.
pub struct Tap {
    source: Box<dyn PacketSource>,
    filter: Option<Filter>,
    decoder: Decoder,
    /// All connections. With several shards, one table each, chosen by the connection's key.
    flows: FlowTable,
    /// The packets' part of the account; the flows keep that of the streams.
    ledger: LossLedger,
    limit: Option<u64>,
    /// The largest packet time.
    now: Timestamp,
    last_tick: Timestamp,
    exchanges: u64,
}

impl Tap {
    /// Opens `source`; nothing is read from it yet beyond what says how to read it.
    pub fn open(source: &Source, options: &CaptureOptions, control: &Control) -> Result<Self, Error> {
        // The words are checked before anything is opened.
        let filter = options.filter.as_deref().map(Filter::new).transpose()?;
        let source = source::open(source, options, &control.stop)?;
        Ok(Self::new(source, filter, options))
    }

    fn new(source: Box<dyn PacketSource>, filter: Option<Filter>, options: &CaptureOptions) -> Self {
        Self {
            source,
            filter,
            decoder: Decoder::new(options.flow_key),
            flows: FlowTable::new(options.limits),
            ledger: LossLedger::default(),
            limit: options.count,
            now: Timestamp::from_nanos(i64::MIN),
            last_tick: Timestamp::from_nanos(i64::MIN),
            exchanges: 0,
        }
    }

    /// Captures into `sink` until the source ends, `options.count` is reached, or `control` says stop.
    pub fn run(mut self, sink: &mut dyn ExchangeSink, control: &Control) -> Result<LossLedger, Error> {
        let mut batch = Batch::default();
        while !control.stop.load(Ordering::Relaxed) && self.limit != Some(0) {
            match self.source.next(&mut batch)? {
                Next::Packets => {
                    for packet in &batch.packets {
                        self.packet(&batch, packet)?;
                        self.flows.advance(self.now);
                        self.hand_over(sink)?;
                        if self.limit == Some(0) {
                            break;
                        }
                    }
                    self.flows.settle();
                }
                Next::Tick(now) => {
                    self.now = self.now.max(now);
                    self.flows.advance(self.now);
                    self.hand_over(sink)?;
                }
                Next::End => break,
            }
            if self.now.since(self.last_tick) >= TICK {
                self.tick(sink, control)?;
            }
        }
        self.finish(sink, control)
    }

    fn packet(&mut self, batch: &Batch, packet: &Packet) -> Result<(), Error> {
        self.ledger.packets.seen += 1;
        self.now = self.now.max(packet.at);
        if let Some(filter) = &mut self.filter
            && !self.source.filters()
            && !filter.passes(packet.link, batch.data(packet))?
        {
            self.ledger.packets.filtered += 1;
            return Ok(());
        }
        self.limit = self.limit.map(|left| left - 1);
        if let Some(segment) = self.decoder.decode(&batch.block, packet) {
            self.flows.segment(segment, &batch.block, self.now);
        }
        Ok(())
    }

    fn hand_over(&mut self, sink: &mut dyn ExchangeSink) -> Result<(), Error> {
        for exchange in self.flows.take_exchanges() {
            self.exchanges += 1;
            sink.exchange(exchange).map_err(Error::Sink)?;
        }
        Ok(())
    }

    fn tick(&mut self, sink: &mut dyn ExchangeSink, control: &Control) -> Result<(), Error> {
        self.last_tick = self.now;
        let ledger = self.account();
        if let Some(progress) = &control.progress {
            let (bytes, total_bytes) = (self.source.bytes_read(), self.source.total_bytes());
            progress(&Progress { bytes, total_bytes, packets: ledger.packets.seen, exchanges: self.exchanges, now: self.now });
        }
        sink.tick(self.now, &ledger).map_err(Error::Sink)
    }

    /// The account so far, over all parts.
    fn account(&mut self) -> LossLedger {
        let mut ledger = self.ledger.clone();
        ledger.add(self.decoder.ledger());
        ledger.add(self.flows.ledger());
        ledger.add(&self.source.losses());
        ledger
    }

    fn finish(mut self, sink: &mut dyn ExchangeSink, control: &Control) -> Result<LossLedger, Error> {
        if let Some(text) = self.source.warning() {
            match &control.warning {
                Some(warn) => warn(&text),
                None => tracing::warn!("{text}"),
            }
        }
        self.decoder.finish();
        self.flows.finish(self.now);
        self.hand_over(sink)?;
        self.tick(sink, control)?;
        Ok(self.account())
    }
}

/// How often, in packet time, the sink is told the time.
const TICK: Duration = Duration::from_secs(1);
