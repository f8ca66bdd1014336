//! Waiting for more, without being deaf to a stop.
//!
//! In: a descriptor, and for standard input the flag that says stop. Out: whether there is more; the bytes of a pipe, which ends when
//! the flag is set, and that time passes. A blocking read would not end before the other side speaks again, which it may never do.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until `source` has something to read, or has ended, or a moment has passed; answers whether it has.
fn readable(source: &impl AsFd) -> io::Result<bool> {
    any_readable(std::slice::from_ref(source))
}

/// Waits likewise for any of them.
pub(super) fn any_readable(sources: &[impl AsFd]) -> io::Result<bool> {
    let mut watched: Vec<PollFd<'_>> = sources.iter().map(|source| PollFd::new(source, PollFlags::IN)).collect();
    let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(MOMENT.subsec_nanos()) };
    match poll(&mut watched, Some(&wait)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Standard input, which ends when it is told to stop. Whether or not there is anything to read, it says once in a [`MOMENT`] that
/// it would block: so whoever reads from it knows that time passes.
pub(super) struct StoppableInput {
    stop: Arc<AtomicBool>,
    /// When it said so last.
    told: Instant,
}

impl StoppableInput {
    pub(super) fn new(stop: &Arc<AtomicBool>) -> Self {
        Self { stop: Arc::clone(stop), told: now() }
    }
}

impl Read for StoppableInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Not through `std`, whose buffer may hold what `poll` then waits for.
        let input = rustix::stdio::stdin();
        while !self.stop.load(Ordering::Relaxed) {
            if self.told.elapsed() >= MOMENT {
                self.told = now();
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if readable(&input)? {
                return Ok(rustix::io::read(input, &mut *into)?);
            }
        }
        Ok(0)
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a sender takes is no matter of what it sends")]
fn now() -> Instant {
    Instant::now()
}

/// How long a stop may go unnoticed.
pub(super) const MOMENT: Duration = Duration::from_millis(100);
