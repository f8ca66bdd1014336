//! Waiting for more, without being deaf to a stop.
//!
//! In: a descriptor, and for standard input the flag that says stop. Out: whether there is more; the bytes of a pipe, which ends when
//! the flag is set. A blocking read would not end before the other side speaks again, which it may never do.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until `source` has something to read, or has ended, or a moment has passed; answers whether it has.
pub(super) fn readable(source: &impl AsFd) -> io::Result<bool> {
    readable_within(source, MOMENT)
}

fn readable_within(source: &impl AsFd, wait: Timespec) -> io::Result<bool> {
    let mut watched = [PollFd::new(source, PollFlags::IN)];
    match poll(&mut watched, Some(&wait)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Standard input, which ends when it is told to stop, and says when there is no more for now.
pub(super) struct StoppableInput {
    stop: Arc<AtomicBool>,
    /// Whether something was read since it last said so.
    given: bool,
}

impl StoppableInput {
    pub(super) fn new(stop: &Arc<AtomicBool>) -> Self {
        Self { stop: Arc::clone(stop), given: false }
    }
}

impl Read for StoppableInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Not through `std`, whose buffer may hold what `poll` then waits for.
        let input = rustix::stdio::stdin();
        while !self.stop.load(Ordering::Relaxed) {
            if readable_within(&input, if self.given { INSTANT } else { MOMENT })? {
                self.given = true;
                return Ok(rustix::io::read(input, &mut *into)?);
            }
            if std::mem::take(&mut self.given) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        Ok(0)
    }
}

/// How long more is waited for before what is there is handed on.
const INSTANT: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
/// How long a stop may go unnoticed.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
