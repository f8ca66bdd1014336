//! The story of a capture.
//!
//! A source, options and a sink flow in; exchanges flow into the sink as they are completed; the loss ledger flows out. A batch of
//! packets is read, filtered, decoded and sorted by connection; the shards work it off, on one thread or on several; what they have
//! found is put into one order and given to the sink. Packet time is the only clock: the largest seen so far. Bad traffic never
//! stops a capture; a source that breaks off is read up to there.
//!
//! ```text
//! reader ──► lane 0 ──► shards ──► found ─┐
//!    ▲  └──► lane 1 ──► shards ──► found ─┤ collector ──► ExchangeSink
//!    └────────────── token ◄──────────────┘
//! ```
//!
//! A file waits until it is read on. A live source does not: where no token comes back in time, packets are read and passed over, and the
//! connections that they are of end there, so that nothing is recorded with a hole that was made here.
//!
//! The tokens bound how much is under way, and carry back how much is in memory. With one thread all of it runs in turn on the
//! caller's, by the same code and to the same result.

mod collector;
mod gauge;
mod reader;

use std::collections::VecDeque;
use std::io::Read;
use std::mem;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use reenact_formats::model::{LossLedger, Timestamp};
use reenact_formats::seam::ExchangeSink;

use self::collector::Collector;
pub use self::gauge::{Gauge, Reading};
use self::reader::{Reader, Token};
use crate::flow::Shards;
use crate::roles::{Roles, Service, own_addresses};
use crate::source::{Filter, PacketSource};
use crate::{Consent, Error, Source, source};

/// How to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Filter words as tcpdump takes them, e.g. `tcp port 8080`.
    pub filter: Option<String>,
    /// How much is held in memory at most.
    pub limits: Limits,
    /// Live: how many bytes of a packet are captured.
    pub snap_length: u32,
    /// Live: the size of the kernel's buffer in bytes, of which each interface has one. The default holds half a second of a full link of 1 Gbit/s.
    pub kernel_buffer: u32,
    /// Live: whether packets for other machines are captured too.
    pub promiscuous: bool,
    /// Stop after so many packets that pass the filter.
    pub count: Option<u64>,
    /// Stop after so long, by the time of packets; a live link's time passes without packets, too.
    pub duration: Option<Duration>,
    /// How many threads work; with one, the caller's does everything. What comes out is the same with any number.
    pub threads: NonZero<usize>,
    /// What tells connections apart.
    pub flow_key: FlowKeying,
    /// What is done about checksums that are wrong.
    pub checksums: Checksums,
    /// The services that are recorded: what is asked of others is outbound. Without any, the listening side tells.
    pub services: Vec<Service>,
    /// Which exchanges may be kept.
    pub consent: Consent,
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
    /// Wrong ones of IPv4 headers are counted, nothing is left out: a packet captured on the machine that sent it has not got its
    /// checksums yet. Those of TCP are not looked at: every byte would be read once more for them.
    #[default]
    Count,
    /// A packet with a wrong one, of its IPv4 headers or of TCP, is left out and counted as lost, as the receiver's kernel does.
    /// What was not captured whole cannot be verified, and is taken.
    Verify,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self {
            filter: None,
            limits: Limits::default(),
            snap_length: 262_144,
            kernel_buffer: 64 << 20,
            promiscuous: false,
            count: None,
            duration: None,
            threads: NonZero::<usize>::MIN,
            flow_key: FlowKeying::default(),
            checksums: Checksums::default(),
            services: Vec::new(),
            consent: Consent::default(),
        }
    }
}

/// How much a capture holds in memory at most. What goes beyond is let go and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body; beyond, it is dropped with its length kept.
    pub max_body: u64,
    /// Connections at once; each of the 64 shards has its share, and always room for one. Beyond, the one is let go that has been
    /// silent for longest, first of those on which nothing was said.
    pub max_flows: u64,
    /// Bytes of all streams that are not recorded yet: out of order, in unfinished messages, waiting for their answer. Blocks of
    /// packets that are under way, some megabytes, come on top. Beyond, the connections that hold most let go of what they hold.
    pub max_buffered: u64,
    /// How long a connection may be silent before it is taken for ended.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body: 8 << 20, max_flows: 1 << 15, max_buffered: 64 << 20, idle: Duration::from_secs(15 * 60) }
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
    /// What a live capture shows, and how much of the traffic it is to follow.
    pub gauge: Arc<Gauge>,
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
    Tap::new(source, filter, options, Roles::new(&options.services, None)).run(sink, control)
}

/// A source that is open, and the way of its packets to exchanges.
pub struct Tap {
    source: Box<dyn PacketSource>,
    filter: Option<Filter>,
    options: CaptureOptions,
    roles: Roles,
}

impl Tap {
    /// Opens `source`; nothing is read from it yet beyond what says how to read it.
    pub fn open(source: &Source, options: &CaptureOptions, control: &Control) -> Result<Self, Error> {
        // The words are checked before anything is opened.
        let filter = options.filter.as_deref().map(Filter::new).transpose()?;
        let own = if let Source::Interfaces(_) = source { own_addresses() } else { None };
        let source = source::open(source, options, &control.stop)?;
        Ok(Self::new(source, filter, options, Roles::new(&options.services, own)))
    }

    fn new(source: Box<dyn PacketSource>, filter: Option<Filter>, options: &CaptureOptions, roles: Roles) -> Self {
        Self { source, filter, options: options.clone(), roles }
    }

    /// Captures into `sink` until the source ends, `options.count` is reached, or `control` says stop.
    pub fn run(self, sink: &mut dyn ExchangeSink, control: &Control) -> Result<LossLedger, Error> {
        let Self { source, filter, options, roles } = self;
        // One thread reads.
        let workers = options.threads.get().saturating_sub(1).max(1);
        let is_live = source.is_live();
        let gauge = if is_live { Arc::clone(&control.gauge) } else { Arc::default() };
        let reader = Reader::new(source, filter, &options, workers, Arc::clone(&control.stop), gauge);
        let shards = (0..workers).map(|number| Shards::of(number, workers, options.limits, options.consent.clone()));
        let collector = Collector::new(sink, roles, control);
        if options.threads.get() == 1 && !is_live {
            run_in_turn(reader, shards.collect(), collector)
        } else {
            run_beside(reader, shards.collect(), collector, &control.stop, is_live)
        }
    }
}

/// Does everything on this thread.
fn run_in_turn(mut reader: Reader, mut shards: Vec<Shards>, mut collector: Collector<'_>) -> Result<LossLedger, Error> {
    let mut tokens: VecDeque<Token> = (0..UNDER_WAY).map(|_| Token::default()).collect();
    // Those of the batch before, which are in the processor's cache still.
    let mut spent = Vec::new();
    while let Some(token) = tokens.pop_front() {
        let load = reader.next(Token { spent, ..token });
        let found = shards.iter_mut().zip(load.lanes).map(|(shards, lane)| shards.work(lane)).collect();
        let is_last = load.milestone.is_last;
        let mut token = collector.take(load.milestone, found)?;
        spent = mem::take(&mut token.spent);
        tokens.push_back(token);
        if is_last {
            break;
        }
    }
    Ok(collector.ledger())
}

/// Reads on one thread, works the shards on others, and gives to the sink on this one.
fn run_beside(mut reader: Reader, shards: Vec<Shards>, mut collector: Collector<'_>, stop: &AtomicBool, is_live: bool) -> Result<LossLedger, Error> {
    thread::scope(|scope| {
        let (give_token, tokens) = mpsc::channel();
        for _ in 0..if is_live { UNDER_WAY_LIVE } else { UNDER_WAY } {
            drop(give_token.send(Token::default()));
        }
        let mut lanes = Vec::new();
        let mut findings = Vec::new();
        for mut shards in shards {
            let (give_lane, lane) = mpsc::channel();
            let (give_found, found) = mpsc::channel();
            lanes.push(give_lane);
            findings.push(found);
            // Each ends once the one before it in the circle is gone.
            scope.spawn(move || lane.iter().map(|lane| shards.work(lane)).all(|found| give_found.send(found).is_ok()));
        }
        let (give_milestone, milestones) = mpsc::channel();
        scope.spawn(move || {
            while let Some(token) = if is_live { in_time(&tokens, &mut reader) } else { tokens.recv().ok() } {
                let load = reader.next(token);
                let is_last = load.milestone.is_last;
                let given = lanes.iter().zip(load.lanes).all(|(thread, lane)| thread.send(lane).is_ok());
                if !given || give_milestone.send(load.milestone).is_err() || is_last {
                    break;
                }
            }
        });
        for milestone in milestones {
            // A thread that is gone has panicked, and so does this one at the end of the scope.
            let found = findings.iter().map(|found| found.recv().ok()).collect::<Option<_>>();
            let Some(taken) = found.map(|found| collector.take(milestone, found)) else {
                stop.store(true, Ordering::Relaxed);
                break;
            };
            // The reader may be waiting for a packet that never comes.
            let token = taken.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            // It may have come to its end.
            drop(give_token.send(token));
        }
        Ok(collector.ledger())
    })
}

/// The next token. While it does not come, packets are passed over; none if nobody wants any more of them.
fn in_time(tokens: &Receiver<Token>, reader: &mut Reader) -> Option<Token> {
    let mut patience = PATIENCE;
    loop {
        match tokens.recv_timeout(patience) {
            Ok(token) => return Some(token),
            Err(RecvTimeoutError::Disconnected) => return None,
            // There is more in the ring than one batch: it is emptied without waiting again.
            Err(RecvTimeoutError::Timeout) if reader.pass_over() => patience = Duration::ZERO,
            // The source has come to its end: all that is left is to say so.
            Err(RecvTimeoutError::Timeout) => return tokens.recv().ok(),
        }
    }
}

/// How many batches may be under way at once. What is in memory is known so many batches late, at any number of threads.
const UNDER_WAY: usize = 8;
/// How many of a live capture, which is no worse for it if what is in memory is known late.
const UNDER_WAY_LIVE: usize = 32;
/// How long packets of a live source wait in its ring for whoever works on them. The ring has room for longer.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
