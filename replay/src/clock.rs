//! What time it is, and waiting until it is later.
//!
//! The wall clock is read once, when a [`RealClock`] is made; from then on time is that plus what the monotonic clock has
//! moved, so that a run's times never jump. Tests bring a [`ManualClock`].

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reenact_formats::model::Timestamp;
use tokio::sync::watch;

use crate::timer::Timer;

/// A wait, to be awaited.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now. Never earlier than before.
    fn now(&self) -> Timestamp;

    /// Something to wait with; made inside of the runtime that waits.
    fn alarm(&self) -> io::Result<Box<dyn Alarm>>;
}

/// Waits, for one waiter.
pub trait Alarm: Send {
    /// Ends at `at` or as soon after as can be, never before.
    fn wait_until(&mut self, at: Timestamp) -> Wait<'_>;
}

/// The time of this machine.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    started: Instant,
    wall: Timestamp,
}

impl RealClock {
    /// Reads the wall clock, for the only time.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), wall: Timestamp::default().saturating_add(wall) }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        self.wall.saturating_add(self.started.elapsed())
    }

    fn alarm(&self) -> io::Result<Box<dyn Alarm>> {
        Ok(Box::new(RealAlarm { clock: *self, timer: Timer::new()? }))
    }
}

struct RealAlarm {
    clock: RealClock,
    timer: Timer,
}

impl Alarm for RealAlarm {
    fn wait_until(&mut self, at: Timestamp) -> Wait<'_> {
        Box::pin(async move {
            loop {
                let left = at.since(self.clock.now());
                if left.is_zero() {
                    return;
                }
                self.timer.wait(left).await;
            }
        })
    }
}

/// Time that moves only when it is told to.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    /// It is `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// It is `duration` later; who waited for that goes on.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| *now = now.saturating_add(duration));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn alarm(&self) -> io::Result<Box<dyn Alarm>> {
        Ok(Box::new(ManualAlarm { now: self.now.subscribe() }))
    }
}

struct ManualAlarm {
    now: watch::Receiver<Timestamp>,
}

impl Alarm for ManualAlarm {
    fn wait_until(&mut self, at: Timestamp) -> Wait<'_> {
        Box::pin(async move {
            if self.now.wait_for(|now| *now >= at).await.is_err() {
                // The clock is gone: it will never be later.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_real_alarm_is_never_early_and_hardly_late() {
        runtime().block_on(async {
            let clock = RealClock::start();
            let mut alarm = clock.alarm().unwrap();
            let mut late = Vec::new();
            for micros in [0, 1, 50, 900, 1100, 2500] {
                let at = clock.now().saturating_add(Duration::from_micros(micros));
                alarm.wait_until(at).await;
                assert!(clock.now() >= at, "{micros}");
                late.push(clock.now().since(at));
            }
            late.sort();
            // Generous: the machine that tests may be busy. The median of a timer wheel of milliseconds would be over it.
            assert!(late[2] < Duration::from_millis(5), "{late:?}");
        });
    }

    #[test]
    fn a_manual_alarm_waits_for_the_hand() {
        runtime().block_on(async {
            let clock = ManualClock::new(Timestamp::from_nanos(10));
            let mut alarm = clock.alarm().unwrap();
            alarm.wait_until(Timestamp::from_nanos(10)).await;
            let hand = clock.clone();
            let waiter = tokio::spawn(async move { alarm.wait_until(Timestamp::from_nanos(12)).await });
            tokio::task::yield_now().await;
            hand.advance(Duration::from_nanos(1));
            tokio::task::yield_now().await;
            assert!(!waiter.is_finished());
            hand.advance(Duration::from_nanos(1));
            waiter.await.unwrap();
            assert_eq!(clock.now(), Timestamp::from_nanos(12));
        });
    }
}
