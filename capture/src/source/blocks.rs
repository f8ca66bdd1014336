//! A stream read in large blocks.
//!
//! Bytes flow in from any reader; slices flow out that share the block they were read into. A block is freed once the last
//! slice of it is gone. Nothing is mapped: a map of the file would count as resident memory, and a pipe has none.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};

pub(super) struct Blocks {
    reader: Box<dyn Read>,
    buffer: BytesMut,
    /// Where in the stream the buffer begins.
    at: u64,
    ordinal: u64,
    ended: bool,
}

impl Blocks {
    pub(super) fn new(reader: Box<dyn Read>) -> Self {
        Self { reader, buffer: BytesMut::with_capacity(BLOCK), at: 0, ordinal: 0, ended: false }
    }

    /// Where in the stream the next byte stands.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// How many blocks were begun before the present one.
    pub(super) const fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// The next bytes without taking them: `wanted` of them, or fewer if the stream ends before.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.buffer.len() < wanted && !self.ended {
            self.read_some(wanted)?;
        }
        Ok(&self.buffer[..wanted.min(self.buffer.len())])
    }

    /// Takes bytes that a peek has shown.
    pub(super) fn take(&mut self, length: usize) -> Bytes {
        self.at += length as u64;
        self.buffer.split_to(length).freeze()
    }

    /// Passes over `length` bytes, or to the end if that comes first; says how many there were.
    pub(super) fn skip(&mut self, length: u64) -> io::Result<u64> {
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left).map_or(STEP, |left| left.min(STEP));
            let there = self.peek(step)?.len();
            self.take(there);
            left -= there as u64;
            if there < step {
                break;
            }
        }
        Ok(length - left)
    }

    fn read_some(&mut self, wanted: usize) -> io::Result<()> {
        let filled = self.buffer.len();
        if self.buffer.capacity() == filled {
            // What is left over, the beginning of one record, moves to the new block.
            let mut fresh = BytesMut::with_capacity(BLOCK.max(wanted));
            fresh.extend_from_slice(&self.buffer);
            self.buffer = fresh;
            self.ordinal += 1;
        }
        let room = (self.buffer.capacity() - filled).min(STEP);
        self.buffer.resize(filled + room, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + read.as_ref().map_or(0, |read| *read));
        self.ended = read? == 0;
        Ok(())
    }
}

const BLOCK: usize = 1 << 20;
/// A read's size: what is read into is zeroed first, and a pipe gives little at a time.
const STEP: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_was_there_across_blocks() {
        let data: Vec<u8> = (0..3 * BLOCK + 17).map(|at| (at % 251) as u8).collect();
        let mut blocks = Blocks::new(Box::new(io::Cursor::new(data.clone())));
        let mut got = Vec::new();
        for length in (1..).map(|step| step * 997 % 70_000) {
            let there = blocks.peek(length).expect("memory is read").len();
            got.extend_from_slice(&blocks.take(there));
            if there < length {
                break;
            }
        }
        assert_eq!(got, data);
        assert_eq!(blocks.at(), data.len() as u64);
        assert!(blocks.ordinal() >= 3);
    }

    #[test]
    fn skips_to_the_end_and_not_beyond() {
        let mut blocks = Blocks::new(Box::new(io::Cursor::new(vec![7; 300_000])));
        assert_eq!(blocks.skip(299_999).expect("memory is read"), 299_999);
        assert_eq!(blocks.peek(10).expect("memory is read"), &[7]);
        assert_eq!(blocks.skip(10).expect("memory is read"), 1);
    }
}
