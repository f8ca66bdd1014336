//! Where packets come from.
//!
//! A file, a pipe or an interface flows in; packets flow out, in batches, as places in large reference-counted blocks. No
//! header beyond the file format's own is looked at here.

mod blocks;
mod clock;
mod file;
mod filter;
mod live;
mod pcap;
mod pcapng;
mod waiting;

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use reenact_formats::model::{LossLedger, Timestamp};

pub(crate) use self::clock::PacketClock;
pub(crate) use self::file::MAX_PACKET;
pub(crate) use self::filter::Filter;
pub use self::live::{Interface, interfaces};
use self::waiting::StoppableInput;
use crate::{CaptureOptions, Error};

/// Where to capture from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A pcap or pcapng file.
    File(PathBuf),
    /// A pcap or pcapng stream on standard input.
    Stdin,
    /// Network interfaces; `any` is all of them.
    Interfaces(Vec<String>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
            Self::Interfaces(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// A link-layer header type, as libpcap numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link(pub(crate) u32);

/// Packets whose bytes lie in one block.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) block: Bytes,
    pub(crate) packets: Vec<Packet>,
}

impl Batch {
    /// What was captured of `packet`.
    pub(crate) fn data(&self, packet: &Packet) -> &[u8] {
        &self.block[packet.data.start as usize..packet.data.end as usize]
    }
}

/// One packet as it was captured.
pub(crate) struct Packet {
    pub(crate) link: Link,
    pub(crate) at: Timestamp,
    /// Where in its batch's block stands what was captured of it.
    pub(crate) data: Range<u32>,
    /// How long it was on the wire.
    pub(crate) wire_length: u32,
}

/// What a source gives when asked.
pub(crate) enum Next {
    /// The batch holds packets: at least one.
    Packets,
    /// No packet for now; this is the time.
    Tick(Timestamp),
    End,
}

pub(crate) trait PacketSource: Send {
    /// Fills `batch`, whose former contents are let go. A file's batches are the same at each reading; other sources give what
    /// they have after a short wait.
    fn next(&mut self, batch: &mut Batch) -> Result<Next, Error>;

    /// How many bytes were read.
    fn bytes_read(&self) -> u64;

    /// How many there are in all, where that is known.
    fn total_bytes(&self) -> Option<u64> {
        None
    }

    /// What the source itself lost so far.
    fn losses(&mut self) -> LossLedger;

    /// What its user should know of, once.
    fn warning(&mut self) -> Option<String> {
        None
    }

    /// Whether packets come whether or not they are waited for: what is not taken in time is lost.
    fn is_live(&self) -> bool {
        false
    }

    /// About how much of a live source's fullest buffer was taken when its losses were asked for last, in thousandths.
    fn ring_use(&self) -> u32 {
        0
    }

    /// Whether the filter words have been applied already.
    fn filters(&self) -> bool {
        false
    }
}

pub(crate) fn open(source: &Source, options: &CaptureOptions, stop: &Arc<AtomicBool>) -> Result<Box<dyn PacketSource>, Error> {
    Ok(match source {
        Source::File(path) => file::open(path)?,
        Source::Stdin => file::read(source.to_string(), Box::new(StoppableInput::new(stop)), None)?,
        Source::Interfaces(names) => Box::new(live::Live::open(names, options)?),
    })
}

/// Reads packets from anything that can be read, as from a file.
pub(crate) fn from_reader(name: &str, reader: Box<dyn Read + Send>) -> Result<Box<dyn PacketSource>, Error> {
    file::read(name.to_owned(), reader, None)
}
