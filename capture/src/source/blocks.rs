//! A stream read in large blocks.
//!
//! Bytes flow in from any reader, by one copy; blocks flow out that whoever slices them keeps alive. What stands at the end of a
//! block and is not whole moves to the front of the next. A block is filled again once nobody refers to it, so that memory is
//! neither asked for nor zeroed over and over. Nothing is mapped: a map of the file would count as resident memory, and a pipe
//! has none.
//!
//! ```text
//!        taken              filled
//!   │ cut off │ to be cut off │ to be read │
//!   └─────────┴───────────────┴────────────┘ block
//! ```

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::waiting::MOMENT;

pub(super) struct Blocks {
    reader: Box<dyn Read + Send>,
    pool: Pool,
    block: BytesMut,
    /// `taken ≤ filled ≤ block.len()`.
    taken: usize,
    filled: usize,
    /// Where in the stream the block begins.
    at: u64,
    ended: bool,
    /// How many moments have passed since the last byte came.
    silent: u32,
    /// Comes out once what was read before it has been cut off.
    failure: Option<io::Error>,
}

impl Blocks {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let mut pool = Pool::new(BLOCK);
        let block = pool.take();
        Self { reader, pool, block, taken: 0, filled: 0, at: 0, ended: false, silent: 0, failure: None }
    }

    /// Where in the stream the next byte stands that was not cut off.
    pub(super) const fn at(&self) -> u64 {
        self.at + self.taken as u64
    }

    /// Whether the stream has no more than what is here.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// How long nothing has come, if the sender could have sent something.
    pub(super) fn silence(&self) -> Duration {
        MOMENT * self.silent
    }

    /// The bytes that were read and not cut off, and where in the block they begin.
    pub(super) fn rest(&self) -> (&[u8], usize) {
        (&self.block[self.taken..self.filled], self.taken)
    }

    /// Cuts off `length` bytes of the rest.
    pub(super) fn cut(&mut self, length: usize) {
        self.taken += length;
        debug_assert!(self.taken <= self.filled, "only what was read is cut off");
    }

    /// Gives the block away; what was not cut off becomes the front of the next.
    pub(super) fn give(&mut self) -> Bytes {
        let mut next = self.pool.take();
        let rest = &self.block[self.taken..self.filled];
        if next.len() < rest.len() {
            next.resize(rest.len(), 0);
        }
        next[..rest.len()].copy_from_slice(rest);
        self.at += self.taken as u64;
        self.filled = rest.len();
        self.taken = 0;
        self.pool.give(std::mem::replace(&mut self.block, next))
    }

    /// Reads on until at least `least` bytes are there, or the stream has ended.
    pub(super) fn read(&mut self, least: usize) -> io::Result<()> {
        self.make_room(least);
        while self.filled < least && !self.ended {
            self.read_some()?;
        }
        Ok(())
    }

    /// Reads on until the block is full, whatever comes at a time: what is cut from a stream does not depend on how it is delivered.
    /// Less will do where the stream has ended, or where there are `least` bytes and the sender has been given enough time; or where
    /// nothing at all has come for that long.
    pub(super) fn fill(&mut self, least: usize) -> io::Result<()> {
        self.make_room(least);
        let had = self.filled;
        let (mut moments, mut silent) = (0, 0);
        while self.filled < self.block.len() && !self.ended && self.failure.is_none() && moments < PATIENCE && silent < PATIENCE {
            match self.read_some() {
                Ok(Reading::Goes) => silent = 0,
                Ok(Reading::Waits) => {
                    moments += u32::from(self.filled >= least);
                    silent += 1;
                }
                Err(error) => self.failure = Some(error),
            }
        }
        match self.failure.take() {
            Some(error) if self.filled == had => Err(error),
            failure => {
                self.failure = failure;
                Ok(())
            }
        }
    }

    fn make_room(&mut self, least: usize) {
        if self.taken > 0 {
            self.block.copy_within(self.taken..self.filled, 0);
            self.at += self.taken as u64;
            self.filled -= self.taken;
            self.taken = 0;
        }
        if self.block.len() < least {
            self.block.resize(least, 0);
        }
    }

    fn read_some(&mut self) -> io::Result<Reading> {
        match self.reader.read(&mut self.block[self.filled..]) {
            Ok(0) => self.ended = true,
            Ok(read) => {
                self.filled += read;
                self.silent = 0;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.silent = self.silent.saturating_add(1);
                return Ok(Reading::Waits);
            }
            Err(error) => return Err(error),
        }
        Ok(Reading::Goes)
    }
}

enum Reading {
    Goes,
    /// Another [`MOMENT`](super::waiting::MOMENT) has passed.
    Waits,
}

/// Blocks that were given away, to be filled again once nobody refers to them.
pub(super) struct Pool {
    size: usize,
    /// The youngest in front: its memory is the likeliest to be in a cache.
    given: VecDeque<Bytes>,
}

impl Pool {
    pub(super) const fn new(size: usize) -> Self {
        Self { size, given: VecDeque::new() }
    }

    /// A block; what stands in it means nothing.
    pub(super) fn take(&mut self) -> BytesMut {
        let free = self.given.iter().position(Bytes::is_unique).and_then(|index| self.given.remove(index));
        free.and_then(|block| block.try_into_mut().ok()).unwrap_or_else(|| BytesMut::zeroed(self.size))
    }

    /// Gives a block away for reading.
    pub(super) fn give(&mut self, block: BytesMut) -> Bytes {
        let block = block.freeze();
        // One that was made larger for one record goes for good.
        if block.len() == self.size {
            self.given.truncate(POOL - 1);
            self.given.push_front(block.clone());
        }
        block
    }
}

/// Large beside a packet, and small enough that those under way stay in a processor's own cache from one step to the next: with a
/// megabyte a capture takes a twentieth longer.
pub(super) const BLOCK: usize = 256 << 10;
/// How many moments a block may take to fill, five seconds in all: a live capture that comes through a pipe may be a slow one.
const PATIENCE: u32 = 50;
/// As many as may be on their way at once; those that someone holds longer are not waited for.
const POOL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives at most so many bytes at once, and waits for a moment before each.
    struct Slow(io::Cursor<Vec<u8>>, usize, bool);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let length = into.len().min(self.1);
            self.0.read(&mut into[..length])
        }
    }

    #[test]
    fn gives_what_was_there_across_blocks() {
        let data: Vec<u8> = (0..3 * BLOCK + 17).map(|at| (at % 251) as u8).collect();
        for step in [usize::MAX, 70_001] {
            let mut blocks = Blocks::new(Box::new(Slow(io::Cursor::new(data.clone()), step, false)));
            let (mut got, mut kept) = (Vec::new(), Vec::new());
            for length in (1..).map(|step| step * 99_971 % 1_700_000) {
                blocks.fill(length).expect("memory is read");
                let (rest, from) = blocks.rest();
                let length = rest.len().min(length);
                blocks.cut(length);
                let block = blocks.give();
                got.extend_from_slice(&block[from..from + length]);
                assert_eq!(blocks.at(), got.len() as u64);
                // Every third is held for a while, and must not be filled again.
                if got.len() % 3 == 0 {
                    kept.push((got.len(), block.slice(from..from + length)));
                }
                if length == 0 {
                    break;
                }
            }
            assert!(got == data, "at steps of {step}");
            for (end, slice) in kept {
                assert!(data[end - slice.len()..end] == slice, "a block was filled again that was still held");
            }
        }
    }

    #[test]
    fn a_sender_that_takes_too_long_is_not_waited_for() {
        /// Gives what it has, and then waits for ever.
        struct Silent(&'static [u8]);
        impl Read for Silent {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(into) }
            }
        }
        let mut blocks = Blocks::new(Box::new(Silent(b"abc")));
        blocks.fill(2).expect("memory is read");
        assert_eq!(blocks.rest().0, b"abc");
        // One that gives a byte in each moment, too; but not before there is enough.
        let mut blocks = Blocks::new(Box::new(Slow(io::Cursor::new(vec![0; BLOCK]), 1, false)));
        for (least, filled) in [(1, PATIENCE), (1000, 999 + PATIENCE)] {
            blocks.fill(least).expect("memory is read");
            assert_eq!(blocks.rest().0.len(), filled as usize);
        }
    }

    #[test]
    fn a_block_that_nobody_holds_is_filled_again() {
        let mut pool = Pool::new(100);
        let first = pool.take();
        let address = first.as_ptr();
        let given = pool.give(first);
        assert_ne!(pool.take().as_ptr(), address, "still held");
        drop(given);
        assert_eq!(pool.take().as_ptr(), address);
    }

    #[test]
    fn a_failure_comes_after_what_was_read() {
        struct Fails(bool);
        impl Read for Fails {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("the device is gone"));
                }
                into[..3].copy_from_slice(b"abc");
                Ok(3)
            }
        }
        let mut blocks = Blocks::new(Box::new(Fails(false)));
        blocks.fill(1).expect("three bytes");
        assert_eq!(blocks.rest().0, b"abc");
        assert_eq!(blocks.fill(4).expect_err("then it fails").to_string(), "the device is gone");
    }
}
