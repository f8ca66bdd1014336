//! What has been found and waits for the disk.
//!
//! In: exchanges and ticks, in order, from the capture. Out: the same, in the same order, to the sink. Whoever puts in waits once it is full:
//! the capture then passes over what comes. What waits keeps nothing in memory beside itself.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reenact_formats::model::{Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink};

use super::usage::{Pace, now, ratio};
use crate::pipeline::sink::bytes_of;

pub(super) struct Queue {
    most: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// Of the exchanges that wait, and of those that the sink is taking.
    bytes: u64,
    /// Since when those have waited that the sink is taking.
    taken_since: Option<Instant>,
    is_closed: bool,
    /// The sink takes nothing any more.
    is_broken: bool,
    failure: Option<BoxError>,
}

enum Item {
    /// With their bytes, and since when they wait.
    Exchanges(Vec<Exchange>, u64, Instant),
    Tick(Timestamp, Box<LossLedger>),
}

/// Where the capture puts in what it has found. Once it is dropped, and be it by a panic, nothing more comes.
pub(super) struct Entrance<'a>(pub(super) &'a Queue);

impl Queue {
    pub(super) fn new(most: u64) -> Self {
        Self { most, state: Mutex::default(), changed: Condvar::new() }
    }

    /// How much of it is taken, from 0 to 1 and a little more.
    pub(super) fn fill(&self) -> f64 {
        ratio(self.lock().bytes, self.most)
    }

    /// For how long the oldest exchange has waited that the sink has not taken in yet.
    pub(super) fn lag(&self) -> Duration {
        let state = self.lock();
        let waiting = || state.items.iter().find_map(|item| if let Item::Exchanges(.., since) = item { Some(*since) } else { None });
        state.taken_since.or_else(waiting).map_or(Duration::ZERO, |since| now().saturating_duration_since(since))
    }

    /// Nothing more comes.
    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// What the sink has met, if it failed.
    pub(super) fn failure(&self) -> Option<BoxError> {
        self.lock().failure.take()
    }

    /// Gives all that comes to `sink`, no faster than `pace` allows, until the queue is closed or the sink fails.
    pub(super) fn drain(&self, sink: &mut dyn ExchangeSink, mut pace: Option<Pace>) {
        // Whichever way it ends, nobody waits for room any more.
        let broken = Broken(self);
        while let Some(item) = self.next() {
            let (taken, bytes) = match item {
                Item::Exchanges(exchanges, bytes, _) => (sink.exchanges(exchanges), bytes),
                Item::Tick(now, ledger) => (sink.tick(now, &ledger), 0),
            };
            let mut state = self.lock();
            state.bytes = state.bytes.saturating_sub(bytes);
            state.taken_since = None;
            if let Err(error) = taken {
                state.failure = Some(error);
                return;
            }
            drop(state);
            self.changed.notify_all();
            while let Some(pause) = pace.as_mut().and_then(Pace::pause)
                && self.rest(pause)
            {}
        }
        drop(broken);
    }

    /// Waits for so long; not where the queue is closed: what is left is little, and whoever stops a capture waits for it.
    fn rest(&self, pause: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self.changed.wait_timeout_while(state, pause, |state| !state.is_closed).unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }

    fn next(&self) -> Option<Item> {
        let state = self.lock();
        let mut state = self.changed.wait_while(state, |state| state.items.is_empty() && !state.is_closed).unwrap_or_else(PoisonError::into_inner);
        let item = state.items.pop_front();
        if let Some(Item::Exchanges(.., since)) = &item {
            state.taken_since = Some(*since);
        }
        item
    }

    fn put(&self, item: Item) -> Result<(), BoxError> {
        let mut state = self.lock();
        match (item, state.items.back_mut()) {
            // The later account holds the earlier one: they do not pile up while the sink hangs.
            (Item::Tick(now, ledger), Some(Item::Tick(before, older))) => (*before, *older) = (now, ledger),
            (Item::Exchanges(exchanges, bytes, since), _) => {
                state = self.changed.wait_while(state, |state| state.bytes >= self.most && !state.is_broken).unwrap_or_else(PoisonError::into_inner);
                state.bytes += bytes;
                state.items.push_back(Item::Exchanges(exchanges, bytes, since));
            }
            (tick, _) => state.items.push_back(tick),
        }
        let is_broken = state.is_broken;
        drop(state);
        self.changed.notify_all();
        if is_broken { Err("nothing can be written any more".into()) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What it guards is changed in single steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says, when it is dropped, that nothing is taken out any more.
struct Broken<'a>(&'a Queue);

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        self.0.lock().is_broken = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Entrance<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl ExchangeSink for Entrance<'_> {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.exchanges(vec![exchange])
    }

    fn exchanges(&mut self, mut exchanges: Vec<Exchange>) -> Result<(), BoxError> {
        exchanges.iter_mut().for_each(Exchange::settle);
        let bytes = exchanges.iter().map(bytes_of).sum();
        self.0.put(Item::Exchanges(exchanges, bytes, now()))
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        self.0.put(Item::Tick(now, Box::new(ledger.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::thread;

    use super::*;

    struct Nowhere;

    impl ExchangeSink for Nowhere {
        fn exchange(&mut self, _: Exchange) -> Result<(), BoxError> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_grows_old_until_the_sink_has_taken_it_in() {
        let queue = Queue::new(1 << 20);
        let mut entrance = Entrance(&queue);
        let older = |lag: Duration| (0..1000).map(|_| queue.lag()).find(|now| *now > lag).expect("time passes");
        assert_eq!(queue.lag(), Duration::ZERO);
        entrance.exchanges(Vec::new()).expect("there is room");
        let first = older(Duration::ZERO);
        drop(queue.next());
        // The sink takes it in: it is not safe yet.
        older(first);
        entrance.exchanges(Vec::new()).expect("there is room");
        drop(entrance);
        queue.drain(&mut Nowhere, None);
        assert_eq!(queue.lag(), Duration::ZERO);
    }

    #[test]
    fn a_capture_that_panics_leaves_nobody_waiting() {
        let queue = Queue::new(1);
        let capture = || {
            thread::scope(|scope| {
                scope.spawn(|| queue.drain(&mut Nowhere, None));
                let _entrance = Entrance(&queue);
                resume_unwind(Box::new("as a capture might"));
            });
        };
        assert!(catch_unwind(AssertUnwindSafe(capture)).is_err());
        assert!(queue.lock().is_closed);
    }
}
