//! A live capture beside a service that earns money: it takes no more than it may, and waits for no one.
//!
//! ```text
//! capture ──► queue ──► worker: redactor, writer ──► disk
//!    ▲          │
//!    └ share ◄ governor ◄ memory, strain
//! ```
//!
//! In: exchanges as the capture finds them, and what the machine may be asked for. Out: the same exchanges to the sink, on a thread of its
//! own; how much of the traffic the capture is to follow; and once a second the figures of it. A slow disk, a limit on the processor and a
//! sink that hangs all show in the same way: the queue fills or grows old, and less is followed. What never happens here: an exchange that was
//! found is dropped, or the capture waits for the disk before its queue is full.

mod governor;
mod queue;
mod usage;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use reenact_capture::{Control, Gauge, Tap};
use reenact_formats::model::LossLedger;
use reenact_formats::seam::ExchangeSink;

use self::governor::{Governor, Seen};
use self::queue::{Entrance, Queue};
pub(super) use self::usage::Pace;
use self::usage::{memory, processor_time};
use super::Error;
use super::room::OnRoom;

/// What a live capture may take from its machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveLimits {
    /// Hundredths of one processor, over a second.
    pub processor: Option<u32>,
    /// Bytes of memory, the kernel's buffers included.
    pub memory: Option<u64>,
}

impl LiveLimits {
    /// No limit on memory may be smaller.
    pub const LEAST_MEMORY: u64 = 128 << 20;

    /// What any one part of the capture may take of the memory: its buffers, its queue, a part of the recording.
    pub fn share_of_memory(&self) -> Option<u64> {
        self.memory.map(|memory| memory / 8)
    }
}

/// How a live capture is doing. What is counted is counted since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// What the capture shows.
    pub capture: reenact_capture::Reading,
    /// How much of the traffic it follows, from 0 to 1.
    pub followed: f64,
    /// How much of the queue before the disk is taken, from 0 to 1.
    pub queue: f64,
    /// Exchanges that could not be stored because the disk was full.
    pub unstored: u64,
    /// How much processor time was used in the last second, in seconds.
    pub processor: f64,
    /// How much was used since the start.
    pub processor_time: Duration,
    /// Bytes of memory in use, where the system says so.
    pub memory: Option<u64>,
    /// How long it runs.
    pub elapsed: Duration,
}

/// Is told how a live capture is doing, once a second.
pub type OnFigures = Arc<dyn Fn(&Figures) + Send + Sync>;

/// What a live capture may take, and who watches it.
#[derive(Clone, Default)]
pub struct Watch {
    /// What it may take.
    pub limits: LiveLimits,
    /// Who is told how it is doing.
    pub figures: Option<OnFigures>,
    /// Who is told of the disk, whatever the source.
    pub room: Option<OnRoom>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Captures into `sink`, which is given back with the account, and counts what it cannot store in `unstored`.
pub(super) fn run<S: ExchangeSink + Send>(tap: Tap, sink: S, watch: &Watch, control: &Control, unstored: &AtomicU64) -> Result<(S, LossLedger), Error> {
    if let Some(limit) = watch.limits.memory {
        let taken = memory().ok_or(Error::MemoryUnknown)?;
        if taken >= limit {
            return Err(Error::MemoryTaken { limit, taken });
        }
    }
    let most = watch.limits.share_of_memory().map_or(QUEUE_BYTES, |share| share.min(QUEUE_BYTES));
    let queue = Queue::new(most);
    let pace = watch.limits.processor.map(|hundredths| Pace::new(f64::from(hundredths) / 100.0));
    // The sink, back from who works on it.
    let back = Mutex::new(None);
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        let worker = thread::Builder::new().name("record".to_owned());
        let work = || {
            let mut sink = sink;
            queue.drain(&mut sink, pace);
            *back.lock().unwrap_or_else(PoisonError::into_inner) = Some(sink);
        };
        let worker = worker.spawn_scoped(scope, work).map_err(Error::Thread)?;
        let governor = thread::Builder::new().name("govern".to_owned());
        let governor = governor
            .spawn_scoped(scope, {
                let (queue, gauge) = (&queue, &control.gauge);
                move || govern(queue, gauge, watch, unstored, &ended)
            })
            .map_err(Error::Thread);
        let mut entrance = Entrance(&queue);
        let captured = governor.and_then(|_| Ok(tap.run(&mut entrance, control)?));
        drop((end, entrance));
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // What the sink has met is told first: it is why the capture was given up.
        queue.failure().map_or(Ok(()), |error| Err(reenact_capture::Error::Sink(error)))?;
        let sink = back.lock().unwrap_or_else(PoisonError::into_inner).take().expect("who works on it gives it back at the end");
        Ok((sink, captured?))
    })
}

/// Watches until the other end of `ended` is gone.
fn govern(queue: &Queue, gauge: &Gauge, watch: &Watch, unstored: &AtomicU64, ended: &mpsc::Receiver<()>) {
    let mut governor = Governor::default();
    let (began, mut told) = (usage::now(), usage::now());
    let mut processor = processor_time();
    while ended.recv_timeout(STEP) == Err(mpsc::RecvTimeoutError::Timeout) {
        let (memory, fill) = (memory(), queue.fill());
        let lag = queue.lag().as_secs_f64() / OLDEST.as_secs_f64();
        let of_memory = watch.limits.memory.zip(memory).map_or(0.0, |(limit, memory)| usage::ratio(memory, limit));
        gauge.follow(governor.next(Seen { queue: fill.max(lag), memory: of_memory, is_strained: gauge.was_strained() }));
        let since = told.elapsed();
        if since < SECOND {
            continue;
        }
        told = usage::now();
        let used = processor_time().saturating_sub(std::mem::replace(&mut processor, processor_time()));
        if let Some(tell) = &watch.figures {
            tell(&Figures {
                capture: gauge.reading(),
                followed: f64::from(gauge.followed()) / f64::from(Gauge::WHOLE),
                queue: fill,
                unstored: unstored.load(Ordering::Relaxed),
                processor: used.as_secs_f64() / since.as_secs_f64(),
                processor_time: processor,
                memory,
                elapsed: began.elapsed(),
            });
        }
    }
}

/// What may wait for the disk, and for how long: a part that is promised after half a minute is cut after two thirds of that.
const QUEUE_BYTES: u64 = 32 << 20;
const OLDEST: Duration = Duration::from_secs(10);
/// How often the share is looked at.
const STEP: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);
